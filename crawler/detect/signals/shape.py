"""The shape of the address and the title: farms, brands with numbers, joined search phrases."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise

from crawler.detect.signals import Clue, View, signal
from crawler.names import registered_domain

_NUMERIC_PATH = re.compile(
    r"/(?:\d{4,9}(?:/|$|\.html)|[\w-]{0,20}-\d{3,8}(?:\.index)?\.html|tags?[-/]|viewspace-\d+|"
    r"go/|news/\d{5,}|[A-Za-z0-9]{4,8}/\d{4,7}\.html)"
)
_BRANDED = re.compile(
    r"(?:bet|win|vip|casino|slot|togel|lucky|88|99|66|77|68|79|555|777|888|999|fx|coin|trade|"
    r"invest|mining|capital|hash)"
)
_BRAND_CODE = re.compile(
    r"\b(?:[a-z]{1,6}\d{2,4}|\d{1,3}[a-z]{2,6}|[a-z]{0,8}(?:win|bet|club|vip)\d{0,3})\b"
)
# Runs that no language of the trade writes in Latin letters.
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|q[^u\d]|[xzjq][bcdfgkpqvwxz]|[vw][xzqj]")
_JOINED = re.compile(r"[|_,，、\-–—]| {2,}")


@signal
def random_label(view: View) -> Iterator[Clue]:
    """A sub-domain that nobody would choose, above all with a numeric path."""
    domain = registered_domain(view.host)
    label = view.host.removesuffix(domain).rstrip(".").rpartition(".")[2]
    random = bool(label) and label not in ("www", "m") and is_random(label)
    numbered = bool(_NUMERIC_PATH.match(view.path))
    if random and numbered:
        yield Clue("shape.farm_address", "gambling", 2.2, f"{label}… {view.path[:40]}")
    elif random:
        yield Clue("shape.random_label", "scam", 0.8, label)
    elif numbered:
        yield Clue("shape.numeric_path", "scam", 0.2, view.path[:40])


@signal
def branded_domain(view: View) -> Iterator[Clue]:
    """A name such as lucky88-03: words and numbers of the trade."""
    domain = registered_domain(view.host).split(".")[0]
    found = _BRANDED.findall(domain)
    digits = sum(char.isdigit() for char in domain)
    if found and (digits or len(found) > 1):
        yield Clue("shape.branded_domain", "scam", 0.9, domain)
    elif digits >= 3 and not domain.isdigit():
        yield Clue("shape.digits_in_domain", "scam", 0.4, domain)


@signal
def joined_title(view: View) -> Iterator[Clue]:
    """A title made of search phrases: many parts, a brand code, several terms of the trade."""
    title = view.text[: view.title_end]
    parts = [part for part in _JOINED.split(title) if part.strip()]
    phrases = {
        hit.term.text
        for hit in view.hits
        if hit.start < view.title_end and hit.term.group.startswith("gambling")
    }
    code = _BRAND_CODE.search(title)
    if len(phrases) >= 2 and (len(parts) >= 3 or code):
        yield Clue("title.joined_phrases", "gambling", 1.5, title[:100], title[:140])
    elif code and phrases:
        yield Clue("title.brand_code", "gambling", 0.9, code.group(), title[:140])


def is_random(label: str) -> bool:
    """Whether a label looks drawn by lot: letters mixed with digits, or no pronounceable run."""
    if len(label) < 5 or "-" in label:
        return False
    if label.isdigit():
        return True
    switches = sum(a.isdigit() != b.isdigit() for a, b in pairwise(label))
    vowels = sum(char in "aeiouy" for char in label)
    letters = sum(char.isalpha() for char in label)
    if switches >= 2 or _UNSPEAKABLE.search(label):
        return True
    return letters >= 6 and vowels / letters < 0.15 and entropy(label) > 2.2


def entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits."""
    size = len(text)
    return -sum(text.count(char) / size * math.log2(text.count(char) / size) for char in set(text))
