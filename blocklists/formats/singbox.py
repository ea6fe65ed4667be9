"""A sing-box rule set in its source form, version 1 (sing-box 1.8 and later)."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain

from blocklists.registry import Entry, Header, format


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    rules = json.loads("\n".join(lines))["rules"]
    covering = {name.removeprefix(".") for rule in rules for name in rule.get("domain_suffix", ())}
    yield from ((name, False) for name in sorted(covering))
    names = (name for rule in rules for name in rule.get("domain", ()))
    yield from ((name, True) for name in names if name not in covering)


def json_array(name: str, values: Iterable[str], end: str = "") -> Iterator[str]:
    """An array with one value a line, so that the file never stands in memory at once."""
    yield f'"{name}": ['
    previous = ""
    for value in values:
        if previous:
            yield f"{json.dumps(previous)},"
        previous = value
    if previous:
        yield json.dumps(previous)
    yield f"]{end}"


@format(
    "singbox",
    extension="json",
    media_type="application/json",
    consumers="sing-box",
    subscribe='{{ "type": "remote", "tag": "scamtrail", "format": "source", "url": "{url}" }}',
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """Names stand in `domain`, and with a dot before them in `domain_suffix` unless exact.

    A suffix without its dot matches inside labels in version 1, so that form is not used. The
    form has no place for a header; the manifest holds it.
    """
    kept = list(entries)
    if not kept:
        yield '{"version": 1, "rules": []}'
        return
    yield '{"version": 1, "rules": [{'
    suffixes = [f".{entry.domain}" for entry in kept if not entry.exact]
    yield from json_array("domain", (entry.domain for entry in kept), end="," if suffixes else "")
    yield from chain(json_array("domain_suffix", suffixes) if suffixes else ())
    yield "}]}"
