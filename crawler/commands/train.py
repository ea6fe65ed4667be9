"""`train`: a model from labelled pages."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from blocklists.reading import open_list, read_names
from crawler.commands import die, now
from crawler.detect import evaluate, training
from crawler.detect.model import ARTEFACT, FAMILIES, to_bytes
from crawler.outcome import Exit


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(ARTEFACT),
    show_default=True,
    help="Where to write the model.",
)
@click.option(
    "--names",
    "lists",
    multiple=True,
    metavar="LABEL=FILE",
    help="A list of host names that are gambling, investment or benign; in any format of compile.",
)
@click.option(
    "--unseen",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Labelled pages not looked at while terms and signals were made; they alone calibrate.",
)
@click.option("--date", default="", help="The date to store, of today when absent (YYYY-MM-DD).")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def train(
    output: Path,
    lists: tuple[str, ...],
    unseen: tuple[Path, ...],
    date: str,
    files: tuple[Path, ...],
) -> None:
    """Learn a model from labelled pages, in the form that evaluate reads.

    \b
    Example:
      scamtrail train pages.jsonl --names gambling=hosts.txt --names benign=top.txt.gz
      scamtrail evaluate --model model.npz other-pages.jsonl
    """
    names = [(name, label) for given in lists for name, label in _names(given)]
    examples, unlooked = _examples(files), _examples(unseen)
    try:
        trained = training.train(
            examples, names, unseen=unlooked, trained_on=date or f"{now():%Y-%m-%d}"
        )
    except ImportError:
        die(Exit.USAGE, "scikit-learn is not installed; pip install 'scamtrail[train]'")
    except ValueError as error:
        die(Exit.USAGE, error)
    body = to_bytes(trained)
    output.write_bytes(body)
    scales = ", ".join(f"{name} {trained.scales[name]:.2f}" for name in FAMILIES)
    pages = len(examples) + len(unlooked)
    click.echo(f"{output}: {len(body):,} bytes from {pages:,} pages, {len(names):,} names")
    click.echo(f"prior {trained.prior:+.2f}; scales: {scales}")


def _examples(files: Iterable[Path]) -> list[evaluate.Example]:
    examples: list[evaluate.Example] = []
    for path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                examples += evaluate.examples(lines)
        except evaluate.EvaluateError as error:
            raise click.UsageError(f"{path}: {error}") from error
    return examples


def _names(given: str) -> Iterator[tuple[str, str]]:
    label, _, file = given.partition("=")
    if label not in evaluate.LABELS or not file:
        raise click.UsageError(
            f"--names {given}: no LABEL=FILE with a label of {', '.join(evaluate.LABELS)}"
        )
    try:
        read = read_names(open_list(Path(file)))
    except (OSError, gzip.BadGzipFile, zlib.error) as error:
        raise click.UsageError(f"--names {given}: {error}") from error
    for name in sorted(read.covers | read.alone):
        yield name, label
