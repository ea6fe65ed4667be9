"""Reads lists that others wrote: hosts, names, Adblock, dnsmasq, Unbound, RPZ, Squid and the like.

Nothing in a list is trusted. What is no name is dropped with a counted reason, never guessed at.
"""

import base64
import binascii
import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from crawler.names import address, normalise_host

# What a line can be, beside a reason why it was dropped.
COVERS = "covers"
ALONE = "alone"
ALLOWS = "allows"

NO_NAME = "no host name"
ADDRESS = "an address"
PATH = "a URL with a path"
PATTERN = "a pattern or regular expression"
CONDITION = "a rule with conditions"
COSMETIC = "a cosmetic rule"
NO_BLOCK = "an answer, not a block"
LOCAL = "a local name"
EXCEPTION = "an exception, which keeps its name out"
TOO_LONG = "a line over 64 KiB"
NO_LIST = "an HTML page, not a list"
BROKEN = "broken compression"
TOO_LARGE = "a JSON document over 256 MiB"
NO_DOCUMENT = "a JSON document of no known kind"

# Lines are taken in blocks of this many bytes, so none may be longer; a name has at most 253.
_BLOCK = 2**16
_LONGEST_NAME = 1024  # as typed: an IDN is longer in its other forms

_NULL = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.1", "127.0.0.0", "#", ""})
_LOCAL = re.compile(r"localhost|local|broadcasthost|ip6-[a-z]+|.*\.local(?:host|domain)?")
# Adblock modifiers with which a rule still blocks the whole site, whoever asks.
WHOLE = frozenset({"all", "document", "doc", "important", "popup", ""})
# With these too where modifiers are to go, as with HostlistCompiler's RemoveModifiers.
WHOLE_WITHOUT_MODIFIERS = WHOLE | {"third-party", "3p", "network"}

_HOSTS = re.compile(r"([0-9.]+|[0-9a-f]*:[0-9a-f:]*)\s+(\S.*)")
_ABP = re.compile(r"\|\|([^\^$/|*:\s]+)(?:\^\|?|\|)?(?:\$(.*))?")
_ABP_ALONE = re.compile(r"(?:\|?(?:https?)?://|\|)([^\^$/|*:\s]+)[\^/]?\|?(?:\$(.*))?")
_DNSMASQ = re.compile(r"(local|address|server)=/(.+)/([^/]*)")
_DNSMASQ_ALONE = re.compile(r"host-record=([^,]+),([^,]*)(?:,([^,]*))?")
_ZONE = re.compile(r'local-zone:\s*"?([^"\s]+?)\.?"?\s+"?([a-z_]+)"?')
_DATA = re.compile(r'local-data:\s*"([^"\s]+?)\.?\s+(?:\d+\s+)?(?:IN\s+)?(?:A|AAAA)\s+(\S+)"', re.I)
_RPZ = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?CNAME\s+(\S+)", re.I)
_RECORD = re.compile(r"\S*\s+(?:\d+\s+)?(?:IN\s+)?(?:SOA|NS)\s", re.I)
_CLASH = re.compile(r"(DOMAIN|DOMAIN-SUFFIX),([^,\s]+)(?:,.*)?")
_CSV = re.compile(r"([^,\s]+),(domain|host),.*")
_SURICATA = re.compile(
    r"alert \S+ .*; (?:dotprefix; )?content:\"\.?([^\"|]+)\"; (?:startswith; )?endswith; .*\)"
)
_SURICATA_BELOW = re.compile(r"alert (?!dns )")  # the same name again, for another protocol
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_STRUCTURE = re.compile(
    r"\[.*\]|server:|payload:|\$(?:ttl|origin)\b.*|domain,scope,.*|"
    r"local [a-z]+ = .*|for .* do|if .* (?:end|then)|function .*\)|dq\.\w+ = .*|return .*|end|\]\]",
    re.I,
)
# Patterns of STIX indicators for a name, and for a name with all below it.
_STIX = re.compile(r"\[domain-name:value = '([^']+)'( OR domain-name:value (?:LIKE|MATCHES) .*)?\]")

# A JSON document is read as a whole, unlike everything else.
_LARGEST_DOCUMENT = 2**28


@dataclass(slots=True)
class Bulk:
    """Plain names by the block, each with its line end, instead of in the sets of `Names`."""

    covers: bytearray = field(default_factory=bytearray)
    alone: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Names:
    """What a list held. `alone` are names that it blocks without what is below them.

    `entries` counts the names read into these, `dropped` what was not, by reason. With `bulk`, most
    of the names go there.
    """

    covers: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    allows: set[str] = field(default_factory=set)
    lines: int = 0
    entries: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    whole: frozenset[str] = WHOLE
    bulk: "Bulk | None" = None

    def add(self, line: str) -> None:
        self.take(read_line(line, self.whole))

    def take(self, found: Iterable[tuple[str, str]]) -> None:
        for role, name in found:
            if role in (COVERS, ALONE):
                self.entries += 1
                (self.covers if role == COVERS else self.alone).add(name)
            elif role == ALLOWS:
                self.dropped[EXCEPTION] += 1
                self.allows.add(name)
            else:
                self.dropped[role] += 1


def read_names(
    content: Iterable[bytes],
    *,
    plain_covers: bool = True,
    whole: frozenset[str] = WHOLE,
    bulk: Bulk | None = None,
) -> Names:
    """The names in a list of any known form, which may change from line to line.

    A list that nowhere says which names cover what is below them (hosts files, plain names) is
    taken to mean it of all, unless `plain_covers` is False. One that says so anywhere is taken at
    its word everywhere. `whole` are the modifiers with which an Adblock rule still counts as
    one that blocks the whole site; others make it one with conditions.
    """
    names = Names(whole=whole, bulk=bulk)
    texts = _texts(content, names.dropped)
    for text in texts:
        if names.lines == 0 and re.match(r"\s*<(?:!doctype|html|\?xml)", text, re.I):
            names.dropped[NO_LIST] += 1
            return names
        if names.lines == 0 and text.lstrip().startswith("{") and not _is_json_lines(text):
            _read_document(text, texts, names)
            return names
        lines = text.count("\n")
        names.lines += lines
        if not _plain(text, lines, names):
            _take_apart(text.split("\n")[:-1], names)
    if plain_covers and not names.covers and not (bulk and bulk.covers):
        names.covers, names.alone = names.alone, names.covers
        if bulk:
            bulk.covers, bulk.alone = bulk.alone, bulk.covers
    return names


def _take_apart(lines: list[str], names: Names, size: int = 64) -> None:
    """Finds the plain lines around the odd ones by ever smaller blocks: odd ones cost the most."""
    for start in range(0, len(lines), size):
        block = lines[start : start + size]
        if not _plain("\n".join(block) + "\n", len(block), names):
            if size > 1:
                _take_apart(block, names, size // 8)
            else:
                names.add(block[0])


def open_list(path: Path) -> Iterator[bytes]:
    """The content of a file in pieces, unpacked where it is gzip. OSError as from `open`."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        while piece := source.read(4 * _BLOCK):
            yield piece


def _texts(content: Iterable[bytes], dropped: Counter[str]) -> Iterator[str]:
    """Blocks of whole lines, each line with its end; lines over the limit are left out.

    Broken compression ends the list where it breaks.
    """
    pieces = _unbroken(content, dropped)
    rest = next(pieces, b"").removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n")
    ended = skipping = False
    while not ended:
        piece = next(pieces, b"").replace(b"\r", b"\n")
        ended = not piece
        data = rest + piece + (b"\n" if ended and rest else b"")
        start = 0
        if skipping and not ended:
            start = data.find(b"\n") + 1
            skipping = not start
            start = start or len(data)
        while True:
            end = data.rfind(b"\n", start, start + _BLOCK)
            if end < 0 and len(data) - start < _BLOCK:
                break
            if end < 0:
                dropped[TOO_LONG] += 1
                end = data.find(b"\n", start)
                skipping = end < 0
                start = len(data) if skipping else end + 1
                continue
            yield data[start : end + 1].decode("utf-8", "replace")
            start = end + 1
        rest = data[start:]


def _unbroken(content: Iterable[bytes], dropped: Counter[str]) -> Iterator[bytes]:
    try:
        yield from content
    except (EOFError, zlib.error, gzip.BadGzipFile):
        dropped[BROKEN] += 1


# Most lines of most lists. Matched a block at a time, and trusted only when every line of the
# block matched and none of the marks below, each a way not to be a name, stands in it.
_FAST_ALONE = re.compile(
    r"^(?:(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+)?((?:[a-z0-9_-]+\.)+[a-z]{2,63})$", re.M
)
_FAST_ABP = re.compile(r"^\|\|((?:[a-z0-9_-]+\.)+[a-z]{2,63})\^$", re.M)
_FAST_DOT = re.compile(r"^[*+]?\.((?:[a-z0-9_-]+\.)+[a-z]{2,63})$", re.M)
_FAST_DNSMASQ = re.compile(
    r"^(?:local|server|address)=/((?:[a-z0-9_-]+\.)+[a-z]{2,63})/(?:0\.0\.0\.0|::|#)?$", re.M
)
_MARKS = ("-.", ".-", "\n-", "/-", "|-", " -", "\t-", "xn--", ".local")


def _plain(text: str, lines: int, names: Names) -> bool:
    """Takes a block of nothing but plain entries at once; False when it holds anything else."""
    if names.bulk:
        return _plain_bulk(text, lines, names, names.bulk)
    if text[0] == "-" or any(mark in text for mark in _MARKS):
        return False
    alone = _FAST_ALONE.findall(text)
    covers = []
    if len(alone) < lines:
        for sign, pattern in (("||", _FAST_ABP), (".", _FAST_DOT), ("=/", _FAST_DNSMASQ)):
            if sign in text:
                covers += pattern.findall(text)
    if len(alone) + len(covers) != lines or max(map(len, (*alone, *covers)), default=0) > 63:
        return False
    names.alone.update(alone)
    names.covers.update(covers)
    names.entries += lines
    return True


# The same by the block. A list that opens a block with one of these forms keeps to it in most.
_WRAPS = (("0.0.0.0 ", ""), ("127.0.0.1 ", ""), ("||", "^"), ("*.", ""), ("+.", ""), (".", ""),
          ("local=/", "/"), ("server=/", "/"), ("address=/", "/"))  # fmt: skip
_ALONE_WRAPS = frozenset({"0.0.0.0 ", "127.0.0.1 ", ""})
_ONLY_NAMES = re.compile(r"(?:(?:[a-z0-9_-]{1,63}\.)++[a-z]{2,63}\n)*+")
_NONE_TOO_LONG = re.compile(r"(?:[^\n]{0,253}\n)*+")
_NAME_MARKS = ("-.", ".-", "\n-", "xn--", ".local")


def _plain_bulk(text: str, lines: int, names: Names, bulk: Bulk) -> bool:
    before, after = next((wrap for wrap in _WRAPS if text.startswith(wrap[0])), ("", ""))
    if before:
        if text.count(f"\n{before}") != lines - 1:
            return False  # a line without it says something else
        text = text.removeprefix(before).replace(f"{after}\n{before}", "\n")
        text = text.removesuffix(f"{after}\n") + "\n" if after else text
    if text[0] == "-" or any(mark in text for mark in _NAME_MARKS):
        return False
    if not _ONLY_NAMES.fullmatch(text) or not _NONE_TOO_LONG.fullmatch(text):
        return False
    (bulk.alone if before in _ALONE_WRAPS else bulk.covers).extend(text.encode("ascii"))
    names.entries += lines
    return True


def read_line(line: str, whole: frozenset[str] = WHOLE) -> Iterable[tuple[str, str]]:
    """What one line says: roles with their names, or one reason why it says nothing."""
    text = line.strip()
    if not text or text[0] in "#;!" or text.startswith(("//", "--")):
        return ()
    if match := _CSV.fullmatch(text):
        return (_name(match[1].lower(), COVERS if match[2] == "domain" else ALONE),)
    if "##" in text or "#@#" in text or "#?#" in text or "#$#" in text:
        return ((COSMETIC, ""),)
    if text.startswith("{"):
        return (_json(text),)
    if _STRUCTURE.fullmatch(text):
        return ()
    if text.startswith("alert "):
        return _suricata(text)
    if name := _from_base64(text):
        return (_name(name.lower(), ALONE),)
    text = re.split(r"\s[#;]", text)[0].strip()
    text = text.removeprefix("- ").strip("'\",").lower() if _quoted(text) else text.lower()
    if text.startswith("/"):
        return ((PATTERN, ""),)
    if not text or _RECORD.match(text):
        return ()
    if text.startswith("@@"):
        role, name = _adblock(text[2:], whole)
        return ((ALLOWS if role in (COVERS, ALONE) else role, name),)
    if text[0] == "|" or text.startswith(("://", "http:", "https:")):
        return (_adblock(text, whole),)
    if match := _HOSTS.fullmatch(text):
        return _hosts(match[1], match[2].split())
    if "=" in text or ":" in text or " " in text or "\t" in text or "," in text:
        return _configuration(text)
    return (_name(text, ALONE),)


def _suricata(text: str) -> Iterable[tuple[str, str]]:
    match = _SURICATA.fullmatch(text)
    if not match:
        return ((CONDITION, ""),)
    if _SURICATA_BELOW.match(text):
        return ()
    return (_name(match[1].lower(), COVERS if "dotprefix;" in text else ALONE),)


def _from_base64(text: str) -> str:
    """The name in a line of a Suricata dataset, or ""."""
    if not _BASE64.fullmatch(text):
        return ""
    try:
        name = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return name if "." in name and name.isprintable() else ""


def _quoted(text: str) -> bool:
    return text[0] in "'\"-" and not text.startswith("-.")


def _name(text: str, role: str) -> tuple[str, str]:
    """The role with the name in normal form, or why it is none. A leading dot covers."""
    for prefix in ("*.", "+.", "."):
        if text.startswith(prefix):
            text, role = text[len(prefix) :], COVERS if role is ALONE else role
            break
    if len(text) > _LONGEST_NAME:
        return NO_NAME, ""
    if "*" in text or "\\" in text:
        return PATTERN, ""
    if address(text.partition("/")[0]) or re.fullmatch(r"[0-9a-f.:]+-[0-9a-f.:]+", text):
        return ADDRESS, ""
    if "/" in text:
        return PATH, ""
    if _LOCAL.fullmatch(text):
        return LOCAL, ""
    try:
        return role, normalise_host(text)
    except ValueError:
        return NO_NAME, ""


def _adblock(text: str, whole: frozenset[str]) -> tuple[str, str]:
    match = _ABP.fullmatch(text)
    role = COVERS if match else ALONE
    if not match and not (match := _ABP_ALONE.fullmatch(text)):
        if "$" in text:
            return CONDITION, ""
        return (PATTERN if "*" in text else PATH), ""
    if not whole.issuperset((match[2] or "").split(",")):
        return CONDITION, ""
    return _name(match[1], role)


def _hosts(target: str, names: list[str]) -> Iterable[tuple[str, str]]:
    if target not in _NULL:
        return ((NO_BLOCK, ""),)
    return [_name(name, ALONE) for name in names if name != "0.0.0.0"]


def _configuration(text: str) -> Iterable[tuple[str, str]]:
    """dnsmasq, Unbound, zone files and Clash rules."""
    if match := _DNSMASQ.fullmatch(text):
        if match[3] not in _NULL:
            return ((NO_BLOCK, ""),)
        return [_name(name, COVERS) for name in match[2].split("/")]
    if match := _DNSMASQ_ALONE.fullmatch(text):
        return (_name(match[1], ALONE) if match[2] in _NULL else (NO_BLOCK, ""),)
    if match := _ZONE.fullmatch(text):
        blocks = match[2] in ("static", "redirect", "refuse", "deny") or match[2].startswith(
            "always_"
        )
        blocks = blocks and match[2] != "always_transparent"
        return (_name(match[1], COVERS) if blocks else (NO_BLOCK, ""),)
    if match := _DATA.fullmatch(text):
        return (_name(match[1], ALONE) if match[2] in _NULL else (NO_BLOCK, ""),)
    if match := _RPZ.fullmatch(text):
        return (_policy(match[1].removesuffix("."), match[2]),)
    if match := _CLASH.fullmatch(
        text.replace("domain", "DOMAIN", 1).replace("-suffix", "-SUFFIX", 1)
    ):
        return (_name(match[2], COVERS if match[1] == "DOMAIN-SUFFIX" else ALONE),)
    if address(text):
        return ((ADDRESS, ""),)
    return ((NO_NAME, ""),)


def _policy(owner: str, target: str) -> tuple[str, str]:
    if owner.endswith((".rpz-ip", ".rpz-client-ip", ".rpz-nsip")):
        return ADDRESS, ""
    if owner.endswith(".rpz-nsdname"):
        return CONDITION, ""
    return _name(owner, ALLOWS if target.startswith("rpz-passthru") else ALONE)


def _json(text: str) -> tuple[str, str]:
    try:
        record = json.loads(text)
        if isinstance(record["domain"], str):
            return _name(record["domain"], ALONE if record.get("scope") == "host" else COVERS)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return NO_NAME, ""


def _is_json_lines(text: str) -> bool:
    return _json(text.lstrip().partition("\n")[0])[0] != NO_NAME


def _read_document(text: str, rest: Iterable[str], names: Names) -> None:
    """sing-box rule sets in source form, Little Snitch rule groups, STIX bundles, MISP events."""
    size, parts = len(text), [text]
    for part in rest:
        size += len(part)
        if size > _LARGEST_DOCUMENT:
            names.dropped[TOO_LARGE] += 1
            return
        parts.append(part)
    names.lines = sum(part.count("\n") for part in parts)
    try:
        document = json.loads("".join(parts))
        rules = document.get("rules", ())
        for item in document.get("objects", ()):
            if item.get("type") == "indicator":
                names.take((_indicator(str(item.get("pattern", ""))),))
        for item in document.get("Event", {}).get("Attribute", ()):
            role = {"domain": COVERS, "hostname": ALONE}.get(item["type"], "")
            value = str(item["value"]).lower()
            names.take((_name(value, role) if role else (_other(value), ""),))
        for group in (document, *rules):
            for key, role in _KEYS.items():
                found = group.get(key, ())
                for name in [found] if isinstance(found, str) else found:
                    names.take((_name(str(name).lower().removeprefix("."), role),))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        names.dropped[NO_DOCUMENT] += 1


def _indicator(pattern: str) -> tuple[str, str]:
    if match := _STIX.fullmatch(pattern):
        return _name(match[1].lower(), COVERS if match[2] else ALONE)
    return (PATH if "url:value" in pattern else ADDRESS if "addr:" in pattern else CONDITION), ""


def _other(value: str) -> str:
    """Why an attribute of another type than a name is none."""
    return PATH if "/" in value else ADDRESS if address(value) else NO_NAME


_KEYS = {
    "domain": ALONE,
    "domain_suffix": COVERS,
    "denied-remote-domains": COVERS,
    "denied-remote-hosts": ALONE,
}
