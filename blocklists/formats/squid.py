"""A file for Squid's `dstdomain` ACL."""

from collections.abc import Iterator

from blocklists.registry import Header, line_format


@line_format(
    "squid",
    covers=".{}",
    alone="{}",
    extension="acl",
    consumers="Squid",
    subscribe='acl scamtrail dstdomain "/etc/squid/{file}"',
)
def preamble(header: Header) -> Iterator[str]:
    """`.name` is the name and all below it, `name` itself only; none stands under another."""
    yield from header.commented("#")
