"""One JSON object a line, with the reason of each entry."""

import json
from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for line in lines:
        record = json.loads(line)
        yield record["domain"], record["scope"] == "host"


@format(
    "jsonl",
    stem="entries",
    extension="jsonl",
    media_type="application/jsonl",
    consumers="scripts, SIEMs, analysts",
    subscribe="curl -fsSO {url}",
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """`scope` is `domain` (all below it too) or `host` (itself only); `since` is a date (UTC).

    The form has no comments; the manifest holds what the other files say in theirs.
    """
    for entry in entries:
        yield json.dumps(
            {
                "domain": entry.domain,
                "scope": "host" if entry.exact else "domain",
                "list": entry.list,
                "tier": entry.tier,
                "since": f"{entry.since:%Y-%m-%d}",
                "reason": entry.reason,
            },
            ensure_ascii=False,
        )
