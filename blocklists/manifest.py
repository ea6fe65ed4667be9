"""What a release says of its files: `manifest.json`, and what is needed to make the next one."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from blocklists.registry import formats

FILE = "manifest.json"

# The format that says all of an entry; the next release is counted from it.
NAMES = formats()["jsonl"]

# A manifest of a few dozen files is some 20 KiB; far more is not one of ours.
_LARGEST = 16 * 2**20


class ReleaseError(Exception):
    """The published tree cannot be read or written; the message names the file and the fix."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A published file.

    `serial` is that of the release in which its bytes last changed, and stands in its header.
    `added` and `removed` count names against the release before; `omitted` are entries that the
    format cannot hold.
    """

    sha256: str
    bytes: int
    entries: int
    serial: int
    published_at: datetime
    added: int = 0
    removed: int = 0
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one list and tier in one release."""

    entries: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Step:
    """One release in the history, newest first in the manifest."""

    serial: int
    published_at: datetime
    counts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The published state. `files` is keyed by path below `public/`, with forward slashes.

    `names` holds what `entries.jsonl` of each `list/tier` holds: name → whether the entry is for
    the exact name alone. It is not written to the file.
    """

    serial: int
    published_at: datetime
    files: Mapping[str, FileInfo]
    history: tuple[Step, ...]
    names: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The same manifest gives the same bytes."""
        document = {
            "serial": self.serial,
            "published_at": stamp(self.published_at),
            "files": {
                path: {**asdict(info), "published_at": stamp(info.published_at)}
                for path, info in sorted(self.files.items())
            },
            "history": [
                {
                    "serial": step.serial,
                    "published_at": stamp(step.published_at),
                    "lists": {name: asdict(counts) for name, counts in sorted(step.counts.items())},
                }
                for step in self.history
            ],
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_manifest(public: Path, *, verify: bool = True) -> Manifest | None:
    """The published state, None where nothing was published.

    Raises ReleaseError for a manifest that cannot be read, and for an `entries.jsonl` that is not
    the one it describes, since the next release is counted from those names. Without `verify`,
    such a list counts as empty.
    """
    path = public / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise ReleaseError(f"{path}: too large for a manifest; restore it from a copy")
        manifest = _from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(
            f"{path}: not a manifest of ours ({error}); restore it from a copy, or remove "
            f"{public} to start with a first release"
        ) from error
    names = {}
    for name, info in manifest.files.items():
        file = PurePosixPath(name)
        if file.name == NAMES.file:
            try:
                names[str(file.parent)] = dict(_names(public / name, info))
            except ReleaseError:
                if verify:
                    raise
    return replace(manifest, names=names)


def _names(path: Path, info: FileInfo) -> Iterator[tuple[str, bool]]:
    fix = "restore it from a copy, or publish with --force to write it anew"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}; {fix}") from error
    if hashlib.sha256(content).hexdigest() != info.sha256:
        raise ReleaseError(f"{path}: differs from its checksum in {FILE}; {fix}")
    yield from NAMES.parse(filter(None, content.decode("utf-8").split("\n")))


def _from_json(document: Any) -> Manifest:
    return Manifest(
        serial=int(document["serial"]),
        published_at=_moment(document["published_at"]),
        files={
            _inside(path): FileInfo(**{**info, "published_at": _moment(info["published_at"])})
            for path, info in document["files"].items()
        },
        history=tuple(
            Step(
                int(step["serial"]),
                _moment(step["published_at"]),
                {name: Counts(**counts) for name, counts in step["lists"].items()},
            )
            for step in document["history"]
        ),
    )


def _inside(path: str) -> str:
    """`path`, or ValueError when it leads out of the published tree."""
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise ValueError(f"{path!r} leads out of the published tree")
    return path


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def encode(lines: Iterable[str], at_once: int = 4096) -> Iterator[bytes]:
    """Lines as UTF-8 with line feeds, `at_once` together.

    Lone surrogates, which a hostile page can hold, are escaped.
    """
    source = iter(lines)
    while block := list(islice(source, at_once)):
        yield ("\n".join(block) + "\n").encode("utf-8", "backslashreplace")


def digest(lines: Iterable[str]) -> str:
    """The SHA-256, hexadecimal, of the file that holds `lines`."""
    sha256 = hashlib.sha256()
    for block in encode(lines):
        sha256.update(block)
    return sha256.hexdigest()
