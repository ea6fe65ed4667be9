"""What the making of a site leaves on it: template, bundles, interfaces, apps, codes, brand."""

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler import reference
from crawler.model import Identifier
from crawler.names import normalise_host, registered_domain
from crawler.operations.identifiers import Source, family

_TAG = re.compile(
    rb"<([a-z][a-z0-9-]{0,20})(?:\s[^<>]{0,200}?class=[\"']?([^\"'<>\s]{1,40}))?", re.I
)
# A template of fewer different elements than this is no more than HTML.
MIN_ELEMENTS = 20
# Bundlers write a hash of the content into the name, so equal names are equal builds.
_BUNDLE = re.compile(
    r"/([\w-]{1,40}[.-](?=[a-f]*[0-9])[0-9a-f]{8,32}(?:\.chunk|\.min)?\.js)(?:\?|$)"
)
_API = re.compile(
    r"[\"'](?:https?|wss?):\\?/\\?/((?:[a-z0-9-]{0,20}-)?(?:api|ws|wss|gw|gateway|socket|im)\d{0,3}"
    r"\.[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,60}){1,3})(?![a-z0-9.-])",
    re.I,
)
_APK = re.compile(r"/([\w.+%-]{1,80}\.(?:apk|xapk|ipa|mobileconfig))(?:$|[?#])", re.I)
_ANY_APP = re.compile(
    r"(?:app|android|ios|release|download|base|client|latest|[\d._v-])+\.\w+", re.I
)
_INVITE = re.compile(
    r"[?&](?:invite|invite_?code|inviter|invitation|agent|aff|ref|referral|promo)=([\w-]{4,20})(?:&|#|$)",
    re.I,
)
_INVITE_WORDS = (
    "邀请码", "邀請碼", "推荐码", "推薦碼", "mã mời", "mã giới thiệu", "kode undangan",
    "kode referral", "รหัสเชิญ", "รหัสแนะนำ", "invite code", "invitation code", "referral code",
)  # fmt: skip
_INVITE_TEXT = re.compile(
    rf"(?:{'|'.join(_INVITE_WORDS)})[ ]?[:：]?[ ]?([a-z0-9]{{4,12}})(?![a-z0-9])", re.I
)
_BRAND = re.compile(r"(?<![a-z0-9])([a-z]{2,12}\d{2,4}|\d{2,4}[a-z]{2,10})(?![a-z0-9])", re.I)
_NO_BRAND = re.compile(
    r"(?:covid|windows|win|ios|android|utf|iso|mp|page|top|vol|no|part|g|chapter|h)\d+"
    r"|\d+(?:th|st|nd|rd|px|am|pm|kg|km|usd|usdt|vnd|thb|x|p|k|gb|mb|min|h|hrs)",
    re.I,
)


@family
def template(source: Source) -> Iterator[Identifier]:
    """The set of elements with their first class: how often each stands there is content."""
    elements = {
        (match.group(1).lower(), match.group(2) or b"")
        for match in _TAG.finditer(source.page.body[:200_000])
    }
    if len(elements) >= MIN_ELEMENTS:
        text = b" ".join(sorted(tag + b"." + name for tag, name in elements))
        yield Identifier("template", hashlib.sha256(text).hexdigest()[:16])


@family
def bundles(source: Source) -> Iterator[Identifier]:
    for script in source.page.document.scripts:
        host = urlsplit(script).hostname if script.startswith(("http", "//")) else ""
        own = not host or registered_domain(host) == source.domain
        if own and (match := _BUNDLE.search(f"/{script}")):
            yield Identifier("script_hash", match.group(1))


@family
def interfaces(source: Source) -> Iterator[Identifier]:
    """Hosts of interfaces that the page's scripts name, but the site's own and well-known ones."""
    for text in {match.group(1).lower() for match in _API.finditer(source.html)}:
        try:
            host = normalise_host(text)
        except ValueError:
            continue
        if registered_domain(host) != source.domain and not reference.default().lookup(host):
            yield Identifier("api_host", host)


@family
def apps(source: Source) -> Iterator[Identifier]:
    """App files: by name when it is a name, and by host and name when hosted elsewhere."""
    for link in source.page.links:
        if match := _APK.search(link.url):
            name = match.group(1).lower()
            host = urlsplit(link.url).hostname or ""
            if not _ANY_APP.fullmatch(name):
                yield Identifier("apk", name)
            if registered_domain(host) != source.domain and not reference.default().lookup(host):
                yield Identifier("apk", f"{host}/{name}")


@family
def codes(source: Source) -> Iterator[Identifier]:
    found = {match.group(1) for link in source.page.links if (match := _INVITE.search(link.url))}
    lower = source.text.lower()
    if any(word in lower for word in _INVITE_WORDS):
        found |= {match.group(1) for match in _INVITE_TEXT.finditer(source.text)}
    for code in found:
        # Words and small numbers are what everybody chooses.
        if re.search(r"\d", code) and (re.search(r"[A-Za-z]", code) or len(code) > 5):
            yield Identifier("invite_code", code.lower())


@family
def brand(source: Source) -> Iterator[Identifier]:
    places = source.page.document.places
    for match in _BRAND.finditer(f"{places.get('title', '')} {places.get('heading', '')[:2_000]}"):
        if not _NO_BRAND.fullmatch(match.group(1)):
            yield Identifier("brand_code", match.group(1).lower())


@family
def target(source: Source) -> Iterator[Identifier]:
    """Where the page sends its visitors, when that is another and no well-known domain."""
    for link in source.page.links:
        if link.kind in ("redirect", "refresh"):
            domain = registered_domain(urlsplit(link.url).hostname or "")
            known = not domain or domain == source.domain or reference.default().lookup(domain)
            if not known:
                yield Identifier("redirect_target", domain)
