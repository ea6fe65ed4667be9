"""The desk's words: one catalogue a language, keys alike; English is complete and the fallback."""

import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files

FALLBACK = "en"


def languages() -> tuple[str, ...]:
    """Tags of the catalogues (BCP 47), in order."""
    found = (item.name for item in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def catalogue(language: str) -> dict[str, str]:
    """Key → text, `{name}` in it standing for a value."""
    read = tomllib.loads((files(__name__) / f"{language}.toml").read_text("utf-8"))
    return {key: str(value) for key, value in read.items()}


def choose(wanted: Iterable[str]) -> str:
    """The first catalogue that serves one of the language tags `wanted`, English otherwise."""
    have = languages()
    for tag in wanted:
        if (base := tag.strip().lower().partition("-")[0]) in have:
            return base
    return FALLBACK


def accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110 §12.5.4), the most wanted first."""
    weighed = []
    for item in header.split(","):
        tag, _, weight = item.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]


def translator(language: str) -> Callable[..., str]:
    """t(key, **values) in `language`. Raises KeyError for a key that no catalogue has."""
    own, english = catalogue(language), catalogue(FALLBACK)

    def text(key: str, **values: object) -> str:
        found = own.get(key) or english[key]
        return found.format(**values) if values else found

    return text
