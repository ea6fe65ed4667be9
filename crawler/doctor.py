"""What is installed, reachable and stale in a workspace, with the fix for each fault."""

import importlib.metadata
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from blocklists.manifest import ReleaseError, read_manifest
from crawler.net import Resolver
from crawler.store import Store, StoreError, parse_iso
from crawler.store import queries as q
from crawler.workspace import Workspace

# A workspace whose last run is older was forgotten by cron.
STALE_RUN = timedelta(days=1)
STALE_LISTS = timedelta(days=7)
FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level` is ok, note (works without) or fault; `fix` mends it."""

    level: str
    subject: str
    detail: str
    fix: str = ""


def installed() -> Iterator[Finding]:
    """The parts that need no workspace."""
    for name, fix in (("scrapy", ""), ("datasette", "pip install 'scamtrail[desk]'")):
        try:
            yield Finding("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("note", name, "not installed; the analysts' view needs it", fix)
    with sqlite3.connect(":memory:") as db:
        try:
            db.execute("CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'trigram')")
            yield Finding("ok", "SQLite", f"{sqlite3.sqlite_version} with FTS5")
        except sqlite3.OperationalError as error:
            yield Finding(
                "fault", "SQLite", f"{sqlite3.sqlite_version}: {error}", "use SQLite 3.34 or newer"
            )
    for program, package in (("named-checkzone", "bind9-utils"), ("dnsmasq", "dnsmasq-base")):
        if path := shutil.which(program):
            yield Finding("ok", program, path)
        else:
            yield Finding(
                "note",
                program,
                "not installed; only tests of the lists use it",
                f"apt-get install {package}",
            )


async def examine(workspace: Workspace, now: datetime) -> list[Finding]:
    """Everything about one workspace, and the parts installed."""
    findings = list(installed())
    findings.append(Finding("ok", "configuration", str(workspace.root)))
    free = shutil.disk_usage(workspace.root).free
    findings.append(
        Finding("ok", "disk", f"{free / 1e9:.1f} GB free")
        if free >= FREE_BYTES
        else Finding("fault", "disk", f"{free / 1e6:.0f} MB free", "make room")
    )
    if "set network.user_agent" in workspace.config.network.user_agent:
        findings.append(
            Finding("note", "contact", "the crawler names no contact", "set network.user_agent")
        )
    findings += _database(workspace, now)
    findings += _lists(workspace, now)
    resolver: Resolver = workspace.resolver()
    servers = ", ".join(workspace.config.network.dns) or "the system's resolvers"
    answer = await resolver.query(".", "NS")
    if answer.failure in ("", "nodata", "nxdomain"):
        findings.append(Finding("ok", "DNS", servers))
    else:
        findings.append(
            Finding("fault", "DNS", f"{servers}: {answer.failure}", "check network.dns")
        )
    return findings


def _database(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    try:
        with Store(workspace.database) as store:
            waiting = q.queue_size(store)
            last = q.rows(
                store,
                "SELECT started_at, finished_at, exit_code, message FROM runs"
                " WHERE command = 'run' ORDER BY id DESC LIMIT 1",
            )
    except StoreError as error:
        yield Finding("fault", "findings.db", str(error))
        return
    yield Finding("ok", "findings.db", f"{waiting:,} URLs wait")
    if not last:
        yield Finding("note", "last run", "none yet", f"scamtrail run -w {workspace.root}")
        return
    started = parse_iso(last[0]["started_at"]) or now
    if last[0]["finished_at"] is None:
        yield Finding("note", "last run", f"began {started:%F %R}, under way or killed")
    elif last[0]["exit_code"]:
        yield Finding("fault", "last run", f"exit {last[0]['exit_code']}: {last[0]['message']}")
    elif now - started > STALE_RUN:
        yield Finding("fault", "last run", f"began {started:%F %R}", "check cron")
    else:
        yield Finding("ok", "last run", f"began {started:%F %R}")


def _lists(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    try:
        manifest = read_manifest(workspace.public)
    except ReleaseError as error:
        yield Finding("fault", "lists", str(error))
        return
    if manifest is None:
        yield Finding("note", "lists", "none published yet", f"scamtrail run -w {workspace.root}")
    elif now - manifest.published_at > STALE_LISTS:
        yield Finding("note", "lists", f"serial {manifest.serial}, unchanged for over a week")
    else:
        yield Finding("ok", "lists", f"serial {manifest.serial}")
