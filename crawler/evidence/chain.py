"""Entries tied by hashes: whoever knows the head notices every later change. Pure.

The hash of an entry is SHA-256 over the hash before it and the SHA-256 of the entry's canonical
JSON, so that an entry can be replaced by its digest (to show a partner only what concerns him)
without breaking the chain.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

GENESIS = "0" * 64

Entry = Mapping[str, Any]


class ChainError(Exception):
    """The chain does not hold; the message names the line."""


def digest(entry: Entry) -> str:
    """SHA-256 of an entry, whatever the order of its keys."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def link(previous: str, entry_digest: str) -> str:
    """The hash of an entry after `previous`; both are 64 hexadecimal digits."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(entry_digest)).hexdigest()


def parse(line: str | bytes) -> dict[str, Any]:
    """One line of a chain: {"entry": …} or {"digest": …}, perhaps with "hash".

    Raises ChainError.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ChainError("is no JSON") from error
    if not isinstance(found, dict) or ("entry" in found) == ("digest" in found):
        raise ChainError("holds neither an entry nor a digest")
    if "entry" in found and not isinstance(found["entry"], dict):
        raise ChainError("holds an entry that is no object")
    for key in ("digest", "hash"):
        if key in found and not is_hash(found[key]):
            raise ChainError(f"holds a {key} that is no SHA-256")
    return found


def is_hash(value: object) -> bool:
    """Whether `value` is a SHA-256 in lower-case hexadecimal, its only form here."""
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def follow(previous: str, line: Mapping[str, Any]) -> str:
    """The hash after a parsed line. Raises ChainError when the line claims another one."""
    entry = line.get("entry")
    result = link(previous, digest(entry) if entry is not None else line["digest"])
    if line.get("hash", result) != result:
        raise ChainError("does not follow from the line before it")
    return result


def head(start: str, lines: Iterable[Mapping[str, Any]]) -> str:
    """The hash at the end. Raises ChainError naming the line (from 1) that does not follow."""
    for number, line in enumerate(lines, 1):
        try:
            start = follow(start, line)
        except ChainError as error:
            raise ChainError(f"line {number} {error}") from error
    return start
