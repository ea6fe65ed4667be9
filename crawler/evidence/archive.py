"""The evidence of a workspace on disk: WARC files, each beside the piece of the chain over it.

    evidence/000001.warc.gz    captures, one after another
    evidence/000001.jsonl      one line a capture, tied by hashes; the first line ties to the
                               file before

A capture is written before its line, and its line before its page is in the database. So after
kill -9 what is too much at the end of a file is cut off, and its page still waits in the queue.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from crawler.evidence import chain
from crawler.evidence.capture import Capture, warcinfo
from crawler.evidence.chain import ChainError

# A file of this size is closed and the next one begun; so is one that another day began.
MAX_FILE = 64_000_000
# So many captures are written between two calls of fsync, which a power cut may cost.
BATCH = 64


class Archive:
    """The evidence folder opened for writing by one process.

    Opening it mends what a kill or a power cut left. Raises OSError, BlockingIOError when another
    process writes.
    """

    def __init__(self, folder: Path, *, max_file: int = MAX_FILE) -> None:
        self.folder = folder
        self.head = chain.GENESIS
        self._max_file = max_file
        self._seq = 0
        self._number = 0
        self._day = ""
        self._unsynced = 0
        self._warc: IO[bytes] | None = None
        self._lines: IO[bytes] | None = None
        folder.mkdir(exist_ok=True)
        self._lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def number(self) -> int:
        """Of the file under way."""
        return self._number

    def append(self, capture: Capture) -> dict[str, Any]:
        """Write a capture; returns its entry with seq, file, offset and hash. Raises OSError."""
        entry = dict(capture.entry)
        warc = self._room(entry["time"])
        self._seq += 1
        entry |= {"seq": self._seq, "file": Path(warc.name).name, "offset": warc.tell()}
        warc.write(capture.records)
        warc.flush()
        self._add(entry)
        self._unsynced += 1
        if self._unsynced >= BATCH:
            self.sync()
        return entry | {"hash": self.head}

    def sync(self) -> None:
        """Bring everything written to the disk, records before the lines that name them."""
        for file in (self._warc, self._lines):
            if file and self._unsynced:
                os.fsync(file.fileno())
        self._unsynced = 0

    def close(self) -> None:
        # What a full disk refused stays unwritten; the next start cuts its beginning off.
        with suppress(OSError):
            self.sync()
        for file in (self._warc, self._lines):
            with suppress(OSError):
                if file:
                    file.close()
        self._warc = self._lines = None
        os.close(self._lock)

    def sweep(self, now: datetime, *, keep_days: float, max_bytes: int) -> list[str]:
        """Remove the oldest files past `keep_days` or beyond `max_bytes` in all; their names.

        The chain says what was removed and why; it goes on from the first file that stays.
        """
        removed: list[str] = []
        found = list(segments(self.folder))
        total = sum(_size(self.folder / warc_name(number)) for number in found)
        before = (now - timedelta(days=keep_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number in found:
            size = _size(self.folder / warc_name(number))
            lines = list(_whole_lines(self.folder / lines_name(number)))
            entries = [line["entry"] for line in lines]
            written = (entry["time"] for entry in entries if "length" in entry)
            newest, reason = max(written, default=""), ""
            if newest < before:
                reason = f"older than {keep_days:g} days"
            elif total > max_bytes:
                reason = f"more than {max_bytes / 1e9:g} GB in all"
            if not reason:
                break
            captures = sum(entry.get("kind") == "capture" for entry in entries)
            if number == self._number:
                if not captures:
                    break
                self._begin(_stamp(now))
            self._add(
                {
                    "kind": "removed",
                    "file": warc_name(number),
                    "head": lines[-1]["hash"] if lines else "",
                    "captures": captures,
                    "reason": reason,
                    "time": _stamp(now),
                }
            )
            self._unsynced += 1
            self.sync()
            (self.folder / warc_name(number)).unlink(missing_ok=True)
            (self.folder / lines_name(number)).unlink(missing_ok=True)
            removed.append(warc_name(number))
            total -= size
        return removed

    def _room(self, time: str) -> IO[bytes]:
        """The file for the next capture."""
        if (
            self._warc is None
            or self._lines is None
            or self._day != time[:10]
            or self._warc.tell() >= self._max_file
        ):
            self._begin(time)
        assert self._warc is not None
        return self._warc

    def _begin(self, time: str) -> None:
        """Close the file under way and begin the next."""
        self.sync()
        for file in (self._warc, self._lines):
            if file:
                file.close()
        self._number += 1
        self._day = time[:10]
        name = warc_name(self._number)
        opening = warcinfo(name, "scamtrail", datetime.fromisoformat(time))
        self._warc = (self.folder / name).open("wb")
        self._warc.write(opening)
        self._warc.flush()
        self._lines = (self.folder / lines_name(self._number)).open("wb")
        self._add(
            {
                "kind": "file",
                "file": name,
                "previous": self.head,
                "first_seq": self._seq + 1,
                "time": time,
                "length": len(opening),
                "sha256": hashlib.sha256(opening).hexdigest(),
            }
        )
        self._unsynced += 1

    def _add(self, entry: Mapping[str, Any]) -> None:
        assert self._lines is not None
        self.head = chain.link(self.head, chain.digest(entry))
        line = json.dumps({"entry": entry, "hash": self.head}, ensure_ascii=False)
        self._lines.write(line.encode("utf-8", "surrogatepass") + b"\n")
        self._lines.flush()

    def _recover(self) -> None:
        """Go on where the last process stopped, its unfinished end cut off."""
        for number in reversed(list(segments(self.folder))):
            self._number = max(self._number, number)
            path, warc = self.folder / lines_name(number), self.folder / warc_name(number)
            text = path.read_bytes()
            whole = text[: text.rfind(b"\n") + 1]
            if whole:
                if whole != text:
                    os.truncate(path, len(whole))
                self._resume(path, warc, whole)
                break
            # Not even its first line was finished, so nothing is in it.
            path.unlink()
            warc.unlink(missing_ok=True)
        for warc in self.folder.glob("*.warc.gz"):
            number = int(warc.name.split(".")[0]) if warc.name.split(".")[0].isdecimal() else 0
            if number > self._number and _size(warc) < 1_000:
                warc.unlink()  # opened, but its lines never were
            self._number = max(self._number, number if warc.exists() else 0)

    def _resume(self, path: Path, warc: Path, whole: bytes) -> None:
        lines = list(_parsed(whole))
        entries = [line["entry"] for line in lines]
        self.head = lines[-1]["hash"] if lines else chain.GENESIS
        self._seq = max(
            (entry.get("seq", entry.get("first_seq", 1) - 1) for entry in entries), default=0
        )
        if len(lines) < whole.count(b"\n"):
            # Damaged in the middle: `examine` says so; what comes goes into a new file.
            self._seq += whole.count(b"\n") - len(lines)
            return
        for entry in entries:
            if entry.get("kind") == "removed":
                for name in (entry["file"], entry["file"].replace(".warc.gz", ".jsonl")):
                    (self.folder / name).unlink(missing_ok=True)
        self._day = entries[0].get("time", "")[:10]
        lost = {entry["seq"] for entry in entries if entry.get("kind") == "lost"}
        ends = [entry.get("offset", 0) + entry["length"] for entry in entries if "length" in entry]
        size = _size(warc)
        self._lines = path.open("ab")
        if size > ends[-1]:
            os.truncate(warc, ends[-1])
        elif size < ends[-1]:
            # Only a power cut does this: the lines reached the disk, the records did not.
            os.truncate(warc, max((end for end in ends if end <= size), default=0))
            for entry in entries:
                end = entry.get("offset", -1) + entry.get("length", 0)
                if end > size and entry.get("seq") not in lost:
                    self._add({"kind": "lost", "seq": entry["seq"], "reason": "not on disk"})
                    self._unsynced += 1
            self._day = ""
        self._warc = warc.open("ab")


def warc_name(number: int) -> str:
    return f"{number:06d}.warc.gz"


def lines_name(number: int) -> str:
    return f"{number:06d}.jsonl"


def segments(folder: Path) -> Iterator[int]:
    """The numbers of the files in `folder`, the oldest first."""
    names = (path.stem for path in folder.glob("*.jsonl"))
    yield from sorted(int(name) for name in names if name.isdecimal())


def entries_of(folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """The captures that one file holds, each with its hash; lost ones are left out."""
    lines = list(_whole_lines(folder / lines_name(number)))
    lost = {line["entry"]["seq"] for line in lines if line["entry"].get("kind") == "lost"}
    for line in lines:
        entry = line["entry"]
        if entry.get("kind") == "capture" and entry["seq"] not in lost:
            yield entry | {"hash": line["hash"]}


def chain_lines(folder: Path, first: int) -> Iterator[dict[str, Any]]:
    """All lines of the chain from file `first` on."""
    for number in segments(folder):
        if number >= first:
            yield from _whole_lines(folder / lines_name(number))


def head_of(folder: Path) -> str:
    """The hash at the end of the chain: who notes it elsewhere can prove what came before."""
    return max(
        ((number, line["hash"]) for number in segments(folder)
         for line in list(_whole_lines(folder / lines_name(number)))[-1:]),
        default=(0, chain.GENESIS),
    )[1]  # fmt: skip


def records(folder: Path, entry: Mapping[str, Any]) -> bytes:
    """The bytes of a capture. Raises OSError."""
    with (folder / entry["file"]).open("rb") as file:
        file.seek(int(entry["offset"]))
        found: bytes = file.read(int(entry["length"]))
        return found


def examine(folder: Path) -> Iterator[str]:
    """One line for each fault of the evidence in `folder`; none when every byte is as written."""
    previous = ""
    heads = {chain.GENESIS}
    known: set[str] = set()
    begun: list[tuple[str, str]] = []
    for number in segments(folder):
        path, warc = folder / lines_name(number), folder / warc_name(number)
        known |= {path.name, warc.name}
        ends = 0
        lost: set[int] = set()
        entries: list[dict[str, Any]] = []
        for place, raw in enumerate(path.read_bytes().splitlines(), 1):
            try:
                line = chain.parse(raw)
                entry = line["entry"]
                if place == 1:
                    begun.append((path.name, entry["previous"]))
                    if previous and entry["previous"] != previous:
                        yield f"{path.name}:1: does not follow from the file before it"
                    previous = entry["previous"]
                if "hash" not in line:
                    raise ChainError("holds no hash")
                previous = chain.follow(previous, line)
                entries.append(entry)
            except (ChainError, KeyError, ValueError) as error:
                yield f"{path.name}:{place}: changed: {error}"
                previous = ""
                break
            if entry["kind"] == "lost":
                lost.add(entry["seq"])
            elif entry["kind"] == "removed":
                heads.add(entry["head"])
        for entry in entries:
            if entry["kind"] in ("file", "capture") and entry.get("seq") not in lost:
                ends = entry.get("offset", 0) + entry["length"]
                if not _intact(warc, entry):
                    what = entry.get("url", "its first record")
                    yield f"{warc.name}: changed or missing at {entry.get('offset', 0)}: {what}"
        if previous and _size(warc) > ends:
            yield f"{warc.name}: {_size(warc) - ends} bytes added at its end"
    if begun and begun[0][1] not in heads:
        yield f"{begun[0][0]}: the files before it are missing"
    for path in sorted(folder.iterdir()):
        if path.name not in known and path.name != ".lock":
            yield f"{path.name}: added"


def _parsed(text: bytes) -> Iterator[dict[str, Any]]:
    """Lines up to the first that cannot be read; `examine` says what is wrong with that one."""
    for raw in text.splitlines():
        try:
            line = chain.parse(raw)
        except ChainError:
            return
        if "entry" not in line or "hash" not in line:
            return
        yield line


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_bytes()
    yield from _parsed(text[: text.rfind(b"\n") + 1])


def _intact(warc: Path, entry: Mapping[str, Any]) -> bool:
    try:
        found = records(warc.parent, {**entry, "file": warc.name, "offset": entry.get("offset", 0)})
    except OSError:
        return False
    return hashlib.sha256(found).hexdigest() == str(entry["sha256"])


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
