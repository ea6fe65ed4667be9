"""hosts(5) with the unspecified IPv6 address, to go beside `hosts.txt`."""

from collections.abc import Iterable, Iterator

from blocklists.formats.hosts import brings_www
from blocklists.registry import Entry, Header, format


@format(
    "hosts6",
    extension="txt",
    media_type="text/plain",
    consumers="hosts(5) where IPv6 is in use",
    subscribe="curl -fsS {url} | sudo tee -a /etc/hosts",
    reads=r":: (?P<exact>[a-z0-9._-]+)",
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """As `hosts.txt`, for AAAA queries."""
    yield from header.commented("#")
    for entry in entries:
        yield f":: {entry.domain}"
        if brings_www(entry):
            yield f":: www.{entry.domain}"
