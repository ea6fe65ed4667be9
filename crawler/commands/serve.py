"""Servers for analysts and for pulls: `datasette` and `serve`."""

import asyncio

import click

from crawler import desk, serve
from crawler.commands import (
    die,
    in_workspace,
)
from crawler.outcome import Exit
from crawler.workspace import Workspace


@click.command()
@in_workspace
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
def datasette(opened: Workspace, host: str, port: int) -> None:
    """Open the findings in Datasette, with descriptions, facets and canned queries."""
    try:
        from datasette.cli import cli as datasette_cli  # type: ignore[import-untyped]
    except ImportError:
        die(Exit.USAGE, "datasette is not installed; pip install 'scamtrail[desk]'")
    datasette_cli.main(desk.serve_command(opened.database, host, port), prog_name="datasette")


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
