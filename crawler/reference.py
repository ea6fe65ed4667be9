"""Well-known hosts and their roles: what is never a candidate and never an entry.

The table is our own (`data/reference/*.csv`: host, role, country, source); an operator adds lists
of host names with `publish.reference`.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO

from crawler.names import is_public_suffix, normalise_host, registered_domain

# Endings that only public bodies, schools or the military of a country get.
_OFFICIAL_LABELS = frozenset(
    {"gov", "go", "gob", "gouv", "gub", "edu", "ac", "sch", "mil", "police"}
)
_OFFICIAL_TLDS = frozenset({".gov", ".mil", ".edu", ".int"})
# Roles that hold for everything below a public suffix too: nobody is a tenant there.
_OWN = frozenset({"cdn", "police", "government", "bank", "licensed_gambling"})
MAX_EXTRA_LINES = 5_000_000


@dataclass(frozen=True, slots=True)
class Reference:
    """A known host. `role` is platform, bank, regulator, police, news, …; `country` ISO 3166."""

    host: str
    role: str
    country: str
    source: str


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """Known hosts by name."""

    hosts: Mapping[str, Reference]

    def lookup(self, host: str) -> Reference | None:
        """The entry for `host` or the nearest parent of it.

        A host that gives names to strangers answers only for itself, not for its tenants.
        """
        name = host
        while name:
            found = self.hosts.get(name)
            if found and (name == host or found.role in _OWN or not is_public_suffix(name)):
                return found
            _, _, name = name.partition(".")
        return official(host)

    def reason(self, host: str) -> str:
        """Why `host` is beyond suspicion, "" when it is not."""
        found = self.lookup(host)
        return f"{found.role} ({found.source})" if found else ""

    def known(self, names: Iterable[str]) -> Iterator[str]:
        """Those of many names for which `reason` has one; several times as fast."""
        hosts = self.hosts
        for name in names:
            if name in hosts or name[-4:] in _OFFICIAL_TLDS:
                yield from self._if_known(name)
            elif name.count(".") > 1:  # most have two labels, and nothing above them but a TLD
                rest = name.partition(".")[2]
                while rest and rest not in hosts:
                    rest = rest.partition(".")[2]
                if rest or name[:-3].rpartition(".")[2] in _OFFICIAL_LABELS:
                    yield from self._if_known(name)

    def near(self) -> set[str]:
        """What a name must be or stand below to be known."""
        letters = "abcdefghijklmnopqrstuvwxyz"
        countries = [a + b for a in letters for b in letters]
        found = {f"{label}.{country}" for label in _OFFICIAL_LABELS for country in countries}
        return found | self.hosts.keys() | {ending.removeprefix(".") for ending in _OFFICIAL_TLDS}

    def _if_known(self, name: str) -> Iterator[str]:
        if self.lookup(name):
            yield name

    def extended(self, paths: Iterable[Path]) -> "ReferenceTable":
        """The table with host lists added, one name a line, `#` comments, `.gz` too.

        Raises OSError for a file that cannot be read; lines that are no host are passed over.
        """
        added = dict(self.hosts)
        for path in paths:
            opened: IO[str] = (
                gzip.open(path, "rt", encoding="utf-8", errors="replace")  # noqa: SIM115
                if path.suffix == ".gz"
                else path.open(encoding="utf-8", errors="replace")
            )
            with opened as lines:
                for number, line in enumerate(lines):
                    if number >= MAX_EXTRA_LINES:
                        break
                    name = line.split("#")[0].strip()
                    try:
                        host = normalise_host(name)
                    except ValueError:
                        continue
                    added.setdefault(host, Reference(host, "listed as known", "", path.name))
        return replace(self, hosts=added)


def official(host: str) -> Reference | None:
    """A host under a suffix that a country keeps for its public bodies and schools."""
    labels = host.split(".")
    if f".{labels[-1]}" in _OFFICIAL_TLDS:
        label = labels[-1]
    elif len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _OFFICIAL_LABELS:
        label = labels[-2]
    else:
        return None
    role = "school" if label in ("edu", "ac", "sch") else "government"
    return Reference(registered_domain(host) or host, role, labels[-1], "restricted suffix")


@cache
def default() -> ReferenceTable:
    """The table that is shipped."""
    hosts: dict[str, Reference] = {}
    folder = files("crawler") / "data" / "reference"
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if path.name.endswith(".csv"):
            for row in csv.DictReader(path.read_text("utf-8").splitlines()):
                hosts[row["host"]] = Reference(
                    row["host"], row["role"], row["country"], row["source"]
                )
    return ReferenceTable(hosts)
