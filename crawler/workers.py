"""A crawl by several processes on one machine, with one writer.

The URLs of a registered domain belong to one worker, so that politeness and budgets hold. Workers
read the database; all that they find goes through a pipe to this process, which commits it and
says so. A worker touches a host again only when what it found there before is committed.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import pickle
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import uvloop
from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner

from crawler.frontier import FrontierScheduler
from crawler.store import PageRecord, Store, StoreError
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace
from spiders.base import WorkspaceSpider, crawl_settings

# Pages that one commit takes, and the seconds that a page waits for it at most.
_PAGES, _HOLD = 48, 0.1
# A worker that has not ended so many seconds after it was asked is ended.
_PATIENCE = 60.0


class ShardStore(Store):
    """The database as one worker sees it: its share of the queue, read-only.

    What would be written is sent away; `sent` holds the hosts of pages not yet committed.
    """

    def __init__(self, path: Path, pipe: Connection, number: int, workers: int) -> None:
        super().__init__(path, read_only=True)
        self._pipe = pipe
        self.sent: deque[str] = deque()
        self._proof = False
        self.share = " AND is_ours(registered_domain)"
        self.connection.create_function(
            "is_ours",
            1,
            lambda domain: zlib.crc32(domain.encode()) % workers == number,
            deterministic=True,
        )

    def keep_evidence(self, *, keep_days: float, max_bytes: int) -> None:
        """The writer keeps it; here it is only made."""
        self._proof = True

    @property
    def keeps_proof(self) -> bool:
        return self._proof

    @property
    def commits_elsewhere(self) -> bool:
        return True

    def batch(self) -> int:
        """Nothing waits here."""
        return 0

    def flush(self) -> None:
        return None

    def add_page(self, record: PageRecord) -> None:
        self.sent.append(record.host)
        self.tell("page", record.without_body())

    def drop(self, keys: Iterable[tuple[str, str]], reason: str) -> None:
        self.tell("drop", (list(keys), reason))

    def tell(self, what: str, value: Any) -> None:
        """Raises StoreError when the writer is gone."""
        try:
            self._pipe.send_bytes(pickle.dumps((what, value), pickle.HIGHEST_PROTOCOL))
        except OSError as error:
            raise StoreError(f"{self.path}: the writer is gone: {error}") from error


def _work(
    out: Connection,
    told: Connection,
    root: Path,
    spider: type[WorkspaceSpider],
    clock: Clock,
    options: dict[str, Any],
    number: int,
    workers: int,
) -> None:
    """One worker, from start to end."""
    # Ctrl-C reaches the whole group; the writer decides what it means.
    os.setpgrp()
    workspace = Workspace.open(root)
    store = ShardStore(workspace.database, out, number, workers)

    async def main() -> None:
        settings = crawl_settings()
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler(spider)
        loop = asyncio.get_running_loop()

        def heard() -> None:
            try:
                while told.poll():
                    what, value = pickle.loads(told.recv_bytes())
                    running = crawler.spider
                    assert isinstance(running, WorkspaceSpider)
                    scheduler = crawler.engine.scheduler
                    assert isinstance(scheduler, FrontierScheduler)
                    if what == "stop":
                        scheduler.waits = False
                        if value:
                            running.stop()
                    else:
                        for _ in range(value):
                            scheduler.finished(store.sent.popleft())
                    if crawler.engine._slot is not None:
                        crawler.engine._slot.nextcall.schedule()
            except (EOFError, OSError):
                os._exit(1)  # the writer was killed; nothing of ours is in its hands

        def opened() -> None:
            scheduler = crawler.engine.scheduler
            assert isinstance(scheduler, FrontierScheduler)
            scheduler.idle = lambda: store.tell("idle", True)
            loop.add_reader(told.fileno(), heard)

        crawler.signals.connect(opened, signal=signals.spider_opened, weak=False)
        await runner.crawl(crawler, workspace=workspace, store=store, clock=clock, **options)
        loop.remove_reader(told.fileno())
        running = crawler.spider
        assert isinstance(running, WorkspaceSpider)
        stats = {
            key: value
            for key, value in crawler.stats.get_stats().items()
            if isinstance(value, (int, str))
        }
        store.tell("done", (json.dumps(stats), str(running.error or "")))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loops:
        loops.run(main())
    store.close()


def crawl(
    workspace: Workspace,
    store: Store,
    spider: type[WorkspaceSpider],
    clock: Clock,
    *,
    workers: int,
    pages: int,
    seconds: float,
    stopped: Callable[[], bool],
    progress: Callable[[int], None],
) -> tuple[Counter[str], str]:
    """Crawl with `workers` processes; what they counted, and why they ended.

    `pages` and `seconds` are limits for all together, 0 for none. Raises StoreError.
    """
    evidence = workspace.config.evidence
    if evidence.max_gb:
        store.keep_evidence(keep_days=evidence.keep_days, max_bytes=int(evidence.max_gb * 1e9))
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, Connection] = {}
    processes = []
    for number in range(workers):
        share = pages // workers + (number < pages % workers) if pages else 0
        options = {"max_pages": share, "max_seconds": seconds, "waits": True}
        if pages and not share:
            continue
        # One pipe each way: the event loop that listens to one makes it non-blocking.
        heard, out = context.Pipe(duplex=False)
        told, telling = context.Pipe(duplex=False)
        process = context.Process(
            target=_work,
            args=(out, told, workspace.root, spider, clock, options, number, workers),
            daemon=True,
        )
        process.start()
        out.close()
        told.close()
        pipes[heard] = telling
        processes.append(process)
    writer = _Writer(store, spider.purpose, workspace.config.crawl.min_priority, clock, pipes)
    try:
        return writer.run(stopped, progress)
    finally:
        for pair in pipes.items():
            for pipe in pair:
                pipe.close()
        for process in processes:
            process.join(5)
            if process.is_alive():
                process.kill()


class _Writer:
    """Commits what the workers send and tells them; ends them when nothing is left."""

    def __init__(
        self,
        store: Store,
        purpose: str,
        floor: float,
        clock: Clock,
        pipes: dict[Connection, Connection],
    ) -> None:
        self._store = store
        self._purpose = purpose
        self._floor = floor
        self._clock = clock
        self._open = list(pipes)
        self._telling = pipes
        self._idle: set[Connection] = set()
        self._uncommitted: Counter[Connection] = Counter()
        self._since = 0.0
        self._counts: Counter[str] = Counter()
        self._reasons: list[str] = []
        self._error = ""

    def run(
        self, stopped: Callable[[], bool], progress: Callable[[int], None]
    ) -> tuple[Counter[str], str]:
        asked = 0.0
        while self._open:
            for pipe in wait(self._open, _HOLD):
                assert isinstance(pipe, Connection)
                self._hear(pipe)
            if self._uncommitted and (
                self._uncommitted.total() >= _PAGES or time.monotonic() - self._since > _HOLD
            ):
                self._commit()
                progress(self._counts["pages"])
            if not asked and (stopped() or self._error):
                asked = time.monotonic()
                self._tell(self._open, "stop", True)
            elif not asked and self._finished():
                asked = time.monotonic()
                self._tell(self._open, "stop", False)
            if asked and time.monotonic() - asked > _PATIENCE:
                self._error = self._error or "a worker did not end"
                break
        self._commit()
        if self._error:
            raise StoreError(self._error)
        reasons = [item for item in self._reasons if item != "finished"]
        return self._counts, next(iter(reasons), "finished")

    def _hear(self, pipe: Connection) -> None:
        try:
            what, value = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            self._open.remove(pipe)
            self._error = self._error or "a worker ended before its time"
            return
        if what == "page":
            if not self._uncommitted:
                self._since = time.monotonic()
            self._idle.discard(pipe)
            self._store.batch()
            self._store.add_page(value)
            self._uncommitted[pipe] += 1
            self._counts["pages"] += 1
        elif what == "drop":
            self._store.drop(*value)
        elif what == "idle":
            (self._idle.add if value else self._idle.discard)(pipe)
        elif what == "done":
            stats, error = json.loads(value[0]), value[1]
            self._reasons.append(stats.pop("finish_reason", ""))
            stats.pop("pages", None)
            self._counts.update({key: n for key, n in stats.items() if isinstance(n, int)})
            self._error = self._error or error
            self._open.remove(pipe)
            self._idle.discard(pipe)

    def _commit(self) -> None:
        self._store.flush()
        committed, self._uncommitted = self._uncommitted, Counter()
        for pipe in self._open:
            # Also to those who sent nothing: what others found may be theirs to fetch.
            self._tell([pipe], "committed", committed[pipe])
            self._idle.discard(pipe)

    def _tell(self, pipes: Iterable[Connection], what: str, value: Any) -> None:
        for pipe in list(pipes):
            with contextlib.suppress(OSError):
                self._telling[pipe].send_bytes(pickle.dumps((what, value)))

    def _finished(self) -> bool:
        """Whether no worker has anything under way and nothing waits that is due."""
        if self._uncommitted or len(self._idle) < len(self._open):
            return False
        return not q.best_queued(self._store, self._purpose, (), 1, self._floor, self._clock())
