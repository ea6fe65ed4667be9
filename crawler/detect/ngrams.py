"""Hashed n-grams of a page's text and of its address, and what they weigh. Pure, linear time.

The hashing trick (Weinberger et al., ICML 2009): an n-gram is a bucket of a table of weights, so
the table needs no vocabulary and holds no text. Digits count as one, so that `98win` and `77win`
are the same n-gram.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crawler.detect.text import codes

# What a page is about shows early, and the cost grows with the length.
MAX_TEXT = 2_000
_MULTIPLIER = np.uint32(0x01000193)  # odd, so invertible modulo 2³² (the prime of FNV-1a, 32 bits)
_INVERSE = np.uint32(pow(0x01000193, -1, 1 << 32))
_MIX = np.uint32(0x9E3779B1)  # 2³² / golden ratio (Knuth, TAOCP 6.4)
_BIGRAM = np.uint32(0x85EBCA6B)
_ORDER = (
    np.uint32(0x27D4EB2F),
    np.uint32(0x165667B1),
    np.uint32(0xC2B2AE35),
    np.uint32(0x7FEB352D),
)
_POWERS = np.cumprod(np.full(MAX_TEXT, _MULTIPLIER, np.uint32), dtype=np.uint32)
_UNPOWERS = np.cumprod(np.full(MAX_TEXT, _INVERSE, np.uint32), dtype=np.uint32)

Buckets = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a text: the bucket, the start and the end of each, in no order."""

    text: str
    buckets: Buckets
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]

    def distinct(self) -> Buckets:
        """Each bucket once, ascending."""
        ordered = np.sort(self.buckets)
        first: Buckets = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
        return first

    def strongest(self, best: NDArray[np.float32], chosen: Buckets, count: int) -> list[str]:
        """Up to `count` n-grams, without overlap, of those `chosen` buckets for which `best`, one
        number each, is greatest."""
        found: list[str] = []
        few = np.argpartition(-best, min(count * 2, len(best) - 1))[: count * 2]
        order = few[np.lexsort((few, -best[few]))]
        for bucket in chosen[order]:
            place = int(np.argmax(self.buckets == bucket))
            gram = self.text[self.starts[place] : self.ends[place]].replace("\x00", " ").strip()
            if len(gram) > 1 and not any(gram in other or other in gram for other in found):
                found.append(gram)
            if len(found) == count:
                break
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """Weights by bucket for gambling and for investment, each against innocent pages.

    The score of a text is `bias` (for either category) plus the mean weight of its n-grams times
    the square root of their number: the product with a vector of noughts and equal numbers of
    length one (L2).
    """

    bits: int
    gambling: NDArray[np.float32]
    investment: NDArray[np.float32]
    bias: tuple[float, float]

    def scores(self, chosen: Buckets) -> tuple[float, float]:
        """The log-odds for gambling and for investment."""
        if not len(chosen):
            return 0.0, 0.0
        size = np.sqrt(len(chosen))
        return (
            float(self.gambling[chosen].sum() / size) + self.bias[0],
            float(self.investment[chosen].sum() / size) + self.bias[1],
        )


def text_grams(text: str, bits: int) -> Grams:
    """Runs of two to four characters, words and pairs of words of the first `MAX_TEXT`."""
    return _grams(text[:MAX_TEXT], bits, (2, 3, 4), words=True)


def name_grams(name: str, bits: int) -> Grams:
    """Runs of three to five characters of a host name, its ends marked."""
    return _grams(f"^{name[:120]}$", bits, (3, 4, 5), words=False)


def _grams(text: str, bits: int, orders: Sequence[int], *, words: bool) -> Grams:
    points = codes(text)
    points = np.where((points >= 48) & (points < 58), np.uint32(48), points)
    parts = list(_runs(points, orders))
    if words:
        parts += _words(text, points)
    if not parts:
        nothing = np.zeros(0, np.intp)
        return Grams(text, np.zeros(0, np.uint32), nothing, nothing)
    hashes = np.concatenate([hashed for hashed, _, _ in parts])
    return Grams(
        text,
        (hashes * _MIX) >> np.uint32(32 - bits),
        np.concatenate([starts for _, starts, _ in parts]),
        np.concatenate([ends for _, _, ends in parts]),
    )


_Part = tuple[Buckets, NDArray[np.intp], NDArray[np.intp]]


def _runs(points: Buckets, orders: Sequence[int]) -> Iterator[_Part]:
    rolling = points
    for order in range(2, orders[-1] + 1):
        if len(points) < order:
            return
        rolling = rolling[:-1] * _MULTIPLIER + points[order - 1 :]
        if order >= orders[0]:
            starts = np.arange(len(rolling))
            yield rolling ^ _ORDER[order - 2], starts, starts + order


def _words(text: str, points: Buckets) -> Iterator[_Part]:
    """Words between white space and punctuation of ASCII, and pairs of neighbours."""
    inside = ~_IS_SEPARATOR[np.minimum(points, 127)] | (points > 127)
    edges = np.diff(inside.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(starts):
        return
    # The hash of a word is the sum of its characters times powers of their place, wherever it is.
    sums = np.concatenate(
        [np.zeros(1, np.uint32), np.cumsum(points * _POWERS[: len(points)], dtype=np.uint32)]
    )
    hashes = (sums[ends] - sums[starts]) * _UNPOWERS[starts]
    yield hashes, starts, ends
    if len(starts) > 1:
        yield hashes[:-1] * _BIGRAM + hashes[1:], starts[:-1], ends[1:]


_IS_SEPARATOR = np.array([not chr(code).isalnum() for code in range(128)])
