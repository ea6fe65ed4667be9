"""Little Snitch rule group subscription."""

import json
from collections.abc import Iterable, Iterator

from blocklists.formats.singbox import json_array
from blocklists.registry import Entry, Header, format


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    group = json.loads("\n".join(lines))
    yield from ((name, False) for name in group["denied-remote-domains"])
    yield from ((name, True) for name in group["denied-remote-hosts"])


@format(
    "littlesnitch",
    extension="lsrules",
    media_type="application/json",
    consumers="Little Snitch",
    subscribe="x-littlesnitch:subscribe-rules?url={url}",
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Domains are denied with all below them, hosts alone. The header is the description."""
    kept = list(entries)
    description = " · ".join(f"{name}: {text}" for name, text in header.fields().items())
    yield "{"
    yield f'"name": {json.dumps(header.fields()["Title"])},'
    yield f'"description": {json.dumps(description, ensure_ascii=False)},'
    yield from json_array(
        "denied-remote-domains", (entry.domain for entry in kept if not entry.exact), end=","
    )
    yield from json_array("denied-remote-hosts", (entry.domain for entry in kept if entry.exact))
    yield "}"
