"""Fold names into the listed name above them, without a change in what is blocked."""

from collections.abc import Iterable, Iterator, Set

from crawler.model import Listing

# Sorts before every character of a host name, so that a name is followed at once by all below it.
_SEPARATOR = "\0"


def reversed_labels(name: str) -> str:
    """A sort key: labels from the right, so that a domain stands before the names below it."""
    return _SEPARATOR.join(name.split(".")[::-1])


def parents(name: str) -> Iterator[str]:
    """The names above `name`, nearest first, down to its last label."""
    position = name.find(".")
    while position >= 0:
        yield name[position + 1 :]
        position = name.find(".", position + 1)


def host_of(name: str) -> str:
    """The host of an entry that may be a URL."""
    return name.split("/")[2].partition(":")[0] if "://" in name else name


def is_covered(name: str, names: Set[str]) -> bool:
    """Whether `name` or a name above it is in `names`."""
    return name in names or any(parent in names for parent in parents(name))


def collapse(names: Iterable[str]) -> tuple[str, ...]:
    """The fewest names that, each with all below it, block what `names` block.

    Sorted by reversed labels. One sort and one pass: linear in the names but for the sort.
    """
    keys = sorted(map(reversed_labels, names))
    kept, last, prefix = 0, "", _SEPARATOR
    for key in keys:
        if key == last or key.startswith(prefix):
            continue
        last, prefix = key, key + _SEPARATOR
        keys[kept] = ".".join(key.split(_SEPARATOR)[::-1])  # in place: millions fit in memory
        kept += 1
    del keys[kept:]
    return tuple(keys)


def collapse_listings(listings: Iterable[Listing]) -> tuple[Listing, ...]:
    """The same for entries: those under an entry fold into it, exact ones cover only themselves.
    A URL folds into an entry that covers its host.

    Of several entries for one name the first stays, one that covers before an exact one. The
    result is sorted by reversed labels.
    """
    covering: dict[str, Listing] = {}
    exact: dict[str, Listing] = {}
    for listing in listings:
        (exact if listing.exact else covering).setdefault(listing.domain, listing)
    names = collapse(covering)
    kept = [covering[name] for name in names]
    top = frozenset(names)
    kept += [entry for name, entry in exact.items() if not is_covered(host_of(name), top)]
    return tuple(sorted(kept, key=lambda entry: reversed_labels(entry.domain)))
