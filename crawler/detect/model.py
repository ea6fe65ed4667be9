"""Everything that turns signals into a probability: lexicon, weights, thresholds."""

import math
from dataclasses import dataclass
from functools import cache

from crawler.detect import lexicon
from crawler.detect.lexicon import Lexicon

VERSION = "signals-1"


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight group: log-odds of its first term, and the most that all its terms can add."""

    first: float
    cap: float


# Log-odds by weight group. A single word of a trade is weak, as the news use it too; wording that
# only sellers use is strong. Caps keep a long page from piling up weight.
WEIGHTS: dict[str, Weight] = {
    "gambling.offer": Weight(0.9, 4.2),
    "gambling.lure": Weight(1.2, 3.2),
    "gambling.search": Weight(0.6, 1.8),
    "gambling.brand": Weight(1.0, 2.0),
    "investment.offer": Weight(1.2, 4.4),
    "scam.money": Weight(0.5, 1.3),
    "scam.agent": Weight(0.6, 1.5),
    "scam.mirror": Weight(0.9, 2.0),
    "scam.app": Weight(0.4, 0.9),
    "scam.chat": Weight(0.4, 1.1),
    "reporting.news": Weight(-0.8, -5.0),
    "reporting.regulator": Weight(-1.0, -4.0),
    "reporting.help": Weight(-1.5, -4.0),
    "innocent.business": Weight(-0.9, -4.5),
}
# Terms in these places say what a page is about; elsewhere they may be in passing.
TITLE_FACTOR = 1.5
# The prior odds of a page on the trail being a scam, before anything is seen.
PRIOR = -3.2
# At or above the first a page is judged a scam, at or below the second innocent.
SCAM = 0.85
BENIGN = 0.25


@dataclass(frozen=True, slots=True)
class Model:
    """What `judge` needs, loaded once."""

    lexicon: Lexicon
    version: str = VERSION


@cache
def load_model() -> Model:
    """The model that is shipped."""
    return Model(lexicon.load())


def probability(log_odds: float) -> float:
    """The logistic function, without overflow."""
    if log_odds < -700:
        return 0.0
    return 1 / (1 + math.exp(-log_odds))


def saturate(first: float, cap: float, count: float) -> float:
    """The weight of `count` terms of a group: the first adds `first`, all together below `cap`.

    Exponential saturation: cap × (1 − (1 − first/cap)^count).
    """
    return cap * (1 - math.pow(1 - first / cap, count))
