"""Suricata rules: an alert for each name asked of DNS, or greeted by TLS or HTTP."""

import re
import zlib
from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format

# Signature numbers from here up are for local use in the registry of the SID allocation that
# Suricata's rule sets keep to: 1,000,000–1,999,999. Ours have more names than that range numbers,
# so they start where no public set is, at three thousand million (a SID is 32 bits).
_FIRST = 3_000_000_000
_ROOM = 400_000_000

# Protocol, and the buffer that holds the name.
_BUFFERS = (("dns", "dns.query"), ("tls", "tls.sni"), ("http", "http.host"))

_RULE = re.compile(
    r'alert (?:dns|tls|http) .*; (?:dotprefix; content:"\.([a-z0-9._-]+)"; endswith|'
    r'content:"([a-z0-9._-]+)"; startswith; endswith); .*sid:\d+; rev:1;\)'
)


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for number, line in enumerate(lines, 1):
        if not line or line[0] == "#":
            continue
        match = _RULE.fullmatch(line)
        if not match:
            raise ValueError(f"line {number} is no rule of ours: {line[:80]!r}")
        yield match[1] or match[2], bool(match[2])


@format(
    "suricata",
    extension="rules",
    media_type="text/plain",
    consumers="Suricata (alerts)",
    subscribe="curl -fsSo /var/lib/suricata/rules/{file} {url} && suricata -T",
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Three rules an entry. `dotprefix` with `endswith` is the name and all below it.

    The signature number is made of the name, so an entry keeps it from release to release; of two
    names that make the same one, the later in the list gets the next that is free.
    """
    yield from header.commented("#")
    taken: set[int] = set()
    for entry in entries:
        number = zlib.crc32(entry.domain.encode()) % _ROOM
        while number in taken:
            number = (number + 1) % _ROOM
        taken.add(number)
        match = (
            f'content:"{entry.domain}"; startswith; endswith'
            if entry.exact
            else f'dotprefix; content:".{entry.domain}"; endswith'
        )
        for place, (protocol, buffer) in enumerate(_BUFFERS):
            # The host of HTTP and the name of TLS come in lower case or are made so; DNS is not.
            lower = "" if protocol == "http" else "to_lowercase; "
            yield (
                f'alert {protocol} any any -> any any (msg:"scamtrail {entry.list} {entry.domain}";'
                f" {buffer}; {lower}{match}; classtype:bad-unknown;"
                f" sid:{_FIRST + 3 * number + place}; rev:1;)"
            )
