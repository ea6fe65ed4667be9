"""The terms of all languages in one automaton (Aho and Corasick, CACM 1975)."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files

from ahocorasick_rs import AhoCorasick

from crawler.detect.text import normalise


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a weight group such as `gambling.offer`; `gloss` is its meaning in English."""

    text: str
    gloss: str
    language: str
    group: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A term found at `start`..`end` of the text."""

    term: Term
    start: int
    end: int


class Lexicon:
    """Finds terms in normalised text in one pass."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        merged: dict[str, Term] = {}
        for term in self.terms:
            merged.setdefault(normalise(term.text), term)
        self._entries = tuple((term, _separable(text)) for text, term in merged.items())
        self._automaton = AhoCorasick(list(merged))

    def hits(self, text: str) -> Iterator[Hit]:
        """Where each term first stands in `text`, in order of their ends; terms may overlap."""
        size = len(text)
        seen: set[int] = set()
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if number in seen:
                continue
            term, separable = self._entries[number]
            if separable and (
                (start and text[start - 1].isalnum()) or (end < size and text[end].isalnum())
            ):
                continue
            seen.add(number)
            yield Hit(term, start, end)


def _separable(text: str) -> bool:
    """Whether a hit must stand alone as a word.

    Scripts without spaces have no such words, and farms glue whole phrases together, so only a
    single word of a spacing script must.
    """
    spacing = all(char < "\u0e00" or "\u1e00" <= char < "\u2000" for char in text)
    return spacing and (" " not in text or text.isascii())


def load() -> Lexicon:
    """The lexicon that is shipped: one TOML file a language."""
    return Lexicon(_terms())


def _terms() -> Iterator[Term]:
    folder = files("crawler.detect") / "lexicon"
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if not path.name.endswith(".toml"):
            continue
        tables = tomllib.loads(path.read_text("utf-8"))
        language = tables.pop("language")
        for category, groups in tables.items():
            for group, terms in groups.items():
                for text, gloss in terms.items():
                    yield Term(text, gloss or text, language, f"{category}.{group}")
