"""What a mention means: is the host accused, or only named? Pure."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from crawler.model import Role
from crawler.reference import ReferenceTable

BEFORE = 80
AFTER = 60
# First visits by how plainly a report accuses; a web page's bare link only invites a look.
PRIORITY_TABLE = 0.9
PRIORITY_CUED = 0.85
PRIORITY_NAMED = 0.65
PRIORITY_LINKED = 0.3

_SENTENCE = re.compile(r"[。！？\n]|[.!?;](?=\s)")
_VICTIMS = frozenset({"bank", "exchange", "broker", "licensed_gambling"})
_REPORTERS = frozenset(
    {"regulator", "police", "news", "government", "school", "help", "anti_fraud"}
)
_EXAMPLES = frozenset({"example.com", "example.net", "example.org", "example.edu"})

Cues = Mapping[tuple[str, str], re.Pattern[str]]


@cache
def cues() -> Cues:
    """(role, before|after) → one pattern over all languages."""
    tables = tomllib.loads((files("crawler.reports") / "roles.toml").read_text("utf-8"))
    return {
        (role, place): re.compile(
            "|".join(
                re.escape(word)
                for words in languages.values()
                for word in sorted(words, key=len, reverse=True)
            )
        )
        for role, places in tables.items()
        for place, languages in places.items()
    }


def role_of(
    host: str, before: str, after: str, reference: ReferenceTable, own_host: str = ""
) -> tuple[Role, bool]:
    """The role of `host`, and whether the words around it say so plainly.

    `before` and `after` is the text around the mention, `own_host` the host of the report itself.
    Who is not named in any other role is accused: reports name hosts for that.
    """
    if host in _EXAMPLES or any(host.endswith(f".{name}") for name in _EXAMPLES):
        return Role.EXAMPLE, True
    if own_host and (host == own_host or host.endswith(f".{own_host}")):
        return Role.REPORTER, True
    if known := reference.lookup(host):
        if known.role in _REPORTERS:
            return Role.REPORTER, True
        return (Role.VICTIM if known.role in _VICTIMS else Role.PLATFORM), True
    # The words nearest to the host decide: "unlike the bank's own site A, the scam B".
    lead = _SENTENCE.split(before[-BEFORE:].lower())[-1]
    tail = _SENTENCE.split(after[:AFTER].lower())[0]
    nearest, position = Role.ACCUSED, -1
    cued = False
    for role in (Role.REPORTER, Role.VICTIM, Role.EXAMPLE, Role.ACCUSED):
        if (pattern := cues().get((role.value, "before"))) is None:
            continue
        for match in pattern.finditer(lead):
            if match.end() > position:
                nearest, position, cued = role, match.end(), True
    if (pattern := cues().get((Role.ACCUSED.value, "after"))) and pattern.search(tail):
        return Role.ACCUSED, True
    return nearest, cued


def priority(role: Role, *, cued: bool, listed: bool, web: bool) -> float:
    """How soon a mention is visited, 0..1; only the accused are."""
    if role is not Role.ACCUSED:
        return 0.0
    if listed:
        return PRIORITY_TABLE
    if cued:
        return PRIORITY_CUED
    return PRIORITY_LINKED if web else PRIORITY_NAMED
