"""`worker`."""

import sys

import click

from crawler.commands import die, in_workspace, now, one_line
from crawler.outcome import Exit
from crawler.workspace import Workspace


@click.command("worker")
@in_workspace
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
def worker_command(opened: Workspace, quiet: bool) -> None:
    """Fetch and judge for a run on another machine, until interrupted.

    \b
    Needs only scamtrail.toml, with [scale] redis as the run has it; keeps nothing, and may begin,
    end or die at any time. See docs/scale.md.
    """
    from crawler.scale.queue import RedisAwayError, of
    from crawler.scale.worker import work

    if not opened.config.scale.redis:
        die(Exit.USAGE, f"{opened.root}/scamtrail.toml: a worker needs [scale] redis")

    def say(text: str) -> None:
        if not (quiet and text.startswith("worker ")):
            click.echo(f"scamtrail: {one_line(text)}", err=True)
            sys.stderr.flush()

    try:
        queue = of(opened)
    except RedisAwayError as error:
        die(Exit.USAGE, error)
    work(opened, queue, now, say)
