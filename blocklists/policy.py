"""What is unlawful in a country, and who is licensed there: `policies/*.toml` and `*.csv`.

A policy list holds what the law of its country forbids, on the evidence that `strict` demands. A
country that licenses operators whose names are not all known here gets none of that category
until someone hands in the register: nobody with a licence is ever listed where it was granted.
"""

import csv
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from crawler.model import Category
from crawler.names import normalise_host

FOLDER = "policy"

# What an ISP loads; other formats serve browsers and telephones.
FORMATS = frozenset(
    {
        "domains",
        "dnsmasq",
        "hosts",
        "jsonl",
        "powerdns",
        "rpz",
        "squid",
        "unbound",
        "urls",
        "wildcard",
    }
)

_COLUMNS = ("domain", "domain name", "url", "website", "host")


class PolicyError(Exception):
    """A policy or register cannot be used; the message names file, line and fix."""


@dataclass(frozen=True, slots=True)
class Authority:
    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Offence:
    """A category and the laws that forbid it; `register` names who may do it all the same."""

    laws: tuple[str, ...]
    register: Authority | None = None
    register_is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """`code` is ISO 3166 in small letters, and uk; `languages` are BCP 47.

    `licensed` maps each licensed domain, which stands for all below it, to its operator.
    """

    code: str
    country: str
    languages: tuple[str, ...]
    contact: Authority
    offences: Mapping[Category, Offence]
    licensed: Mapping[str, str]

    @property
    def categories(self) -> frozenset[Category]:
        """What is listed: not what a licence may allow to someone unknown."""
        return frozenset(
            category for category, offence in self.offences.items() if offence.register_is_complete
        )

    def to_json(self) -> str:
        """What `policy.json` beside the list says."""
        document = {
            "country": self.country,
            "languages": self.languages,
            "contact": {"name": self.contact.name, "url": self.contact.url},
            "categories": {
                category.value: {
                    "laws": offence.laws,
                    "listed": category in self.categories,
                    "register": offence.register.name if offence.register else "",
                    "register_url": offence.register.url if offence.register else "",
                }
                for category, offence in self.offences.items()
            },
            "licensed": dict(sorted(self.licensed.items())),
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def load(folder: Path, wanted: Iterable[str] = ()) -> tuple[Policy, ...]:
    """The shipped policies with those in `folder`, by code; only `wanted` ones when it names any.

    A TOML file there replaces the shipped one; a CSV file adds to the register, and says that the
    register is complete now. Raises PolicyError.
    """
    shipped = _folder(files("blocklists") / "policies")
    own = _folder(folder) if folder.is_dir() else {}
    codes = sorted({name.removesuffix(".toml") for name in {**shipped, **own} if ".toml" in name})
    chosen = sorted(set(wanted) - {"none"}) if wanted else codes
    if unknown := [code for code in chosen if code not in codes]:
        raise PolicyError(f"no policy {unknown[0]!r}; there are: {', '.join(codes)}")
    return tuple(_policy(code, shipped, own) for code in chosen)


def _folder(folder: Traversable) -> dict[str, Traversable]:
    return {item.name: item for item in folder.iterdir() if item.name.endswith((".toml", ".csv"))}


def _policy(code: str, shipped: Mapping[str, Any], own: Mapping[str, Any]) -> Policy:
    source = own.get(f"{code}.toml") or shipped[f"{code}.toml"]
    try:
        policy = _parse(code, tomllib.loads(source.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"{source}: no policy: {error}; see docs/isp.md") from error
    licensed: dict[str, str] = {}
    for register in (shipped.get(f"{code}.csv"), own.get(f"{code}.csv")):
        if register:
            licensed |= _register(register)
    offences = {
        category: replace(offence, register_is_complete=True) if f"{code}.csv" in own else offence
        for category, offence in policy.offences.items()
    }
    return replace(policy, licensed=licensed, offences=offences)


def _parse(code: str, table: Mapping[str, Any]) -> Policy:
    if not re.fullmatch(r"[a-z0-9-]{2,20}", code):
        raise ValueError(f"{code!r} is not the code of a country")
    offences = {}
    for category in Category:
        if category.is_scam and (found := table.get(category.value)):
            register = found.get("register")
            offences[category] = Offence(
                tuple(found["laws"]),
                Authority(**register) if register else None,
                bool(found.get("register_is_complete", True)),
            )
    known = {"country", "languages", "contact", *(category.value for category in Category)}
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"unknown key {unknown[0]!r}")
    return Policy(
        code,
        str(table["country"]),
        tuple(table["languages"]),
        Authority(**table["contact"]),
        offences,
        {},
    )


def _register(source: Traversable) -> Iterator[tuple[str, str]]:
    """(domain, operator); raises PolicyError for a line that names no domain.

    A name that cannot be read could be a licensed one, so none is passed over.
    """
    try:
        rows = csv.reader(source.read_text("utf-8-sig").splitlines())
        head = [name.strip().lower() for name in next(rows, [])]
        place = next(head.index(name) for name in _COLUMNS if name in head)
    except StopIteration:
        raise PolicyError(
            f"{source}:1: no column {', '.join(_COLUMNS[:-1])} or {_COLUMNS[-1]}; name one"
        ) from None
    except (OSError, ValueError, csv.Error) as error:
        raise PolicyError(f"{source}: cannot be read: {error}; save it as UTF-8 CSV") from error
    operator = head.index("operator") if "operator" in head else None
    for row in rows:
        text = row[place].strip() if len(row) > place else ""
        if not text:
            continue
        bare = re.split(r"[/?#\s]", text.partition("://")[2] or text)[0]
        try:
            host = normalise_host(bare.removeprefix("*.").partition(":")[0])
        except ValueError as error:
            raise PolicyError(
                f"{source}:{rows.line_num}: {error}; write the licensed domain alone"
            ) from error
        name = row[operator].strip() if operator is not None and len(row) > operator else ""
        yield host.removeprefix("www."), name or "licensed"
