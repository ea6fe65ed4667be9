"""hosts(5) with the unspecified IPv4 address."""

from collections.abc import Iterable, Iterator, Sequence

from blocklists.registry import Block, Entry, Header, format
from blocklists.suffixes import is_suffix


def brings_www(name: str) -> bool:
    """Whether `name`, which covers what is below it, is a registered domain.

    A hosts file knows no wildcard, so the `www.` of such a name comes along.
    """
    parent = name.partition(".")[2]
    return len(name) < 250 and ("." not in parent or is_suffix(parent))


def names_of(entry: Entry) -> tuple[str, ...]:
    """The exact names that stand for an entry."""
    if entry.exact or not brings_www(entry.domain):
        return (entry.domain,)
    return entry.domain, f"www.{entry.domain}"


def lines_of(address: str) -> Block:
    """The lines of many names at once."""

    def block(names: Sequence[str], exact: bool) -> str:
        return "\n".join(
            [
                f"{address} {name}"
                if exact or not brings_www(name)
                else f"{address} {name}\n{address} www.{name}"
                for name in names
            ]
        )

    return block


@format(
    "hosts",
    extension="txt",
    media_type="text/plain",
    consumers="hosts(5), Pi-hole, pfBlockerNG, uBlock Origin",
    subscribe="curl -fsS {url} | sudo tee -a /etc/hosts",
    reads=r"0\.0\.0\.0 (?P<exact>[a-z0-9._-]+)",
    block=lines_of("0.0.0.0"),
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Exact names only: other names below a listed domain are not blocked by a hosts file."""
    yield from header.commented("#")
    for entry in entries:
        yield from (f"0.0.0.0 {name}" for name in names_of(entry))
