"""Promises of return: so much per day or week, doubling, tiers with their rates."""

import re
from collections.abc import Iterator
from itertools import islice

from crawler.detect.signals import Clue, View, clue_at, marks, signal
from crawler.detect.text import snippet

_DAY = (
    r"(?:daily|per day|a day|/ ?day|(?:each|every) (?:\d{1,2}(?:st|nd|rd|th)? ?)?(?:days?|hours?)|"
    r"mỗi ngày|/ngày|một ngày|ngày|per hari|/hari|harian|sehari|setiap hari|ต่อวัน|รายวัน|"
    r"/วัน|วันละ|每日|每天|日息|日收益|日化|/天|一天|ក្នុងមួយថ្ងៃ|"
    r"ຕໍ່ມື້|တစ်ရက်|в день|в сутки|ежедневно|al día|diarios?|ao dia|por dia|"
    r"매일|하루|일일|日利|毎日|per week|weekly|hourly|per hour|after \d{1,3} (?:hours|days))"
)
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})? ?%"
_OF = r"of (?:your |their |the )?(?:contribution|deposit|investment|stake|amount|capital) "
_RATE = re.compile(rf"{_NUMBER} ?(?:roi |profit |return |{_OF})?{_DAY}")
_RATE_AFTER = re.compile(rf"{_DAY}(?:(?! and |fee|tax)[^\d%.;\x00]){{0,24}}{_NUMBER}")
# Rules of a trading account and settings of a program, not promises: "2.5% daily profit cap".
_RULE = r"(?:cap|limit|target|goal|loss|drawdown|stop|change|volatility)\b"
_RULE_WITHIN = re.compile(rf"\b{_RULE}")
_RULE_BEHIND = re.compile(rf"[ -]?(?:profit |gain |return |price )?{_RULE}")
# A gift on what is paid in, as bookmakers and shops give it: "bonus harian 10%".
_GIFT = re.compile(
    r"bonus|bônus|bono\b|cash ?back|rebate|rakeback|reload|discount|diskon|potongan|โบนัส|คืนยอด|"
    r"hoàn trả|hoàn tiền|khuyến mãi|返水|优惠|红利|бонус|к[эе]шб[эе]к|ボーナス|보너스|"
    r"페이백"
)
# A licensed firm may name a rate a month; five per cent and more it may not.
_MONTH = re.compile(
    r"(?P<rate>\d{1,3}(?:[.,]\d{1,2})?) ?%[^\d%\x00]{0,12}"
    r"(?:per month|a month|monthly|/ ?month|per bulan|sebulan|tiap bulan|/bulan|ต่อเดือน|/เดือน|"
    r"mỗi tháng|/tháng|một tháng|每月|每个月|月化|ежемесячно|в месяц|"
    r"al mes|mensual|ao mês|por mês|月利|매월|월 수익)"
)
_MIN_MONTHLY = 5.0
# Money a day without a rate, as jobs and dividends of schemes promise it.
_EARN = ("earn", "income", "profit", "รายได้", "กำไร", "ปันผล", "ได้เงิน", "thu nhập", "kiếm",
         "lương", "cuan", "untung", "penghasilan", "pendapatan", "日赚", "日入", "日结",
         "lucro", "ganhe", "gana", "доход", "заработок")  # fmt: skip
_INCOME = re.compile(
    rf"(?:{'|'.join(_EARN)})[^\d\x00]{{0,12}}[$฿₫]?\d[\d.,–-]{{1,14}} ?"
    r"(?:k|usd|usdt|\$|บาท|ribu|juta|rb|jt|đồng|vnđ|nghìn|triệu|元|руб\.?|₽|reais)? ?"
    r"(?:a day|per day|daily|/day|ต่อวัน|/วัน|วันละ|mỗi ngày|/ngày|một ngày|per hari|sehari|/hari|"
    r"每天|一天|por dia|al día|в день)"
)
_EARN_MARKS = marks(*_EARN)
_DAY_MARKS = marks(
    "day", "daily", "วัน", "ngày", "hari", "天", "dia", "día", "день",
)  # fmt: skip
_DOUBLE = re.compile(
    r"double your (?:money|bitcoin|investment|usdt|deposit)|"
    r"(?:本金|资金|收益|资产|财富|账户|帐户|盈利|投资)"
    r"[^。\x00]{0,6}翻倍|2x your|"
    # "gấp đôi" and "เท่าตัว" alone are said of anything that grows;
    # NFKC takes U+0E33 apart.
    r"(?:gấp|nhân) đôi (?:số )?(?:vốn|tiền|tài sản|tài khoản|khoản đầu tư)|"
    r"(?:vốn|tài khoản|lợi nhuận) (?:gấp|nhân) đôi|(?:ทุน|ก\u0e4d\u0e32ไร|เงิน|พอร์ต)[^\s.]{0,12}เท่าตัว"
)
_DOUBLE_WORDS = marks(
    "double your ", "翻倍", "gấp đôi", "nhân đôi", "เท่าตัว", "2x your",
)  # fmt: skip
_AFTER_DAYS = re.compile(r"\d{2,4}% (?:in|after) \d{1,3} (?:days|hours)")
_TIER = re.compile(
    r"\b(?:vip ?\d{1,2}|(?:starter|basic|silver|gold|platinum|diamond|premium) (?:plan|package)|"
    r"gói (?:vip|bạc|vàng|kim cương)|paket (?:silver|gold|platinum|bronze))\b"
)
_INVESTS = {"investment.offer", "investment.counters"}
_TIER_WORDS = marks(
    "vip", " plan", " package", "gói ", "paket ",
)  # fmt: skip
_MONEY_RANGE = re.compile(
    r"(?:min(?:imum)?|từ|mulai|ขั้นต่ำ|最低|起投)[^\x00\d]{0,24}[$฿₫]? ?\d[\d.,]{1,9}"
)
_RANGE_WORDS = ("min", "từ", "mulai", "ขั้นต่ำ", "最低", "起投")
_RANGE_MARKS = marks(*_RANGE_WORDS)
# A page that names more rates than this has made its promise.
_MAX_RATES = 60
# Offers of income stand near the top.
_EARLY = 2_000
# What each word of reporting takes from a promise: it may be somebody else's.
_TOLD = 0.4


@signal
def daily_return(view: View) -> Iterator[Clue]:
    """A rate a day is what no licensed firm promises."""
    found = sorted(set(_rates(view.text)))
    if found:
        start, end = found[0]
        yield Clue(
            "promise.daily_return",
            "investment",
            min(2.6, 1.5 + 0.25 * min(10, len(found))) / (1 + _TOLD * _told(view)),
            view.text[start:end].strip()[:60],
            snippet(view.text, start, end),
        )
    elif "%" in view.text and (month := _monthly(view.text)):
        yield clue_at("promise.monthly_return", "investment", 1.3, month)
    if income := _daily_income(view):
        yield clue_at("promise.daily_income", "investment", 1.2, income)
    doubled = None
    if view.marks & _DOUBLE_WORDS:
        doubled = _DOUBLE.search(view.text)
    elif "%" in view.text:
        doubled = _AFTER_DAYS.search(view.text)
    if doubled:
        yield clue_at("promise.doubling", "investment", 1.6, doubled)


def _daily_income(view: View) -> re.Match[str] | None:
    if view.marks & _DAY_MARKS and view.marks & _EARN_MARKS:
        return _INCOME.search(view.text, 0, _EARLY)
    return None


def _told(view: View) -> int:
    """In how many words, up to four, the page tells of others' promises."""
    return min(4, sum(hit.term.group.startswith("reporting") for hit in view.hits))


def _monthly(text: str) -> re.Match[str] | None:
    return next(
        (
            match
            for match in islice(_MONTH.finditer(text), _MAX_RATES)
            if float(match["rate"].replace(",", ".")) >= _MIN_MONTHLY
        ),
        None,
    )


def _rates(text: str) -> Iterator[tuple[int, int]]:
    """Where a percentage stands with a period; only the surroundings of each % are looked at."""
    place = -1
    for _ in range(_MAX_RATES):
        if (place := text.find("%", place + 1)) < 0:
            return
        # Nothing may come between the figure and an earlier %, so the windows do not overlap.
        for match in (
            _RATE.search(text, max(0, place - 9), place + 40),
            _RATE_AFTER.search(text, max(0, place - 50), place + 1),
        ):
            if match and not (
                _RULE_WITHIN.search(match.group())
                or _RULE_BEHIND.match(text, match.end())
                or _GIFT.search(text, max(0, match.start() - 16), match.end() + 12)
            ):
                yield match.span()


@signal
def tiers(view: View) -> Iterator[Clue]:
    """Several plans with names of metals or VIP levels."""
    text = view.text
    if view.marks & _TIER_WORDS:
        found = {match.group() for match in _TIER.finditer(text)}
        # Software and insurances have such plans, too.
        invests = any(hit.term.group in _INVESTS for hit in view.hits)
        if len(found) >= 2 and (invests or any(_rates(text))):
            yield Clue("promise.tiers", "scam", 0.9, ", ".join(sorted(found)[:5]))
    if (
        view.marks & _RANGE_MARKS
        and sum(map(text.count, _RANGE_WORDS)) >= 3
        and len(_MONEY_RANGE.findall(text)) >= 3
    ):
        yield Clue("promise.minimums", "scam", 0.5, "several minimum amounts")
