"""What a list format is, and the formats that `blocklists/formats` holds."""

import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Protocol


class Entry(Protocol):
    """What a format shows of a `crawler.model.Listing`."""

    @property
    def domain(self) -> str: ...
    @property
    def exact(self) -> bool: ...
    @property
    def list(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Header:
    """What a list says about itself. `published_at` is the release's time, never the clock's."""

    title: str
    licence: str
    homepage: str
    appeal: str
    serial: int
    published_at: datetime
    entries: int
    expires_hours: int = 24

    def fields(self) -> dict[str, str]:
        """The header's lines by name: what is set, on one line each, in printable ASCII."""
        values = {
            "Title": self.title,
            "Licence": self.licence,
            "Homepage": self.homepage,
            "Version": str(self.serial),
            "Last modified": f"{self.published_at:%Y-%m-%dT%H:%M:%SZ}",
            "Expires": f"{self.expires_hours} hours",
            "Entries": str(self.entries),
            "Appeal": self.appeal,
        }
        plain = {n: " ".join(re.sub(r"[^ -~]", " ", text).split()) for n, text in values.items()}
        return {name: text for name, text in plain.items() if text}

    def commented(self, prefix: str) -> Iterator[str]:
        for name, text in self.fields().items():
            yield f"{prefix} {name}: {text}"


Render = Callable[[Iterable[Entry], Header], Iterator[str]]
Parse = Callable[[Iterable[str]], Iterator[tuple[str, bool]]]
Preamble = Callable[[Header], Iterator[str]]
Block = Callable[[Sequence[str], bool], str]


# What an entry can block: a name and all below it, a name itself only, one page, one address.
NAMES = frozenset({"domain", "host"})
EVERYTHING = NAMES | {"url", "address"}


def scope(name: str, exact: bool) -> str:
    """Which of `EVERYTHING` an entry is. No host name has a colon, or digits and dots alone."""
    if not exact:
        return "domain"
    if ":" in name:
        return "url" if "://" in name else "address"
    return "address" if name.replace(".", "").isdigit() else "host"


# RFC 1035 §2.3.4: 255 octets on the wire.
LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a list.

    `render` yields lines without their line ends. `parse` reads such lines back as (name, exact)
    and raises ValueError naming a line that is none of ours. `longest` is the length of the longest
    name that the format can hold; entries with longer ones are left out and counted. `holds` are
    the scopes that it is for; entries of others are none of its own and not counted. `subscribe`
    is what a user types, with `{url}` and `{file}` in it. `block` gives the lines of many names at
    once, all exact or none, where that is what `render` writes after its first lines. `place` gives
    the path of the list with a title, where the files of all lists stand in one folder.
    """

    name: str
    file: str
    media_type: str
    consumers: str
    subscribe: str
    render: Render
    parse: Parse
    longest: int = LONGEST_NAME
    block: Block | None = None
    holds: frozenset[str] = NAMES
    place: Callable[[str], str] | None = None

    def path(self, name: str, title: str) -> str:
        """Where the file of the list `name`, which is `list/tier`, stands below `public/`."""
        return self.place(title) if self.place else f"{name}/{self.file}"

    def takes(self, name: str) -> bool:
        return len(name) <= self.longest or "/" in name


_FORMATS: dict[str, Format] = {}


def format(
    name: str,
    *,
    extension: str,
    media_type: str,
    consumers: str,
    subscribe: str,
    reads: str | Parse,
    stem: str = "",
    comment: str | tuple[str, ...] = "#",
    longest: int = LONGEST_NAME,
    block: Block | None = None,
    holds: frozenset[str] = NAMES,
    place: Callable[[str], str] | None = None,
) -> Callable[[Render], Render]:
    """Registers the decorated `render` as the format `name`, file `stem.extension`.

    `reads` is a parser, or a regular expression for one line whose group `name` is a name that is
    blocked with all below it and whose group `exact` is one that is blocked alone.
    """

    def register(render: Render) -> Render:
        parse = by_line(reads, comment) if isinstance(reads, str) else reads
        file = f"{stem or name}.{extension}"
        _FORMATS[name] = Format(
            name,
            file,
            media_type,
            consumers,
            subscribe,
            render,
            parse,
            longest,
            block,
            holds,
            place,
        )
        return render

    return register


def line_format(
    name: str,
    *,
    covers: str,
    alone: str,
    consumers: str,
    subscribe: str,
    extension: str = "txt",
    media_type: str = "text/plain",
    reads: Parse | None = None,
    comment: str | tuple[str, ...] = "#",
    longest: int = LONGEST_NAME,
) -> Callable[[Preamble], Preamble]:
    """Registers a format of which an entry is a line or two, whatever the entry.

    `covers` is for a name with all below it, `alone` for an exact name; each line of either has
    one `{}` for the name. The decorated function yields the lines before the first entry.
    """

    def register(preamble: Preamble) -> Preamble:
        forms = tuple(line.split("{}") for line in covers.split("\n"))
        exact = tuple(line.split("{}") for line in alone.split("\n"))

        def block(names: Sequence[str], alone_: bool) -> str:
            return _fill(alone if alone_ else covers, names)

        def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
            yield from preamble(header)
            for entry in entries:
                for before, after in exact if entry.exact else forms:
                    yield f"{before}{entry.domain}{after}"

        parse = reads or by_line(_pattern(covers, alone), comment)
        file = f"{name}.{extension}"
        _FORMATS[name] = Format(
            name, file, media_type, consumers, subscribe, render, parse, longest, block
        )
        return preamble

    return register


def _fill(lines: str, names: Iterable[str]) -> str:
    """`lines` for each name, the names in the one or two places of `{}`."""
    first, *rest = lines.split("{}")
    if len(rest) == 1:
        between = f"{rest[0]}\n{first}"
        return f"{first}{between.join(names)}{rest[0]}"
    middle, end = rest
    return "\n".join([f"{first}{name}{middle}{name}{end}" for name in names])


def _pattern(covers: str, alone: str) -> str:
    """What reads the lines back; where both are the same, a name stands for itself.

    Each line of a form is an alternative of its own, with a group of its own name.
    """
    forms = [(f"exact{n}", line) for n, line in enumerate(alone.split("\n"))]
    if covers != alone:
        forms.append(("name", covers))
    return "|".join(
        re.escape(line).replace(re.escape("{}"), f"(?P<{group}>[a-z0-9_-][a-z0-9._-]*)")
        for group, line in forms
    )


def by_line(pattern: str, comment: str | tuple[str, ...]) -> Parse:
    """A parser for formats with an entry a line; blank lines and comments hold none."""
    entry = re.compile(pattern)
    groups = entry.groupindex

    def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
        for number, line in enumerate(lines, 1):
            if not line or line.startswith(comment):
                continue
            match = entry.fullmatch(line)
            if not match:
                raise ValueError(f"line {number} is no entry: {line[:80]!r}")
            for group in groups:
                if name := match[group]:
                    yield name, group != "name"

    return parse


@cache
def formats() -> dict[str, Format]:
    """Every format by name, in alphabetical order."""
    package = import_module("blocklists.formats")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_FORMATS.items()))
