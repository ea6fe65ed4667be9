"""Which URLs are not worth a visit, and what of a host looks like a trap. Pure but for its counts.

Calendars, session ids and generated mazes give every page a new address: they show in the shape of
the path, and in pages that say the same again (simhash, Charikar 2002).
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from crawler.config import CrawlConfig

# A segment this often in one path is a loop of relative links.
MAX_REPEATS = 3
# Fingerprints of 64 bits that differ in so few are of pages that say the same (Manku et al. 2007).
SAME_BITS = 3
# Pages too short to be told apart have no fingerprint.
MIN_WORDS = 8
_SESSION = re.compile(
    r"(?:^|[;?&/])(?:s(?:ess(?:ion)?)?id|phpsessid|jsessionid|sid|token|zenid)=", re.I
)


def refusal(url: str, config: CrawlConfig) -> str:
    """Why `url` is not queued, as "limit:…" or "trap:…", "" when it may be."""
    if len(url) > config.max_url_length:
        return "limit:url_length"
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > config.max_path_depth:
        return "limit:path_depth"
    if segments and max(Counter(segments).values()) > MAX_REPEATS:
        return "trap:repetition"
    return ""


def shape(url: str) -> str:
    """What stays of a URL when everything that may be counted on or drawn is taken out.

    >>> shape("http://a.test/calendar/2026/11?sid=0af3")
    'a.test/calendar/#/#?sid'
    """
    parts = urlsplit(url)
    path = re.sub(r"[0-9a-f]{8,}|\d+", "#", parts.path.lower())
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return f"{parts.netloc}{path}{'?' if names else ''}{'&'.join(names)}"


def has_session(url: str) -> bool:
    """Whether the address carries an id of the visit, so that each visit sees another one."""
    return _SESSION.search(url) is not None


def simhash(text: str) -> int:
    """A fingerprint of 64 bits that is near for texts that share most of their words; 0 for few."""
    words = re.findall(r"\w+", text.lower())[:2_000]
    if len(words) < MIN_WORDS:
        return 0
    totals = [0] * 64
    for word, count in Counter(words).items():
        bits = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
        for place in range(64):
            totals[place] += count if bits >> place & 1 else -count
    return sum(1 << place for place, total in enumerate(totals) if total > 0)


@dataclass(slots=True)
class Traps:
    """What the pages of each shape have said in this run."""

    shapes: Counter[str] = field(default_factory=Counter)
    prints: dict[str, int] = field(default_factory=dict)
    same: Counter[str] = field(default_factory=Counter)

    def saw(self, url: str, text: str) -> None:
        """Take note of a page that was fetched."""
        kind = shape(url)
        self.shapes[kind] += 1
        if not _is_numbered(kind, url):
            return
        fingerprint = simhash(text)
        before = self.prints.get(kind)
        if before is not None and (before ^ fingerprint).bit_count() <= SAME_BITS:
            self.same[kind] += 1
        self.prints[kind] = fingerprint

    def refusal(self, url: str, config: CrawlConfig) -> str:
        """Why no more pages of the shape of `url` are fetched, "" when more may be."""
        kind = shape(url)
        if not _is_numbered(kind, url):
            return ""
        if self.shapes[kind] >= config.max_pages_per_shape:
            return "trap:shape"
        if self.same[kind] >= config.max_same_pages:
            return "trap:same_content"
        return ""


def _is_numbered(kind: str, url: str) -> bool:
    return "#" in kind or has_session(url)
