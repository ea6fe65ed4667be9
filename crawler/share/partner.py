"""What a partner shares: a STIX 2.1 bundle, a MISP event or the folder of a MISP feed.

A partner's finding is a hint with a source and a weight. It invites a look of our own and never
lists anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.model import Category
from crawler.names import normalise_host
from crawler.share.misp import CATEGORY_TAG

MAX_BYTES = 256_000_000
MAX_FINDINGS = 1_000_000
_VALUE = re.compile(r"(?:domain-name|url|ipv[46]-addr):value\s*=\s*'((?:[^'\\]|\\.){1,2000})'")
_TAG = re.compile(rf'{CATEGORY_TAG}="([a-z_]+)"')
_SURE = re.compile(r"\bp = ([01]\.\d{1,6})\b")
_MISP_TYPES = frozenset({"domain", "hostname", "url", "domain|ip"})
_CATEGORIES = frozenset(category.value for category in Category if category.is_scam)


class PartnerError(Exception):
    """The file cannot be used; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class PartnerFinding:
    """A host that a partner holds for a scam. `author` is the UUID of who said so first."""

    host: str
    category: str
    probability: float
    operation: str
    first_seen: str
    reference: str
    author: str


def read(path: Path) -> tuple[list[PartnerFinding], list[str]]:
    """The findings in `path`, one a host and author, and a line for each thing left out.

    Raises PartnerError when nothing in it can be read.
    """
    if path.is_dir():
        files = sorted(item for item in path.glob("*.json") if item.name != "manifest.json")
        if not files:
            raise PartnerError(f"{path}: holds no event of a MISP feed; name the folder with them")
    else:
        files = [path]
    found: dict[tuple[str, str], PartnerFinding] = {}
    problems: list[str] = []
    for file in files:
        for item in _findings(_document(file), file, problems):
            found.setdefault((item.host, item.author), item)
            if len(found) >= MAX_FINDINGS:
                problems.append(f"{file}: more than {MAX_FINDINGS:,} findings; split it")
                return list(found.values()), problems
    return list(found.values()), problems


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PartnerError(f"{path}: larger than {MAX_BYTES:,} bytes; split it")
        found = json.loads(path.read_text("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise PartnerError(
            f"{path}:{error.lineno}: no JSON from here on ({error.msg}); ask for it again"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise PartnerError(f"{path}: cannot be read: {error}; ask for it again") from error
    if not isinstance(found, Mapping):
        raise PartnerError(f"{path}:1: neither a STIX 2.1 bundle nor a MISP event")
    return found


def _findings(
    document: Mapping[str, Any], path: Path, problems: list[str]
) -> Iterator[PartnerFinding]:
    if document.get("type") == "bundle" and isinstance(document.get("objects"), list):
        raw = _from_stix([item for item in document["objects"] if isinstance(item, Mapping)])
    elif isinstance(event := document.get("Event"), Mapping):
        raw = _from_misp(event)
    else:
        raise PartnerError(f"{path}:1: neither a STIX 2.1 bundle nor a MISP event; export it anew")
    for value, category, probability, operation, first_seen, reference, author in raw:
        bare = re.split(r"[/?#\s]", value.partition("://")[2] or value)[0]
        try:
            host = normalise_host(bare.rpartition("@")[2].partition(":")[0])
        except ValueError as error:
            if len(problems) < 20:
                problems.append(f"{path}: {reference}: {error}; left out")
            continue
        yield PartnerFinding(
            host,
            category if category in _CATEGORIES else "other_scam",
            min(1.0, max(0.0, probability)),
            operation[:200],
            first_seen[:40],
            reference[:200],
            author,
        )


_Raw = tuple[str, str, float, str, str, str, str]


def _from_stix(objects: list[Mapping[str, Any]]) -> Iterator[_Raw]:
    """Indicators that were not revoked; the intrusion set that they indicate is the operation."""
    names = {_text(item, "id"): _text(item, "name") for item in objects}
    groups = {
        _text(item, "source_ref"): names.get(_text(item, "target_ref"), "")
        for item in objects
        if item.get("type") == "relationship" and item.get("relationship_type") == "indicates"
    }
    for item in objects:
        if item.get("type") != "indicator" or item.get("revoked") is True:
            continue
        labels = item.get("labels")
        known = [text for text in labels if text in _CATEGORIES] if isinstance(labels, list) else []
        sure = item.get("confidence")
        for value in _VALUE.findall(_text(item, "pattern"))[:50]:
            yield (
                re.sub(r"\\(.)", r"\1", value),
                known[0] if known else "",
                sure / 100 if type(sure) is int else 0.5,
                groups.get(_text(item, "id"), ""),
                _text(item, "valid_from"),
                _text(item, "id"),
                _text(item, "created_by_ref").removeprefix("identity--"),
            )


def _from_misp(event: Mapping[str, Any]) -> Iterator[_Raw]:
    """Names in attributes that are meant for detection."""
    tags = event.get("Tag")
    text = json.dumps(tags) if isinstance(tags, list) else ""
    category = _TAG.search(text.replace('\\"', '"'))
    author = event.get("Orgc")
    holders: list[Any] = [event]
    if isinstance(objects := event.get("Object"), list):
        holders += objects
    for holder in holders:
        if not isinstance(holder, Mapping) or not isinstance(holder.get("Attribute"), list):
            continue
        told = _SURE.search(_text(holder, "comment"))
        kind = _text(holder, "comment").partition(" ")[0]
        for item in holder["Attribute"]:
            if not isinstance(item, Mapping) or item.get("to_ids") is not True:
                continue
            if _text(item, "type") in _MISP_TYPES and item.get("deleted") is not True:
                yield (
                    _text(item, "value").partition("|")[0],
                    kind if kind in _CATEGORIES else category.group(1) if category else "",
                    float(told.group(1)) if told else 0.5,
                    _text(event, "info").partition(":")[0],
                    _text(event, "date"),
                    _text(item, "uuid"),
                    _text(author, "uuid") if isinstance(author, Mapping) else "",
                )


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value[:20_000] if isinstance(value, str) else ""
