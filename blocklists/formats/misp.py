"""MISP: an event a list, in the feed that `misp/` is."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from blocklists.registry import EVERYTHING, Entry, Header, format, scope

_NAMESPACE = UUID("0b6a6d0e-6a53-5d7f-8c55-0a1f6a2f7e3d")
_KINDS = {"domain": "domain", "host": "hostname", "url": "url"}
_ORGANISATION = {"name": "scamtrail", "uuid": str(uuid5(_NAMESPACE, "organisation"))}
FOLDER = "misp"


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for item in json.loads("\n".join(lines))["Event"]["Attribute"]:
        yield item["value"], item["type"] != "domain"


def event_id(title: str) -> str:
    """The UUID of the event of the list with this title: the same in every release."""
    return str(uuid5(_NAMESPACE, title))


def about(header: Header) -> dict[str, object]:
    """What an event says of itself; in the feed's manifest it stands without its attributes."""
    date = f"{header.published_at:%Y-%m-%d}"
    return {
        "info": header.fields()["Title"],
        "date": date,
        "timestamp": str(int(header.published_at.timestamp())),
        "analysis": "2",  # completed
        "threat_level_id": "2",  # medium
        "Orgc": _ORGANISATION,
        "Tag": [{"name": "tlp:clear", "colour": "#ffffff"}],
    }


@format(
    "misp",
    extension="misp.json",
    stem="event",
    media_type="application/json",
    consumers="MISP",
    subscribe="Sync Actions → Feeds → Add Feed → MISP Feed, URL: the folder misp/ of this site",
    reads=parse,
    holds=EVERYTHING,
    place=lambda title: f"{FOLDER}/{event_id(title)}.json",
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """`domain` is a name and all below it, `hostname` itself only. (MISP core format)"""
    said = " · ".join(f"{name}: {text}" for name, text in header.fields().items())
    report = {"uuid": event_id(f"{header.title}/report"), "name": "About", "content": said}
    event = {
        "uuid": event_id(header.title),
        **about(header),
        "published": True,
        "publish_timestamp": str(int(header.published_at.timestamp())),
        "EventReport": [report],
    }
    yield '{"Event":{'
    for name, value in event.items():
        yield f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)},"
    yield '"Attribute":['
    between = ""
    for entry in entries:
        kind = scope(entry.domain, entry.exact)
        key = f"{header.title}/{kind}/{entry.domain}"
        attribute = {
            "uuid": str(uuid5(_NAMESPACE, key)),
            "type": _KINDS.get(kind, "ip-dst"),
            "category": "Network activity",
            "value": entry.domain,
            "to_ids": True,
            "comment": " ".join(entry.reason.split()),
            "timestamp": str(int(entry.since.timestamp())),
        }
        yield between + json.dumps(attribute, ensure_ascii=False)
        between = ","
    yield "]}}"


def feed(headers: Iterable[Header]) -> str:
    """`manifest.json` of the feed: the events by UUID."""
    return json.dumps(
        {event_id(header.title): about(header) for header in headers}, indent=1, ensure_ascii=False
    )


def hashes(entries: Iterable[tuple[str, Header]]) -> Iterator[str]:
    """`hashes.csv` of the feed: with it a MISP knows which of its own values stand in it."""
    for name, header in entries:
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        yield f"{digest},{event_id(header.title)}"
