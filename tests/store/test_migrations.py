"""Every earlier database is brought up to date with all its rows; a newer one is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crawler.store import SCHEMA_VERSION, Store, StoreError
from support import query, scamtrail

VERSIONS = Path(__file__).parent / "versions"


def load(version: int, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript((VERSIONS / f"{version:03}.sql").read_text("utf-8"))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        tables = [
            row[0]
            for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if "_fts" not in row[0]
        ]
        return {
            name: [dict(row) for row in db.execute(f"SELECT * FROM [{name}] ORDER BY 1, 2")]
            for name in tables
        }


def schema(path: Path) -> set[tuple[str, str]]:
    """Tables with their columns, and indexes, views and triggers by name."""
    with closing(sqlite3.connect(path)) as db:
        found = {
            (kind, name)
            for kind, name in db.execute("SELECT type, name FROM sqlite_master")
            if not name.startswith("sqlite_")
        }
        for _, name in [item for item in found if item[0] == "table"]:
            for row in db.execute(f"PRAGMA table_info([{name}])"):
                found.add((f"column {name}", f"{row[1]} {row[2]} {row[3]} {row[5]}"))
        return found


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_earlier_database_keeps_every_row_and_gets_the_new_form(
    version: int, tmp_path: Path
) -> None:
    path = tmp_path / "findings.db"
    load(version, path)
    before = contents(path)
    assert all(len(rows) == 3 for rows in before.values()), "a kept table is not empty"
    Store(path).close()
    after = contents(path)
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for old, new in zip(rows, after[table], strict=True):
            assert {name: new[name] for name in old if name in new} == {
                name: value for name, value in old.items() if name in new
            }, table
    fresh = tmp_path / "fresh.db"
    Store(fresh).close()
    assert schema(path) == schema(fresh)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        found = db.execute("SELECT rowid FROM pages_fts WHERE pages_fts MATCH '\"title 2\"'")
        assert found.fetchall() == [(2,)]


def test_the_command_upgrades_and_status_says_that_it_will(tmp_path: Path) -> None:
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    for file in root.glob("findings.db*"):
        file.unlink()
    load(1, root / "findings.db")
    done = scamtrail("status", "-w", root, "--quiet")
    assert "schema version 1 is older" in done.stdout and "the next run" in done.stdout
    assert scamtrail("link", "-w", root).returncode == 0
    assert query(root, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "findings.db"
    load(1, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"newer than this program's .*; update scamtrail"):
            Store(path, read_only=read_only)
    assert path.read_bytes()[100:] == before[100:]
