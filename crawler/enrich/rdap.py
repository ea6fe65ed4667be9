"""RDAP (RFC 9082, RFC 9083): JSON over HTTP, with the same guard as every other connection."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from crawler.model import Registration

MAX_ANSWER = 1_000_000

# TLD → base, from the IANA bootstrap registry (RFC 9224), for the TLDs met most.
BOOTSTRAP: dict[str, str] = {
    "com": "https://rdap.verisign.com/com/v1/",
    "net": "https://rdap.verisign.com/net/v1/",
    "cc": "https://tld-rdap.verisign.com/cc/v1/",
    "tv": "https://tld-rdap.verisign.com/tv/v1/",
    "org": "https://rdap.publicinterestregistry.org/rdap/",
    "info": "https://rdap.identitydigital.services/rdap/",
    "io": "https://rdap.identitydigital.services/rdap/",
    "vip": "https://rdap.nic.vip/",
    "xyz": "https://rdap.centralnic.com/xyz/",
    "site": "https://rdap.centralnic.com/site/",
    "online": "https://rdap.centralnic.com/online/",
    "store": "https://rdap.centralnic.com/store/",
    "top": "https://rdap.zdnsgtld.com/top/",
    "shop": "https://rdap.gmoregistry.net/rdap/",
    "app": "https://pubapi.registry.google/rdap/",
    "dev": "https://pubapi.registry.google/rdap/",
    "id": "https://rdap.pandi.id/rdap/",
    "sg": "https://rdap.sgnic.sg/rdap/",
    "tw": "https://ccrdap.twnic.tw/tw/",
    "th": "https://rdap.thains.co.th/",
}


def bootstrap(document: bytes) -> dict[str, str]:
    """TLD → service of a bootstrap registry (RFC 9224 §3, §4), HTTPS before HTTP.

    Raises ValueError when it is none.
    """
    try:
        found = json.loads(document)
        services = found["services"]
        table: dict[str, str] = {}
        for names, urls in services:
            good = sorted(url for url in urls if url.startswith(("http://", "https://")))
            for name in names if good else ():
                table[str(name).lower().lstrip(".")] = good[-1]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no RDAP bootstrap registry (RFC 9224): {error!r}"[:200]) from error
    if not table:
        raise ValueError("no RDAP bootstrap registry (RFC 9224): it names no service")
    return table


def url_for(domain: str, base: str, newer: Mapping[str, str] | None = None) -> str:
    """Where to ask about `domain`, "" when no service is known."""
    tld = domain.rpartition(".")[2]
    root = base or (newer or {}).get(tld) or BOOTSTRAP.get(tld, "")
    return f"{root.rstrip('/')}/domain/{domain}" if root else ""


# The registry that Team Cymru names for an address → its RDAP service (RFC 9224 §5).
NETWORKS: dict[str, str] = {
    "arin": "https://rdap.arin.net/registry/",
    "ripencc": "https://rdap.db.ripe.net/",
    "apnic": "https://rdap.apnic.net/",
    "lacnic": "https://rdap.lacnic.net/rdap/",
    "afrinic": "https://rdap.afrinic.net/rdap/",
}


def network_url(ip: str, registry: str, base: str) -> str:
    """Where to ask about an address (RFC 9082 §3.1.1), "" when no service is known."""
    root = base or NETWORKS.get(registry, "")
    return f"{root.rstrip('/')}/ip/{ip}" if root else ""


def parse_network(status: int, body: bytes) -> tuple[str, str]:
    """(organisation, abuse contact) of an IP network object (RFC 9083 §5.4), "" for what is not
    told."""
    if status != 200:
        return "", ""
    try:
        found = json.loads(body)
        if not isinstance(found, dict) or found.get("objectClassName") != "ip network":
            return "", ""
        entities = list(_entities(found.get("entities") or [], 0))
        owner = next((i for i in entities if "registrant" in (i.get("roles") or [])), {})
        abuse = next((i for i in entities if "abuse" in (i.get("roles") or [])), {})
        organisation = _card(owner, "org") or _card(owner, "fn") or str(found.get("name") or "")
        return organisation[:200], _card(abuse, "email")
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        return "", ""


def _entities(items: list[dict[str, Any]], depth: int) -> Iterator[dict[str, Any]]:
    """The entities, then those within them."""
    yield from items[:50]
    if depth < 3:
        for item in items[:50]:
            yield from _entities(item.get("entities") or [], depth + 1)


def parse(domain: str, status: int, body: bytes, now: datetime) -> Registration:
    """The registration in an RDAP answer; anything else becomes a failure, its text kept."""
    text = body.decode("utf-8", "replace")

    def failed(reason: str) -> Registration:
        return Registration(domain, "rdap", now, raw=text, failure=reason)

    if status == 404:
        return failed("not found")
    if status == 429:
        return failed("quota")
    if status != 200:
        return failed(f"status {status}")
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("objectClassName") != "domain":
            return failed("not an RDAP domain object")
        return _registration(domain, found, text, now)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        return failed(f"not understood: {type(error).__name__}")


def _registration(domain: str, found: dict[str, Any], text: str, now: datetime) -> Registration:
    events = {
        event.get("eventAction"): _moment(event.get("eventDate"))
        for event in found.get("events") or []
    }
    entities = found.get("entities") or []
    registrar: dict[str, Any] = next(
        (item for item in entities if "registrar" in (item.get("roles") or [])), {}
    )
    registrant: dict[str, Any] = next(
        (item for item in entities if "registrant" in (item.get("roles") or [])), {}
    )
    abuse: dict[str, Any] = next(
        (
            item
            for item in [*(registrar.get("entities") or []), *entities]
            if "abuse" in (item.get("roles") or [])
        ),
        {},
    )
    ids = registrar.get("publicIds") or []
    return Registration(
        domain=domain,
        source="rdap",
        fetched_at=now,
        registrar=_card(registrar, "fn"),
        registrar_iana_id=str(ids[0].get("identifier", "")) if ids else "",
        created=events.get("registration"),
        updated=events.get("last changed"),
        expires=events.get("expiration"),
        statuses=tuple(str(item)[:100] for item in found.get("status") or []),
        name_servers=tuple(
            sorted(
                str(item.get("ldhName", "")).lower().rstrip(".")
                for item in found.get("nameservers") or []
            )
        ),
        organisation=_card(registrant, "org") or _card(registrant, "fn"),
        country=_country(registrant),
        abuse_contact=_card(abuse, "email"),
        dnssec=_dnssec(found.get("secureDNS")),
        raw=text,
    )


def _dnssec(told: object) -> str:
    """signed, unsigned, or "" (RFC 9083 §5.3, secureDNS)."""
    signed = told.get("delegationSigned") if isinstance(told, dict) else None
    return "" if signed is None else "signed" if signed is True else "unsigned"


def _card(entity: dict[str, Any], field: str) -> str:
    """A text of a jCard (RFC 7095)."""
    for item in (entity.get("vcardArray") or ["vcard", []])[1]:
        if item[0] == field and isinstance(item[3], str):
            return item[3][:300]
    return ""


def _country(entity: dict[str, Any]) -> str:
    for item in (entity.get("vcardArray") or ["vcard", []])[1]:
        if item[0] == "adr":
            parameter = item[1].get("cc") if isinstance(item[1], dict) else None
            return str(parameter or (item[3][6] if isinstance(item[3], list) else ""))[:60]
    return ""


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
