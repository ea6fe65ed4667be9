"""A Surge DOMAIN-SET."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "surge",
    covers=".{}",
    alone="{}",
    extension="list",
    consumers="Surge, Shadowrocket",
    subscribe="DOMAIN-SET,{url},REJECT",
)
def preamble(header: Header) -> Iterator[str]:
    """`.name` is the name and all below it, `name` itself only."""
    yield from header.commented("#")
