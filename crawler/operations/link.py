"""Sites and what they share → operations, with ids that last. Pure and near-linear.

The unit is the registered domain: a wildcard with a thousand hosts counts once. What a kind of
identifier is worth stands in `weights.csv`.
"""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from crawler.model import Category, Identifier, Operation
from crawler.names import registered_domain

# Two domains belong together when the ties of different kinds between them reach this.
MERGE_AT = 1.0
# An identifier of so many innocent domains, and of at least a quarter as many innocent as guilty
# ones, is a hub: a vendor's example, a shared service. It says nothing.
HUB_INNOCENT = 2
HUB_SHARE = 0.25
# Ties below this are not worth a look; of weak ones, a domain's strongest are enough.
MIN_TIE = 0.1
MAX_WEAK = 8
MAX_NAMED = 50
MAX_REASONS = 6
TARGET = "redirect_target"
# Doubt that one decisive tie leaves, and the surety of hosts of one domain: set, not measured.
DOUBT = 0.3
ONE_DOMAIN = 0.95


@dataclass(frozen=True, slots=True)
class Kind:
    """What a shared identifier of a kind says.

    `tie` in (0, 1] is how far it ties two domains, 1 alone makes them one operation; `usual` is
    how many domains one owner may well use it on: beyond, the tie falls as the count grows.
    Kinds not `owned` support others, however many of them there are.
    """

    tie: float
    usual: int
    owned: bool
    name: str


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A judged site and what ties it to others."""

    host: str
    registered_domain: str
    category: Category
    identifiers: frozenset[Identifier]


@cache
def kinds() -> Mapping[str, Kind]:
    """The table of kinds."""
    lines = (files("crawler") / "operations" / "weights.csv").read_text("utf-8").splitlines()
    return {
        row["kind"]: Kind(float(row["tie"]), int(row["usual"]), row["owned"] == "yes", row["name"])
        for row in csv.DictReader(lines)
    }


@cache
def _shared_name_servers() -> frozenset[str]:
    text = (files("crawler") / "operations" / "shared_name_servers.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_shared_name_server(server: str) -> bool:
    """Whether `server` is one that a registrar, hoster or CDN gives to all customers."""
    domain = registered_domain(server)
    # Amazon and Azure number the domains: awsdns-12.org, azure-dns.info.
    stem = domain.partition(".")[0].rstrip("0123456789-")
    return domain in _shared_name_servers() or stem in _shared_name_servers()


def link(sites: Sequence[SiteFacts], previous: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations among the sites judged scam, each with at least two members.

    Hosts of one registered domain belong together, and domains whose ties of different kinds add
    up to 1, at least one of a kind that its owner controls. An operation keeps the id of the
    earlier one that it shares most members with; a new id is made from its first member.
    """
    units = _units(site for site in sites if site.category.is_scam)
    ties = _ties(units, _innocent(sites))
    groups = _Groups(len(units))
    for indices, weight in ties.values():
        if weight >= MERGE_AT:
            for index in indices[1:]:
                groups.union(indices[0], index)
    _merge_weak(ties, len(units), groups)
    clusters: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(len(units)):
        clusters[groups.find(index)].append(index)
    kept = [
        (sorted(host for index in cluster for host in units[index].hosts), cluster)
        for cluster in clusters.values()
        if len(cluster) > 1 or len(units[cluster[0]].hosts) > 1
    ]
    ids = _ids([hosts for hosts, _ in kept], previous)
    operations = [
        _operation(identity, hosts, [units[index].items for index in cluster], ties)
        for identity, (hosts, cluster) in zip(ids, kept, strict=True)
    ]
    return tuple(sorted(operations, key=lambda item: (-len(item.members), item.id)))


@dataclass(frozen=True, slots=True)
class _Unit:
    """The guilty hosts of a registered domain and all that they show."""

    hosts: Sequence[str]
    items: frozenset[Identifier]


# Identifier → (the units that have it, in order; its weight).
_Ties = Mapping[Identifier, tuple[Sequence[int], float]]


def _units(guilty: Iterable[SiteFacts]) -> list[_Unit]:
    """In the order of their names. A public suffix is nobody's domain: its hosts stand alone."""
    domains: dict[str, list[SiteFacts]] = {}
    targets: set[str] = set()
    for site in guilty:
        domains.setdefault(site.registered_domain or site.host, []).append(site)
        targets.update(item.value for item in site.identifiers if item.kind == TARGET)
    units: list[_Unit] = []
    for domain, group in sorted(domains.items()):
        items = group[0].identifiers.union(*(site.identifiers for site in group[1:]))
        if domain in targets:
            # A redirect ties those who send to those who receive.
            items |= {Identifier(TARGET, domain)}
        units.append(_Unit([site.host for site in group], items))
    return units


def _innocent(sites: Iterable[SiteFacts]) -> Mapping[Identifier, int]:
    """In how many innocent domains each identifier stands."""
    seen: defaultdict[Identifier, set[str]] = defaultdict(set)
    for site in sites:
        if site.category is Category.BENIGN:
            for item in site.identifiers:
                seen[item].add(site.registered_domain)
    return {item: len(domains) for item, domains in seen.items()}


def _ties(units: Sequence[_Unit], innocent: Mapping[Identifier, int]) -> _Ties:
    """Every identifier that two units share and that says something."""
    table = kinds()
    holders: defaultdict[Identifier, list[int]] = defaultdict(list)
    for index, unit in enumerate(units):
        for item in unit.items:
            if item.kind in table:
                holders[item].append(index)
    found: dict[Identifier, tuple[Sequence[int], float]] = {}
    for item, indices in holders.items():
        count, known = len(indices), innocent.get(item, 0)
        if count < 2 or (known >= HUB_INNOCENT and known >= HUB_SHARE * count):
            continue
        if item.kind == "name_server" and is_shared_name_server(item.value):
            continue
        kind = table[item.kind]
        weight = kind.tie * min(1.0, kind.usual / count)
        if weight >= MIN_TIE:
            found[item] = (indices, weight)
    return found


class _Groups:
    """Union-find with path halving."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, index: int) -> int:
        parent = self._parent
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def union(self, one: int, other: int) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first


def _merge_weak(ties: _Ties, size: int, groups: _Groups) -> None:
    """Merge units that share a set of weak identifiers which together is enough.

    Each unit names every smallest such set of its own; two units with a set in common share it
    all, so no pairs are ever compared.
    """
    weak: list[list[tuple[float, Identifier]]] = [[] for _ in range(size)]
    for item, (indices, weight) in ties.items():
        if weight < MERGE_AT:
            for index in indices:
                weak[index].append((-weight, item))
    first: dict[tuple[Identifier, ...], int] = {}
    for index, items in enumerate(weak):
        if len(items) > 1:
            strongest = sorted(items)[:MAX_WEAK]
            for chosen in _enough([(item, -weight) for weight, item in strongest]):
                groups.union(first.setdefault(chosen, index), index)


def _enough(items: Sequence[tuple[Identifier, float]]) -> Iterator[tuple[Identifier, ...]]:
    """The smallest sets of different kinds whose weights reach the threshold.

    `items` stand with the heaviest first, so a set stops growing with the one that makes it
    enough. It needs one of a kind that its owner controls.
    """
    table = kinds()

    def grow(
        start: int, chosen: tuple[Identifier, ...], total: float, owned: bool
    ) -> Iterator[tuple[Identifier, ...]]:
        for at in range(start, len(items)):
            item, weight = items[at]
            if any(item.kind == other.kind for other in chosen):
                continue
            now_owned = owned or table[item.kind].owned
            if total + weight >= MERGE_AT - 1e-9 and now_owned:
                yield (*chosen, item)
            else:
                yield from grow(at + 1, (*chosen, item), total + weight, now_owned)

    return grow(0, (), 0.0, False)


def _ids(clusters: Sequence[Sequence[str]], previous: Sequence[Operation]) -> list[str]:
    """An id a cluster: that of the earlier operation with most members in it, if no other cluster
    has more of them; an earlier id is never given to anybody else."""
    earlier = {host: item.id for item in previous for host in item.members}
    claims: list[tuple[int, str, int]] = []
    for number, hosts in enumerate(clusters):
        votes = Counter(earlier[host] for host in hosts if host in earlier)
        claims += [(-count, identity, number) for identity, count in votes.items()]
    taken: dict[int, str] = {}
    given: set[str] = set()
    for _, identity, number in sorted(claims):
        if number not in taken and identity not in given:
            taken[number] = identity
            given.add(identity)
    used = given.union(item.id for item in previous)
    for number, hosts in enumerate(clusters):
        if number not in taken:
            salt = 0
            while (identity := _new_id(hosts[0], salt)) in used:
                salt += 1
            used.add(identity)
            taken[number] = identity
    return [taken[number] for number in range(len(clusters))]


def _new_id(host: str, salt: int) -> str:
    text = f"{host} {salt}" if salt else host
    return "op-" + hashlib.sha256(text.encode()).hexdigest()[:10]


def _operation(
    identity: str, hosts: Sequence[str], shown: Sequence[Iterable[Identifier]], ties: _Ties
) -> Operation:
    counts = Counter(item for items in shown for item in items if item in ties)
    shared = {item: count for item, count in counts.items() if count > 1}
    rank = {kind: place for place, kind in enumerate(kinds())}
    order = sorted(
        shared, key=lambda item: (-ties[item][1], rank[item.kind], -shared[item], item.value)
    )
    if len(shown) > 1:
        summary = "; ".join(_reasons(order, shared))
        sure = [
            _surety((item, ties[item][1]) for item in items if item in shared) for items in shown
        ]
        confidence = sum(sure) / len(sure)
    else:
        summary, confidence = "hosts of one registered domain", ONE_DOMAIN
    return Operation(
        id=identity,
        members=tuple(hosts),
        identifiers=tuple(order[:MAX_NAMED]),
        confidence=round(min(0.99, confidence), 3),
        summary=summary,
    )


def _surety(shared: Iterable[tuple[Identifier, float]]) -> float:
    """How sure a domain's membership is: 0.7 for one decisive tie, 0.91 for two, 0.97 for three."""
    strongest: dict[str, float] = {}
    for item, weight in shared:
        strongest[item.kind] = max(weight, strongest.get(item.kind, 0.0))
    return 1 - DOUBT ** sum(strongest.values())


def _reasons(order: Sequence[Identifier], shared: Mapping[Identifier, int]) -> Iterator[str]:
    """One phrase a kind, the strongest first."""
    seen: set[str] = set()
    for item in order:
        if item.kind in seen:
            continue
        seen.add(item.kind)
        if item.kind == "registration_burst":
            registrar = item.value.rpartition(" ")[0]
            yield f"{shared[item]} registered in the same hour at {registrar}"
        else:
            sites = "" if len(seen) > 1 else " sites"
            yield f"same {kinds()[item.kind].name} on {shared[item]}{sites}"
        if len(seen) == MAX_REASONS:
            return
