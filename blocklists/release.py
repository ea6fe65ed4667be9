"""A release: planned and checked as a whole, then written so that no reader sees half of it."""

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from gzip import GzipFile
from itertools import chain
from pathlib import Path

import brotli

from blocklists import delta, pages, policy
from blocklists import manifest as manifests
from blocklists.collapse import collapse_listings, host_of, is_covered, parents
from blocklists.compile import Compilation
from blocklists.config import PublishConfig
from blocklists.formats import misp
from blocklists.manifest import (
    Counts,
    FileInfo,
    Manifest,
    ReleaseError,
    Step,
    digest,
    encode,
    read_manifest,
)
from blocklists.registry import (
    EVERYTHING,
    LONGEST_NAME,
    NAMES,
    Format,
    Header,
    formats,
    scope,
)
from blocklists.select import LISTS, PAGE, TIERS, Protected, Selection, routable
from blocklists.signature import SIGNERS, SUMS, Signer
from crawler.model import Listing
from crawler.names import address, is_public_suffix, normalise_host

_READY = "READY"
_LAST_SERIAL = 2**32 - 1
_GZIP, _BROTLI = ".gz", ".br"
# Above this size, in bytes, the best compression takes seconds and saves little more.
_FAST_ABOVE = 4 * 2**20
# A smaller file fits into one packet anyway.
_WORTH_PACKING = 1024
_FEED = (f"{misp.FOLDER}/manifest.json", f"{misp.FOLDER}/hashes.csv")
_SIGNED = (SIGNERS, f"{SUMS}.sig", f"{manifests.FILE}.sig")


class SafetyStop(Exception):
    """Nothing was replaced. `reasons` say why; `flag` is the option that publishes anyway."""

    flag = "--force"

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        shown = "; ".join(self.reasons[:5])
        more = f"; and {len(self.reasons) - 5} more" if len(self.reasons) > 5 else ""
        super().__init__(f"refused to publish: {shown}{more}; {self.flag} publishes anyway")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A list in one format. `before` is its published state when its bytes stay the same."""

    path: str
    name: str
    format: Format
    entries: tuple[Listing, ...]
    header: Header
    omitted: int
    before: FileInfo | None = None

    def lines(self) -> Iterator[str]:
        return self.format.render(self.entries, self.header)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release would hold. `changed` False means that the published one says the same."""

    serial: int
    published_at: datetime
    changed: bool
    files: tuple[PlannedFile, ...]
    listings: Mapping[str, tuple[Listing, ...]]
    counts: Mapping[str, Counts]
    changes: delta.Changes
    previous: Manifest | None
    config: PublishConfig


def next_serial(previous: int, now: datetime) -> int:
    """YYYYMMDDnn, always above `previous`, whatever the clock says.

    A hundredth release in a day runs on into the numbers of the next. Fits in 32 bits (RFC 1982).
    """
    serial = max(int(f"{now.astimezone(UTC):%Y%m%d}01"), previous + 1)
    if serial > _LAST_SERIAL:
        raise ReleaseError(
            f"serial {serial} does not fit in 32 bits; set a smaller one in manifest.json and "
            "have every secondary transfer the zone anew (RFC 1982 §7)"
        )
    return serial


def plan(
    selection: Selection,
    *,
    previous: Manifest | None,
    now: datetime,
    config: PublishConfig,
    after: int = 0,
) -> Plan:
    """The next release. Every list and tier has every format, empty ones too.

    Its serial is above `after`. Raises ReleaseError for a format in `config` that does not exist.
    """
    known = formats()
    wanted = (
        sorted({*config.formats, "domains", manifests.NAMES.name})
        if config.formats
        else list(known)
    )
    if unknown := [name for name in wanted if name not in known]:
        raise ReleaseError(f"no list format {unknown[0]!r}; there are: {', '.join(known)}")
    published_at = now.astimezone(UTC).replace(microsecond=0)
    serial = next_serial(max(after, previous.serial if previous else 0), now)
    listings = _by_list(selection.listings, config)
    files = tuple(
        _file(name, known[form], entries, previous, config)
        for name, entries in listings.items()
        for form in wanted
        if form in policy.FORMATS or not name.startswith(f"{policy.FOLDER}/")
    )
    lists = {file.path for file in files}
    before = (
        {path for path in previous.files if not path.startswith("delta/")} if previous else set()
    )
    changed = lists != before or any(file.before is None for file in files)
    return Plan(
        serial=serial if changed or not previous else previous.serial,
        published_at=published_at if changed or not previous else previous.published_at,
        changed=changed,
        files=tuple(
            file
            if file.before
            else replace(
                file, header=replace(file.header, serial=serial, published_at=published_at)
            )
            for file in files
        ),
        listings=listings,
        counts=_counts(listings, previous),
        changes=delta.changes(
            previous.names if previous else {}, listings, delta.Removals(selection)
        ),
        previous=previous,
        config=config,
    )


def _by_list(listings: Iterable[Listing], config: PublishConfig) -> dict[str, tuple[Listing, ...]]:
    """Collapsed entries by `list/tier`: those that always exist first, then any others."""
    found: dict[str, list[Listing]] = {
        f"{name}/{tier.name}": [] for name in LISTS for tier in TIERS
    }
    found |= {f"{policy.FOLDER}/{item.code}": [] for item in config.policies}
    for entry in listings:
        found.setdefault(f"{entry.list}/{entry.tier}", []).append(entry)
    return {name: collapse_listings(entries) for name, entries in found.items()}


def _file(
    name: str,
    form: Format,
    entries: tuple[Listing, ...],
    previous: Manifest | None,
    config: PublishConfig,
) -> PlannedFile:
    """Rendered as of its last change first: the same bytes mean that nothing changed since."""
    held = tuple(entry for entry in entries if scope(entry.domain, entry.exact) in form.holds)
    taken = tuple(entry for entry in held if form.takes(entry.domain))
    title = f"{config.title} {name.replace('/', ', ')}"
    path = form.path(name, title)
    info = previous.files.get(path) if previous else None
    header = _header(
        config,
        title,
        info.serial if info else 0,
        info.published_at if info else datetime.min.replace(tzinfo=UTC),
        len(taken),
    )
    file = PlannedFile(path, name, form, taken, header, len(held) - len(taken), None)
    known = previous.names.get(name) if previous else None
    if known is not None and form.holds != EVERYTHING:
        known = {name: exact for name, exact in known.items() if scope(name, exact) in form.holds}
    alike = known is None or known == {e.domain: e.exact for e in held}  # else no need to look
    if info and alike and digest(file.lines()) == info.sha256:
        return replace(file, before=replace(info, added=0, removed=0))
    return file


def _header(
    config: PublishConfig, title: str, serial: int, published_at: datetime, entries: int
) -> Header:
    return Header(
        title=title,
        licence=config.licence,
        homepage=config.homepage,
        appeal=config.appeal or config.homepage,
        serial=serial,
        published_at=published_at,
        entries=entries,
        expires_hours=config.expires_hours,
    )


def _counts(
    listings: Mapping[str, tuple[Listing, ...]], previous: Manifest | None
) -> dict[str, Counts]:
    counts = {}
    for name, entries in sorted(listings.items()):
        before = (previous.names.get(name, {}) if previous else {}).keys()
        names = {entry.domain for entry in entries}
        counts[name] = Counts(len(names), len(names - before), len(before - names))
    return counts


def _lost(before: Set[str], entries: Iterable[Listing]) -> int:
    """How many of the names `before` are blocked no more; one that a parent covers still is."""
    listed = tuple(entries)
    covering = {entry.domain for entry in listed if not entry.exact}
    exact = {entry.domain for entry in listed if entry.exact}
    return sum(name not in exact and not is_covered(host_of(name), covering) for name in before)


def check(
    plan: Plan,
    previous: Manifest | None,
    config: PublishConfig,
    *,
    protected: Protected = lambda host: "",
) -> list[str]:
    """Why `plan` must not replace what is published; an empty list when nothing speaks against."""
    reasons: list[str] = []
    for name, counts in plan.counts.items():
        names = previous.names.get(name, {}) if previous else {}
        before, lost = len(names), _lost(names.keys(), plan.listings.get(name, ()))
        if before and not counts.entries:
            reasons.append(f"{name} would be empty and had {before} entries")
        elif lost > max(config.few_removed, before * config.max_removed_percent / 100):
            reasons.append(
                f"{name} would lose {lost} of {before} entries, more than "
                f"{config.max_removed_percent:g} %"
            )
        elif before and counts.added > max(
            config.few_added, before * config.max_added_percent / 100
        ):
            reasons.append(
                f"{name} would gain {counts.added} entries on {before}, more than "
                f"{config.max_added_percent:g} %"
            )
    for item in config.policies:
        place = f"{policy.FOLDER}/{item.code}"
        above = {parent for name in item.licensed for parent in parents(name)}
        for entry in plan.listings.get(place, ()):
            covers = not entry.exact and entry.domain in above
            if covers or is_covered(host_of(entry.domain), item.licensed.keys()):
                reasons.append(f"{place}: {entry.domain} would block who is licensed there")
    listed = {
        (entry.domain, scope(entry.domain, entry.exact))
        for entries in plan.listings.values()
        for entry in entries
    }
    for domain, kind in sorted(listed):
        if reason := _UNFIT.get(kind, _unfit)(domain, protected):
            reasons.append(f"{domain}: {reason}")
    if not reasons:  # names that are none may break any format, and were named already
        new = (file for file in plan.files if file.before is None)
        reasons += (fault for file in new for fault in _faults(file))
    return reasons


def _unfit(domain: str, protected: Protected) -> str:
    try:
        if normalise_host(domain) != domain:
            return "not in its normal form"
    except ValueError as error:
        return str(error)
    if address(domain):
        return "an address"
    if is_public_suffix(domain):
        return "a public suffix"
    return f"protected: {reason}" if (reason := protected(domain)) else ""


def _unfit_url(url: str, protected: Protected) -> str:
    """The host is innocent and may be protected; so its front page is never an entry."""
    return "" if PAGE.fullmatch(url) else "not the address of one page"


def _unfit_address(text: str, protected: Protected) -> str:
    return "" if routable(text) else "not a public address in its normal form"


_UNFIT = {"url": _unfit_url, "address": _unfit_address}


def _faults(file: PlannedFile) -> Iterator[str]:
    """Whether the file, read back, holds its entries and blocks nothing beside them."""
    try:
        read = dict(file.format.parse(file.lines()))
    except (ValueError, KeyError, TypeError) as error:
        yield f"{file.path} does not parse back: {error}"
        return
    covering = {entry.domain for entry in file.entries if not entry.exact}
    exact = {entry.domain for entry in file.entries if entry.exact}
    if lost := min((covering | exact) - read.keys(), default=""):
        yield f"{file.path} lost {lost}"
    beside = (
        name
        for name, alone in read.items()
        if not is_covered(host_of(name), covering) and not (alone and name in exact)
    )
    if name := next(beside, ""):
        yield f"{file.path} blocks {name}, which is not listed"


def publish(
    selection: Selection,
    public: Path,
    *,
    now: datetime,
    config: PublishConfig,
    protected: Protected = lambda host: "",
    force: bool = False,
    signer: Signer | None = None,
    after: int = 0,
) -> Manifest:
    """Recovers an interrupted write, then plans, checks and writes.

    A new release gets a serial above `after`, the last one known to have been published. Without a
    `signer` the checksums are not signed. Raises SafetyStop, with nothing replaced,
    unless `force`; and ReleaseError.
    """
    recover(public)
    previous = read_manifest(public, verify=not force)
    planned = plan(selection, previous=previous, now=now, config=config, after=after)
    if not force and (reasons := check(planned, previous, config, protected=protected)):
        raise SafetyStop(reasons)
    return write(planned, public, signer)


def write(plan: Plan, public: Path, signer: Signer | None = None) -> Manifest:
    """Makes `public` hold what `plan` says and gives its manifest.

    Everything new is written and synced beside `public` first, then renamed into place, the
    manifest last. Files that stay the same are not touched. Raises ReleaseError when the disk
    refuses; `public` then still holds the release before, or `recover` completes this one.
    """
    recover(public)
    staging = _staging(public)
    try:
        return _write(plan, public, staging, signer)
    except OSError as error:
        if not (staging / _READY).exists():
            shutil.rmtree(staging, ignore_errors=True)
        raise ReleaseError(
            f"{error.filename or public}: {error.strerror}; make room or give write access, then "
            "publish again: nothing is half done"
        ) from error


def _write(plan: Plan, public: Path, staging: Path, signer: Signer | None) -> Manifest:
    infos: dict[str, FileInfo] = {}
    staged: list[str] = []
    for file in plan.files:
        if file.before and _holds(public / file.path, file.before):
            infos[file.path] = file.before
        else:
            sha256, size = _store(staging / file.path, encode(file.lines()))
            infos[file.path] = file.before or _info(file, plan, sha256, size)
            staged.append(file.path)
    for path, info, lines in _deltas(plan, public):
        if lines is not None:
            sha256, size = _store(staging / path, encode(lines))
            info = replace(info, sha256=sha256, bytes=size)
            staged.append(path)
        infos[path] = info
    if plan.changed or plan.previous is None:
        step = Step(plan.serial, plan.published_at, plan.counts)
        history = plan.previous.history if plan.previous else ()
        kept = (step, *history)[: max(1, plan.config.steps)]
        names = {
            name: {entry.domain: entry.exact for entry in entries}
            for name, entries in plan.listings.items()
        }
        manifest = Manifest(plan.serial, plan.published_at, infos, kept, names)
    else:
        manifest = plan.previous
    about = _about(manifest, plan.config, signer, _feed(plan.files))
    for path, content in about.items():
        if not _same(public / path, content):
            _store(staging / path, [content])
            staged.append(path)
    laws = (str(path.relative_to(public)) for path in public.glob("policy/*/policy.json"))
    written = {*_SIGNED, *_FEED, *laws}
    stale: set[str] = written - about.keys()
    before = plan.previous.files.keys() if plan.previous else set()
    stale |= before - infos.keys()
    stale |= {f"{path}{kind}" for path in stale for kind in _PACKERS}
    sums = {path: (info.sha256, info.bytes) for path, info in infos.items()}
    sums |= {p: (hashlib.sha256(data).hexdigest(), len(data)) for p, data in about.items()}
    fresh = set(staged)
    packed_files: list[str] = []
    for path, (sha256, size) in sums.items():
        for kind, (pack, unpack) in _PACKERS.items():
            packed = f"{path}{kind}"
            if size < _WORTH_PACKING:
                stale.add(packed)
            elif path in fresh or not _unpacks(public / packed, sha256, unpack):
                source = staging / path if path in fresh else public / path
                _store(staging / packed, pack(source))
                packed_files.append(packed)
    staged[:0] = packed_files
    stale = {path for path in stale if (public / path).exists()}
    if staged or stale:
        gone = sorted(stale)
        part = staging / f"{_READY}.part"
        _store(part, [json.dumps({"rename": staged, "remove": gone}).encode()])
        # All at the end: a file system commits its journal once for many, not once for each.
        _sync(*(staging / path for path in staged), part)
        _sync(*{(staging / path).parent for path in staged}, staging, staging.parent)
        part.replace(staging / _READY)
        _sync(staging)
        _finish(public, staging)
    return manifest


def _deltas(plan: Plan, public: Path) -> Iterator[tuple[str, FileInfo, Iterator[str] | None]]:
    """The files in `delta/`, those that stay without lines.

    One leads from each of the last releases to the next, and one from each to the newest.
    """
    if not plan.previous or not plan.changed:
        for path, info in plan.previous.files.items() if plan.previous else ():
            if path.startswith(f"{delta.FOLDER}/"):
                yield path, info, None
        return
    found, end = plan.changes, plan.previous.serial
    lines = delta.render(end, plan.serial, found)
    new = FileInfo("", 0, len(found), plan.serial, plan.published_at)
    yield delta.path(end, plan.serial), new, lines
    for step in plan.previous.history[1 : plan.config.deltas]:
        path = delta.path(step.serial, end)
        known = plan.previous.files.get(path)
        if known is None or not _holds(public / path, known):
            return  # what lies before cannot be told any more
        yield path, known, None
        text = (public / path).read_text("utf-8")
        found = delta.combine(delta.parse(text.splitlines()), found)
        lines = delta.render(step.serial, plan.serial, found)
        yield delta.path(step.serial, plan.serial), replace(new, entries=len(found)), lines
        end = step.serial


def _feed(files: Iterable[PlannedFile]) -> dict[str, bytes]:
    """What makes a MISP feed of the events, where there are any."""
    events = [file for file in files if file.format.name == "misp"]
    if not events:
        return {}
    manifest, hashes = _FEED
    values = ((entry.domain, file.header) for file in events for entry in file.entries)
    return {
        manifest: misp.feed(file.header for file in events).encode(),
        hashes: b"".join(encode(misp.hashes(values))),
    }


def _about(
    manifest: Manifest, config: PublishConfig, signer: Signer | None, feed: Mapping[str, bytes]
) -> dict[str, bytes]:
    """What stands beside the lists, in the order in which it appears: the manifest last."""
    document = manifest.to_json().encode("utf-8", "backslashreplace")
    about = {
        "feed.xml": pages.feed(manifest, config).encode("utf-8", "backslashreplace"),
        "index.html": pages.index(manifest, config, signer).encode("utf-8", "backslashreplace"),
        **feed,
    }
    for item in config.policies:
        about[f"{policy.FOLDER}/{item.code}/policy.json"] = item.to_json().encode()
    if signer:
        about[SIGNERS] = signer.allowed_signers().encode()
    sums = {path: info.sha256 for path, info in manifest.files.items()}
    sums |= {path: hashlib.sha256(content).hexdigest() for path, content in about.items()}
    sums[manifests.FILE] = hashlib.sha256(document).hexdigest()
    lines = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))
    about[SUMS] = lines.encode()
    if signer:
        about[f"{SUMS}.sig"] = signer.sign(about[SUMS]).encode()
        about[f"{manifests.FILE}.sig"] = signer.sign(document).encode()
    return about | {manifests.FILE: document}


def _info(file: PlannedFile, plan: Plan, sha256: str, size: int) -> FileInfo:
    counts = plan.counts[file.name]
    return FileInfo(
        sha256,
        size,
        len(file.entries),
        plan.serial,
        plan.published_at,
        counts.added,
        counts.removed,
        file.omitted,
    )


def save(
    compilation: Compilation,
    folder: Path,
    *,
    wanted: Iterable[str],
    config: PublishConfig,
    now: datetime,
) -> dict[str, FileInfo]:
    """Writes a compiled list in the formats `wanted`; each file appears whole or not at all.

    Raises ReleaseError for an unknown format, and when the disk refuses.
    """
    infos: dict[str, FileInfo] = {}
    serial = next_serial(0, now)
    for name in wanted:
        if not (form := formats().get(name)):
            raise ReleaseError(f"no list format {name!r}; there are: {', '.join(formats())}")
        taken = len(compilation)
        if not form.holds & NAMES:
            continue  # names are all that is compiled
        if form.longest < LONGEST_NAME:
            taken = sum(map(form.takes, chain(compilation.covers, compilation.exact)))
        header = _header(config, config.title, serial, now, taken)
        path = folder / form.file
        part = path.with_name(f".{path.name}.part")
        try:
            sha256, size = _store(part, encode(compilation.render(form, header), 64))
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise ReleaseError(
                f"{path}: {error.strerror}; make room or name another folder"
            ) from error
        infos[form.file] = FileInfo(
            sha256, size, taken, serial, now, omitted=len(compilation) - taken
        )
    return infos


def recover(public: Path) -> bool:
    """Completes a write that was interrupted after it had everything, discards any other.

    True when a release was completed. Only the process that publishes may call this.
    """
    staging = _staging(public)
    if not staging.exists():
        return False
    if not (staging / _READY).exists():
        shutil.rmtree(staging)
        return False
    _finish(public, staging)
    return True


def _finish(public: Path, staging: Path) -> None:
    """Renames what is ready. The manifest stands last, after all else is on the disk."""
    todo = json.loads((staging / _READY).read_bytes())
    for path in todo["rename"]:
        if path == manifests.FILE:
            _sync(*{(public / done).parent for done in todo["rename"]})
        (public / path).parent.mkdir(parents=True, exist_ok=True)
        if (staging / path).exists():  # else it was renamed before the interruption
            _later(staging / path, public / path)
            (staging / path).replace(public / path)
    _sync(public)
    for path in todo["remove"]:
        (public / path).unlink(missing_ok=True)
    (staging / _READY).unlink()
    shutil.rmtree(staging)


def _later(new: Path, old: Path) -> None:
    """Web servers make ETags of size and whole seconds: both must not stay the same."""
    with suppress(FileNotFoundError):
        after = int(old.stat().st_mtime) + 1
        if new.stat().st_mtime < after:
            os.utime(new, (after, after))


def _staging(public: Path) -> Path:
    """Beside `public`, where no web server looks; within it when it is a mount of its own."""
    beside = public.with_name(f".{public.name}.next")
    mounted = public.exists() and public.stat().st_dev != public.parent.stat().st_dev
    return public / beside.name if mounted else beside


def _store(path: Path, content: Iterable[bytes]) -> tuple[str, int]:
    """Writes, and gives the SHA-256, hexadecimal, and the number of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with path.open("wb") as file:
        for block in content:
            sha256.update(block)
            file.write(block)
        return sha256.hexdigest(), file.tell()


def _gzip(source: Path) -> Iterator[bytes]:
    """The same bytes for the same file: no name and no time stand in it."""
    packer = zlib.compressobj(6, wbits=31)
    for piece in _pieces(source):
        yield packer.compress(piece)
    yield packer.flush()


def _brotli(source: Path) -> Iterator[bytes]:
    packer = brotli.Compressor(quality=9 if source.stat().st_size < _FAST_ABOVE else 5)
    for piece in _pieces(source):
        yield packer.process(piece)
    yield packer.finish()


def _from_gzip(path: Path) -> Iterator[bytes]:
    with GzipFile(path) as packed:
        while piece := packed.read(1 << 20):
            yield piece


def _from_brotli(path: Path) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    for piece in _pieces(path):
        yield unpacker.process(piece)
    if not unpacker.is_finished():
        raise EOFError


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


# By ending, as web servers look for them beside a file.
_PACKERS = {_GZIP: (_gzip, _from_gzip), _BROTLI: (_brotli, _from_brotli)}


def _unpacks(path: Path, sha256: str, unpack: Callable[[Path], Iterator[bytes]]) -> bool:
    """Whether the compressed file gives the bytes with this checksum."""
    found = hashlib.sha256()
    try:
        for piece in unpack(path):
            found.update(piece)
    except (OSError, EOFError, zlib.error, brotli.error):
        return False
    return found.hexdigest() == sha256


def _sync(*paths: Path) -> None:
    """Brings files or folders to the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _holds(path: Path, info: FileInfo) -> bool:
    try:
        if path.stat().st_size != info.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == info.sha256
    except OSError:
        return False


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
