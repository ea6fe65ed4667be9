"""`scamtrail.toml` → `Config`. Every key is a field below; an unknown or wrong one is refused."""

import dataclasses
import ipaddress
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crawler.outcome import Exit, Failure

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Failure):
    """The configuration cannot be used; the message names file, line and fix."""

    code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """How to reach the web.

    dns: resolvers as "ADDRESS" or "ADDRESS:PORT"; empty means the system's.
    allow_private: networks that the address guard lets through although they are not public.
    port_map: connect to another port than the URL names, e.g. for the practice internet.
    user_agent: what the crawler calls itself; name a contact in it.
    timeout: seconds for one request, connection and body included.
    max_bytes: limit of one body, counted after decompression.
    max_wire_bytes: limit of one body as it comes, before decompression.
    max_header_bytes: limit of one header field.
    robots: "obey" robots.txt, "report" what it forbids and fetch it, or "ignore" it; see below.
    victim_proxy: "http://USER:PASSWORD@HOST:PORT", a proxy (CONNECT) in the victims' country; what
      is looked at as a victim goes through it, in a browser too; empty means directly.

    The default is "ignore": robots.txt is written by those whom reports accuse, and who is
    suspected does not choose what may be seen of him. What it protects, a server's load, the
    budgets of [crawl] protect better. A crawl that also visits many innocents should obey.
    """

    dns: tuple[str, ...] = ()
    allow_private: tuple[str, ...] = ()
    port_map: Mapping[int, int] = field(default_factory=dict)
    user_agent: str = "scamtrail/0.1 (fraud research; set network.user_agent to name a contact)"
    timeout: float = 20.0
    max_bytes: int = 3_000_000
    max_wire_bytes: int = 3_000_000
    max_header_bytes: int = 16_380
    robots: str = "ignore"
    victim_proxy: str = ""


@dataclass(frozen=True, slots=True)
class WhoisConfig:
    """server: one "HOST:PORT" for every TLD; empty means the registries' own servers."""

    server: str = ""


@dataclass(frozen=True, slots=True)
class RdapConfig:
    """Where registrations are looked up first.

    base: one RDAP service for every TLD; empty means those that IANA's bootstrap names.
    bootstrap: where that registry (RFC 9224) is fetched once a month; empty means as shipped.
    """

    base: str = ""
    bootstrap: str = "https://data.iana.org/rdap/dns.json"


@dataclass(frozen=True, slots=True)
class HostingConfig:
    """Where the network of an address is looked up.

    asn_table: TSV (iptoasn form) or .mmdb (GeoLite2 ASN, DB-IP, IPinfo); empty: Team Cymru's DNS.
    """

    asn_table: str = ""


@dataclass(frozen=True, slots=True)
class CrawlConfig:
    """Budgets of one run.

    max_pages_per_site: pages fetched per host.
    max_pages_per_domain: pages fetched per registered domain, all its hosts together.
    max_pages_per_ip: pages of one run fetched from one address; 0 means no limit.
    max_pages_per_shape: pages of a host whose addresses differ in numbers or ids only.
    max_same_pages: such pages that say the same again, after which no more are fetched.
    max_seconds_per_site: time of all requests of one run to one host together.
    concurrency: requests under way at once; never more than one per host.
    delay: seconds between two requests to one host, give or take a half.
    ip_rate: requests a second to one address, all its hosts together; 0 means no limit.
    window: hours of the day in UTC in which is crawled, as "22:00-06:00"; empty means all.
    max_depth: pages between a report and a URL.
    max_redirects: redirects in a row.
    max_url_length: characters of a URL.
    max_path_depth: segments of a path.
    max_links_per_page: links of one page that are looked at.
    max_queue: URLs that wait; beyond, no further ones are queued.
    min_priority: URLs below this priority (0..1) are not fetched.
    recheck_hours: a listed site is fetched again when its last check is older.
    max_pages: pages of one run; 0 means no limit.
    """

    max_pages_per_site: int = 8
    max_pages_per_domain: int = 40
    max_pages_per_ip: int = 5_000
    max_pages_per_shape: int = 6
    max_same_pages: int = 2
    max_seconds_per_site: float = 180.0
    concurrency: int = 64
    delay: float = 0.5
    ip_rate: float = 20.0
    window: str = ""
    max_depth: int = 12
    max_redirects: int = 8
    max_url_length: int = 2_000
    max_path_depth: int = 20
    max_links_per_page: int = 1_000
    max_queue: int = 5_000_000
    min_priority: float = 0.05
    recheck_hours: float = 24.0
    max_pages: int = 0


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """Pages that only scripts fill, shown in Chromium; needs the extra `render`.

    use: "auto" renders when a browser is installed, "never" does not.
    browser: path of Chromium; empty means the one on the PATH.
    pages: pages shown at once.
    max_pages: pages shown in one run.
    seconds: time for one page, all that it loads included.
    max_memory_mb: what the browser's processes may hold together; beyond, it is ended.
    max_requests: connections for one page.
    max_bytes: bytes for one page, all that it loads included.
    screenshot_height: pixels of a page that a screenshot shows.
    screenshot_bytes: size of a screenshot; a larger one is made coarser, then left out.
    """

    use: str = "auto"
    browser: str = ""
    pages: int = 2
    max_pages: int = 300
    seconds: float = 15.0
    max_memory_mb: int = 1_500
    max_requests: int = 150
    max_bytes: int = 20_000_000
    screenshot_height: int = 6_000
    screenshot_bytes: int = 1_500_000


@dataclass(frozen=True, slots=True)
class SourcesConfig:
    """Which sources of the catalogue a run fetches.

    use: names, or the groups "official", "community" (those whose form was seen) and "all".
    """

    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """How much proof is kept of pages behind verdicts, in evidence/.

    keep_days: files older than this are removed.
    max_gb: the oldest files are removed when all together are larger; 0 keeps no proof at all.
    """

    keep_days: float = 365.0
    max_gb: float = 5.0


@dataclass(frozen=True, slots=True)
class ScaleConfig:
    """A crawl on several machines, see docs/scale.md.

    redis: a redis:// or rediss:// (TLS) URL that carries what waits and what was found to and from
      workers; empty crawls in this process.
    name: the workspace's name in Redis, the same for all its machines; empty means its folder's.
    window: URLs given out at once, one a host; more than all workers have under way.
    """

    redis: str = ""
    name: str = ""
    window: int = 4096


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """What is published, and when publishing is refused.

    keep_days: an entry leaves when its site was last seen guilty longer ago.
    max_removed_percent: more than this share of the entries removed at once is refused.
    max_added_percent: the same for entries added, once there are 1,000.
    title, homepage, licence, contact: stand in every file's header; contact is for appeals.
    reference: files of host names (one a line, .gz too) that may never be listed.
    policies: countries that get a list, e.g. ["th", "vn"]; empty means all, ["none"] none.
    """

    keep_days: int = 90
    max_removed_percent: float = 20.0
    max_added_percent: float = 400.0
    title: str = "scamtrail"
    homepage: str = ""
    licence: str = "CC0-1.0"
    contact: str = ""
    reference: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupConfig:
    """Copies of findings.db that a run makes in backups/.

    every_hours: a run makes one when the last is older; 0 makes none.
    keep: so many of the newest stay.
    """

    every_hours: float = 24.0
    keep: int = 3


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """every_hours: between two runs (a divisor of 24), for scamtrail schedule and status."""

    every_hours: int = 2


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The log of runs, logs/scamtrail.log.

    format: "text" (key=value) or "json", one line an event.
    max_mb: a log of this size is put aside as scamtrail.log.1 and a new one begun.
    keep: so many are kept aside.
    """

    format: str = "text"
    max_mb: float = 10.0
    keep: int = 5


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """What other programs are told.

    textfile: a file ending in .prom that each run writes for Prometheus's node exporter.
    webhook: an address that gets a JSON document when publishing is refused (safety stop).
    """

    textfile: str = ""
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; sections are the tables of the TOML file."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    whois: WhoisConfig = field(default_factory=WhoisConfig)
    rdap: RdapConfig = field(default_factory=RdapConfig)
    hosting: HostingConfig = field(default_factory=HostingConfig)
    crawl: CrawlConfig = field(default_factory=CrawlConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    backup: BackupConfig = field(default_factory=BackupConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    log: LogConfig = field(default_factory=LogConfig)
    alert: AlertConfig = field(default_factory=AlertConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)

    @property
    def nameservers(self) -> tuple[tuple[str, int], ...]:
        return tuple(endpoint(server, 53) for server in self.network.dns)

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        return tuple(ipaddress.ip_network(text) for text in self.network.allow_private)


def load(path: Path) -> Config:
    """The configuration in `path`. Raises ConfigError naming file, line and fix."""
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; make a workspace with scamtrail init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found.group(1) if found else len(text.splitlines())
        raise ConfigError(f"{path}:{line}: not valid TOML: {error}") from error
    return parse(tables, text=text, name=str(path))


def parse(tables: Mapping[str, Any], *, text: str = "", name: str = "scamtrail.toml") -> Config:
    """The configuration in parsed TOML; `text` and `name` serve the messages."""
    sections: dict[str, Any] = {}
    known = {item.name: item for item in dataclasses.fields(Config)}
    for section, values in tables.items():
        if section not in known or not isinstance(values, dict):
            what = "section" if isinstance(values, dict) else "key outside a section"
            raise ConfigError(
                f"{name}:{_line(text, section, '')}: unknown {what} {section!r}; "
                f"sections are {', '.join(known)}"
            )
        kind = typing.get_type_hints(Config)[section]
        sections[section] = _section(kind, section, values, text, name)
    return Config(**sections)


def endpoint(text: str, default_port: int) -> tuple[str, int]:
    """("ADDRESS", port) of "ADDRESS", "ADDRESS:PORT" or "[V6]:PORT". Raises ValueError."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    number = int(port) if port else default_port
    if not host or not 0 < number < 65536:
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    return host, number


def _section(kind: Any, section: str, values: Mapping[str, Any], text: str, name: str) -> Any:
    hints = typing.get_type_hints(kind)
    given: dict[str, Any] = {}
    for key, value in values.items():
        where = f"{name}:{_line(text, section, key)}"
        if key not in hints:
            raise ConfigError(
                f"{where}: unknown key {section}.{key}; keys are {', '.join(sorted(hints))}"
            )
        try:
            given[key] = _value(hints[key], value)
            _check(section, key, given[key])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{where}: {section}.{key}: {error}") from error
    return kind(**given)


def _value(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise TypeError('expects a list of strings, e.g. ["one", "two"]')
        return tuple(value)
    if origin is Mapping:
        if not isinstance(value, dict):
            raise TypeError('expects a table of ports, e.g. { "80" = 8080 }')
        ports = {int(key): port for key, port in value.items()}
        if not all(type(port) is int and 0 < port < 65536 for port in [*ports, *ports.values()]):
            raise ValueError("a port is a number from 1 to 65535")
        return types.MappingProxyType(ports)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise TypeError(f"expects {_NAMES[hint]}, not {value!r}")
    if hint in (int, float) and value < 0:
        raise ValueError("must not be negative")
    return value


_NAMES = {str: "a string in quotes", int: "a whole number", float: "a number"}
_DIVISORS = (1, 2, 3, 4, 6, 8, 12, 24)
_POSITIVE = {
    "concurrency",
    "keep",
    "max_bytes",
    "max_pages_per_domain",
    "max_pages_per_site",
    "timeout",
    "window",
    "pages",
    "seconds",
    "max_memory_mb",
    "max_requests",
}


_PROXY = re.compile(r"http://(?:[^\s/@]+@)?(?:[\w.-]+|\[[\da-f:]+\]):\d{1,5}/?", re.I)
_WINDOW = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d")


def _check(section: str, key: str, value: Any) -> None:
    if key in _POSITIVE and value <= 0:
        raise ValueError("must be above 0")
    match (section, key):
        case ("network", "allow_private"):
            for network in value:
                ipaddress.ip_network(network)
        case ("network", "dns"):
            for server in value:
                ipaddress.ip_address(endpoint(server, 53)[0])
        case ("whois", "server") if value:
            endpoint(value, 43)
        case ("rdap", "base" | "bootstrap") if value and not value.startswith(
            ("http://", "https://")
        ):
            raise ValueError("expects an http:// or https:// address")
        case ("alert", "webhook") if value and not value.startswith(("http://", "https://")):
            raise ValueError("expects an http:// or https:// address")
        case ("log", "format") if value not in ("text", "json"):
            raise ValueError('is "text" or "json"')
        case ("scale", "redis") if value and not value.startswith(("redis://", "rediss://")):
            raise ValueError("expects a redis:// or rediss:// address")
        case ("schedule", "every_hours") if value not in _DIVISORS:
            raise ValueError(f"is one of {', '.join(map(str, _DIVISORS))}")
        case ("network", "robots") if value not in ("obey", "report", "ignore"):
            raise ValueError('expects "obey", "report" or "ignore"')
        case ("network", "victim_proxy") if value and not _PROXY.fullmatch(value):
            # The value may hold a password, so it is not repeated.
            raise ValueError('expects "http://HOST:PORT" or "http://USER:PASSWORD@HOST:PORT"')
        case ("crawl", "window") if value and not _WINDOW.fullmatch(value):
            raise ValueError('expects hours such as "22:00-06:00"')
        case ("render", "use") if value not in ("auto", "never"):
            raise ValueError('expects "auto" or "never"')
        case ("publish", "max_removed_percent") if value > 100:
            raise ValueError("is a share from 0 to 100")


def _line(text: str, section: str, key: str) -> int:
    """The line of a key, or of its section, for the message; 1 when it cannot be told."""
    current = ""
    at = 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([\w.-]+)", line):
            current = header.group(1)
            if current == section:
                at = number
                if not key:
                    return number
        elif re.match(rf"\s*[\"']?{re.escape(key or section)}[\"']?\s*=", line) and (
            current == section or not key
        ):
            return number
    return at
