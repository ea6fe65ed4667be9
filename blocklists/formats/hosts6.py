"""hosts(5) with the unspecified IPv6 address, to go beside `hosts.txt`."""

from collections.abc import Iterable, Iterator

from blocklists.formats.hosts import lines_of, names_of
from blocklists.registry import Entry, Header, format


@format(
    "hosts6",
    extension="txt",
    media_type="text/plain",
    consumers="hosts(5) where IPv6 is in use",
    subscribe="curl -fsS {url} | sudo tee -a /etc/hosts",
    reads=r":: (?P<exact>[a-z0-9._-]+)",
    block=lines_of("::"),
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """As `hosts.txt`, for AAAA queries."""
    yield from header.commented("#")
    for entry in entries:
        yield from (f":: {name}" for name in names_of(entry))
