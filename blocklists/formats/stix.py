"""STIX 2.1: an indicator an entry, in a bundle and in the envelope of a TAXII 2.1 collection."""

import json
import re
from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from blocklists.registry import EVERYTHING, Entry, Header, format, scope

# The namespace of our identifiers: an entry keeps its own from release to release.
_NAMESPACE = UUID("6f0fd3b3-3d2f-5a0c-9b0a-2f4f1b8a7c11")
# TLP:CLEAR of STIX 2.1 §7.2.1.4 (there by its name of 2021, TLP:WHITE).
_CLEAR = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"

_PATTERN = re.compile(
    r"\[(?:domain-name|url|ipv[46]-addr):value = '((?:[^'\\]|\\.)*)'( OR domain-name:value .*)?\]"
)


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    document = json.loads("\n".join(lines))
    for item in document.get("objects", ()):
        if item["type"] == "indicator":
            match = _PATTERN.fullmatch(item["pattern"])
            if not match:
                raise ValueError(f"{item['id']} has a pattern that is none of ours")
            yield re.sub(r"\\(.)", r"\1", match[1]), not match[2]


def _pattern(entry: Entry) -> str:
    """STIX 2.1 §9. In LIKE an underscore is any character, so names with one take MATCHES."""
    name = re.sub(r"(['\\])", r"\\\1", entry.domain)
    kind = scope(entry.domain, entry.exact)
    if kind == "domain":
        below = f"MATCHES '[.]{name.replace('.', '[.]')}$'" if "_" in name else f"LIKE '%.{name}'"
        return f"[domain-name:value = '{name}' OR domain-name:value {below}]"
    if kind == "address":
        kind = "ipv6-addr" if ":" in name else "ipv4-addr"
    return f"[{'domain-name' if kind == 'host' else kind}:value = '{name}']"


def _objects(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """The publisher, then the indicators, a JSON object a line."""
    said = header.fields()
    publisher = f"identity--{uuid5(_NAMESPACE, header.title)}"
    moment = f"{header.published_at:%Y-%m-%dT%H:%M:%S.000Z}"
    yield json.dumps(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": publisher,
            "created": "2026-01-01T00:00:00.000Z",
            "modified": moment,
            "name": said["Title"],
            "identity_class": "organization",
            "description": " · ".join(f"{name}: {text}" for name, text in said.items()),
            **({"contact_information": said["Appeal"]} if "Appeal" in said else {}),
        }
    )
    for entry in entries:
        since = f"{entry.since:%Y-%m-%dT%H:%M:%S.000Z}"
        key = f"{entry.list}/{entry.tier}/{entry.exact}/{entry.domain}"
        yield json.dumps(
            {
                "type": "indicator",
                "spec_version": "2.1",
                "id": f"indicator--{uuid5(_NAMESPACE, key)}",
                "created_by_ref": publisher,
                "created": since,
                "modified": since,
                "name": entry.domain,
                "description": entry.reason,
                "indicator_types": ["malicious-activity"],
                "pattern": _pattern(entry),
                "pattern_type": "stix",
                "valid_from": since,
                "labels": [entry.list, entry.tier],
                "object_marking_refs": [_CLEAR],
            },
            ensure_ascii=False,
        )


def _document(opening: str, objects: Iterator[str], closing: str) -> Iterator[str]:
    yield f"{opening}["
    yield next(objects)
    yield from (f",{line}" for line in objects)
    yield f"]{closing}"


@format(
    "stix",
    extension="stix.json",
    stem="bundle",
    media_type="application/stix+json;version=2.1",
    consumers="STIX 2.1: OpenCTI, SIEMs",
    subscribe="curl -fsSO {url}",
    reads=parse,
    holds=EVERYTHING,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """A bundle (STIX 2.1 §8). The header is the description of the publisher's identity."""
    name = f"{header.title}/{header.serial}"
    opening = f'{{"type":"bundle","id":"bundle--{uuid5(_NAMESPACE, name)}","objects":'
    yield from _document(opening, _objects(entries, header), "}")


@format(
    "taxii",
    extension="taxii.json",
    stem="envelope",
    media_type="application/taxii+json;version=2.1",
    consumers="TAXII 2.1 collections (the answer to objects/)",
    subscribe="curl -fsSO {url}",
    reads=parse,
    holds=EVERYTHING,
)
def render_envelope(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """The same objects in one envelope (TAXII 2.1 §3.7), so that a plain server can answer with
    the file.
    """
    yield from _document('{"more":false,"objects":', _objects(entries, header), "}")
