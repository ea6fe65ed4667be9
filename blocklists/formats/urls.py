"""Addresses of pages on hacked sites, whose hosts are their owners' and are never blocked."""

from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format


@format(
    "urls",
    extension="txt",
    media_type="text/plain",
    consumers="proxies, browsers and scanners that match whole URLs",
    subscribe="curl -fsSO {url}",
    reads=r"(?P<exact>https?://[!-~]+)",
    holds=frozenset({"url"}),
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """One URL a line. Whoever can match names only must not use this list."""
    yield from header.commented("#")
    yield from (entry.domain for entry in entries)
