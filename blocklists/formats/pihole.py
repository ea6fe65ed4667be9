"""A Pi-hole list that mixes both kinds of line that Pi-hole 5.22 and later read."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "pihole",
    covers="||{}^",
    alone="{}",
    consumers="Pi-hole",
    subscribe="Lists → Address → {url} → Add blocklist, then: pihole -g",
)
def preamble(header: Header) -> Iterator[str]:
    """`||name^` blocks the name and all below it, a bare `name` itself only."""
    yield from header.commented("#")
