"""How victims are told to get in touch: messenger handles, e-mail, telephone."""

import html
import re
from collections.abc import Iterator

import phonenumbers

from crawler.model import Identifier
from crawler.names import has_known_suffix, normalise_host
from crawler.operations.identifiers import Source, family

_LINKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        ("telegram", r"(?:https?://(?:t|telegram)\.(?:me|dog)/(?:s/)?|tg://resolve\?domain=)"
                     r"([a-z][a-z0-9_]{3,31})(?![a-z0-9_])"),
        ("telegram", r"https?://(?:t|telegram)\.me/(?:joinchat/|\+)([a-z0-9_-]{12,40})"),
        ("whatsapp", r"(?:https?://(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?(?:[^#]{0,80}&)?phone=)"
                     r"|whatsapp://send/?\?phone=)(?:\+|%2b)?(\d{7,15})"),
        ("line", r"https?://(?:line\.me/(?:R/)?ti/p/(?:~|%7E)?|lin\.ee/)([@%\w.-]{3,40})"),
        ("zalo", r"https?://zalo\.me/(?:g/)?([0-9a-z]{5,20})"),
        ("messenger", r"https?://(?:m\.me|(?:www\.)?messenger\.com/t)/([\w.]{4,60})"),
        ("qq", r"(?:https?://wpa\.qq\.com/msgrd|tencent://message|mqqwpa://im/chat)[^#]{0,80}?[?&]uin=(\d{5,11})"),
        ("phone", r"tel:(?:\+|00)([\d .()-]{7,24})"),
    )
)  # fmt: skip
_LABELLED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("wechat", re.compile(
        r"(?:微信号?|微信號|wechat(?: ?id)?|weixin)[ ]?[:：][ ]?"
        r"([a-z][a-z0-9_-]{5,19})(?![a-z0-9_-])",
        re.I)),
    ("qq", re.compile(r"\bQQ[号號群]?[ ]?[:：][ ]?([1-9]\d{4,10})(?!\d)")),
    ("phone", re.compile(r"(?<![\w+])\+([1-9][\d]{0,3}[ .()-]{0,2}\d[\d .()-]{5,18}\d)(?!\w)")),
)  # fmt: skip
_EMAIL = re.compile(
    r"(?<![a-z0-9._%+-])([a-z0-9._%+-]{1,60}@[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,60}){1,4})", re.I
)
# Schemes that are no links for a crawler.
_MAIL, _CALLS = ("mailto:",), ("tel:", "tg:", "whatsapp:", "tencent:", "mqqwpa:")
_HREF = re.compile(r"href=[\"']?((?:tel|mailto|tg|whatsapp|tencent|mqqwpa):[^\"'<>]{3,200})", re.I)
# Cloudflare's form of an address: the first byte is the key that all others are combined with.
_HIDDEN_EMAIL = re.compile(r"(?:data-cfemail=[\"']|/email-protection#)([0-9a-f]{12,160})\b")
# Paths of the messengers themselves and of share buttons.
_PAGES = frozenset(
    {"share", "sharer", "telegram", "addstickers", "proxy", "joinchat", "socks", "setlanguage"}
    | {"iv", "login", "contact", "botfather", "addtheme", "confirmphone", "faq"}
)
_NO_MAIL = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css"})
_NOBODY = ("example.", "domain.", "email.", "yourdomain.", "sentry.", "mysite.")


@family
def handles(source: Source) -> Iterator[Identifier]:
    for url in [*(link.url for link in source.page.links), *_hrefs(source, _CALLS)]:
        for kind, pattern in _LINKS:
            if match := pattern.match(url):
                value = match.group(1).lower()
                if kind == "phone":
                    yield from _phone(value)
                elif value not in _PAGES:
                    yield Identifier(kind, value)
    for kind, pattern in _LABELLED:
        for match in pattern.finditer(source.text):
            value = match.group(1).lower()
            if kind != "phone":
                yield Identifier(kind, value)
            else:
                yield from _phone(value)


@family
def emails(source: Source) -> Iterator[Identifier]:
    found: set[str] = set()
    if "@" in source.text:
        found |= {match.group(1) for match in _EMAIL.finditer(source.text)}
    for url in _hrefs(source, _MAIL):
        if url[:7].lower() == "mailto:":
            found.add(url[7:].partition("?")[0])
    hidden = "cfemail" in source.html or "email-protection" in source.html
    for match in _HIDDEN_EMAIL.finditer(source.html) if hidden else ():
        # An odd last digit is no byte.
        key, *rest = bytes.fromhex(match.group(1)[: len(match.group(1)) // 2 * 2])
        found.add(bytes(key ^ byte for byte in rest).decode("ascii", "ignore"))
    for text in found:
        if _EMAIL.fullmatch(text) and (address := _mailbox(text.lower().rstrip("."))):
            yield Identifier("email", address)


def _hrefs(source: Source, schemes: tuple[str, ...]) -> list[str]:
    """Targets of links in `_HREF`'s schemes, where one of `schemes` is on the page."""
    if not any(scheme in source.html for scheme in schemes):
        return []
    return [html.unescape(match.group(1)) for match in _HREF.finditer(source.html)]


def _mailbox(text: str) -> str:
    """The address, "" for a file name, an example or a name without a public suffix."""
    local, _, host = text.partition("@")
    if host.rpartition(".")[2] in _NO_MAIL or host.startswith(_NOBODY) or ".sentry." in host:
        return ""
    try:
        host = normalise_host(host)
    except ValueError:
        return ""
    return f"{local}@{host}" if has_known_suffix(host) else ""


def _phone(text: str) -> Iterator[Identifier]:
    """The number as E.164 has it after the plus, when its country gives out numbers like it."""
    try:
        found = phonenumbers.parse("+" + re.sub(r"\D", "", text)[:17])
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.is_valid_number(found):
        number = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
        yield Identifier("phone", number.removeprefix("+"))
