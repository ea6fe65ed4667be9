"""Findings across borders: what we share as STIX 2.1 and MISP, and what partners share with us."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from crawler import behind
from crawler.store import Store
from crawler.store import queries as q

# Makes the id of a publisher from its public key; everything else is derived from that id.
_NAMESPACE = UUID("b6a1c3de-5d54-5c0b-8a53-6d3b6f0c8e21")
NO_OPERATION = "sites without an operation"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who shares. Its `id` follows from the key that signs its lists, so it is the same always."""

    name: str
    contact: str
    id: UUID

    @classmethod
    def of(cls, name: str, contact: str, public_key: str) -> "Publisher":
        return cls(name, contact, uuid5(_NAMESPACE, public_key))

    def uuid(self, *what: str) -> str:
        """The same id for the same thing in every export."""
        return str(uuid5(self.id, "/".join(what)))


@dataclass(frozen=True, slots=True)
class SharedSite:
    """A site judged a scam; times are UTC ISO 8601 with seconds, `url` is its guiltiest page."""

    host: str
    registered_domain: str
    category: str
    kind: str
    probability: float
    first_seen: str
    last_seen: str
    url: str
    pages: int
    ips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedOperation:
    """An operation with its sites; the one without an id holds the sites that belong to none."""

    id: str
    summary: str
    confidence: float
    sites: tuple[SharedSite, ...]
    wallets: tuple[tuple[str, str], ...] = ()

    @property
    def first_seen(self) -> str:
        return min(site.first_seen for site in self.sites)

    @property
    def last_seen(self) -> str:
        return max(site.last_seen for site in self.sites)


def findings(store: Store, now: datetime, identity: str = "") -> list[SharedOperation]:
    """What may be shared: sites judged scams, but hacked ones and those that a person allowed."""
    allowed = {row["domain"] for row in q.active_overrides(store, now) if row["action"] == "allow"}
    rows = [
        row
        for row in q.rows(
            store,
            "SELECT s.host, s.registered_domain, s.category, s.kind, s.probability,"
            " s.first_seen, coalesce(s.last_seen, s.first_seen) AS last_seen,"
            " coalesce(s.operation_id, '') AS operation FROM sites s"
            " WHERE s.category NOT IN ('', 'benign', 'unknown') AND s.kind != 'hacked'"
            " AND (?1 = '' OR s.operation_id = ?1) ORDER BY s.host",
            (identity,),
        )
        if row["host"] not in allowed and row["registered_domain"] not in allowed
    ]
    hosts = {row["host"]: row for row in rows}
    ips: defaultdict[str, list[str]] = defaultdict(list)
    for host, row in behind.hosting_of(store, hosts):
        ips[host].append(row["ip"])
    pages = {
        row["host"]: row
        for row in q.rows(
            store,
            "SELECT host, url, count(*) OVER (PARTITION BY host) AS pages FROM pages"
            " WHERE category NOT IN ('', 'benign', 'unknown')"
            " ORDER BY probability, url DESC",
        )
    }
    grouped: defaultdict[str, list[SharedSite]] = defaultdict(list)
    for row in rows:
        page = pages.get(row["host"])
        grouped[row["operation"]].append(
            SharedSite(
                host=row["host"],
                registered_domain=row["registered_domain"],
                category=row["category"],
                kind=row["kind"],
                probability=row["probability"],
                first_seen=row["first_seen"],
                last_seen=row["last_seen"],
                url=page["url"] if page else "",
                pages=page["pages"] if page else 1,
                ips=tuple(ips[row["host"]]),
            )
        )
    known: dict[str, Any] = {
        row["id"]: row for row in q.rows(store, "SELECT * FROM operations WHERE size > 0")
    }
    return [
        SharedOperation(
            identity,
            known[identity]["summary"] if identity in known else NO_OPERATION,
            known[identity]["confidence"] if identity in known else 0.0,
            tuple(sites),
            _wallets(store, identity) if identity else (),
        )
        for identity, sites in sorted(grouped.items())
    ]


def _wallets(store: Store, identity: str) -> tuple[tuple[str, str], ...]:
    """(coin, address) of the wallets that the sites of an operation show."""
    return tuple(
        (row["kind"].removeprefix("wallet_"), row["value"])
        for row in q.rows(
            store,
            "SELECT DISTINCT i.kind, i.value FROM site_identifiers si JOIN identifiers i"
            " ON i.id = si.identifier_id JOIN sites s ON s.host = si.host"
            " WHERE s.operation_id = ? AND i.kind LIKE 'wallet_%' ORDER BY 1, 2",
            (identity,),
        )
    )
