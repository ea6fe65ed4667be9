"""Writes NNN.sql: a small database as the first NNN migrations make it, with rows in every table.

    python tests/store/versions/keep.py 7

Run it for the version before a new migration; a file that is there is never written again.
"""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlite_utils

from crawler.store.schema import MIGRATIONS

HERE = Path(__file__).parent


def build(version: int) -> sqlite3.Connection:
    """The database of that version; rows refer to each other by their numbers."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    database = sqlite_utils.Database(connection)
    for migrate in MIGRATIONS[:version]:
        migrate(database)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("BEGIN")
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for table in database.tables:
        if "_fts" in table.name:
            continue
        for number in (1, 2, 3):
            row = {item.name: value(item.name, item.type, number) for item in table.columns}
            names = ", ".join(f"[{name}]" for name in row)
            marks = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO [{table.name}] ({names}) VALUES ({marks})", list(row.values())
            )
    connection.execute("COMMIT")
    return connection


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """The statements that make it again; `iterdump` writes virtual tables in a form that needs a
    second connection, so they are made anew from what they index."""
    kinds = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
    )
    virtual = connection.execute(kinds).fetchall()
    later = []
    for statement in connection.iterdump():
        head = statement[:80]
        if "writable_schema" in head or "sqlite_master" in head or "COMMIT" in head:
            continue
        if head.startswith("CREATE TRIGGER"):
            later.append(statement)
        elif not any(name in head for name, _ in virtual):
            yield statement
    for name, sql in virtual:
        yield f"{sql};"
        yield f"INSERT INTO [{name}] ([{name}]) VALUES ('rebuild');"
    yield from later
    yield "COMMIT;"


def value(name: str, kind: str, number: int) -> object:
    """Something that a column of that name may hold in row `number`."""
    if kind == "INTEGER":
        return number
    if kind == "FLOAT" or kind == "REAL":
        return number / 4
    if name.endswith("_at") or name in ("first_seen", "last_seen", "last_checked", "created"):
        return f"2026-11-2{number}T00:00:00Z"
    if "host" in name or "domain" in name:
        return f"shop{number}.test"
    if "url" in name:
        return f"http://shop{number}.test/"
    if name == "id" or name.endswith("_id"):
        return f"key {number}"
    if name in ("stats", "identifiers", "members"):
        return "{}" if name == "stats" else "[]"
    if name in ("category", "role"):
        return "gambling" if name == "category" else "accused"
    return f"{name} {number}"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = HERE / f"{int(argument):03}.sql"
        if path.exists():
            sys.exit(f"{path} is kept; what was released does not change")
        lines = dump(build(int(argument)))
        version = f"PRAGMA user_version = {int(argument)};"
        path.write_text("\n".join([*lines, version]) + "\n", "utf-8")
        print(path)
