"""Text in the form in which terms are matched. Pure, linear time."""

import re
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray
from opencc import OpenCC

MAX_MATCHED = 40_000

_SEPARATORS = " ·.*_~-"
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff]")
# Letters of other scripts that are drawn to pass for Latin ones (Unicode TR39, confusables).
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡһӏ0", "aeopcyxijsdghlo")
_MIXED = re.compile(r"\b(?=\w*[a-z])(?=\w*[а-яіјѕԁɡһӏ])\w+\b")
_SPACED = re.compile(rf"(?<!\w)(?:\w[{_SEPARATORS}]){{3,40}}\w(?!\w)")
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")
# What a character is to the rules above, by code point.
_WORD, _BETWEEN, _HIDDEN, _CYRILLIC, _TRADITIONAL = 1, 2, 3, 4, 5


def normalise(text: str) -> str:
    """NFKC, lower case, simplified Chinese, invisible characters gone, disguised words undone.

    `c a s i n o`, `百-家-樂` and `cаsino` with a Cyrillic а come out as the plain words.
    """
    text = _folded(text[:MAX_MATCHED])
    kinds = _kinds()[np.minimum(codes(text), 0xFFFF)]
    if not text.isascii():
        if (kinds == _HIDDEN).any():
            text = _folded(_INVISIBLE.sub("", text))
            kinds = _kinds()[np.minimum(codes(text), 0xFFFF)]
        if (kinds == _CYRILLIC).any():
            text = _MIXED.sub(lambda match: match.group().translate(_LOOKALIKES), text)
        if (kinds == _TRADITIONAL).any():
            text = _simplified(text)
    if _has_spaced(kinds):
        text = _SPACED.sub(lambda match: _SEPARATOR.sub("", match.group()), text)
    return text


def codes(text: str) -> NDArray[np.uint32]:
    """The code points of `text`."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def snippet(text: str, start: int, end: int, around: int = 40) -> str:
    """The words around `start`..`end`, at most about 160 characters, on one line."""
    cut = text[max(0, start - around) : min(len(text), end + around)][:160]
    return " ".join(cut.replace("\x00", " ").split())


def _folded(text: str) -> str:
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text.lower()


def _simplified(text: str) -> str:
    """Traditional Chinese characters as simplified ones, so that terms and n-grams serve both.

    One for one, whatever the words; Japanese text changes with it, as do its terms.
    """
    points = codes(text)
    points = np.where(points < 0xFFFF, _simple()[np.minimum(points, 0xFFFF)], points)
    return points.tobytes().decode("utf-32-le", "surrogatepass")


@cache
def _simple() -> NDArray[np.uint32]:
    """The simplified form of each code point of the basic plane (OpenCC, characters alone)."""
    table = np.arange(0x10000, dtype=np.uint32)
    han = range(0x3400, 0xA000)
    # A line a character, lest neighbours be taken for a word.
    simple = OpenCC("t2s").convert("\n".join(map(chr, han))).split("\n")
    table[list(han)] = [ord(char) for char in simple]
    return table


def _has_spaced(kinds: NDArray[np.uint8]) -> bool:
    """Whether four single characters stand in a row with separators between; `_SPACED` says how."""
    word = (kinds == _WORD) | (kinds >= _CYRILLIC)
    alone = word.copy()
    alone[1:] &= ~word[:-1]
    alone[:-1] &= ~word[1:]
    pairs = alone[:-2] & (kinds[1:-1] == _BETWEEN) & alone[2:]
    return bool((pairs[:-4] & pairs[2:-2] & pairs[4:]).any())


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of each code point of the basic plane; those above it are looked up as its last."""
    table = np.array([chr(code).isalnum() or code == 0x5F for code in range(0x10000)], np.uint8)
    table[_simple() != np.arange(0x10000)] = _TRADITIONAL
    table[[ord(char) for char in _SEPARATORS]] = _BETWEEN
    table[[code for code in range(0x10000) if _INVISIBLE.match(chr(code))]] = _HIDDEN
    table[[ord(char) for char in "іјѕԁɡһӏ"] + list(range(0x430, 0x450))] = _CYRILLIC
    return table
