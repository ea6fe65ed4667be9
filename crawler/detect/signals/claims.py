"""What a page claims to be: a licensee, a well-known firm, a decree; and how it may be reached."""

import re
from collections.abc import Iterator

from crawler.detect.imitation import imitated, skeleton
from crawler.detect.signals import Clue, View, clue_at, marks, signal
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
    r"(?:菲律宾|马耳他|马尔他|库拉索|英属维尔京|英属维京)[^\x00]{0,12}(?:牌照|执照|认证)|"
    r"美国msb|msb牌照|лиценци[яию] (?:кюрасао|curacao))"
)
# Claims stand near the top, and looking further costs more than it finds.
_EARLY = 2_000
# `re` has no literal start to look for here; these are looked for first.
_MARKS = marks(
    "pagcor", "malta", "cura", "isle of man", "costa rica", "anjouan", "kahnawake", "cagayan",
    "fsc", "svg", "msb", "fincen", "nfa", "fca", "mga", "asic", "cysec", "companies house",
    "government of", "牌照", "执照", "认证", "лиценци",
)  # fmt: skip
_STAKE = (
    r"(?:turn ?over|rollover|wager(?:ing|ed)?|play ?through|vòng cược|doanh thu cược|打码|"
    r"流水(?:要求)?|вейджер\w*|отыгры\w+|เทิร์น|ท\u0e4d\u0e32ยอด|rolagem|赌け条件|出金条件)"
)
# Sales grow by a factor, too: nothing but a few words of grammar may stand between.
_BETWEEN = r"[ :：(=]{0,3}(?:(?:of|is|minimal|mencapai|至少|du|de|at) ){0,2}"
_TIMES = r"(?:\d{1,3} ?(?:[x×х]|kali|lần|vòng|倍|เท่า|veces|vezes|回)|[x×х] ?\d{1,3}(?!\d))"
_WAGER = re.compile(
    rf"{_STAKE}(?: requirements?)?{_BETWEEN}{_TIMES}|"
    rf"{_TIMES} ?(?:the |of |bonus )?{_STAKE}"
)
_WAGER_MARKS = marks(
    "turnover", "turn over", "rollover", "wager", "playthrough", "play through", "vòng cược",
    "doanh thu cược", "流水", "打码", "вейджер", "отыгры", "เทิร์น", "ท\u0e4d\u0e32ยอด",
    "rolagem", "赌け条件", "出金条件",
)  # fmt: skip
_LOST = r"(?:lost |stolen |scammed |your )*(?:funds?|money|crypto(?:currency)?|bitcoins?|assets?)"
_BACK = r"(?:recover(?:ing|ed|y of)?|reclaim(?:ing)?|get(?:ting)? back|retrieve|retrieving|trace)"
_RECOVERY = re.compile(
    rf"\b(?:we|our (?:team(?: of \w+)?|experts?|lawyers?|specialists?|hackers?))"
    rf"(?: (?:can|will|have|are|help|helped|assist|you|victims|clients|to|in|with|dedicated|"
    rf"successfully|specialise|specialize|experts?|investors)){{0,8}} {_BACK} {_LOST}|"
    rf"\b(?:our|your|dedicated) (?:(?:funds?|money|crypto|bitcoin|assets?|wallet) recovery "
    r"(?:expert|team|service|solution)|recovery (?:consultant|case|lawyer|hacker))s?|"
    rf"\b(?:services like|hire|contact|reach out to|thanks to) [\w .@-]{{3,40}} (?:can |to |for |"
    rf"help you |helped me |assist you in )+{_BACK}(?:ing)? {_LOST}|"
    r"\bhelps? (?:you|victims|clients) (?:to )?(?:reclaim|recover|get back)(?: \w+){0,2} "
    r"(?:money|funds)|"
    r"(?:fund|recovery) (?:success )?rate (?:of )?(?:up to )?\d\d ?%|"
    r"money back from (?:a |your )?(?:fraudulent|scam|fake|unregulated) broker|"
    r"\b(?:your|the) case will be prioriti[sz]ed|\bfree (?:case (?:review|evaluation)|claim check)|"
    r"(?:giúp|hỗ trợ) (?:bạn )?(?:lấy lại|thu hồi) (?:tiền|vốn)|"
    r"我们[^。]{0,12}(?:追回|挽回)|"
    r"(?:kami|kita) (?:bantu|membantu)[^.]{0,20}(?:mengembalikan|memulihkan|dapatkan semula)|"
    r"(?:мы|наши юристы)[^.]{0,30}верн[её]\w* (?:ваши )?(?:деньги|средства)|"
    r"\bверн[её]м (?:ваши )?(?:деньги|средства)|"
    r"(?:recuperamos|ayudamos a recuperar|ajudamos a recuperar) (?:su|seu|tu) (?:dinero|dinheiro)"
)
_RECOVERY_MARKS = marks(
    "recover", "reclaim", "get back", "getting back", "retriev", "trace", "fund rate",
    "success rate", "free case", "claim check", "prioriti", "money back", "lấy lại", "thu hồi",
    "追回", "挽回", "mengembalikan", "memulihkan", "dapatkan semula", "верн", "recuperar",
)  # fmt: skip
_ISLES = r"(?:cura[cç]ao|anjouan|costa rica|kahnawake|tobique|comoros)"
_ISLAND_LICENCE = re.compile(
    r"\b\d{3,5}/jaz\b|\bogl/20\d\d/\d|"
    rf"{_ISLES} (?:e-?gaming|gaming (?:authority|control board|commission))|"
    r"licen[cs]ed (?:and regulated )?(?:by|in|under)(?: the)?(?: (?:government|laws) of)? "
    rf"{_ISLES}|"
    rf"{_ISLES} (?:gaming |gambling |e-?gaming )?licen[cs]e|laws of {_ISLES}|licencia de curazao|"
    r"licença de cura[cç]ao|лицензи\w+ кюрасао|キュラソー|쿠라사오|库拉索"
)
_ISLE_MARKS = marks(
    "/jaz", "ogl/", "cura", "anjouan", "costa rica", "kahnawake", "tobique", "comoros",
    "кюрасао", "キュラソー", "쿠라사오", "库拉索",
)  # fmt: skip
_CHATS = marks(
    "whatsapp", "whats app", "telegram", "zalo", "line", "wechat", "微信", "电报", "飞机", "kakao",
    "카톡", "viber", "ไลน์",
)  # fmt: skip
_NUMBER = re.compile(r"(?:no\.?|number|nº|№|#|frn|ref) ?[:.]? ?[a-z]{0,5}[-/ ]?\d{3,}")
# A licence number further from the regulator's name than this belongs to something else.
_NEAR = 80
_CHAT_ONLY = re.compile(
    r"(?:whats ?app|telegram|zalo|line ?id|line|wechat|微信|电报|飞机|kakao|카톡|viber|ไลน์) ?"
    r"(?:id|us|me|号|:|：)? ?[:：@]? ?(?:@[\w.]{3,}|\+\d[\d -]{6,16}\d)"
)


@signal
def licence_without_number(view: View) -> Iterator[Clue]:
    """A regulator far from the visitor that licenses by mail, or a licence without its number."""
    text = view.text[:_EARLY]
    if not view.marks & _MARKS or not (found := _REGULATOR.search(text)):
        return
    around = text[max(0, found.start() - _NEAR) : found.end() + _NEAR]
    if not _NUMBER.search(around):
        yield clue_at("claim.licence_without_number", "scam", 0.7, found)


def island(view: View) -> re.Match[str] | None:
    """A licence of an island that licenses for everywhere but home; few states accept it."""
    return _ISLAND_LICENCE.search(view.text, 0, 20_000) if view.marks & _ISLE_MARKS else None


@signal
def island_licence(view: View) -> Iterator[Clue]:
    """A licence, with or without its number, that lets a casino serve other countries only."""
    if found := island(view):
        yield clue_at("claim.island_licence", "gambling", 1.2, found)


@signal
def wager_multiple(view: View) -> Iterator[Clue]:
    """How many times a gift must be staked before it is paid out."""
    text = view.text[: 2 * _EARLY]
    if view.marks & _WAGER_MARKS and (found := _WAGER.search(text)):
        yield clue_at("claim.wager_multiple", "gambling", 1.5, found)


@signal
def recovery(view: View) -> Iterator[Clue]:
    """A firm that gets lost money back for a fee. Who warns of such firms does not say we."""
    text = view.text[: 3 * _EARLY]
    if not view.marks & _RECOVERY_MARKS:
        return
    found = [match.group().strip() for match in _RECOVERY.finditer(text)]
    if distinct := sorted(set(found)):
        weight = min(3.0, 1.2 + 0.6 * len(distinct))
        yield Clue("claim.recovery", "investment", weight, ", ".join(distinct[:4])[:120])


@signal
def chat_account(view: View) -> Iterator[Clue]:
    """An account of a messenger in the text: support by chat leaves no address."""
    text = view.text[:_EARLY]
    if not ("@" in text or "+" in text) or not view.marks & _CHATS:
        return
    if found := _CHAT_ONLY.search(text):
        yield clue_at("claim.chat_account", "scam", 0.8, found)


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
