"""Where links lead: app files, invitations, chat accounts, mirrors of one name."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, signal
from crawler.names import registered_domain

_APP = re.compile(r"\.(?:apk|ipa|mobileconfig|plist)(?:$|\?)|itms-services|/testflight", re.I)
_INVITE = re.compile(
    r"[?&](?:invite|invitecode|inviter|ref|agent|aff|code|i|uid|ic|pid|referral)=[\w-]{3,20}", re.I
)
_CHAT = re.compile(r"https?://(?:t\.me|telegram\.me|wa\.me|line\.me|lin\.ee|zalo\.me)/", re.I)
_PLANTED = ("gambling.offer", "gambling.lure", "gambling.brand")
_AMP_CACHES = {"ampproject.org", "google.com", "bing-amp.com"}
_QR = re.compile(r"\bqr\b|qr ?code|qrcode|二维码|二維碼|扫码|掃碼|mã qr|คิวอาร์|qris\b|скан")
_APP_MARKS = (".apk", ".ipa", ".mobileconfig", ".plist", "itms-services", "/testflight")
# One literal start each, which `re` looks for fast.
_WALLETS = (
    re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}\b"),
    re.compile(r"0x[0-9a-fA-F]{40}\b"),
    re.compile(r"bc1[0-9a-z]{25,60}\b"),
)


@signal
def apps(view: View) -> Iterator[Clue]:
    """An app beside the stores."""
    if not any(mark in view.urls for mark in _APP_MARKS):
        return
    for link in view.page.links:
        if _APP.search(link.url):
            yield Clue("link.app_file", "scam", 1.3, link.url.rpartition("/")[2][:60], link.text)
            return


@signal
def invitations(view: View) -> Iterator[Clue]:
    """Registration links that carry a recruiter's code."""
    for link in view.page.links:
        if _INVITE.search(link.url) and re.search(r"reg|sign|join|invite|dangky|daftar", link.url):
            yield Clue("link.invitation", "scam", 1.0, link.url[-80:], link.text)
            return


@signal
def chats(view: View) -> Iterator[Clue]:
    """Support by messenger."""
    found = sorted({link.url for link in view.page.links if _CHAT.match(link.url)})
    if found:
        yield Clue("link.messenger", "scam", 0.5, ", ".join(found[:3])[:120])


@signal
def mirrors(view: View) -> Iterator[Clue]:
    """Links to several numbered names of one brand."""
    stems: dict[str, set[str]] = {}
    for host in {link.url.split("/", 3)[2] for link in view.page.links}:
        stem = re.sub(r"\d+", "#", host)
        if "#" in stem:
            stems.setdefault(stem, set()).add(host)
    best = max(stems.items(), key=lambda item: (len(item[1]), item[0]), default=("", set()))
    if len(best[1]) >= 3:
        yield Clue("link.numbered_mirrors", "scam", 1.4, ", ".join(sorted(best[1])[:4]))


@signal
def foreign_amp(view: View) -> Iterator[Clue]:
    """A page of the trade that sends phones to another domain, as those planted on broken-in sites
    do; a publisher's own AMP pages stay on its domain or on that of a cache of AMP pages."""
    named = {
        kind: {
            registered_domain(link.url.split("/", 3)[2].partition(":")[0])
            for link in view.page.links
            if link.kind == kind
        }
        for kind in ("amphtml", "canonical")
    }
    foreign = named["amphtml"] - named["canonical"] - _AMP_CACHES - {registered_domain(view.host)}
    if foreign and any(hit.term.group in _PLANTED for hit in view.hits):
        yield Clue("link.foreign_amp", "gambling", 1.6, ", ".join(sorted(foreign))[:120])


@signal
def qr_code(view: View) -> Iterator[Clue]:
    """A code to scan beside words for paying in: a transfer to a person's account or wallet."""
    shown = view.page.document.places.get("alt", "").lower()
    if (found := _QR.search(shown)) and any(hit.term.group == "scam.money" for hit in view.hits):
        yield Clue("money.qr_code", "scam", 0.5, found.group(), shown[:140])


@signal
def wallets(view: View) -> Iterator[Clue]:
    """An address for coins on the page itself."""
    text = view.page.text[:40_000]
    found = min(
        (match for pattern in _WALLETS if (match := _wallet(pattern, text))),
        key=lambda match: match.start(),
        default=None,
    )
    if found:
        yield Clue("money.wallet", "scam", 1.0, found.group())


def _wallet(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    for match in pattern.finditer(text):
        if not match.start() or not text[match.start() - 1].isalnum():
            return match
    return None
