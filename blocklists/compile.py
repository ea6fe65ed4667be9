"""Merges any lists into one clean list: `scamtrail compile`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from blocklists.bulk import Lines, Mask, Table, first_of_each, hashes_of, is_in, table
from blocklists.collapse import is_covered, parents
from blocklists.reading import (
    EXCEPTION,
    WHOLE,
    WHOLE_WITHOUT_MODIFIERS,
    Bulk,
    Names,
    read_names,
)
from blocklists.recipe import INVERT, MODIFIERS, Source, matching
from blocklists.registry import Format, Header
from blocklists.suffixes import SUFFIXES, WILD, suffixes_in

DUPLICATE = "named before"
COVERED = "covered by a name above it"
SUFFIX = "a public suffix"
ALLOWED = "allowed"
PROTECTED = "protected"
TOP = "a top site, or above one"
EXCLUDED = "excluded"


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
class Barred:
    """What keeps names out: those of many that it concerns.

    Only names that are one of `exactly`, or are or stand below one of `below`, are asked about; all
    where there are neither.
    """

    among: Callable[[Set[str]], Iterable[str]]
    exactly: Set[str] = frozenset()
    below: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compilation:
    """No name of `covers` or `exact` stands under one of `covers`.

    They are in the order in which the lists have them, so that the same lists give the same bytes.
    `dropped` counts by reason what was read and is not in the result.
    """

    covers: Lines
    exact: Lines
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
            for block in names.blocks():
                if max(map(len, block)) > form.longest:
                    block = list(filter(form.takes, block))
                if block:
                    yield form.block(block, exact)

    def __len__(self) -> int:
        return len(self.covers) + len(self.exact)


def compile_lists(
    sources: Mapping[str, Iterable[bytes]],
    *,
    allow: Mapping[str, Iterable[bytes]] | None = None,
    barred: Mapping[str, Barred] | None = None,
    recipes: Mapping[str, Source] | None = None,
    plain_covers: bool = True,
) -> Compilation:
    """Reads, cleans, deduplicates and collapses. The keys name the lists in the report.

    Exceptions within lists and every name in `allow` stay out with all below them; an entry above
    one shrinks to its exact name. `barred` gives the further reasons to leave names out, `recipes`
    what is to be done with each of the sources. OSError comes from the sources.
    """
    texts = (bytearray(), bytearray())
    parts: list[tuple[str, Names, tuple[int, int]]] = []
    allowed: set[str] = set()
    for name, content in sources.items():
        bulk = Bulk()
        found = _read(content, (recipes or {}).get(name), plain_covers, bulk)
        for text, many, few in zip(
            texts, (bulk.covers, bulk.alone), (found.covers, found.alone), strict=True
        ):
            text += many
            text += "".join(f"{line}\n" for line in sorted(few)).encode("ascii")
        allowed |= found.allows
        parts.append((name, found, (len(texts[0]), len(texts[1]))))
        found.covers, found.alone = set(), set()
    for content in (allow or {}).values():
        given = read_names(content)
        allowed |= given.covers | given.alone | given.allows

    covers, exact = (table(bytes(text)) for text in texts)
    del texts
    known, keep_covers = first_of_each(covers.hashes)
    _, keep_exact = first_of_each(exact.hashes)
    dropped: Counter[str] = Counter()
    by_source = _by_source(parts, covers, exact, keep_covers, keep_exact, dropped)
    groups = ((covers, keep_covers), (exact, keep_exact))
    shrunk: set[str] = set()
    for reason, rule in _rules(allowed, barred or {}).items():
        for names, kept in groups:
            asked = kept
            if rule.exactly or rule.below:
                asked = names.concerned(rule.exactly, rule.below) & kept
            out = is_in(names.hashes, hashes_of(rule.among(names.names(asked)))) & kept
            kept &= ~out
            dropped[reason] += int(out.sum())
    if allowed:
        above = hashes_of({parent for name in allowed for parent in parents(name)})
        out = is_in(covers.hashes, above) & keep_covers
        shrunk = covers.names(out)
        keep_covers &= ~out
        again = int((is_in(exact.hashes, hashes_of(shrunk)) & keep_exact).sum())
        dropped[ALLOWED] += again
        keep_exact &= ~is_in(exact.hashes, hashes_of(shrunk))
    named = int(keep_covers.sum()) + int(keep_exact.sum())
    known = np.sort(covers.hashes[keep_covers])
    keep_covers &= ~covers.covered(known)
    keep_exact &= ~(exact.covered(known) | is_in(exact.hashes, known))
    dropped[COVERED] += named - int(keep_covers.sum()) - int(keep_exact.sum())
    alone = exact.lines(keep_exact) + "".join(f"{name}\n" for name in sorted(shrunk)).encode()
    return Compilation(
        Lines(covers.lines(keep_covers), int(keep_covers.sum())),
        Lines(alone, alone.count(b"\n")),
        sum(found.lines for _, found, _ in parts),
        sum(found.entries for _, found, _ in parts),
        +dropped,
        by_source,
    )


def _rules(allowed: Set[str], barred: Mapping[str, Barred]) -> dict[str, Barred]:
    def are_allowed(names: Set[str]) -> set[str]:
        return {name for name in names if is_covered(name, allowed)}

    return {
        SUFFIX: Barred(suffixes_in, SUFFIXES, WILD),
        ALLOWED: Barred(are_allowed, below=frozenset(allowed) or frozenset({"."})),
        **barred,
    }


def _by_source(
    parts: Iterable[tuple[str, Names, tuple[int, int]]],
    covers: Table,
    exact: Table,
    first_covers: Mask,
    first_exact: Mask,
    dropped: Counter[str],
) -> dict[str, Mapping[str, int]]:
    """What each list brought, and into `dropped` what all together dropped."""
    result: dict[str, Mapping[str, int]] = {}
    begin = (0, 0)
    for name, found, end in parts:
        new = 0
        for names, first, low, high in zip(
            (covers, exact), (first_covers, first_exact), begin, end, strict=True
        ):
            new += int(
                first[np.searchsorted(names.ends, low) : np.searchsorted(names.ends, high)].sum()
            )
        result[name] = {"lines": found.lines, "read": found.entries, "new": new, **found.dropped}
        dropped += found.dropped
        dropped[DUPLICATE] += found.entries - new
        begin = end
    return result


def top_sites(ranked: Iterable[str]) -> Barred:
    """Keeps out top sites and what stands above one."""
    sites = frozenset(ranked)
    above = sites | {parent for name in sites for parent in parents(name)}
    return Barred(lambda names: names & above, above)


def _read(content: Iterable[bytes], recipe: Source | None, plain_covers: bool, bulk: Bulk) -> Names:
    """The names in a list after its own transformations."""
    if not recipe:
        return read_names(content, plain_covers=plain_covers, bulk=bulk)
    one_by_one = recipe.exclude or recipe.include or INVERT in recipe.transformations
    found = read_names(
        content,
        plain_covers=plain_covers,
        whole=WHOLE_WITHOUT_MODIFIERS if MODIFIERS in recipe.transformations else WHOLE,
        bulk=None if one_by_one else bulk,
    )
    if not one_by_one:
        return found
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
