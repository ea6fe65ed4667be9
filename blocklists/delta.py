"""What changed from one release to another: the files in `delta/`, and why a name left a list."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from blocklists.collapse import host_of, parents
from blocklists.policy import FOLDER as POLICIES
from blocklists.registry import scope
from blocklists.select import Selection
from crawler.model import Listing

FOLDER = "delta"
GONE = "the evidence no longer suffices"

# `list/tier`, name, and whether the entry is the exact name alone.
Key = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Change:
    """An entry added or removed, and why."""

    added: bool
    reason: str


Changes = Mapping[Key, Change]


class Removals:
    """Why a name is in a list no more, from what was selected instead and what was refused."""

    def __init__(self, selection: Selection) -> None:
        self._listed: dict[str, dict[str, bool]] = {}
        self._refused: dict[tuple[str, str], str] = {}
        for entry in selection.listings:
            place = self._listed.setdefault(f"{entry.list}/{entry.tier}", {})
            place[entry.domain] = entry.exact
        for refusal in selection.refusals:
            place_name = f"{refusal.list}/{refusal.tier}"
            # An entry for a registered domain rests on hosts below it, which were refused.
            for name in (refusal.domain, *parents(refusal.domain)):
                self._refused.setdefault((place_name, name), refusal.reason)

    def why(self, place: str, domain: str) -> str:
        """`place` is `list/tier`."""
        listed = self._listed.get(place, {})
        host = host_of(domain)
        for parent in parents(host) if host == domain else (host, *parents(host)):
            if listed.get(parent) is False:
                return f"now within the entry {parent}"
        if domain in listed:
            return f"now listed as a {scope(domain, listed[domain])}"
        # A country's list refuses what strict refuses; that is said once.
        strict = place if not place.startswith(f"{POLICIES}/") else "all/strict"
        return self._refused.get((place, domain)) or self._refused.get((strict, domain), GONE)


def changes(
    before: Mapping[str, Mapping[str, bool]],
    after: Mapping[str, Iterable[Listing]],
    removals: Removals,
) -> Changes:
    """From names (and whether exact) by `list/tier` to the entries that follow."""
    found: dict[Key, Change] = {}
    for place in sorted({*before, *after}):
        was = before.get(place, {})
        entries = {entry.domain: entry for entry in after.get(place, ())}
        for domain, exact in was.items():
            if domain not in entries or entries[domain].exact != exact:
                why = removals.why(place, domain)
                found[place, domain, exact] = Change(False, why)
        for domain, entry in entries.items():
            if was.get(domain) != entry.exact:
                found[place, domain, entry.exact] = Change(True, entry.reason)
    return found


def combine(first: Changes, second: Changes) -> Changes:
    """The changes of both, one after the other; what the second takes back is none."""
    result = dict(first)
    for key, change in second.items():
        if key in result and result[key].added != change.added:
            del result[key]
        else:
            result[key] = change
    return result


def render(start: int, end: int, found: Changes) -> Iterator[str]:
    """A comment, then a change a line, removals of a list before what is added to it."""
    yield f"# From {start} to {end}: list, - or +, name, scope, reason; tabs between"
    for (place, domain, exact), change in sorted(
        found.items(), key=lambda item: (item[0][0], item[1].added, item[0])
    ):
        sign = "+" if change.added else "-"
        reason = " ".join(_printable(change.reason).split())
        yield f"{place}\t{sign}\t{domain}\t{scope(domain, exact)}\t{reason}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def parse(lines: Iterable[str]) -> Changes:
    """The reverse of `render`. Raises ValueError."""
    found: dict[Key, Change] = {}
    for line in lines:
        if line and not line.startswith("#"):
            place, sign, domain, kind, reason = line.split("\t")
            found[place, domain, kind != "domain"] = Change(sign == "+", reason)
    return found


def path(start: int, end: int) -> str:
    return f"{FOLDER}/{start}-{end}.txt"
