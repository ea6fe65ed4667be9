"""CSV and TSV: finds the columns that hold addresses, or takes the one that is named."""

import csv
import io
import re
from collections.abc import Sequence

from crawler.reports import text as prose
from crawler.reports.refang import extract, refang
from crawler.reports.registry import Content, Passage, ReportError, Source, reader

MAX_ROWS = 1_000_000
MAX_CELL = 5_000
MAX_PROBLEMS = 20
_SAMPLE = 200
# A column counts as one of addresses when this share of its filled cells holds one, or when its
# name says so and any cell does.
_SHARE = 0.5
_NAMED = re.compile(
    r"\b(?:url|uri|domain|host|fqdn|web ?(?:site|page)?|site|homepage|link)s?\b"
    r"|网址|網址|域名|网站|網站|tên miền|trang web|เว็บ|situs|laman",
    re.I,
)


def _sniff(source: Source) -> float:
    head = source.text[:20_000].splitlines()[:_SAMPLE]
    delimiter = _delimiter(head)
    if delimiter == "|" and any(re.match(r"\s*\|?\s*:?-{3,}", line) for line in head):
        return 0.0  # a table in Markdown
    rows = [row for row in csv.reader(head, delimiter=delimiter) if row] if delimiter else []
    if len(rows) < 2:
        return 0.0
    widths = [len(row) for row in rows[:-1]]
    usual = max(set(widths), key=widths.count)
    alike = widths.count(usual) / len(widths)
    return 0.4 + 0.4 * alike if usual > 1 and alike > 0.8 else 0.0


def _delimiter(head: Sequence[str]) -> str:
    """The separator that splits most lines into the same number of fields, "" for none."""
    best, score = "", 0.0
    for delimiter in ("\t", ";", ",", "|"):
        counts = [line.count(delimiter) for line in head if line.strip()]
        if not counts or not max(counts):
            continue
        usual = max(set(counts), key=counts.count)
        share = counts.count(usual) / len(counts) if usual else 0.0
        if share > score:
            best, score = delimiter, share
    return best


@reader("csv", sniff=_sniff)
def read(source: Source) -> Content:
    """Each cell of the address columns is an entry of a list.

    Without such a column the addresses in its text count as in prose. Raises ReportError, naming
    the line of the header, when there are none.
    """
    text = source.text.replace("\x00", "")
    delimiter = _delimiter(text[:20_000].splitlines()[:_SAMPLE]) or ","
    csv.field_size_limit(1_000_000)
    parsed = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    problems: list[str] = []
    while len(rows) < MAX_ROWS:
        try:
            row = next(parsed)
        except StopIteration:
            break
        except csv.Error as error:
            if len(problems) < MAX_PROBLEMS:
                problems.append(f"line {parsed.line_num}: {error}; the line was left out")
            continue
        if any(cell.strip() for cell in row):
            rows.append((parsed.line_num, row))
    else:
        problems.append(f"more than {MAX_ROWS:,} rows; the rest was left out, split the file")
    try:
        return from_rows(rows, source, problems)
    except ReportError:
        if source.column or not any(extract(refang(text))):
            raise
        return prose.read(source)


def from_rows(
    rows: Sequence[tuple[int, Sequence[str]]], source: Source, problems: Sequence[str] = ()
) -> Content:
    """The content of a table given as (line, cells); the first row may be a header."""
    if not rows:
        raise ReportError(f"{source.name}:1: a table of empty cells; leave it out")
    line, header = rows[0]
    names = [cell.strip() for cell in header]
    chosen = _named(names, line, source) if source.column else _columns(rows)
    if not chosen:
        shown = ", ".join(repr(name[:30]) for name in names[:8])
        raise ReportError(
            f"{source.name}:{line}: no URL or domain in columns {shown}; "
            "name the column with --column"
        )
    passages = [
        Passage(row[index][:MAX_CELL], number, listed=True)
        for number, row in rows
        for index in chosen
        if index < len(row) and row[index].strip()
    ]
    body = "\n".join("\t".join(cells) for _, cells in rows[:2_000])
    return Content(
        title=source.name.rpartition("/")[2],
        body=body,
        passages=tuple(passages),
        problems=tuple(problems),
    )


def _named(names: Sequence[str], line: int, source: Source) -> list[int]:
    wanted = (source.column or "").casefold()
    found = [index for index, name in enumerate(names) if name.casefold() == wanted]
    if not found:
        shown = ", ".join(repr(name[:30]) for name in names[:12])
        raise ReportError(f"{source.name}:{line}: no column {source.column!r}; there are {shown}")
    return found


def _columns(rows: Sequence[tuple[int, Sequence[str]]]) -> list[int]:
    sample = rows[:_SAMPLE]
    width = max(len(row) for _, row in sample)
    chosen: list[int] = []
    for index in range(width):
        cells = [
            row[index] for _, row in sample[1:] or sample if index < len(row) and row[index].strip()
        ]
        hits = sum(any(extract(refang(cell), cell=True)) for cell in cells)
        named = index < len(sample[0][1]) and _NAMED.search(sample[0][1][index].replace("_", " "))
        if hits and (named or hits >= _SHARE * len(cells)):
            chosen.append(index)
    return chosen
