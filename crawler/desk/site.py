"""What the pages of a site and of an operation show, read from the findings."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.explain import explain
from crawler.store import Findings
from crawler.store import queries as q

# As much as a page shows; the tables of Datasette have the rest.
SHOWN_EVIDENCE = 24
SHOWN_SIBLINGS = 24
SHOWN_EVENTS = 60
SHOWN_MEMBERS = 200
# What a browser on a laptop still lays out in a second or two.
MAX_NODES = 2_000
SCAMS = "('gambling', 'investment', 'other_scam')"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a site, `kind` being a key of the desk's catalogue."""

    at: str
    kind: str
    detail: str = ""


def site(findings: Findings, host: str) -> dict[str, Any] | None:
    """`explain` with what a page adds: the evidence that counts, a timeline, and siblings."""
    found = explain(findings, host)
    if found is None:
        return None
    own = [item for item in found["evidence"] if item["of_host"]] or found["evidence"]
    own.sort(key=lambda item: -abs(item["weight"]))
    log_odds = sum(item["weight"] for item in own)
    return {
        **found,
        "whois": sorted(found["whois"], key=lambda item: bool(item["failure"])),
        "own": own[:SHOWN_EVIDENCE],
        "more_evidence": max(0, len(own) - SHOWN_EVIDENCE),
        "log_odds": log_odds,
        "sum_probability": 1 / (1 + math.exp(-max(-60.0, min(60.0, log_odds)))),
        "timeline": sorted(timeline(found), key=lambda event: event.at)[-SHOWN_EVENTS:],
        "siblings": siblings(findings, found["site"]),
        "captures": q.rows(
            findings, "SELECT count(*) FROM captures WHERE host = ?", (found["site"].get("host"),)
        )[0][0],
    }


def timeline(found: Mapping[str, Any]) -> Iterator[Event]:
    """Every dated fact of what `explain` gathered."""
    place = found["site"]
    for key in ("first_seen", "last_checked"):
        if place.get(key):
            yield Event(place[key], f"event_{key}")
    for item in found["whois"][:1]:
        for key in ("created", "expires"):
            if item[key]:
                yield Event(item[key], f"event_{key}", item["registrar"] or "")
    for item in found["certificates"]:
        if item["not_before"]:
            yield Event(item["not_before"], "event_certificate", item["issuer"] or "")
    for item in found["dns"]:
        if item["type"] in ("A", "AAAA") and item["value"] and item["first_seen"]:
            yield Event(item["first_seen"], "event_address", item["value"])
    for item in found["listings"]:
        where = f"{item['list']}/{item['tier']}"
        yield Event(item["added_at"], "event_listed", where)
        if item["removed_at"]:
            reason = f"{where}: {item['removal_reason'] or ''}"
            yield Event(item["removed_at"], "event_removed", reason)
    for item in found["overrides"]:
        reason = f"{item['action']}: {item['reason']} ({item['author']})"
        yield Event(item["created_at"], "event_decided", reason)


def siblings(findings: Findings, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Other hosts of the same registered domain, then of the same operation."""
    if not place:
        return []
    rows = q.rows(
        findings,
        "SELECT host, category, kind, probability, status, 'domain' AS tie FROM sites"
        " WHERE registered_domain = ?1 AND host != ?2"
        " UNION ALL SELECT host, category, kind, probability, status, 'operation' FROM sites"
        " WHERE operation_id = ?3 AND host != ?2 AND registered_domain != ?1 LIMIT ?4",
        (place["registered_domain"], place["host"], place["operation_id"], SHOWN_SIBLINGS),
    )
    return [dict(row) for row in rows]


def operation(findings: Findings, identity: str) -> dict[str, Any] | None:
    """An operation with its members, the identifiers that they share and its graph."""
    rows = q.rows(findings, "SELECT * FROM operations WHERE id = ?", (identity,))
    if not rows:
        return None
    members = [
        dict(row)
        for row in q.rows(
            findings,
            "SELECT host, registered_domain, category, kind, status, probability, language, title,"
            " first_seen, last_seen, EXISTS (SELECT 1 FROM listings l WHERE l.removed_at IS NULL"
            " AND l.domain IN (sites.host, sites.registered_domain)) AS listed,"
            " (SELECT reason FROM operation_members m WHERE m.operation_id = ?1"
            " AND m.host = sites.host AND m.until IS NULL) AS reason"
            " FROM sites WHERE operation_id = ?1 ORDER BY probability DESC, host",
            (identity,),
        )
    ]
    edges = [
        tuple(row)
        for row in q.rows(
            findings,
            "SELECT s.host, i.kind, i.value FROM sites s"
            " JOIN site_identifiers si ON si.host = s.host"
            " JOIN identifiers i ON i.id = si.identifier_id"
            " WHERE s.operation_id = ? ORDER BY 2, 3, 1",
            (identity,),
        )
    ]
    stated = {tuple(pair) for pair in json.loads(rows[0]["identifiers"] or "[]")}
    shared = _shared(edges, stated)
    return {
        "operation": dict(rows[0]),
        "members": members,
        "identifiers": [
            {"kind": kind, "value": value, "sites": len(hosts), "tie": ties().get(kind, 0.2),
             "stated": (kind, value) in stated}
            for (kind, value), hosts in shared.items()
        ],
        "graph": graph(members, shared),
        "events": [dict(row) for row in q.rows(
            findings,
            "SELECT at, event, operation_id, other_id, sites FROM operation_events"
            " WHERE operation_id = ?1 OR other_id = ?1 ORDER BY at DESC, id DESC LIMIT 40",
            (identity,),
        )],
        "left": q.rows(
            findings,
            "SELECT count(DISTINCT host) FROM operation_members WHERE operation_id = ?1"
            " AND until IS NOT NULL AND host NOT IN (SELECT host FROM sites WHERE"
            " operation_id = ?1)",
            (identity,),
        )[0][0],
        "languages": sorted({item["language"] for item in members if item["language"]}),
        "hosting": [dict(row) for row in q.rows(
            findings,
            "SELECT i.asn, i.as_name, i.country, count(DISTINCT s.host) AS sites FROM sites s"
            " JOIN dns d ON d.host = s.host JOIN ips i ON i.ip = d.value"
            " WHERE s.operation_id = ? GROUP BY 1, 2, 3 ORDER BY sites DESC LIMIT 12",
            (identity,),
        )],
        "registrars": [dict(row) for row in q.rows(
            findings,
            "SELECT w.registrar, w.abuse_contact, count(DISTINCT w.domain) AS domains,"
            " min(w.created) AS oldest, max(w.created) AS newest FROM (SELECT DISTINCT"
            " registered_domain FROM sites WHERE operation_id = ?) s JOIN whois w"
            " ON w.domain = s.registered_domain WHERE w.failure = '' GROUP BY 1"
            " ORDER BY domains DESC LIMIT 12",
            (identity,),
        )],
    }  # fmt: skip


def _shared(
    edges: Sequence[tuple[Any, ...]], stated: set[tuple[Any, ...]]
) -> dict[tuple[str, str], list[str]]:
    """Identifiers on two members at least, or stated as a tie, the strongest first."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for host, kind, value in edges:
        hosts.setdefault((kind, value), []).append(host)
    kept = {key: found for key, found in hosts.items() if len(found) > 1 or key in stated}
    order = sorted(kept, key=lambda key: (-ties().get(key[0], 0.2), -len(kept[key]), key))
    return {key: kept[key] for key in order}


def graph(
    members: Sequence[Mapping[str, Any]], shared: Mapping[tuple[str, str], Sequence[str]]
) -> dict[str, Any]:
    """Nodes and edges for the browser: sites weighted by probability, identifiers by their tie and
    how many sites they join. Of more than MAX_NODES the strongest stay."""
    identifiers = list(shared)[: MAX_NODES // 4]
    sites = [item["host"] for item in members][: MAX_NODES - len(identifiers)]
    place = {host: number for number, host in enumerate(sites)}
    nodes: list[dict[str, Any]] = [
        {"name": item["host"], "kind": item["category"] or "unknown", "weight": item["probability"]}
        for item in members[: len(sites)]
    ]
    edges = []
    for kind, value in identifiers:
        joined = [place[host] for host in shared[kind, value] if host in place]
        if joined:
            weight = ties().get(kind, 0.2) * math.log2(1 + len(joined))
            edges += [[number, len(nodes)] for number in joined]
            nodes.append({"name": f"{kind}: {value}", "kind": "identifier", "weight": weight})
    return {"nodes": nodes, "edges": edges, "left_out": len(members) - len(sites)}


@cache
def ties() -> dict[str, float]:
    """Kind of identifier → how strongly it ties sites, 0 to 1."""
    text = (files("crawler.operations") / "weights.csv").read_text("utf-8")
    return {row["kind"]: float(row["tie"]) for row in csv.DictReader(text.splitlines())}
