"""`compile`: many lists into one."""

import json
from pathlib import Path

import click

from blocklists import release
from blocklists.compile import compile_lists
from blocklists.config import PublishConfig
from blocklists.manifest import ReleaseError
from blocklists.reading import open_list
from blocklists.registry import formats
from crawler import reference
from crawler.commands import now


@click.command("compile")
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path))
@click.option("--allow", multiple=True, type=click.Path(path_type=Path, exists=True))
@click.option("--format", "wanted", multiple=True, help="A list format; all when absent.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.argument(
    "lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def compile_command(
    folder: Path,
    allow: tuple[Path, ...],
    wanted: tuple[str, ...],
    as_json: bool,
    lists: tuple[Path, ...],
) -> None:
    """Merge lists of any format into clean, collapsed ones, and say what was dropped and why.

    \b
    Example:
      scamtrail compile hosts.txt adblock.txt.gz --allow ours.txt -o merged
    """
    folder.mkdir(parents=True, exist_ok=True)
    compiled = compile_lists(
        {str(path): open_list(path) for path in lists},
        allow={str(path): open_list(path) for path in allow},
        protected=reference.default().reason,
    )
    try:
        files = release.save(
            compiled, folder, wanted=wanted or tuple(formats()), config=PublishConfig(), now=now()
        )
    except ReleaseError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        report = {
            "entries": len(compiled),
            "lines": compiled.lines,
            "dropped": dict(sorted(compiled.dropped.items())),
            "lists": compiled.by_source,
            "files": {name: info.entries for name, info in files.items()},
        }
        click.echo(json.dumps(report, indent=1))
        return
    click.echo(f"{compiled.lines:,} lines, {len(compiled):,} entries in {len(files)} files")
    for why, number in sorted(compiled.dropped.items(), key=lambda item: -item[1]):
        click.echo(f"  {number:>10,} dropped: {why}")
