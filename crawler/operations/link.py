"""Sites and what they share → operations, with ids that last. Pure and near-linear."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from crawler.model import Category, Identifier, Operation
from crawler.names import is_under_private_suffix

# How far a shared identifier of a kind ties two sites, 0..1: 1 alone makes them one operation.
# What the owner controls and nobody else uses ties; what is bought by the thousand only supports.
WEIGHTS: Mapping[str, float] = {
    "wallet_tron": 1.0,
    "wallet_evm": 1.0,
    "wallet_btc": 1.0,
    "ga4": 1.0,
    "ua": 1.0,
    "gtm": 1.0,
    "baidu_tongji": 1.0,
    "la51": 1.0,
    "cnzz": 1.0,
    "meta_pixel": 1.0,
    "tiktok_pixel": 1.0,
    "tawk": 1.0,
    "crisp": 1.0,
    "livechat": 1.0,
    "intercom": 1.0,
    "meiqia": 1.0,
    "salesmartly": 1.0,
    "chatwoot": 1.0,
    "telegram": 0.8,
    "whatsapp": 0.9,
    "line": 0.9,
    "zalo": 0.9,
    "messenger": 0.8,
    "email": 0.7,
    "apk": 0.5,
    "certificate": 0.8,
    "name_server": 0.3,
    "registration_burst": 0.3,
    "ip": 0.2,
    "template": 0.2,
}
MERGE_AT = 1.0
# An identifier of more sites than this, or of so many sites judged innocent, is a hub: a shared
# host, a vendor's example, a template shop. It can support, never merge.
HUB_SITES = 2_000
HUB_INNOCENT = 2
_NAMES = {
    "registration_burst": "registered in the same hour at the same registrar",
    "name_server": "name servers",
    "certificate": "certificate",
    "ip": "address",
}


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A judged site and what ties it to others."""

    host: str
    registered_domain: str
    category: Category
    identifiers: frozenset[Identifier]


def link(sites: Sequence[SiteFacts], previous: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations among the sites judged scam, each with at least two members.

    Two sites belong together when the weights of what they share reach 1, or when they are hosts
    of one registered domain. An operation keeps the id of the earlier one that it shares most
    members with; a new id is made from its first member.
    """
    guilty = sorted((site for site in sites if site.category.is_scam), key=lambda site: site.host)
    innocent: Counter[Identifier] = Counter(
        item for site in sites if site.category is Category.BENIGN for item in site.identifiers
    )
    holders: dict[Identifier, list[int]] = {}
    for index, site in enumerate(guilty):
        for item in site.identifiers:
            if item.kind in WEIGHTS:
                holders.setdefault(item, []).append(index)
    groups = _Groups(len(guilty))
    _merge_domains(guilty, groups)
    _merge_identifiers(holders, innocent, groups)
    members: dict[int, list[int]] = {}
    for index in range(len(guilty)):
        members.setdefault(groups.find(index), []).append(index)
    clusters = [group for group in members.values() if len(group) > 1]
    ids = _ids([[guilty[index].host for index in group] for group in clusters], previous)
    operations = [
        _operation(identity, [guilty[index] for index in group], innocent)
        for identity, group in zip(ids, clusters, strict=True)
    ]
    return tuple(sorted(operations, key=lambda item: (-len(item.members), item.id)))


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


def _merge_domains(guilty: Sequence[SiteFacts], groups: _Groups) -> None:
    first: dict[str, int] = {}
    for index, site in enumerate(guilty):
        domain = site.registered_domain
        if is_under_private_suffix(domain) and domain != site.host:
            continue
        groups.union(first.setdefault(domain, index), index)


def _merge_identifiers(
    holders: Mapping[Identifier, Sequence[int]],
    innocent: Mapping[Identifier, int],
    groups: _Groups,
) -> None:
    """Strong identifiers merge their holders at once; weaker ones add up pair by pair."""
    partial: dict[tuple[int, int], dict[str, float]] = {}
    for item, indices in sorted(holders.items()):
        if len(indices) < 2 or innocent.get(item, 0) >= HUB_INNOCENT or len(indices) > HUB_SITES:
            continue
        weight = WEIGHTS[item.kind]
        if weight >= MERGE_AT:
            for index in indices[1:]:
                groups.union(indices[0], index)
            continue
        # Neighbours in the sorted list stand for all pairs: who shares with many shares with one.
        for one, other in pairwise(indices):
            kinds = partial.setdefault((one, other), {})
            kinds[item.kind] = max(kinds.get(item.kind, 0.0), weight)
    for (one, other), kinds in partial.items():
        if sum(kinds.values()) >= MERGE_AT and any(WEIGHTS[kind] >= 0.3 for kind in kinds):
            groups.union(one, other)


def _ids(clusters: Sequence[Sequence[str]], previous: Sequence[Operation]) -> list[str]:
    """An id a cluster: that of the earlier operation with most members in it, if nobody larger
    claims it."""
    earlier = {host: item.id for item in previous for host in item.members}
    claims: list[tuple[int, int, str]] = []
    for number, hosts in enumerate(clusters):
        votes = Counter(earlier[host] for host in hosts if host in earlier)
        claims += [(-count, number, identity) for identity, count in votes.items()]
    taken: dict[int, str] = {}
    given: set[str] = set()
    for _, number, identity in sorted(claims):
        if number not in taken and identity not in given:
            taken[number] = identity
            given.add(identity)
    return [
        taken.get(number) or "op-" + hashlib.sha256(min(hosts).encode()).hexdigest()[:10]
        for number, hosts in enumerate(clusters)
    ]


def _operation(
    identity: str, members: Sequence[SiteFacts], innocent: Mapping[Identifier, int]
) -> Operation:
    shared = Counter(item for site in members for item in site.identifiers if item.kind in WEIGHTS)
    ties = sorted(
        (
            (item, count)
            for item, count in shared.items()
            if count > 1 and innocent.get(item, 0) < HUB_INNOCENT
        ),
        key=lambda pair: (-WEIGHTS[pair[0].kind], -pair[1], pair[0]),
    )
    strength = sum(WEIGHTS[item.kind] * count for item, count in ties) / len(members)
    return Operation(
        id=identity,
        members=tuple(sorted(site.host for site in members)),
        identifiers=tuple(item for item, _ in ties[:50]),
        confidence=round(min(0.99, 0.5 + 0.1 * strength), 3),
        summary="; ".join(_reasons(ties)) or "hosts of one registered domain",
    )


def _reasons(ties: Iterable[tuple[Identifier, int]]) -> Iterator[str]:
    """One phrase a kind, the strongest kinds first."""
    seen: set[str] = set()
    for item, count in ties:
        if item.kind in seen:
            continue
        seen.add(item.kind)
        if item.kind == "registration_burst":
            yield f"{count} {_NAMES[item.kind]}"
        else:
            name = _NAMES.get(item.kind, item.kind.replace("_", " "))
            yield f"same {name} on {count} sites"
        if len(seen) == 6:
            return
