"""Text as people write it → the addresses in it. Pure, one pass, linear time.

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

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DOT_WORD = r"(?:\.|dot|punto|punkt|titik|chấm|點|点|จุด)"
_OPEN, _CLOSE = r"[\[\(\{<【（「]", r"[\]\)\}>】）」]"
# What stands between two labels, or before a path, in a broken address. Order matters.
_MENDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"[ \t]?{_OPEN}[ \t]?{_DOT_WORD}[ \t]?{_CLOSE}[ \t]?", re.I), "."),
    (
        re.compile(
            rf"(?<=[a-z0-9]){_OPEN}\.(?=[a-z0-9])|(?<=[a-z0-9])\.{_CLOSE}(?=[a-z0-9])", re.I
        ),
        ".",
    ),
    (re.compile(rf"{_OPEN}:{_CLOSE}"), ":"),
    (re.compile(rf"{_OPEN}://{_CLOSE}"), "://"),
    (re.compile(rf"{_OPEN}//?{_CLOSE}"), "/"),
    (re.compile(r"\\([./:])"), r"\1"),
    (re.compile(r"(?<=[A-Za-z0-9]) ?[。．｡․•·] ?(?=[A-Za-z0-9])"), "."),
    (re.compile(r"(?<=[a-z0-9]) +dot +(?=[a-z]{2,})", re.I), "."),
    (re.compile(r"(?<=[a-z0-9]) +\. ?(?=[a-z]{2,})"), "."),
    (
        re.compile(r"(?<![a-z])(?:h(?:xx|\*\*|__|tt|--|ttp|xxx)p|meow|fxp)(s?)(?=\s?:)", re.I),
        r"http\1",
    ),
    (re.compile(r"(?<![a-z])http(s?)[ ]?:[ ]?[/\\][ ]?[/\\][ ]?", re.I), r"http\1://"),
    (re.compile(r"(?<![a-z])http(s?):(?=[a-z0-9])", re.I), r"http\1://"),
)
# Letters of scripts that separate words by spaces belong to a name; those of other scripts are
# text that happens to touch it.
_LETTER = r"A-Za-z0-9\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff"
_URL = re.compile(r"https?://[^\s<>\"'`\u3000-\u3002\uff0c\u300a-\u300f]{1,2000}", re.I)
_BARE = re.compile(
    rf"(?<![{_LETTER}._@/%=+*-])(?:\*?\.)?(?P<host>[{_LETTER}_-]+(?:\.[{_LETTER}_-]+)+)\.?"
    r"(?P<port>:[0-9]{2,5})?(?P<path>/[!-~]*)?",
)
_WORD_HOST = re.compile(r"(?<![\S])[^\s<>\"'@/:]{1,63}(?:\.[^\s<>\"'@/:.]{1,63})+(?![\S])")
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_TRAILING = ".,;:!?'\"*_~|`、，。；：！？”’»"
# Two-letter country domains that are file endings far more often in running text.
_FILE_ENDINGS = frozenset(
    {"py", "md", "rs", "sh", "so", "pl", "ps", "zip", "mov", "cc", "js", "ts", "css", "html", "htm"}
    | {"php", "asp", "aspx", "jsp", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv"}
    | {"txt", "png", "jpg", "jpeg", "gif", "svg", "mp3", "mp4", "exe", "apk", "ipa", "dll", "json"}
    | {"xml", "yaml", "yml", "toml", "ini", "log"}
)


@dataclass(frozen=True, slots=True)
class Indicator:
    """An address in mended text: its canonical URL, host, and place from `start` to `end`."""

    url: str
    host: str
    start: int
    end: int


def refang(text: str) -> str:
    """`text` with broken addresses mended and invisible characters gone."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text[:MAX_TEXT]).translate(_WIDE))
    for pattern, replacement in _MENDS:
        text = pattern.sub(replacement, text)
    return text


def extract(text: str, *, cell: bool = False) -> Iterator[Indicator]:
    """The addresses in mended text, in order. `cell` says that `text` is one field of a table.

    Bare names need a known public suffix and must not look like a file or the joint of two
    sentences; in a cell, where nothing but an address is expected, that doubt is dropped.
    """
    taken: list[tuple[int, int]] = []
    found: list[Indicator] = []
    for match in _URL.finditer(text):
        if indicator := _url(match):
            found.append(indicator)
            taken.append((indicator.start, max(indicator.end, match.end())))
    masked = _mask(text, taken)
    for match in _BARE.finditer(masked):
        if indicator := _bare(match, cell):
            found.append(indicator)
    masked = _mask(masked, [(item.start, item.end) for item in found])
    for match in _WORD_HOST.finditer(masked):
        if not match.group().isascii() and (indicator := _whole_word(match)):
            found.append(indicator)
    yield from sorted(found, key=lambda item: item.start)


def _mask(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position:
            parts += (text[position:start], " " * (end - start))
            position = end
    return "".join(parts) + text[position:]


def _url(match: re.Match[str]) -> Indicator | None:
    raw = match.group()
    inner = raw.lower().rfind("http", 1)
    # "www.http://x" and "http://http://x": the last address counts, unless it is a parameter.
    if (
        inner > 0
        and raw[inner:].lower().startswith(("http://", "https://"))
        and "?" not in raw[:inner]
    ):
        raw = raw[inner:] if raw[:inner].count("/") <= 2 else raw[:inner]
    start = match.start() + match.group().find(raw)
    raw = _trimmed(raw)
    authority = re.split(r"[/?#\\]", raw.split("://", 1)[1], maxsplit=1)[0]
    host_text = authority.rpartition("@")[2]
    tail = raw[raw.find(host_text) + len(host_text) :]
    host_part, _, port = host_text.partition(":")
    if not host_text.startswith("["):
        host_part = _glued(host_part)
        if host_part is None:
            return None
        if len(host_part) < len(host_text.partition(":")[0]):
            port, tail = "", ""
    else:
        host_part, port = host_text, ""
    port = f":{port}" if port.isdigit() else ""
    # Browsers read a backslash as a slash (WHATWG URL).
    tail = _ascii_head(tail).replace("\\", "/")
    url = canonical_url(f"{raw.split('://', 1)[0]}://{host_part}{port}{_trimmed(tail)}")
    if url is None or not (host := _host(host_part)):
        return None
    return Indicator(url, host, start, start + len(raw))


def _bare(match: re.Match[str], cell: bool) -> Indicator | None:
    text = match.group("host").strip("-_")
    if match.string[match.end("host") : match.end("host") + 1] == "@":
        return None
    path = match.group("path") or ""
    host = _host(text)
    if host is None:
        return None
    last = text.rpartition(".")[2]
    if address(host) and text != host:
        return None
    if not cell and not path and not match.group("port"):
        if address(host):
            return None
        before = text.rpartition(".")[0]
        if last.lower() in _FILE_ENDINGS and before.count(".") == 0:
            return None
        if last[:1].isupper() and last[1:].islower() and before[-1:].islower():
            return None
    url = canonical_url(f"http://{host}{match.group('port') or ''}{_trimmed(path)}")
    if url is None:
        return None
    return Indicator(url, host, match.start(), match.start() + len(_trimmed(match.group())))


def _whole_word(match: re.Match[str]) -> Indicator | None:
    """An internationalised name that stands alone between spaces."""
    text = _trimmed(match.group())
    host = _host(text)
    if host is None or "xn--" not in host:
        return None
    return Indicator(f"http://{host}/", host, match.start(), match.start() + len(text))


def _host(text: str) -> str | None:
    try:
        host = normalise_host(text)
    except ValueError:
        return None
    if address(host):
        return host
    return host if has_known_suffix(host) and not is_public_suffix(host) else None


def _glued(text: str) -> str | None:
    """The host at the start of `text`, without words of another script that touch it."""
    if _host(text):
        return text
    head = re.match(rf"[{_LETTER}_.-]+", text)
    if head is None:
        return None
    part = head.group().rstrip("._-")
    return part if _host(part) else None


def _ascii_head(text: str) -> str:
    found = re.match(r"[!-~]*", text)
    return found.group() if found else ""


def _trimmed(text: str) -> str:
    """`text` without the punctuation of the sentence around it."""
    while text:
        last = text[-1]
        if last in _TRAILING:
            text = text[:-1]
        elif last in _CLOSERS and text.count(last) > text.count(_CLOSERS[last]):
            # An address that ends inside brackets closed more than it opened.
            text = text[:-1]
        else:
            opened = next((c for c, o in _CLOSERS.items() if text.count(c) > text.count(o)), None)
            if opened is None:
                break
            text = text[: text.index(opened)]
    return text
