"""Who speaks: a newsroom, a public body, a firm that names itself, or nobody."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, marks, signal
from crawler.detect.signals.claims import island
from crawler.detect.text import snippet
from crawler.reference import default

_NEWS = re.compile(
    r"\"@type\"\s*:\s*\"(?:NewsArticle|Report(?:age)?NewsArticle|NewsMediaOrganization)\"", re.I
)
_BODY = re.compile(
    r"\"@type\"\s*:\s*\"(?:GovernmentOrganization|School|CollegeOrUniversity|BankOrCreditUnion)\"",
    re.I,
)
_LICENCE = re.compile(
    r"(?:licen[cs]e|authori[sz]ation|registration|reg\.?|firm reference|frn|số giấy phép|"
    r"giấy phép số|ใบอนุญาตเลขที่|izin usaha|nomor izin|牌照号|许可证号|编号) ?"
    r"(?:no\.?|number|nomor|số|เลขที่|[:：#])? ?[:：#]? ?"
    r"([a-z]{0,6}[-/ ]?\d[\d/-]{3,15})",
)
_DUTIES = (
    "gamble responsibly",
    "play responsibly",
    "self-exclu",
    "begambleaware",
    "gamcare",
    "gamstop",
    "18+",
    "deposit limit",
    "responsible gam",
    "capital is at risk",
    "capital at risk",
    "lose money when trading",
    "deposit insurance",
    "dijamin lps",
    "คุ้มครองเงินฝาก",
    "bảo hiểm tiền gửi",
    "存款保险",
    "juega con responsabilidad",
    "juego responsable",
    "jogue com responsabilidade",
    "jogo responsável",
    "autoexclusión",
    "autoexclusão",
    "investasi mengandung risiko",
    "การลงทุนมีความเสี่ยง",
    "ผู้ลงทุนควรท\u0e4d\u0e32ความเข้าใจ",
    "投资有风险",
    "投资一定有风险",
    "원금 손실",
    "元本割れ",
    "rentabilidades pasadas",
    "rentabilidade passada",
    "инвестиции сопряжены с риском",
)
marks(*_DUTIES)
# Who offers a way around the duties names them too.
_AROUND = re.compile(r"\b(?:not on|non|without|bypass|no) ?-?(?:gamstop|self-exclu)")
_BYLINE = re.compile(
    r"\b(?:by [a-z]+ [a-z]+ ?[|,-]|published|updated|written by|editor|newsroom)\b"
)
_OPENING = '“「『"«'
_QUOTED = re.compile(rf"[{_OPENING}][^”」』»\"\x00]{{15,400}}[”」』»\"]")


@signal
def schema(view: View) -> Iterator[Clue]:
    """What the page says of itself in schema.org terms; anyone can, so it weighs little."""
    script = view.page.document.places.get("script", "")
    if _NEWS.search(script):
        yield Clue("voice.news_schema", "innocent", -1.2, "NewsArticle")
    if _BODY.search(script):
        yield Clue("voice.body_schema", "innocent", -1.0, "public body, school or bank")


# Log-odds for hosts whose part is known. Where strangers write, as on a platform, nothing is known.
_ROLES = {
    "anti_fraud": -6.5,
    "bank": -8.0,
    "broker": -8.0,
    "exchange": -8.0,
    "government": -3.0,
    "help": -8.0,
    "licensed_gambling": -16.0,
    "news": -5.0,
    "police": -6.5,
    "regulator": -8.0,
    "school": -2.5,
    "wallet_docs": -6.5,
}


@signal
def known_host(view: View) -> Iterator[Clue]:
    """A host on a register of licensees or in the table of known hosts, or under a suffix that a
    country keeps for its public bodies."""
    if (known := default().lookup(view.host)) and (weight := _ROLES.get(known.role)):
        value = f"{known.host}: {known.role.replace('_', ' ')} ({known.source})"
        yield Clue("voice.known_host", "innocent", weight, value)


@signal
def licence(view: View) -> Iterator[Clue]:
    """A licence number together with the duties of a licensee; a bare claim weighs nothing."""
    duties = [duty for duty in _DUTIES if duty in view.marks]
    if duties and (_AROUND.search(view.text, 0, 20_000) or island(view)):
        return
    if duties and (number := _LICENCE.search(view.text)):
        yield Clue(
            "voice.licensee",
            "innocent",
            -4.0 - 0.5 * min(3, len(duties)),
            f"{number.group(1)}; {', '.join(duties[:3])}",
            snippet(view.text, number.start(), number.end()),
        )
    elif len(duties) >= 2:
        yield Clue("voice.duties", "innocent", -1.2, ", ".join(duties[:3]))


@signal
def reporting(view: View) -> Iterator[Clue]:
    """A byline and quotations: somebody writes about others."""
    text = view.text[:20_000]
    quotes = len(_QUOTED.findall(text)) if any(mark in text for mark in _OPENING) else 0
    byline = _BYLINE.search(text) if quotes else None
    if byline and quotes:
        yield Clue("voice.byline_and_quotes", "innocent", -1.2, byline.group())
    elif quotes >= 3:
        yield Clue("voice.quotes", "innocent", -0.6, f"{quotes} quotations")
