"""Judging pages: `check` and `evaluate`."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crawler import detect, html
from crawler.commands import now
from crawler.config import Config
from crawler.detect import evaluate as measuring
from crawler.explain import plain
from crawler.model import Page, Verdict
from crawler.net.client import fetch
from crawler.net.connect import NetError
from crawler.outcome import Exit
from crawler.workspace import CONFIG_NAME, Workspace


def _read_model(_context: click.Context, _option: click.Parameter, path: Path | None) -> Any:
    try:
        return detect.read_model(path.read_bytes()) if path else detect.load_model()
    except (OSError, detect.ModelError) as error:
        raise click.UsageError(f"{path}: {error}") from error


model_option = click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_read_model,
    help="A model made by train, in place of the shipped one.",
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a page.")
@click.option("--url", default="", help="The address that a file or standard input came from.")
@click.option(
    "-w",
    "--workspace",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="the current folder, if it is one",
    help="The workspace whose resolvers and limits a URL is fetched with.",
)
@model_option
@click.argument("inputs", nargs=-1)
def check(
    as_json: bool, url: str, folder: Path, model: detect.Model, inputs: tuple[str, ...]
) -> None:
    """Judge pages: URLs, files, folders, or - for standard input. Nothing is stored.

    \b
    Examples:
      scamtrail check page.html --url http://site.example/plans
      curl -s http://site.example/ | scamtrail check --url http://site.example/
      scamtrail check http://site.example/
    """
    console = Console(soft_wrap=True)
    failed = False
    for name, page in _pages(inputs or ("-",), url, folder):
        verdict = detect.judge(page, model)
        if as_json:
            click.echo(json.dumps(verdict_document(name, verdict), ensure_ascii=False))
        else:
            print_verdict(console, name, verdict, model)
        failed = failed or bool(page.failure)
    if failed:
        raise click.exceptions.Exit(int(Exit.FAILURES))


def _pages(inputs: tuple[str, ...], url: str, folder: Path) -> Iterator[tuple[str, Page]]:
    for name in inputs:
        if name.startswith(("http://", "https://")):
            yield name, _fetched(name, folder)
        elif name == "-":
            yield "standard input", saved_page(sys.stdin.buffer.read(html.MAX_BYTES + 1), url)
        elif Path(name).is_dir():
            for item in sorted(Path(name).rglob("*")):
                if item.is_file():
                    yield str(item), saved_page(_head(item), url)
        else:
            yield name, saved_page(_head(Path(name)), url)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(html.MAX_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}; name a saved page") from error


def _fetched(url: str, folder: Path) -> Page:
    """The page at `url`, read by the guarded client; a page with its `failure` when it cannot."""
    target = html.canonical_url(url)
    if target is None:
        raise click.UsageError(f"{url}: no address of the web; write http://host/path")
    given = (folder / CONFIG_NAME).exists()
    workspace = Workspace.open(folder) if given else Workspace(folder, Config())
    network = workspace.config.network
    try:
        fetched = asyncio.run(
            fetch(
                target,
                resolver=workspace.resolver(),
                guard=workspace.guard(),
                port_map=network.port_map,
                user_agent=network.user_agent,
            )
        )
    except NetError as error:
        return replace(saved_page(b"", target), failure=str(error))
    return saved_page(fetched.body or b"", target)


def saved_page(body: bytes, url: str) -> Page:
    """A page as if it had just been fetched from `url`."""
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=(),
        body=body,
        document=html.parse(body, url=url),
        fetched_at=now(),
    )


def verdict_document(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "input": name,
        "category": verdict.category.value,
        "kind": verdict.kind,
        "probability": round(verdict.probability, 4),
        "missing": verdict.missing,
        "model": verdict.model,
        "evidence": [
            {
                "signal": item.signal,
                "category": item.category.value,
                "weight": round(item.weight, 4),
                "value": item.value,
                "snippet": item.snippet,
            }
            for item in verdict.evidence
        ],
    }


def print_verdict(console: Console, name: str, verdict: Verdict, model: detect.Model) -> None:
    """The verdict with the sum that made it, so that a reader can do it again by hand."""
    colour = "red" if verdict.category.is_scam else "green"
    colour = "yellow" if verdict.category.value == "unknown" else colour
    kind = f" / {verdict.kind}" if verdict.kind else ""
    console.print(
        plain(name),
        f"[bold {colour}]{verdict.category.value}[/]{kind}",
        f"p={verdict.probability:.3f}",
    )
    table = Table("log-odds", "towards", "signal", "value", "on the page", box=SIMPLE)
    for item in sorted(verdict.evidence, key=lambda item: -abs(item.weight)):
        table.add_row(
            f"{item.weight:+.2f}",
            item.category.value,
            item.signal,
            plain(item.value, 80),
            plain(item.snippet, 100),
        )
    if verdict.evidence:
        console.print(table)
        total = sum(item.weight for item in verdict.evidence)
        console.print(
            f"  {total:+7.2f} in all; "
            f"p = 1 / (1 + e^{-total:.2f}) = {detect.probability(total):.3f};"
            f" a scam from {detect.SCAM}, innocent to {detect.BENIGN}, model {model.version}"
        )
    if verdict.missing:
        console.print(f"          missing: {verdict.missing}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@click.option("--errors", is_flag=True, help="List the misjudged pages with their evidence.")
@model_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def evaluate(as_json: bool, errors: bool, model: detect.Model, file: Path) -> None:
    """Measure the detector on labelled pages.

    \b
    FILE holds a JSON object a line: {"url", "html" or "text", "label"}, label being
    gambling, investment or benign; title, language, sublabel and hard are optional.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = list(measuring.judged(lines, model))
    except measuring.EvaluateError as error:
        raise click.UsageError(f"{file}: {error}") from error
    result = measuring.measure(found)
    wrong = [item for item in found if item.misjudged] if errors else []
    named = [(f"{file}:{item.example.line} {item.example.page.url} is {item.example.label} "
              f"{item.example.sublabel}", item.verdict) for item in wrong]  # fmt: skip
    if as_json:
        if errors:
            result["errors"] = [verdict_document(name, verdict) for name, verdict in named]
        click.echo(json.dumps(result, indent=1, ensure_ascii=False))
        return
    console = Console(soft_wrap=True)
    print_figures(console, result)
    for name, verdict in named:
        print_verdict(console, name, verdict, model)


def print_figures(console: Console, result: dict[str, Any]) -> None:
    columns = ("guilty", "innocent", "precision", "recall", "f1", "false_positive_rate",
               "unknown", "auc", "calibration_error")  # fmt: skip
    table = Table("", *(name.replace("_", " ") for name in columns))
    groups = [("all", result["overall"]), ("hard", result["hard"]), *result["categories"].items()]
    groups += [*result["languages"].items(), *result["sublabels"].items()]
    for name, values in groups:
        shown = ("" if values.get(column) is None else str(values[column]) for column in columns)
        table.add_row(plain(name), *shown)
    console.print(table)
