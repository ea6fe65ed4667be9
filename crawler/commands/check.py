"""Judging pages: `check` and `evaluate`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crawler import detect, html
from crawler.commands import now
from crawler.detect import evaluate as measuring
from crawler.explain import plain
from crawler.model import Page, Verdict


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.option("--url", default="", help="The address that a file or standard input came from.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
def check(as_json: bool, url: str, files: tuple[Path, ...]) -> None:
    """Judge saved pages (files, folders, or - for standard input); nothing is stored."""
    model = detect.load_model()
    console = Console(soft_wrap=True)
    for name, body in _inputs(files or (Path("-"),)):
        page = saved_page(body, url or "")
        verdict = detect.judge(page, model)
        if as_json:
            click.echo(json.dumps(verdict_document(name, verdict), ensure_ascii=False))
        else:
            print_verdict(console, name, verdict)


def _inputs(files: tuple[Path, ...]) -> Any:
    for path in files:
        if str(path) == "-":
            yield "standard input", sys.stdin.buffer.read(html.MAX_BYTES + 1)
        elif path.is_dir():
            for item in sorted(path.rglob("*")):
                if item.is_file():
                    yield str(item), _head(item)
        else:
            try:
                yield str(path), _head(path)
            except OSError as error:
                raise click.UsageError(f"{path}: {error.strerror}; name a saved page") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(html.MAX_BYTES + 1)


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


def print_verdict(console: Console, name: str, verdict: Verdict) -> None:
    colour = "red" if verdict.category.is_scam else "green"
    colour = "yellow" if verdict.category.value == "unknown" else colour
    console.print(
        plain(name),
        f"[{colour}]{verdict.category.value}[/] / {verdict.kind}",
        f"p={verdict.probability:.3f}",
        verdict.missing,
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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@click.option("--errors", is_flag=True, help="List the misjudged pages with their evidence.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def evaluate(as_json: bool, errors: bool, file: Path) -> None:
    """Measure the detector on labelled pages.

    \b
    FILE holds a JSON object a line: {"url", "html" or "text", "label"}, label being
    gambling, investment or benign; title, language and sublabel are optional.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = list(measuring.judged(lines, detect.load_model()))
    except measuring.EvaluateError as error:
        raise click.UsageError(f"{file}: {error}") from error
    result = measuring.measure(found)
    if as_json:
        click.echo(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        print_figures(Console(soft_wrap=True), result)
    if errors:
        console = Console(soft_wrap=True)
        for item in measuring.errors(found):
            name = f"{file}:{item.line} {item.url} is {item.label} {item.sublabel}"
            if as_json:
                click.echo(json.dumps(verdict_document(name, item.verdict), ensure_ascii=False))
            else:
                print_verdict(console, name, item.verdict)


def print_figures(console: Console, result: dict[str, Any]) -> None:
    columns = ("guilty", "innocent", "precision", "recall", "f1", "false_positive_rate",
               "unknown", "auc", "calibration_error")  # fmt: skip
    table = Table("", *(name.replace("_", " ") for name in columns))
    groups = [("all", result["overall"]), *result["categories"].items()]
    groups += [*result["languages"].items(), *result["sublabels"].items()]
    for name, values in groups:
        shown = ("" if values.get(column) is None else str(values[column]) for column in columns)
        table.add_row(plain(name), *shown)
    console.print(table)
