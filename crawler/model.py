"""The frozen dataclasses that flow from a report to a list. This module imports nothing of ours.

Every `datetime` is timezone-aware UTC. Every `host` is a lower-case A-label FQDN without a final
dot, or an IP address literal; see `crawler.names.normalise_host`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Category(StrEnum):
    """What a page or host is, as the published lists name it."""

    GAMBLING = "gambling"
    INVESTMENT = "investment"
    OTHER_SCAM = "other_scam"
    BENIGN = "benign"
    UNKNOWN = "unknown"

    @property
    def is_scam(self) -> bool:
        return self in (Category.GAMBLING, Category.INVESTMENT, Category.OTHER_SCAM)


class Role(StrEnum):
    """What a report says of a host that it mentions."""

    ACCUSED = "accused"
    PLATFORM = "platform"
    VICTIM = "victim"
    REPORTER = "reporter"
    EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class Report:
    """One document that was handed in. `id` is the SHA-256 of its content, hexadecimal."""

    id: str
    source: str
    kind: str
    title: str
    language: str
    published: datetime | None
    fetched_at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A host named in a report, with its role and at most 300 characters around it."""

    report_id: str
    url: str
    host: str
    registered_domain: str
    role: Role
    context: str
    priority: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A URL worth a visit. `via` is `report:ID` or the URL of the page that led here.

    `priority` is in [0, 1]; `depth` counts the pages between the report and this URL.
    """

    url: str
    host: str
    registered_domain: str
    via: str
    context: str
    priority: float
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A link as found on a page.

    `kind`: anchor, redirect, refresh, script, frame, amphtml or canonical.
    """

    url: str
    text: str
    kind: str = "anchor"


@dataclass(frozen=True, slots=True)
class Document:
    """What HTML shows, by place, with white space collapsed.

    `places` has the keys title, meta, heading, anchor, button, alt, script, comment and body;
    each value is limited text, "" when absent. `text` is the visible text as a reader sees it.
    """

    text: str
    links: tuple[Link, ...]
    places: Mapping[str, str]
    language: str
    charset: str
    scripts: tuple[str, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a web server. `failure` names why there is no answer, "" when there is one."""

    url: str
    final_url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    document: Document
    fetched_at: datetime
    redirects: tuple[str, ...] = ()
    rendered: bool = False
    ip: str = ""
    profile: str = "crawler"
    failure: str = ""

    @property
    def text(self) -> str:
        return self.document.text

    @property
    def links(self) -> tuple[Link, ...]:
        return self.document.links

    def header(self, name: str) -> str:
        """The value of a header field, "" when it is absent; `name` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reason for or against a verdict.

    `weight` is a log-odds contribution (natural logarithm) towards `category`; negative speaks
    for innocence. `page` is the URL where a person can check `snippet`.
    """

    signal: str
    category: Category
    weight: float
    value: str
    snippet: str
    page: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision; `probability` in [0, 1] is that of being a scam of any category."""

    category: Category
    kind: str
    probability: float
    evidence: tuple[Evidence, ...]
    model: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A domain's registration from RDAP (RFC 9083) or WHOIS (RFC 3912). `raw` is the answer."""

    domain: str
    source: str
    fetched_at: datetime
    registrar: str = ""
    registrar_iana_id: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    statuses: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()
    country: str = ""
    organisation: str = ""
    abuse_contact: str = ""
    dnssec: str = ""
    raw: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One value of one record type; `failure` is set (and `value` "") when the look-up failed."""

    host: str
    type: str
    value: str
    ttl: int
    fetched_at: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Hosting:
    """Where an address is announced from. `asn` 0 when unknown.

    `organisation` and `abuse_contact` are those of the network's own registration (RDAP).
    """

    ip: str
    fetched_at: datetime
    asn: int = 0
    prefix: str = ""
    as_name: str = ""
    country: str = ""
    source: str = ""
    raw: str = ""
    failure: str = ""
    organisation: str = ""
    abuse_contact: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The leaf certificate that a host showed.

    `sha256` is of its DER form, `key_sha256` of its public key (SubjectPublicKeyInfo, DER), which
    outlives renewals; both hexadecimal.
    """

    host: str
    fetched_at: datetime
    sha256: str = ""
    key_sha256: str = ""
    issuer: str = ""
    subject: str = ""
    names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    raw: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Everything looked up about one host. `favicon` is its hash as Shodan counts it."""

    host: str
    registration: tuple[Registration, ...] = ()
    dns: tuple[DnsRecord, ...] = ()
    hosting: tuple[Hosting, ...] = ()
    certificate: Certificate | None = None
    favicon: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """Something that its owner had to register or choose: a wallet, an analytics id, a handle."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Sites run by the same people. `id` stays the same across runs; `confidence` in [0, 1].

    `reasons` says in words why each member belongs.
    """

    id: str
    members: tuple[str, ...]
    identifiers: tuple[Identifier, ...]
    confidence: float
    summary: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """An entry of a list. `domain` blocks itself and all below it, unless `exact`."""

    domain: str
    list: str
    tier: str
    since: datetime
    reason: str
    expires: datetime | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A published state. `files` maps a relative path to its SHA-256, bytes and entries."""

    serial: int
    published_at: datetime
    files: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    added: int = 0
    removed: int = 0
