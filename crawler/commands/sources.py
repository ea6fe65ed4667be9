"""Where reports and names come from: `sources` and `discover`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from crawler import stages
from crawler.commands import in_workspace, now
from crawler.cycle import run_record
from crawler.detect.discover import FLOOR, rank
from crawler.names import defang
from crawler.progress import Progress
from crawler.reports import catalogue
from crawler.store import Store
from crawler.store.queries import source_states
from crawler.workspace import Workspace


@click.command("sources")
@in_workspace
@click.option("--json", "as_json", is_flag=True, help="One JSON object a source.")
@click.option(
    "--add", type=click.Path(path_type=Path), help="Add a source of your own from its TOML file."
)
def sources_command(opened: Workspace, as_json: bool, add: Path | None) -> None:
    """The catalogue of sources, with last success, count and freshness.

    \b
    A run fetches those that [sources] use in scamtrail.toml names.
    """
    try:
        if add is not None:
            feed = catalogue.parse(add.read_text("utf-8"), add.stem, str(add))
            opened.sources.mkdir(exist_ok=True)
            (opened.sources / f"{feed.name}.toml").write_text(add.read_text("utf-8"), "utf-8")
            click.echo(f"{feed.name}: added; name it in [sources] use to have it fetched")
            return
        feeds = stages.feeds(opened)
        used = {feed.name for feed in catalogue.chosen(feeds, opened.config.sources.use)}
    except catalogue.SourceError as error:
        raise click.UsageError(str(error)) from error
    with Store(opened.database) as store:
        states = {name: dict(row) for name, row in source_states(store).items()}
    table = Table("source", "publisher", "", "used", "last success", "hosts", "freshness")
    for feed in feeds:
        state = states.get(feed.name, {})
        fresh = freshness(feed, state)
        used_now = "yes" if feed.name in used else ""
        if as_json:
            shown = {**asdict(feed), **state, "used": bool(used_now), "freshness": fresh}
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            table.add_row(
                feed.name, feed.publisher, feed.country, used_now,
                state.get("succeeded_at") or "never", str(state.get("hosts") or ""), fresh,
            )  # fmt: skip
    if not as_json:
        Console().print(table)


def freshness(feed: catalogue.Feed, state: dict[str, Any]) -> str:
    """fresh, stale, failing or never fetched."""
    if not state:
        return "never fetched" if feed.seen else feed.status
    if state["failure"]:
        return f"failing: {state['failure'][:80]}"
    return "stale" if stages.is_due(feed, state["succeeded_at"], now()) else "fresh"


@click.command("discover")
@in_workspace
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--floor", type=float, default=FLOOR, show_default=True, help="Least log-odds.")
@click.option("--dry-run", is_flag=True, help="Only print the ranking; queue nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a name.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def discover_command(
    opened: Workspace, limit: int, floor: float, dry_run: bool, as_json: bool, file: Path
) -> None:
    """Rank new names (one a line) by how much they look like the trade.

    \b
    Names that resolve are queued at low priority, as proposals, until a page
    proves them.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        names = (line.strip().lower().rstrip(".") for line in lines)
        if dry_run:
            ranked = rank(names, floor=floor, limit=limit)
        else:
            with run_record(opened, "discover", now, Progress(quiet=True)) as cycle:
                ranked = cycle.discover(names, limit=limit, floor=floor)
    for item in ranked:
        if as_json:
            click.echo(json.dumps(asdict(item), ensure_ascii=False))
            continue
        click.echo(f"{item.score:6.2f}  {defang(item.name)}  {', '.join(item.reasons)}")
