"""Signals: one file a family, each found by this package.

A signal is a function `(View) -> Iterator[Clue]` with `@signal`. To add one, add a file.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from crawler.detect.lexicon import Hit
from crawler.model import Page


@dataclass(frozen=True, slots=True)
class View:
    """A page prepared once for all signals.

    `text` is the normalised text of title, meta, alt and body joined by NUL; `title_end` is where
    the title ends in it; `hits` are the terms found, each where it first stands. `host` and `path`
    are of the page's URL; `urls` are those of its links in lower case, a line each.
    """

    page: Page
    text: str
    title_end: int
    hits: tuple[Hit, ...]
    host: str
    path: str
    words: int
    urls: str


@dataclass(frozen=True, slots=True)
class Clue:
    """A signal's finding. `towards` is gambling, investment, scam (either) or innocent."""

    signal: str
    towards: str
    weight: float
    value: str
    snippet: str = ""


Signal = Callable[[View], Iterator[Clue]]
_SIGNALS: list[tuple[str, Signal]] = []


def signal(function: Signal) -> Signal:
    """Registers a signal."""
    _SIGNALS.append((f"{function.__module__}.{function.__name__}", function))
    return function


@cache
def signals() -> tuple[Signal, ...]:
    """Every signal of the package, in the order of their names."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return tuple(function for _, function in sorted(_SIGNALS, key=lambda item: item[0]))
