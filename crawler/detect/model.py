"""Everything that turns signals into a probability: lexicon, weights, n-grams, thresholds."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.detect import lexicon
from crawler.detect.lexicon import Lexicon
from crawler.detect.ngrams import Table

ARTEFACT = "model.npz"


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight group: log-odds of its first term, and the most that all its terms can add."""

    first: float
    cap: float


# Log-odds by weight group. A single word of a trade is weak, as the news use it too; wording that
# only sellers use is strong. Caps keep a long page from piling up weight.
WEIGHTS: dict[str, Weight] = {
    "gambling.offer": Weight(0.8, 3.8),
    "gambling.lure": Weight(1.1, 3.4),
    "gambling.search": Weight(0.35, 1.1),
    "gambling.brand": Weight(1.05, 2.5),
    "gambling.likely": Weight(0.42, 1.6),
    "gambling.talk": Weight(0.16, 0.6),
    "investment.offer": Weight(1.1, 4.2),
    "investment.recovery": Weight(1.6, 5.0),
    "investment.likely": Weight(0.38, 1.5),
    "investment.talk": Weight(0.16, 0.65),
    "investment.counters": Weight(0.5, 2.6),
    "scam.money": Weight(0.5, 1.3),
    "scam.agent": Weight(0.35, 0.9),
    "scam.mirror": Weight(0.75, 1.7),
    "scam.app": Weight(0.36, 0.8),
    "scam.chat": Weight(0.4, 1.1),
    "scam.weak": Weight(0.2, 0.8),
    "reporting.news": Weight(-1.15, -6.0),
    "reporting.cited": Weight(-0.5, -1.5),
    "reporting.regulator": Weight(-1.1, -5.0),
    "reporting.help": Weight(-1.1, -3.5),
    "innocent.business": Weight(-1.4, -6.0),
    "innocent.finance": Weight(-0.42, -2.3),
    "innocent.guide": Weight(-0.9, -3.2),
    "innocent.everyday": Weight(-0.35, -2.1),
}
# Terms in these places say what a page is about; elsewhere they may be in passing.
TITLE_FACTOR = 1.5
# The prior odds of a page on the trail being a scam, before anything is seen.
PRIOR = -3.2
# At or above the first a page is judged a scam, at or below the second innocent.
SCAM = 0.94
BENIGN = 0.38
# The least that a page's own wording and links must weigh before it is judged a scam.
OWN = 0.4


# What a table of n-grams may add or take away at most, in log-odds before calibration: they are
# learnt from little, and a name proves nothing.
MAX_NGRAMS = {"text": 3.0, "host": 1.2}


class ModelError(ValueError):
    """A file is no model of this program."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What `scamtrail train` learns.

    `tables` are those of the n-grams of text and host. A clue's weight is multiplied by the
    scale of its signal, or of its family where the signal has none. `about` is what the training
    was.
    """

    tables: Mapping[str, Table]
    scales: Mapping[str, float]
    prior: float
    about: Mapping[str, Any]


# Compared and hashed by identity: link scores are cached by the model that gave them.
@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What `judge` needs, loaded once."""

    lexicon: Lexicon
    trained: Trained
    version: str

    def scale(self, signal: str, towards: str) -> float:
        """What the calibration multiplies the weight of a clue by."""
        scales = self.trained.scales
        return scales[signal] if signal in scales else scales[family_of(towards)]


# A family's scale is that of its signals which too few pages showed.
FAMILIES = ("guilty", "innocent", "text", "host")
UNTRAINED = Trained({}, dict.fromkeys(FAMILIES, 1.0), PRIOR, {})


def family_of(towards: str) -> str:
    """The family of a clue that speaks `towards` a category, any scam or innocence."""
    return "innocent" if towards == "innocent" else "guilty"


@cache
def load_model() -> Model:
    """The model that is shipped."""
    return read_model((files("crawler.detect") / ARTEFACT).read_bytes())


def read_model(body: bytes) -> Model:
    """A model as `to_bytes` wrote it. Raises ModelError."""
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            tables = {
                name: Table(
                    size["bits"],
                    _widened(stored, f"{name}.gambling"),
                    _widened(stored, f"{name}.investment"),
                    tuple(size["bias"]),
                )
                for name, size in about["tables"].items()
            }
        trained = Trained(tables, about["scales"], about["prior"], about)
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"no model: {error}; make one with scamtrail train") from error
    return Model(lexicon.load(), trained, f"logistic-{hashlib.sha256(body).hexdigest()[:8]}")


def untrained() -> Model:
    """The signals alone, with the weights above: what training starts from."""
    return Model(lexicon.load(), UNTRAINED, "signals")


def to_bytes(trained: Trained) -> bytes:
    """The model as a NumPy archive, the same bytes for the same model; weights take one byte."""
    about = {
        **trained.about,
        "tables": {
            name: {"bits": table.bits, "bias": table.bias} for name, table in trained.tables.items()
        },
        "scales": dict(trained.scales),
        "prior": trained.prior,
    }
    text = json.dumps(about, sort_keys=True, ensure_ascii=False).encode()
    arrays: dict[str, NDArray[Any]] = {"about": np.frombuffer(text, np.uint8)}
    for name, table in trained.tables.items():
        for category, weights in (("gambling", table.gambling), ("investment", table.investment)):
            step = np.float32(np.abs(weights).max() / 127 or 1)
            arrays[f"{name}.{category}"] = np.round(weights / step).astype(np.int8)
            arrays[f"{name}.{category}.step"] = step.reshape(1)
    written = io.BytesIO()
    np.savez_compressed(written, allow_pickle=False, **arrays)
    return written.getvalue()


def _widened(stored: Any, key: str) -> NDArray[np.float32]:
    weights: NDArray[np.float32] = stored[key].astype(np.float32) * stored[f"{key}.step"][0]
    return weights


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
