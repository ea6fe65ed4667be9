"""The writer: gives out what waits in findings.db, commits what workers hand in, and says so.

Order and budgets are those of the frontier in one process: its scheduler decides here what is given
out, one URL a host at a time. A result is acknowledged after its commit; one that comes again is
known by its item and dropped.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from crawler.frontier import FrontierScheduler
from crawler.scale.codec import unpack
from crawler.scale.items import Item
from crawler.scale.queue import RedisAwayError, SharedQueue
from crawler.store import PageRecord, Store, iso
from crawler.workspace import Clock, Workspace
from spiders.base import WorkspaceSpider
from spiders.trail import TrailSpider

logger = logging.getLogger(__name__)

# Pages that one commit takes, and the milliseconds that a result is waited for.
PAGES, WAIT_MS = 64, 100
# Looks at leases and workers come after so many seconds.
LOOK_SECONDS = 1.0
# What workers have under way when a run ends is waited for so long; the next run takes the rest.
PATIENCE = 30.0


class Writer:
    """One crawl through workers."""

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        spider: type[WorkspaceSpider],
        queue: SharedQueue,
        clock: Clock,
        say: Callable[[str], None],
        *,
        pages: int = 0,
        **options: Any,
    ) -> None:
        self._store = store
        self._queue = queue
        self._name = spider.name
        self._say = say
        self._window = workspace.config.scale.window
        self._limit = pages or workspace.config.crawl.max_pages
        self.counts: Counter[str] = Counter()
        # Never run: it prepares what waits, and knows hosts and limits.
        self._spider = spider(workspace, store, clock, **options)
        stats = SimpleNamespace(inc_value=self._count)
        self._scheduler = FrontierScheduler(SimpleNamespace(stats=stats))  # type: ignore[arg-type]
        self._scheduler.open(self._spider)
        self._out: dict[bytes, Item] = {}
        self._looked = 0.0
        self._alone = 0.0

    def _count(self, key: str, count: int = 1) -> None:
        self.counts[key] += count

    def run(
        self, *, seconds: float, stopped: Callable[[], bool], progress: Callable[[int], None]
    ) -> str:
        """Crawl until nothing waits, a limit or a stop; why it ended. Raises StoreError."""
        deadline = time.monotonic() + seconds if seconds else 0.0
        reason, away, begun = "", False, False
        ends = 0.0
        while True:
            try:
                if not begun:
                    self._take_over()
                    begun = True
                    if away:
                        self._say(f"Redis at {self._queue.address} is back")
                        away = False
                if not reason:
                    self._give_out()
                self._store_results(again=False)
                self._look()
                progress(self.counts["pages"])
            except RedisAwayError as error:
                begun = False
                if not away:
                    away = True
                    self._say(f"waiting: {error}")
                time.sleep(LOOK_SECONDS)
            if not reason:
                reason = self._over(stopped(), deadline)
                if reason:
                    ends = time.monotonic() + PATIENCE
            if reason == "finished":
                return reason
            if reason and (not self._out or time.monotonic() > ends):
                return reason
            if reason and begun:
                # What no worker has begun waits for the next run, in the database.
                try:
                    self._queue.withdraw(self._name)
                    held = self._queue.held(self._name)
                    self._out = {data: item for data, item in self._out.items() if data in held}
                except RedisAwayError:
                    continue

    def _over(self, stopped: bool, deadline: float) -> str:
        if stopped:
            return "interrupted"
        if deadline and time.monotonic() >= deadline:
            return "time limit"
        if self._limit and self.counts["pages"] >= self._limit:
            return "page limit"
        return "finished" if not self._out and not self._scheduler.has_pending_requests() else ""

    def _take_over(self) -> None:
        """Store what was handed in to no one, and find out what is under way."""
        while self._store_results(again=True):
            pass
        held = self._queue.held(self._name)
        for data in held:
            if data not in self._out:
                try:
                    item = Item.decode(data)
                except ValueError:
                    continue
                self._out[data] = item
                self._scheduler.began(item.queued.host)

    def _give_out(self) -> None:
        """Fill the window with the best, one URL a host."""
        items: list[tuple[bytes, float]] = []
        while len(self._out) < self._window and self._fits():
            request = self._scheduler.next_request()
            if request is None:
                break
            queued = request.meta["queued"]
            trail = self._spider if isinstance(self._spider, TrailSpider) else None
            item = Item(
                queued,
                accused=trail is not None and trail.accused(queued.host),
                guilty=trail is not None and trail.guilty(queued.registered_domain),
            )
            data = item.encode()
            self._out[data] = item
            # The database has put them in order; of later ones the better overtake.
            items.append((data, queued.priority))
        self._queue.push(self._name, items)

    def _fits(self) -> bool:
        return not self._limit or self.counts["pages"] + len(self._out) < self._limit

    def _store_results(self, *, again: bool) -> int:
        """Commit a batch of results and acknowledge them; how many came."""
        results = self._queue.results(self._name, PAGES, WAIT_MS, again=again)
        done: list[str] = []
        for _, data, packed in results:
            item = self._out.pop(data, None)
            if item is None and not again:
                self._count("scale/again")
                continue
            try:
                record = unpack(PageRecord, packed)
                if item is None:
                    item = Item.decode(data)
            except ValueError as error:
                logger.warning("a worker handed in what cannot be read: %s", error)
                self._count("scale/unreadable")
                if item is not None:
                    self._store.drop([item.key], "worker:unreadable")
                    done.append(item.queued.host)
                continue
            if again and self._has(record):
                continue
            self._store.batch()
            self._add(item, record)
            done.append(item.queued.host)
        self._store.flush()
        for host in done:
            self._scheduler.finished(host)
        self._queue.acknowledge(self._name, [number for number, *_ in results])
        return len(results)

    def _has(self, record: PageRecord) -> bool:
        """Whether it was committed, and only its acknowledgement was lost."""
        page = record.page
        found = self._store.connection.execute(
            "SELECT 1 FROM pages WHERE url = ? AND profile = ? AND fetched_at = ?",
            (page.url, page.profile, iso(page.fetched_at)),
        )
        return found.fetchone() is not None

    def _add(self, item: Item, record: PageRecord) -> None:
        self._scheduler.saw(record, record.seconds)
        if record.candidates and not self._scheduler.has_room():
            self._count("frontier/limit:queue", len(record.candidates))
            record = replace(record, candidates=())
        self._store.add_page(record)
        if isinstance(self._spider, TrailSpider):
            self._spider.know(
                accused=[mention.host for mention in record.mentions],
                guilty=[item.queued.registered_domain] if record.found else [],
            )
        self._count("pages")
        for flag in record.limits:
            self._count(f"limits/{flag}")
        if record.page.failure:
            self._count(f"failures/{record.page.failure.split(':')[0]}")

    def _look(self) -> None:
        """Put back what dead workers held; say when there is no worker at all."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if late := self._queue.reap(self._name):
            self._count("scale/leases_lost", late)
            logger.warning("%d URLs of a worker that died wait again", late)
        if self._out and not any(self._queue.sizes(self._name)):
            # Given out, and neither waiting, leased nor handed in: Redis lost it.
            items = [(data, item.queued.priority) for data, item in self._out.items()]
            self._queue.push(self._name, items)
            self._count("scale/given_out_again", len(items))
        if self._queue.alive():
            self._alone = 0.0
        elif self._out:
            if not self._alone:
                self._alone = now
            elif self._alone > 0 and now - self._alone > 5:
                self._alone = -1.0
                self._say("waiting for workers: start scamtrail worker with this configuration")
