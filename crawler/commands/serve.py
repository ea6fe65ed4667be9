"""Servers for analysts and for pulls: `datasette` and `serve`."""

import asyncio
import secrets
from pathlib import Path

import click

from crawler import desk, serve
from crawler.commands import (
    die,
    in_workspace,
)
from crawler.desk.snapshot import snapshot
from crawler.desk.texts import languages
from crawler.outcome import Exit
from crawler.store import Store, summaries
from crawler.workspace import Workspace


@click.command()
@in_workspace
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
@click.option("--triage", is_flag=True, help="Let whoever opens the printed address decide cases.")
@click.option("--language", type=click.Choice(languages()), help="Instead of the browser's own.")
@click.option("--snapshot", "target", type=click.Path(path_type=Path),
              help="Write a copy for publishing to this new file instead.")  # fmt: skip
def datasette(
    opened: Workspace,
    host: str,
    port: int,
    triage: bool,
    language: str | None,
    target: Path | None,
) -> None:
    """Open the findings in Datasette: dashboard, sites, operations, triage, queries.

    \b
    Examples:
      scamtrail datasette -w my-watch
      scamtrail datasette -w my-watch --triage           (decide cases)
      scamtrail datasette -w my-watch --snapshot out.db  (then: datasette -i out.db)
    """
    if target is not None:
        size = snapshot(opened.database, target)
        click.echo(f"{target}: {size:,} bytes; serve it with datasette serve -i {target}")
        return
    try:
        from datasette.cli import cli
        from datasette.plugins import pm
    except ModuleNotFoundError:
        die(Exit.USAGE, "datasette is not installed; pip install 'scamtrail[desk]'")
    from crawler.desk import plugin

    if not pm.is_registered(plugin):
        pm.register(plugin, "scamtrail")
    token = secrets.token_urlsafe(24) if triage else ""
    plugin.settings = desk.Settings(token=token, language=language or "")
    # Brings schema, counts and what SQLite's planner knows up to date; Datasette only reads.
    with Store(opened.database) as store:
        store.learn()
        summaries.refresh(store)
    if triage:
        page = f"http://{host}:{port}/{opened.database.stem}/-/triage?token={token}"
        click.echo(f"decide cases at {page}")
    cli.main(desk.serve_command(opened.database, host, port), prog_name="datasette")


@click.command("serve")
@in_workspace
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--connections", type=click.IntRange(1), default=512, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=300, show_default=True,
              help="The longest life of a connection.")  # fmt: skip
def serve_command(
    opened: Workspace, host: str, port: int, connections: int, seconds: float
) -> None:
    """Serve public/ for pulls: ETag and 304, ranges, precompressed gzip and brotli.

    \b
    For small sites, and behind a web server that speaks TLS; see docs/isp.md.
    """

    def ready(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        click.echo(f"serving {opened.public} at http://{shown}:{number}/")

    asyncio.run(
        serve.serve(
            serve.application(opened.public),
            host,
            port,
            connections=connections,
            seconds=seconds,
            ready=ready,
        )
    )
