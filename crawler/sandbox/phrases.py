"""The texts of the practice internet, by language."""

import tomllib
from importlib.resources import files
from typing import Any


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((files("crawler.sandbox") / "text" / name).read_text("utf-8"))


GAMBLING = _load("gambling.toml")
INVESTMENT = _load("investment.toml")
INNOCENT: dict[str, dict[str, list[str]]] = _load("innocent.toml")
