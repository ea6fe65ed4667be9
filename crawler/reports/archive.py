"""zip and gzip: the files in them, read by the other readers. Nothing is written to disk."""

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from crawler.reports.registry import Content, Part, ReportError, Source, reader

MAX_PART = 64_000_000
MAX_FILES = 2_000
# DEFLATE reaches about 1030; text and tables stay below 50.
MAX_RATIO = 200
_SMALL = 1_000_000
_CHUNK = 1 << 16


class Refused(Exception):
    """A file in an archive goes over a limit or is broken; the text says which and the fix."""


def member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    """The content of `entry`, whatever size its header claims. Raises Refused."""
    if entry.flag_bits & 0x1:
        raise Refused("is encrypted; hand it in without a password")
    limit = min(MAX_PART, room, max(_SMALL, MAX_RATIO * max(1, entry.compress_size)))
    try:
        with archive.open(entry) as opened:
            data = opened.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise Refused(f"is broken ({error}); pack it again") from error
    if len(data) > limit:
        raise Refused(f"unpacks to more than {limit:,} bytes; hand it in by itself")
    return data


def opened(source: Source) -> zipfile.ZipFile:
    """The zip file in `source`. Raises ReportError."""
    try:
        return zipfile.ZipFile(io.BytesIO(source.data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ReportError(f"{source.name}: a broken zip file ({error}); pack it again") from error


@reader("zip", sniff=lambda source: 0.5 if source.data.startswith(b"PK\x03\x04") else 0.0)
def read_zip(source: Source) -> Content:
    """Each file is a part; what goes over a limit is left out with a problem."""
    parts: list[Part] = []
    problems: list[str] = []
    room = source.room
    with opened(source) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES:
            problems.append(f"more than {MAX_FILES:,} files; the rest was left out, split it")
        for entry in entries[:MAX_FILES]:
            if PurePosixPath(entry.filename).name.startswith(".") or "__MACOSX" in entry.filename:
                continue
            try:
                data = member(archive, entry, room)
            except Refused as error:
                problems.append(f"{entry.filename[-100:]!r} {error}")
                continue
            room -= len(data)
            parts.append(Part(entry.filename, data))
    if not parts:
        detail = f": {problems[0]}" if problems else ""
        raise ReportError(f"{source.name}: holds no file that can be read{detail}")
    return Content(title="", body="", passages=(), problems=tuple(problems), parts=tuple(parts))


@reader("gzip", sniff=lambda source: 1.0 if source.data.startswith(b"\x1f\x8b") else 0.0)
def read_gzip(source: Source) -> Content:
    """The one file in it (RFC 1952), of several members if need be."""
    limit = min(MAX_PART, source.room, max(_SMALL, MAX_RATIO * len(source.data)))
    data, rest = bytearray(), source.data
    try:
        while rest.startswith(b"\x1f\x8b") and len(data) <= limit:
            member = zlib.decompressobj(wbits=31)
            data += member.decompress(rest, limit + 1 - len(data))
            if not member.eof:
                break
            rest = member.unused_data
    except zlib.error as error:
        raise ReportError(f"{source.name}: broken gzip ({error}); pack it again") from error
    if len(data) > limit:
        raise ReportError(f"{source.name}: unpacks to more than {limit:,} bytes; split it")
    problems = () if member.eof else ("ends in the middle; what came before was read",)
    name = PurePosixPath(source.name.replace("\\", "/")).name.removesuffix(".gz") or "content"
    return Content(
        title="", body="", passages=(), problems=problems, parts=(Part(name, bytes(data)),)
    )
