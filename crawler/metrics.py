"""A workspace in numbers, in the text form that Prometheus reads (exposition format 0.0.4)."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from blocklists.manifest import ReleaseError, read_manifest
from crawler import status
from crawler.store import Store, StoreError, parse_iso
from crawler.store import queries as q
from crawler.store.backup import taken_at
from crawler.store.schema import kept_backups
from crawler.workspace import Clock, Workspace

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """A family of samples: label pairs → value. `kind` is gauge or counter."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[tuple[tuple[str, str], ...], float], ...]


def render(metrics: Iterator[Metric]) -> str:
    """The text that a scrape answers with."""
    lines: list[str] = []
    for item in metrics:
        lines += [f"# HELP {item.name} {item.help}", f"# TYPE {item.name} {item.kind}"]
        for labels, value in item.samples:
            inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            lines.append(
                f"{item.name}{{{inner}}} {value:.15g}" if inner else f"{item.name} {value:.15g}"
            )
    return "\n".join(lines) + "\n"


def collect(workspace: Workspace, now: datetime) -> Iterator[Metric]:
    """What is known now. A database that cannot be read leaves only what needs none."""
    findings = status.examine(workspace, now, thorough=False)
    yield _metric(
        "fault",
        "Whether scamtrail status finds something wrong with a subject.",
        {(("subject", item.subject),): float(item.level == "fault") for item in findings},
    )
    yield _metric("disk_free_bytes", "Free space.", {(): shutil.disk_usage(workspace.root).free})
    yield _metric(
        "run_under_way", "Whether a run holds the lock.", {(): float(bool(workspace.holder()))}
    )
    if backups := kept_backups(workspace.database):
        yield _metric(
            "backup_timestamp_seconds",
            "When the newest backup was made.",
            {(): taken_at(backups[0]).timestamp()},
        )
    yield from _lists(workspace)
    with contextlib.suppress(StoreError), Store(workspace.database, read_only=True) as store:
        yield from _findings(workspace, store)


def _findings(workspace: Workspace, store: Store) -> Iterator[Metric]:
    def grouped(sql: str, label: str) -> dict[tuple[tuple[str, str], ...], float]:
        return {((label, row[0] or "none"),): float(row[1]) for row in q.rows(store, sql)}

    yield _metric("database_bytes", "Size of findings.db.", {(): workspace.database.stat().st_size})
    yield _metric(
        "pages_total", "Pages asked for.", {(): float(q.count(store, "pages"))}, "counter"
    )
    yield _metric(
        "page_failures_total",
        "Pages that gave no answer, by kind of failure.",
        grouped(
            "SELECT substr(failure, 1, instr(failure || ':', ':') - 1), count(*) FROM pages"
            " WHERE failure != '' GROUP BY 1",
            "kind",
        ),
        "counter",
    )
    yield _metric(
        "sites",
        "Hosts by verdict.",
        grouped(
            "SELECT coalesce(category, 'unjudged'), count(*) FROM sites GROUP BY 1", "category"
        ),
    )
    yield _metric("queue_urls", "URLs that wait.", {(): float(q.queue_size(store))})
    yield _metric(
        "source_success_timestamp_seconds",
        "When a source was last read.",
        {
            (("source", name),): moment.timestamp()
            for name, row in q.source_states(store).items()
            if (moment := parse_iso(row["succeeded_at"]))
        },
    )
    ended = [row for row in status.runs(store) if row.command == "run" and row.finished]
    if not ended:
        return
    last = ended[0]
    assert last.finished is not None
    yield _metric("last_run_exit_code", "Exit code of the last run.", {(): last.exit_code or 0})
    yield _metric("last_run_timestamp_seconds", "When it began.", {(): last.started.timestamp()})
    yield _metric(
        "last_run_duration_seconds",
        "How long it took.",
        {(): (last.finished - last.started).total_seconds()},
    )
    if good := next((row for row in ended if row.exit_code == 0), None):
        yield _metric(
            "last_success_timestamp_seconds",
            "When the last run began that ended with exit code 0.",
            {(): good.started.timestamp()},
        )


def _lists(workspace: Workspace) -> Iterator[Metric]:
    try:
        manifest = read_manifest(workspace.public, verify=False)
    except ReleaseError:
        return
    if manifest is None:
        return
    yield _metric(
        "list_published_timestamp_seconds",
        "When the lists last changed.",
        {(): manifest.published_at.timestamp()},
    )
    places = [tuple(name.rsplit("/", 1)) for name in sorted(manifest.history[0].counts)]
    yield _metric(
        "list_entries",
        "Entries of a list.",
        {
            (("list", name), ("tier", tier)): manifest.history[0].counts[f"{name}/{tier}"].entries
            for name, tier in places
        },
    )


def _metric(
    name: str,
    about: str,
    samples: dict[tuple[tuple[str, str], ...], float],
    kind: str = "gauge",
) -> Metric:
    return Metric(f"scamtrail_{name}", kind, about, tuple(samples.items()))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def write(path: Path, text: str) -> None:
    """Replace `path` in one step, as the textfile collector asks for. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


def application(workspace: Workspace, clock: Clock) -> web.Application:
    """Answers GET /metrics."""

    async def scrape(_: web.Request) -> web.Response:
        text = await asyncio.to_thread(lambda: render(collect(workspace, clock())))
        return web.Response(body=text.encode(), headers={"Content-Type": MEDIA_TYPE})

    app = web.Application(client_max_size=0)
    app.router.add_get("/metrics", scrape)
    return app
