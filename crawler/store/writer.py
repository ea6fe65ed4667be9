"""The one writer of findings.db.

Each public method is one transaction: after kill -9 it has happened whole or not at all, and a
URL leaves the frontier in the same transaction that stores its page.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from crawler.evidence.archive import MAX_FILE, Archive, entries_of, segments, warc_name
from crawler.evidence.capture import Capture
from crawler.model import (
    Candidate,
    Certificate,
    DnsRecord,
    Enrichment,
    Hosting,
    Identifier,
    Link,
    Mention,
    Operation,
    Page,
    Registration,
    Report,
    Role,
    Verdict,
)
from crawler.names import registered_domain
from crawler.operations.history import Change
from crawler.store.schema import StoreError, connect, connect_reading, failure

# What an analyst searches and reads in the desk.
STORED_TEXT = 4_000
# What each further report that accuses a host adds to its priority, for at most five.
MORE_REPORTS = 0.02


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A fetched page with what was decided about it and where it leads.

    `edges` are the links worth keeping: those to other hosts and those that were queued.
    `location` is the target of a redirect, "" otherwise. `report` and `mentions` are set when the
    page is itself a report. `captures` go into the evidence, if that is kept. `kind` is that of the
    link that led here, and `found` says that it was the first to show its domain a scam. `sha256`
    and `size` stand for a body that was left behind in another process. `seconds` is what the
    request took and `limits` names those that it met.
    """

    page: Page
    via: str
    depth: int
    verdict: Verdict | None = None
    edges: tuple[Link, ...] = ()
    identifiers: frozenset[Identifier] = frozenset()
    candidates: tuple["QueueEntry", ...] = ()
    location: str = ""
    report: Report | None = None
    mentions: tuple[Mention, ...] = ()
    captures: tuple[Capture, ...] = ()
    kind: str = ""
    found: bool = False
    sha256: str = ""
    size: int = 0
    seconds: float = 0.0
    limits: tuple[str, ...] = ()

    def without_body(self) -> "PageRecord":
        """The record for another process: what only the one that fetched it needs is left out."""
        page = self.page
        return replace(
            self,
            page=replace(
                page, body=b"", headers=(), document=replace(page.document, links=(), scripts=())
            ),
            sha256=hashlib.sha256(page.body).hexdigest() if page.body else "",
            size=len(page.body),
        )

    @property
    def host(self) -> str:
        return host_of(self.page.url)


# Failures that say nothing about the page: the net, a resolver or this machine was overloaded, or
# the browser crashed, perhaps over another page.
PASSING = frozenset({"timeout", "dns:timeout", "dns:servfail", "unreachable", "render:browser"})
# When such a page is tried again, counted from each failure; the first time in the same run.
RETRY_AFTER = (timedelta(0), timedelta(hours=6), timedelta(days=2))

_PAGE_COLUMNS = (
    "host", "url", "via", "depth", "profile", "status", "failure", "location", "title", "text",
    "language", "sha256", "bytes", "ip", "rendered", "category", "kind", "probability",
    "missing", "model", "fetched_at",
)  # fmt: skip
# A second try within a second replaces the failure before it.
_ADD_PAGE = (
    f"INSERT INTO pages ({', '.join(_PAGE_COLUMNS)}) VALUES ({', '.join('?' * len(_PAGE_COLUMNS))})"
    " ON CONFLICT (url, profile, fetched_at) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _PAGE_COLUMNS)
    + " WHERE failure != '' RETURNING id"
)


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A candidate in the frontier; `hops` counts the redirects in a row before it.

    `purpose` names the spider that takes it: trail or recheck. `kind` is that of the link that led
    to it; URLs of one `network` share their turn. `worth` orders the queue; without it the
    candidate's priority does.
    """

    candidate: Candidate
    profile: str = "crawler"
    hops: int = 0
    purpose: str = "trail"
    kind: str = ""
    network: str = ""
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner's finding; with a `priority` above 0 the host's front page is queued."""

    partner: str
    host: str
    registered_domain: str
    trust: float
    category: str
    probability: float
    operation: str
    first_seen: str
    reference: str
    priority: float


@lru_cache(256)  # a page is stored in a dozen rows with one time
def iso(moment: datetime | None) -> str | None:
    """UTC ISO 8601 with seconds, the form of every time in the database."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def parse_iso(text: str | None) -> datetime | None:
    """The reverse of `iso`."""
    return datetime.fromisoformat(text) if text else None


class Findings(Protocol):
    """What queries read: a Store, or any connection whose rows are sqlite3.Row."""

    connection: sqlite3.Connection


class Store:
    """findings.db opened for writing. Raises StoreError where SQLite cannot go on.

    With `read_only` it is opened as it is, beside a run under way or on a disk that is read-only.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.database = connect_reading(path) if read_only else connect(path)
        self.connection: sqlite3.Connection = self.database.conn
        self.archive: Archive | None = None
        self._batched = 0
        # A condition on the queue's rows, for a worker that has only a share of them.
        self.share = ""

    @property
    def keeps_proof(self) -> bool:
        """Whether captures are worth making."""
        return self.archive is not None

    @property
    def commits_elsewhere(self) -> bool:
        """Whether a page that was added is committed only when another process says so."""
        return False

    def learn(self) -> None:
        """Sample every index, so that SQLite's planner knows which one serves a query best."""
        self.connection.execute("PRAGMA analysis_limit = 400")
        self.connection.execute("ANALYZE")

    def close(self) -> None:
        if self._batched:
            self.flush()
        if self.archive:
            self.archive.close()
        self.connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN … COMMIT, or ROLLBACK when anything is raised."""
        try:
            with self.database.atomic():
                yield self.connection
        except sqlite3.Error as error:
            raise failure(self.path, error) from error

    def batch(self) -> int:
        """Leave what follows uncommitted until `flush`; how often this was called since then.

        One commit for several pages: the search index alone writes as much for one as for thirty.
        """
        try:
            if not self.connection.in_transaction:
                self.connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise failure(self.path, error) from error
        self._batched += 1
        return self._batched

    def flush(self) -> None:
        """Commit what was batched."""
        self._batched = 0
        try:
            if self.connection.in_transaction:
                self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise failure(self.path, error) from error

    # Reports and frontier

    def add_report(self, report: Report, mentions: Sequence[Mention]) -> int:
        """Store a report and queue what it accuses; returns how many mentions are new."""
        with self.transaction() as db:
            return self._add_report(db, report, mentions, depth=0)

    def _add_report(
        self, db: sqlite3.Connection, report: Report, mentions: Sequence[Mention], depth: int
    ) -> int:
        db.execute(
            "INSERT OR IGNORE INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                report.id,
                report.source,
                report.kind,
                report.title,
                report.language,
                iso(report.published),
                iso(report.fetched_at),
                report.body,
            ),
        )
        before = db.total_changes
        db.executemany(
            "INSERT OR IGNORE INTO mentions (report_id, url, host, registered_domain, role,"
            " context, priority) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    mention.report_id,
                    mention.url,
                    mention.host,
                    mention.registered_domain,
                    mention.role.value,
                    mention.context,
                    mention.priority,
                )
                for mention in mentions
            ],
        )
        new = db.total_changes - before
        reports = self._reports_naming(db, mentions)
        accused = [
            QueueEntry(
                Candidate(
                    mention.url,
                    mention.host,
                    mention.registered_domain,
                    f"report:{report.id}",
                    mention.context,
                    min(1.0, mention.priority + MORE_REPORTS * (reports[mention.host] - 1)),
                    depth,
                )
            )
            for mention in mentions
            if mention.role is Role.ACCUSED
        ]
        self._enqueue(db, accused, report.fetched_at)
        return new

    @staticmethod
    def _reports_naming(db: sqlite3.Connection, mentions: Sequence[Mention]) -> dict[str, int]:
        """Host → how many reports accuse it."""
        hosts = {mention.host for mention in mentions if mention.role is Role.ACCUSED}
        rows = db.execute(
            "SELECT host, min(6, count(DISTINCT report_id)) FROM mentions WHERE role = 'accused'"
            " AND host IN (SELECT value FROM json_each(?)) GROUP BY host",
            (json.dumps(sorted(hosts)),),
        )
        return dict.fromkeys(hosts, 1) | dict(rows.fetchall())

    def enqueue(self, entries: Iterable[QueueEntry], now: datetime) -> None:
        """Queue candidates; a URL that waits already keeps its better priority."""
        with self.transaction() as db:
            self._enqueue(db, entries, now)

    def requeue(self, entries: Iterable[QueueEntry], now: datetime) -> None:
        """Queue URLs again although they were fetched before."""
        with self.transaction() as db:
            entries = list(entries)
            db.executemany(
                "DELETE FROM frontier WHERE url = ? AND profile = ?",
                [(entry.candidate.url, entry.profile) for entry in entries],
            )
            self._enqueue(db, entries, now)

    def drop(self, keys: Iterable[tuple[str, str]], reason: str) -> None:
        """Take (url, profile) pairs out of the queue for a budget or the like."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE frontier SET state = ? WHERE url = ? AND profile = ?",
                [(reason, url, profile) for url, profile in keys],
            )

    @staticmethod
    def _enqueue(db: sqlite3.Connection, entries: Iterable[QueueEntry], now: datetime) -> None:
        db.executemany(
            "INSERT INTO frontier (url, profile, purpose, host, registered_domain, via, context,"
            " priority, depth, hops, kind, network, worth, state, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)"
            " ON CONFLICT (url, profile) DO UPDATE SET"
            " priority = max(priority, excluded.priority), worth = max(worth, excluded.worth),"
            " depth = min(depth, excluded.depth)"
            " WHERE state = 'queued'",
            [
                (
                    entry.candidate.url,
                    entry.profile,
                    entry.purpose,
                    entry.candidate.host,
                    entry.candidate.registered_domain,
                    entry.candidate.via,
                    entry.candidate.context,
                    entry.candidate.priority,
                    entry.candidate.depth,
                    entry.hops,
                    entry.kind,
                    entry.network,
                    entry.candidate.priority if entry.worth is None else entry.worth,
                    iso(now),
                )
                for entry in entries
            ],
        )

    # Pages

    def add_page(self, record: PageRecord) -> None:
        """Store a page, its verdict, edges, identifiers and what it puts into the queue."""
        page, verdict = record.page, record.verdict
        host = record.host
        seen = iso(page.fetched_at)
        text = page.text[:STORED_TEXT]
        # Proof first: a page is only in the database when its records are in their file.
        proof = self._prove(record.captures, page.fetched_at)
        if page.failure.startswith("render:"):
            # A browser that failed says nothing of the site; what it showed before still stands.
            with self.transaction() as db:
                self._settle(db, page)
            return
        with self.transaction() as db:
            self._index(db, proof)
            # `status` of a site is decided from all its pages at the end of the crawl.
            db.execute(
                "INSERT INTO sites (host, registered_domain, first_seen, last_seen, last_checked)"
                " VALUES (?1, ?2, ?3, iif(?4, ?3, NULL), ?3) ON CONFLICT (host) DO UPDATE SET"
                " last_checked = excluded.last_checked,"
                " last_seen = coalesce(excluded.last_seen, last_seen)",
                (host, registered_domain(host) or host, seen, not page.failure),
            )
            stored = db.execute(
                _ADD_PAGE,
                (
                    host,
                    page.url,
                    record.via,
                    record.depth,
                    page.profile,
                    page.status,
                    page.failure,
                    record.location,
                    page.document.places.get("title", ""),
                    text,
                    page.document.language,
                    hashlib.sha256(page.body).hexdigest() if page.body else record.sha256,
                    len(page.body) or record.size,
                    page.ip,
                    int(page.rendered),
                    verdict.category.value if verdict else None,
                    verdict.kind if verdict else None,
                    verdict.probability if verdict else None,
                    verdict.missing if verdict else None,
                    verdict.model if verdict else None,
                    seen,
                ),
            ).fetchone()
            if stored and verdict:
                self._add_evidence(db, host, stored[0], verdict, page.fetched_at)
            db.executemany(
                "INSERT OR IGNORE INTO links (from_url, from_host, to_url, to_host, text, kind,"
                " seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (page.url, host, link.url, host_of(link.url), link.text, link.kind, seen)
                    for link in record.edges
                ],
            )
            for item in record.captures if self.archive else ():
                if shot := item.entry.get("screenshot_sha256"):
                    db.execute(
                        "UPDATE sites SET screenshot = ? WHERE host = ?",
                        (screenshot_path(shot), host),
                    )
            self._add_identifiers(db, host, page.url, record.identifiers, page.fetched_at)
            self._enqueue(db, record.candidates, page.fetched_at)
            if record.kind:
                db.execute(
                    "INSERT INTO harvest VALUES (?1, 1, ?2) ON CONFLICT (kind) DO UPDATE SET"
                    " fetched = fetched + 1, found = found + ?2",
                    (record.kind, int(record.found)),
                )
            if record.report:
                self._add_report(db, record.report, record.mentions, depth=record.depth + 1)
            self._settle(db, page)

    @staticmethod
    def _settle(db: sqlite3.Connection, page: Page) -> None:
        """Take a page out of the queue, unless a fault that may pass is worth another try."""
        again = RETRY_AFTER if page.failure in PASSING else ()
        row = db.execute(
            "SELECT tries FROM frontier WHERE url = ? AND profile = ?", (page.url, page.profile)
        ).fetchone()
        tries = row[0] if row else 0
        waits = tries < len(again)
        db.execute(
            "UPDATE frontier SET state = ?, tries = ?, not_before = ?"
            " WHERE url = ? AND profile = ?",
            (
                "queued" if waits else "done",
                tries + 1,
                iso(page.fetched_at + again[tries]) if waits else None,
                page.url,
                page.profile,
            ),
        )

    # Captures

    def keep_evidence(self, *, keep_days: float, max_bytes: int) -> None:
        """From now on keep captures in evidence/ beside the database, within these bounds.

        Mends files and index after a kill. Raises StoreError.
        """
        folder = self.path.parent / "evidence"
        self._bounds = (keep_days, max_bytes)
        if self.archive:
            return
        try:
            self.archive = Archive(folder, max_file=min(MAX_FILE, max_bytes // 4))
        except BlockingIOError:
            raise StoreError(f"{folder}: another process writes it; wait for it to end") from None
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}; check disk and permissions") from error
        self._begun = self.archive.number
        numbers = list(segments(folder))
        with self.transaction() as db:
            indexed = {row[0] for row in db.execute("SELECT DISTINCT file FROM captures")}
            for name in indexed - {warc_name(number) for number in numbers}:
                db.execute("DELETE FROM captures WHERE file = ?", (name,))
            for number in numbers:
                name = warc_name(number)
                if name not in indexed or number == numbers[-1]:
                    db.execute("DELETE FROM captures WHERE file = ?", (name,))
                    self._index(db, entries_of(folder, number))

    def sweep_evidence(self, now: datetime) -> list[str]:
        """Remove the oldest evidence beyond its bounds; the names of the files removed."""
        if self.archive is None:
            return []
        keep_days, max_bytes = self._bounds
        try:
            removed = self.archive.sweep(now, keep_days=keep_days, max_bytes=max_bytes)
        except OSError as error:
            raise StoreError(f"{self.archive.folder}: {error.strerror}; free space") from error
        with self.transaction() as db:
            for name in removed:
                db.execute("DELETE FROM captures WHERE file = ?", (name,))
        return removed

    def _keep_screenshot(self, item: Capture) -> None:
        """Beside its WARC record, as a file that any program can show; named by its content."""
        path = self.path.parent / screenshot_path(item.entry["screenshot_sha256"])
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_bytes(item.screenshot)
            part.replace(path)

    def _prove(self, captures: Sequence[Capture], now: datetime) -> list[dict[str, Any]]:
        if self.archive is None or not captures:
            return []
        try:
            entries = [self.archive.append(item) for item in captures]
            for item in captures:
                if item.screenshot:
                    self._keep_screenshot(item)
        except OSError as error:
            raise StoreError(
                f"{self.archive.folder}: {error.strerror}; free space and run again, nothing "
                "stored is lost"
            ) from error
        if self.archive.number != self._begun:
            self._begun = self.archive.number
            self.sweep_evidence(now)
        return entries

    @staticmethod
    def _index(db: sqlite3.Connection, entries: Iterable[Mapping[str, Any]]) -> None:
        db.executemany(
            "INSERT OR REPLACE INTO captures (seq, host, url, profile, fetched_at, ip, status,"
            " file, offset, length, sha256, payload_sha256, certificate_sha256, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    entry["seq"],
                    host_of(entry["url"]),
                    entry["url"],
                    entry["profile"],
                    entry["time"],
                    entry["ip"],
                    entry["status"],
                    entry["file"],
                    entry["offset"],
                    entry["length"],
                    entry["sha256"],
                    entry["payload_sha256"],
                    entry["certificate_sha256"],
                    entry["hash"],
                )
                for entry in entries
            ],
        )

    @staticmethod
    def _add_evidence(
        db: sqlite3.Connection,
        host: str,
        page_id: int | None,
        verdict: Verdict,
        now: datetime,
    ) -> None:
        db.executemany(
            "INSERT INTO evidence (host, page_id, signal, category, weight, value, snippet, url,"
            " seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    host,
                    page_id,
                    item.signal,
                    item.category.value,
                    item.weight,
                    item.value,
                    item.snippet,
                    item.page,
                    iso(now),
                )
                for item in verdict.evidence
            ],
        )

    @staticmethod
    def _add_identifiers(
        db: sqlite3.Connection,
        host: str,
        url: str,
        identifiers: Iterable[Identifier],
        now: datetime,
    ) -> None:
        for item in sorted(identifiers):
            db.execute(
                "INSERT OR IGNORE INTO identifiers (kind, value) VALUES (?, ?)",
                (item.kind, item.value),
            )
            db.execute(
                "INSERT INTO site_identifiers (host, identifier_id, url, first_seen, last_seen)"
                " SELECT ?1, id, ?2, ?3, ?3 FROM identifiers WHERE kind = ?4 AND value = ?5"
                " ON CONFLICT (host, identifier_id) DO UPDATE SET last_seen = excluded.last_seen",
                (host, url, iso(now), item.kind, item.value),
            )

    # Sites

    def decide(
        self,
        host: str,
        verdict: Verdict,
        *,
        status: str,
        language: str,
        title: str,
        now: datetime,
    ) -> None:
        """Store the verdict for a host; its evidence that belongs to no page is replaced."""
        with self.transaction() as db:
            db.execute(
                "UPDATE sites SET status = ?, category = ?, kind = ?, probability = ?,"
                " language = ?, title = ?, missing = ?, model = ? WHERE host = ?",
                (
                    status,
                    verdict.category.value,
                    verdict.kind,
                    verdict.probability,
                    language,
                    title,
                    verdict.missing,
                    verdict.model,
                    host,
                ),
            )
            db.execute("DELETE FROM evidence WHERE host = ? AND page_id IS NULL", (host,))
            self._add_evidence(db, host, None, verdict, now)

    def add_enrichment(
        self, enrichment: Enrichment, identifiers: Iterable[Identifier], now: datetime
    ) -> None:
        """Store what was looked up about a host; sightings keep their first time."""
        with self.transaction() as db:
            for registration in enrichment.registration:
                self._add_registration(db, registration)
            for record in enrichment.dns:
                self._add_dns(db, record)
            for hosting in enrichment.hosting:
                self._add_hosting(db, hosting)
            if enrichment.certificate:
                self._add_certificate(db, enrichment.certificate)
            self._add_identifiers(db, enrichment.host, "", identifiers, now)
            db.execute(
                "UPDATE sites SET enriched_at = ? WHERE host = ?", (iso(now), enrichment.host)
            )

    @staticmethod
    def _add_registration(db: sqlite3.Connection, item: Registration) -> None:
        db.execute(
            "INSERT OR IGNORE INTO whois (domain, source, registrar, registrar_iana_id, created,"
            " updated, expires, statuses, name_servers, country, organisation, abuse_contact,"
            " dnssec, failure, raw, fetched_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.domain,
                item.source,
                item.registrar,
                item.registrar_iana_id,
                iso(item.created),
                iso(item.updated),
                iso(item.expires),
                " ".join(item.statuses),
                " ".join(item.name_servers),
                item.country,
                item.organisation,
                item.abuse_contact,
                item.dnssec,
                item.failure,
                item.raw,
                iso(item.fetched_at),
            ),
        )

    @staticmethod
    def _add_dns(db: sqlite3.Connection, item: DnsRecord) -> None:
        db.execute(
            "INSERT INTO dns (host, type, value, ttl, failure, first_seen, last_seen)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (host, type, value) DO UPDATE SET"
            " last_seen = excluded.last_seen, ttl = excluded.ttl, failure = excluded.failure",
            (item.host, item.type, item.value, item.ttl, item.failure, iso(item.fetched_at)),
        )

    @staticmethod
    def _add_hosting(db: sqlite3.Connection, item: Hosting) -> None:
        db.execute(
            "INSERT INTO ips (ip, asn, prefix, as_name, country, source, failure, raw, fetched_at,"
            " organisation, abuse_contact)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ip) DO UPDATE SET"
            " asn = excluded.asn, prefix = excluded.prefix, as_name = excluded.as_name,"
            " organisation = coalesce(nullif(excluded.organisation, ''), organisation),"
            " abuse_contact = coalesce(nullif(excluded.abuse_contact, ''), abuse_contact),"
            " country = excluded.country, source = excluded.source, raw = excluded.raw,"
            " failure = excluded.failure, fetched_at = excluded.fetched_at"
            " WHERE excluded.failure = '' OR ips.failure != ''",
            (
                item.ip,
                item.asn,
                item.prefix,
                item.as_name,
                item.country,
                item.source,
                item.failure,
                item.raw,
                iso(item.fetched_at),
                item.organisation,
                item.abuse_contact,
            ),
        )

    @staticmethod
    def _add_certificate(db: sqlite3.Connection, item: Certificate) -> None:
        db.execute(
            "INSERT INTO certificates (host, sha256, issuer, subject, names, not_before,"
            " not_after, failure, raw, first_seen, last_seen, key_sha256)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)"
            " ON CONFLICT (host, sha256) DO UPDATE SET last_seen = excluded.last_seen,"
            " key_sha256 = excluded.key_sha256,"
            " failure = excluded.failure",
            (
                item.host,
                item.sha256,
                item.issuer,
                item.subject,
                " ".join(item.names),
                iso(item.not_before),
                iso(item.not_after),
                item.failure,
                item.raw,
                iso(item.fetched_at),
                item.key_sha256,
            ),
        )

    def note_servers(
        self, states: Iterable[tuple[str, float, int, datetime | None]], now: datetime
    ) -> None:
        """Remember (server, pause, quota, rest until) of registries' servers."""
        with self.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO servers (server, pause, quota, rest_until, updated_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (server, pause, quota, iso(rest), iso(now))
                    for server, pause, quota, rest in states
                ],
            )

    def replace_operations(
        self, operations: Sequence[Operation], changes: Iterable[Change], now: datetime
    ) -> None:
        """Store the operations as they are now; first sightings and past members are kept."""
        moment = iso(now)
        with self.transaction() as db:
            db.execute("UPDATE sites SET operation_id = NULL WHERE operation_id IS NOT NULL")
            db.execute("UPDATE operations SET size = 0")
            for operation in operations:
                identifiers = [[item.kind, item.value] for item in operation.identifiers]
                db.execute(
                    "INSERT INTO operations (id, size, confidence, summary, identifiers,"
                    " first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)"
                    " ON CONFLICT (id) DO UPDATE SET size = excluded.size,"
                    " confidence = excluded.confidence, summary = excluded.summary,"
                    " identifiers = excluded.identifiers, last_seen = excluded.last_seen",
                    (
                        operation.id,
                        len(operation.members),
                        operation.confidence,
                        operation.summary,
                        json.dumps(identifiers, ensure_ascii=False),
                        moment,
                    ),
                )
                db.executemany(
                    "UPDATE sites SET operation_id = ? WHERE host = ?",
                    [(operation.id, host) for host in operation.members],
                )
                db.executemany(
                    "UPDATE operation_members SET reason = ?3"
                    " WHERE operation_id = ?1 AND host = ?2 AND until IS NULL AND reason != ?3",
                    [(operation.id, host, reason) for host, reason in operation.reasons.items()],
                )
            db.execute(
                "UPDATE operation_members SET until = ? WHERE until IS NULL AND operation_id IS NOT"
                " (SELECT s.operation_id FROM sites s WHERE s.host = operation_members.host)",
                (moment,),
            )
            db.executemany(
                "INSERT INTO operation_members (operation_id, host, since, reason)"
                " SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM operation_members"
                " WHERE operation_id = ?1 AND host = ?2 AND until IS NULL)"
                " ON CONFLICT DO UPDATE SET until = NULL, reason = excluded.reason",
                [
                    (operation.id, host, moment, operation.reasons.get(host, ""))
                    for operation in operations
                    for host in operation.members
                ],
            )
            db.executemany(
                "INSERT INTO operation_events (at, operation_id, event, other_id, sites)"
                " VALUES (?, ?, ?, ?, ?)",
                [(moment, item.operation, item.event, item.other, item.sites) for item in changes],
            )

    def merge_partner(self, rows: Sequence[PartnerRow], now: datetime) -> None:
        """Note what a partner found and queue what is new; the same again changes nothing."""
        with self.transaction() as db:
            db.executemany(
                "INSERT INTO partner_findings (partner, host, trust, category, probability,"
                " operation, first_seen, reference, merged_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (partner, host)"
                " DO UPDATE SET trust = ?3, category = ?4, probability = ?5, operation = ?6,"
                " first_seen = ?7, reference = ?8, merged_at = ?9 WHERE trust != ?3"
                " OR category != ?4 OR probability != ?5 OR operation != ?6 OR reference != ?8",
                [
                    (
                        row.partner,
                        row.host,
                        row.trust,
                        row.category,
                        row.probability,
                        row.operation,
                        row.first_seen,
                        row.reference,
                        iso(now),
                    )
                    for row in rows
                ],
            )
            self._enqueue(
                db,
                [
                    QueueEntry(
                        Candidate(
                            f"http://[{row.host}]/" if ":" in row.host else f"http://{row.host}/",
                            row.host,
                            row.registered_domain,
                            f"partner:{row.partner}",
                            row.operation,
                            row.priority,
                        )
                    )
                    for row in rows
                    if row.priority
                ],
                now,
            )

    # Lists

    def replace_listings(
        self,
        current: Mapping[tuple[str, str, str], tuple[str, bool]],
        refusals: Iterable[tuple[str, str, str, str]],
        removal_reason: Callable[[str, str], str],
        now: datetime,
    ) -> None:
        """Make the open listings equal `current`: (domain, list, tier) → (reason, exact).

        What is gone is closed, never deleted; `removal_reason` of `list/tier` and domain says why.
        """
        with self.transaction() as db:
            rows = db.execute(
                "SELECT id, domain, list, tier FROM listings WHERE removed_at IS NULL"
            ).fetchall()
            existing = {(row["domain"], row["list"], row["tier"]): row["id"] for row in rows}
            for key, row_id in existing.items():
                if key in current:
                    db.execute(
                        "UPDATE listings SET reason = ? WHERE id = ?", (current[key][0], row_id)
                    )
                else:
                    db.execute(
                        "UPDATE listings SET removed_at = ?, removal_reason = ? WHERE id = ?",
                        (
                            iso(now),
                            removal_reason(f"{key[1]}/{key[2]}", key[0]),
                            row_id,
                        ),
                    )
            db.executemany(
                "INSERT INTO listings (domain, list, tier, exact, added_at, reason)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (*key, int(exact), iso(now), reason)
                    for key, (reason, exact) in sorted(current.items())
                    if key not in existing
                ],
            )
            db.execute("DELETE FROM refusals")
            db.executemany(
                "INSERT OR REPLACE INTO refusals (domain, list, tier, reason, seen_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [(*refusal, iso(now)) for refusal in refusals],
            )

    def add_release(
        self, serial: int, now: datetime, entries: int, added: int, removed: int, digest: str
    ) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO releases VALUES (?, ?, ?, ?, ?, ?)",
                (serial, iso(now), entries, added, removed, digest),
            )

    def add_override(
        self,
        domain: str,
        action: str,
        reason: str,
        author: str,
        now: datetime,
        expires: datetime | None,
        *,
        decision: str | None = None,
        label: str | None = None,
        judged: str | None = None,
    ) -> None:
        """Note a decision; it closes the appeals that are open for the domain.

        One taken at the desk also has its name there, the category that the person gives the
        domain, and the verdict that it was taken on.
        """
        with self.transaction() as db:
            db.execute(
                "INSERT INTO overrides (domain, action, reason, author, created_at, expires_at,"
                " decision, label, judged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (domain, action, reason, author, iso(now), iso(expires), decision, label, judged),
            )
            db.execute(
                "UPDATE appeals SET decision = ?, decided_by = ?, decision_reason = ?,"
                " closed_at = ? WHERE domain = ? AND closed_at IS NULL",
                (action, author, reason, iso(now), domain),
            )

    def open_appeal(self, domain: str, author: str, reason: str, now: datetime, before: str) -> int:
        """A new case; `before` says what was held against the domain. Returns its number."""
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO appeals (domain, author, reason, opened_at, before)"
                " VALUES (?, ?, ?, ?, ?)",
                (domain, author, reason, iso(now), before),
            )
            return int(cursor.lastrowid or 0)

    def note_recheck(self, appeal: int, now: datetime, after: str) -> None:
        with self.transaction() as db:
            db.execute(
                "UPDATE appeals SET rechecked_at = ?, after = ? WHERE id = ?",
                (iso(now), after, appeal),
            )

    def note_source(
        self,
        name: str,
        now: datetime,
        *,
        hosts: int | None = None,
        failure: str = "",
        etag: str = "",
        modified: str = "",
    ) -> None:
        """Remember a visit to a source; a failure keeps what was known, `hosts` None the count."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO sources (name, fetched_at, succeeded_at, hosts, failure, etag,"
                " modified) VALUES (?1, ?2, iif(?4 = '', ?2, NULL), ?3, ?4, ?5, ?6)"
                " ON CONFLICT (name) DO UPDATE SET fetched_at = ?2, failure = ?4,"
                " succeeded_at = iif(?4 = '', ?2, succeeded_at), hosts = coalesce(?3, hosts),"
                " etag = iif(?3 IS NULL, etag, ?5), modified = iif(?3 IS NULL, modified, ?6)",
                (name, iso(now), hosts, failure, etag, modified),
            )

    # Runs

    def start_run(self, command: str, now: datetime) -> int:
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO runs (command, started_at, stats) VALUES (?, ?, '{}')",
                (command, iso(now)),
            )
            return int(cursor.lastrowid or 0)

    def finish_run(
        self, run_id: int, now: datetime, exit_code: int, message: str, stats: Mapping[str, Any]
    ) -> None:
        with self.transaction() as db:
            db.execute(
                "UPDATE runs SET finished_at = ?, exit_code = ?, message = ?, stats = ?"
                " WHERE id = ?",
                (iso(now), exit_code, message, json.dumps(stats, sort_keys=True), run_id),
            )


def screenshot_path(sha256: str) -> str:
    """Where a screenshot stands, from the workspace's folder."""
    return f"screenshots/{sha256}.jpg"


def host_of(url: str) -> str:
    """The host of a canonical URL (see `crawler.html.canonical_url`)."""
    netloc = url.split("/", 3)[2]
    if netloc.startswith("["):
        return netloc[1:].split("]")[0]
    return netloc.partition(":")[0]
