"""Names by the million, as bytes instead of as objects.

A name is a line of bytes and a 64-bit hash. The hash is a polynomial over the bytes (Karp and Rabin
1987), so that from one running sum over a text come the hashes of all its names and of every name
that stands above one. Its key is drawn anew in each process: nobody can choose names that collide.
The result does not depend on it, but for one chance in 100,000 with 10,000,000 names.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]

# Lines are hashed so many bytes at a time: what that takes stays in the processor's cache.
_CHUNK = 2**18
_LONGEST = 253
_END, _DOT = 10, 46

_FEWEST_BITS, _MOST_BITS = 16, 25


def _powers(base: int) -> Hashes:
    powers = np.full(_CHUNK + _LONGEST + 2, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers)


_BASE = secrets.randbits(64) | 1
_POWERS, _INVERSES = _powers(_BASE), _powers(pow(_BASE, -1, 2**64))
_LETTERS = np.frombuffer(secrets.token_bytes(256 * 8), np.uint64)


@dataclass(frozen=True, slots=True)
class Table:
    """`text` holds names in normal form, each with its line end; `ends` are the places of these.

    `hashes` are those of the names. `above` are those of the names above them, `owners` to which
    name each belongs, `final` where it is the last label alone.
    """

    text: bytes
    ends: NDArray[np.int64]
    hashes: Hashes
    above: Hashes
    owners: NDArray[np.int32]
    final: Mask

    def __len__(self) -> int:
        return len(self.ends)

    def concerned(self, exactly: Iterable[str], below: Iterable[str]) -> Mask:
        """Which names are one of `exactly`, or are or stand below one of `below`."""
        known = hashes_of(below)
        found = is_in(self.hashes, known) | is_in(self.hashes, hashes_of(exactly))
        found[self.owners[is_in(self.above, known)]] = True
        return found

    def covered(self, known: Hashes) -> Mask:
        """Which names stand below one with these hashes, which are sorted."""
        found = np.zeros(len(self), np.bool_)
        deep = ~self.final
        found[self.owners[deep][is_in(self.above[deep], known)]] = True
        return found

    def lines(self, mask: Mask) -> bytes:
        """The names of `mask`, in their order."""
        if mask.all():
            return self.text
        starts = np.concatenate(([0], self.ends[:-1] + 1))
        parts = []
        for first in range(0, len(self), 2**16):
            part = slice(first, first + 2**16)
            low, high = int(starts[first]), int(self.ends[part][-1]) + 1
            letters = np.frombuffer(self.text, np.uint8, high - low, low)
            lengths = self.ends[part] + 1 - starts[part]
            parts.append(letters[np.repeat(mask[part], lengths)].tobytes())
        return b"".join(parts)

    def names(self, mask: Mask) -> set[str]:
        return set(self.lines(mask).decode().split()) if mask.any() else set()


def table(text: bytes) -> Table:
    """Reads names. A name has at most 253 characters."""
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == _END)
    starts = np.concatenate((np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1))
    hashes = np.empty(len(ends), np.uint64)
    above, owners, final = [], [], []
    first = 0
    while first < len(ends):
        low = int(starts[first])
        last = max(int(np.searchsorted(ends, low + _CHUNK)), first + 1)
        part = letters[low : int(ends[last - 1]) + 1]
        sums = np.concatenate(
            (np.zeros(1, np.uint64), np.cumsum(_LETTERS[part] * _POWERS[: len(part)]))
        )
        begin, end = starts[first:last] - low, ends[first:last] - low
        hashes[first:last] = (sums[end] - sums[begin]) * _INVERSES[begin]
        dots = np.flatnonzero(part == _DOT)
        counts = np.diff(np.searchsorted(dots, end), prepend=0)
        own = np.repeat(np.arange(last - first, dtype=np.int32), counts)
        above.append((sums[end[own]] - sums[dots + 1]) * _INVERSES[dots + 1])
        owners.append(own + np.int32(first))
        final.append(np.append(own[1:] != own[:-1], True)[: len(own)])
        first = last
    return Table(
        text,
        ends,
        hashes,
        np.concatenate(above) if above else np.empty(0, np.uint64),
        np.concatenate(owners) if owners else np.empty(0, np.int32),
        np.concatenate(final) if final else np.empty(0, np.bool_),
    )


def hashes_of(names: Iterable[str]) -> Hashes:
    """Sorted."""
    lines = "".join(f"{name}\n" for name in names)
    return np.sort(table(lines.encode()).hashes)


def is_in(hashes: Hashes, known: Hashes) -> Mask:
    """Which of `hashes` are among `known`, which are sorted."""
    found = np.zeros(len(hashes), np.bool_)
    if not len(known):
        return found
    # By their leading bits most hashes fall on a place that none of the known ones has, which takes
    # one look where a search takes twenty.
    bits = min(max(len(known).bit_length() + 3, _FEWEST_BITS), _MOST_BITS)
    shift = np.uint64(64 - bits)
    taken = np.zeros(2**bits, np.bool_)
    taken[known >> shift] = True
    likely = np.flatnonzero(taken[hashes >> shift])
    asked = hashes[likely]
    places = np.searchsorted(known, asked)
    places[places == len(known)] = 0
    found[likely] = known[places] == asked
    return found


def first_of_each(hashes: Hashes) -> tuple[Hashes, Mask]:
    """The different hashes, sorted, and which stand for the first time."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    new = np.ones(len(hashes), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.zeros(len(hashes), np.bool_)
    first[order[new]] = True
    return ordered[new], first


@dataclass(frozen=True, slots=True)
class Lines:
    """Names, in blocks of strings only while they are looked at."""

    text: bytes
    count: int

    @classmethod
    def of(cls, names: Iterable[str]) -> "Lines":
        text = "".join(f"{name}\n" for name in names).encode("ascii")
        return cls(text, text.count(b"\n"))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks():
            yield from block

    def blocks(self, size: int = 2**17) -> Iterator[list[str]]:
        """Of about `size` bytes each."""
        start = 0
        while start < len(self.text):
            end = self.text.find(b"\n", start + size)
            end = len(self.text) - 1 if end < 0 else end
            yield self.text[start:end].decode("ascii").split("\n")
            start = end + 1
