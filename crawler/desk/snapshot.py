"""A copy of the findings for publishing: one file that nothing changes any more."""

import sqlite3
from contextlib import closing
from pathlib import Path

from crawler.store import StoreError
from crawler.store.schema import describe

# What works on, or says something of people who are no criminals.
_LEFT_OUT = ("frontier", "runs", "appeals")


def snapshot(database: Path, target: Path) -> int:
    """Write the findings as they are now to the new file `target`; returns its bytes.

    Waiting URLs, runs and appeals are left out, and so are the raw answers of registries and the
    authors of decisions, which hold the data of persons. Raises StoreError.
    """
    if target.exists():
        raise StoreError(f"{target}: exists; name a new file")
    part = target.with_suffix(target.suffix + ".part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
            for table in _LEFT_OUT:
                copy.execute(f"DELETE FROM {table}")
            copy.execute("UPDATE whois SET raw = ''")
            copy.execute("UPDATE overrides SET author = ''")
            copy.commit()
            copy.execute("VACUUM")
            copy.execute("ANALYZE")
        part.replace(target)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"{target}: {describe(error)}") from error
    return target.stat().st_size
