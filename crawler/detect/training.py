"""Learns the n-gram weights and the calibration from labelled pages and names. Needs scikit-learn.

Two steps. First, a logistic regression (L2) for each of the n-grams of text, host and path, of
gambling, investment and innocent against each other. Then Platt scaling (Platt, 1999): a logistic
regression over the sums of the hand-set clues and the scores of the first step, whose coefficients
are drawn towards one, so that little data leaves the hand-set weights as they are. The scores come
from models that have not seen the page's registered domain (stacking; Wolpert, 1992). The same
input gives the same bytes.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crawler.detect.evaluate import LABELS, Example
from crawler.detect.model import MAX_NGRAMS, Model, Trained, untrained
from crawler.detect.ngrams import Buckets, Table, name_grams
from crawler.detect.page import grams_of, look
from crawler.detect.signals import signals
from crawler.names import registered_domain

BITS = {"text": 17, "host": 15, "path": 13}
# Inverse strength of the L2 penalty; chosen by cross-validation over powers of about three.
STRENGTH = {"text": 30.0, "host": 1.0, "path": 1.0}
FOLDS = 5
# How far the calibration may leave the hand-set weights: the penalty on (scale - 1)².
PULL = 2.0
# Bounds. A page that shows nothing is innocent, however many scams the labelled pages hold that
# show nothing either: far more of the pages on the trail show nothing than are scams.
PRIOR = (-4.0, -1.3)
SCALE = (0.2, 2.0)
SCALES = ("guilty", "innocent", "text", "host", "path")


@dataclass(frozen=True, slots=True)
class _Row:
    """A page or a bare name, taken apart. `sums` are the hand-set weights: for gambling, for
    investment, against both."""

    label: str
    language: str
    fold: int
    grams: Mapping[str, Buckets]
    sums: tuple[float, float, float] = (0.0, 0.0, 0.0)


def train(
    examples: Iterable[Example], names: Iterable[tuple[str, str]], *, trained_on: str
) -> Trained:
    """The model of labelled pages and of labelled host names.

    Raises ImportError without scikit-learn and ValueError when a label has no page. `trained_on`
    is the date, stored with the model.
    """
    signals_alone = untrained()
    pages = [_row(example, signals_alone) for example in examples]
    counts = Counter(row.label for row in pages)
    if missing := [label for label in LABELS if counts[label] < FOLDS]:
        raise ValueError(f"fewer than {FOLDS} pages are {missing[0]}; give some of each label")
    hosts = [
        _Row(
            label,
            "",
            fold_of(host),
            {"host": name_grams(host, BITS["host"]).distinct(BITS["host"])},
        )
        for host, label in sorted(set(names))
    ]
    scores = {name: np.zeros((len(pages), 2)) for name in BITS}
    for fold in range(FOLDS):
        inside = [index for index, row in enumerate(pages) if row.fold == fold]
        tables = _tables([row for row in (*pages, *hosts) if row.fold != fold])
        for index, (name, table) in itertools.product(inside, tables.items()):
            if name in pages[index].grams:
                scores[name][index] = table.scores(pages[index].grams[name])
    scales, prior = _calibrate(pages, scores)
    about = {
        "trained_on": trained_on,
        "pages": dict(sorted(counts.items())),
        "languages": dict(sorted(Counter(row.language for row in pages).items())),
        "names": dict(sorted(Counter(row.label for row in hosts).items())),
    }
    return Trained(_tables([*pages, *hosts]), scales, prior, about)


def fold_of(host: str, folds: int = FOLDS) -> int:
    """A number below `folds`, the same for all hosts of a registered domain."""
    domain = registered_domain(host) or host
    return int.from_bytes(hashlib.sha256(domain.encode()).digest()[:4]) % folds


def _row(example: Example, model: Model) -> _Row:
    view = look(example.page, model)
    clues = [clue for signal in signals() for clue in signal(view)]

    def total(*towards: str) -> float:
        return sum(clue.weight for clue in clues if clue.towards in towards)

    return _Row(
        label=example.label,
        language=example.language,
        fold=fold_of(example.page.url.split("/")[2]),
        grams={
            name: grams.distinct(bits)
            for name, bits in BITS.items()
            if (grams := grams_of(view, name, bits))
        },
        sums=(total("gambling", "scam"), total("investment", "scam"), total("innocent")),
    )


def _tables(rows: Sequence[_Row]) -> dict[str, Table]:
    return {name: _table([row for row in rows if name in row.grams], name) for name in BITS}


def _table(rows: Sequence[_Row], name: str) -> Table:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    bits = BITS[name]
    chosen = [row.grams[name] for row in rows]
    # What one page alone shows is learnt by heart, not learnt.
    known = np.bincount(np.concatenate(chosen), minlength=1 << bits) >= 2
    columns = np.flatnonzero(known)
    place_of = np.cumsum(known) - 1
    kept = [place_of[buckets[known[buckets]]] for buckets in chosen]
    values = [
        np.full(len(k), 1 / np.sqrt(max(1, len(c)))) for k, c in zip(kept, chosen, strict=True)
    ]
    bounds = np.concatenate([[0], np.cumsum([len(buckets) for buckets in kept])])
    matrix = csr_matrix(
        (np.concatenate(values), np.concatenate(kept), bounds), shape=(len(rows), len(columns))
    )
    fitted = LogisticRegression(C=STRENGTH[name], max_iter=200, tol=1e-4)
    fitted.fit(matrix, [row.label for row in rows], sample_weight=_shares(rows))
    place = {label: index for index, label in enumerate(fitted.classes_)}
    weights = np.zeros((len(place), 1 << bits), np.float32)
    weights[:, columns] = fitted.coef_ - fitted.coef_[place["benign"]]
    bias = fitted.intercept_ - fitted.intercept_[place["benign"]]
    return Table(
        bits,
        weights[place["gambling"]],
        weights[place["investment"]],
        (round(float(bias[place["gambling"]]), 4), round(float(bias[place["investment"]]), 4)),
    )


def _shares(rows: Sequence[_Row]) -> NDArray[np.float64]:
    """Weights that give each label the same say, and small languages more than their number."""
    groups = Counter((row.label, row.language) for row in rows)
    raw = np.array([groups[row.label, row.language] ** -0.5 for row in rows])
    labels = np.array([row.label for row in rows])
    for label in set(labels):
        raw[labels == label] *= len(rows) / len(set(labels)) / raw[labels == label].sum()
    return raw


def _calibrate(
    pages: Sequence[_Row], scores: Mapping[str, NDArray[np.float64]]
) -> tuple[dict[str, float], float]:
    """Scales for the families of clues and the prior, by the log loss on unseen pages."""
    from scipy.optimize import minimize

    features, guilty = [], []
    for index, row in enumerate(pages):
        ngrams = [
            np.clip(scores[name][index], -MAX_NGRAMS[name], MAX_NGRAMS[name]) for name in BITS
        ]
        totals = [row.sums[place] + sum(score[place] for score in ngrams) for place in (0, 1)]
        place = 0 if totals[0] >= totals[1] else 1
        features.append([row.sums[place], row.sums[2], *(score[place] for score in ngrams)])
        guilty.append(row.label != "benign")
    matrix, target = np.array(features), np.array(guilty, float)
    share = _shares(
        [replace(row, label="benign" if row.label == "benign" else "guilty") for row in pages]
    )

    def loss(parameters: NDArray[np.float64]) -> float:
        odds = matrix @ parameters[1:] + parameters[0]
        costs = np.logaddexp(0, odds) - target * odds
        return float((share * costs).sum() + PULL * ((parameters[1:] - 1) ** 2).sum())

    begin = np.array([-2.0, *np.ones(len(SCALES))])
    found = minimize(loss, begin, method="L-BFGS-B", bounds=[PRIOR, *[SCALE] * len(SCALES)])
    prior, *scales = (round(float(value), 3) for value in found.x)
    return dict(zip(SCALES, scales, strict=True)), prior
