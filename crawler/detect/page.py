"""One page → a verdict that is the sum of its evidence."""

from collections.abc import Iterable

from crawler.detect.model import BENIGN, PRIOR, SCAM, Model, probability
from crawler.detect.signals import Clue, View, signals
from crawler.detect.text import normalise
from crawler.model import Category, Evidence, Page, Verdict

# Fewer words than this say nothing by themselves.
FEW_WORDS = 4
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
    clues = [clue for signal in signals() for clue in signal(view)]
    gambling = sum(clue.weight for clue in clues if clue.towards == "gambling")
    investment = sum(clue.weight for clue in clues if clue.towards == "investment")
    category = Category.GAMBLING if gambling >= investment else Category.INVESTMENT
    used = [Clue("prior", "innocent", PRIOR, "before anything is seen"), *_used(clues, category)]
    chance = probability(sum(clue.weight for clue in used))
    evidence = tuple(_evidence(clue, page, category) for clue in used)
    own = max(gambling, investment)
    if chance >= SCAM and own > 0:
        return Verdict(category, _kind(view, clues, category), chance, evidence, model.version)
    if view.words < FEW_WORDS:
        return Verdict(
            Category.UNKNOWN, "", chance, evidence, model.version, "text: the page shows none"
        )
    if chance <= BENIGN:
        return Verdict(Category.BENIGN, _innocent_kind(clues), chance, evidence, model.version)
    missing = "more pages of the host" if own > 0 else "wording of an offer"
    return Verdict(Category.UNKNOWN, "", chance, evidence, model.version, missing)


def look(page: Page, model: Model) -> View:
    """The page as signals see it."""
    places = page.document.places
    title = normalise(places.get("title", ""))
    body = places.get("body", "")
    shown = [title, places.get("meta", ""), places.get("alt", ""), places.get("button", ""), body]
    if len(body) < 400:
        # A shell that scripts fill carries its words in its data.
        shown.append(places.get("script", "")[:8_000])
    text = title + "\x00" + normalise("\x00".join(shown[1:]))
    host, _, path = page.url.partition("://")[2].partition("/")
    return View(
        page=page,
        text=text,
        title_end=len(title),
        hits=tuple(model.lexicon.hits(text)),
        host=host.partition(":")[0],
        path=f"/{path}",
        words=len(body.split()) + len(title.split()),
        urls="\n".join([link.url for link in page.links]).lower(),
    )


def _used(clues: Iterable[Clue], category: Category) -> list[Clue]:
    """Clues that count towards `category`: its own, those of any scam, those of innocence."""
    return [clue for clue in clues if clue.towards in (category.value, "scam", "innocent")]


def _evidence(clue: Clue, page: Page, category: Category | None) -> Evidence:
    towards = category or Category.OTHER_SCAM
    return Evidence(
        signal=clue.signal,
        category=Category.BENIGN if clue.towards == "innocent" else towards,
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
    if names.get("terms.reporting.regulator", 0) < -1.5:
        return "regulator"
    if names.get("terms.reporting.help", 0) < -1.0:
        return "help"
    if names.get("terms.reporting.news", 0) < -0.7 or "voice.news_schema" in names:
        return "news"
    return "licensed" if "voice.licensee" in names else ""


def _is_parked(view: View) -> bool:
    return view.words < 200 and any(phrase in view.text for phrase in _PARKED)


def _unknown(page: Page, model: Model, missing: str) -> Verdict:
    return Verdict(Category.UNKNOWN, "", 0.0, (), model.version, missing)
