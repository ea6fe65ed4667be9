"""`doctor`."""

import asyncio
import json
from dataclasses import asdict

import click

from crawler import doctor
from crawler.commands import (
    in_workspace,
    now,
)
from crawler.outcome import Exit
from crawler.workspace import Workspace


@click.command("doctor")
@in_workspace
@click.option("--json", "as_json", is_flag=True)
def doctor_command(opened: Workspace, as_json: bool) -> None:
    """What is installed, reachable and stale, and the fix for each fault."""
    findings = asyncio.run(doctor.examine(opened, now()))
    for item in findings:
        if as_json:
            click.echo(json.dumps(asdict(item), ensure_ascii=False))
        else:
            fix = f"; {item.fix}" if item.fix else ""
            click.echo(f"{item.level:<6} {item.subject}: {item.detail}{fix}")
    faults = any(item.level == "fault" for item in findings)
    raise click.exceptions.Exit(int(Exit.FAILURES if faults else Exit.DONE))
