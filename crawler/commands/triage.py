"""Cases for a person and what was decided: `triage` and `decisions`."""

import json
from typing import IO

import click
from rich.console import Console
from rich.table import Table

from crawler.commands import in_workspace, now
from crawler.desk import triage
from crawler.explain import plain
from crawler.store import Store
from crawler.workspace import Workspace


@click.command("triage")
@in_workspace
@click.option("--limit", type=click.IntRange(1, 1_000), default=triage.PAGE, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case.")
def triage_command(opened: Workspace, limit: int, as_json: bool) -> None:
    """Cases that need a person, the most useful decision first.

    \b
    Decide them with scamtrail allow or deny, or in the browser:
      scamtrail datasette --triage
    """
    with Store(opened.database) as store:
        cases = triage.queue(store, now(), limit)
    if as_json:
        for case in cases:
            click.echo(json.dumps(case, ensure_ascii=False))
        return
    table = Table("value", "site", "verdict", "p", "reports", "strongest evidence", "missing")
    for case in cases:
        strongest = next(iter(case["evidence"]), None)
        table.add_row(
            f"{case['value']:.2f}",
            plain(case["host"]),
            f"{case['category']} / {case['kind'] or ''}",
            f"{case['probability']:.3f}",
            str(case["reports"]),
            f"{strongest['weight']:+.2f} {strongest['signal']}" if strongest else "",
            plain(case["missing"] or "", 60),
        )
    Console().print(table if cases else "nothing waits for a decision")


@click.command("decisions")
@in_workspace
@click.option("-o", "--output", type=click.File("w", encoding="utf-8"), default="-",
              help="A file instead of standard output.")  # fmt: skip
def decisions_command(opened: Workspace, output: IO[str]) -> None:
    """Decisions as labelled pages, a JSON object a line: for evaluate and train.

    \b
    Example:
      scamtrail decisions -w my-watch -o decided.jsonl && scamtrail evaluate decided.jsonl
    """
    count = 0
    with Store(opened.database) as store:
        for example in triage.examples(store):
            output.write(json.dumps(example, ensure_ascii=False) + "\n")
            count += 1
    click.echo(f"{count} labelled pages", err=True)
