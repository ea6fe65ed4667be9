"""Names with a leading asterisk."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "wildcard",
    covers="*.{}",
    alone="{}",
    consumers="Blocky, AdGuard DNS, Technitium, ControlD",
    subscribe="curl -fsSO {url}",
)
def preamble(header: Header) -> Iterator[str]:
    """`*.name` blocks the name and all below it, as its readers take it; `name` is itself only."""
    yield from header.commented("#")
