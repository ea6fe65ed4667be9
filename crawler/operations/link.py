"""Sites and what they share → operations, with ids that last. Pure and near-linear.

The unit is the registered domain: a wildcard with a thousand hosts counts once. What a kind of
identifier is worth stands in `weights.csv`.
"""

import csv
import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import attrgetter

import numpy as np

from crawler.model import Category, Identifier, Operation
from crawler.names import registered_domain
from crawler.operations.bursts import KIND as BURST
from crawler.operations.bursts import in_words

# Two domains belong together when the ties of different kinds between them reach this.
MERGE_AT = 1.0
# An identifier of so many innocent domains, and of at least a quarter as many innocent as guilty
# ones, is a hub: a vendor's example, a shared service. It says nothing.
HUB_INNOCENT = 2
HUB_SHARE = 0.25
# One of so many innocent domains is common however many guilty ones have it too: it may support.
HUB_COMMON = 10
SUPPORT = 0.3
# Ties below this are not worth a look; of weak ones, a domain's strongest are enough.
MIN_TIE = 0.1
MAX_WEAK = 8
MAX_NAMED = 50
MAX_REASONS = 6
MAX_OWN_REASONS = 3
# A redirect or link ties those who send to those who receive.
TARGETS = ("redirect_target", "link_target")
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
    """A judged site and what ties it to others, each identifier once."""

    host: str
    registered_domain: str
    category: Category
    identifiers: Collection[Identifier]

    @property
    def domain(self) -> str:
        """The registered domain; a public suffix is nobody's, so its hosts stand alone."""
        return self.registered_domain or self.host


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
    for holders, weight in zip(ties.holders, ties.weights, strict=True):
        if weight >= MERGE_AT:
            first, *others = holders
            for index in others:
                groups.union(first, index)
    _merge_weak(ties, groups)
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
        _operation(identity, hosts, cluster, units, ties)
        for identity, (hosts, cluster) in zip(ids, kept, strict=True)
    ]
    return tuple(sorted(operations, key=lambda item: (-len(item.members), item.id)))


@dataclass(frozen=True, slots=True)
class _Unit:
    """The guilty hosts of a registered domain and all that they show."""

    hosts: tuple[str, ...]
    items: Collection[Identifier]


def _units(guilty: Iterable[SiteFacts]) -> list[_Unit]:
    """In the order of their names."""
    ordered = sorted(guilty, key=lambda site: (site.registered_domain or site.host, site.host))
    received: defaultdict[str, set[Identifier]] = defaultdict(set)
    for site in ordered:
        for item in site.identifiers:
            if item.kind in TARGETS:
                received[item.value].add(item)
    units: list[_Unit] = []
    for domain, group in groupby(ordered, key=attrgetter("domain")):
        first, *others = group
        items: Collection[Identifier] = first.identifiers
        if others:
            items = set(items).union(*(site.identifiers for site in others))
        if domain in received:
            items = {*items, *received[domain]}
        units.append(_Unit((first.host, *(site.host for site in others)), items))
    return units


def _innocent(sites: Iterable[SiteFacts]) -> Mapping[Identifier, int]:
    """In how many innocent domains each identifier stands."""
    benign = (site for site in sites if site.category is Category.BENIGN)
    seen: Counter[Identifier] = Counter()
    for _, group in groupby(sorted(benign, key=attrgetter("domain")), key=attrgetter("domain")):
        seen.update({item for site in group for item in site.identifiers})
    return seen


@dataclass(frozen=True, slots=True)
class _Ties:
    """Every identifier that two units share and that says something.

    `holders` are the units of each, in order; `of_unit` are the places of a unit's identifiers.
    """

    items: Sequence[Identifier]
    weights: Sequence[float]
    holders: Sequence[Sequence[int]]
    of_unit: Sequence[Sequence[int]]


def _ties(units: Sequence[_Unit], innocent: Mapping[Identifier, int]) -> _Ties:
    numbers: dict[Identifier, int] = {}
    shown, sizes = array("i"), array("i")
    for unit in units:
        shown.extend([numbers.setdefault(item, len(numbers)) for item in unit.items])
        sizes.append(len(unit.items))
    found = np.frombuffer(shown, np.int32) if shown else np.zeros(0, np.int32)
    counts = np.bincount(found, minlength=len(numbers)).tolist()
    # Identifier number → its place among the ties, -1 for what says nothing.
    places = np.full(len(numbers), -1, np.int32)
    items: list[Identifier] = []
    weights: list[float] = []
    for (item, number), count in zip(numbers.items(), counts, strict=True):
        if count > 1 and (weight := _weight(item, count, innocent.get(item, 0))) >= MIN_TIE:
            places[number] = len(items)
            items.append(item)
            weights.append(weight)
    numbers.clear()
    owners = np.repeat(np.arange(len(units), dtype=np.int32), np.frombuffer(sizes, np.int32))
    told = places[found]
    owners, told = owners[told >= 0], told[told >= 0]
    return _Ties(
        items,
        weights,
        holders=_grouped(told, owners, len(items)),
        of_unit=_grouped(owners, told, len(units)),
    )


def _grouped(
    keys: "np.ndarray[tuple[int], np.dtype[np.int32]]",
    values: "np.ndarray[tuple[int], np.dtype[np.int32]]",
    size: int,
) -> list["array[int]"]:
    """The values of each key from 0 to `size` - 1, in their order."""
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], np.arange(size), side="right").tolist()
    flat = array("i", values[order].astype(np.int32).tobytes())
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _weight(item: Identifier, count: int, known: int) -> float:
    """What an identifier that `count` guilty and `known` innocent domains show says; 0 of a hub."""
    kind = kinds().get(item.kind)
    if kind is None or (known >= HUB_INNOCENT and known >= HUB_SHARE * count):
        return 0.0
    if item.kind == "name_server" and is_shared_name_server(item.value):
        return 0.0
    weight = kind.tie * min(1.0, kind.usual / count)
    return min(SUPPORT, weight) if known >= HUB_COMMON else weight


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


def _merge_weak(ties: _Ties, groups: _Groups) -> None:
    """Merge units that share a set of weak identifiers which together is enough.

    Each unit names every smallest such set of its own; two units with a set in common share it
    all, so no pairs are ever compared. An identifier whose holders are one group already can merge
    nobody, whatever set it stands in.
    """
    useful = [
        weight < MERGE_AT and len({groups.find(index) for index in holders}) > 1
        for holders, weight in zip(ties.holders, ties.weights, strict=True)
    ]
    rank = sorted(range(len(useful)), key=lambda at: (-ties.weights[at], ties.items[at]))
    order = array("i", bytes(4 * len(rank)))
    for place, at in enumerate(rank):
        order[at] = place
    table = kinds()
    first: dict[tuple[int, ...], int] = {}
    for index, own in enumerate(ties.of_unit):
        weak = sorted((at for at in own if useful[at]), key=order.__getitem__)[:MAX_WEAK]
        best: dict[str, float] = {}
        for at in weak:
            best.setdefault(ties.items[at].kind, ties.weights[at])
        if sum(best.values()) < MERGE_AT - 1e-9 or not any(table[kind].owned for kind in best):
            continue
        for chosen in _enough([(ties.items[at].kind, ties.weights[at]) for at in weak]):
            groups.union(first.setdefault(tuple(weak[at] for at in chosen), index), index)


def _enough(items: Sequence[tuple[str, float]]) -> Iterator[tuple[int, ...]]:
    """The smallest sets of different kinds whose weights reach the threshold, as places.

    `items` are (kind, weight) with the heaviest first, so a set stops growing with the one that
    makes it enough. It needs one of a kind that its owner controls.
    """
    table = kinds()

    def grow(
        start: int, chosen: tuple[int, ...], total: float, owned: bool
    ) -> Iterator[tuple[int, ...]]:
        for at in range(start, len(items)):
            kind, weight = items[at]
            if any(kind == items[other][0] for other in chosen):
                continue
            now_owned = owned or table[kind].owned
            if total + weight >= MERGE_AT - 1e-9 and now_owned:
                yield (*chosen, at)
            else:
                yield from grow(at + 1, (*chosen, at), total + weight, now_owned)

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


@cache
def _rank() -> Mapping[str, int]:
    return {kind: place for place, kind in enumerate(kinds())}


def _operation(
    identity: str,
    hosts: Sequence[str],
    cluster: Sequence[int],
    units: Sequence[_Unit],
    ties: _Ties,
) -> Operation:
    if len(cluster) == 1:
        summary = "hosts of one registered domain"
        return Operation(
            identity, tuple(hosts), (), ONE_DOMAIN, summary, dict.fromkeys(hosts, summary)
        )
    counts = Counter(at for index in cluster for at in ties.of_unit[index])
    shared = {at: count for at, count in counts.items() if count > 1}
    order = sorted(
        shared,
        key=lambda at: (
            -ties.weights[at], _rank()[ties.items[at].kind], -shared[at], ties.items[at].value
        ),
    )  # fmt: skip
    place = {at: number for number, at in enumerate(order)}
    texts: dict[tuple[int, ...], tuple[str, float]] = {}
    reasons: dict[str, str] = {}
    confidence = 0.0
    for index in cluster:
        own = tuple(
            sorted((at for at in ties.of_unit[index] if at in place), key=place.__getitem__)
        )
        if own not in texts:
            texts[own] = (_membership(own, shared, ties), _surety(own, ties))
        reason, sure = texts[own]
        confidence += sure / len(cluster)
        reasons |= dict.fromkeys(units[index].hosts, reason)
    return Operation(
        id=identity,
        members=tuple(hosts),
        identifiers=tuple(ties.items[at] for at in order[:MAX_NAMED]),
        confidence=round(min(0.99, confidence), 3),
        summary=", ".join(_summary(order, shared, ties)),
        reasons=reasons,
    )


def _surety(shared: Iterable[int], ties: _Ties) -> float:
    """How sure a domain's membership is: 0.7 for one decisive tie, 0.91 for two, 0.97 for three."""
    strongest: dict[str, float] = {}
    for at in shared:
        kind = ties.items[at].kind
        strongest[kind] = max(ties.weights[at], strongest.get(kind, 0.0))
    return 1 - DOUBT ** sum(strongest.values())


def _best_of_kinds(order: Iterable[int], ties: _Ties, limit: int) -> Iterator[int]:
    """The first of each kind."""
    seen: set[str] = set()
    for at in order:
        if ties.items[at].kind not in seen:
            seen.add(ties.items[at].kind)
            yield at
        if len(seen) == limit:
            return


def _summary(order: Sequence[int], shared: Mapping[int, int], ties: _Ties) -> Iterator[str]:
    """One phrase a kind, the strongest first; a burst of registrations is always told."""
    chosen = list(_best_of_kinds(order, ties, MAX_REASONS))
    for at in order:
        if ties.items[at].kind == BURST and at not in chosen:
            chosen = [*chosen[: MAX_REASONS - 1], at]
            break
    for number, at in enumerate(chosen):
        item = ties.items[at]
        if item.kind == BURST:
            yield f"{shared[at]} registered {in_words(item.value)}"
        else:
            yield f"same {kinds()[item.kind].name} on {shared[at]}{'' if number else ' sites'}"


def _membership(own: Sequence[int], shared: Mapping[int, int], ties: _Ties) -> str:
    """Why a domain belongs: what it has in common, and with how many others."""
    phrases = []
    for at in _best_of_kinds(own, ties, MAX_OWN_REASONS):
        item, others = ties.items[at], shared[at] - 1
        if item.kind == BURST:
            phrases.append(f"registered with {others} {in_words(item.value)}")
        else:
            phrases.append(f"same {kinds()[item.kind].name} as {others} other{'s' * (others > 1)}")
    return ", ".join(phrases)
