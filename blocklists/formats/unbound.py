"""unbound.conf(5) local zones."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "unbound",
    covers='local-zone: "{}." always_nxdomain',
    alone='local-data: "{}. A 0.0.0.0"\nlocal-data: "{}. AAAA ::"',
    extension="conf",
    consumers="Unbound, OPNsense, pfSense",
    subscribe="curl -fsSo /etc/unbound/unbound.conf.d/scamtrail.conf {url} && unbound-checkconf",
    comment=("#", "server:"),
)
def preamble(header: Header) -> Iterator[str]:
    """`always_nxdomain` zones; an exact entry answers with the unspecified addresses instead.

    Local data get no zone of ours, so Unbound makes a `transparent` one: names below an exact
    entry resolve as ever.
    """
    yield from header.commented("#")
    yield "server:"
