"""One JSON object a line, with the reason of each entry."""

import json
from collections.abc import Iterable, Iterator

from blocklists.registry import EVERYTHING, Entry, Header, format, scope


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for line in lines:
        record = json.loads(line)
        yield record["domain"], record["scope"] != "domain"


@format(
    "jsonl",
    stem="entries",
    extension="jsonl",
    media_type="application/jsonl",
    consumers="scripts, SIEMs, analysts",
    subscribe="curl -fsSO {url}",
    reads=parse,
    holds=EVERYTHING,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """`scope` is `domain` (all below it too), `host` (itself only), `url` or `address`.

    `since` is a date (UTC).

    The form has no comments; the manifest holds what the other files say in theirs.
    """
    for entry in entries:
        yield json.dumps(
            {
                "domain": entry.domain,
                "scope": scope(entry.domain, entry.exact),
                "list": entry.list,
                "tier": entry.tier,
                "since": f"{entry.since:%Y-%m-%d}",
                "reason": entry.reason,
            },
            ensure_ascii=False,
        )
