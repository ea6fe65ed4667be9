"""Promises of return: so much per day or week, doubling, tiers with their rates."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, signal
from crawler.detect.text import snippet

_DAY = (
    r"(?:daily|per day|a day|/ ?day|each day|every day|mỗi ngày|/ngày|một ngày|ngày|per hari|/hari|"
    r"harian|sehari|setiap hari|ต่อวัน|รายวัน|/วัน|วันละ|每日|每天|日息|日收益|/天|一天|ក្នុងមួយថ្ងៃ|"
    r"ຕໍ່ມື້|တစ်ရက်|per week|weekly|hourly|per hour|after \d{1,3} (?:hours|days))"
)
_RATE = re.compile(rf"\d{{1,4}}(?:[.,]\d{{1,2}})? ?[%％] ?(?:roi |profit |return )?{_DAY}")
_RATE_AFTER = re.compile(rf"{_DAY}[^\d%\x00]{{0,24}}\d{{1,4}}(?:[.,]\d{{1,2}})? ?[%％]")
_DOUBLE = re.compile(
    r"double your (?:money|bitcoin|investment|usdt|deposit)|\d{2,4}% (?:in|after) \d{1,3} "
    r"(?:days|hours)|翻倍|gấp đôi|เท่าตัว|2x your"
)
_TIER = re.compile(
    r"\b(?:vip ?\d{1,2}|(?:starter|basic|silver|gold|platinum|diamond|premium) (?:plan|package)|"
    r"gói (?:vip|bạc|vàng|kim cương)|paket (?:silver|gold|platinum|bronze))\b"
)
_MONEY_RANGE = re.compile(
    r"(?:min(?:imum)?|từ|mulai|ขั้นต่ำ|最低|起投)[^\x00\d]{0,24}[$฿₫]? ?\d[\d.,]{1,9}"
)


@signal
def daily_return(view: View) -> Iterator[Clue]:
    """A rate a day is what no licensed firm promises."""
    found = [*_RATE.finditer(view.text), *_RATE_AFTER.finditer(view.text)][:10]
    if found:
        yield Clue(
            "promise.daily_return",
            "investment",
            min(3.2, 2.0 + 0.3 * len(found)),
            found[0].group().strip()[:60],
            snippet(view.text, found[0].start(), found[0].end()),
        )
    if doubled := _DOUBLE.search(view.text):
        yield Clue(
            "promise.doubling",
            "investment",
            1.6,
            doubled.group()[:60],
            snippet(view.text, doubled.start(), doubled.end()),
        )


@signal
def tiers(view: View) -> Iterator[Clue]:
    """Several plans with names of metals or VIP levels."""
    found = {match.group() for match in _TIER.finditer(view.text)}
    if len(found) >= 2:
        yield Clue("promise.tiers", "scam", 0.9, ", ".join(sorted(found)[:5]))
    if len(_MONEY_RANGE.findall(view.text)) >= 3:
        yield Clue("promise.minimums", "scam", 0.5, "several minimum amounts")
