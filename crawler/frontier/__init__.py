"""The frontier: a table in findings.db behind Scrapy's scheduler interface.

Best-first by priority, one request per host at a time, budgets per host and registered domain.
A URL leaves the queue in the transaction that stores its page, so a killed run repeats at most
the requests that were under way.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol, cast

from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler

from crawler.frontier.follow import AGAIN
from crawler.frontier.limits import Traps
from crawler.frontier.limits import refusal as refusal_of_url
from crawler.store import PageRecord, Store, StoreError
from crawler.store.queries import Queued, best_queued, page_counts, queue_size
from crawler.workspace import Clock, Workspace

_BATCH = 64
# Pages that one commit takes, and the seconds that a page waits for it at most.
_PAGES = 32
_HOLD = 0.2


class FrontierSpider(Protocol):
    """What the scheduler and the pipeline need of a spider."""

    workspace: Workspace
    store: Store
    clock: Clock
    purpose: str
    ignores_budget: bool
    waits: bool

    def may_start(self, under_way: int) -> bool:
        """Whether another request may start beside those under way."""

    def request(self, queued: Queued) -> Request:
        """The Scrapy request for a waiting URL."""

    def fail(self, error: Exception) -> None:
        """End the crawl because of `error`."""


class Budgets:
    """How many pages hosts and registered domains have had; kept across runs."""

    def __init__(self, counts: dict[str, int], domains: dict[str, int], site: int, domain: int):
        self._hosts = counts
        self._domains = domains
        self._site = site
        self._domain = domain

    def refusal(self, host: str, registered_domain: str) -> str:
        """Why no more may be fetched, "" when more may."""
        if self._hosts.get(host, 0) >= self._site:
            return "budget:site"
        if self._domains.get(registered_domain, 0) >= self._domain:
            return "budget:domain"
        return ""

    def take(self, host: str, registered_domain: str) -> None:
        self._hosts[host] = self._hosts.get(host, 0) + 1
        self._domains[registered_domain] = self._domains.get(registered_domain, 0) + 1


class FrontierScheduler(BaseScheduler):
    """Gives Scrapy the best URL whose host is not busy and has budget left."""

    def __init__(self, crawler: Crawler) -> None:
        self._stats = crawler.stats
        self._again: deque[Request] = deque()
        self._buffer: deque[Queued] = deque()
        self._busy: set[str] = set()
        self._stored = 0
        self._room = True
        self.waits = False
        self.idle: Callable[[], None] = lambda: None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "FrontierScheduler":
        return cls(crawler)

    def open(self, spider: Spider) -> None:
        self._spider = cast(FrontierSpider, spider)
        self._store = self._spider.store
        self.waits = self._spider.waits
        config = self._spider.workspace.config.crawl
        self._min_priority = config.min_priority
        hosts, domains = page_counts(self._store)
        self._budgets = Budgets(
            hosts, domains, config.max_pages_per_site, config.max_pages_per_domain
        )
        self._config = config
        self._traps = Traps()
        self._ips: dict[str, str] = {}
        self._pages_of_ip: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()

    def close(self, reason: str) -> None:
        self._buffer.clear()

    def has_pending_requests(self) -> bool:
        if self.waits or self._again or self._busy or self._buffer:
            return True
        return bool(self._best(set(), 1))

    def enqueue_request(self, request: Request) -> bool:
        """Take back a request that Scrapy wants to repeat; new URLs come through the table."""
        self._again.append(request)
        return True

    def next_request(self) -> Request | None:
        if self._again:
            return self._again.popleft()
        while self._spider.may_start(len(self._busy)):
            if not self._buffer and not self._refill():
                if not self._busy:
                    self.idle()
                return None
            queued = self._buffer.popleft()
            if queued.host in self._busy:
                continue
            # A second look under another profile, or a second try, is of a page already paid for.
            if not (queued.tries or queued.kind.startswith(AGAIN) or self._spider.ignores_budget):
                if refusal := self._refusal(queued):
                    self._store.drop([(queued.url, queued.profile)], refusal)
                    self._stats.inc_value(f"frontier/{refusal}")
                    continue
                self._budgets.take(queued.host, queued.registered_domain)
            self._busy.add(queued.host)
            return self._spider.request(queued)
        return None

    def _refusal(self, queued: Queued) -> str:
        """Why a URL is not fetched although it waits, "" when it is."""
        config, host = self._config, queued.host
        if refusal := self._budgets.refusal(host, queued.registered_domain):
            return refusal
        if self._seconds[host] > config.max_seconds_per_site * 1_000:
            return "budget:time"
        ip = self._ips.get(host, "")
        if ip and 0 < config.max_pages_per_ip <= self._pages_of_ip[ip]:
            return "budget:ip"
        return refusal_of_url(queued.url, config) or self._traps.refusal(queued.url, config)

    def began(self, host: str) -> None:
        """A URL of `host` is under way elsewhere."""
        self._busy.add(host)

    def saw(self, record: PageRecord, seconds: float) -> None:
        """Take note of what a page cost and said."""
        page = record.page
        self._seconds[record.host] += int(seconds * 1_000)
        if page.ip:
            self._ips[record.host] = page.ip
            self._pages_of_ip[page.ip] += 1
        if page.status == 200 and page.profile == "crawler":
            self._traps.saw(page.url, page.text)

    def has_room(self) -> bool:
        """Whether the queue takes more; looked at now and then, since counting takes time."""
        if self._stored % _BATCH == 0 or not self._room:
            self._room = queue_size(self._store) < self._config.max_queue
        return self._room

    def _best(self, busy: Collection[str], limit: int) -> list[Queued]:
        spider = self._spider
        return best_queued(
            self._store, spider.purpose, busy, limit, self._min_priority, spider.clock()
        )

    def _refill(self) -> bool:
        seen: set[str] = set()
        for queued in self._best(self._busy, _BATCH * 8):
            if queued.host not in seen:
                seen.add(queued.host)
                self._buffer.append(queued)
                if len(self._buffer) == _BATCH:
                    break
        return bool(self._buffer)

    def finished(self, host: str) -> None:
        """A page of `host` has been stored; its next URL may be fetched."""
        self._busy.discard(host)
        self._stored += 1
        if self._stored % _BATCH == 0:
            # What has been found meanwhile may be better than what waits in the buffer.
            self._buffer.clear()


class StorePipeline:
    """Stores each page that a spider yields; a database that fails ends the run."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "StorePipeline":
        return cls(crawler)

    def process_item(self, item: PageRecord) -> PageRecord:
        spider = cast(FrontierSpider, self._crawler.spider)
        scheduler = self._crawler.engine.scheduler
        assert isinstance(scheduler, FrontierScheduler)
        scheduler.saw(item, item.seconds)
        if item.candidates and not scheduler.has_room():
            self._crawler.stats.inc_value("frontier/limit:queue", len(item.candidates))
            item = replace(item, candidates=())
        for flag in item.limits:
            self._crawler.stats.inc_value(f"limits/{flag}")
        try:
            waiting = spider.store.batch()
            spider.store.add_page(item)
            if waiting == 1:
                self._timer = asyncio.get_running_loop().call_later(_HOLD, self._flush)
            elif waiting >= _PAGES:
                self._flush()
        except (StoreError, MemoryError) as error:
            spider.fail(error)
            return item
        stats = self._crawler.stats
        stats.inc_value("pages")
        if item.page.failure:
            stats.inc_value(f"failures/{item.page.failure.split(':')[0]}")
        if not spider.store.commits_elsewhere:
            scheduler.finished(item.host)
        return item

    def close_spider(self) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        spider = cast(FrontierSpider, self._crawler.spider)
        try:
            spider.store.flush()
        except StoreError as error:
            spider.fail(error)
