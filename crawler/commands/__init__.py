"""The commands of `scamtrail`, one file a group, and what they share.

Every click command that a module of this package defines becomes a command of `scamtrail`. To add
one, add a file. What only some commands need is imported when they are called: `compile` and
`check` on many files are started often.
"""

import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.names import normalise_host
from crawler.outcome import Exit, Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from crawler.workspace import Workspace


def now() -> datetime:
    return datetime.now(UTC)


def one_line(text: str) -> str:
    """`text` without control characters, which might steer the terminal that shows it."""
    return "".join(char if char.isprintable() else " " for char in text)


def wide_console() -> "Console":
    """Standard output; where no terminal says how wide it is, nothing is cut or wrapped."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=400)


def die(code: Exit, error: object) -> None:
    click.echo(f"scamtrail: {one_line(str(error))}", err=True)
    sys.exit(code)


def in_workspace(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `-w/--workspace` and hands it the opened Workspace."""

    @click.option(
        "-w",
        "--workspace",
        "folder",
        type=click.Path(path_type=Path),
        default=Path(),
        show_default="the current folder",
        help="The workspace, as made by scamtrail init.",
    )
    @wraps(command)
    def wrapper(folder: Path, *args: Any, **kwargs: Any) -> Any:
        from crawler.store.backup import sqlite_errors
        from crawler.workspace import Workspace

        opened = Workspace.open(folder)
        with sqlite_errors(opened.database):
            return command(opened, *args, **kwargs)

    return wrapper


def staged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `-w`, `--quiet` and `--json` and ends it with its outcome's exit code."""

    @in_workspace
    @click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
    @click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
    @wraps(command)
    def wrapper(opened: "Workspace", quiet: bool, as_json: bool, *args: Any, **kwargs: Any) -> None:
        from crawler.progress import Progress

        progress = Progress(quiet=quiet)
        finish(command(opened, progress, *args, **kwargs), quiet=quiet, as_json=as_json)

    return wrapper


def finish(outcome: Outcome, *, quiet: bool, as_json: bool) -> None:
    """Print an outcome, problems on standard error, and end with its exit code."""
    for problem in (*outcome.problems, outcome.message):
        if problem:
            click.echo(f"scamtrail: {one_line(problem)}", err=True)
    if as_json:
        document = {
            "exit_code": int(outcome.code),
            "message": outcome.message,
            "problems": outcome.problems,
            **outcome.stats,
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    elif not quiet:
        click.echo("\n".join(map(one_line, summary(outcome.stats))))
    raise click.exceptions.Exit(int(outcome.code))


def summary(stats: dict[str, Any]) -> list[str]:
    """The counts of a run in one line a stage."""
    lines: list[str] = []
    for name, value in stats.items():
        if name == "publish":
            what = "new" if value["new"] else "unchanged,"
            lines.append(
                f"published   {what} serial {value['serial']}, {value['refused']} names refused"
            )
            countries = {}
            for place, item in value["lists"].items():
                if place.startswith("policy/"):
                    countries[place.partition("/")[2]] = item["entries"]
                    continue
                change = f" (+{item['added']} -{item['removed']})" if value["new"] else ""
                lines.append(f"            {place}: {item['entries']} entries{change}")
            if countries:
                shown = ", ".join(f"{name} {entries}" for name, entries in countries.items())
                lines.append(f"            policy: {shown}")
            continue
        if name == "files":
            for path, counts in value.items():
                shown = ", ".join(f"{key} {item}" for key, item in counts.items())
                lines.append(f"  {path}: {shown}")
            continue
        parts = []
        for key, item in value.items():
            if isinstance(item, dict):
                item = ", ".join(f"{k} {v}" for k, v in item.items())
                if item:
                    parts.append(f"{key}: {item}")
            elif item not in ("", 0):
                parts.append(f"{key} {item}")
        lines.append(f"{name:<11} {'; '.join(parts) or 'nothing to do'}")
    return lines


limits_options = [
    click.option("--limit-pages", type=click.IntRange(0), default=0, help="Stop after so many."),
    click.option(
        "--limit-minutes", type=click.FloatRange(0), default=0, help="Stop after so long."
    ),
    click.option(
        "--workers",
        type=click.IntRange(0, 64),
        default=0,
        show_default="this process; with [scale] redis those that run elsewhere",
        help="Processes that crawl, a core each.",
    ),
]


def limited(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(limits_options):
        command = option(command)
    return command


force_option = click.option(
    "--force", is_flag=True, help="Publish although the safety stop says no."
)


def host_argument(domain: str) -> str:
    try:
        return normalise_host(domain.split("://")[-1].split("/")[0].replace("[.]", "."))
    except ValueError as error:
        raise click.UsageError(f"{error}; name a domain such as shop.example") from error


def found() -> Iterator[click.Command]:
    """Every command of the package, in the order of their names."""
    commands: dict[str, click.Command] = {}
    for module in pkgutil.iter_modules(__path__):
        commands |= _commands_of(module.name)
    yield from (commands[name] for name in sorted(commands))


def find(name: str) -> click.Command | None:
    """The command of that name; only modules whose text names it are likely to have it."""
    said = re.compile(rf"\b{name.replace('-', '[-_]')}\b")

    def place(module: str) -> tuple[bool, bool]:
        return module != name, not said.search((folder / f"{module}.py").read_text("utf-8"))

    folder = Path(__file__).parent
    for module in sorted((module.name for module in pkgutil.iter_modules(__path__)), key=place):
        if command := _commands_of(module).get(name):
            return command
    return None


def _commands_of(module: str) -> dict[str, click.Command]:
    members = vars(import_module(f"{__name__}.{module}")).values()
    return {item.name or "": item for item in members if isinstance(item, click.Command)}
