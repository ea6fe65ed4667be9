"""Whether all is well in a workspace, told from what runs left behind; no network is used."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from blocklists.manifest import ReleaseError, read_manifest
from crawler import stages
from crawler.reports import catalogue
from crawler.reports.catalogue import SourceError
from crawler.scale.queue import RedisAwayError, of
from crawler.store import Store, StoreError, iso, parse_iso
from crawler.store import queries as q
from crawler.store.backup import taken_at
from crawler.store.schema import damaged, kept_backups
from crawler.workspace import Workspace

FREE_BYTES = 1_000_000_000
# Clocks of machines that share a disk differ by less than this.
CLOCK_SLACK = timedelta(minutes=5)
# A database too large to be read through in this time is verified by its backups alone.
CHECK_SECONDS = 20.0
GAPS_SINCE = timedelta(days=7)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level` is ok, note (works without) or fault; `fix` mends it."""

    level: str
    subject: str
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of `runs`; `finished` is None for one under way or killed."""

    id: int
    command: str
    started: datetime
    finished: datetime | None
    exit_code: int | None
    message: str
    stats: dict[str, Any]


def examine(workspace: Workspace, now: datetime, *, thorough: bool = True) -> list[Finding]:
    """The state of one workspace, one finding a subject; `thorough` reads the database through."""
    holder = workspace.holder()
    if not workspace.database.exists():
        missing = damaged(workspace.database, "is gone")
        return [Finding("fault", "findings.db", str(missing)), *_disk(workspace)]
    try:
        with Store(workspace.database, read_only=True) as store:
            found = [
                *_database(workspace, store, holder, thorough),
                *_runs(workspace, store, now, holder),
                *_clock(store, now),
                *_sources(workspace, store, now),
                *_lists(workspace, store, now),
                *_queue(workspace, store),
            ]
    except (StoreError, sqlite3.Error) as error:
        shown = error if isinstance(error, StoreError) else damaged(workspace.database, str(error))
        found = [Finding("fault", "findings.db", str(shown))]
    return [*found, *_backups(workspace, now), *_disk(workspace)]


def runs(store: Store, limit: int = 200) -> list[RunRow]:
    """The newest runs of any command, the newest first."""
    return [
        RunRow(
            row["id"],
            row["command"],
            parse_iso(row["started_at"]) or EPOCH,
            parse_iso(row["finished_at"]),
            row["exit_code"],
            row["message"] or "",
            json.loads(row["stats"] or "{}"),
        )
        for row in q.rows(store, "SELECT * FROM runs ORDER BY id DESC LIMIT ?", (limit,))
    ]


def overdue_sources(workspace: Workspace, store: Store, now: datetime) -> dict[str, str]:
    """Chosen source → "" when fresh, else since when nothing came and why."""
    found: dict[str, str] = {}
    states = q.source_states(store)
    feeds = catalogue.chosen(stages.feeds(workspace), workspace.config.sources.use)
    for feed in feeds:
        state = states.get(feed.name)
        last = state["succeeded_at"] if state else None
        # One missed visit is no fault: a run may come just before its time.
        patience = timedelta(hours=feed.rhythm_hours + workspace.config.schedule.every_hours)
        moment = parse_iso(last)
        fresh = moment is not None and now - moment <= patience
        why = f" ({state['failure']})" if state and state["failure"] else ""
        found[feed.name] = "" if fresh else f"last success {last or 'never'}{why}"
    return found


def _database(workspace: Workspace, store: Store, holder: str, thorough: bool) -> Iterator[Finding]:
    size = workspace.database.stat().st_size
    deadline = time.monotonic() + (CHECK_SECONDS if thorough else 0)
    store.connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        result = store.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        checked = "sound"
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        result, checked = "ok", "not read through here; a backup checks it whole"
    finally:
        store.connection.set_progress_handler(None, 0)
    if result != "ok":
        yield Finding("fault", "findings.db", str(damaged(workspace.database, result)))
    elif not holder and (lock := _write_lock(workspace)):
        yield Finding(
            "fault", "findings.db", lock, "close the program that holds a write lock on it"
        )
    else:
        yield Finding("ok", "findings.db", f"{size / 1e6:,.1f} MB, {checked}")


def _write_lock(workspace: Workspace) -> str:
    """Why nobody can write the database although no run is under way, "" when one can."""
    if not os.access(workspace.database, os.W_OK):
        return ""  # what the disk says
    with closing(sqlite3.connect(workspace.database, timeout=1, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return str(error) if "locked" in str(error) else ""
    return ""


def _runs(workspace: Workspace, store: Store, now: datetime, holder: str) -> Iterator[Finding]:
    every = timedelta(hours=workspace.config.schedule.every_hours)
    rows = runs(store)
    whole = [row for row in rows if row.command == "run"]
    if not rows or not whole:
        yield Finding("note", "runs", "none yet", f"scamtrail run -w {workspace.root}")
        return
    shown = ", ".join(
        f"{row.started:%d %b %R} {'-' if row.exit_code is None else f'exit {row.exit_code}'}"
        for row in whole[:3]
    )
    newest, last = rows[0], whole[0]
    if holder:
        began = f"pid {holder} since {newest.started:%F %R}"
        if newest.finished is None and now - newest.started > every:
            late = "outlived its slot; use --limit-minutes, or raise schedule.every_hours"
            yield Finding("note", "runs", f"{began}, {late}; before: {shown}")
        else:
            yield Finding("ok", "runs", f"{began}; before: {shown}")
    elif newest.finished is None:
        yield Finding(
            "fault",
            "runs",
            f"run {newest.id} ({newest.command}) of {newest.started:%F %R} was killed; "
            "nothing stored is lost",
            f"scamtrail run -w {workspace.root} goes on where it was",
        )
    elif now - last.started > 1.5 * every:
        missed = max(1, (now - last.started) // every)
        yield Finding(
            "fault",
            "runs",
            f"{missed} missed since {last.started:%F %R}; last: {shown}",
            "check cron or systemctl list-timers",
        )
    else:
        starts = [row.started for row in whole if now - row.started < GAPS_SINCE]
        gaps = [old for new, old in pairwise(starts) if new - old > 1.5 * every]
        late = f"; missed some after {gaps[0]:%F %R}" if gaps else ""
        yield Finding("note" if gaps else "ok", "runs", f"last: {shown}{late}")
    done = next((row for row in rows if row.finished), None)
    if done is None:
        return
    failures: dict[str, int] = {}
    for stage in ("crawl", "recheck"):
        for kind, count in done.stats.get(stage, {}).get("failures", {}).items():
            failures[kind] = failures.get(kind, 0) + count
    kinds = sorted(failures.items(), key=lambda item: -item[1])[:9]
    pages = ", ".join(f"{kind} {count}" for kind, count in kinds) or "none"
    if done.exit_code:
        what = f"{done.command} ended with exit {done.exit_code}: {done.message}"
        yield Finding("fault", "failures", what)
    else:
        yield Finding("ok", "failures", f"of pages in the last run: {pages}")


def _clock(store: Store, now: datetime) -> Iterator[Finding]:
    ahead = now + CLOCK_SLACK
    last = next(iter(runs(store, 1)), None)
    if last and (moment := last.finished or last.started) > ahead:
        yield Finding(
            "fault",
            "clock",
            f"went back: it is {now:%F %R} UTC and the last run was at {moment:%F %R}",
            "set the clock by NTP; what bears a later time is looked at again by the next run",
        )
        return
    later = q.count(store, "sites", f"last_checked > '{iso(ahead)}'")
    if later:
        yield Finding("note", "clock", f"{later} hosts were looked at in its future")
    else:
        yield Finding("ok", "clock", f"{now:%F %R} UTC")


def _sources(workspace: Workspace, store: Store, now: datetime) -> Iterator[Finding]:
    try:
        states = overdue_sources(workspace, store, now)
    except SourceError as error:
        yield Finding("fault", "sources", str(error), "mend [sources] or the file it names")
        return
    late = [f"{name}: {why}" for name, why in states.items() if why]
    if not states:
        yield Finding("note", "sources", "none chosen", 'use = ["official"] under [sources]')
    elif late:
        more = f" and {len(late) - 3} more" if len(late) > 3 else ""
        detail = f"{len(late)} of {len(states)} overdue: {'; '.join(late[:3])}{more}"
        level = "fault" if runs(store, 1) else "note"
        yield Finding(level, "sources", detail, f"scamtrail sources -w {workspace.root}")
    else:
        yield Finding("ok", "sources", f"{len(states)} fresh: {', '.join(states)}"[:200])


def _lists(workspace: Workspace, store: Store, now: datetime) -> Iterator[Finding]:
    try:
        manifest = read_manifest(workspace.public)
    except (ReleaseError, OSError) as error:
        yield Finding("fault", "lists", str(error))
        return
    if manifest is None:
        yield Finding("note", "lists", "none published yet", f"scamtrail run -w {workspace.root}")
        return
    counts = ", ".join(
        f"{name} {item.entries:,}"
        for name, item in sorted(manifest.history[0].counts.items())
        if name.startswith("all/")
    )
    checked = next((row.started for row in runs(store) if "publish" in row.stats), None)
    detail = f"serial {manifest.serial} of {manifest.published_at:%F %R}: {counts}"
    limit = max(timedelta(days=1), timedelta(hours=3 * workspace.config.schedule.every_hours))
    if checked is None or now - checked > limit:
        since = f"{checked:%F %R}" if checked else "the last restore"
        yield Finding("fault", "lists", f"{detail}; no publish since {since}", "see runs, failures")
    else:
        yield Finding("ok", "lists", detail)


def _queue(workspace: Workspace, store: Store) -> Iterator[Finding]:
    waiting = f"{q.queue_size(store):,} URLs wait"
    if not workspace.config.scale.redis:
        yield Finding("ok", "queue", waiting)
        return
    try:
        queue = of(workspace)
        alive = queue.alive()
        given, leased, results = queue.sizes("trail")
    except RedisAwayError as error:
        yield Finding("fault", "queue", f"{waiting}; {error}", "start Redis; see docs/scale.md")
        return
    detail = f"{waiting}; {given:,} given out, {leased:,} leased, {results:,} results to store"
    if alive:
        yield Finding("ok", "queue", f"{detail}; {alive} workers")
    else:
        yield Finding("note", "queue", f"{detail}; no workers", "start scamtrail worker")


def _backups(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    every = workspace.config.backup.every_hours
    kept = kept_backups(workspace.database)
    fix = f"scamtrail backup -w {workspace.root}"
    if not kept:
        yield Finding("note", "backup", "none yet", fix)
        return
    age = now - taken_at(kept[0])
    if every and age > timedelta(hours=3 * every):
        yield Finding("fault", "backup", f"{kept[0]} is {age.days} days old", fix)
    else:
        yield Finding("ok", "backup", f"{kept[0]}, {len(kept)} kept")


def _disk(workspace: Workspace) -> Iterator[Finding]:
    root = workspace.root
    free = shutil.disk_usage(root).free
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        yield Finding("fault", "disk", f"{root} is read-only", "mount it for writing; see dmesg")
    elif free < FREE_BYTES:
        yield Finding("fault", "disk", f"{free / 1e6:,.0f} MB free: full soon", "make room")
    else:
        yield Finding("ok", "disk", f"{free / 1e9:,.1f} GB free")
