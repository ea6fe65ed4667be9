"""The plan of the practice internet: which hosts there are, who runs them, how they are reached.

Everything follows from the seed. A host is a light record; its pages are rendered when asked for.
All names stand under the reserved `.test` (RFC 6761); all texts and brands are invented.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from crawler.sandbox import wallets
from crawler.sandbox.phrases import INNOCENT

# Loopback addresses of the practice web; 127.0.0.1 stays outside and must never be connected to.
NETWORK = "127.64.0.0/10"
BULLETPROOF = tuple(f"127.64.0.{number}" for number in range(1, 13))
ORDINARY = tuple(f"127.64.1.{number}" for number in range(1, 9))
SHARED_CDN = "127.64.2.1"
ADDRESSES = (*BULLETPROOF, *ORDINARY, SHARED_CDN)
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)

_KINDS = (
    ("gambling", "vi"), ("investment", "zh"), ("gambling", "th"), ("investment", "en"),
    ("gambling", "id"), ("gambling", "zh"), ("investment", "vi"), ("gambling", "zh-hant"),
    ("investment", "th"), ("gambling", "en"), ("investment", "id"), ("gambling", "ms"),
    ("gambling", "km"), ("gambling", "lo"), ("gambling", "my"),
)  # fmt: skip
_CHARSETS = {5: "gb18030", 7: "big5", 8: "cp874"}
_HEADS = ("lucky", "royal", "golden", "mega", "star", "jade", "tiger", "dragon", "nova", "apex",
          "zeta", "orion", "delta", "pearl", "silk", "mango")  # fmt: skip
_GAMBLING_TAILS = ("bet", "win", "play", "club", "game", "vip")
_INVESTMENT_TAILS = ("fx", "capital", "trade", "coin", "wealth", "mining")
_REGISTRARS = (
    ("Quickname Registry Services", "9991", "abuse@quickname.test"),
    ("Harbour Domains", "9992", "abuse@harbourdomains.test"),
    ("Northwind Names", "9993", "abuse@northwind-names.test"),
)
# Kinds of innocent sites: how many of 100, and the language of each.
_INNOCENTS = (
    ("shop", 18), ("school", 14), ("town", 8), ("news", 10), ("guide", 8), ("bank", 5),
    ("regulator", 5), ("help", 5), ("licensed_broker", 4), ("licensed_casino", 4), ("docs", 4),
    ("comparison", 4), ("review", 3), ("forum", 3), ("link_in_bio", 2), ("hacked_school", 2),
    ("spammed_forum", 1),
)  # fmt: skip
HOSTILE = (
    "calendar", "session", "loop", "to-loopback", "to-private", "to-metadata", "to-file", "rebind",
    "bomb", "endless", "drip", "huge", "deep", "broken-html", "bad-status", "big-header",
    "lying-length", "no-answer", "refused", "nxdomain", "parked", "late-503",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `wildcard` hosts answer for every label below them as well."""

    name: str
    kind: str
    language: str
    ip: str
    label: str = "benign"
    sublabel: str = ""
    operation: str = ""
    reach: str = "link"
    via: str = ""
    scope: str = ""
    wildcard: bool = False
    number: int = 0

    @property
    def listable(self) -> bool:
        return self.label != "benign"


@dataclass(frozen=True, slots=True)
class Operation:
    """People who run sites. Everything here but the template is shared by their sites."""

    id: str
    index: int
    category: str
    language: str
    brand: str
    stem: str
    members: tuple[str, ...]
    charset: str
    registrar: tuple[str, str, str]
    registered: datetime
    name_servers: tuple[str, ...]
    wallet: Mapping[str, str]
    handles: Mapping[str, str]
    analytics: Mapping[str, str]

    @property
    def front(self) -> str:
        return self.members[0]


@dataclass(frozen=True)
class World:
    """The whole practice internet for one seed."""

    seed: int
    sites: int
    hosts: Mapping[str, Host]
    operations: Mapping[str, Operation]
    reported: tuple[str, ...]
    by_kind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, name: str) -> Host | None:
        """The host `name`, or the wildcard host above it."""
        if found := self.hosts.get(name):
            return found
        parent = name.partition(".")[2]
        above = self.hosts.get(parent)
        return above if above and above.wildcard else None

    def rng(self, *what: object) -> random.Random:
        """Chance that is the same every time for the same thing."""
        return random.Random(":".join(map(str, (self.seed, *what))))

    @cached_property
    def domains(self) -> Mapping[str, str]:
        """Registered domain → a host of it."""
        return {".".join(name.split(".")[-2:]): name for name in reversed(list(self.hosts))}

    def truth(self) -> Iterator[str]:
        """A JSON line a host."""
        for host in self.hosts.values():
            tenant = host.name.endswith(".tenantpages.test")
            yield json.dumps(
                {
                    "host": host.name,
                    "registered_domain": host.name
                    if tenant
                    else ".".join(host.name.split(".")[-2:]),
                    "label": host.label,
                    "sublabel": host.sublabel or host.kind,
                    "operation": host.operation or None,
                    "language": host.language,
                    "reach": host.reach,
                    "via": host.via or None,
                    "listable": host.listable,
                    "scope": host.scope or ("domain" if host.listable else None),
                    "wildcard": host.wildcard,
                },
                ensure_ascii=False,
            )


def build(seed: int = 1, sites: int = 300, hostile: float = 0.0) -> World:
    """The world of `seed` with about `sites` hosts (never fewer than about 140).

    Of each trap there is one host; more make up the share `hostile` of all.
    """
    rng = random.Random(f"world:{seed}:{sites}")
    hosts: dict[str, Host] = {}
    operations: dict[str, Operation] = {}
    reported: list[str] = []
    count = max(len(_KINDS), sites // 22)
    size = max(3, round(sites * 0.42 / count))
    for index in range(count):
        operation, members = _operation(seed, index, size, rng)
        operations[operation.id] = operation
        hosts |= {host.name: host for host in members}
    _surroundings(seed, operations, hosts, rng, sites)
    hosts["tenantpages.test"] = Host("tenantpages.test", "hosting", "en", SHARED_CDN, reach="link")
    for trap in HOSTILE:
        name = f"trap-{trap}.test"
        label = "parked" if trap == "parked" else "hostile"
        hosts[name] = Host(name, f"trap-{trap}", "en", ORDINARY[-1], sublabel=label)
    for number in range(round(hostile * sites) - len(HOSTILE)):
        trap = HOSTILE[number % len(HOSTILE)]
        name = f"trap-{trap}-{number}.test"
        label = "parked" if trap == "parked" else "hostile"
        hosts[name] = Host(name, f"trap-{trap}", "en", ORDINARY[-1], sublabel=label, number=number)
    _innocents(hosts, rng, max(60, sites - len(hosts)))
    for operation in operations.values():
        if operation.index % 3 == 0:
            reported.append(operation.front)
    reported += [h.name for h in hosts.values() if h.reach == "report" and h.name not in reported]
    kinds: dict[str, list[str]] = {}
    for host in hosts.values():
        kinds.setdefault(host.kind, []).append(host.name)
    return World(
        seed,
        sites,
        hosts,
        operations,
        tuple(reported),
        {kind: tuple(names) for kind, names in kinds.items()},
    )


def _operation(
    seed: int, index: int, size: int, rng: random.Random
) -> tuple[Operation, list[Host]]:
    category, language = _KINDS[index % len(_KINDS)]
    tails = _GAMBLING_TAILS if category == "gambling" else _INVESTMENT_TAILS
    head = _HEADS[(index * 5 + seed) % len(_HEADS)]
    number = rng.choice((68, 77, 79, 88, 99, 123, 365, 555, 666, 777, 888, 999))
    tail = rng.choice(tails)
    stem = f"{head}{tail}{number}" if category == "gambling" else f"{head}{tail}{index}"
    names = [f"{stem}-{place:02d}.test" for place in range(1, size + 1)]
    names[0] = f"{stem}.test"
    if index % 5 == 2:
        names[-1] = f"{stem}.tenantpages.test"
    identity = f"op-{index:03d}"
    reach = ("report", "link", "redirect")[index % 3]
    ips = (BULLETPROOF[index % 12], BULLETPROOF[(index + 5) % 12])
    members: list[Host] = []
    for place, name in enumerate(names):
        special = _special(index, place, size)
        members.append(
            Host(
                name=name,
                kind=special or "operator",
                language=language,
                ip=SHARED_CDN if index % 4 == 1 and place % 2 else ips[place % 2],
                label=category,
                sublabel=_sublabel(category, index),
                operation=identity,
                reach=reach if place == 0 else _reach(special),
                via="" if place == 0 else names[0],
                scope="host" if name.endswith(".tenantpages.test") else "domain",
                number=place,
            )
        )
    title = (
        f"{head}{tail}".capitalize()
        if category == "investment"
        else f"{head}{tail}{number}".upper()
    )
    coins = wallets.make(rng)
    operation = Operation(
        id=identity,
        index=index,
        category=category,
        language=language,
        brand=title,
        stem=stem,
        members=tuple(names),
        charset=_CHARSETS.get(index, "utf-8"),
        registrar=_REGISTRARS[index % 3],
        registered=EPOCH - timedelta(days=rng.randint(5, 120), hours=rng.randint(0, 23)),
        name_servers=(f"ns1.dns-{head}{index}.test", f"ns2.dns-{head}{index}.test"),
        wallet=coins,
        handles={
            "telegram": f"{stem}_cs",
            "line": f"@{stem}",
            "whatsapp": f"8559{rng.randint(10_000_000, 99_999_999)}",
            "zalo": f"09{rng.randint(10_000_000, 99_999_999)}",
        },
        analytics={
            "ga4": "G-" + "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=10)),
            "baidu": "".join(rng.choices("0123456789abcdef", k=32)),
            "la51": str(rng.randint(10_000_000, 99_999_999)),
            "tawk": "".join(rng.choices("0123456789abcdef", k=24)),
        },
    )
    return operation, members


def _special(index: int, place: int, size: int) -> str:
    """Some members are not plain sites."""
    if place == 0 or size < 4:
        return ""
    if place == size - 1 and index % 4 == 3:
        return "dead"
    if place == 2 and index % 3 == 0:
        return "cloaked"
    if place == 3 and index % 7 == 4:
        return "javascript"
    return ""


def _reach(special: str) -> str:
    return {"dead": "unreachable", "cloaked": "cloaked", "javascript": "javascript"}.get(
        special, "mirror_list"
    )


def _sublabel(category: str, index: int) -> str:
    return "operator" if category == "gambling" else ("hyip", "broker", "mining", "task")[index % 4]


def _surroundings(
    seed: int,
    operations: Mapping[str, Operation],
    hosts: dict[str, Host],
    rng: random.Random,
    sites: int,
) -> None:
    """Redirectors, link farms and doorways around the operations."""
    gambling = [item for item in operations.values() if item.category == "gambling"]
    for operation in operations.values():
        if operation.index % 3 == 2:
            name = f"go-{operation.stem}.test"
            hosts[name] = _beside(operation, name, "redirector", "report")
    for number in range(max(2, sites // 150)):
        vietnamese = number % 2 == 0
        wanted = ("vi",) if vietnamese else ("zh", "zh-hant")
        operation = next(item for item in gambling if item.language in wanted)
        thing = rng.choice(("garden", "piano", "bicycle", "kitchen"))
        name = f"{thing}-{rng.choice(('tools', 'repair', 'house'))}-{number}.test"
        hosts[name] = _beside(operation, name, "link_farm", "report", wildcard=True)
    for number in range(max(4, sites // 75)):
        operation = next(item for item in gambling if item.language == ("th", "id")[number % 2])
        sport = rng.choice(("optik", "rowing", "chess", "tennis"))
        name = f"{sport}-{rng.choice(('club', 'verein', 'society'))}-{number}.test"
        hosts[name] = _beside(operation, name, "doorway", "report" if number < 2 else "link")


def _beside(
    operation: Operation, name: str, kind: str, reach: str, *, wildcard: bool = False
) -> Host:
    return Host(
        name=name,
        kind=kind,
        language=operation.language,
        ip=BULLETPROOF[(operation.index + 3) % 12],
        label=operation.category,
        sublabel=kind,
        operation=operation.id,
        reach=reach,
        scope="domain",
        wildcard=wildcard,
    )


def _innocents(hosts: dict[str, Host], rng: random.Random, count: int) -> None:
    total = sum(share for _, share in _INNOCENTS)
    for kind, share in _INNOCENTS:
        for number in range(max(1, round(count * share / total))):
            texts = INNOCENT.get(
                {"hacked_school": "school", "spammed_forum": "forum"}.get(kind, kind)
            )
            languages = sorted(texts) if texts else ["en"]
            language = languages[number % len(languages)]
            word = rng.choice(
                ("river", "hill", "market", "garden", "bridge", "lake", "north", "old")
            )
            stem = kind.replace("_", "-")
            name = f"{word}-{stem}-{language}{number}.test"
            if kind == "shop" and number % 6 == 5:
                name = f"{word}{number}.tenantpages.test"
            hosts[name] = Host(
                name,
                kind,
                language,
                SHARED_CDN if number % 7 == 3 else ORDINARY[number % 7],
                reach="report" if kind in ("news", "hacked_school", "spammed_forum") else "link",
                number=number,
            )
