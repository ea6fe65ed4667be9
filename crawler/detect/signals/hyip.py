"""What the scripts that yield programmes are built with show: paths, counters, payment systems."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, signal

# The pages of the common script are chosen by `a`.
_SCRIPT = re.compile(
    r"\?a=(?:cust|faq|rules|news|rateus|rate_us|signup|support|deposit|withdraw|referr?als|"
    r"referallinks|affiliates?|banners|earnings|paidout|last10|top10|stats|terms|home|login|"
    r"account|about|investors|forgot_password)\b"
)
_COUNTERS = (
    "days online", "days running", "running days", "running since", "days in work",
    "total accounts", "active accounts", "total members", "total investors", "total deposited",
    "total deposits", "total invested", "total withdr", "total paid", "last deposit",
    "last withdraw", "last payout", "latest withdraw", "latest deposit", "newest member",
    "online visitors", "visitors online",
    "дней онлайн", "дней в работе", "дней работы", "всего участников", "всего вложено",
    "всего выплачено", "последние выплаты", "последние вклады", "последняя выплата",
    "运行天数", "總會員", "总会员", "累计提现", "累计投资", "total anggota", "total penarikan",
    "penarikan terakhir", "hari online", "tổng thành viên", "tổng đầu tư", "tổng rút",
    "rút gần đây", "สมาชิกทั้งหมด", "ถอนล่าสุด", "días en línea", "dias online", "últimos saques",
    "últimos retiros", "total depositado", "total retirado", "total sacado",
)  # fmt: skip
_SYSTEMS = (
    "perfect money", "perfectmoney", "payeer", "epaycore", "faucetpay", "advcash", "bitcoin",
    "litecoin", "ethereum", "dogecoin", "tron", "usdt", "bnb", "ripple", "dash", "bitcoin cash",
)  # fmt: skip
# Payment systems that few but such programmes take.
_OWN_SYSTEMS = frozenset(_SYSTEMS[:6])
_EARLY = 6_000


@signal
def script(view: View) -> Iterator[Clue]:
    """Paths of the script, on the page or in its links."""
    if found := _SCRIPT.search(view.path.lower()):
        yield Clue("shape.hyip_script", "investment", 1.4, found.group())
    if "?a=" in view.urls and len(found_links := set(_SCRIPT.findall(view.urls))) >= 2:
        yield Clue("link.hyip_script", "investment", 1.4, ", ".join(sorted(found_links)[:4]))


@signal
def counters(view: View) -> Iterator[Clue]:
    """The block of figures that such programmes show: days online, last withdrawals."""
    text = view.text[:_EARLY]
    if len(found := [name for name in _COUNTERS if name in text]) >= 2:
        yield Clue(
            "text.programme_counters",
            "investment",
            min(2.4, 0.8 * (len(found) - 0.5)),
            ", ".join(found[:5]),
        )


@signal
def payment_systems(view: View) -> Iterator[Clue]:
    """A row of systems for anonymous payment."""
    text = view.text[:_EARLY]
    found = [name for name in _SYSTEMS if name in text]
    if len(found) >= 3 and _OWN_SYSTEMS.intersection(found):
        yield Clue("money.payment_systems", "investment", 1.2, ", ".join(found[:6]))
