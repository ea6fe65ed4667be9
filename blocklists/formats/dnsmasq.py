"""dnsmasq(8) configuration."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "dnsmasq",
    covers="local=/{}/",
    alone="host-record={},0.0.0.0,::",
    extension="conf",
    consumers="dnsmasq, OpenWrt",
    subscribe="curl -fsSo /etc/dnsmasq.d/scamtrail.conf {url} && dnsmasq --test",
)
def preamble(header: Header) -> Iterator[str]:
    """`local=/name/`: the name and all below it get NXDOMAIN.

    dnsmasq has no exact form for that; an exact entry is a host-record with the unspecified
    addresses, which answers A and AAAA for the name alone.
    """
    yield from header.commented("#")
