"""The shape of the address and the title: farms, brands with numbers, joined search phrases."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from crawler.detect.signals import Clue, View, signal
from crawler.names import registered_domain

_NUMERIC_PATH = re.compile(
    r"/(?:\d{4,9}(?:/|$|\.html)|[\w-]{0,20}-\d{3,8}(?:\.index)?\.html|tags?[-/]|viewspace-\d+|"
    r"go/|[A-Za-z0-9]{4,8}/\d{4,7}\.html)"
)
# A path drawn by lot and a number, or two numbers: no site that people keep has such addresses.
_FARM_PATH = re.compile(
    r"/(?:\d{4,7}/viewspace-\d+\.html|news-\d{2,6}\.index\.html|"
    r"[^/]{1,120}-20\d\d-\d\d-\d\d-id-\d{3,6}\.s?html|"
    r"(?=[A-Za-z]*\d?[A-Za-z]*[A-Z])(?=[A-Z]*\d?[A-Z]*[a-z]|[a-z])[A-Za-z0-9]{4,6}/\d{4,6}\.html)$"
)
# The name of a site in a label of another, as farms of copied pages bear it.
_COPIED_LABEL = re.compile(r"(?:^|\.)www[_-][a-z\d-]{2,40}[_-](?:com|cn|net|org)\.")
# What posted or planted pages of a broken-in site are found under.
_PLANTED_PATH = re.compile(
    r"/(?:sitemap\.php/|index\.php/\w*\d+|\?p=\d{3,7}$|"
    # Written with the combining marks of Thai, which are no part of \w.
    r"\?[a-z]{1,8}=[^&/]{0,80}(?:slot|casino|bet|judi|togel|สล็อต|คาสิโน|บาคาร่า|หวย))",
    re.I,
)
_GAMBLING = re.compile(
    r"casino|kasino|cassino|kazino|slot|togel|judi|poker|ba[ck]{1,2}ar+at|bacara|sbobet|sportsbook|"
    r"betting|bookie|gambl|jackpot|roulette|blackjack|powerball|bingo|lotto|lottery|gacor|maxwin|"
    r"taixiu|nhacai|cacuoc|soikeo|keonhacai|xoso|soicau|xocdia|nohu|banca(?:h|$)|gamebai|tructiepdaga|"
    r"daga(?:s|t|$)|ufabet|^ufa\d|pgslot|1xbet|mostbet|vulkan|stavk|azart|apuesta|aposta|tigrinho|"
    r"kaiyun|leyu|baccar|yabo|bocai|caipiao|qipai|yule(?:cheng)?|toto(?:site|\d|$)|majorsite|"
    r"(?:^|\d)bet|bet(?:$|\d)|\dwin|win\d|club\d|vip\d|\d(?:vip|club)$|88$|^88|7{2,3}$|^7{3}|"
    r"6{2,3}$|9{2,3}$|(?:68|79|86|89|98|99|188|365|789)$"
)
_INVESTMENT = re.compile(
    r"invest|(?:^|[^a-z])fx|fx(?:$|\d|pro|trade|market|option)|forex|trad(?:e|ing)|coin|crypto|mining|"
    r"miner|capital|asset|fund(?!ament)|profit|yield|hyip|financ|wealth|btc|usdt|defi|staking|hash|"
    r"recover|rescue|pay-?back|money-?back|charge-?back|reclaim|quant|doubler|options?$|bull|equity|earn|ventures|holdings|prime"
)
_BRAND_CODE = re.compile(
    r"\b(?:[a-z]{1,6}\d{2,4}|\d{1,3}[a-z]{2,6}|[a-z]{0,8}(?:win|bet|club|vip)\d{0,3})\b"
)
# Runs that no language of the trade writes in Latin letters.
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}|q[^u\d]|[xzjq][bcdfgkpqvwxz]|[vw][xzqj]")
_JOINED = re.compile(r"[|_,，、\-–—]| {2,}")


@signal
def random_label(view: View) -> Iterator[Clue]:
    """A sub-domain that nobody would choose, above all with a numeric path."""
    label, random = _label(view)
    numbered = bool(_NUMERIC_PATH.match(view.path))
    if copied := _COPIED_LABEL.search(view.host):
        yield Clue("shape.copied_label", "scam", 1.2, copied.group().strip("."))
    if random and numbered:
        yield Clue("shape.farm_address", "gambling", 2.2, f"{label}… {view.path[:40]}")
    elif _FARM_PATH.search(view.path):
        yield Clue("shape.farm_path", "gambling", 1.6, view.path[:40])
    elif random:
        yield Clue("shape.random_label", "scam", 0.8, label)
    elif _PLANTED_PATH.match(view.path):
        yield Clue("shape.planted_path", "scam", 0.4, view.path[:40])
    elif numbered:
        yield Clue("shape.numeric_path", "scam", 0.2, view.path[:40])


def _label(view: View) -> tuple[str, bool]:
    """The last label of the sub-domain, and whether it looks drawn by lot."""
    domain = registered_domain(view.host)
    label = view.host.removesuffix(domain).rstrip(".").rpartition(".")[2]
    return label, bool(label) and label not in ("www", "m") and is_random(label)


def _farm_address(view: View) -> bool:
    return bool(_FARM_PATH.search(view.path)) or (
        bool(_NUMERIC_PATH.match(view.path)) and _label(view)[1]
    )


@signal
def branded_domain(view: View) -> Iterator[Clue]:
    """A name such as lucky88-03: words and numbers of the trade."""
    name = registered_domain(view.host).split(".")[0]
    gambling, investment = _GAMBLING.search(name), _INVESTMENT.search(name)
    digits = sum(char.isdigit() for char in name)
    if gambling:
        yield Clue("shape.gambling_name", "gambling", 0.9, f"{gambling.group()} in {name}")
    if investment:
        yield Clue("shape.investment_name", "investment", 0.6, f"{investment.group()} in {name}")
    if digits >= 3 and not name.isdigit() and not gambling:
        yield Clue("shape.digits_in_domain", "scam", 0.4, name)


@signal
def joined_title(view: View) -> Iterator[Clue]:
    """A title made of search phrases: many parts, a brand code, several terms of the trade.

    Results of lotteries and matches, which papers print, and gifts, which shops make, do not
    suffice.
    """
    title = view.text[: view.title_end]
    parts = [part for part in _JOINED.split(title) if part.strip()]
    phrases = view.in_title()
    wagers = phrases.get("gambling.offer", set()) | phrases.get("gambling.brand", set())
    sought = wagers | phrases.get("gambling.search", set()) | phrases.get("gambling.lure", set())
    code = _BRAND_CODE.search(title)
    if wagers and len(sought) >= 2 and (len(parts) >= 3 or code):
        yield Clue("title.joined_phrases", "gambling", 1.2, title[:100], title[:140])
    elif code and wagers:
        yield Clue("title.brand_code", "gambling", 0.9, code.group(), title[:140])
    elif code and code.start() <= 1 and _farm_address(view):
        # The brand of a farm, before whatever is searched for today.
        yield Clue("title.farm_code", "gambling", 1.2, code.group(), title[:140])


@signal
def planted_brand(view: View) -> Iterator[Clue]:
    """An operator's brand in the place of an institution's name, as on pages that farms spin from
    the news of schools: the same name of the form …体育 or …娱乐 again and again."""
    early = view.text[:1_200]
    if early.count("_") >= 4 and len(planted := _UNDERSCORED.findall(early)) >= 2:
        yield Clue("text.spun_brand", "gambling", 3.0, planted[0])
        return
    found = _SPUN.findall(early)
    if not found:
        return
    name, count = Counter(found).most_common(1)[0]
    emoji = len(_EMOJI.findall(early))
    if count >= 2 and (emoji or count >= 3):
        yield Clue("text.spun_brand", "gambling", 1.8, f"{name} {count} times, {emoji} emoji")


# A brand where a name stood: xxbet…网_xx…版_xxbet…端
_UNDERSCORED = re.compile(
    r"(?=[a-z]*\d)[a-z\d]{4,9}[\u4e00-\u9fff]{2,10}_[^\s_]{2,24}_[a-z\d]{4,9}[\u4e00-\u9fff]{2,8}"
)
_SPUN = re.compile(r"[\u4e00-\u9fff]{2,3}\d{0,3}(?:体育|娱乐|电竞|电子|棋牌|国际)")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")


def is_random(label: str) -> bool:
    """Whether a label looks drawn by lot: letters mixed with digits, or no pronounceable run."""
    if len(label) < 5 or "-" in label:
        return False
    if label.isdigit():
        return True
    switches = sum(a.isdigit() != b.isdigit() for a, b in pairwise(label))
    vowels = sum(char in "aeiouy" for char in label)
    letters = sum(char.isalpha() for char in label)
    if switches >= 2 or _UNSPEAKABLE.search(label):
        return True
    return letters >= 6 and vowels / letters < 0.15 and entropy(label) > 2.2


def entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits."""
    size = len(text)
    return -sum(text.count(char) / size * math.log2(text.count(char) / size) for char in set(text))
