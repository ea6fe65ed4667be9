"""Adblock Plus filters, as AdGuard Home and browser extensions read them."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "adblock",
    covers="||{}^",
    alone="://{}^",
    consumers="AdGuard, AdGuard Home, Adblock Plus, Brave",
    subscribe="Filters → DNS blocklists → Add a custom list → {url}",
    comment=("!", "["),
)
def preamble(header: Header) -> Iterator[str]:
    """`||name^`. An exact entry is `://name^`: readers that know nothing but `||` rules skip it.

    Checked with AdGuard's own engine: as a name and as a URL it matches the host alone.
    """
    yield "[Adblock Plus]"
    yield from header.commented("!")
