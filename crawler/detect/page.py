"""One page → a verdict that is the sum of its evidence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote

from crawler.detect.model import BENIGN, MAX_NGRAMS, OWN, SCAM, Model, probability
from crawler.detect.ngrams import Buckets, Grams, Table, name_grams, text_grams
from crawler.detect.signals import LEARNT, Clue, View, is_own, marks_of, signals
from crawler.detect.text import normalise
from crawler.model import Category, Evidence, Page, Verdict

# Fewer words than this say nothing by themselves.
FEW_WORDS = 4
_NO_TITLE = 90
_NEGLIGIBLE = 0.05
_NO_WORD = re.compile(r"[-_/.?=&+]+")
_PARKED = (
    "domain is for sale",
    "domain for sale",
    "buy this domain",
    "this domain is parked",
    "parked free",
    "domain parking",
    "域名出售",
    "域名停放",
    "tên miền này đang được rao bán",
    "โดเมนนี้ประกาศขาย",
    "domain ini dijual",
)


def judge(page: Page, model: Model) -> Verdict:
    """The verdict on one page; never raises.

    The log-odds are the prior and the weights of all clues that speak for the stronger category
    or against any. `unknown` comes with what is missing.
    """
    if page.failure:
        return _unknown(page, model, f"no answer: {page.failure}")
    view = look(page, model)
    if _is_parked(view):
        parked = _evidence(Clue("page.parked", "innocent", -3.0, "parking page"), page, None)
        return Verdict(
            Category.BENIGN, "parked", probability(parked.weight), (parked,), model.version
        )
    clues = [_calibrated(clue, model) for signal in signals() for clue in signal(view)]
    found = list(_ngrams(view, model))
    gambling, investment = (
        sum(clue.weight for clue in clues if clue.towards == category)
        + sum(weighed.weights[place] for weighed in found)
        for place, category in enumerate(("gambling", "investment"))
    )
    category = Category.GAMBLING if gambling >= investment else Category.INVESTMENT
    prior = Clue("prior", "innocent", model.trained.prior, "before anything is seen")
    used = [prior, *_used(clues, category)]
    used += [clue for weighed in found for clue in weighed.clues(category)]
    chance = probability(sum(clue.weight for clue in used))
    evidence = tuple(_evidence(clue, page, category) for clue in used)
    own = sum(clue.weight for clue in used if clue.towards != "innocent" and is_own(clue.signal))
    if chance >= SCAM and own >= OWN:
        return Verdict(category, _kind(view, clues, category), chance, evidence, model.version)
    if view.words < FEW_WORDS:
        return Verdict(
            Category.UNKNOWN, "", chance, evidence, model.version, "text: the page shows none"
        )
    if chance <= BENIGN:
        return Verdict(Category.BENIGN, _innocent_kind(clues), chance, evidence, model.version)
    missing = "more pages of the host" if own > 0 else "wording of an offer"
    return Verdict(Category.UNKNOWN, "", chance, evidence, model.version, missing)


def _calibrated(clue: Clue, model: Model) -> Clue:
    return replace(clue, weight=model.scale(clue.signal, clue.towards) * clue.weight)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The n-grams of one part of a page, and what they weigh for gambling and for investment."""

    name: str
    table: Table
    grams: Grams
    chosen: Buckets
    weights: tuple[float, float]

    def clues(self, category: Category) -> Iterator[Clue]:
        gambling = category is Category.GAMBLING
        weight = self.weights[0 if gambling else 1]
        if abs(weight) >= _NEGLIGIBLE:
            by_bucket = self.table.gambling if gambling else self.table.investment
            found = by_bucket[self.chosen]
            strongest = self.grams.strongest(found if weight > 0 else -found, self.chosen, 4)
            yield Clue(f"{self.name}{LEARNT}", category.value, weight, " · ".join(strongest))


def _ngrams(view: View, model: Model) -> Iterator[_Weighed]:
    for name, table in model.trained.tables.items():
        if (grams := grams_of(view, name, table.bits)) is None:
            continue
        chosen = grams.distinct()
        limit, scale = MAX_NGRAMS[name], model.trained.scales[name]
        gambling, investment = (
            scale * max(-limit, min(limit, score)) for score in table.scores(chosen)
        )
        yield _Weighed(name, table, grams, chosen, (gambling, investment))


def grams_of(view: View, name: str, bits: int) -> Grams | None:
    """The n-grams of a page's text or host; None where the page has no such thing."""
    if name == "text":
        return text_grams(view.text, bits)
    return name_grams(view.host, bits) if view.host else None


def look(page: Page, model: Model) -> View:
    """The page as signals see it."""
    places = page.document.places
    body = places.get("body", "")
    host, _, path = page.url.partition("://")[2].partition("/")
    host, path = host.partition(":")[0], unquote(f"/{path}")
    if host.endswith(".invalid"):
        # RFC 6761: a name that stands for none.
        host, path = "", ""
    # Where there is no title, what comes first is one.
    title = normalise(places.get("title", "") or body[:_NO_TITLE])
    shown = [_words_of(path), places.get("meta", ""), places.get("alt", "")]
    shown += [places.get("button", ""), body]
    if len(body) < 400:
        # A shell that scripts fill carries its words in its data.
        shown.append(places.get("script", "")[:8_000])
    text = title + "\x00" + normalise("\x00".join(shown))
    return View(
        page=page,
        text=text,
        title_end=len(title),
        hits=tuple(model.lexicon.hits(text)),
        host=host,
        path=path,
        words=_count(f"{places.get('title', '')} {body}"),
        urls="\n".join([link.url for link in page.links]).lower(),
        marks=marks_of(text),
    )


def _words_of(path: str) -> str:
    """The words of an address, which often are the title's."""
    return _NO_WORD.sub(" ", path[:300]) if len(path) > 8 else ""


def _count(text: str) -> int:
    """Words, or a third of the letters where a script writes none."""
    words = text.count(" ") + 1 if text.strip() else 0
    if words > 50 or text.isascii():
        return words
    return max(words, sum(char > "\u0e00" for char in text) // 3)


def _used(clues: Iterable[Clue], category: Category) -> list[Clue]:
    """Clues that count towards `category`: its own, those of any scam, those of innocence."""
    return [clue for clue in clues if clue.towards in (category.value, "scam", "innocent")]


def _evidence(clue: Clue, page: Page, category: Category | None) -> Evidence:
    towards = category or Category.OTHER_SCAM
    innocent = clue.towards == "innocent" or clue.weight < 0
    return Evidence(
        signal=clue.signal,
        category=Category.BENIGN if innocent else towards,
        weight=round(clue.weight, 4),
        value=clue.value[:200],
        snippet=clue.snippet[:200],
        page=page.url,
    )


def _kind(view: View, clues: list[Clue], category: Category) -> str:
    names = {clue.signal for clue in clues}
    if category is Category.GAMBLING:
        if "shape.farm_address" in names or (
            "title.joined_phrases" in names and "shape.random_label" in names
        ):
            return "link_farm"
        strong = {"terms.scam.money", "terms.scam.agent", "link.app_file", "terms.scam.mirror"}
        return "operator" if names & strong else "doorway"
    text = view.text
    for kind, words in _INVESTMENT_KINDS:
        if any(word in text for word in words):
            return kind
    return "hyip" if "promise.daily_return" in names else "broker"


_INVESTMENT_KINDS = (
    ("recovery", ("recover your lost", "asset recovery")),
    (
        "task",
        (
            "刷单",
            "抢单",
            "giật đơn",
            "commission per task",
            "optimize orders",
            "tugas harian",
            "กดออเดอร์",
            "daily tasks",
        ),
    ),
    (
        "mining",
        (
            "cloud mining",
            "mining contract",
            "云算力",
            "矿机",
            "đào coin",
            "ขุดเหรียญ",
            "hash power",
            "tambang kripto",
        ),
    ),
)


def _innocent_kind(clues: list[Clue]) -> str:
    names = {clue.signal: clue.weight for clue in clues}
    if names.get("terms.reporting.regulator", 0) < -1.0:
        return "regulator"
    if names.get("terms.reporting.help", 0) < -0.6:
        return "help"
    if names.get("terms.reporting.news", 0) < -0.4 or "voice.news_schema" in names:
        return "news"
    return "licensed" if "voice.licensee" in names else ""


def _is_parked(view: View) -> bool:
    return view.words < 200 and any(phrase in view.text for phrase in _PARKED)


def _unknown(page: Page, model: Model, missing: str) -> Verdict:
    return Verdict(Category.UNKNOWN, "", 0.0, (), model.version, missing)
