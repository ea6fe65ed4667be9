"""STIX 2.1: sites as observables with indicators and sightings, operations as intrusion sets."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID, uuid5

from crawler.names import address
from crawler.share import Publisher, SharedOperation, SharedSite

# STIX 2.1 §2.9: the namespace of observables' ids, which follow from their values alone.
_OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
# STIX 2.1 §7.2.1.4; TLP:CLEAR stands there by its name of 2021.
MARKINGS = {
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
# Before anything that can have been found.
_SINCE = "2026-01-01T00:00:00.000Z"


def bundle(publisher: Publisher, operations: Iterable[SharedOperation], tlp: str) -> str:
    """The bundle: the same findings give the same bytes."""
    objects: dict[str, dict[str, Any]] = {}
    for item in _objects(publisher, operations, MARKINGS[tlp]):
        objects.setdefault(item["id"], item)
    content = json.dumps(list(objects.values()), ensure_ascii=False, indent=1)
    identity = publisher.uuid("bundle", content)
    return f'{{"type": "bundle", "id": "bundle--{identity}", "objects": {content}}}\n'


def _objects(
    publisher: Publisher, operations: Iterable[SharedOperation], marking: str
) -> Iterator[dict[str, Any]]:
    author = f"identity--{publisher.id}"
    contact = {"contact_information": publisher.contact} if publisher.contact else {}
    yield {
        "type": "identity", "spec_version": "2.1", "id": author, "created": _SINCE,
        "modified": _SINCE, "name": publisher.name, "identity_class": "organization", **contact,
    }  # fmt: skip

    def made(kind: str, key: str, created: str, modified: str, **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{publisher.uuid(kind, key)}",
            "created_by_ref": author,
            "created": _time(created),
            "modified": _time(modified),
            "object_marking_refs": [marking],
            **more,
        }

    def tie(kind: str, source: str, target: str, site: SharedSite) -> dict[str, Any]:
        return made(
            "relationship",
            f"{source} {kind} {target}",
            site.first_seen,
            site.first_seen,
            relationship_type=kind,
            source_ref=source,
            target_ref=target,
        )

    for operation in operations:
        first, last = operation.first_seen, operation.last_seen
        group = infrastructure = ""
        if operation.id:
            intrusion = made(
                "intrusion-set",
                operation.id,
                first,
                last,
                name=operation.id,
                description=f"{len(operation.sites)} sites: {operation.summary}",
                first_seen=_time(first),
                last_seen=_time(last),
                primary_motivation="personal-gain",
                confidence=round(100 * operation.confidence),
            )
            base = made(
                "infrastructure",
                operation.id,
                first,
                last,
                name=f"sites of {operation.id}",
                infrastructure_types=["unknown"],
                first_seen=_time(first),
                last_seen=_time(last),
            )
            group, infrastructure = intrusion["id"], base["id"]
            yield from (intrusion, base, tie("uses", group, infrastructure, operation.sites[0]))
        for site in operation.sites:
            name = _observable(site.host, marking)
            indicator = made(
                "indicator",
                site.host,
                site.first_seen,
                site.last_seen,
                name=site.host,
                description=f"judged {site.category} ({site.kind}), p = {site.probability:.3f}",
                indicator_types=["malicious-activity"],
                pattern=_pattern(site.host),
                pattern_type="stix",
                valid_from=_time(site.first_seen),
                labels=[site.category, site.kind or "unknown"],
                confidence=round(100 * site.probability),
            )
            yield from (name, indicator)
            yield made(
                "sighting",
                site.host,
                site.first_seen,
                site.last_seen,
                sighting_of_ref=indicator["id"],
                where_sighted_refs=[author],
                first_seen=_time(site.first_seen),
                last_seen=_time(site.last_seen),
                count=max(1, site.pages),
            )
            if site.url:
                yield _sco("url", site.url, marking)
            for ip in site.ips:
                target = _observable(ip, marking)
                yield target
                if name["type"] == "domain-name":
                    yield tie("resolves-to", name["id"], target["id"], site)
            if group:
                yield tie("indicates", indicator["id"], group, site)
                yield tie("consists-of", infrastructure, name["id"], site)


def _sco(kind: str, value: str, marking: str) -> dict[str, Any]:
    key = json.dumps({"value": value}, separators=(",", ":"), ensure_ascii=False)
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid5(_OBSERVABLES, key)}",
        "value": value,
        "object_marking_refs": [marking],
    }


def _observable(host: str, marking: str) -> dict[str, Any]:
    return _sco(_kind(host), host, marking)


def _kind(host: str) -> str:
    if not address(host):
        return "domain-name"
    return "ipv6-addr" if ":" in host else "ipv4-addr"


def _pattern(host: str) -> str:
    """STIX 2.1 §9; a host holds no character that needs an escape."""
    return f"[{_kind(host)}:value = '{host}']"


def _time(text: str) -> str:
    return text.replace("Z", ".000Z")
