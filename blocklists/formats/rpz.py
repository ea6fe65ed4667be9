"""A DNS response policy zone for BIND, Knot Resolver, PowerDNS Recursor and Unbound."""

import re
from collections.abc import Iterable, Iterator

from blocklists.registry import LONGEST_NAME, Header, line_format

# An owner name has at most 255 octets on the wire, 253 as text, with the zone's own name at its
# end (RFC 1035 §2.3.4). Users name the zone as they like, so room is kept for a name of theirs:
# one owner too long, and BIND refuses the whole zone.
_ROOM_FOR_ZONE = 64
_LONGEST = LONGEST_NAME - len("*.") - len(".") - _ROOM_FOR_ZONE

_RECORD = re.compile(r"(\*\.)?([a-z0-9._-]+) CNAME \.")


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Names with a `*.` record beside their own cover what is below them, others do not."""
    pending = ""
    for number, line in enumerate(lines, 1):
        if not line or line[0] in ";$@":
            continue
        match = _RECORD.fullmatch(line)
        if not match:
            raise ValueError(f"line {number} is no record of ours: {line[:80]!r}")
        name = match[2]
        if match[1]:
            if name != pending:
                raise ValueError(f"line {number} is a wildcard without its name: {line[:80]!r}")
            yield name, False
            pending = ""
        else:
            if pending:
                yield pending, True
            pending = name
    if pending:
        yield pending, True


@line_format(
    "rpz",
    covers="{} CNAME .\n*.{} CNAME .",
    alone="{} CNAME .",
    extension="zone",
    media_type="text/dns",
    consumers="BIND, Knot Resolver, PowerDNS Recursor, Unbound",
    subscribe='response-policy {{ zone "rpz.scamtrail"; }};  # its file: {url}',
    reads=parse,
    longest=_LONGEST,
)
def preamble(header: Header) -> Iterator[str]:
    """`name CNAME .` and `*.name CNAME .`: NXDOMAIN for the name and for all below it.

    Owners are relative, so the zone may have any name of up to 64 characters. An exact entry has
    no wildcard record. (draft-vixie-dnsop-dns-rpz)
    """
    yield from header.commented(";")
    yield "$TTL 300"
    yield f"@ SOA localhost. hostmaster.localhost. {header.serial} 3600 600 604800 300"
    yield "@ NS localhost."
