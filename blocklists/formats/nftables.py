"""nftables sets of addresses that serve listed sites and nothing else."""

import re
from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format

_ELEMENT = re.compile(r"([0-9a-f.:]+),")
_FRAME = re.compile(r"(?:add|flush) (?:table|set|element) inet filter.*|\}")


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for number, line in enumerate(lines, 1):
        if match := _ELEMENT.fullmatch(line):
            yield match[1], True
        elif line and line[0] != "#" and not _FRAME.fullmatch(line):
            raise ValueError(f"line {number} is none of ours: {line[:80]!r}")


@format(
    "nftables",
    extension="nft",
    media_type="text/plain",
    consumers="nftables (dedicated addresses only)",
    subscribe="nft -f {file}; nft add rule inet filter forward ip daddr @scamtrail4 drop  # {url}",
    reads=parse,
    holds=frozenset({"address"}),
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Sets `scamtrail4` and `scamtrail6` in `table inet filter`, emptied and filled in one
    transaction (nft(8), "-f"). Shared addresses are never entries.
    """
    kept = [entry.domain for entry in entries]
    yield from header.commented("#")
    yield "add table inet filter"
    for version in "46":
        addresses = [text for text in kept if (":" in text) == (version == "6")]
        name = f"inet filter scamtrail{version}"
        yield f"add set {name} {{ type ipv{version}_addr; }}"
        yield f"flush set {name}"
        if addresses:
            yield f"add element {name} {{"
            yield from (f"{text}," for text in addresses)
            yield "}"
