"""What the spiders share: the workspace, the request for a waiting URL, the record of a page."""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.project import get_project_settings
from twisted.python.failure import Failure

from crawler import detect, html
from crawler.evidence.capture import Exchange, capture, wanted
from crawler.frontier.follow import CRAWLER, VICTIM
from crawler.model import Document, Link, Page, Verdict
from crawler.net import Resolver
from crawler.net.connect import NetError
from crawler.net.manners import Pace
from crawler.reference import default as default_reference
from crawler.store import PageRecord, Store, host_of
from crawler.store.queries import Queued, captured_since
from crawler.workspace import Clock, Workspace

logger = logging.getLogger(__name__)

_NOTHING = Document(text="", links=(), places={}, language="", charset="")
# What a person's telephone sends who taps a link in a search result or a chat.
_VICTIM_HEADERS = {
    "User-Agent": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/136.0.0.0 Mobile Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,vi;q=0.8,th;q=0.7,id;q=0.6,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Referer": "https://www.google.com/",
}


# Kinds of links that a browser follows by itself.
_JUMPS = frozenset({"redirect", "refresh", "script", "frame"})
# A page that shows the same again is captured anew after so many days.
RECAPTURE_DAYS = 7
# What a browser shows with fewer characters than this is a page that did not load.
EMPTY_TEXT = 20
# Innocent faces held in memory until the second look says whether they were a mask.
_MAX_FACES = 200
_MAX_LOOKS = 500


def utc_now() -> datetime:
    return datetime.now(UTC)


def in_window(window: str, now: datetime) -> bool:
    """Whether `now` lies in hours such as "22:00-06:00" (UTC); always in "".

    >>> in_window("22:00-06:00", datetime(2026, 1, 1, 5, 59, tzinfo=UTC))
    True
    """
    if not window:
        return True
    begins, ends = window.split("-")
    moment = now.astimezone(UTC).strftime("%H:%M")
    return begins <= moment < ends if begins <= ends else moment >= begins or moment < ends


def crawl_settings() -> Settings:
    """Our settings for a crawl that a command starts, which says by itself what it does."""
    settings = get_project_settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.set("LOG_ENABLED", False)
    settings.set("STATS_DUMP", False)
    return settings


class WorkspaceSpider(Spider):
    """A spider over a workspace's frontier.

    `workspace` is a Workspace, or a folder when started with `scrapy crawl NAME -a workspace=DIR`
    (the current folder when absent).
    """

    purpose = "trail"
    ignores_budget = False

    def __init__(
        self,
        workspace: Workspace | str = ".",
        store: Store | None = None,
        clock: Clock = utc_now,
        max_pages: int | str = 0,
        max_seconds: float | str = 0,
        waits: bool = False,
        pace: Pace | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(workspace, Workspace):
            workspace = Workspace.open(Path(workspace))
        self.workspace = workspace
        self.store = store or Store(workspace.database)
        self._owns_store = store is None
        self.clock = clock
        self.resolver: Resolver = workspace.resolver()
        self.pace = pace or Pace(workspace.config.crawl.ip_rate)
        self.model = detect.load_model()
        self.reference = default_reference()
        self.error: Exception | None = None
        # Whether an empty queue may fill again from outside.
        self.waits = waits
        self._faces: dict[str, tuple[Page, Exchange, str, Verdict]] = {}
        self._first_looks: dict[str, tuple[bytes, Document, Verdict]] = {}
        if workspace.config.evidence.max_gb:
            self.store.keep_evidence(
                keep_days=workspace.config.evidence.keep_days,
                max_bytes=int(workspace.config.evidence.max_gb * 1e9),
            )
        self._max_pages = int(max_pages) or workspace.config.crawl.max_pages
        self._deadline = time.monotonic() + float(max_seconds) if max_seconds else 0.0
        self._pages = 0
        self._closing = False
        self._crawler_headers = {
            "User-Agent": workspace.config.network.user_agent,
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.5",
            "Accept-Language": "*",
            "Accept-Encoding": "gzip, deflate",
        }

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> "WorkspaceSpider":
        spider = cls(*args, **kwargs)
        spider._set_crawler(crawler)
        config = spider.workspace.config.crawl
        crawler.settings.set("CONCURRENT_REQUESTS", config.concurrency, priority="spider")
        crawler.settings.set("DOWNLOAD_DELAY", config.delay, priority="spider")
        return spider

    async def start(self) -> Any:
        """Nothing: every URL comes from the frontier."""
        return
        yield

    def headers(self, profile: str) -> Mapping[str, str]:
        return _VICTIM_HEADERS if profile != CRAWLER else self._crawler_headers

    def request(self, queued: Queued) -> Request:
        return Request(
            queued.url,
            callback=self.parse,
            errback=self.failed,
            headers=dict(self.headers(queued.profile)),
            meta={"queued": queued, "download_slot": queued.host},
            dont_filter=True,
        )

    def parse(self, response: Response, **_: Any) -> Iterator[PageRecord]:
        page = self._page(response)
        if page.rendered and not response.meta.get("jumps") and len(page.text) < EMPTY_TEXT:
            # Its scripts did not get to their end in time: no news of the site.
            page = replace(page, failure="render:empty")
        record = self._guarded(response.meta["queued"], page, response.meta.get("exchange"))
        flags = tuple(flag.partition(":")[0] for flag in response.flags if flag != "rendered")
        latency = response.meta.get("download_latency") or 0.0
        yield replace(record, seconds=latency, limits=flags)

    def failed(self, failure: Failure) -> Iterator[PageRecord]:
        queued: Queued = failure.request.meta["queued"]  # type: ignore[attr-defined]
        error = failure.value
        if isinstance(error, MemoryError):
            self.fail(error)
            return
        kind = error.kind if isinstance(error, NetError) else f"error:{error!r}"[:200]
        page = Page(
            url=queued.url,
            final_url=queued.url,
            status=0,
            headers=(),
            body=b"",
            document=_NOTHING,
            fetched_at=self.clock(),
            profile=queued.profile,
            failure=kind,
        )
        latency = failure.request.meta.get("download_latency")  # type: ignore[attr-defined]
        took = latency or (self.workspace.config.network.timeout if kind == "timeout" else 0.0)
        yield replace(self._guarded(queued, page), seconds=took)

    def may_start(self, under_way: int) -> bool:
        """Whether another request fits beside those under way: a page limit is never passed."""
        if not in_window(self.workspace.config.crawl.window, self.clock()):
            self._close("outside the crawl window")
            return False
        return not self._max_pages or self._pages + under_way < self._max_pages

    def record(self, queued: Queued, page: Page) -> PageRecord:
        """Judge a page and decide what follows from it."""
        raise NotImplementedError

    def accused(self, host: str) -> bool:
        """Whether what a host shows matters although it may look innocent."""
        return True

    def _guarded(self, queued: Queued, page: Page, exchange: Exchange | None = None) -> PageRecord:
        self._count()
        try:
            if verdict := self._judged_before(page):
                # The same bytes as to a crawler: nothing new to judge, nothing new to follow.
                return PageRecord(page, queued.via, queued.depth, verdict)
            record = self.record(queued, page)
            self._remember(record)
            return self._with_captures(record, exchange)
        except MemoryError as error:
            # The page is not to blame: it stays in the queue.
            self.fail(error)
            raise
        except Exception:
            # A page that breaks the analysis costs that page, not the crawl.
            logger.exception("cannot analyse %s", queued.url)
            broken = Page(
                url=queued.url,
                final_url=queued.url,
                status=page.status,
                headers=(),
                body=b"",
                document=_NOTHING,
                fetched_at=page.fetched_at,
                profile=queued.profile,
                failure="analysis",
            )
            return PageRecord(broken, queued.via, queued.depth)

    def _remember(self, record: PageRecord) -> None:
        """Keep what a page showed to a crawler until the second look at it, if there is one."""
        page, verdict = record.page, record.verdict
        again = any(
            entry.profile == VICTIM and entry.candidate.url == page.url
            for entry in record.candidates
        )
        if verdict and again:
            digest = hashlib.sha256(page.body).digest()
            self._first_looks[page.url] = (digest, page.document, verdict)
            if len(self._first_looks) > _MAX_LOOKS:
                del self._first_looks[next(iter(self._first_looks))]

    def _known_document(self, queued: Queued, body: bytes) -> Document | None:
        """What these bytes were parsed to when they were shown to a crawler."""
        digest, document, _ = self._first_looks.get(queued.url, (b"", _NOTHING, None))
        same = queued.profile == VICTIM and digest == hashlib.sha256(body).digest()
        return document if same else None

    def _judged_before(self, page: Page) -> Verdict | None:
        """The verdict on the same document at the first look, which this second one uses up."""
        if page.profile != VICTIM:
            return None
        _, document, verdict = self._first_looks.pop(page.url, (b"", None, None))
        return verdict if document is page.document else None

    def _with_captures(self, record: PageRecord, exchange: Exchange | None) -> PageRecord:
        """The record with the proof of what was seen, when it stands behind a verdict."""
        page, verdict = record.page, record.verdict
        if exchange is None or verdict is None or not self.store.keeps_proof:
            return record
        away = any(
            link.kind in _JUMPS and host_of(link.url) != record.host for link in record.edges
        )
        if not wanted(page, verdict, accused=self.accused(record.host), leads_away=away):
            if page.profile == CRAWLER and any(
                entry.profile != CRAWLER and entry.candidate.url == page.url
                for entry in record.candidates
            ):
                self._faces[page.url] = (page, exchange, record.via, verdict)
                if len(self._faces) > _MAX_FACES:
                    del self._faces[next(iter(self._faces))]
            return record
        looks = [(page, exchange, record.via, verdict)]
        if page.profile != CRAWLER and verdict.category.is_scam and page.url in self._faces:
            # Both faces of a cloaked page: what a crawler is shown, and what a victim is.
            looks.insert(0, self._faces.pop(page.url))
        days = min(RECAPTURE_DAYS, self.workspace.config.evidence.keep_days / 2)
        since = page.fetched_at - timedelta(days=days)
        return replace(
            record,
            captures=tuple(
                capture(shown, told, via=via, verdict=judged)
                for shown, told, via, judged in looks
                if not captured_since(self.store, shown, since)
            ),
        )

    def _page(self, response: Response) -> Page:
        queued: Queued = response.meta["queued"]
        headers = tuple(
            (name.decode("latin-1"), b", ".join(values).decode("latin-1"))
            for name, values in response.headers.items()
        )
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        document = self._known_document(queued, response.body) or html.parse(
            response.body, url=response.url, content_type=content_type
        )
        redirects: tuple[str, ...] = ()
        limit = self.workspace.config.crawl.max_links_per_page
        if len(document.links) > limit:
            document = replace(document, links=document.links[:limit])
            response.flags.append("link-limit")
        if jumps := response.meta.get("jumps"):
            onward = (html.canonical_url(jump) for jump in jumps)
            links = tuple(Link(target, "", "script") for target in onward if target)
            document = replace(document, links=(*links, *document.links))
        location = (response.headers.get("Location") or b"").decode("latin-1")
        if 300 <= response.status < 400 and location:
            target = html.canonical_url(location, response.url)
            redirects = (target or location[:500],)
            if target:
                links = (Link(target, "", "redirect"), *document.links)
                document = replace(document, links=links)
        return Page(
            url=queued.url,
            final_url=response.url,
            status=response.status,
            headers=headers,
            body=response.body,
            document=document,
            fetched_at=self.clock(),
            redirects=redirects,
            ip=str(response.ip_address or ""),
            profile=queued.profile,
            rendered="rendered" in response.flags,
        )

    def _count(self) -> None:
        self._pages += 1
        if self._max_pages and self._pages >= self._max_pages:
            self._close("page limit")
        elif self._deadline and time.monotonic() >= self._deadline:
            self._close("time limit")

    def fail(self, error: Exception) -> None:
        """End the crawl because of `error`; the caller finds it in `error`."""
        self.error = self.error or error
        self._close("error")

    def _close(self, reason: str) -> None:
        if not self._closing:
            self._closing = True
            deferred_from_coro(self.crawler.engine.close_spider_async(reason=reason))

    def stop(self) -> None:
        """Ask the crawl to end after the requests under way."""
        self._close("interrupted")

    def closed(self, reason: str) -> None:
        if self._owns_store:
            self.store.close()
