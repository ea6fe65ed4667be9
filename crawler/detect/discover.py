"""Names alone: which of a million new names deserve a look. Pure; no page is known yet.

The score is a sum of named reasons, as everywhere; it only orders what is looked at first.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest

from crawler.detect.imitation import imitated
from crawler.detect.signals.shape import is_random

# Words in names of the trade, with the log-odds that they add. Short ones count only at a
# boundary, since "bet" stands in "alphabet".
_TOKENS = {
    "casino": 2.2, "slot": 1.8, "togel": 2.6, "gacor": 2.8, "nohu": 2.4, "nhacai": 2.8,
    "taixiu": 2.6, "baccarat": 2.6, "sbobet": 2.4, "ufabet": 2.4, "kubet": 2.4, "bet": 1.2,
    "win": 0.7, "vip": 0.7, "lucky": 0.7, "club": 0.2, "jackpot": 1.8, "lotto": 1.4, "poker": 1.6,
    "judi": 2.4, "maxwin": 2.6, "rtp": 1.4, "fx": 1.0, "forex": 1.4, "trade": 0.7, "trading": 0.7,
    "invest": 0.8, "capital": 0.5, "coin": 0.7, "crypto": 0.9, "mining": 1.1, "usdt": 2.0,
    "wealth": 0.9, "hash": 0.7, "profit": 1.2, "btc": 1.0, "defi": 0.9, "stake": 0.8,
    "airdrop": 1.6, "wallet": 0.9, "claim": 0.9, "bonus": 1.4, "dangky": 1.6, "daftar": 1.6,
    "kuwin": 2.6, "98win": 2.6, "789": 0.9, "hi88": 2.4, "new88": 2.4, "jun88": 2.4, "okvip": 2.4,
    "link": 0.3, "alternatif": 2.2, "apk": 1.0, "h5": 0.6,
}  # fmt: skip
_SHORT = {token for token in _TOKENS if len(token) <= 3}
_TOKEN = re.compile("|".join(sorted(map(re.escape, _TOKENS), key=len, reverse=True)))
_LUCKY = re.compile(
    r"(?:88|99|66|77|68|79|777|888|999|555|666|123|365|188)(?!\d)|\d{2,4}(?=bet|win|vip)"
)
_CHEAP = frozenset(
    {"vip", "top", "xyz", "cc", "club", "shop", "icu", "bet", "win", "fun", "site", "online"}
    | {"live", "pro", "buzz", "cyou", "sbs", "cfd", "bond", "asia", "games", "casino", "best"}
)
# A shorter name is taken under most suffixes, by people who know nothing of each other.
_OWN_NAME = 6
PRIOR = -4.0
# Names below are not worth a DNS question.
FLOOR = -3.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A name worth a look: `score` in log-odds and the reasons that make it."""

    name: str
    score: float
    reasons: tuple[str, ...]


def stem(name: str) -> str:
    """A name with its numbers blanked: what numbered mirrors have in common."""
    return re.sub(r"\d+", "#", name)


def score(name: str, known_stems: Collection[str] = ()) -> Proposal:
    """The score of one FQDN; `known_stems` are those of sites already judged scam."""
    labels = name.removeprefix("www.").split(".")
    suffix = labels[-1]
    body = labels[-3] if len(labels) > 2 and len(labels[-2]) <= 3 else labels[0]
    total = PRIOR
    reasons: list[str] = []
    for match in _TOKEN.finditer(body):
        token = match.group()
        before = body[match.start() - 1 : match.start()]
        after = body[match.end() : match.end() + 1]
        if token in reasons or (token in _SHORT and before.isalpha() and after.isalpha()):
            continue
        # "alphabet" and "darwin" end in words of the trade too.
        weak = token in _SHORT and before.isalpha() and not after
        total += _TOKENS[token] * (0.5 if weak else 1.0)
        reasons.append(token)
    if lucky := _LUCKY.search(body):
        total += 1.3
        reasons.append(f"number {lucky.group()}")
    elif sum(char.isdigit() for char in body) >= 2:
        total += 0.4
        reasons.append("digits")
    if suffix in _CHEAP:
        total += 0.8
        reasons.append(f".{suffix}")
    if (brand := imitated(body)) and labels[-2:-1] != [brand]:
        total += 2.2
        reasons.append(f"imitates {brand}")
    if len(labels) > 2 and is_random(labels[0]):
        total += 0.8
        reasons.append("random label")
    if known_stems and stem(name) in known_stems:
        total += 4.0
        reasons.append("numbered like a known scam")
    return Proposal(name, round(total, 2), tuple(dict.fromkeys(reasons)))


def rank(
    names: Iterable[str],
    known_stems: Collection[str] = (),
    *,
    floor: float = FLOOR,
    limit: int = 1_000,
) -> list[Proposal]:
    """The best `limit` names with a score of at least `floor`, best first."""
    stems = frozenset(known_stems)
    found = (proposal for name in names if (proposal := score(name, stems)).score >= floor)
    return nlargest(limit, found, key=lambda item: (item.score, item.name))


def siblings(host: str, *, ahead: int = 3) -> Iterator[str]:
    """Names that the people behind `host` are likely to use too: its number counted on and back.

    `x88-01.example` gives `x88-02.example` and so on; the width of the number is kept.
    """
    head, dot, tail = host.partition(".")
    found = list(re.finditer(r"\d+", head))
    if not found or not dot:
        return
    match = found[-1]
    value, width = int(match.group()), len(match.group())
    for step in (*range(1, ahead + 1), -1):
        if value + step > 0:
            number = str(value + step).zfill(width)
            yield f"{head[: match.start()]}{number}{head[match.end() :]}{dot}{tail}"


def elsewhere(registered: str, suffixes: Iterable[str]) -> Iterator[str]:
    """The same name under other public suffixes; short names belong to anybody and give none."""
    label, _, own = registered.partition(".")
    if len(label) >= _OWN_NAME:
        yield from (f"{label}.{suffix}" for suffix in suffixes if suffix != own)
