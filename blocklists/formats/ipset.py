"""An `ipset restore` file of addresses that serve listed sites and nothing else."""

from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format

_SETS = (("scamtrail4", "inet"), ("scamtrail6", "inet6"))


@format(
    "ipset",
    extension="ipset",
    media_type="text/plain",
    consumers="ipset, iptables (dedicated addresses only)",
    subscribe="ipset restore < {file}; "
    "iptables -I FORWARD -m set --match-set scamtrail4 dst -j DROP  # {url}",
    reads=r"(?:create|flush) .*|add scamtrail[46] (?P<exact>[0-9a-f.:]+)",
    holds=frozenset({"address"}),
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Sets `scamtrail4` and `scamtrail6`, emptied and filled. Shared addresses are never entries.

    (ipset(8); lines that start with # are comments in `restore`)
    """
    kept = [entry.domain for entry in entries]
    yield from header.commented("#")
    for name, family in _SETS:
        yield f"create {name} hash:ip family {family} maxelem 1000000 -exist"
        yield f"flush {name}"
        yield from (f"add {name} {text}" for text in kept if (":" in text) == (family == "inet6"))
