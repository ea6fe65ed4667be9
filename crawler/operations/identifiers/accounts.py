"""Accounts at vendors of analytics and live chat, in the form of each vendor's own snippet."""

import re
from collections.abc import Iterator

from ahocorasick_rs import AhoCorasick

from crawler.model import Identifier
from crawler.operations.identifiers import Source, family

# Kind, a text without which the pattern cannot match, the pattern with the value as its group.
# A pattern that began with \b would be tried at every letter; one that begins with a text is not.
_SNIPPETS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, needle, re.compile(pattern))
    for kind, needle, pattern in (
        ("ga4", "G-", r"(G-(?<=\bG-)(?=[A-Z]*[0-9])[A-Z0-9]{8,12})\b"),
        ("ua", "UA-", r"(UA-(?<=\bUA-)\d{5,10}-\d{1,3})\b"),
        ("gtm", "GTM-", r"(GTM-(?<=\bGTM-)[A-Z0-9]{5,9})\b"),
        ("baidu_tongji", "hm.baidu.com", r"hm\.baidu\.com/(?:hm|h)\.js\?([0-9a-f]{32})\b"),
        ("la51", "51.la", r"(?:js|sdk)\.51\.la/[^\"'?\s]{0,40}\?id=([0-9A-Za-z]{6,20})"),
        ("la51", "51.la", r"\bjs\.users\.51\.la/(\d{6,12})\.js"),
        ("la51", "LA.init", r"LA\.init\(\{\s?id: ?[\"']([0-9A-Za-z]{6,20})[\"']"),
        ("cnzz", "cnzz.com", r"cnzz\.com/[^\"'\s]{0,60}[?&](?:web_)?id=(\d{6,12})"),
        ("meta_pixel", "fbq", r"fbq\(['\"]init['\"], ?['\"]?(\d{10,20})['\"]?"),
        ("meta_pixel", "facebook.com/tr", r"facebook\.com/tr/?\?id=(\d{10,20})"),
        ("tiktok_pixel", "ttq", r"ttq\.load\(['\"]([A-Z0-9]{15,25})['\"]"),
        ("tawk", "tawk.to", r"(?:embed\.)?tawk\.to/(?:chat/)?([0-9a-f]{24})\b"),
        ("crisp", "CRISP_WEBSITE_ID", r"CRISP_WEBSITE_ID ?= ?['\"]([0-9a-f-]{36})['\"]"),
        ("livechat", "__lc", r"__lc\.license ?= ?(\d{5,12})"),
        ("intercom", "ntercom", r"app_id['\"]?: ?['\"]([a-z0-9]{8})['\"]"),
        ("meiqia", "_MEIQIA", r"_MEIQIA\(['\"]entId['\"], ?['\"]?([0-9a-zA-Z]{4,40})"),
        ("salesmartly", "salesmartly", r"salesmartly\.com/js/project_([0-9_]{5,30})"),
        ("chatwoot", "websiteToken", r"websiteToken['\"]?: ?['\"]([A-Za-z0-9]{20,30})['\"]"),
    )
)  # fmt: skip
_NEEDLES = AhoCorasick([needle for _, needle, _ in _SNIPPETS])


@family
def accounts(source: Source) -> Iterator[Identifier]:
    found = {index for index, _, _ in _NEEDLES.find_matches_as_indexes(source.html, True)}
    for index in sorted(found):
        kind, _, pattern = _SNIPPETS[index]
        for match in pattern.finditer(source.html):
            yield Identifier(kind, match.group(1))
