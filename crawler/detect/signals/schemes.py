"""How a scheme pays and where it sits: levels of recruits, bound bonuses, unwatched islands."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, clue_at, marks, signal

_EARLY = 6_000
_LEVEL = re.compile(
    r"(?:(?:level|lvl|gen(?:eration)?|tier|tầng|cấp|f|уров\w+|ชั้นที่|ชั้น|nivel|nível|第)"
    r" ?(\d{1,2}|[一二三四五六])\b|(\d{1,2})(?:st|nd|rd|th)? (?:level|gen(?:eration)?|уров\w+)|"
    r"([一二三四五六])[代级])[^\d%\x00]{0,24}\d{1,2}(?:[.,]\d{1,2})? ?%"
)
_LEVEL_AFTER = re.compile(
    r"\d{1,2}(?:[.,]\d{1,2})? ?% ?(?:from |for |on |dari |từ )?(?:the |your |their )?"
    r"(?:level |gen(?:eration)? |tầng )?(\d{1,2})(?:st|nd|rd|th)?(?: level| gen(?:eration)?)?\b"
)
_RECRUITS = re.compile(
    r"referral|referred|downline|upline|\bdirects?\b|sponsor|\bteam\b|network|\bf1\b|tuyến dưới|"
    r"giới thiệu|реферал|referido|indicad|下级|直推|推荐|bawahan|ajak|แนะนำ|ดาวน์ไลน์"
)
_DIRECTS = re.compile(
    r"\b\d{1,2} (?:active |qualified |direct |paid )?(?:directs|direct referrals?)\b"
)
_UNLOCK = re.compile(r"unlock\w*|open\w*|require\w*|eligib\w*|qualif\w*")
# European, British and Australian regulators forbid retail brokers to give such bonuses.
_BONUS_LOTS = re.compile(
    r"bonus[^.\x00]{0,90}\b(?:standard )?lots?\b|\blots?\b[^.\x00]{0,90}bonus|"
    r"bonus[^.\x00]{0,60}(?:trading (?:volume|turnover|purposes)|trade turnover|drawdown)|"
    r"bonus[^\x00]{0,160}?(?:\b\d{1,3} lots\b|(?:each|per) (?:standard )?lot\b|lots? traded)|"
    r"turnover[^.\x00]{0,30}bonus|bonus[^.\x00]{0,40}turnover = |"
    r"trading (?:volume|turnover)[^.\x00]{0,60}bonus|"
    r"profits?[^.\x00]{0,50}bonus[^.\x00]{0,40}(?:cancel|remov|forfeit)"
)
# Places that register brokers and supervise none.
_OFFSHORE = re.compile(
    r"kingstown|st\.? vincent and the grenadines|saint vincent and the grenadines|beachmont|"
    r"marshall islands|ajeltake|majuro|\bmwali\b|mohéli|moheli|anjouan|union of comoros|"
    r"rodney bay|\bgros islet|roseau,? dominica|euro house, richmond|laws of nauru"
)
_OFFSHORE_MARKS = marks(
    "kingstown", "vincent", "beachmont", "marshall", "ajeltake", "majuro", "mwali", "mohéli",
    "moheli", "anjouan", "comoros", "rodney bay", "gros islet", "roseau", "euro house", "nauru",
)  # fmt: skip
_REGULATED = re.compile(r"regulated|licen[cs]ed?\b|authori[sz]ed")
_TRADES = re.compile(
    r"leverage|trading (?:account|platform)|forex|margin|\bcfds?\b|metatrader|\bmt[45]\b|"
    r"withdraw"
)


@signal
def levels(view: View) -> Iterator[Clue]:
    """So much per cent for recruits of the first level, less for the second and so on."""
    text = view.text[:_EARLY]
    if "%" not in text or not _RECRUITS.search(text):
        return
    found = {next(filter(None, match.groups())) for match in _LEVEL.finditer(text)}
    found |= {match.group(1) for match in _LEVEL_AFTER.finditer(text)}
    if len(found) >= 3:
        yield Clue("scheme.levels", "investment", 1.2, f"{len(found)} levels of recruits")
    if (direct := _DIRECTS.search(text)) and _UNLOCK.search(text):
        yield clue_at("scheme.directs", "investment", 1.0, direct)


@signal
def bound_bonus(view: View) -> Iterator[Clue]:
    """A broker's bonus that must be traded many times before it is paid."""
    text = view.text[:_EARLY]
    if "bonus" in text and _TRADES.search(text) and (found := _BONUS_LOTS.search(text)):
        yield clue_at("scheme.bound_bonus", "investment", 1.2, found)


@signal
def offshore(view: View) -> Iterator[Clue]:
    """A broker's seat where nobody watches brokers; worse with a licence that none gives there."""
    text = view.text
    if not view.marks & _OFFSHORE_MARKS:
        return
    if (found := _OFFSHORE.search(text)) and _TRADES.search(text[:_EARLY]):
        near = text[max(0, found.start() - 150) : found.end() + 150]
        yield clue_at(
            "claim.offshore", "investment", 1.6 if _REGULATED.search(near) else 1.0, found
        )
