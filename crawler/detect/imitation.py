"""Names that are drawn to be read as a known brand. Pure."""

import unicodedata
from functools import cache

import idna

# Exchanges, brokers, banks and casinos whose names are no words of a language.
BRANDS = (
    "binance", "coinbase", "kraken", "bybit", "kucoin", "bitfinex", "bitstamp", "upbit", "bithumb",
    "bitget", "huobi", "okx", "metamask", "trustwallet", "uniswap", "pancakeswap", "ledgerlive",
    "trezor", "etoro", "interactivebrokers", "tradingview", "metatrader", "nasdaq", "citadel",
    "fidelity", "schwab", "blackrock", "jpmorgan", "goldmansachs", "morganstanley", "robinhood",
    "plus500", "oanda", "pepperstone", "saxobank", "hsbc", "citibank", "barclays", "vietcombank",
    "techcombank", "kasikorn", "krungthai", "maybank", "cimb", "mandiri", "bitkub", "indodax",
    "bet365", "williamhill", "ladbrokes", "paddypower", "betfair", "pokerstars", "draftkings",
    "fanduel", "betmgm", "leovegas", "marinabaysands", "sands", "wynn", "mgm",
)  # fmt: skip
# Letters that are drawn like others (Unicode TR39 §4, skeletons), beside those that only carry
# marks: Cyrillic, Greek, Armenian and Latin letters for the ASCII ones.
_DRAWN_LIKE = str.maketrans(
    "аеорсухіјѕԁɡһӏқԛԝьгпмвнктαβγεικνορτυχωοıłøđħŧƒɑɩʋꞵօսոհց",
    "aeopcyxijsdghlkqwbrnmbhktabyeiknoptuxwoilodhtfaiubounhg",
)
# Digits for letters, which TR39 counts among the confusables too.
_DIGITS = tuple(
    str.maketrans({"0": "o", "1": one, "3": "e", "5": "s", "4": "a", "8": "b"}) for one in "li"
)


@cache
def imitated(label: str) -> str:
    """The brand that a host label, as an A-label or not, reads as or contains; "" for none.

    Hyphens, marks, letters of other scripts, digits for letters, and `rn` or `vv` for `m` and `w`
    do not hide it.
    """
    plain = skeleton(label)
    forms = {plain, plain.replace("rn", "m").replace("vv", "w")}
    if not plain.isalpha():
        forms |= {form.translate(digits) for form in forms for digits in _DIGITS}
    return next((brand for brand in BRANDS if any(brand in form for form in forms)), "")


def skeleton(label: str) -> str:
    """A label in the ASCII letters that it is drawn like, without hyphens (Unicode TR39 §4)."""
    if label.startswith("xn--"):
        try:
            label = idna.decode(label)
        except (idna.IDNAError, UnicodeError):
            return label
    apart = unicodedata.normalize("NFKD", label.lower())
    bare = "".join(char for char in apart if not unicodedata.combining(char) and char != "-")
    return bare.translate(_DRAWN_LIKE)
