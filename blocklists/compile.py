"""Merges any lists into one clean list: `scamtrail compile`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from blocklists.collapse import is_covered, parents
from blocklists.reading import EXCEPTION, WHOLE_WITHOUT_MODIFIERS, Names, read_names
from blocklists.recipe import INVERT, MODIFIERS, Source, matching
from blocklists.registry import Format, Header
from blocklists.suffixes import suffixes_in

DUPLICATE = "named before"
COVERED = "covered by a name above it"
SUFFIX = "a public suffix"
ALLOWED = "allowed"
PROTECTED = "protected"
TOP = "a top site, or above one"
EXCLUDED = "excluded"

# Those of many names that something concerns.
Among = Callable[[Set[str]], Iterable[str]]

_BLOCK = 4096


class Compiled:
    """An entry of a compiled list; it has what formats show of a `crawler.model.Listing`.

    No dataclass: one is made for each name and format, so the cheapest kind of object will do.
    """

    __slots__ = ("domain",)
    exact = False
    list = "compiled"
    tier = "given"
    since = datetime(1970, 1, 1, tzinfo=UTC)
    reason = "named in a list that was given"

    def __init__(self, domain: str) -> None:
        self.domain = domain


class CompiledExact(Compiled):
    __slots__ = ()
    exact = True


@dataclass(frozen=True, slots=True)
class Compilation:
    """`covers` and `exact` are sorted; no name of either stands under one of `covers`.

    `dropped` counts by reason what was read and is not in the result.
    """

    covers: tuple[str, ...]
    exact: tuple[str, ...]
    lines: int
    read: int
    dropped: Mapping[str, int]
    by_source: Mapping[str, Mapping[str, int]]

    def entries(self) -> Iterator[Compiled]:
        """Those that cover first, then the exact ones."""
        return chain(map(Compiled, self.covers), map(CompiledExact, self.exact))

    def render(self, form: Format, header: Header) -> Iterator[str]:
        """As `form.render(self.entries(), header)`, but in blocks of lines: fit for millions."""
        if not form.block:
            yield from form.render((e for e in self.entries() if form.takes(e.domain)), header)
            return
        yield from form.render((), header)
        for names, exact in ((self.covers, False), (self.exact, True)):
            for start in range(0, len(names), _BLOCK):
                block: Sequence[str] = names[start : start + _BLOCK]
                if max(map(len, block)) > form.longest:
                    block = tuple(filter(form.takes, block))
                if block:
                    yield form.block(block, exact)

    def __len__(self) -> int:
        return len(self.covers) + len(self.exact)


def compile_lists(
    sources: Mapping[str, Iterable[bytes]],
    *,
    allow: Mapping[str, Iterable[bytes]] | None = None,
    barred: Mapping[str, Among] | None = None,
    recipes: Mapping[str, Source] | None = None,
    plain_covers: bool = True,
) -> Compilation:
    """Reads, cleans, deduplicates and collapses. The keys name the lists in the report.

    Exceptions within lists and every name in `allow` stay out with all below them; an entry above
    one shrinks to its exact name. `barred` gives for each reason to leave names out those of many
    that it concerns, `recipes` what is to be done with each of the sources. About 1.2 GB for
    10,000,000 different names. OSError comes from the sources.
    """
    covers: set[str] = set()
    exact: set[str] = set()
    allowed: set[str] = set()
    dropped: Counter[str] = Counter()
    by_source: dict[str, Mapping[str, int]] = {}
    lines = read = 0
    for name, content in sources.items():
        found = _read(content, (recipes or {}).get(name), plain_covers)
        before = len(covers) + len(exact)
        covers = _union(covers, found.covers)
        exact = _union(exact, found.alone)
        allowed |= found.allows
        new = len(covers) + len(exact) - before
        by_source[name] = {"lines": found.lines, "read": found.entries, "new": new, **found.dropped}
        dropped += found.dropped
        dropped[DUPLICATE] += found.entries - new
        lines += found.lines
        read += found.entries
        del found
    for content in (allow or {}).values():
        given = read_names(content)
        allowed |= given.covers | given.alone | given.allows
    for names in (covers, exact):
        suffixes = suffixes_in(names)
        names -= suffixes
        dropped[SUFFIX] += len(suffixes)
    if allowed:
        dropped[ALLOWED] += _without(allowed, covers, exact)
    for reason, among in (barred or {}).items():
        for names in (covers, exact):
            out = set(among(names))
            names -= out
            dropped[reason] += len(out)
    named = len(covers) + len(exact)
    top = _uncovered(covers, covers)
    exact -= covers
    alone = _uncovered(exact, covers)
    del covers, exact
    dropped[COVERED] += named - len(top) - len(alone)
    return Compilation(_in_order(top), _in_order(alone), lines, read, +dropped, by_source)


def top_sites(ranked: Iterable[str]) -> Among:
    """Those of many names that are a top site or stand above one."""
    sites = frozenset(ranked)
    above = sites | {parent for name in sites for parent in parents(name)}
    return lambda names: names & above


def _read(content: Iterable[bytes], recipe: Source | None, plain_covers: bool) -> Names:
    """The names in a list after its own transformations."""
    if not recipe:
        return read_names(content, plain_covers=plain_covers)
    if MODIFIERS in recipe.transformations:
        found = read_names(content, plain_covers=plain_covers, whole=WHOLE_WITHOUT_MODIFIERS)
    else:
        found = read_names(content, plain_covers=plain_covers)
    for names in (found.covers, found.alone):
        before = len(names)
        names -= matching(recipe.exclude, names)
        if recipe.include:
            names &= matching(recipe.include, names)
        found.dropped[EXCLUDED] += before - len(names)
        found.entries -= before - len(names)
    if INVERT in recipe.transformations:
        found.allows |= found.covers | found.alone
        found.dropped[EXCEPTION] += len(found.covers) + len(found.alone)
        found.entries = 0
        found.covers, found.alone = set(), set()
    found.dropped = +found.dropped
    return found


def _union(first: set[str], second: set[str]) -> set[str]:
    """Both, in the memory of the larger; neither may be used after."""
    small, large = sorted((first, second), key=len)
    large |= small
    return large


def _uncovered(names: Iterable[str], covers: Set[str]) -> list[str]:
    """Those of `names` with none of `covers` above them. No name of one label is in `covers`."""
    kept = []
    for name in names:
        parent = name.partition(".")[2]
        while "." in parent:
            if parent in covers:
                break
            parent = parent.partition(".")[2]
        else:
            kept.append(name)
    return kept


def _in_order(names: list[str]) -> tuple[str, ...]:
    """Sorted, and `names` emptied. By buckets of those with the same first letters: a bucket fits
    into the processor's cache, where a sort takes half the time.
    """
    buckets: dict[str, list[str]] = {}
    while names:
        name = names.pop()
        buckets.setdefault(name[:2], []).append(name)
    for start in sorted(buckets):
        bucket = buckets.pop(start)
        bucket.sort()
        names += bucket
    return tuple(names)


def _without(allowed: set[str], covers: set[str], exact: set[str]) -> int:
    """Takes out what is allowed; a name above one becomes exact. Counts the first."""
    gone = 0
    for names in (covers, exact):
        out = {name for name in names if is_covered(name, allowed)}
        names -= out
        gone += len(out)
    above = {parent for name in allowed for parent in parents(name)} & covers
    covers -= above
    gone += len(above & exact)
    exact |= above
    return gone
