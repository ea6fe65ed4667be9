"""uBlock Origin static filters."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "ublock",
    covers="||{}^$all",
    alone="://{}^$all",
    consumers="uBlock Origin, AdGuard browser extension",
    subscribe="Dashboard → Filter lists → Import → {url}",
    comment=("!", "["),
)
def preamble(header: Header) -> Iterator[str]:
    """`$all` blocks the page itself and pop-ups too, not only what other pages load."""
    yield "[Adblock Plus]"
    yield from header.commented("!")
