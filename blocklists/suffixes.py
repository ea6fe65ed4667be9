"""Whether a name is a public suffix, asked millions of times."""

from collections.abc import Set

from crawler.names import SUFFIX_RULES, is_public_suffix


def is_suffix(name: str) -> bool:
    """As `crawler.names.is_public_suffix`, for normalised names of two labels or more.

    Almost no name is a suffix, and two set look-ups tell: a hundred times faster than a parse.
    """
    return (name in SUFFIXES or name.partition(".")[2] in WILD) and is_public_suffix(name)


def suffixes_in(names: Set[str]) -> set[str]:
    """The public suffixes among `names`, for millions of them."""
    likely = names & SUFFIXES
    likely |= {name for name in names if name.partition(".")[2] in WILD}
    return set(filter(is_suffix, likely))


def _ascii(rule: str) -> str:
    """A rule of the Public Suffix List with A-labels."""
    if rule.isascii():
        return rule
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        for label in rule.split(".")
    )


SUFFIXES = frozenset(map(_ascii, SUFFIX_RULES))
WILD = frozenset(rule.removeprefix("*.") for rule in SUFFIXES if rule.startswith("*."))
