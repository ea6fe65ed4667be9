"""Why something is listed, and the proof of it: `explain` and `evidence`."""

import json
from pathlib import Path

import click

from crawler.commands import die, host_argument, in_workspace, now, wide_console
from crawler.evidence import archive
from crawler.evidence import pack as packing
from crawler.explain import explain as gather
from crawler.explain import render
from crawler.outcome import Exit
from crawler.store import Store
from crawler.workspace import Workspace


@click.command("explain")
@in_workspace
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@click.argument("domain")
def explain_command(opened: Workspace, as_json: bool, domain: str) -> None:
    """Why DOMAIN is, or is not, listed: trail, evidence, enrichment, operation, history."""
    host = host_argument(domain)
    with Store(opened.database) as store:
        found = gather(store, host)
    if found is None:
        die(Exit.FAILURES, f"{host}: never seen in {opened.database}; name it in a report first")
    elif as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        render(found, wide_console())


@click.command("evidence")
@click.option("-w", "--workspace", "root", type=click.Path(path_type=Path), default=Path())
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="A new folder.")
@click.option("--verify", is_flag=True, help="Check a pack, or a workspace, instead.")
@click.argument("subject")
def evidence_command(root: Path, folder: Path | None, verify: bool, subject: str) -> None:
    """Pack the proof on a domain for a partner, or check a pack.

    \b
    Examples:
      scamtrail evidence shop.example -o pack
      scamtrail evidence --verify pack
      scamtrail evidence --verify my-watch    (all evidence of a workspace)
    """
    if verify:
        _verify(Path(subject))
        return
    if folder is None:
        raise click.UsageError("name a new folder with -o, or check one with --verify")
    opened = Workspace.open(root)
    with Store(opened.database) as store:
        try:
            made = packing.pack(store, host_argument(subject), folder, now())
        except packing.EvidenceError as error:
            die(Exit.FAILURES, error)
    click.echo(
        f"{folder}: {made['captures']} captures, verdict {made['category'] or 'none'}"
        f" {made['probability']:.3f}, chain head {made['chain']['head']}"
    )


def _verify(folder: Path) -> None:
    kept = folder / "evidence"
    if not folder.is_dir():
        raise click.UsageError(f"{folder}: no such folder; name a pack or a workspace")
    problems = list(archive.examine(kept) if kept.is_dir() else packing.verify(folder))
    for problem in problems:
        click.echo(f"scamtrail: {folder}: {problem}", err=True)
    if problems:
        raise click.exceptions.Exit(int(Exit.FAILURES))
    head = archive.head_of(kept) if kept.is_dir() else packing.head_of(folder)
    click.echo(f"{folder}: nothing changed, added or missing; chain head {head}")
