"""What a notice needs, from the findings."""

from collections import defaultdict
from typing import Any

from crawler import behind
from crawler.notices import MAX_EVIDENCE, ROLES, Receiver, Site
from crawler.store import Store
from crawler.store import queries as q


def receivers(store: Store, operation: dict[str, Any]) -> list[Receiver]:
    """The registrars, hosters and CDNs of an operation with their sites, most sites first."""
    hosts = {row["host"]: row for row in operation["members"] if row["kind"] != "hacked"}
    registrations = q.registrations(store)
    addresses: defaultdict[str, list[Any]] = defaultdict(list)
    for host, row in behind.hosting_of(store, hosts):
        addresses[host].append(row)
    sites = {
        host: _site(store, row, registrations.get(row["registered_domain"]), addresses[host])
        for host, row in hosts.items()
    }
    found = []
    for item in behind.facilitators(store, operation["id"]):
        if item.role in ROLES:
            chosen = tuple(sites[host] for host in sorted(item.hosts) if host in sites)
            found.append(Receiver(item.role, item.name, item.reference, item.contact, chosen))
    return [item for item in found if item.sites]


def _site(store: Store, row: Any, registration: Any, addresses: list[Any]) -> Site:
    evidence = q.rows(
        store,
        "SELECT signal, value, snippet FROM evidence WHERE host = ? AND weight > 0"
        " GROUP BY signal ORDER BY max(weight) DESC, signal LIMIT ?",
        (row["host"], MAX_EVIDENCE),
    )
    capture = next(
        iter(
            q.rows(
                store,
                "SELECT fetched_at, payload_sha256 FROM captures WHERE host = ? ORDER BY seq DESC"
                " LIMIT 1",
                (row["host"],),
            )
        ),
        None,
    )
    address = addresses[0] if addresses else None
    return Site(
        host=row["host"],
        reason=row["reason"] or "",
        evidence=tuple((item["signal"], item["snippet"] or item["value"]) for item in evidence),
        captured_at=capture["fetched_at"] if capture else "",
        sha256=capture["payload_sha256"] if capture else "",
        created=registration["created"] or "" if registration else "",
        registrar=registration["registrar"] or "" if registration else "",
        ip=address["ip"] if address else "",
        network=f"AS{address['asn']} {address['as_name']}" if address else "",
    )
