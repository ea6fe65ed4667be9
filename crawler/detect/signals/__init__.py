"""Signals: one file a family, each found by this package.

A signal is a function `(View) -> Iterator[Clue]` with `@signal`. To add one, add a file.
"""

import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from ahocorasick_rs import AhoCorasick

from crawler.detect.lexicon import Hit
from crawler.detect.text import snippet
from crawler.model import Page


@dataclass(frozen=True, slots=True)
class View:
    """A page prepared once for all signals.

    `text` is the normalised text of title, meta, alt and body joined by NUL; `title_end` is where
    the title ends in it; `hits` are the terms found, each where it first stands. `host` and `path`
    are of the page's URL; `urls` are those of its links in lower case, a line each. `marks` are the
    signals' marks that stand in the text.
    """

    page: Page
    text: str
    title_end: int
    hits: tuple[Hit, ...]
    host: str
    path: str
    words: int
    urls: str
    marks: frozenset[str]

    def in_title(self) -> dict[str, set[str]]:
        """The terms of the title by weight group."""
        found: dict[str, set[str]] = {}
        for hit in self.hits:
            if hit.start < self.title_end:
                found.setdefault(hit.term.group, set()).add(hit.term.text)
        return found


@dataclass(frozen=True, slots=True)
class Clue:
    """A signal's finding. `towards` is gambling, investment, scam (either) or innocent."""

    signal: str
    towards: str
    weight: float
    value: str
    snippet: str = ""


def clue_at(name: str, towards: str, weight: float, match: re.Match[str]) -> Clue:
    """A clue whose value and snippet are what a pattern matched and the words around it."""
    around = snippet(match.string, match.start(), match.end())
    return Clue(name, towards, weight, match.group().strip()[:60], around)


# What the names of clues end with that were learnt and that nobody can read.
LEARNT = ".ngrams"


def is_own(name: str) -> bool:
    """Whether a clue of this name is the page's own wording or links, for anyone to read.

    The shape of a name convicts nobody, and neither does what else its host is known for or what
    was learnt of n-grams.
    """
    return name.partition(".")[0] not in ("shape", "host") and not name.endswith(LEARNT)


Signal = Callable[[View], Iterator[Clue]]
_SIGNALS: list[tuple[str, Signal]] = []


def signal(function: Signal) -> Signal:
    """Registers a signal."""
    _SIGNALS.append((f"{function.__module__}.{function.__name__}", function))
    return function


_MARKS: list[str] = []


def marks(*words: str) -> frozenset[str]:
    """Words without one of which a signal's pattern cannot match.

    `re` is slow where a pattern has no literal start; the marks of all signals are found in one
    pass, and a signal asks `view.marks` first.
    """
    _MARKS.extend(words)
    return frozenset(words)


def marks_of(text: str) -> frozenset[str]:
    """The marks that stand in a normalised text; NUL counts as a space."""
    words, automaton = _automaton()
    found = automaton.find_matches_as_indexes(text.replace("\x00", " "), overlapping=True)
    return frozenset(words[number] for number, _, _ in found)


@cache
def _automaton() -> tuple[list[str], AhoCorasick]:
    signals()
    words = sorted(set(_MARKS))
    return words, AhoCorasick(words)


@cache
def signals() -> tuple[Signal, ...]:
    """Every signal of the package, in the order of their names."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return tuple(function for _, function in sorted(_SIGNALS, key=lambda item: item[0]))
