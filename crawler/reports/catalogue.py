"""The catalogue of sources: one TOML file a source, shipped or an operator's own. Pure.

title, publisher, country (ISO 3166), licence: what stands beside every entry it leads to.
kind: official or community. status: when its form was seen, or that it is to be checked.
form: json, html, csv, xlsx, text or blocklist. address: where it is; http or https.
rhythm_hours: how often it is fetched. minimum: fewer hosts than this mean that its form changed.
fields: the JSON keys that hold addresses. column: the table's column that does.
paging: { parameter, step, pages } for answers in pages.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

FORMS = ("json", "html", "csv", "xlsx", "text", "blocklist", "pdf")
_REQUIRED = ("title", "publisher", "kind", "form", "address", "licence")


class SourceError(Exception):
    """A source's file or answer cannot be used; one line that names it and the fix."""


@dataclass(frozen=True, slots=True)
class Paging:
    """An answer in pages: `parameter` of the address grows by `step`, for at most `pages`."""

    parameter: str
    step: int
    pages: int


@dataclass(frozen=True, slots=True)
class Feed:
    """A source; see the module's docstring for its fields."""

    name: str
    title: str
    publisher: str
    kind: str
    form: str
    address: str
    licence: str
    country: str = ""
    status: str = "address to be checked"
    rhythm_hours: float = 24.0
    minimum: int = 1
    fields: tuple[str, ...] = ()
    column: str | None = None
    paging: Paging | None = None

    @property
    def host(self) -> str:
        """Where it is published; never a candidate, never an entry."""
        return urlsplit(self.address).hostname or ""

    @property
    def seen(self) -> bool:
        """Whether its address and form were seen at work."""
        return self.status.startswith("seen")

    def pages(self) -> Iterator[str]:
        """The addresses to fetch, one after the other, while they bring something."""
        yield self.address
        if self.paging is None:
            return
        parts = urlsplit(self.address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        for page in range(1, self.paging.pages):
            query[self.paging.parameter] = str(page * self.paging.step)
            yield urlunsplit(parts._replace(query=urlencode(query)))


def shipped() -> tuple[Feed, ...]:
    """The sources that come with the program, by name."""
    folder = files("crawler.reports") / "sources"
    found = [item for item in folder.iterdir() if item.name.endswith(".toml")]
    return tuple(
        parse(item.read_text("utf-8"), item.name.removesuffix(".toml"), item.name)
        for item in sorted(found, key=lambda item: item.name)
    )


def own(folder: Path) -> tuple[Feed, ...]:
    """The operator's own sources in `folder`; none where it does not exist."""
    return tuple(
        parse(path.read_text("utf-8", "replace"), path.stem, str(path))
        for path in sorted(folder.glob("*.toml"))
    )


def parse(text: str, name: str, where: str) -> Feed:
    """A source from its TOML. Raises SourceError naming the file and the fix."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{where}: not valid TOML: {error}") from error
    known = {item.name for item in fields(Feed)} - {"name"}
    if unknown := sorted(set(table) - known):
        raise SourceError(
            f"{where}: unknown key {unknown[0]!r}; keys are {', '.join(sorted(known))}"
        )
    if missing := [key for key in _REQUIRED if not isinstance(table.get(key), str)]:
        raise SourceError(f"{where}: {missing[0]} is missing; give it as a string")
    if table["form"] not in FORMS:
        raise SourceError(f"{where}: form {table['form']!r} is none of {', '.join(FORMS)}")
    if not table["address"].startswith(("http://", "https://")):
        raise SourceError(f"{where}: address must begin with http:// or https://")
    try:
        paging = Paging(**table["paging"]) if "paging" in table else None
        return Feed(
            **{**table, "fields": tuple(table.get("fields", ())), "paging": paging, "name": name}
        )
    except TypeError as error:
        raise SourceError(f"{where}: {error}; see the shipped sources for the form") from error


def chosen(feeds: Sequence[Feed], use: Sequence[str]) -> tuple[Feed, ...]:
    """The feeds that `use` names: by name, `official` (seen at work), `community`, `own`, `all`.

    Raises SourceError for a name that there is not.
    """
    names = {feed.name for feed in feeds}
    groups = {"official", "community", "all"}
    if unknown := [name for name in use if name not in names | groups]:
        raise SourceError(
            f"no source {unknown[0]!r}; scamtrail sources lists them, and groups are "
            f"{', '.join(sorted(groups))}"
        )
    return tuple(
        feed
        for feed in feeds
        if feed.name in use or "all" in use or (feed.kind in use and feed.seen)
    )


def addresses(feed: Feed, body: bytes) -> bytes:
    """What the readers get of an answer: of JSON with named fields only the values of those."""
    if feed.form != "json" or not feed.fields:
        return body
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{feed.name}: not JSON any more ({error}); its form changed") from error
    return "\n".join(_values(document, frozenset(feed.fields), 0)).encode()


def _values(node: Any, wanted: frozenset[str], depth: int) -> Iterator[str]:
    if depth > 40:
        return
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in wanted:
                yield from _strings(value)
            else:
                yield from _values(value, wanted, depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from _values(item, wanted, depth + 1)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
