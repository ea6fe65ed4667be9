"""Backups of findings.db: made while it is used, verified before they count, put back whole."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from crawler.store.schema import (
    BACKUPS,
    SCHEMA_VERSION,
    StoreError,
    damaged,
    failure,
    kept_backups,
)

_STAMP = "findings-%Y%m%dT%H%M%SZ.db"


def taken_at(backup: Path) -> datetime:
    """When a backup was made, as its name says. Raises ValueError for another file."""
    return datetime.strptime(backup.name, _STAMP).replace(tzinfo=UTC)


def back_up(database: Path, now: datetime, *, keep: int) -> Path:
    """A verified copy in backups/ beside `database`; the `keep` newest stay. Raises StoreError.

    One step of SQLite's backup API copies a snapshot, so a run that writes meanwhile neither
    waits nor tears it.
    """
    folder = database.parent / BACKUPS
    target = folder / f"{now.astimezone(UTC):{_STAMP}}"
    part = target.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        size = database.stat().st_size
        if shutil.disk_usage(folder).free < 1.1 * size:
            raise StoreError(f"{folder}: no room for a backup of {size:,} bytes; free space")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(part, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        if fault := fault_of(part):
            raise damaged(database, fault)
        _sync(part)
        part.replace(target)
        _sync(folder)
        # Those of the clock's future go first, or they would push out every later one.
        kept = sorted(kept_backups(database), key=lambda item: taken_at(item) > now)
        for old in kept[max(1, keep) :]:
            old.unlink()
    except sqlite3.Error as error:
        raise failure(database, error) from error
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}; check disk and permissions") from error
    finally:
        if os.access(folder, os.W_OK):
            part.unlink(missing_ok=True)
    return target


def fault_of(database: Path) -> str:
    """What is wrong with a database that nobody writes, "" when SQLite finds nothing."""
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)
        ) as db:
            db.execute("SELECT count(*) FROM runs")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                return f"schema version {version} is newer than this program's {SCHEMA_VERSION}"
            (found, *_) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                return str(found)
            if broken := db.execute("PRAGMA foreign_key_check").fetchone():
                return f"a row of {broken[0]} refers to none of {broken[2]}"
    except sqlite3.Error as error:
        return str(error)
    return ""


def restore(database: Path, backup: Path, now: datetime) -> Path | None:
    """Put `backup` in the place of `database`; where what stood there is now, None for nothing.

    The backup is verified first. Interrupted at any point, either the old or the new database is
    there whole. Nobody may have the database open. Raises StoreError.
    """
    if fault := fault_of(backup):
        raise StoreError(f"{backup}: cannot be put back ({fault}); choose another backup")
    part = database.with_suffix(".part")
    aside = database.with_name(f"findings.db.replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    try:
        shutil.copyfile(backup, part)
        if database.exists():
            part.chmod(database.stat().st_mode & 0o777)
        _sync(part)
        # A log that does not belong to the new file would be played into it, so it goes first.
        for ending in ("-wal", "-shm"):
            log = database.with_name(database.name + ending)
            if log.exists():
                log.rename(aside.with_name(aside.name + ending))
        if database.exists():
            os.link(database, aside)
        part.replace(database)
        _sync(database.parent)
    except OSError as error:
        raise StoreError(
            f"{error.filename or database}: {error.strerror}; check disk and permissions"
        ) from error
    return aside if aside.exists() else None


@contextmanager
def sqlite_errors(database: Path) -> Iterator[None]:
    """Turns an error of SQLite's from anywhere in the block into a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise failure(database, error) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
