"""What a page shows that its owner had to register or choose: one file a family.

A family is a function `(Source) -> Iterator[Identifier]` with `@family`. To add one, add a file,
and its kinds to the weights in `crawler.operations.link`.
"""

import csv
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from urllib.parse import urlsplit

from crawler.model import Identifier, Page
from crawler.names import registered_domain
from crawler.operations.checksums import is_base58check

__all__ = ["Source", "family", "identifiers", "is_base58check"]

MAX_SOURCE = 200_000
# A page with more values of a kind than this lists other people's: a warning list, a directory.
MAX_OF_A_KIND = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A page prepared once for all families: its source and its visible text, both limited."""

    page: Page
    html: str
    text: str
    domain: str


Family = Callable[[Source], Iterator[Identifier]]
_FAMILIES: list[tuple[str, Family]] = []


def family(function: Family) -> Family:
    """Registers a family of identifiers."""
    _FAMILIES.append((f"{function.__module__}.{function.__name__}", function))
    return function


@cache
def families() -> tuple[Family, ...]:
    """Every family of the package, in the order of their names."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return tuple(function for _, function in sorted(_FAMILIES, key=lambda item: item[0]))


@cache
def common() -> frozenset[Identifier]:
    """Identifiers that belong to nobody in particular: token contracts, vendors' examples."""
    text = (files("crawler") / "operations" / "common.csv").read_text("utf-8")
    return frozenset(Identifier(row["kind"], row["value"]) for row in csv.DictReader(text.split()))


def identifiers(page: Page) -> frozenset[Identifier]:
    """The identifiers on `page`, wallets only with a valid checksum. Linear in the page's size."""
    charset = "utf-16" if page.document.charset.lower().startswith("utf-16") else "utf-8"
    source = Source(
        page=page,
        html=page.body[:MAX_SOURCE].decode(charset, "ignore"),
        text=page.text[:MAX_SOURCE],
        domain=registered_domain(urlsplit(page.url).hostname or ""),
    )
    found: defaultdict[str, set[Identifier]] = defaultdict(set)
    for look in families():
        for item in look(source):
            if len(found[item.kind]) <= MAX_OF_A_KIND:
                found[item.kind].add(item)
    return frozenset(
        item for items in found.values() if len(items) <= MAX_OF_A_KIND for item in items
    ).difference(common())
