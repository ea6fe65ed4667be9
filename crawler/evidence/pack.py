"""What a partner gets about one domain, and the check of what was handed over."""

import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from crawler.evidence import chain
from crawler.evidence.archive import chain_lines, records
from crawler.evidence.capture import warcinfo
from crawler.evidence.chain import ChainError
from crawler.explain import explain
from crawler.names import defang
from crawler.store import Store
from crawler.store import queries as q

WARC = "pages.warc.gz"
FINDINGS = "findings.json"
CHAIN = "chain.jsonl"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
INDEX = "index.md"
# More than any pack holds; a file that claims more is not read.
_MAX_TEXT = 200_000_000


class EvidenceError(Exception):
    """Nothing can be packed; the message says why and what to do."""


def pack(store: Store, domain: str, folder: Path, now: datetime) -> dict[str, Any]:
    """Write the pack of `domain` into `folder`, new or empty; returns its manifest.

    Raises EvidenceError.
    """
    found = explain(store, domain)
    if found is None:
        raise EvidenceError(f"{domain}: never seen in {store.path}; name it in a report first")
    if folder.exists() and any(folder.iterdir()):
        raise EvidenceError(f"{folder}: is not empty; name a new folder")
    archive = store.path.parent / "evidence"
    captures = _captures(store, found)
    folder.mkdir(parents=True, exist_ok=True)
    found["captures"] = _write_warc(archive, captures, folder / WARC, now)
    files = [WARC, CHAIN, FINDINGS, INDEX]
    tied = _write_chain(archive, captures, folder / CHAIN)
    _write_json(folder / FINDINGS, found)
    screenshot = store.path.parent / (found["site"].get("screenshot") or ".")
    if screenshot.is_file():
        files.append("screenshot" + screenshot.suffix)
        (folder / files[-1]).write_bytes(screenshot.read_bytes())
    (folder / INDEX).write_text("\n".join(_index(found, tied, files, now)) + "\n", "utf-8")
    manifest = {
        "domain": domain,
        "made_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "category": found["site"].get("category") or "",
        "probability": found["site"].get("probability") or 0.0,
        "captures": len(captures),
        "chain": tied,
        "files": {
            name: {"sha256": _sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in sorted(files)
        },
    }
    _write_json(folder / MANIFEST, manifest)
    sums = _sums({**_digests(manifest), MANIFEST: _sha256(folder / MANIFEST)})
    (folder / SUMS).write_text(sums, "utf-8")
    return manifest


def verify(folder: Path) -> Iterator[str]:
    """One line for each thing changed, added or missing in a pack; none when it is as written.

    The pack is not trusted: links are not followed, nothing is run, no size is believed.
    """
    try:
        manifest = _manifest(folder)
    except EvidenceError as error:
        yield str(error)
        return
    given = _digests(manifest)
    expected = _sums({**given, MANIFEST: _sha256(folder / MANIFEST)})
    if not _plain(folder / SUMS):
        yield f"{SUMS}: missing"
    elif (folder / SUMS).read_bytes() != expected.encode():
        yield f"{SUMS}: changed, or {MANIFEST} was"
    for name, digest in given.items():
        if not _plain(folder / name):
            yield f"{name}: missing"
        elif _sha256(folder / name) != digest:
            yield f"{name}: changed"
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).as_posix() not in {*given, MANIFEST, SUMS}:
            yield f"{path.relative_to(folder)}: added"
    if _plain(folder / CHAIN) and _plain(folder / WARC):
        yield from _verify_chain(folder, manifest)


def head_of(folder: Path) -> str:
    """The head of the chain as a pack names it. Raises EvidenceError."""
    return str(_manifest(folder)["chain"]["head"])


def _captures(store: Store, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The captures of the domain's hosts, and of the pages that led there."""
    steps = [step["reference"] for step in found["trail"] if step["kind"] == "page"]
    rows = q.rows(
        store,
        "SELECT * FROM captures WHERE host IN (SELECT value FROM json_each(?))"
        " OR url IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (json.dumps(found["hosts"]), json.dumps(steps)),
    )
    return [dict(row) for row in rows]


def _write_warc(
    archive: Path, captures: Sequence[dict[str, Any]], path: Path, now: datetime
) -> list[dict[str, Any]]:
    """Copy the records byte for byte; returns the captures with their place in the new file."""
    placed: list[dict[str, Any]] = []
    with path.open("wb") as file:
        file.write(warcinfo(path.name, "scamtrail", now))
        for entry in captures:
            try:
                found = records(archive, entry)
            except OSError as error:
                raise EvidenceError(f"{archive / entry['file']}: {error.strerror}") from error
            if hashlib.sha256(found).hexdigest() != entry["sha256"]:
                raise EvidenceError(
                    f"{archive / entry['file']}: {entry['url']} is not what was written there; "
                    f"see scamtrail evidence --verify {archive.parent}"
                )
            placed.append({**entry, "file": path.name, "offset": file.tell()})
            file.write(found)
    return placed


def _write_chain(
    archive: Path, captures: Sequence[Mapping[str, Any]], path: Path
) -> dict[str, Any]:
    """The chain from the first of these captures to its head, all others as digests only."""
    shown = {entry["seq"] for entry in captures}
    numbers = [int(entry["file"].split(".")[0]) for entry in captures]
    start = head = chain.GENESIS
    count = 0
    lines = chain_lines(archive, min(numbers)) if numbers else iter(())
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            entry = line["entry"]
            if not count and entry.get("previous"):
                start = entry["previous"]
            ours = entry.get("kind") == "capture" and entry["seq"] in shown
            kept = {"entry": entry} if ours else {"digest": chain.digest(entry)}
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
            head = line["hash"]
            count += 1
    return {"start": start, "head": head, "entries": count}


def _verify_chain(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Whether the records are those that the chain names, and the chain ends where it says."""
    tied = manifest["chain"]
    entries: list[Mapping[str, Any]] = []
    head = tied["start"]
    number = 0
    try:
        for raw in _lines(folder / CHAIN):
            number += 1
            line = chain.parse(raw)
            head = chain.follow(head, line)
            if "entry" in line:
                entries.append(line["entry"])
        if head != tied["head"]:
            yield f"{CHAIN}: does not end at the head that {MANIFEST} names"
        if len(entries) != manifest["captures"]:
            yield f"{CHAIN}: names {len(entries)} captures, {MANIFEST} {manifest['captures']}"
    except (ChainError, UnicodeDecodeError) as error:
        yield f"{CHAIN}:{number}: {error}"
        return
    with (folder / WARC).open("rb") as file:
        offset = _opening(file.read(65_536))
        for entry in entries:
            length, url = entry.get("length"), entry.get("url")
            if not isinstance(length, int) or not 0 <= length <= _MAX_TEXT:
                yield f"{CHAIN}: {url}: has no length"
                return
            file.seek(offset)
            if hashlib.sha256(file.read(length)).hexdigest() != entry.get("sha256"):
                yield f"{WARC}: {url} of {entry.get('time')}: changed"
            offset += length
        size = file.seek(0, os.SEEK_END)
        if size != offset:
            yield f"{WARC}: {size} bytes, {offset} expected: added or missing at its end"
    yield from _verify_records(folder / WARC, entries)


def _verify_records(path: Path, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whether a standard reader finds in the file what the chain says of it."""
    named = [(item.get("url"), item.get("payload_sha256"), item.get("time")) for item in entries]
    found: list[tuple[Any, ...]] = []
    try:
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests=True):
                field = record.rec_headers.get_header
                hashed, size = hashlib.sha256(), 0
                while chunk := record.content_stream().read(65_536):
                    hashed.update(chunk)
                    size += len(chunk)
                    if size > _MAX_TEXT:
                        yield f"{path.name}: {field('WARC-Target-URI')}: too large to be ours"
                        return
                if record.digest_checker.passed is False:
                    yield f"{path.name}: {field('WARC-Target-URI')}: its own digest fails"
                if record.rec_type == "response":
                    found.append((field("WARC-Target-URI"), hashed.hexdigest(), field("WARC-Date")))
    except (ArchiveLoadFailed, OSError, ValueError, EOFError) as error:
        yield f"{path.name}: cannot be read: {error}"
        return
    if found != named:
        yield f"{path.name}: holds other pages than {CHAIN} names"


def _opening(start: bytes) -> int:
    """The length of the first gzip member."""
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        reader.decompress(start, 65_536)
    except zlib.error:
        return 0
    return len(start) - len(reader.unused_data) - len(reader.unconsumed_tail)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not _plain(path):
        raise EvidenceError(f"{MANIFEST}: missing")
    try:
        if path.stat().st_size > _MAX_TEXT:
            raise ValueError("it is too large")
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        tied = manifest["chain"]
        named = (tied["start"], tied["head"], *_digests(manifest).values())
        whole = isinstance(manifest["captures"], int) and {WARC, CHAIN} <= set(manifest["files"])
        if not whole or not all(chain.is_hash(item) for item in named):
            raise ValueError("a value is none")
        if any("/" in name or name.startswith(".") for name in manifest["files"]):
            raise ValueError("a name leads out of the folder")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EvidenceError(f"{MANIFEST}: changed: {error}") from error
    return manifest


def _digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {name: item["sha256"] for name, item in manifest["files"].items()}


def _sums(digests: Mapping[str, str]) -> str:
    """In the form of sha256sum(1), so that a partner needs no program of ours."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.readline(1_000_000), b"")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _index(
    found: Mapping[str, Any], tied: Mapping[str, Any], files: Sequence[str], now: datetime
) -> Iterator[str]:
    """The pack for a reader: what was decided, why, and how to check it."""
    site = found["site"]
    yield f"# Evidence on {_cell(defang(found['domain']))}"
    yield ""
    yield f"Packed {now.strftime('%Y-%m-%d %H:%M')} UTC. Addresses here are defanged."
    yield ""
    probability = site.get("probability") or 0.0
    yield f"**Verdict**: {site.get('category') or 'none'} {site.get('kind') or ''}".rstrip() + (
        f", probability {probability:.3f}; status {site.get('status') or 'unknown'}, first seen"
        f" {site.get('first_seen') or 'never'}, last seen {site.get('last_seen') or 'never'}."
    )
    tables = {
        "Why": (found["evidence"], "weight signal value snippet url"),
        f"Pages captured ({WARC})": (
            found["captures"],
            "fetched_at url profile status ip payload_sha256 certificate_sha256",
        ),
        "The trail": (found["trail"], "kind reference title"),
        "Registration": (
            found["whois"],
            "source registrar created expires name_servers abuse_contact failure fetched_at",
        ),
        "Hosting": (found["hosting"], "ip asn as_name prefix country fetched_at"),
        "Lists": (found["listings"], "domain list tier added_at reason removed_at removal_reason"),
    }
    for title, (rows, columns) in tables.items():
        yield from _table(title, rows, columns.split())
    yield ""
    yield "## How to check this"
    yield ""
    yield "- `scamtrail evidence --verify .` checks everything below; without it:"
    yield f"- `sha256sum -c {SUMS}`: no file was changed."
    yield f"- `warcio check {WARC}`: every record agrees with its digests."
    yield f"- {CHAIN}: each entry is tied to the one before it; the rest of the archive stands"
    yield f"  there as digests. Of its {tied['entries']} entries the last gives the head"
    yield f"  `{tied['head']}`, which the sender can have noted anywhere before."
    yield ""
    yield f"Files: {', '.join(sorted(files))}. All findings, machine-readable: {FINDINGS}."


def _table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(name.replace('_', ' ') for name in columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(_shown(name, row.get(name))) for name in columns)} |"


# Columns whose dots are no addresses; a point between letters elsewhere may make a live link.
_AS_IT_IS = frozenset({"weight", "signal", "ip", "prefix", "as_name", "registrar", "abuse_contact"})


def _shown(column: str, value: Any) -> str:
    text = "" if value is None else str(value)
    return (
        text if column in _AS_IT_IS else re.sub(r"(?<=\w)\.(?=\w)", "[.]", _LINK.sub("hxxp", text))
    )


_POINT = re.compile(r"(?<=\w)\.(?=\w)")
_LINK = re.compile(r"http(?=s?://)", re.IGNORECASE)
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#!"})


def _cell(text: str) -> str:
    """Text from the web that a Markdown reader shows and does not act on."""
    return " ".join(text.split())[:300].translate(_SPECIAL)
