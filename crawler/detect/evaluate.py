"""How well verdicts match labels: per category, language and sub-label. Pure."""

import json
import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crawler import html
from crawler.detect.model import Model
from crawler.detect.page import judge
from crawler.model import Category, Page, Verdict

LABELS = ("gambling", "investment", "benign")
_BINS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EvaluateError(ValueError):
    """A line cannot be used; the message names the line and the fix."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled page; `hard` marks one that is easily taken for another label."""

    page: Page
    label: str
    language: str
    sublabel: str = ""
    hard: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled page and its verdict."""

    example: Example
    verdict: Verdict

    @property
    def guilty(self) -> bool:
        return self.example.label != Category.BENIGN.value

    @property
    def accused(self) -> bool:
        return self.verdict.category.is_scam

    @property
    def misjudged(self) -> bool:
        """Whether it is judged a scam and is none, or of another category, or a scam not found."""
        return self.accused != self.guilty or (
            self.accused and self.verdict.category.value != self.example.label
        )


def judged(lines: Iterable[str], model: Model) -> Iterator[Judged]:
    """Judge JSON lines `{"url", "html" or "text", "label"}`; `title`, `language` and `sublabel`
    are optional. Raises EvaluateError naming the line."""
    for example in examples(lines):
        yield Judged(example, judge(example.page, model))


def examples(lines: Iterable[str]) -> Iterator[Example]:
    """The labelled pages of JSON lines. Raises EvaluateError naming the line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise EvaluateError(f"line {number}: not JSON: {error}; one object a line") from error
        if not isinstance(record, dict) or record.get("label") not in LABELS:
            raise EvaluateError(f"line {number}: label is none of {', '.join(LABELS)}")
        if not isinstance(record.get("html") or record.get("text"), str):
            raise EvaluateError(f"line {number}: neither html nor text; give one of them")
        page = labelled_page(record)
        yield Example(
            page=page,
            label=record["label"],
            sublabel=str(record.get("sublabel") or ""),
            language=str(record.get("language") or page.document.language or "?"),
            hard=bool(record.get("hard")),
            line=number,
        )


def labelled_page(record: dict[str, Any]) -> Page:
    """The page of a labelled record."""
    url = html.canonical_url(str(record.get("url") or "")) or "http://unknown.invalid/"
    if record.get("html"):
        body = str(record["html"]).encode("utf-8", "replace")
        document = html.parse(body, url=url, content_type="text/html; charset=utf-8")
    else:
        body = str(record["text"]).encode("utf-8", "replace")
        document = html.from_text(str(record["text"]), title=str(record.get("title") or ""))
    return Page(url, url, 200, (), body, document, _EPOCH)


def measure(found: Sequence[Judged]) -> dict[str, Any]:
    """The figures over all pages, and by category, language, sub-label and hardness."""
    return {
        "pages": len(found),
        "overall": figures(found),
        "hard": figures([item for item in found if item.example.hard]),
        "categories": {
            label: _category(found, label) for label in LABELS if label != Category.BENIGN.value
        },
        "languages": _by(found, lambda item: item.example.language),
        "sublabels": _by(found, lambda item: item.example.sublabel),
    }


def figures(found: Sequence[Judged]) -> dict[str, Any]:
    """Scam of any category against innocent."""
    hits = sum(item.guilty and item.accused for item in found)
    false = sum(not item.guilty and item.accused for item in found)
    guilty = sum(item.guilty for item in found)
    return {
        "guilty": guilty,
        "innocent": len(found) - guilty,
        **_rates(hits, false, guilty, len(found) - guilty),
        "unknown": _share(sum(i.verdict.category is Category.UNKNOWN for i in found), len(found)),
        "auc": auc([(item.verdict.probability, item.guilty) for item in found]),
        "calibration_error": calibration_error(
            [(item.verdict.probability, item.guilty) for item in found]
        ),
    }


def auc(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Area under the ROC curve by ranks, ties shared (Hanley and McNeil, 1982)."""
    positive = sum(guilty for _, guilty in pairs)
    negative = len(pairs) - positive
    if not positive or not negative:
        return None
    ranked = sorted(pairs)
    total, index = 0.0, 0
    while index < len(ranked):
        end = index
        while end < len(ranked) and ranked[end][0] == ranked[index][0]:
            end += 1
        rank = (index + 1 + end) / 2
        total += rank * sum(guilty for _, guilty in ranked[index:end])
        index = end
    return round((total - positive * (positive + 1) / 2) / (positive * negative), 4)


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al., AAAI 2015)."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, guilty in pairs:
        bins[min(_BINS - 1, math.floor(probability * _BINS))].append((probability, guilty))
    error = sum(
        abs(sum(p for p, _ in group) - sum(guilty for _, guilty in group))
        for group in bins.values()
    )
    return round(error / len(pairs), 4) if pairs else 0.0


def _category(found: Sequence[Judged], label: str) -> dict[str, Any]:
    guilty = [item.example.label == label for item in found]
    named = [item.verdict.category.value == label for item in found]
    hits = sum(map(operator.and_, guilty, named))
    return {
        "guilty": sum(guilty),
        **_rates(hits, sum(named) - hits, sum(guilty), len(found) - sum(guilty)),
    }


def _by(found: Sequence[Judged], key: Any) -> dict[str, Any]:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in found:
        groups[key(item)].append(item)
    return {name: figures(group) for name, group in sorted(groups.items()) if name}


def _rates(hits: int, false: int, guilty: int, innocent: int) -> dict[str, Any]:
    precision = _share(hits, hits + false)
    recall = _share(hits, guilty)
    both = (precision or 0) + (recall or 0)
    return {
        "precision": precision,
        "recall": recall,
        "f1": round(2 * (precision or 0) * (recall or 0) / both, 4) if both else None,
        "false_positive_rate": _share(false, innocent),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
