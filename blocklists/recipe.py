"""What `scamtrail compile` is to do, from a TOML file or HostlistCompiler's JSON configuration.

The transformations are HostlistCompiler's, by its names. Cleaning, validating, deduplicating and
compressing are always done here, so those that ask for it change nothing.
"""

import fnmatch
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ALWAYS = frozenset(
    {
        "RemoveComments", "Compress", "Validate", "Deduplicate", "RemoveEmptyLines", "TrimLines",
        "InsertFinalNewLine", "ConvertToAscii",
    }
)  # fmt: skip
MODIFIERS, INVERT = "RemoveModifiers", "InvertAllow"
TRANSFORMATIONS = frozenset({*_ALWAYS, MODIFIERS, INVERT})
_REFUSED = {"ValidateAllowIp": "lists hold names; addresses are left out and counted"}

TOP_COUNT = 10_000


class RecipeError(Exception):
    """The file cannot be used; the message names it, the key and the fix."""


@dataclass(frozen=True, slots=True)
class Source:
    """A list to read. `exclude` and `include` are patterns as in `matching`."""

    name: str
    path: Path
    transformations: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """`top` is a ranked list of sites, of which the first `top_count` never get in."""

    title: str
    sources: tuple[Source, ...]
    homepage: str = ""
    licence: str = ""
    allow: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    transformations: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()
    top: Path | None = None
    top_count: int = TOP_COUNT


def matching(patterns: Iterable[str], names: Set[str]) -> set[str]:
    """The names that one of `patterns` means: a name or rule, one with `*`, or `/expression/`."""
    found: set[str] = set()
    for pattern in patterns:
        text = pattern.strip().lower()
        if len(text) > 2 and text[0] == text[-1] == "/":
            found |= set(filter(re.compile(text[1:-1]).search, names))
            continue
        bare = re.sub(r"^(?:@@)?\|\|?|\^.*$|^(?:0\.0\.0\.0|127\.0\.0\.1)\s+", "", text)
        if "*" in bare:
            found |= set(fnmatch.filter(names, bare))
        elif bare in names:
            found.add(bare)
    return found


def load(path: Path) -> Recipe:
    """A recipe from TOML, or from JSON when its name ends so. Raises RecipeError.

    Relative paths are seen from the folder of the file.
    """
    try:
        text = path.read_text("utf-8-sig")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return _Reader(path).recipe(table)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Reader:
    """Values of a table by the names of either form. Its methods raise ValueError."""

    path: Path

    def recipe(self, table: Any) -> Recipe:
        self._known(table, _KEYS, "the file")
        sources = table.get("sources")
        if not isinstance(sources, list) or not sources:
            raise ValueError("no sources; name at least one with its path")
        return Recipe(
            title=self._text(table, "name") or self._text(table, "title") or "compiled",
            homepage=self._text(table, "homepage"),
            licence=self._text(table, "licence") or self._text(table, "license"),
            sources=tuple(self._sources(sources)),
            allow=tuple(
                self._file(name)
                for key in ("allow", "exclusions_sources")
                for name in self._texts(table, key)
            ),
            exclude=(*self._patterns(table, "exclude"), *self._patterns(table, "exclusions")),
            include=tuple(self._included(table)),
            transformations=self._transformations(table),
            formats=self._texts(table, "formats"),
            top=self._file(name) if (name := self._text(table, "top")) else None,
            top_count=int(table.get("top_count", TOP_COUNT)),
        )

    def _sources(self, sources: Iterable[Any]) -> Iterator[Source]:
        for number, table in enumerate(sources, 1):
            self._known(table, _SOURCE_KEYS, f"source {number}")
            place = self._text(table, "path") or self._text(table, "source")
            if not place:
                raise ValueError(f"source {number} has no path")
            yield Source(
                self._text(table, "name") or place,
                self._file(place),
                self._transformations(table),
                (*self._patterns(table, "exclude"), *self._patterns(table, "exclusions")),
                tuple(self._included(table)),
            )

    def _included(self, table: Mapping[str, Any]) -> Iterator[str]:
        yield from self._patterns(table, "include")
        yield from self._patterns(table, "inclusions")
        for name in self._texts(table, "inclusions_sources"):
            lines = self._file(name).read_text("utf-8", "replace").splitlines()
            yield from (line for line in lines if line.strip() and line[0] not in "#!")

    def _file(self, name: str) -> Path:
        if "://" in name:
            raise ValueError(f"{name} is an address on the web; download it and name the file")
        path = self.path.parent / name
        if not path.is_file():
            raise ValueError(f"no file {path}")
        return path

    def _patterns(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        patterns = self._texts(table, key)
        for pattern in patterns:
            if pattern[:1] == pattern[-1:] == "/":
                try:
                    re.compile(pattern[1:-1])
                except re.error as error:
                    raise ValueError(f"{key}: {pattern!r} is no expression: {error}") from error
        return patterns

    def _transformations(self, table: Mapping[str, Any]) -> frozenset[str]:
        given = self._texts(table, "transformations")
        for name in given:
            if name not in TRANSFORMATIONS:
                known = ", ".join(sorted(TRANSFORMATIONS))
                why = _REFUSED.get(name) or f"there are: {known}"
                raise ValueError(f"transformations: no {name!r}; {why}")
        return frozenset(given)

    @staticmethod
    def _known(table: Any, keys: frozenset[str], what: str) -> None:
        if not isinstance(table, dict):
            raise ValueError(f"{what} is no table of keys and values")
        if unknown := sorted(table.keys() - keys):
            there = ", ".join(sorted(keys))
            raise ValueError(f"unknown key {unknown[0]!r} in {what}; keys are {there}")

    @staticmethod
    def _text(table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            raise ValueError(f"{key}: expects a string in quotes, not {value!r}")
        return value

    @staticmethod
    def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f'{key}: expects a list of strings, e.g. ["one", "two"]')
        return tuple(value)


_LISTED = frozenset(
    {
        "name", "transformations", "exclude", "include", "exclusions", "inclusions",
        "exclusions_sources", "inclusions_sources",
    }
)  # fmt: skip
_KEYS = _LISTED | {
    "title", "description", "homepage", "licence", "license", "version", "sources", "allow",
    "formats", "top", "top_count",
}  # fmt: skip
_SOURCE_KEYS = (_LISTED | {"path", "source", "type"}) - {"exclusions_sources"}
