"""JSON in any shape, JSON lines, STIX 2.1 bundles and MISP events."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crawler.reports.registry import Content, Passage, ReportError, Source, reader

MAX_PASSAGES = 1_000_000
MAX_DEPTH = 60
MAX_PROBLEMS = 20
_OPENING = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
# Keys whose values are addresses, and keys whose addresses belong to the publisher.
_ADDRESS_KEY = re.compile(
    r"domain|host|fqdn|ur[li]s?\b|url|web_?site|\bsites?\b|web_?address|\bioc|indicator|\bvalue\b"
    r"|網址|网址|域名|网站|網站|เว็บ",
    re.I,
)
_PUBLISHER_KEY = re.compile(
    r"(?:\$?schema|@context|self|next|prev|first|last|href|logo|icon|image|avatar|licen[cs]e"
    r"|source(?:_?url)?|references?|external_references|publisher|reported_?by|homepage)s?\Z",
    re.I,
)
_STIX_ADDRESS = re.compile(
    r"(?:domain-name|url|ipv[46]-addr):value\s*(?:=|IN)\s*\(?\s*'((?:[^'\\]|\\.){1,2000})'"
)
_MISP_ADDRESS = frozenset({"domain", "hostname", "url", "uri", "domain|ip", "hostname|port"})
_MISP_TEXT = frozenset({"text", "comment", "other"})


def _opens(source: Source) -> bool:
    return bool(_OPENING.match(source.text[:2_000]))


def _has(source: Source, *patterns: str) -> bool:
    head = source.text[:20_000]
    return _opens(source) and all(re.search(pattern, head) for pattern in patterns)


def _is_lines(source: Source) -> bool:
    head = source.text[:200_000].lstrip().splitlines()[:2]
    return len(head) == 2 and all(
        line.startswith("{") and line.rstrip().endswith("}") for line in head
    )


@reader("json", sniff=lambda source: 0.9 if _opens(source) else 0.0)
def read_json(source: Source) -> Content:
    """Every string in it: those under a key that means an address are entries of a list."""
    return _from_values(source, [(1, _parsed(source))], ())


@reader("jsonl", sniff=lambda source: 0.92 if _opens(source) and _is_lines(source) else 0.0)
def read_jsonl(source: Source) -> Content:
    """A JSON value a line; broken lines are left out with a problem."""
    values: list[tuple[int, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(source.text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values.append((number, json.loads(line)))
        except (ValueError, RecursionError):
            if len(problems) < MAX_PROBLEMS:
                problems.append(f"line {number}: no JSON; the line was left out")
    return _from_values(source, values, problems)


@reader(
    "stix",
    sniff=lambda source: (
        0.98 if _has(source, r'"type"\s*:\s*"bundle"', r'"id"\s*:\s*"bundle--') else 0.0
    ),
)
def read_stix(source: Source) -> Content:
    """The indicators and observables of a STIX 2.1 bundle, and the words of its reports."""
    document = _parsed(source)
    objects = document.get("objects") if isinstance(document, Mapping) else None
    found = objects if isinstance(objects, list) else []
    passages: list[Passage] = []
    title, body, published = "", [], None
    for item in found[:MAX_PASSAGES]:
        if not isinstance(item, Mapping):
            continue
        kind = _text(item, "type")
        about = f"{_text(item, 'name')} {_text(item, 'description')}".strip()
        if item.get("revoked") is True or "benign" in str(item.get("indicator_types", "")):
            continue
        if kind == "indicator":
            pattern = _text(item, "pattern").replace("\\\\", "\\")
            for value in _STIX_ADDRESS.findall(pattern):
                passages.append(Passage(value, listed=True, about=about))
        elif kind in ("domain-name", "url"):
            passages.append(Passage(_text(item, "value"), listed=True))
        elif kind in ("report", "note", "opinion", "campaign", "incident"):
            words = about or _text(item, "content") or _text(item, "abstract")
            body.append(words)
            passages.append(Passage(words))
            if kind == "report" and not title:
                title, published = _text(item, "name"), _moment(_text(item, "published"))
        if about and kind == "indicator":
            body.append(about)
    return Content(
        title=title or "STIX bundle",
        body="\n".join(body) or "STIX bundle",
        passages=tuple(passages),
        published=published,
    )


@reader(
    "misp",
    sniff=lambda source: 0.97 if _has(source, r'"Event"\s*:\s*\{', r'"(?:info|uuid)"') else 0.0,
)
def read_misp(source: Source) -> Content:
    """The attributes of MISP events (the core format). Links, deleted ones and IPs are no entries.

    An attribute that is not meant for detection (`to_ids` false) only invites a look.
    """
    passages: list[Passage] = []
    titles: list[str] = []
    published = None
    for event in _events(_parsed(source)):
        titles.append(_text(event, "info"))
        published = published or _moment(_text(event, "date"))
        for item in _attributes(event):
            kind, value = _text(item, "type"), _text(item, "value")
            if item.get("deleted") is True:
                continue
            if kind in _MISP_ADDRESS:
                value = value.replace("|", ":") if kind == "hostname|port" else value.split("|")[0]
                listed = item.get("to_ids") is not False
                passages.append(Passage(value, listed=listed, about=_text(item, "comment")))
            elif kind in _MISP_TEXT:
                passages.append(Passage(value))
    body = "\n".join(titles + [passage.text for passage in passages[:5_000]])
    return Content(
        title=titles[0] if titles else "MISP event",
        body=body or "MISP event",
        passages=tuple(passages),
        published=published,
    )


def _parsed(source: Source) -> Any:
    """The document. Raises ReportError with the line where it breaks."""
    try:
        return json.loads(source.text)
    except json.JSONDecodeError as error:
        raise ReportError(
            f"{source.name}:{error.lineno}: no JSON from here on ({error.msg}); mend it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{source.name}: JSON that is nested or sized beyond reading; flatten it"
        ) from error


def _from_values(source: Source, values: list[tuple[int, Any]], problems: Sequence[str]) -> Content:
    passages: list[Passage] = []
    body: list[str] = []
    size = 0
    wanted = (source.column or "").casefold()
    for line, value in values:
        for key, text in _strings(value, "", 0):
            if size < 200_000:
                body.append(f"{key}: {text}" if key else text)
                size += len(text)
            if wanted and key.casefold() != wanted:
                continue
            listed = bool(wanted) or not key or bool(_ADDRESS_KEY.search(key))
            passages.append(Passage(text[:20_000], line, listed))
            if len(passages) >= MAX_PASSAGES:
                problems = [*problems, f"more than {MAX_PASSAGES:,} values; split it"]
                break
        if len(passages) >= MAX_PASSAGES:
            break
    if wanted and not passages:
        raise ReportError(f"{source.name}:1: no key {source.column!r} with text; name another")
    title = next((t for k, t in _strings_of(values) if k.lower() in ("title", "name")), "")
    return Content(
        title=title, body="\n".join(body) or "JSON", passages=tuple(passages),
        problems=tuple(problems),
    )  # fmt: skip


def _strings_of(values: list[tuple[int, Any]]) -> Iterator[tuple[str, str]]:
    for _, value in values[:3]:
        if isinstance(value, Mapping):
            yield from ((str(k), v) for k, v in value.items() if isinstance(v, str))


def _strings(value: Any, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """(key, text) of every string; items of a list stand under the list's key.

    In an object whose keys are addresses themselves, the keys count.
    """
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        if value.strip():
            yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if _PUBLISHER_KEY.match(name):
                continue
            if "." in name and " " not in name:
                yield "", name
            yield from _strings(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key, depth + 1)


def _events(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, Mapping) and "response" in document:
        document = document["response"]
    for item in document if isinstance(document, list) else [document]:
        if isinstance(item, Mapping) and isinstance(event := item.get("Event", item), Mapping):
            yield event


def _attributes(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    objects = event.get("Object")
    holders = [event, *(objects if isinstance(objects, list) else ())]
    for holder in holders:
        if isinstance(holder, Mapping) and isinstance(items := holder.get("Attribute"), list):
            yield from (item for item in items if isinstance(item, Mapping))


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value[:20_000] if isinstance(value, str) else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
