"""What a page claims to be: a licensee, a well-known firm, a decree; and how it may be reached."""

import re
from collections.abc import Iterator

from crawler.detect.imitation import imitated, skeleton
from crawler.detect.signals import Clue, View, signal
from crawler.detect.text import snippet
from crawler.names import registered_domain
from crawler.reference import default

# Regulators whose names are borrowed, and what stands beside the name of one that is not.
_REGULATOR = re.compile(
    r"(?:licen[cs]ed|regulated|authori[sz]ed|registered)(?: and (?:regulated|licensed))? "
    r"(?:by|with|in|under) (?:the )?(?:pagcor|mga|malta gaming|cura[cç]ao|isle of man|"
    r"costa rica|anjouan|kahnawake|"
    r"first cagayan|fsc|ifsc|svg|msb|fincen|nfa|fca|asic|cysec|uk companies house|companies house|"
    r"government of [a-z ]{4,20})|"
    r"(?:giấy phép (?:của )?(?:pagcor|cagayan|curacao|isle of man)|ใบอนุญาตจาก ?pagcor|"
    r"lisensi (?:resmi )?(?:dari )?(?:pagcor|curacao)|berlisensi (?:resmi )?pagcor|"
    r"pagcor (?:resmi|cấp phép)|"
    r"(?:菲律宾|菲律賓|马耳他|馬爾他|库拉索|庫拉索|英属维尔京|英屬維京)[^\x00]{0,12}(?:牌照|执照|執照|认证|認證)|"
    r"美国msb|msb牌照|лиценци[яию] (?:кюрасао|curacao))"
)
# Claims stand near the top, and looking further costs more than it finds.
_EARLY = 2_000
# `re` has no literal start to look for here; these are looked for first.
_MARKS = ("pagcor", "malta", "cura", "isle of man", "costa rica", "anjouan", "kahnawake", "cagayan",
          "fsc", "svg", "msb", "fincen", "nfa", "fca", "mga", "asic", "cysec", "companies house",
          "government of", "牌照", "执照", "執照", "认证", "認證", "лиценци")  # fmt: skip
_CHATS = ("whatsapp", "whats app", "telegram", "zalo", "line", "wechat", "微信", "电报", "飞机",
          "kakao", "카톡", "viber", "ไลน์")  # fmt: skip
_NUMBER = re.compile(r"(?:no\.?|number|nº|№|#|frn|ref) ?[:.]? ?[a-z]{0,5}[-/ ]?\d{3,}")
# A licence number further from the regulator's name than this belongs to something else.
_NEAR = 80
_CHAT_ONLY = re.compile(
    r"(?:whats ?app|telegram|zalo|line ?id|line|wechat|微信|电报|飞机|kakao|카톡|viber|ไลน์) ?"
    r"(?:id|us|me|号|號|:|：)? ?[:：@]? ?(?:@[\w.]{3,}|\+\d[\d -]{6,16}\d)"
)


@signal
def licence_without_number(view: View) -> Iterator[Clue]:
    """A regulator far from the visitor that licenses by mail, or a licence without its number."""
    text = view.text[:_EARLY]
    if not any(mark in text for mark in _MARKS) or not (found := _REGULATOR.search(text)):
        return
    around = text[max(0, found.start() - _NEAR) : found.end() + _NEAR]
    if not _NUMBER.search(around):
        yield Clue(
            "claim.licence_without_number",
            "scam",
            0.7,
            found.group().strip()[:60],
            snippet(text, found.start(), found.end()),
        )


@signal
def chat_account(view: View) -> Iterator[Clue]:
    """An account of a messenger in the text: support by chat leaves no address."""
    text = view.text[:_EARLY]
    if not ("@" in text or "+" in text) or not any(chat in text for chat in _CHATS):
        return
    if found := _CHAT_ONLY.search(text):
        yield Clue(
            "claim.chat_account",
            "scam",
            0.8,
            found.group()[:60],
            snippet(text, found.start(), found.end()),
        )


@signal
def imitation(view: View) -> Iterator[Clue]:
    """A name drawn like that of a known exchange, broker, bank or casino (Unicode TR39)."""
    domain = registered_domain(view.host)
    label = domain.partition(".")[0]
    brand = imitated(label)
    # Short brands are part of words.
    telling = len(brand) > 5 or skeleton(label) == brand
    if brand and telling and label != brand and not default().lookup(domain):
        yield Clue("shape.imitated_brand", "scam", 1.0, f"{domain} reads as {brand}")
