"""What the scripts that yield programmes are built with show: paths and payment systems."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, signal

# The pages of the common script are chosen by `a`.
_SCRIPT = re.compile(
    r"\?a=(?:cust|faq|rules|news|rateus|rate_us|signup|support|deposit|withdraw|referr?als|"
    r"referallinks|affiliates?|banners|earnings|paidout|last10|top10|stats|terms|home|login|"
    r"account|about|investors|forgot_password)\b"
)
# Payment systems that few but such programmes take, and those named beside them.
_OWN_SYSTEMS = ("perfect money", "perfectmoney", "payeer", "epaycore", "faucetpay", "advcash")
_OTHER_SYSTEMS = (
    "bitcoin", "litecoin", "ethereum", "dogecoin", "tron", "usdt", "bnb", "ripple", "dash",
)  # fmt: skip
_EARLY = 6_000


@signal
def script(view: View) -> Iterator[Clue]:
    """Paths of the script, on the page or in its links."""
    if found := _SCRIPT.search(view.path.lower()):
        yield Clue("script.hyip_path", "investment", 1.4, found.group())
    if "?a=" in view.urls and len(found_links := set(_SCRIPT.findall(view.urls))) >= 2:
        yield Clue("link.hyip_script", "investment", 1.4, ", ".join(sorted(found_links)[:4]))


@signal
def payment_systems(view: View) -> Iterator[Clue]:
    """A row of systems for anonymous payment."""
    text = view.text[:_EARLY]
    if not (found := [name for name in _OWN_SYSTEMS if name in text]):
        return
    found += [name for name in _OTHER_SYSTEMS if name in text]
    if len(found) >= 3:
        yield Clue("money.payment_systems", "investment", 1.2, ", ".join(found[:6]))
