"""Learns the n-gram weights and the calibration from labelled pages and names. Needs scikit-learn.

Two steps. First, a logistic regression (L2) for each of the n-grams of text and host, of gambling,
investment and innocent against each other. Then Platt scaling (Platt, 1999): a logistic regression
over the sums of the hand-set clues and the scores of the first step, whose coefficients are drawn
towards one, so that little data leaves the hand-set weights as they are; then over the sum of each
signal, drawn towards the coefficient of its family. The scores come from models that have not seen
the page's registered domain (stacking; Wolpert, 1992). The terms of the lexicon were chosen by
looking at pages, and on those pages they find more than on others: so pages on which nobody worked
calibrate alone, where there are any. The same input gives the same bytes.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crawler.detect.evaluate import LABELS, Example
from crawler.detect.model import FAMILIES, MAX_NGRAMS, Model, Trained, family_of, untrained
from crawler.detect.ngrams import Buckets, Table, name_grams
from crawler.detect.page import grams_of, look
from crawler.detect.signals import Clue, signals
from crawler.names import registered_domain

BITS = {"text": 20, "host": 15}
# Inverse strength of the L2 penalty; chosen by cross-validation over powers of about three.
STRENGTH = {"text": 30.0, "host": 1.0}
# N-grams on fewer pages are left out.
KNOWN = 3
FOLDS = 5
# How far the calibration may leave the hand-set weights, and a signal its family: the penalty on
# (scale - 1)² and on (scale - that of the family)².
PULL = 2.0
PULL_OF_SIGNAL = 1.0
# A signal on fewer pages than this has the scale of its family.
SHOWN = 8
# Bounds. A page that shows nothing is innocent, however many scams the labelled pages hold that
# show nothing either: far more of the pages on the trail show nothing than are scams. Its
# probability is the prior's, which stays below `model.BENIGN`.
PRIOR = (-4.0, -0.5)
SCALE = (0.2, 3.0)
# What a register says of a host is not learnt.
LOOKED_UP = "voice.known_host"


@dataclass(frozen=True, slots=True)
class _Row:
    """A page or a bare name, taken apart."""

    label: str
    language: str
    fold: int
    grams: Mapping[str, Buckets]
    clues: tuple[Clue, ...] = ()


def train(
    examples: Iterable[Example],
    names: Iterable[tuple[str, str]],
    *,
    trained_on: str,
    unseen: Iterable[Example] = (),
) -> Trained:
    """The model of labelled pages and of labelled host names.

    `unseen` are pages that were not looked at while terms and signals were made: all are learnt
    from, they alone calibrate; without them all pages do. `trained_on` is the date, stored with
    the model. Raises ImportError without scikit-learn and ValueError when a label has too few
    pages.
    """
    signals_alone = untrained()
    pages = [_row(example, signals_alone) for example in unseen]
    calibrating = len(pages)
    pages += [_row(example, signals_alone) for example in examples]
    counts = Counter(row.label for row in pages)
    if missing := [label for label in LABELS if counts[label] < FOLDS]:
        raise ValueError(f"fewer than {FOLDS} pages are {missing[0]}; give some of each label")
    hosts = [
        _Row(
            label,
            "",
            fold_of(host),
            {"host": name_grams(host, BITS["host"]).distinct()},
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
    some = slice(calibrating or None)
    scales, prior = _calibrate(pages[some], {name: score[some] for name, score in scores.items()})
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
    return _Row(
        label=example.label,
        language=example.language,
        fold=fold_of(example.page.url.split("/")[2]),
        grams={
            name: grams.distinct()
            for name, bits in BITS.items()
            if (grams := grams_of(view, name, bits))
        },
        clues=tuple(clue for signal in signals() for clue in signal(view)),
    )


def _tables(rows: Sequence[_Row]) -> dict[str, Table]:
    return {name: _table([row for row in rows if name in row.grams], name) for name in BITS}


def _table(rows: Sequence[_Row], name: str) -> Table:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    bits = BITS[name]
    chosen = [row.grams[name] for row in rows]
    # What a page or two alone show is learnt by heart, not learnt.
    shown = np.bincount(np.concatenate(chosen), minlength=1 << bits)
    known = shown >= KNOWN
    columns = np.flatnonzero(known)
    place_of = np.cumsum(known) - 1
    # Inverse document frequency (Spärck Jones, 1972): what everybody writes says little.
    rarity = np.log(len(rows) / shown[columns])
    rarity /= np.sqrt(np.average(rarity**2, weights=shown[columns]))
    kept = [place_of[buckets[known[buckets]]] for buckets in chosen]
    values = [rarity[k] / np.sqrt(max(1, len(c))) for k, c in zip(kept, chosen, strict=True)]
    bounds = np.concatenate([[0], np.cumsum([len(buckets) for buckets in kept])])
    matrix = csr_matrix(
        (np.concatenate(values), np.concatenate(kept), bounds), shape=(len(rows), len(columns))
    )
    fitted = LogisticRegression(C=STRENGTH[name], max_iter=200, tol=1e-4)
    fitted.fit(matrix, [row.label for row in rows], sample_weight=_shares(rows))
    place = {label: index for index, label in enumerate(fitted.classes_)}
    weights = np.zeros((len(place), 1 << bits), np.float32)
    weights[:, columns] = (fitted.coef_ - fitted.coef_[place["benign"]]) * rarity
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
    """The scale of each family and of each signal that is shown often, and the prior."""
    sums = [
        _sums(row.clues, {name: scores[name][index] for name in BITS})
        for index, row in enumerate(pages)
    ]
    family = {clue.signal: family_of(clue.towards) for row in pages for clue in row.clues}
    family |= {name: name for name in (*BITS, LOOKED_UP)}
    shown = Counter(name for found in sums for name in found)
    alone = {name: name if shown[name] >= SHOWN else family[name] for name in family}
    alone[LOOKED_UP] = LOOKED_UP
    scales, _ = _fit(pages, sums, family, dict.fromkeys((*FAMILIES, LOOKED_UP), 1.0), PULL)
    apart = {name: scales[family[name]] for name in sorted(alone) if alone[name] == name}
    return _fit(pages, sums, alone, scales | apart, PULL_OF_SIGNAL)


def _sums(clues: Sequence[Clue], scores: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """What each signal and table of n-grams weighs for the stronger category."""
    ngrams = {
        name: np.clip(score, -MAX_NGRAMS[name], MAX_NGRAMS[name]) for name, score in scores.items()
    }
    totals = [
        sum(clue.weight for clue in clues if clue.towards in (label, "scam"))
        + sum(score[place] for score in ngrams.values())
        for place, label in enumerate(LABELS[:2])
    ]
    place = 0 if totals[0] >= totals[1] else 1
    found = {name: float(score[place]) for name, score in ngrams.items()}
    for clue in clues:
        if clue.towards in (LABELS[place], "scam", "innocent"):
            found[clue.signal] = found.get(clue.signal, 0.0) + clue.weight
    return found


def _fit(
    pages: Sequence[_Row],
    sums: Sequence[Mapping[str, float]],
    column: Mapping[str, str],
    begin: Mapping[str, float],
    pull: float,
) -> tuple[dict[str, float], float]:
    """The scale of each column and the prior, by the log loss; `pull` holds them to `begin`."""
    from scipy.optimize import minimize

    place = {name: index for index, name in enumerate(begin)}
    matrix = np.zeros((len(sums), len(place)))
    for index, found in enumerate(sums):
        for name, weight in found.items():
            matrix[index, place[column[name]]] += weight
    target = np.array([row.label != "benign" for row in pages], float)
    share = _shares(
        [replace(row, label="benign" if row.label == "benign" else "guilty") for row in pages]
    )
    middle = np.array(list(begin.values()))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        prior, scales = parameters[0], parameters[1:]
        odds = matrix @ scales + prior
        costs = np.logaddexp(0, odds) - target * odds
        error = share * (np.exp(-np.logaddexp(0, -odds)) - target)
        slope = matrix.T @ error + 2 * pull * (scales - middle)
        value = float((share * costs).sum() + pull * ((scales - middle) ** 2).sum())
        return value, np.concatenate([[error.sum()], slope])

    found = minimize(
        loss,
        np.array([PRIOR[1], *middle]),
        jac=True,
        method="L-BFGS-B",
        bounds=[PRIOR, *[(1.0, 1.0) if name == LOOKED_UP else SCALE for name in place]],
    )
    prior, *scales = (round(float(value), 3) for value in found.x)
    return dict(zip(place, scales, strict=True)), prior
