"""WHOIS (RFC 3912) over asyncio, parsed by python-whois."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import whois
from whois.exceptions import WhoisDomainNotFoundError

from crawler.enrich import fields
from crawler.model import Registration
from crawler.net.connect import NetError

MAX_ANSWER = 262_144
# What our own reading and python-whois's get to see. The latter's expressions take quadratic time
# in the worst case, and that for .hk never ends (measured with 4 KB of "Registrar:").
MAX_READ = 65_536
MAX_PARSED = 8_192
_UNSAFE = (".hk",)
_QUOTA = re.compile(
    r"limit exceeded|quota|too many (?:requests|queries)|rate limit|try again later|access denied",
    re.I,
)
_ABSENT = re.compile(r"no match|not found|no data found|no entries found|status:\s*free", re.I)


# Knows the server of every TLD that has one (IANA root zone database).
ROOT = "whois.iana.org"
# Servers that python-whois has no constant for, from the IANA root zone database.
_SERVERS = {
    "com": "whois.verisign-grs.com",
    "net": "whois.verisign-grs.com",
    "cc": "ccwhois.verisign-grs.com",
    "tv": "whois.nic.tv",
    "org": "whois.publicinterestregistry.org",
    "info": "whois.nic.info",
    "io": "whois.nic.io",
    "top": "whois.nic.top",
    "xyz": "whois.nic.xyz",
    "cn": "whois.cnnic.cn",
    "tw": "whois.twnic.net.tw",
    "th": "whois.thnic.co.th",
    "la": "whois.nic.la",
    "id": "whois.id",
    "my": "whois.mynic.my",
}


class _Table(whois.NICClient):  # type: ignore[misc]
    """python-whois's choice of servers without its own look-up over the network."""

    def findwhois_iana(self, tld: str) -> None:
        return None


def server_for(domain: str) -> str:
    """The WHOIS server of the domain's registry, "" when only IANA's can tell."""
    known = _SERVERS.get(domain.rpartition(".")[2])
    return known or str(_Table().choose_server(domain) or "")


def referral(text: str) -> str:
    """The server that an answer of IANA's refers to, "" when the TLD has none."""
    found = re.search(r"^(?:whois|refer):[ \t]+([a-z0-9.-]{4,100})\s*$", text, re.M | re.I)
    return found.group(1).lower() if found else ""


def registrar_server(text: str) -> str:
    """The registrar's own server that a thin registry's answer names, "" when it names none."""
    found = re.search(
        r"^[ \t]{0,20}Registrar WHOIS Server:[ \t]{0,20}(?:r?whois://)?([a-z0-9.-]{4,100})\s*$",
        text[:MAX_READ],
        re.M | re.I,
    )
    return found.group(1).lower().rstrip(".") if found else ""


def completed(found: Registration, more: Registration) -> Registration:
    """`found` with what only `more` tells; both texts are kept."""
    if more.failure:
        return found
    missing = {
        name: value
        for name in ("country", "organisation", "abuse_contact", "registrar_iana_id", "dnssec")
        if not getattr(found, name) and (value := getattr(more, name))
    }
    return replace(found, **missing, raw=f"{found.raw}\n{more.raw}"[: 2 * MAX_ANSWER])


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, domain: str, timeout: float
) -> str:
    """One question and its whole answer. Raises NetError."""
    try:
        async with asyncio.timeout(timeout):
            writer.write(domain.encode("ascii") + b"\r\n")
            await writer.drain()
            answer = bytearray()
            while chunk := await reader.read(16_384):
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise NetError("too long", f"more than {MAX_ANSWER:,} bytes")
    except TimeoutError as error:
        raise NetError("timeout", f"after {timeout:g} s") from error
    except OSError as error:
        raise NetError("reset", str(error)[:200]) from error
    finally:
        writer.close()
    return answer.decode("utf-8", "replace")


def parse(domain: str, text: str, now: datetime) -> Registration:
    """The registration in a WHOIS answer; what is none becomes a failure, its text kept."""

    def failed(reason: str) -> Registration:
        return Registration(domain, "whois", now, raw=text, failure=reason)

    if not text.strip():
        return failed("empty answer")
    if "<html" in text[:2_000].lower():
        return failed("an HTML page instead of an answer")
    entry: dict[str, object] = {}
    trouble = ""
    try:
        if not domain.endswith(_UNSAFE):
            entry = whois.parser.WhoisEntry.load(domain, text[:MAX_PARSED])
    except WhoisDomainNotFoundError:
        trouble = "not found" if _ABSENT.search(text[:MAX_READ]) else "not understood"
    except Exception as error:
        # The parser fails in its own ways on what registries make up.
        trouble = f"not understood: {type(error).__name__}"
    own = fields.values(text[:MAX_READ])
    registrar = _text(entry.get("registrar")) or _first(own, "registrar")
    created = _own_moment(own, "created", domain) or _moment(entry.get("creation_date"))
    if trouble == "not found" or not (registrar or created):
        if _QUOTA.search(text[:3_000]):
            return failed("quota")
        absent = _ABSENT.search(text[:3_000])
        return failed("not found" if absent else trouble or "not understood")
    iana = re.search(r"Registrar IANA ID:\s{0,9}(\d{1,6})", text, re.I)
    abuse = re.search(r"Abuse Contact Email:[ \t]{0,9}([^\s@]{1,100}@[^\s@]{3,100})", text, re.I)
    return Registration(
        domain=domain,
        source="whois",
        fetched_at=now,
        registrar=registrar,
        registrar_iana_id=iana.group(1) if iana else "",
        created=created,
        updated=_own_moment(own, "updated", domain) or _moment(entry.get("updated_date")),
        expires=_own_moment(own, "expires", domain) or _moment(entry.get("expiration_date")),
        statuses=tuple(
            item.split(" http")[0]
            for item in _texts(entry.get("status")) or fields.pick(own, "statuses")
        ),
        name_servers=_servers(
            _texts(entry.get("name_servers")) or fields.pick(own, "name_servers")
        ),
        country=fields.told(_text(entry.get("country")) or _first(own, "country")),
        organisation=fields.told(_text(entry.get("org")) or _first(own, "organisation")),
        abuse_contact=abuse.group(1) if abuse else "",
        dnssec=_dnssec(_first(own, "dnssec")),
        raw=text,
    )


def _dnssec(told: str) -> str:
    """signed, unsigned, or "" as registries write it: signedDelegation, unsigned, yes, no …"""
    word = re.sub(r"\W", "", told).lower()
    if word in ("unsigned", "no", "inactive", "unsigneddelegation"):
        return "unsigned"
    return "signed" if word in ("signed", "yes", "active", "signeddelegation") else ""


def _first(own: Mapping[str, tuple[str, ...]], field: str) -> str:
    return next(iter(fields.pick(own, field)), "")


def _own_moment(own: Mapping[str, tuple[str, ...]], field: str, domain: str) -> datetime | None:
    return fields.moment(_first(own, field), domain)


def _servers(texts: Iterable[str]) -> tuple[str, ...]:
    """The names in the values: one a line, addresses and remarks behind it."""
    names: set[str] = set()
    for line in (line for text in texts for line in text.splitlines()):
        name = next(iter(line.lower().split()), "").rstrip(".,")
        if re.fullmatch(r"(?!\d+\.)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,8}", name):
            names.add(name)
    return tuple(sorted(names))


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value] if value else []
    return tuple(str(item)[:300] for item in values)


def _text(value: object) -> str:
    return next(iter(_texts(value)), "")


def _moment(value: object) -> datetime | None:
    values = value if isinstance(value, list) else [value]
    for item in values:
        if isinstance(item, datetime):
            return item if item.tzinfo else item.replace(tzinfo=UTC)
    return None
