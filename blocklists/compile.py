"""Merges any lists into one clean list: `scamtrail compile`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from blocklists.collapse import collapse, is_covered, parents, reversed_labels
from blocklists.reading import read_names
from blocklists.registry import Format, Header
from blocklists.suffixes import is_suffix

DUPLICATE = "named before"
COVERED = "covered by a name above it"
SUFFIX = "a public suffix"
ALLOWED = "allowed"
PROTECTED = "protected"

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
    """`covers` and `exact` are sorted by reversed labels; no name of either stands under one of
    `covers`. `dropped` counts by reason what was read and is not in the result.
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
        if not form.covers:
            yield from form.render((e for e in self.entries() if form.takes(e.domain)), header)
            return
        yield from form.render((), header)
        for names, lines in ((self.covers, form.covers), (self.exact, form.alone)):
            for start in range(0, len(names), _BLOCK):
                if block := tuple(filter(form.takes, names[start : start + _BLOCK])):
                    yield _fill(lines, block)

    def __len__(self) -> int:
        return len(self.covers) + len(self.exact)


def _fill(lines: str, names: Iterable[str]) -> str:
    """`lines` for each name, the names in the one or two places of `{}`."""
    first, *rest = lines.split("{}")
    if len(rest) == 1:
        between = f"{rest[0]}\n{first}"
        return f"{first}{between.join(names)}{rest[0]}"
    middle, end = rest
    return "\n".join([f"{first}{name}{middle}{name}{end}" for name in names])


def compile_lists(
    sources: Mapping[str, Iterable[bytes]],
    *,
    allow: Mapping[str, Iterable[bytes]] | None = None,
    protected: Callable[[str], str] | None = None,
    plain_covers: bool = True,
) -> Compilation:
    """Reads, cleans, deduplicates and collapses. The keys name the lists in the report.

    Exceptions within lists and every name in `allow` stay out with all below them; an entry above
    one shrinks to its exact name. `protected` gives a reason to leave a host out, or "". About
    1.2 GB for 10,000,000 different names. OSError comes from the sources.
    """
    covers: set[str] = set()
    exact: set[str] = set()
    allowed: set[str] = set()
    dropped: Counter[str] = Counter()
    by_source: dict[str, Mapping[str, int]] = {}
    lines = read = 0
    for name, content in sources.items():
        found = read_names(content, plain_covers=plain_covers)
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
        suffixes = set(filter(is_suffix, names))
        names -= suffixes
        dropped[SUFFIX] += len(suffixes)
    if allowed:
        dropped[ALLOWED] += _without(allowed, covers, exact)
    if protected:
        for names in (covers, exact):
            barred = {name for name in names if protected(name)}
            names -= barred
            dropped[PROTECTED] += len(barred)
    named = len(covers) + len(exact)
    top = collapse(_drained(covers))
    listed = frozenset(top) if exact else frozenset()
    alone = sorted((name for name in exact if not is_covered(name, listed)), key=reversed_labels)
    dropped[COVERED] += named - len(top) - len(alone)
    return Compilation(top, tuple(alone), lines, read, +dropped, by_source)


def _union(first: set[str], second: set[str]) -> set[str]:
    """Both, in the memory of the larger; neither may be used after."""
    small, large = sorted((first, second), key=len)
    large |= small
    return large


def _drained(names: set[str]) -> Iterator[str]:
    """Empties `names` as it goes, so that a name is in memory once."""
    while names:
        yield names.pop()


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
