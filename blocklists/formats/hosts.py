"""hosts(5) with the unspecified IPv4 address."""

from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format
from blocklists.suffixes import is_suffix


def brings_www(entry: Entry) -> bool:
    """A hosts file knows no wildcard, so a registered domain brings its `www.` along."""
    parent = entry.domain.partition(".")[2]
    return not entry.exact and len(entry.domain) < 250 and ("." not in parent or is_suffix(parent))


@format(
    "hosts",
    extension="txt",
    media_type="text/plain",
    consumers="hosts(5), Pi-hole, pfBlockerNG, uBlock Origin",
    subscribe="curl -fsS {url} | sudo tee -a /etc/hosts",
    reads=r"0\.0\.0\.0 (?P<exact>[a-z0-9._-]+)",
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Exact names only: other names below a listed domain are not blocked by a hosts file."""
    yield from header.commented("#")
    for entry in entries:
        yield f"0.0.0.0 {entry.domain}"
        if brings_www(entry):
            yield f"0.0.0.0 www.{entry.domain}"
