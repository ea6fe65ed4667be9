"""The whole cycle and its stages, from `init` and `run` to `publish`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.commands import force_option, limited, now, staged
from crawler.outcome import Limits, Outcome
from crawler.progress import Progress
from crawler.workspace import Workspace

if TYPE_CHECKING:
    from crawler.cycle import Cycle


def _record(opened: Workspace, name: str, progress: Progress) -> "AbstractContextManager[Cycle]":
    """A run's record; what a cycle needs is loaded when the lock is free, else it says so first."""
    with opened.lock():
        pass
    from crawler.cycle import run_record

    return run_record(opened, name, now, progress)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a workspace: scamtrail.toml, reports/, findings.db, public/.

    \b
    Example:
      scamtrail init my-watch && scamtrail run -w my-watch
    """
    Workspace.init(folder)
    click.echo(f"{folder}: ready; put reports into {folder / 'reports'}, then")
    click.echo(f"  scamtrail run -w {folder}")


@click.command("run")
@staged
@limited
@force_option
def run_command(
    opened: Workspace,
    progress: Progress,
    limit_pages: int,
    limit_minutes: float,
    workers: int,
    force: bool,
) -> Outcome:
    """The whole cycle, once: what cron calls.

    \b
    Reads new files in reports/, rechecks what is listed, follows the trail,
    looks up who is behind it, links operations and publishes the lists.
    """
    with _record(opened, "run", progress) as cycle:
        cycle.whole(Limits(limit_pages, limit_minutes, workers), force=force)
    return cycle.outcome


@click.command()
@staged
@click.option("--column", help="The column of a table that holds the addresses.")
@click.argument("files", nargs=-1, required=True)
def ingest(
    opened: Workspace, progress: Progress, column: str | None, files: tuple[str, ...]
) -> Outcome:
    """Read reports (files, folders, or http addresses) and queue what they accuse."""
    with _record(opened, "ingest", progress) as cycle:
        for address in (item for item in files if item.startswith(("http://", "https://"))):
            cycle.ingest_url(address, column)
        cycle.ingest(
            [Path(item) for item in files if not item.startswith(("http://", "https://"))], column
        )
    cycle.outcome.stats["files"] = cycle.outcome.files
    return cycle.outcome


def _stage(
    opened: Workspace,
    progress: Progress,
    name: str,
    act: "Callable[[Cycle], None]",
    *,
    online: bool = False,
) -> Outcome:
    with _record(opened, name, progress) as cycle:
        if not online or cycle.online():
            act(cycle)
    return cycle.outcome


@click.command()
@staged
@limited
def crawl(
    opened: Workspace, progress: Progress, limit_pages: int, limit_minutes: float, workers: int
) -> Outcome:
    """Follow the trail from the queue and judge what is found."""
    limits = Limits(limit_pages, limit_minutes, workers)
    return _stage(opened, progress, "crawl", lambda cycle: cycle.crawl(limits), online=True)


@click.command()
@staged
@limited
def recheck(
    opened: Workspace, progress: Progress, limit_pages: int, limit_minutes: float, workers: int
) -> Outcome:
    """Visit again what is listed and due."""
    limits = Limits(limit_pages, limit_minutes, workers)
    return _stage(
        opened,
        progress,
        "recheck",
        lambda cycle: cycle.crawl(limits, recheck=True),
        online=True,
    )


@click.command()
@staged
def enrich(opened: Workspace, progress: Progress) -> Outcome:
    """Look up registration, DNS, hosting and certificates of suspects."""
    return _stage(opened, progress, "enrich", lambda cycle: cycle.enrich(), online=True)


@click.command()
@staged
def link(opened: Workspace, progress: Progress) -> Outcome:
    """Tie sites into the operations that run them."""
    return _stage(opened, progress, "link", lambda cycle: cycle.link())


@click.command()
@staged
@force_option
def publish(opened: Workspace, progress: Progress, force: bool) -> Outcome:
    """Select, check and write the lists under public/."""
    return _stage(opened, progress, "publish", lambda cycle: cycle.publish(force=force))
