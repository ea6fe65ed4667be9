"""What a reader is, and the readers that this package holds."""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module


class ReportError(Exception):
    """A report cannot be read; one line that names file, line and the fix."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a report. `listed` says that it is an entry of a list or table.

    `url` is set when the address is a link of its own and `text` the words around it. `about` is
    what the report says of an entry in another place, such as a comment beside it.
    """

    text: str
    line: int = 1
    listed: bool = False
    url: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A report inside a report: a file in an archive, an attachment, a message of a mailbox."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader makes of bytes. `problems` are lines without the file's name.

    A report that has only `parts` is a container: its parts are read, it is no report itself.
    """

    title: str
    body: str
    passages: tuple[Passage, ...]
    problems: tuple[str, ...] = ()
    language: str = ""
    own_url: str = ""
    published: datetime | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a report and what is known of them before reading.

    `text` is "" for bytes that are no text. `room` is how many bytes may still be unpacked.
    """

    data: bytes
    text: str
    name: str
    column: str | None = None
    room: int = 0


Read = Callable[[Source], Content]


@dataclass(frozen=True, slots=True)
class Reader:
    """`sniff` gives how sure it is that the bytes are in this form, 0 (no) to 1."""

    kind: str
    sniff: Callable[[Source], float]
    read: Read


_READERS: dict[str, Reader] = {}


def reader(kind: str, *, sniff: Callable[[Source], float]) -> Callable[[Read], Read]:
    """Registers the decorated function as the reader of `kind`."""

    def register(read: Read) -> Read:
        _READERS[kind] = Reader(kind, sniff, read)
        return read

    return register


@cache
def readers() -> tuple[Reader, ...]:
    """Every reader of the package."""
    package = import_module("crawler.reports")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(_READERS[kind] for kind in sorted(_READERS))


def lines(text: str, *, listed: bool = False) -> Iterable[Passage]:
    """A passage a line of text, numbered."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield Passage(line, number, listed)
