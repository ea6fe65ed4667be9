"""Notices to those whose services an operation uses: who gets one, and what it says.

Nothing here sends anything. A notice names sites with evidence, the law from the country's policy
and what is asked for; the words stand in `texts/`, a file a language.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from typing import Any

from blocklists.policy import Policy
from crawler.model import Category
from crawler.names import defang

# A notice names so many sites and so much of each; the rest is in the evidence pack.
MAX_SITES = 200
MAX_EVIDENCE = 4
ROLES = ("registrar", "hoster", "cdn")


@dataclass(frozen=True, slots=True)
class Site:
    """A site as a notice shows it; `evidence` are (signal, value or words on the page)."""

    host: str
    reason: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    captured_at: str = ""
    sha256: str = ""
    created: str = ""
    registrar: str = ""
    ip: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets a notice: `role` is registrar, hoster or cdn; `contact` may be unknown."""

    role: str
    name: str
    reference: str
    contact: str
    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, ready to be read and sent by a person."""

    receiver: Receiver
    subject: str
    markdown: str

    @property
    def file_name(self) -> str:
        """A name without a suffix that is safe in any file system and the same every time."""
        whole = f"{self.receiver.name} {self.receiver.reference}"
        plain = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")[:60]
        digest = hashlib.sha256(whole.encode()).hexdigest()[:6]
        return f"{self.receiver.role}-{plain or 'unnamed'}-{digest}"

    def to_json(self) -> dict[str, Any]:
        return {
            "role": self.receiver.role,
            "to": self.receiver.contact,
            "name": self.receiver.name,
            "reference": self.receiver.reference,
            "subject": self.subject,
            "sites": [defang(site.host) for site in self.receiver.sites],
            "markdown": self.markdown,
        }

    def to_mail(self, sender: str, now: datetime) -> bytes:
        """The notice as a draft in the form of RFC 5322 (`X-Unsent` opens it for editing)."""
        mail = EmailMessage()
        mail["Subject"] = self.subject
        if _is_mailbox(self.receiver.contact):
            mail["To"] = self.receiver.contact
        if _is_mailbox(sender):
            mail["From"] = sender
        mail["Date"] = format_datetime(now)
        mail["X-Unsent"] = "1"
        mail.set_content(self.markdown)
        return mail.as_bytes()


def languages() -> list[str]:
    folder = files("crawler") / "notices" / "texts"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir())


@cache
def _texts(language: str) -> Mapping[str, Any]:
    source = files("crawler") / "notices" / "texts" / f"{language}.toml"
    return tomllib.loads(source.read_text("utf-8"))


def concerned(policies: Iterable[Policy], spoken: Iterable[str]) -> list[Policy]:
    """The policies of countries whose languages are spoken on the sites, English left out."""
    primary = {language.partition("-")[0] for language in spoken} - {"en", ""}
    return [
        policy
        for policy in policies
        if primary & {language.partition("-")[0] for language in policy.languages}
    ]


def write(
    operation: Mapping[str, Any],
    receivers: Sequence[Receiver],
    policies: Sequence[Policy],
    *,
    contact: str,
    language: str = "en",
) -> Iterator[Notice]:
    """One notice a receiver. `operation` is what `crawler.behind.operation` gives."""
    texts = _texts(language)
    category = next(iter(operation["categories"]), "other_scam")
    for receiver in receivers:
        words = {
            "name": _line(receiver.name),
            "sites": len(receiver.sites),
            "operation": operation["id"],
            "summary": _line(operation["summary"]),
            "category": texts["category"].get(category, category),
            "contact": contact or "—",
        }
        lines = [
            f"# {texts['subject'].format(**words)}",
            "",
            *([] if receiver.contact else [f"**{texts['unknown_contact'].format(**words)}**", ""]),
            texts["greeting"].format(**words),
            "",
            texts["opening"].format(**words),
            "",
            f"## {texts['request']}",
            "",
            texts["asks"][receiver.role],
            "",
            f"## {texts['laws']}",
            "",
            *_laws(policies, operation["categories"], texts),
            "",
            f"## {texts['sites']}",
            "",
        ]
        for site in receiver.sites[:MAX_SITES]:
            lines += _site(site, texts["evidence"])
        if len(receiver.sites) > MAX_SITES:
            lines.append(f"- … + {len(receiver.sites) - MAX_SITES}")
        lines += ["", texts["closing"].format(**words), ""]
        yield Notice(receiver, texts["subject"].format(**words), "\n".join(lines))


def _laws(
    policies: Sequence[Policy], categories: Sequence[str], texts: Mapping[str, Any]
) -> Iterator[str]:
    told = False
    for policy in policies:
        laws = [
            law
            for category in categories
            if (offence := policy.offences.get(Category(category)))
            for law in offence.laws
        ]
        if laws:
            told = True
            yield f"- {policy.country}: {'; '.join(dict.fromkeys(laws))}"
    if not told:
        yield texts["no_laws"]


def _site(site: Site, texts: Mapping[str, str]) -> Iterator[str]:
    yield f"- {defang(site.host)}"
    if site.reason:
        yield f"  - {_line(site.reason)}"
    for signal, value in site.evidence[:MAX_EVIDENCE]:
        yield "  - " + texts["line"].format(signal=_line(signal), value=_line(value))
    if site.sha256:
        yield "  - " + texts["page"].format(time=site.captured_at, sha256=site.sha256)
    if site.created:
        yield "  - " + texts["registered"].format(
            created=site.created, registrar=_line(site.registrar)
        )
    if site.ip:
        yield "  - " + texts["address"].format(ip=defang(site.ip), network=_line(site.network))


def _line(text: str) -> str:
    """`text` on one line, defanged, without what Markdown, HTML or a terminal would act upon."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    escaped = re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(plain.split()))
    return defang(escaped)[:300]


def _is_mailbox(text: str) -> bool:
    return bool(re.fullmatch(r"[\w.+-]{1,64}@[\w.-]{3,200}", text, re.ASCII))
