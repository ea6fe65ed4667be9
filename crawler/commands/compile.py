"""`compile`: many lists into one."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from blocklists import recipe as recipes
from blocklists import release
from blocklists.compile import (
    EXCLUDED,
    PROTECTED,
    TOP,
    Barred,
    Compilation,
    compile_lists,
    top_sites,
)
from blocklists.config import PublishConfig
from blocklists.manifest import ReleaseError
from blocklists.reading import open_list, read_line
from blocklists.recipe import Recipe, RecipeError, Source
from blocklists.registry import NAMES, formats
from crawler import reference
from crawler.commands import now

_PLAIN = re.compile(r"(?:[a-z0-9][a-z0-9_]*\.)+[a-z]{2,63}")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("compile")
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path))
@click.option("-c", "--config", "config", type=_FILE,
              help="What to do, as TOML or HostlistCompiler's JSON.")  # fmt: skip
@click.option("--allow", multiple=True, type=_FILE, help="A list of names that stay out.")
@click.option("--top", type=_FILE, help="A ranked list of sites, whose first stay out.")
@click.option("--top-count", type=click.IntRange(1), help="So many of them; 10,000 when absent.")
@click.option("--format", "wanted", multiple=True, help="A list format; all when absent.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.argument("lists", nargs=-1, type=_FILE)
def compile_command(
    folder: Path,
    config: Path | None,
    allow: tuple[Path, ...],
    top: Path | None,
    top_count: int | None,
    wanted: tuple[str, ...],
    as_json: bool,
    lists: tuple[Path, ...],
) -> None:
    """Merge lists of any format into clean, collapsed ones, and say what was dropped and why.

    \b
    Examples:
      scamtrail compile hosts.txt adblock.txt.gz --allow ours.txt -o merged
      scamtrail compile -c lists.toml -o merged
    """
    try:
        given = recipes.load(config) if config else Recipe("scamtrail compiled", ())
    except RecipeError as error:
        raise click.UsageError(str(error)) from error
    recipe = replace(
        given,
        sources=(*given.sources, *(Source(str(path), path) for path in lists)),
        allow=(*given.allow, *allow),
        formats=wanted or given.formats,
        top=top or given.top,
        top_count=top_count or given.top_count,
    )
    if not recipe.sources:
        raise click.UsageError("no list to compile; name files, or a recipe with --config")
    compiled = _compile(recipe)
    about = PublishConfig(
        title=recipe.title, homepage=recipe.homepage, licence=recipe.licence or "see the sources"
    )
    named = [form.name for form in formats().values() if form.holds & NAMES]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        files = release.save(
            compiled, folder, wanted=recipe.formats or named, config=about, now=now()
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
            "too_long": {name: info.omitted for name, info in files.items() if info.omitted},
        }
        click.echo(json.dumps(report, indent=1))
        return
    click.echo(f"{compiled.lines:,} lines, {len(compiled):,} entries in {len(files)} files")
    for why, number in sorted(compiled.dropped.items(), key=lambda item: -item[1]):
        click.echo(f"  {number:>10,} dropped: {why}")


def _compile(recipe: Recipe) -> Compilation:
    sources: dict[str, Source] = {}
    for source in recipe.sources:
        own = frozenset(source.transformations | recipe.transformations)
        sources[_free(source.name, sources)] = replace(source, transformations=own)
    known = reference.default()
    barred = {PROTECTED: Barred(known.known, below=known.near())}
    if recipe.exclude:
        barred[EXCLUDED] = Barred(lambda names: recipes.matching(recipe.exclude, names))
    if recipe.include:
        barred[f"not included by {recipe.title}"] = Barred(
            lambda names: names - recipes.matching(recipe.include, names)
        )
    if recipe.top:
        barred[TOP] = top_sites(islice(_ranked(recipe.top), recipe.top_count))
    return compile_lists(
        {name: open_list(source.path) for name, source in sources.items()},
        allow={str(path): open_list(path) for path in recipe.allow},
        barred=barred,
        recipes=sources,
    )


def _free(name: str, taken: Iterable[str]) -> str:
    """`name`, or with a number where two sources bear it."""
    names = (name, *(f"{name} ({number})" for number in range(2, 10_000)))
    return next(item for item in names if item not in taken)


def _ranked(path: Path) -> Iterator[str]:
    """The names of a list in its order: one a line, or the last column of CSV."""
    for line in b"".join(open_list(path)).decode("utf-8", "replace").splitlines():
        text = line.rpartition(",")[2].strip()
        if _PLAIN.fullmatch(text):
            yield text
        else:
            yield from (name for _, name in read_line(text) if name)
