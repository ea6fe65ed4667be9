"""What a run shows while it works: a live line on a terminal, nothing elsewhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from crawler.logs import event

logger = logging.getLogger(__name__)


class Progress:
    """Shows the stage under way on standard error when that is a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[detail]}", style="cyan"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("", detail="")
        self._started = monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Show `name` while the block runs."""
        self._started = monotonic()
        self._bar.reset(self._task, description=name, detail="")
        self._bar.start()
        try:
            yield
        finally:
            self._bar.stop()
            event(logger, "stage ended", stage=name, seconds=round(monotonic() - self._started, 2))

    def update(self, **counts: int) -> None:
        """Show counts, and the rate of the first one."""
        parts = [f"{name} {value:,}" for name, value in counts.items()]
        first = next(iter(counts.values()), 0)
        rate = first / max(0.1, monotonic() - self._started)
        self._bar.update(self._task, detail=" · ".join([*parts, f"{rate:.0f}/s"]))

    def count(self, done: int, total: int) -> None:
        """Show how far a stage of known length is, and how long the rest takes at this pace."""
        left = (monotonic() - self._started) * (total - done) / max(1, done)
        detail = f"{done:,} of {total:,} · {left // 60:.0f}:{left % 60:02.0f} left"
        self._bar.update(self._task, detail=detail)
