"""How a command ends: its exit code, its message and its counts."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILURES = 1
    USAGE = 2
    REFUSED = 3
    LOCKED = 4


class Failure(Exception):
    """What ends a command: the message is what its user reads, `code` the exit code."""

    code = Exit.FAILURES


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run stops crawling, 0 meaning nowhere, and how many processes crawl."""

    pages: int = 0
    minutes: float = 0.0
    workers: int = 0


@dataclass(slots=True)
class Outcome:
    """What a run did; `stats` is what `--json` prints and the run record keeps."""

    code: Exit = Exit.DONE
    message: str = ""
    problems: list[str] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, int]] = field(default_factory=dict)

    def worsen(self, code: Exit, message: str) -> None:
        """Keep the most serious code and its message."""
        if code > self.code:
            self.code, self.message = code, message
