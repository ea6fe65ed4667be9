"""Text as people write it → the addresses in it. Pure, linear time.

People break addresses so that nobody taps them (`hxxp`, `[.]`, `(dot)`, `。`), glue them to words
of languages without spaces, and wrap them in punctuation. `refang` mends the text, `extract` finds
what is an address in it.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from crawler.html import canonical_url
from crawler.names import address, has_known_suffix, is_public_suffix, normalise_host

MAX_TEXT = 16_000_000
MAX_HOST = 300

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0f\ufeff]")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_OPEN, _CLOSE = r"[\[\(\{<【「]", r"[\]\)\}>】」]"
_DOT = r"(?:\.|dot|punto|punkt|titik|chấm|點|点|จุด)"
_SPOKEN_DOT = r"(?:dot|punto|punkt|titik|chấm|點|点|จุด)"
# TLDs that are no words of running text: behind them " dot ", " ." and "。" mean a dot.
_PLAIN_TLDS = (
    "com|net|org|info|biz|vip|xyz|cc|bet|club|asia|cn|vn|hk|tw|sg|uk|ph|kh|mm|th|eu|de|ru|br"
)
_TLD_NEXT = rf"(?=(?:[a-z0-9-]{{1,63}} ?\. ?){{0,3}}(?:{_PLAIN_TLDS})(?![a-z0-9]))"
_SCHEMES = r"h(?:tt|xx|\*\*|__|--|##|xxx|tx|xt|t|ht)p|tt?p|ftp|fxp|meow"
# Order matters: brackets first, then schemes, then dots that words or spaces stand for.
_MENDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I | re.M), replacement)
    for pattern, replacement in (
        (rf"[ \t]?{_OPEN}[ \t]?{_DOT}[ \t]?{_CLOSE}[ \t]?", "."),
        (rf"[ \t]?{_OPEN}[ \t]?(?:at|@)[ \t]?{_CLOSE}[ \t]?", "@"),
        (rf"(?<=[a-z0-9]){_OPEN}\.(?=[a-z0-9])|(?<=[a-z0-9])\.{_CLOSE}(?=[a-z0-9])", "."),
        (rf"{_OPEN}:(//)?{_CLOSE}", r":\1"),
        (rf"{_OPEN}//?{_CLOSE}", "/"),
        (r"\\([./:])", r"\1"),
        (rf"(?<![a-z])(?:{_SCHEMES})(s?) ?(?::[ ]?[/\\]{{1,3}} ?|//)(?=[\w\[])", r"http\1://"),
        (r"(?<![a-z])h(?:tt|xx)p(s?):(?=[a-z0-9])", r"http\1://"),
        (r"(?<=[a-z0-9])[。｡․](?=[a-z0-9])", "."),
        (rf"(?<=[a-z0-9])(?:[•·点點]| ?[。｡] ?)(?=(?:{_PLAIN_TLDS})(?![a-z0-9]))", "."),
        (rf"(?<=[a-z0-9]) {{1,3}}{_SPOKEN_DOT} {{1,3}}(?=[a-z0-9-]{{1,63}} dot )", "."),
        (rf"(?<=[a-z0-9]) {{1,3}}{_SPOKEN_DOT} {{1,3}}{_TLD_NEXT}", "."),
        (rf"(?<=[a-z0-9]) \. {_TLD_NEXT}", "."),
        # A space before the dot only: prose has ".net" and ".com" too, so the name must look one.
        (rf"(?<=[0-9]) {{1,2}}\.{_TLD_NEXT}", "."),
        (rf"((?:www\.|://)[a-z0-9.-]{{1,99}}) {{1,2}}\.{_TLD_NEXT}", r"\1."),
        (rf"^([ \t]*[a-z0-9-]{{1,63}}) {{1,2}}\.(?=(?:{_PLAIN_TLDS})[ \t]*$)", r"\1."),
    )
)
# Letters of scripts that separate words by spaces belong to a name; those of other scripts are
# text that happens to touch it.
_LETTER = r"A-Za-z0-9\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff"
_TAIL = r"[!#-&(-;=?-_a-~]"
_URL = re.compile(
    rf"(https?://)([^\s<>\"'`/?#\\、。《》「」，；]{{1,{MAX_HOST}}})([/?#\\]{_TAIL}{{0,2000}})?",
    re.I,
)
_INNER = re.compile("https?://", re.I)
_BARE = re.compile(
    rf"(?<![{_LETTER}._@/%+-])(?:\*?\.)?(?P<host>[{_LETTER}_-]+(?:\.[{_LETTER}_-]+)+)\.?"
    rf"(?P<port>:[0-9]{{2,5}}(?![0-9]))?(?P<path>/{_TAIL}{{0,2000}})?",
)
_WORD = re.compile(r"[^\s<>\"'@/:;,!?()\[\]{}|“”「」『』《》、]{4,255}")
_LATIN_HEAD = re.compile(rf"[{_LETTER}_.-]+")
_NAMED_HEAD = re.compile(rf".*?\.[A-Za-z]{{2,24}}(?![{_LETTER}.-])")
_VERSION = re.compile(r"(?:version|release|build|firmware|ver\.?|\bv\.?|版本)\s*\Z", re.I)
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_TRAILING = ".,;:!?*|`~^([{"
# Country domains that are file endings far more often in running text.
_FILE_ENDINGS = frozenset({"py", "md", "rs", "sh", "so", "ps", "zip", "mov"})
_COMPANY = frozenset(
    {"co", "ltd", "inc", "pte", "pvt", "corp", "llc", "gmbh", "company", "limited"}
)
_COMMON = frozenset(_PLAIN_TLDS.split("|"))


@dataclass(frozen=True, slots=True)
class Indicator:
    """An address in mended text: its canonical URL, host, and place from `start` to `end`."""

    url: str
    host: str
    start: int
    end: int


# What stands in every address once it is mended, or is mended to that. Latin "ch" begins "chấm".
_DOTS = re.compile(
    "[.\u3002\uff61\u2024\u2022\u00b7\uff0e\u9ede\u70b9\u0e08]|dot|punto|punkt|titik|ch", re.I
)


def may_name(text: str) -> bool:
    """Whether `text` can hold an address at all: far cheaper than looking for one."""
    return _DOTS.search(text) is not None


def refang(text: str) -> str:
    """`text` with broken addresses mended and invisible characters gone."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text[:MAX_TEXT]).translate(_WIDE))
    for pattern, replacement in _MENDS:
        text = pattern.sub(replacement, text)
    return text


def extract(text: str, *, cell: bool = False) -> Iterator[Indicator]:
    """The addresses in mended text, in order. `cell` says that `text` is one field of a table.

    Bare names need a known public suffix and must not look like a file, a version or the joint of
    two sentences; in a cell that is a single word that doubt is dropped. The host of an e-mail
    address is none of them.
    """
    alone = cell and len(text.split()) == 1
    found = [item for match in _URL.finditer(text) for item in _urls(match)]
    masked = _mask(text, found)
    for match in _BARE.finditer(masked):
        if indicator := _bare(match, alone):
            found.append(indicator)
    if not text.isascii():
        for match in _WORD.finditer(_mask(masked, found)):
            if "." in match.group() and (indicator := _foreign_word(match)):
                found.append(indicator)
    yield from sorted(found, key=lambda item: item.start)


def _mask(text: str, found: list[Indicator]) -> str:
    """`text` with what was found blanked out, every position kept."""
    parts: list[str] = []
    position = 0
    for item in sorted(found, key=lambda item: item.start):
        if item.start >= position:
            parts += (text[position : item.start], " " * (item.end - item.start))
            position = item.end
    return "".join(parts) + text[position:]


def _urls(match: re.Match[str]) -> Iterator[Indicator]:
    """The URLs in a run that starts with a scheme: "www.http://x", "https://xhttps://y" are two.

    A URL inside a query is a parameter of the outer one.
    """
    raw = match.group()
    query = raw.find("?") if "?" in raw else len(raw)
    cuts = [inner.start() for inner in _INNER.finditer(raw) if inner.start() <= query]
    for start, end in zip(cuts, [*cuts[1:], len(raw)], strict=True):
        piece = _URL.match(raw[start:end])
        if piece and (indicator := _url(piece, match.start() + start)):
            yield indicator


def _url(match: re.Match[str], start: int) -> Indicator | None:
    scheme, authority, tail = match.group(1), match.group(2), match.group(3) or ""
    # What stands before "@" only serves to deceive (RFC 3986 §7.6).
    named = authority.rpartition("@")[2]
    used = len(authority)
    if named.startswith("["):
        literal, _, rest = named.partition("]")
        if rest and not rest.startswith(":"):
            return None
        host_part, port = f"{literal}]", rest[1:]
    else:
        host_part, _, port = named.partition(":")
        if not (host := _glued(host_part)):
            return None
        if host != host_part:
            used -= len(named) - len(host)
            host_part, port, tail = host, "", ""
    if not (host := _host(host_part)):
        return None
    port = port[:5] if port[:5].isdigit() else ""
    # Browsers read a backslash as a slash (WHATWG URL).
    tail = _trimmed(tail).replace("\\", "/")
    url = canonical_url(f"{scheme}{host_part}{f':{port}' if port else ''}{tail}")
    end = start + len(scheme) + used + len(tail)
    return Indicator(url, host, start, end) if url else None


def _bare(match: re.Match[str], alone: bool) -> Indicator | None:
    text = match.group("host").strip("-_")
    if match.string[match.end("host") : match.end("host") + 1] == "@":
        return None
    host = _host(text)
    if host is None:
        return None
    path, port = _trimmed(match.group("path") or ""), match.group("port") or ""
    if ip := address(host):
        before = match.string[max(0, match.start() - 16) : match.start()]
        network = re.fullmatch(r"/[0-9]{1,3}", path) and not port
        if text != host or not ip.is_global or network or _VERSION.search(before):
            return None
    elif not alone and not path and not port and not _looks_meant(text):
        return None
    url = canonical_url(f"http://{host if ':' not in host else f'[{host}]'}{port}{path}")
    end = match.end("host") + len(port) + len(path)
    return Indicator(url, host, match.start(), end) if url else None


def _looks_meant(text: str) -> bool:
    """Whether a bare name in prose is an address and no file, company or joint of sentences."""
    before, _, last = text.rpartition(".")
    labels = text.lower().split(".")
    if last.lower() in _FILE_ENDINGS and before.isalpha():
        return False
    if all(label in _COMPANY for label in labels) or (
        labels[0] in ("com", "net", "org") and len(labels) > 2
    ):
        # The second is the id of an app (com.maker.app), a host name read backwards.
        return False
    if last.lower() in _COMMON:
        return True
    if last[:1].isupper() and last[1:].islower():
        return not (before[-1:].isalpha() or before.replace(".", "").isdigit())
    return not (last.isupper() and before[-1:].islower())


def _foreign_word(match: re.Match[str]) -> Indicator | None:
    """An internationalised name that stands alone between spaces or punctuation."""
    text = match.group().rstrip(_TRAILING + "。")
    if text.isascii() or max(map(len, text.split("."))) > 24:
        return None
    host = _host(text)
    if host is None or "xn--" not in host:
        return None
    return Indicator(f"http://{host}/", host, match.start(), match.start() + len(text))


def _host(text: str) -> str | None:
    if len(text) > MAX_HOST:
        return None
    try:
        host = normalise_host(text)
    except ValueError:
        return None
    if address(host):
        return host
    return host if has_known_suffix(host) and not is_public_suffix(host) else None


def _glued(text: str) -> str | None:
    """The host at the start of `text`, without words of another script that touch it."""
    if text.isascii() and _host(text):
        return text
    for pattern in (_NAMED_HEAD, _LATIN_HEAD):
        if (head := pattern.match(text)) and _host(part := head.group().rstrip("._-")):
            return part
    return text if _host(text) else None


def _trimmed(tail: str) -> str:
    """A path and query without the brackets and punctuation of the sentence around it."""
    depth = dict.fromkeys(_CLOSERS.values(), 0)
    for place, char in enumerate(tail):
        if char in depth:
            depth[char] += 1
        elif opener := _CLOSERS.get(char):
            depth[opener] -= 1
            if depth[opener] < 0:
                tail = tail[:place]
                break
    return tail.rstrip(_TRAILING)
