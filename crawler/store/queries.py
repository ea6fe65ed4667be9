"""Reads of findings.db, each returning plain rows or frozen dataclasses."""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crawler.model import Candidate, Category, Evidence, Identifier, Operation, Page, Verdict
from crawler.names import registered_domain
from crawler.store.writer import PASSING, Findings, QueueEntry, Store, iso


@dataclass(frozen=True, slots=True)
class Queued:
    """A URL that waits in the frontier."""

    url: str
    profile: str
    host: str
    registered_domain: str
    via: str
    priority: float
    depth: int
    hops: int
    tries: int = 0
    kind: str = ""
    network: str = ""


def best_queued(
    store: Store, purpose: str, busy: Collection[str], limit: int, floor: float, now: datetime
) -> list[Queued]:
    """The best URLs that wait for `purpose` and are due, whose host is not in `busy`, best first.

    What failed before comes after what was never tried.
    """
    rows = store.connection.execute(
        "SELECT url, profile, host, registered_domain, via, priority, depth, hops, tries,"
        " kind, network"
        " FROM frontier WHERE state = 'queued' AND purpose = ?1 AND priority >= ?2"
        " AND host NOT IN (SELECT value FROM json_each(?3))"
        f" AND (not_before IS NULL OR not_before <= ?5){store.share}"
        " ORDER BY tries, worth DESC, url LIMIT ?4",
        (purpose, floor, json.dumps(sorted(busy)), limit, iso(now)),
    )
    return [Queued(*row) for row in rows]


def queue_size(store: Store) -> int:
    return count(store, "frontier", "state = 'queued'")


def count(store: Store, table: str, where: str = "1") -> int:
    """Rows of a table; both arguments are written in the program, never taken from input."""
    row = store.connection.execute(f"SELECT count(*) FROM {table} WHERE {where}")
    return int(row.fetchone()[0])


def page_counts(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    """URLs fetched so far per host and per registered domain."""
    hosts: dict[str, int] = {}
    domains: dict[str, int] = {}
    for host, domain, count in store.connection.execute(
        "SELECT s.host, s.registered_domain, count(DISTINCT p.url) FROM pages p"
        " JOIN sites s ON s.host = p.host GROUP BY s.host"
    ):
        hosts[host] = count
        domains[domain] = domains.get(domain, 0) + count
    return hosts, domains


def guilty_domains(store: Store) -> set[str]:
    """Registered domains of which a page was judged a scam."""
    rows = store.connection.execute(
        "SELECT DISTINCT s.registered_domain FROM pages p JOIN sites s ON s.host = p.host"
        " WHERE p.category NOT IN ('benign', 'unknown')"
    )
    return {row[0] for row in rows}


def harvest(store: Store) -> dict[str, tuple[int, int]]:
    """Kind of link → how often one was fetched, and found a new scam host."""
    rows = store.connection.execute("SELECT kind, fetched, found FROM harvest")
    return {kind: (fetched, found) for kind, fetched, found in rows}


def network_sizes(store: Store) -> dict[str, int]:
    """Network → how many URLs of it were ever queued; of the small ones nothing is held back."""
    rows = store.connection.execute(
        "SELECT network, count(*) FROM frontier WHERE network != '' GROUP BY network"
        " HAVING count(*) >= 5"
    )
    return dict(rows.fetchall())


def accused_hosts(store: Store) -> set[str]:
    """Hosts that a report accuses."""
    rows = store.connection.execute("SELECT DISTINCT host FROM mentions WHERE role = 'accused'")
    return {row[0] for row in rows}


# How long, and how many times more rarely, a site is visited that left the lists.
RETURN_DAYS = 180
RETURN_SLOWER = 4


def due_for_recheck(store: Store, now: datetime, hours: float) -> list[QueueEntry]:
    """The guilty pages, at most three a host, of listed hosts not checked for `hours`.

    A host that left the lists not longer ago than `RETURN_DAYS` is asked more rarely, since sites
    come back. Of a host that is listed for where it leads, any pages. A check in the clock's
    future counts for nothing.
    """
    before = iso(now - timedelta(hours=hours))
    rows = store.connection.execute(
        "SELECT * FROM (SELECT *, max(guilty) OVER (PARTITION BY host) AS one_is_guilty,"
        " row_number() OVER (PARTITION BY host ORDER BY guilty DESC, probability DESC, url)"
        " AS rank FROM (SELECT p.url, p.profile, p.host, s.registered_domain, p.via, p.depth,"
        " max(p.probability) AS probability,"
        " max(coalesce(p.category NOT IN ('benign', 'unknown'), 0)) AS guilty"
        " FROM pages p JOIN sites s ON s.host = p.host"
        " WHERE (s.last_checked < ?1 OR s.last_checked > ?2)"
        " AND EXISTS (SELECT 1 FROM listings l WHERE (l.removed_at IS NULL"
        " OR (l.removed_at > ?3 AND (s.last_checked < ?4 OR s.last_checked > ?2)))"
        " AND l.domain IN (s.host, s.registered_domain, p.url))"
        " GROUP BY p.url, p.profile)) WHERE rank <= 3 AND (guilty OR NOT one_is_guilty)",
        (
            before,
            iso(now),
            iso(now - timedelta(days=RETURN_DAYS)),
            iso(now - timedelta(hours=hours * RETURN_SLOWER)),
        ),
    )
    return [
        QueueEntry(
            Candidate(
                row["url"],
                row["host"],
                row["registered_domain"],
                row["via"],
                "recheck",
                0.5,
                row["depth"],
            ),
            profile,
            purpose="recheck",
        )
        for row in rows
        # Whether the site is there a plain fetch says, also where the browser fails.
        for profile in dict.fromkeys((row["profile"], "crawler"))
        if profile == row["profile"] or row["profile"] == "browser"
    ]


def captured_since(store: Store, page: Page, since: datetime) -> bool:
    """Whether the evidence holds the same answer, to the same profile, since that time."""
    found = store.connection.execute(
        "SELECT 1 FROM captures WHERE url = ? AND profile = ? AND status = ?"
        " AND payload_sha256 = ? AND fetched_at >= ? LIMIT 1",
        (page.url, page.profile, page.status, hashlib.sha256(page.body).hexdigest(), iso(since)),
    )
    return found.fetchone() is not None


# Of a domain under appeal, at most so many hosts and pages of each are visited again.
APPEAL_HOSTS = 20
APPEAL_PAGES = 12


def for_appeal(store: Store, domain: str, profiles: Collection[str]) -> list[QueueEntry]:
    """Every known page of `domain`, its registered domain and what is below it, and the front
    page, each as every one of `profiles` would see it."""
    parent = registered_domain(domain) or domain
    rows = store.connection.execute(
        "SELECT url, host, registered_domain, via, depth FROM (SELECT p.url, p.host,"
        " s.registered_domain, p.via, p.depth,"
        " row_number() OVER (PARTITION BY p.host ORDER BY max(p.probability) DESC, p.url) AS page,"
        " dense_rank() OVER (ORDER BY s.probability DESC, s.host) AS site"
        " FROM pages p JOIN sites s ON s.host = p.host"
        " WHERE s.host IN (?1, ?2) OR substr(s.host, -length(?1) - 1) = '.' || ?1"
        " GROUP BY p.url) WHERE page <= ?3 AND site <= ?4",
        (domain, parent, APPEAL_PAGES, APPEAL_HOSTS),
    )
    pages = {row["url"]: tuple(row) for row in rows}
    if not any(host == domain for _, host, *_ in pages.values()):
        front = f"http://{domain}/"
        pages[front] = (front, domain, parent, "appeal", 0)
    return [
        QueueEntry(
            Candidate(url, host, owner, via, "appeal", 1.0, depth), profile, purpose="appeal"
        )
        for url, host, owner, via, depth in pages.values()
        for profile in profiles
    ]


def open_appeals(store: Store) -> list[sqlite3.Row]:
    """The cases that nobody has decided, the oldest first."""
    return store.connection.execute(
        "SELECT * FROM appeals WHERE closed_at IS NULL ORDER BY id"
    ).fetchall()


@dataclass(frozen=True, slots=True)
class PageRow:
    """The latest look at one URL under one profile."""

    id: int
    host: str
    url: str
    profile: str
    status: int
    failure: str
    location: str
    title: str
    language: str
    text: str
    verdict: Verdict | None


def latest_pages(store: Store) -> dict[str, list[PageRow]]:
    """Host → its pages, the newest look at each (URL, profile), in the order of URLs.

    A fault that may pass is no look while there is another. Of a host that was visited again, and
    whose guilty pages all turned out otherwise, the older looks at its other pages say no more
    what it is: only what was seen since then counts.
    """
    evidence: dict[int, list[Evidence]] = {}
    passing = ", ".join(f"'{kind}'" for kind in sorted((*PASSING, "refused", "reset")))
    latest = (
        f"SELECT coalesce(max(CASE WHEN failure NOT IN ({passing}) THEN id END), max(id))"
        " FROM pages GROUP BY url, profile"
    )
    was_guilty = {
        (row[0], row[1])
        for row in store.connection.execute(
            "SELECT url, profile FROM pages GROUP BY url, profile HAVING count(*) > 1"
            " AND max(coalesce(category NOT IN ('benign', 'unknown'), 0))"
        )
    }
    for row in store.connection.execute(
        "SELECT page_id, signal, category, weight, value, snippet, url FROM evidence"
        f" WHERE page_id IN ({latest}) ORDER BY id"
    ):
        evidence.setdefault(row[0], []).append(
            Evidence(row[1], Category(row[2]), row[3], row[4], row[5], row[6])
        )
    pages: dict[str, list[PageRow]] = {}
    for row in store.connection.execute(
        "SELECT id, host, url, profile, status, failure, location, title, language,"
        " substr(text, 1, 400) AS text, category, kind, probability, missing, model FROM pages"
        f" WHERE id IN ({latest}) ORDER BY url, profile"
    ):
        verdict = None
        if row["category"]:
            verdict = Verdict(
                Category(row["category"]),
                row["kind"],
                row["probability"],
                tuple(evidence.get(row["id"], ())),
                row["model"],
                row["missing"] or "",
            )
        pages.setdefault(row["host"], []).append(
            PageRow(**{name: row[name] for name in _PAGE_COLUMNS}, verdict=verdict)
        )
    return {host: _since_it_turned(rows, was_guilty) for host, rows in pages.items()}


def _since_it_turned(rows: list[PageRow], was_guilty: Collection[tuple[str, str]]) -> list[PageRow]:
    visited = [row for row in rows if (row.url, row.profile) in was_guilty]
    if not visited or any(row.verdict and row.verdict.category.is_scam for row in visited):
        return rows
    turned = min(row.id for row in visited)
    return [row for row in rows if row.id >= turned]


_PAGE_COLUMNS = (
    "id",
    "host",
    "url",
    "profile",
    "status",
    "failure",
    "location",
    "title",
    "language",
    "text",
)


@dataclass(frozen=True, slots=True)
class SiteRow:
    """What the database says of a host apart from its pages."""

    host: str
    registered_domain: str
    category: str
    kind: str
    probability: float
    status: str
    operation_id: str
    first_seen: str
    last_seen: str
    last_checked: str
    enriched_at: str


def sites(store: Store) -> dict[str, SiteRow]:
    """Every host visited, in order."""
    return {
        row["host"]: SiteRow(**{name: row[name] for name in row.keys()})  # noqa: SIM118
        for row in store.connection.execute(
            "SELECT host, registered_domain, coalesce(category, '') AS category,"
            " coalesce(kind, '') AS kind, coalesce(probability, 0.0) AS probability,"
            " coalesce(status, '') AS status, coalesce(operation_id, '') AS operation_id,"
            " coalesce(first_seen, '') AS first_seen, coalesce(last_seen, '') AS last_seen,"
            " coalesce(last_checked, '') AS last_checked, coalesce(enriched_at, '') AS enriched_at"
            " FROM sites ORDER BY host"
        )
    }


def accusations(store: Store) -> dict[str, int]:
    """Host → how many different reports accuse it."""
    return dict(
        store.connection.execute(
            "SELECT host, count(DISTINCT report_id) FROM mentions WHERE role = 'accused'"
            " GROUP BY host"
        ).fetchall()
    )


def mentioned_innocents(store: Store) -> dict[str, str]:
    """Host → role, for hosts that reports name as reporter, platform, victim or example."""
    return dict(
        store.connection.execute(
            "SELECT host, min(role) FROM mentions WHERE role != 'accused' AND host NOT IN"
            " (SELECT host FROM mentions WHERE role = 'accused') GROUP BY host"
        ).fetchall()
    )


def known_hosts(store: Store) -> set[str]:
    """Hosts that were visited or wait for a visit."""
    found = store.connection.execute("SELECT host FROM sites UNION SELECT host FROM frontier")
    return {row[0] for row in found}


def certificate_names(store: Store) -> list[tuple[str, str]]:
    """(host, names separated by spaces) of the certificates that scam sites show."""
    found = store.connection.execute(
        "SELECT c.host, c.names FROM certificates c JOIN sites s ON s.host = c.host"
        " WHERE c.failure = '' AND s.category NOT IN ('benign', 'unknown') ORDER BY c.host"
    )
    return [(row[0], row[1]) for row in found]


def edges(store: Store) -> list[tuple[str, str, str]]:
    """(from host, to host, kind) of links between different hosts, without repeats."""
    return [
        (row[0], row[1], row[2])
        for row in store.connection.execute(
            "SELECT DISTINCT from_host, to_host, kind FROM links WHERE from_host != to_host"
            " ORDER BY 1, 2, 3"
        )
    ]


def registrations(store: Store) -> dict[str, sqlite3.Row]:
    """Registered domain → its newest registration that did not fail, RDAP before WHOIS."""
    rows = store.connection.execute(
        "SELECT * FROM whois WHERE failure = '' ORDER BY fetched_at, source = 'rdap'"
    )
    return {row["domain"]: row for row in rows}


def name_servers(store: Store) -> dict[str, list[str]]:
    """Registered domain → its name servers as last seen."""
    found: dict[str, list[str]] = {}
    for host, value in store.connection.execute(
        "SELECT host, lower(value) FROM dns WHERE type = 'NS' AND failure = '' AND value != ''"
        " AND last_seen = (SELECT max(last_seen) FROM dns d WHERE d.host = dns.host"
        " AND d.type = 'NS')"
    ):
        found.setdefault(host, []).append(value)
    return found


def wildcards(store: Store) -> set[str]:
    """Names below which any label resolves."""
    rows = store.connection.execute(
        "SELECT host FROM dns WHERE type = 'WILDCARD' AND failure = '' AND value != ''"
    )
    return {row[0] for row in rows}


def identifiers(store: Store) -> dict[str, frozenset[Identifier]]:
    """Host → what ties it to others, as found on its pages and by enrichment."""
    found: dict[str, set[Identifier]] = {}
    for host, kind, value in store.connection.execute(
        "SELECT si.host, i.kind, i.value FROM site_identifiers si"
        " JOIN identifiers i ON i.id = si.identifier_id"
    ):
        found.setdefault(host, set()).add(Identifier(kind, value))
    return {host: frozenset(values) for host, values in found.items()}


def innocent_addresses(store: Store) -> list[tuple[str, str]]:
    """(host, address it answered from) of the sites judged innocent."""
    found = store.connection.execute(
        "SELECT DISTINCT p.host, p.ip FROM pages p JOIN sites s ON s.host = p.host"
        " WHERE s.category = 'benign' AND p.ip != ''"
    )
    return [(row[0], row[1]) for row in found]


def stored_operations(store: Store) -> list[Operation]:
    """The operations of the last run, with their members."""
    members: dict[str, list[str]] = {}
    for host, operation in store.connection.execute(
        "SELECT host, operation_id FROM sites WHERE operation_id IS NOT NULL ORDER BY host"
    ):
        members.setdefault(operation, []).append(host)
    return [
        Operation(
            row["id"],
            tuple(members.get(row["id"], ())),
            tuple(Identifier(*pair) for pair in json.loads(row["identifiers"] or "[]")),
            row["confidence"],
            row["summary"],
        )
        for row in store.connection.execute("SELECT * FROM operations ORDER BY id")
        if row["id"] in members
    ]


def active_overrides(store: Store, now: datetime) -> list[sqlite3.Row]:
    """The newest override of each domain that has not expired."""
    rows = store.connection.execute(
        "SELECT * FROM overrides WHERE id IN (SELECT max(id) FROM overrides"
        " WHERE action IN ('allow', 'deny') GROUP BY domain)"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY domain",
        (iso(now),),
    )
    return rows.fetchall()


def source_states(store: Store) -> dict[str, sqlite3.Row]:
    """Name → what is remembered of a source."""
    return {row["name"]: row for row in store.connection.execute("SELECT * FROM sources")}


def urls_of_source(store: Store, source: str) -> set[str]:
    """The URLs that reports of one source have named before."""
    found = store.connection.execute(
        "SELECT DISTINCT m.url FROM mentions m JOIN reports r ON r.id = m.report_id"
        " WHERE r.source = ?",
        (source,),
    )
    return {row[0] for row in found}


def rows(store: Findings, sql: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
    """Rows of a query written at the place of use; values are always parameters."""
    return store.connection.execute(sql, tuple(parameters)).fetchall()
