"""The tables of findings.db and the forward-only migrations that lead to them.

`PRAGMA user_version` holds the number of migrations applied. A released migration is never
changed; a change of the schema is a new function at the end of `MIGRATIONS`.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import sqlite_utils

from crawler.outcome import Failure


class StoreError(Failure):
    """The database cannot be used; the message names the file and the fix."""


def connect(path: Path) -> sqlite_utils.Database:
    """The database at `path`, made or migrated as needed. Raises StoreError."""
    try:
        # Every statement outside an explicit BEGIN commits itself.
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # A commit survives kill -9; a power cut may lose the last commits but corrupts nothing.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise newer(path, version)
        database = sqlite_utils.Database(connection)
        for number, migrate in enumerate(MIGRATIONS[version:], version + 1):
            with database.atomic():
                migrate(database)
                connection.execute(f"PRAGMA user_version = {number}")
    except sqlite3.Error as error:
        raise failure(path, error) from error
    return database


def connect_reading(path: Path) -> sqlite_utils.Database:
    """The database at `path` as it is: nothing is made, migrated or waited for. Raises StoreError.

    The error of a database that needs a migration says so.
    """
    connection = None
    # Where nothing can be written WAL lacks its files, and nobody else writes either.
    for options in ("mode=ro", "immutable=1"):
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None, timeout=5
            )
            connection.row_factory = sqlite3.Row
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            break
        except sqlite3.Error as error:
            if connection:
                connection.close()
            if "unable to open" not in str(error) or options == "immutable=1":
                raise failure(path, error) from error
    assert connection is not None
    if version != SCHEMA_VERSION:
        connection.close()
        age = "newer" if version > SCHEMA_VERSION else "older"
        fix = (
            "update scamtrail" if version > SCHEMA_VERSION else "the next run brings it up to date"
        )
        raise StoreError(
            f"{path}: schema version {version} is {age} than this program's {SCHEMA_VERSION}; {fix}"
        )
    return sqlite_utils.Database(connection)


BACKUPS = "backups"


def kept_backups(database: Path) -> list[Path]:
    """The backups beside a database, the newest first; each was verified when it was made."""
    return sorted((database.parent / BACKUPS).glob("findings-*.db"), reverse=True)


def newer(path: Path, version: int) -> StoreError:
    return StoreError(
        f"{path}: schema version {version} is newer than this program's {SCHEMA_VERSION}; "
        "update scamtrail"
    )


def failure(path: Path, error: sqlite3.Error) -> StoreError:
    """The error of the database at `path`; a damaged one's names the last good backup."""
    text = str(error)
    if "not a database" in text or "malformed" in text:
        return damaged(path, text)
    return StoreError(f"{path}: {describe(error)}")


def damaged(path: Path, how: str) -> StoreError:
    """The error of a damaged database, which names the last good backup."""
    backups = kept_backups(path)
    fix = (
        f"put back the last good backup with scamtrail restore -w {path.parent} {backups[0]}"
        if backups
        else "there is no backup; save what can be read with sqlite3 FILE .recover"
    )
    return StoreError(f"{path}: is damaged ({how}); {fix}")


def describe(error: sqlite3.Error) -> str:
    """A sqlite3 error in one line with its fix."""
    text = str(error)
    if "full" in text:
        return f"the disk is full ({text}); free space and run again, nothing stored is lost"
    if "locked" in text:
        return f"is locked ({text}); close the program that holds a write lock"
    if "readonly" in text or "unable to open" in text:
        return f"cannot be written ({text}); check the path and its permissions"
    return text


def _m001(db: sqlite_utils.Database) -> None:
    make = db.create_table
    make(
        "reports",
        {
            "id": str,
            "source": str,
            "kind": str,
            "title": str,
            "language": str,
            "published": str,
            "fetched_at": str,
            "body": str,
        },
        pk="id",
    )
    make(
        "operations",
        {
            "id": str,
            "size": int,
            "confidence": float,
            "summary": str,
            "identifiers": str,
            "first_seen": str,
            "last_seen": str,
        },
        pk="id",
    )
    make(
        "sites",
        {
            "host": str,
            "registered_domain": str,
            "status": str,
            "category": str,
            "kind": str,
            "probability": float,
            "language": str,
            "title": str,
            "first_seen": str,
            "last_seen": str,
            "last_checked": str,
            "operation_id": str,
            "screenshot": str,
            "missing": str,
            "model": str,
            "enriched_at": str,
        },
        pk="host",
        not_null={"registered_domain"},
        foreign_keys=[("operation_id", "operations", "id")],
    )
    make(
        "mentions",
        {
            "id": int,
            "report_id": str,
            "url": str,
            "host": str,
            "registered_domain": str,
            "role": str,
            "context": str,
            "priority": float,
        },
        pk="id",
        foreign_keys=[("report_id", "reports", "id")],
    )
    make(
        "pages",
        {
            "id": int,
            "host": str,
            "url": str,
            "via": str,
            "depth": int,
            "profile": str,
            "status": int,
            "failure": str,
            "location": str,
            "title": str,
            "text": str,
            "language": str,
            "sha256": str,
            "bytes": int,
            "ip": str,
            "rendered": int,
            "category": str,
            "kind": str,
            "probability": float,
            "missing": str,
            "model": str,
            "fetched_at": str,
        },
        pk="id",
        foreign_keys=[("host", "sites", "host")],
    )
    make(
        "links",
        {
            "id": int,
            "from_url": str,
            "from_host": str,
            "to_url": str,
            "to_host": str,
            "text": str,
            "kind": str,
            "seen_at": str,
        },
        pk="id",
        foreign_keys=[("from_host", "sites", "host")],
    )
    make(
        "evidence",
        {
            "id": int,
            "host": str,
            "page_id": int,
            "signal": str,
            "category": str,
            "weight": float,
            "value": str,
            "snippet": str,
            "url": str,
            "seen_at": str,
        },
        pk="id",
        foreign_keys=[("host", "sites", "host"), ("page_id", "pages", "id")],
    )
    make(
        "whois",
        {
            "id": int,
            "domain": str,
            "source": str,
            "registrar": str,
            "registrar_iana_id": str,
            "created": str,
            "updated": str,
            "expires": str,
            "statuses": str,
            "name_servers": str,
            "country": str,
            "organisation": str,
            "abuse_contact": str,
            "failure": str,
            "raw": str,
            "fetched_at": str,
        },
        pk="id",
    )
    make(
        "dns",
        {
            "id": int,
            "host": str,
            "type": str,
            "value": str,
            "ttl": int,
            "failure": str,
            "first_seen": str,
            "last_seen": str,
        },
        pk="id",
    )
    make(
        "ips",
        {
            "ip": str,
            "asn": int,
            "prefix": str,
            "as_name": str,
            "country": str,
            "source": str,
            "failure": str,
            "raw": str,
            "fetched_at": str,
        },
        pk="ip",
    )
    make(
        "certificates",
        {
            "id": int,
            "host": str,
            "sha256": str,
            "issuer": str,
            "subject": str,
            "names": str,
            "not_before": str,
            "not_after": str,
            "failure": str,
            "raw": str,
            "first_seen": str,
            "last_seen": str,
        },
        pk="id",
    )
    make("identifiers", {"id": int, "kind": str, "value": str}, pk="id")
    make(
        "site_identifiers",
        {
            "host": str,
            "identifier_id": int,
            "url": str,
            "first_seen": str,
            "last_seen": str,
        },
        pk=("host", "identifier_id"),
        foreign_keys=[("host", "sites", "host"), ("identifier_id", "identifiers", "id")],
    )
    make(
        "listings",
        {
            "id": int,
            "domain": str,
            "list": str,
            "tier": str,
            "exact": int,
            "added_at": str,
            "removed_at": str,
            "reason": str,
            "removal_reason": str,
        },
        pk="id",
    )
    make(
        "refusals",
        {"domain": str, "list": str, "tier": str, "reason": str, "seen_at": str},
        pk=("domain", "list", "tier"),
    )
    make(
        "releases",
        {
            "serial": int,
            "published_at": str,
            "entries": int,
            "added": int,
            "removed": int,
            "manifest_sha256": str,
        },
        pk="serial",
    )
    make(
        "overrides",
        {
            "id": int,
            "domain": str,
            "action": str,
            "reason": str,
            "author": str,
            "created_at": str,
            "expires_at": str,
        },
        pk="id",
    )
    make(
        "runs",
        {
            "id": int,
            "command": str,
            "started_at": str,
            "finished_at": str,
            "exit_code": int,
            "message": str,
            "stats": str,
        },
        pk="id",
    )
    make(
        "frontier",
        {
            "url": str,
            "profile": str,
            "purpose": str,
            "host": str,
            "registered_domain": str,
            "via": str,
            "context": str,
            "priority": float,
            "depth": int,
            "hops": int,
            "state": str,
            "added_at": str,
        },
        pk=("url", "profile"),
    )
    for table, columns, unique in (
        ("mentions", ["report_id", "url"], True),
        ("mentions", ["host"], False),
        ("sites", ["registered_domain"], False),
        ("sites", ["operation_id"], False),
        ("sites", ["category"], False),
        ("pages", ["url", "profile", "fetched_at"], True),
        ("pages", ["host"], False),
        ("links", ["from_url", "to_url", "kind"], True),
        ("links", ["to_url"], False),
        ("links", ["to_host"], False),
        ("links", ["from_host"], False),
        ("evidence", ["page_id"], False),
        ("evidence", ["host"], False),
        ("whois", ["domain", "source", "fetched_at"], True),
        ("dns", ["host", "type", "value"], True),
        ("dns", ["value"], False),
        ("ips", ["asn"], False),
        ("certificates", ["host", "sha256"], True),
        ("certificates", ["sha256"], False),
        ("identifiers", ["kind", "value"], True),
        ("site_identifiers", ["identifier_id"], False),
        ("listings", ["domain"], False),
        ("overrides", ["domain"], False),
    ):
        db.table(table).create_index(columns, unique=unique)
    db.execute(
        "CREATE INDEX idx_frontier_best ON frontier (purpose, priority DESC, url)"
        " WHERE state = 'queued'"
    )
    # Trigrams also find words in scripts that put no space between them.
    db.table("reports").enable_fts(["title", "body"], create_triggers=True, tokenize="trigram")
    db.table("pages").enable_fts(["title", "text"], create_triggers=True, tokenize="trigram")


def _m002(db: sqlite_utils.Database) -> None:
    db.create_table(
        "sources",
        {
            "name": str,
            "fetched_at": str,
            "succeeded_at": str,
            "hosts": int,
            "failure": str,
            "etag": str,
            "modified": str,
        },
        pk="name",
    )
    db.table("reports").create_index(["source"])


def _m003(db: sqlite_utils.Database) -> None:
    db.create_table(
        "captures",
        {
            "seq": int,
            "host": str,
            "url": str,
            "profile": str,
            "fetched_at": str,
            "ip": str,
            "status": int,
            "file": str,
            "offset": int,
            "length": int,
            "sha256": str,
            "payload_sha256": str,
            "certificate_sha256": str,
            "hash": str,
        },
        pk="seq",
    )
    for columns in (["host"], ["url"], ["file"]):
        db.table("captures").create_index(columns)


def _m004(db: sqlite_utils.Database) -> None:
    db.create_table(
        "appeals",
        {
            "id": int,
            "domain": str,
            "author": str,
            "reason": str,
            "opened_at": str,
            "before": str,
            "rechecked_at": str,
            "after": str,
            "decision": str,
            "decided_by": str,
            "decision_reason": str,
            "closed_at": str,
        },
        pk="id",
    )
    db.table("appeals").create_index(["domain"])
    db.create_view(
        "history",
        """
        SELECT added_at AS at, domain, 'listed' AS event, list || '/' || tier AS detail, reason,
          '' AS author FROM listings
        UNION ALL SELECT removed_at, domain, 'removed', list || '/' || tier, removal_reason, ''
          FROM listings WHERE removed_at IS NOT NULL
        UNION ALL SELECT created_at, domain, action, coalesce('until ' || expires_at, ''), reason,
          author FROM overrides
        UNION ALL SELECT opened_at, domain, 'appeal', before, reason, author FROM appeals
        UNION ALL SELECT rechecked_at, domain, 'rechecked', after, '', '' FROM appeals
          WHERE rechecked_at IS NOT NULL
        UNION ALL SELECT closed_at, domain, 'decided', decision, decision_reason, decided_by
          FROM appeals WHERE closed_at IS NOT NULL
        """,
    )


def _m005(db: sqlite_utils.Database) -> None:
    db.execute("ALTER TABLE frontier ADD COLUMN tries INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE frontier ADD COLUMN not_before TEXT")
    db.execute("DROP INDEX idx_frontier_best")
    db.execute(
        "CREATE INDEX idx_frontier_best ON frontier (purpose, tries, priority DESC, url)"
        " WHERE state = 'queued'"
    )


def _m006(db: sqlite_utils.Database) -> None:
    db.create_table(
        "operation_members",
        {"operation_id": str, "host": str, "since": str, "until": str, "reason": str},
        pk=("operation_id", "host", "since"),
        foreign_keys=[("operation_id", "operations", "id")],
    )
    db.create_table(
        "operation_events",
        {
            "id": int,
            "at": str,
            "operation_id": str,
            "event": str,
            "other_id": str,
            "sites": int,
        },
        pk="id",
        foreign_keys=[("operation_id", "operations", "id")],
    )
    db.table("operation_members").create_index(["host"])
    db.table("operation_events").create_index(["operation_id"])
    # Ties of registrations are worked out anew from their times, whenever sites are linked.
    db.execute(
        "DELETE FROM site_identifiers WHERE identifier_id IN"
        " (SELECT id FROM identifiers WHERE kind = 'registration_burst')"
    )
    db.execute("DELETE FROM identifiers WHERE kind = 'registration_burst'")
    db.execute(
        "INSERT INTO operation_members (operation_id, host, since, reason)"
        " SELECT s.operation_id, s.host, o.first_seen, o.summary FROM sites s"
        " JOIN operations o ON o.id = s.operation_id"
    )


def _m007(db: sqlite_utils.Database) -> None:
    db.execute("ALTER TABLE whois ADD COLUMN dnssec TEXT")
    db.execute("ALTER TABLE certificates ADD COLUMN key_sha256 TEXT")
    db.execute("ALTER TABLE ips ADD COLUMN organisation TEXT")
    db.execute("ALTER TABLE ips ADD COLUMN abuse_contact TEXT")
    db.create_table(
        "servers",
        {"server": str, "pause": float, "quota": int, "rest_until": str, "updated_at": str},
        pk="server",
    )
    db.create_table(
        "partner_findings",
        {
            "partner": str,
            "host": str,
            "trust": float,
            "category": str,
            "probability": float,
            "operation": str,
            "first_seen": str,
            "reference": str,
            "merged_at": str,
        },
        pk=("partner", "host"),
    )
    db.table("partner_findings").create_index(["host"])


def _m008(db: sqlite_utils.Database) -> None:
    for column in ("decision", "label", "judged"):
        db.table("overrides").add_column(column, str)
    # What the desk asks of millions of rows.
    for table, columns in (
        ("sites", ["category", "probability"]),
        ("sites", ["first_seen", "category"]),
        ("mentions", ["registered_domain"]),
        ("listings", ["list", "tier", "removed_at"]),
        ("pages", ["via"]),
        ("ips", ["country"]),
    ):
        db.table(table).create_index(columns)


def _m009(db: sqlite_utils.Database) -> None:
    db.execute("ALTER TABLE frontier ADD COLUMN kind TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE frontier ADD COLUMN network TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE frontier ADD COLUMN worth REAL NOT NULL DEFAULT 0")
    db.execute("UPDATE frontier SET worth = priority")
    db.execute("DROP INDEX idx_frontier_best")
    db.execute(
        "CREATE INDEX idx_frontier_best ON frontier (purpose, tries, worth DESC, url)"
        " WHERE state = 'queued'"
    )
    db.create_table("harvest", {"kind": str, "fetched": int, "found": int}, pk="kind")


def _m010(db: sqlite_utils.Database) -> None:
    make = db.create_table
    make(
        "network_counts",
        {"country": str, "asn": int, "as_name": str, "hosts": int, "first_seen": str},
        pk=("country", "asn", "as_name"),
    )
    make(
        "registrar_counts",
        {
            "registrar": str,
            "abuse_contact": str,
            "domains": int,
            "oldest": str,
            "newest": str,
        },
        pk="registrar",
    )
    make(
        "report_counts",
        {"report_id": str, "accused": int, "scams": int, "listed": int},
        pk="report_id",
        foreign_keys=[("report_id", "reports", "id")],
    )
    make(
        "second_looks",
        {
            "domain": str,
            "tier": str,
            "innocent_pages": int,
            "signals": int,
            "registered": str,
        },
        pk=("domain", "tier"),
    )
    scams = "category IN ('gambling', 'investment', 'other_scam')"
    for column in ("first_seen", "last_checked"):
        db.execute(f"CREATE INDEX idx_sites_scam_{column} ON sites ({column}) WHERE {scams}")
    db.table("pages").create_index(["host", "category"])
    db.execute("DROP INDEX idx_pages_host")
    db.execute("DROP INDEX idx_sites_first_seen_category")


MIGRATIONS: tuple[Callable[[sqlite_utils.Database], None], ...] = (
    _m001,
    _m002,
    _m003,
    _m004,
    _m005,
    _m006,
    _m007,
    _m008,
    _m009,
    _m010,
)
SCHEMA_VERSION = len(MIGRATIONS)
