"""A Suricata dataset of names, for sensors on which a rule an entry is too much."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from blocklists.formats.hosts import names_of
from blocklists.registry import Entry, Header, format


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for number, line in enumerate(lines, 1):
        if line:
            try:
                yield base64.b64decode(line, validate=True).decode("ascii"), True
            except (binascii.Error, UnicodeDecodeError) as error:
                raise ValueError(f"line {number} is no entry: {error}") from error


@format(
    "suricata-dataset",
    stem="suricata",
    extension="lst",
    media_type="text/plain",
    consumers="Suricata (dataset)",
    subscribe="dns.query; to_lowercase; dataset:isset,scamtrail,type string,load {file};  # {url}",
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """A name a line in Base64, as `type string` wants it. A dataset matches whole values, so other
    names below a listed domain are not in it; the form has no comments.
    """
    for entry in entries:
        yield from (base64.b64encode(name.encode()).decode() for name in names_of(entry))
