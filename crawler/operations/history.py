"""What became of operations between two runs. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crawler.model import Operation


@dataclass(frozen=True, slots=True)
class Change:
    """`event` is formed, merged, split or ended; `other` is the id that was taken in (merged),
    that it was a part of (split) or that its sites went to (ended); `sites` is how many."""

    operation: str
    event: str
    other: str
    sites: int


def changes(previous: Sequence[Operation], current: Sequence[Operation]) -> Iterator[Change]:
    """The changes in the order of ids. Growth and shrinking are in the members' times already."""
    before = {host: item.id for item in previous for host in item.members}
    after = {host: item.id for item in current for host in item.members}
    earlier, now = {item.id for item in previous}, {item.id for item in current}
    for item in sorted(current, key=lambda item: item.id):
        origins = Counter(before[host] for host in item.members if host in before)
        for origin, sites in sorted(origins.items()):
            if origin != item.id:
                event = "merged" if item.id in earlier else "split" if origin in now else "formed"
                yield Change(item.id, event, origin, sites)
        if item.id not in earlier and not origins:
            yield Change(item.id, "formed", "", len(item.members))
    for item in sorted(previous, key=lambda item: item.id):
        if item.id not in now:
            targets = Counter(after[host] for host in item.members if host in after)
            heir, sites = min(
                targets.items(), key=lambda pair: (-pair[1], pair[0]), default=("", 0)
            )
            yield Change(item.id, "ended", heir, sites)
