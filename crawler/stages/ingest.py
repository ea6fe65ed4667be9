"""Reports in files, folders and at addresses → mentions and candidates."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from crawler import reports
from crawler.net.client import fetch
from crawler.net.connect import NetError
from crawler.store import Store
from crawler.workspace import Workspace

MAX_REPORT_BYTES = 64_000_000


def ingest(
    store: Store,
    paths: Sequence[Path],
    now: datetime,
    *,
    column: str | None = None,
) -> tuple[Counter[str], list[str], dict[str, dict[str, int]]]:
    """Read report files, and folders of them: counts, one line per problem, counts by file."""
    counts: Counter[str] = Counter()
    by_file: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    for path in _files(paths):
        try:
            if path.stat().st_size > MAX_REPORT_BYTES:
                raise reports.ReportError(
                    f"{path}: larger than {MAX_REPORT_BYTES:,} bytes; split it"
                )
            readings = reports.read(path.read_bytes(), name=str(path), now=now, column=column)
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}; check its permissions")
            continue
        except reports.ReportError as error:
            problems.append(str(error))
            continue
        counts["files"] += 1
        here: Counter[str] = Counter()
        for reading in readings:
            problems += reading.problems
            here["reports"] += 1
            here["mentions"] += store.add_report(reading.report, reading.mentions)
            here.update(mention.role.value for mention in reading.mentions)
        counts.update(here)
        by_file[str(path)] = dict(sorted(here.items()))
    return counts, problems, by_file


async def ingest_url(
    workspace: Workspace, store: Store, url: str, now: datetime, column: str | None = None
) -> tuple[Counter[str], list[str]]:
    """Fetch one report or feed and read it; returns counts and one line per problem."""
    try:
        fetched = await fetch(
            url,
            resolver=workspace.resolver(),
            guard=workspace.guard(),
            port_map=workspace.config.network.port_map,
            user_agent=workspace.config.network.user_agent,
        )
        readings = reports.read(fetched.body or b"", name=url, now=now, column=column)
    except NetError as error:
        return Counter(), [f"{url}: not fetched: {error}; check the address, or hand in a file"]
    except reports.ReportError as error:
        return Counter(), [str(error)]
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for reading in readings:
        problems += reading.problems
        counts["reports"] += 1
        counts["mentions"] += store.add_report(reading.report, reading.mentions)
        counts.update(mention.role.value for mention in reading.mentions)
    return counts, problems


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = (item for item in path.rglob("*") if not item.is_dir())
            yield from sorted(item for item in found if not item.name.startswith("."))
        else:
            yield path
