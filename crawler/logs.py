"""The log of a workspace: one line an event, `key=value` or JSON, rotated by size.

An event is a message of `logging` whose `extra={"facts": {...}}` holds what is known about it.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from crawler.config import LogConfig

# What others log below WARNING is about their own working.
OWN = ("crawler", "spiders", "blocklists")


def event(logger: logging.Logger, message: str, /, **facts: Any) -> None:
    """Log `message` with what is known about it."""
    logger.info(message, extra={"facts": facts})


class _Lines(logging.Formatter):
    """Every line begins with time, level, the fixed facts (such as the run's id) and the event."""

    def __init__(self, fixed: Mapping[str, Any], *, as_json: bool) -> None:
        super().__init__()
        self._fixed = fixed
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S}Z",
            "level": record.levelname.lower(),
            **self._fixed,
            "event": record.getMessage(),
            "logger": record.name,
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(facts, ensure_ascii=False, default=str)
        return " ".join(f"{key}={_word(value)}" for key, value in _flat(facts))


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _word(value: Any) -> str:
    """A value as one word of a line; control characters and line ends are escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if text and text.isprintable() and not set(text) & set(' "='):
        return text
    shown = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)


@contextmanager
def logged(folder: Path, config: LogConfig, **fixed: Any) -> Iterator[None]:
    """Log to FOLDER/scamtrail.log while the block runs; every line bears the `fixed` facts.

    A log that cannot be written is said once on standard error and costs no run.
    """
    handler: logging.Handler
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        handler = _Rotating(
            folder / "scamtrail.log",
            maxBytes=int(config.max_mb * 1e6),
            backupCount=config.keep,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        print(f"scamtrail: no log: {folder}: {error.strerror}", file=sys.stderr)
        handler = logging.NullHandler()
    handler.setFormatter(_Lines(fixed, as_json=config.format == "json"))
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or record.name.split(".")[0] in OWN
    )
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()


class _Rotating(RotatingFileHandler):
    """Says once that it cannot write, instead of a traceback for each line."""

    _failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._failed:
            self._failed = True
            print(f"scamtrail: no log: {self.baseFilename}: {sys.exc_info()[1]}", file=sys.stderr)
