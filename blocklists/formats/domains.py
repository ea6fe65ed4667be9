"""Plain names."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "domains",
    covers="{}",
    alone="{}",
    consumers="scripts, NextDNS, firewalls, Pi-hole (exact names)",
    subscribe="curl -fsSO {url}",
)
def preamble(header: Header) -> Iterator[str]:
    """One name a line. Readers that match suffixes should take `wildcard.txt` instead."""
    yield from header.commented("#")
