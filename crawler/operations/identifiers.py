"""What a page shows that its owner had to register or choose. Linear time."""

import hashlib
import re
from collections.abc import Iterator

from crawler.model import Identifier, Page

MAX_SOURCE = 200_000
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# Identifiers in the page's source: kind, pattern with the value as its group. The forms are those
# of each vendor's own snippet.
_IN_SOURCE: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ga4", r"\b(G-[A-Z0-9]{8,12})\b"),
        ("ua", r"\b(UA-\d{5,10}-\d{1,3})\b"),
        ("gtm", r"\b(GTM-[A-Z0-9]{5,9})\b"),
        ("baidu_tongji", r"hm\.baidu\.com/hm\.js\?([0-9a-f]{32})"),
        (
            "la51",
            r"(?:js|sdk)\.51\.la/[^\"'?]{0,40}\?id=([0-9A-Za-z]{6,20})"
            r"|LA\.init\(\{id: ?\"([0-9A-Za-z]{6,20})\"",
        ),
        ("cnzz", r"cnzz\.com/[^\"']{0,60}[?&]id=(\d{6,12})"),
        ("meta_pixel", r"fbq\(['\"]init['\"], ?['\"](\d{10,20})['\"]"),
        ("tiktok_pixel", r"ttq\.load\(['\"]([A-Z0-9]{15,25})['\"]"),
        ("tawk", r"embed\.tawk\.to/([0-9a-f]{24})"),
        ("crisp", r"CRISP_WEBSITE_ID ?= ?['\"]([0-9a-f-]{36})['\"]"),
        ("livechat", r"__lc\.license ?= ?(\d{5,12})"),
        ("intercom", r"app_id: ?['\"]([a-z0-9]{8})['\"]"),
        ("meiqia", r"_MEIQIA\(['\"]entId['\"], ?['\"]?([0-9a-zA-Z]{4,40})"),
        ("salesmartly", r"plugin-code\.salesmartly\.com/js/project_([0-9_]{5,30})"),
        ("chatwoot", r"websiteToken: ?['\"]([A-Za-z0-9]{20,30})['\"]"),
    )
)
_IN_LINKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        ("telegram", r"https?://(?:t|telegram)\.me/(?:s/|\+|joinchat/)?([a-z0-9_+-]{4,40})"),
        ("whatsapp", r"https?://(?:wa\.me/|api\.whatsapp\.com/send/?\?phone=)\+?(\d{7,15})"),
        ("line", r"https?://line\.me/(?:R/)?ti/p/(?:~|%7E)?([@%\w.-]{3,40})"),
        ("zalo", r"https?://zalo\.me/(?:g/)?([0-9a-z]{5,20})"),
        ("messenger", r"https?://m\.me/([\w.]{4,60})"),
        ("apk", r"/([\w.-]{3,80}\.apk)(?:$|\?)"),
    )
)
_WALLET = re.compile(
    r"\b(?:(T[1-9A-HJ-NP-Za-km-z]{33})|(0x[0-9a-fA-F]{40})|([13][1-9A-HJ-NP-Za-km-z]{25,34}))\b"
)
_CONTACT = re.compile(r"\b([a-z0-9._%+-]{1,60}@[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,60}){1,4})\b", re.I)
# Handles that vendors print in their own examples and share buttons.
_IGNORED = frozenset({"share", "sharer", "iv", "telegram", "addstickers", "proxy"})


def identifiers(page: Page) -> frozenset[Identifier]:
    """The identifiers on `page`; wallets only with a valid checksum."""
    source = page.body[:MAX_SOURCE].decode("utf-8", "ignore")
    found = {*_source(source), *_links(page), *_wallets(source), *_texts(page)}
    return frozenset(found)


def _source(source: str) -> Iterator[Identifier]:
    for kind, pattern in _IN_SOURCE:
        for match in pattern.finditer(source):
            yield Identifier(kind, next(group for group in match.groups() if group))


def _links(page: Page) -> Iterator[Identifier]:
    for link in page.links:
        for kind, pattern in _IN_LINKS:
            if (match := pattern.search(link.url)) and match.group(1).lower() not in _IGNORED:
                yield Identifier(kind, match.group(1).lower())


def _wallets(source: str) -> Iterator[Identifier]:
    for match in _WALLET.finditer(source):
        tron, evm, btc = match.groups()
        if tron and is_base58check(tron, 0x41):
            yield Identifier("wallet_tron", tron)
        elif evm and len(set(evm[2:].lower())) > 4:
            # Python's standard library has no Keccak for the mixed-case checksum of EIP-55.
            yield Identifier("wallet_evm", evm.lower())
        elif btc and (is_base58check(btc, 0x00) or is_base58check(btc, 0x05)):
            yield Identifier("wallet_btc", btc)


def _texts(page: Page) -> Iterator[Identifier]:
    for match in _CONTACT.finditer(page.text[:50_000]):
        yield Identifier("email", match.group(1).lower())
    tags = re.findall(rb"<([a-z][a-z0-9]{0,11})", page.body[:MAX_SOURCE])
    if len(tags) >= 30:
        # The order of the first tags: what a template leaves whatever the text.
        yield Identifier("template", hashlib.sha256(b" ".join(tags[:60])).hexdigest()[:16])


def is_base58check(text: str, version: int) -> bool:
    """Whether `text` is Base58Check of 20 bytes with this version byte."""
    number = 0
    for char in text:
        digit = _BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    check = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4]
    return data[0] == version and check == data[-4:]
