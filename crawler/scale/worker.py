"""A worker: takes URLs from Redis, fetches and judges them, and hands the records in.

It keeps nothing: it may begin, end or die at any time. What it had is given out again when its
leases run out.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import uvloop
from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import AsyncCrawlerRunner, Crawler

from crawler.net.manners import Pace
from crawler.scale import queue as shared
from crawler.scale.codec import pack
from crawler.scale.items import Item
from crawler.scale.queue import RedisAwayError, SharedQueue
from crawler.store import PageRecord, Store
from crawler.workspace import Clock, Workspace
from spiders.base import WorkspaceSpider, crawl_settings
from spiders.recheck import RecheckSpider
from spiders.trail import TrailSpider

logger = logging.getLogger(__name__)

T = TypeVar("T")
Say = Callable[[str], None]

# Records that may wait to be handed in; with more, nothing new is begun.
MAX_UNDELIVERED = 256
# A worker that was asked to end is killed after so many seconds.
PATIENCE = 60.0
# An empty queue, and a Redis that is away, are asked again after so many seconds.
IDLE_SECONDS, AWAY_SECONDS = 0.25, 1.0


class WorkerStore(Store):
    """An empty database in memory: what spiders ask of the past, the writer knows."""

    def __init__(self) -> None:
        super().__init__(Path(":memory:"))

    def keep_evidence(self, *, keep_days: float, max_bytes: int) -> None:
        """The writer keeps it; here it is only made."""

    @property
    def keeps_proof(self) -> bool:
        return True

    @property
    def commits_elsewhere(self) -> bool:
        return True


class SharedPace(Pace):
    """Spaces what goes to one address from all workers together."""

    def __init__(self, rate: float, ask: Callable[[str, float], Any]) -> None:
        super().__init__(rate)
        self._ask = ask

    async def turn(self, key: str) -> None:
        if self.rate:
            await asyncio.sleep(await self._ask(key, 1_000 / self.rate))


class Link:
    """What one spider has taken from Redis and what it has to hand in."""

    def __init__(self, queue: SharedQueue, name: str, concurrency: int, say: Say) -> None:
        self._queue = queue
        self._name = name
        self._concurrency = concurrency
        self._say = say
        self._away = False
        self.waiting: deque[Item] = deque()
        # Item under way → its bytes; leases on all of these are kept.
        self.held: dict[tuple[str, str], bytes] = {}
        self.records: asyncio.Queue[PageRecord] = asyncio.Queue()
        self.stopping = False
        self.arrived: Callable[[], None] = lambda: None
        self.knows: Callable[[Item], None] = lambda item: None

    async def asked(self, question: Callable[..., T], *arguments: Any) -> T:
        """The answer of Redis, waited for while it is away."""
        while True:
            try:
                answer = await asyncio.to_thread(question, *arguments)
            except RedisAwayError as error:
                if not self._away:
                    self._away = True
                    self._say(f"waiting: {error}")
                await asyncio.sleep(AWAY_SECONDS)
            else:
                if self._away:
                    self._away = False
                    self._say(f"Redis at {self._queue.address} is back")
                return answer

    async def take(self) -> None:
        """Keep as much waiting here as is soon begun."""
        while not self.stopping:
            room = self._concurrency - len(self.waiting)
            if room <= 0 or self.records.qsize() > MAX_UNDELIVERED:
                await asyncio.sleep(0.02)
                continue
            taken = await self.asked(self._queue.take, self._name, min(room, 32))
            for data in taken:
                try:
                    item = Item.decode(data)
                except ValueError as error:
                    self._say(str(error))
                    continue
                self.held[item.key] = data
                self.knows(item)
                self.waiting.append(item)
            if taken:
                self.arrived()
            else:
                await asyncio.sleep(IDLE_SECONDS)

    async def hand_in(self) -> None:
        """Deliver records in order, each until Redis has it."""
        while True:
            record = await self.records.get()
            key = (record.page.url, record.page.profile)
            if data := self.held.get(key):
                packed = await asyncio.to_thread(pack, record)
                await self.asked(self._queue.deliver, self._name, data, packed)
                self.held.pop(key, None)
            self.records.task_done()

    async def live(self, worker: str) -> None:
        """Say that this worker lives, and keep its leases."""
        while True:
            await self.asked(self._queue.alive, worker)
            await self.asked(self._queue.renew, self._name, list(self.held.values()))
            await asyncio.sleep(shared.LEASE_SECONDS / 4)


class SharedScheduler(BaseScheduler):
    """Gives Scrapy what the link has taken."""

    def __init__(self) -> None:
        self._again: deque[Request] = deque()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "SharedScheduler":
        return cls()

    def open(self, spider: Spider) -> None:
        self._spider = cast("_Linked", spider)

    def has_pending_requests(self) -> bool:
        link = self._spider.link
        return not link.stopping or bool(self._again or link.waiting)

    def enqueue_request(self, request: Request) -> bool:
        self._again.append(request)
        return True

    def next_request(self) -> Request | None:
        if self._again:
            return self._again.popleft()
        link = self._spider.link
        return self._spider.request(link.waiting.popleft().queued) if link.waiting else None


class Delivery:
    """Hands each record in, without what only this process needed."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Delivery":
        return cls(crawler)

    def process_item(self, item: PageRecord) -> PageRecord:
        cast("_Linked", self._crawler.spider).link.records.put_nowait(item.without_body())
        return item


class _Linked(WorkspaceSpider):
    """What scheduler and pipeline see of a spider here."""

    link: Link


async def _crawl(
    workspace: Workspace, spider: type[WorkspaceSpider], link: Link, **more: Any
) -> None:
    settings = crawl_settings()
    settings.set("SCHEDULER", "crawler.scale.worker.SharedScheduler")
    settings.set("ITEM_PIPELINES", {"crawler.scale.worker.Delivery": 100})
    linked = type(spider.__name__, (spider,), {"link": link})
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(linked)

    def arrived() -> None:
        if crawler.engine is not None and crawler.engine._slot is not None:
            crawler.engine._slot.nextcall.schedule()

    def knows(item: Item) -> None:
        running = crawler.spider
        if isinstance(running, TrailSpider):
            running.know(
                accused=[item.queued.host] if item.accused else [],
                guilty=[item.queued.registered_domain] if item.guilty else [],
            )

    link.arrived, link.knows = arrived, knows
    await runner.crawl(crawler, workspace=workspace, store=WorkerStore(), waits=True, **more)


def work(workspace: Workspace, queue: SharedQueue, clock: Clock, say: Say) -> None:
    """Work until SIGTERM or SIGINT; then finish and hand in what is under way."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    config = workspace.config.crawl

    async def main() -> None:
        links = {
            spider: Link(queue, spider.name, config.concurrency, say)
            for spider in (TrailSpider, RecheckSpider)
        }
        first = links[TrailSpider]
        pace = SharedPace(config.ip_rate, lambda ip, gap: first.asked(queue.turn, ip, gap))
        await first.asked(queue.alive, name)
        say(f"worker {name}: takes from {queue.address}")
        with _until_signal(links.values()):
            crawls = [
                asyncio.create_task(_crawl(workspace, spider, link, clock=clock, pace=pace))
                for spider, link in links.items()
            ]
            tasks = [
                asyncio.create_task(task)
                for link in links.values()
                for task in (link.take(), link.hand_in(), link.live(name))
            ]
            await asyncio.gather(*crawls)
            for link in links.values():
                await link.records.join()
            for task in tasks:
                task.cancel()
        say(f"worker {name}: ended")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loops:
        loops.run(main())


@contextlib.contextmanager
def local_workers(root: Path, count: int) -> Iterator[None]:
    """So many workers in processes of their own beside this one, ended at the end."""
    command = [sys.executable, "-c", "from crawler.cli import main; main()"]
    command += ["worker", "-w", str(root), "--quiet"]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _until_signal(links: Any) -> Iterator[None]:
    """A signal lets the links take no more; a second one ends the process as it is."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        for link in links:
            link.stopping = True
            link.arrived()

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
