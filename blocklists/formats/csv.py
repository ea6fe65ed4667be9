"""Comma-separated values with the reason of each entry."""

import csv
import io
import re
from collections.abc import Iterable, Iterator

from blocklists.registry import EVERYTHING, Entry, Header, format, scope

COLUMNS = ("domain", "scope", "list", "tier", "since", "reason")


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for row in csv.DictReader(lines):
        yield row["domain"], row["scope"] != "domain"


def cell(text: str) -> str:
    """`text` on one line, and so that no spreadsheet takes it for a formula."""
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain


@format(
    "csv",
    stem="entries",
    extension="csv",
    media_type="text/csv",
    consumers="spreadsheets, analysts",
    subscribe="curl -fsSO {url}",
    reads=parse,
    holds=EVERYTHING,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """RFC 4180 with a header row; `scope` as in `entries.jsonl`.

    The form has no comments; the manifest holds what the other files say in theirs.
    """
    yield ",".join(COLUMNS)
    for entry in entries:
        since = f"{entry.since:%Y-%m-%d}"
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(
            (
                entry.domain,
                scope(entry.domain, entry.exact),
                entry.list,
                entry.tier,
                since,
                cell(entry.reason),
            )
        )
        yield line.getvalue()
