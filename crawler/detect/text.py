"""Text in the form in which terms are matched. Pure, linear time."""

import re
import unicodedata

MAX_MATCHED = 40_000

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff]")
# Letters of other scripts that are drawn to pass for Latin ones (Unicode TR39, confusables).
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡһӏ0", "aeopcyxijsdghlo")
_MIXED = re.compile(r"\b(?=\w*[a-z])(?=\w*[а-яіјѕԁɡһӏ])\w+\b")
_SPACED = re.compile(r"(?<!\w)(?:\w[ ·.*_~-]){3,40}\w(?!\w)")


def normalise(text: str) -> str:
    """NFKC, lower case, invisible characters gone, disguised words undone.

    `c a s i n o`, `百-家-乐` and `cаsino` with a Cyrillic а come out as the plain words.
    """
    text = text[:MAX_MATCHED]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = text.lower()
    if not text.isascii():
        text = _MIXED.sub(lambda match: match.group().translate(_LOOKALIKES), text)
    return _SPACED.sub(_joined, text)


def _joined(match: re.Match[str]) -> str:
    run = match.group()
    return re.sub(r"[ ·.*_~-]", "", run)


def snippet(text: str, start: int, end: int, around: int = 40) -> str:
    """The words around `start`..`end`, at most about 160 characters, on one line."""
    cut = text[max(0, start - around) : min(len(text), end + around)][:160]
    return " ".join(cut.replace("\x00", " ").split())
