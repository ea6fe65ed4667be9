"""How promising a link is, from its page's verdict, its words and its target's name. Pure."""

import re
from functools import lru_cache

from crawler.detect.model import Model
from crawler.detect.signals.shape import is_random
from crawler.detect.text import normalise
from crawler.model import Link, Verdict
from crawler.names import registered_domain

_TELLING = re.compile(
    r"invite|register|signup|dangky|daftar|deposit|recharge|withdraw|promo|bonus|plan|vip|agent|"
    r"download|app|line|mirror|link|backup|about|terms|faq|refer",
    re.I,
)
_DULL = re.compile(
    r"privacy|cookie|login|logout|\.(?:jpg|png|gif|css|js|pdf|zip|ico)(?:$|\?)", re.I
)
_TRADE = re.compile(r"bet|win|vip|casino|slot|togel|88|99|66|77|68|fx|coin|trade|invest|mining")


@lru_cache(maxsize=20_000)
def _said(text: str, model: Model) -> frozenset[str]:
    """Which of mirror, trade and reporting a link's words say; menus say the same on every page."""
    groups = {hit.term.group for hit in model.lexicon.hits(normalise(text))}
    said = {group.partition(".")[0] for group in groups}
    found = {"trade"} if said & {"gambling", "investment", "scam"} else set()
    if any(group.startswith("scam.mirror") for group in groups):
        found.add("mirror")
    return frozenset(found | said & {"reporting"})


def link_priority(verdict: Verdict, link: Link, source_url: str, model: Model) -> float:
    """A score in [0, 1]; the source's probability weighs most."""
    score = 0.25 + 0.35 * verdict.probability
    said = _said(link.text, model)
    if "mirror" in said:
        score += 0.25
    elif "trade" in said:
        score += 0.15
    if "reporting" in said:
        score -= 0.2
    host = link.url.split("/", 3)[2].partition(":")[0]
    own = source_url.split("/", 3)[2].partition(":")[0]
    if host != own:
        if _TRADE.search(registered_domain(host).partition(".")[0]):
            score += 0.1
        if re.sub(r"\d+", "#", host) == re.sub(r"\d+", "#", own):
            score += 0.15
        if is_random(host.split(".")[0]):
            score += 0.05
    elif _TELLING.search(link.url):
        score += 0.1
    if _DULL.search(link.url):
        score -= 0.3
    return max(0.0, min(1.0, score))


def link_kind(verdict: Verdict, link: Link, source_url: str, model: Model) -> str:
    """The kind of a link, for learning what its kind leads to: one of about a hundred words."""
    host = link.url.split("/", 3)[2].partition(":")[0]
    own = source_url.split("/", 3)[2].partition(":")[0]
    if host == own:
        return f"own {verdict.category.value}"
    words = _said(link.text, model)
    said = next((word for word in ("mirror", "reporting", "trade") if word in words), "plain")
    name = registered_domain(host).split(".")[0]
    looks = "plain"
    if re.sub(r"\d+", "#", host) == re.sub(r"\d+", "#", own):
        looks = "alike"
    elif registered_domain(host) == registered_domain(own):
        looks = "sibling"
    elif _TRADE.search(name):
        looks = "trade"
    elif is_random(host.split(".")[0]):
        looks = "random"
    return f"{verdict.category.value} {link.kind} {said} {looks}"
