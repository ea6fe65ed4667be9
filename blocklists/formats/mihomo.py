"""A mihomo (Clash) rule provider with `behavior: domain` and `format: text`."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "mihomo",
    covers="+.{}",
    alone="{}",
    extension="list",
    consumers="mihomo, Clash Verge",
    subscribe="scamtrail: {{ type: http, behavior: domain, format: text, url: {url} }}",
)
def preamble(header: Header) -> Iterator[str]:
    """`+.name` is the name and all below it, `name` itself only."""
    yield from header.commented("#")
