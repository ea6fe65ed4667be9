"""HTML bytes → `Document`: what a reader would see, by place, and where the links lead.

One pass of lexbor (a WHATWG parser) and a few selector queries; nothing is executed or fetched.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray
from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.model import Document, Link
from crawler.names import normalise_host

MAX_BYTES = 2_000_000
MAX_TEXT = 100_000
MAX_PLACE = 20_000
MAX_LINKS = 2_000
MAX_URL = 2_000
MAX_TAGS = 100_000
# lexbor parses any depth, but reading text out of a tree costs its depth at every node.
MAX_UNCLOSED = 15_000

_SPACE = re.compile(r"\s+")
_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([a-zA-Z0-9_-]{2,40})""", re.I
)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([a-zA-Z0-9_-]{2,40})", re.I)
_REFRESH = re.compile(r"^\s*[\d.]*\s*[;,]?\s*url\s*=\s*[\"']?([^\"'>]{1,2000})", re.I)
_SCRIPT_JUMP = re.compile(
    r"(?:location(?:\.href)?\s*=|location\.(?:replace|assign)\()\s*[\"']([^\"'\s]{1,2000})[\"']"
)
_PLAIN_PATH = re.compile(r"/(?!/)[^\s#?\\]*(?:\?[^\s#]*)?\Z")
_PLAIN_URL = re.compile(
    r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*)(/[^\s#?]*)?(\?[^\s#]*)?(?:#.*)?\Z"
)
# Languages told by their letters, the first that reaches its share.
_SCRIPTS = {
    "th": "\u0e01-\u0e3a",
    "lo": "\u0e81-\u0ebd",
    "km": "\u1780-\u17d3",
    "my": "\u1000-\u103f",
    "ko": "\uac00-\ud7a3",
    "ja": "\u3041-\u30fa",
    "zh": "\u4e00-\u9fff",
    "ru": "\u0430-\u044f",
    "vi": "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}
_LATIN_WORDS = {
    "id": {"yang", "dan", "dengan", "untuk", "kami", "anda", "adalah", "dari", "tidak", "bisa"},
    "ms": {"yang", "dan", "dengan", "untuk", "kami", "anda", "ialah", "boleh", "percuma", "wang"},
    "es": {"el", "los", "para", "que", "una", "con", "del", "por", "más", "es"},
    "pt": {"o", "os", "para", "que", "uma", "com", "não", "você", "em", "são"},
    "en": {"the", "and", "of", "to", "for", "you", "with", "your", "is", "are"},
}
_VOTES = {
    word: tuple(language for language, words in _LATIN_WORDS.items() if word in words)
    for word in set().union(*_LATIN_WORDS.values())
}
# Bytes that a legacy encoding and no other makes plausible are tried in this order.
_FALLBACKS = (
    "utf-8",
    "gb18030",
    "big5",
    "cp874",
    "windows-1258",
    "euc-kr",
    "shift_jis",
    "windows-1251",
)
# A declaration further down than this is not looked for.
_META_WITHIN = 65_536
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def parse(body: bytes, *, url: str = "", content_type: str = "") -> Document:
    """The document in `body`. Never raises: what is no HTML gives a Document with empty places.

    The text is decoded by byte order mark, then as UTF-8 if it is valid, then by what the page
    or the header declares, then by the legacy encoding that leaves the least damage. `url`
    resolves relative links. Limits: `MAX_BYTES` read, `MAX_TEXT` characters kept.
    """
    truncated = len(body) > MAX_BYTES
    text, charset = decode(body[:MAX_BYTES], content_type)
    if "\x00" in text:
        text = text.replace("\x00", "")
    tags = text.count("<")
    unclosed = tags - 2 * text.count("</")
    if tags > MAX_TAGS or unclosed > MAX_UNCLOSED:
        text, truncated = _first_tags(text, min(tags, MAX_UNCLOSED)), True
    tree = LexborHTMLParser(text)
    seen = _Seen()
    for node in tree.css(_WANTED):
        _read_node(node, seen)
    links = tuple(_links(seen, url))
    places = {
        "title": _joined(seen.title, 500),
        "meta": " ".join(seen.meta[:12])[:MAX_PLACE],
        "heading": _joined(seen.heading, 4_000),
        "anchor": clean(" ".join(link.text for link in links if link.text))[:MAX_PLACE],
        "button": _joined(seen.button, 2_000),
        "alt": clean(" ".join(seen.alt[:200]))[:MAX_PLACE],
        "script": clean(" ".join(seen.inline)),
    }
    language = _declared_language(tree)
    tree.strip_tags(["script", "style", "noscript", "template", "svg", "title"])
    root = tree.body
    visible = clean((root.text(separator=" ") if root else "")[: MAX_TEXT * 4])[:MAX_TEXT]
    places["body"] = visible
    return Document(
        text=visible,
        links=links,
        places=places,
        language=guess_language(f"{places['title']} {places['meta'][:500]} {visible[:3000]}")
        or language.split("-")[0],
        charset=charset,
        scripts=tuple(seen.sources[:100]),
        truncated=truncated or len(visible) == MAX_TEXT,
    )


def from_text(text: str, *, title: str = "") -> Document:
    """A Document of plain text, for input that has no markup."""
    visible = clean(text[: MAX_TEXT * 2])[:MAX_TEXT]
    places = {"title": clean(title)[:500], "body": visible}
    language = guess_language(f"{title[:500]} {visible[:3000]}")
    return Document(visible, (), places, language, "utf-8", (), len(text) > MAX_TEXT)


def clean(text: str) -> str:
    """`text` with every run of white space as one space, trimmed."""
    return " ".join(text.split())


def decode(body: bytes, content_type: str = "") -> tuple[str, str]:
    """The text and the encoding that was used; undecodable bytes become U+FFFD."""
    for bom, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace"), name
    # A limit may have cut the last character in two.
    probe = body[:-3] if len(body) == MAX_BYTES else body
    try:
        return probe.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    declared = _HEADER_CHARSET.search(content_type)
    meta = _META_CHARSET.search(body[:_META_WITHIN])
    names = [declared.group(1)] if declared else []
    names += [meta.group(1).decode("ascii")] if meta else []
    # A sample that begins with a character, not within one.
    first = _NOT_ASCII.search(body)
    begin = first.start() if first else 0
    best: tuple[float, str] | None = None
    for rank, name in enumerate([*names, *_FALLBACKS]):
        try:
            sample = body[begin : begin + 20_000].decode(name, "replace")
        except LookupError:
            continue
        russian = name == "windows-1251" and _reads_russian(sample)
        cost = _damage(sample, declared=russian or rank < len(names)) + 0.002 * rank
        if best is None or cost < best[0]:
            best = (cost, name)
    name = best[1] if best else "utf-8"
    return body.decode(name, "replace"), codecs.lookup(name).name


_ODD = re.compile("[\ufffd\x80-\x9f\ue000-\uf8ff]")
# Cyrillic and half-width kana: real where declared, else what a wrong guess makes of other bytes.
_ODD_UNDECLARED = re.compile("[\ufffd\x80-\x9f\ue000-\uf8ff\u0400-\u04ff\uff61-\uff9f]")
_PLAUSIBLE = re.compile("[\u0e00-\u0e7f\u4e00-\u9fff\uac00-\ud7a3\u3040-\u30ff\u3000-\u303f]")
_COMMON_HAN = frozenset(
    "的一是不了在人有我他这這为為之来來大以个個中上们們到说說国國和地也子时時道出而要于於就下得可你年生"
    "会會自着着去之过過家学學对對可里里后後心多天能好都然没沒日起还還发發成事只作当當想看文无無开開手十用"
    "主行方又如前所本见見经經头頭面公同三已老从從动動两兩长長投资資金平台台注册冊彩票钱錢户戶新最高网網"
    "站线線客服务務博体體育真电電游戏戲活动優优惠首页頁登录錄入口下载載安全"
)


def _damage(text: str, *, declared: bool) -> float:
    """How little `text` looks like something that people write, 0 (fine) to about 1."""
    pattern = _ODD if declared else _ODD_UNDECLARED
    wide = [char for char in text if char > "\x7f"]
    if not wide:
        return 0.0
    odd = sum(1 for char in wide if pattern.match(char))
    han = [char for char in wide if "\u4e00" <= char <= "\u9fff"]
    rare = 0.0
    if han:
        rare = 0.5 * max(0.0, 0.25 - sum(char in _COMMON_HAN for char in han) / len(han))
    strange = sum(1 for char in wide if not _PLAUSIBLE.match(char) and not char.isalpha())
    return odd / len(wide) + rare * len(han) / len(wide) + 0.2 * strange / len(wide)


def _reads_russian(text: str) -> bool:
    """Whether the most frequent Russian letters are as frequent as in Russian (there about 0.6)."""
    wide = [char for char in text if char > "\x7f"]
    return bool(wide) and sum(char in "оеаинтсрвлк" for char in wide) / len(wide) > 0.45


def canonical_url(url: str, base: str = "") -> str | None:
    """An absolute http(s) URL in canonical form, or None for anything else.

    Lower-case scheme and A-label host, default port and fragment removed, user-info removed (it
    only serves to deceive), empty path as "/", at most `MAX_URL` characters (RFC 3986 §6.2.2).
    """
    url = url.strip()
    if len(url) > MAX_URL:
        return None
    if (plain := _PLAIN_URL.match(url)) and "/." not in url:
        # Most links are in canonical form already, and the full rules cost ten times as much.
        scheme, host, path, query = plain.groups()
        try:
            return f"{scheme}://{normalise_host(host)}{path or '/'}{query or ''}"
        except ValueError:
            return None
    try:
        parts = urlsplit(urljoin(base, url) if base else url)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            return None
        host = normalise_host(parts.hostname)
        port = parts.port
    except ValueError:
        return None
    if ":" in host:
        host = f"[{host}]"
    scheme = parts.scheme.lower()
    if port and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    path = parts.path or "/"
    if "/." in path and not path.startswith("//"):
        path = urlsplit(urljoin(f"http://{host}/", path)).path
    path = _SPACE.sub("%20", path)
    return urlunsplit((scheme, host, path, _SPACE.sub("%20", parts.query), ""))


def guess_language(text: str) -> str:
    """An ISO 639-1 code by script and common words, "" when there is too little to tell."""
    sample = text[:2000].lower()
    letters = len(sample) - sum(map(sample.count, " .,0123456789"))
    if letters < 4:
        return ""
    if not sample.isascii():
        codes = np.frombuffer(sample.encode("utf-32-le", "surrogatepass"), np.uint32)
        counts = np.bincount(_script_table()[np.minimum(codes, 0xFFFF)], minlength=16)
        for number, language in enumerate(_SCRIPTS, 1):
            if counts[number] > max(2, letters * 0.06):
                return language
    words = sample.split()
    votes = dict.fromkeys(_LATIN_WORDS, 0)
    for word in words:
        for language in _VOTES.get(word, ()):
            votes[language] += 1
    best = max(votes, key=lambda language: votes[language])
    return best if votes[best] >= max(2, len(words) * 0.03) else ""


@cache
def _script_table() -> NDArray[np.uint8]:
    """For each code point of the basic plane the number of its language in `_SCRIPTS`, or 0."""
    table = np.zeros(0x10000, np.uint8)
    for number, letters in enumerate(_SCRIPTS.values(), 1):
        if letters[1:2] == "-":
            table[ord(letters[0]) : ord(letters[2]) + 1] = number
        else:
            table[[ord(letter) for letter in letters]] = number
    return table


@dataclass(slots=True)
class _Seen:
    """What one walk over the tree found, in the order of the page."""

    title: list[LexborNode] = field(default_factory=list)
    heading: list[LexborNode] = field(default_factory=list)
    button: list[LexborNode] = field(default_factory=list)
    meta: list[str] = field(default_factory=list)
    alt: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    # href, text, kind; what a visitor does not choose comes before what he does.
    forced: list[tuple[str, str, str]] = field(default_factory=list)
    anchors: list[tuple[str, str, str]] = field(default_factory=list)
    frames: list[tuple[str, str, str]] = field(default_factory=list)
    base: str = ""
    inline_size: int = 0


_WANTED = (
    "a[href], area[href], meta, script, title, h1, h2, h3, img[alt], input, button, iframe[src], "
    "frame[src], link[hreflang][href], link[rel=amphtml][href], link[rel=canonical][href], "
    'base[href], [role="button"]'
)


def _read_node(node: LexborNode, seen: _Seen) -> None:
    tag = node.tag
    attributes = node.attributes
    if tag in ("a", "area"):
        href = attributes.get("href") or ""
        if not href.startswith(("#", "javascript:")):
            label = node.text(separator=" ")[:300] or attributes.get("title") or ""
            seen.anchors.append((href, clean(label)[:150], "anchor"))
    elif tag in ("h1", "h2", "h3"):
        seen.heading.append(node)
    elif tag == "img":
        seen.alt.append((attributes.get("alt") or "")[:200])
    elif tag == "meta":
        _read_meta(attributes, seen)
    elif tag == "script":
        _read_script(node, attributes.get("src") or "", seen)
    elif tag == "title":
        seen.title.append(node)
    elif tag == "input":
        if "placeholder" in attributes:
            seen.alt.append((attributes["placeholder"] or "")[:200])
        if (attributes.get("type") or "").lower() == "submit":
            seen.button.append(node)
    elif tag in ("iframe", "frame"):
        seen.frames.append((attributes.get("src") or "", "", "frame"))
    elif tag == "link":
        # The same page for another country, which a mirror farm names itself, for phones, or its
        # own address: planted pages send phones to the operator and keep the victim's address.
        relation = (attributes.get("rel") or "").lower()
        kind = relation if relation in ("amphtml", "canonical") else "anchor"
        seen.frames.append((attributes.get("href") or "", "", kind))
    elif tag == "base":
        seen.base = seen.base or attributes.get("href") or ""
    if tag == "button" or attributes.get("role") == "button":
        seen.button.append(node)


def _read_meta(attributes: dict[str, str | None], seen: _Seen) -> None:
    content = attributes.get("content") or ""
    name = (attributes.get("name") or "").lower()
    if name in ("description", "keywords") or (attributes.get("property") or "").startswith("og:"):
        seen.meta.append(content[:1000])
    elif (attributes.get("http-equiv") or "").lower() == "refresh" and (
        found := _REFRESH.match(content)
    ):
        seen.forced.append((found.group(1), "", "refresh"))


def _read_script(node: LexborNode, source: str, seen: _Seen) -> None:
    text = node.text()
    if "location" in text[:50_000]:
        for match in _SCRIPT_JUMP.finditer(text[:50_000]):
            seen.forced.append((match.group(1), "", "script"))
    if source:
        seen.sources.append(source[:500])
    elif seen.inline_size < MAX_PLACE:
        text = text[: MAX_PLACE - seen.inline_size]
        seen.inline_size += len(text)
        seen.inline.append(text)


def _declared_language(tree: LexborHTMLParser) -> str:
    root = tree.root
    return ((root.attributes.get("lang") or "") if root else "").strip().lower()[:20]


def _links(seen: _Seen, url: str) -> Iterator[Link]:
    base = urljoin(url, seen.base) if seen.base else url
    origin = base[: base.find("/", 8)] if base.count("/") > 2 else base
    canonical = canonical_url(origin) == f"{origin}/"
    given: set[tuple[str, str]] = set()
    for href, text, kind in (*seen.forced, *seen.anchors, *seen.frames):
        target: str | None
        if canonical and _PLAIN_PATH.match(href) and "/." not in href:
            target = (origin + href)[: MAX_URL + 1]
            target = target if len(target) <= MAX_URL else None
        else:
            target = canonical_url(href, base)
        if target and (target, kind) not in given:
            given.add((target, kind))
            yield Link(target, text, kind)
            if len(given) >= MAX_LINKS:
                return


def _joined(nodes: list[LexborNode], limit: int) -> str:
    parts: list[str] = []
    size = 0
    for node in nodes:
        part = clean((node.text(separator=" ") or node.attributes.get("value") or "")[:limit])
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return " ".join(parts)[:limit]


def _first_tags(text: str, limit: int) -> str:
    position = -1
    for _ in range(limit):
        position = text.find("<", position + 1)
    return text[:position]
