"""Pages made for search machines: a brand on a page about something else, joined lists, mirrors."""

import re
from collections import Counter
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, marks, signal
from crawler.names import registered_domain

_CODE = re.compile(r"(?<![a-z0-9])(?:[a-z]{2,7}\d{2,4}|\d{1,3}[a-z]{2,6})(?![a-z0-9])")
# Codes of everyday life that have the form of a brand's.
_EVERYDAY = re.compile(
    r"(?:covid|mp|win|ios|usb|web|trc|erc|bep|iso|utf|sha|ipv|rtx|gtx|top|no|vip|level|lv|mm|cm|"
    r"kg|usd|rm|rp|rs|hd|h|x|g|f|u)\d+|\d+(?:st|nd|rd|th|am|pm|mb|gb|tb|ms|km|kg|mm|cm|ml|min|hrs?|"
    r"usdt?|trx|btc|eth|rb|jt|ribu|juta|vnd|baht|days?|hours?|years?|d|h|k|m|px|fps|mah|kwh)"
)
# A name of ideographs with a number, of the kind that is planted where an institution's stood.
_PLANTED = re.compile(
    r"[\u4e00-\u9fff]{2}(?<![元送得第约至到共仅达超满赠返积为在高低近一二三四五六日人])"
    r"(?!19\d\d|20\d\d)\d{2,4}(?![\d.:,年月日号元人名个万亿%点时分岁届级期选余多])"
)
# A brand of two ideographs and a code, above what farms append to it; carmakers append none of it.
_MIXED = re.compile(
    r"[\u4e00-\u9fff]{2}(?=[a-z\d]{2,7}(?![a-z\d]))(?=\d*[a-z])(?=[a-z]*\d)[a-z\d]{2,7} ?"
    r"(?:娱乐|体育|电竞|电子|棋牌|国际|手机网页|全站|\(中国\)|网址|网站平台|登录|登陆|入口|首页|app)"
)
_IDEOGRAPHS = re.compile(r"[\u4e00-\u9fff]+")
_TAILS = frozenset(("官方网站", "官网", "官方版", "官方入口", "登录入口", "首页", "手机版", "网站"))
_SOUTHERN = re.compile(r"[\u0e01-\u0e2eăâđêôơư\u1ea0-\u1ef9]")
_VIETNAMESE = re.compile(r"[a-zà-ỹđ]{9,40}")
_MARKED = re.compile(r"[ăđơư\u1ea0-\u1ef9]")
_FEW_PHRASES = 60
_LINE = re.compile(
    r"(?:线路|路线|\bline|\broute|jalur|đường dây|đường truyền|máy chủ|\bserver|ทางเข้า|"
    r"เส้นทาง|สาย|линия|зеркало|línea|linha|라인|サーバー|ខ្សែ|ເສັ້ນທາງ|လိုင်း) ?"
    r"[#：:]? ?0?([1-9一二三四五])"
)  # fmt: skip
# `re` has no literal start to look for in the pattern above; these are looked for first.
_LINE_MARKS = marks(
    "线路", "路线", "line", "route", "jalur", "đường", "máy chủ", "server", "ทางเข้า",
    "เส้นทาง", "สาย", "линия", "зеркало", "línea", "linha", "라인", "サーバー", "ខ្សែ", "ເສັ້ນທາງ",
    "လိုင်း",
)  # fmt: skip
_DIGIT = re.compile(r"\d")
_DELAY = re.compile(r"\b\d{1,3} ?ms\b")
_EARLY = 3_000
_ANCHORS = 400


@signal
def repeated_code(view: View) -> Iterator[Clue]:
    """A brand's code again and again, beside searched phrases."""
    if not any(hit.term.group.startswith("gambling") for hit in view.hits):
        return
    found = _CODE.findall(view.text[:_EARLY])
    if not (codes := Counter(code for code in found if not _EVERYDAY.fullmatch(code))):
        return
    code, count = min(codes.items(), key=lambda item: (-item[1], item[0]))
    if count >= 3:
        yield Clue("text.repeated_code", "gambling", min(1.5, 0.4 * count), f"{code} {count} times")


@signal
def alien_title(view: View) -> Iterator[Clue]:
    """A title of the trade over a text that never returns to it, as on broken-in sites."""
    if view.words < 40 or not view.title_end:
        return
    ours = [
        hit
        for hit in view.hits
        if hit.term.group in ("gambling.offer", "gambling.lure", "gambling.brand")
    ]
    above = {view.text[hit.start : hit.end] for hit in ours if hit.start < view.title_end}
    # A hit tells where a term first stands only, so those of the title are looked for below it.
    below = len(ours) > len(above) or any(
        view.text.find(text, view.title_end) >= 0 for text in above
    )
    told = any(hit.term.group.startswith("reporting") for hit in view.hits)
    if len(above) >= 2 and not below and not told:
        yield Clue("title.alien", "gambling", 1.0, ", ".join(sorted(above)[:4]))


@signal
def planted_code(view: View) -> Iterator[Clue]:
    """The same name with a number repeated in a Chinese text, below its title."""
    found = Counter(_PLANTED.findall(view.text[view.title_end : _EARLY]))
    if found:
        name, count = min(found.items(), key=lambda item: (-item[1], item[0]))
        if count >= 2:
            yield Clue(
                "text.planted_code", "gambling", min(1.8, 0.7 * count), f"{name} {count} times"
            )


@signal
def mixed_brand(view: View) -> Iterator[Clue]:
    """A brand such as 山云kq7体育 in the title, which no firm outside the trade bears."""
    if found := _MIXED.search(view.text[: view.title_end]):
        yield Clue("title.mixed_brand", "gambling", 1.6, found.group(), view.text[:140])


@signal
def foreign_tail(view: View) -> Iterator[Clue]:
    """Thai or Vietnamese search phrases that end in Chinese words for an official site."""
    text = view.text[:_EARLY]
    tails = _IDEOGRAPHS.findall(text)
    if tails and len(tails) <= 3 and set(tails) <= _TAILS and len(_SOUTHERN.findall(text)) >= 10:
        yield Clue("text.foreign_tail", "gambling", 1.7, tails[0])


@signal
def glued_phrases(view: View) -> Iterator[Clue]:
    """Vietnamese phrases joined without a space: no syllable has more than seven letters."""
    if view.words > _FEW_PHRASES:
        return
    glued = [word for word in _VIETNAMESE.findall(view.text) if _MARKED.search(word)]
    if len(glued) >= 2:
        yield Clue("text.glued_phrases", "gambling", 0.8, ", ".join(glued[:4]))


@signal
def code_anchors(view: View) -> Iterator[Clue]:
    """Links to other domains under brand codes."""
    if not _DIGIT.search(view.page.document.places.get("anchor", "")):
        return
    own = registered_domain(view.host)
    found: dict[str, str] = {}
    for link in view.page.links[:_ANCHORS]:
        text = link.text.lower()[:40]
        if (code := _CODE.search(text)) and not _EVERYDAY.fullmatch(code.group()):
            domain = registered_domain(link.url.split("/", 3)[2].partition(":")[0])
            if domain != own:
                found.setdefault(domain, code.group())
    if len(found) >= 3 and len(codes := set(found.values())) >= 3:
        yield Clue("link.code_anchors", "gambling", min(2.0, 0.4 * len(codes)),
                   ", ".join(sorted(codes)[:5]))  # fmt: skip


@signal
def line_check(view: View) -> Iterator[Clue]:
    """A choice of numbered lines, with their delays: the page that outlives each blocked name."""
    text = view.text[:_EARLY]
    if not view.marks & _LINE_MARKS:
        return
    lines = set(_LINE.findall(text))
    delays = len(_DELAY.findall(text))
    if len(lines) >= 2 and (delays >= 2 or len(lines) >= 3):
        weight = 1.8 if delays >= 2 else 1.0
        yield Clue("text.line_check", "scam", weight, f"{len(lines)} lines, {delays} delays")
