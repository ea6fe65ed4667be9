"""Follows the trail from what reports accuse, best-first, as far as scam-looking pages lead."""

from dataclasses import replace
from typing import Any

from crawler import detect, operations, reports
from crawler.frontier.follow import follow, unique
from crawler.model import Link, Page, Role
from crawler.store import PageRecord
from crawler.store.queries import Queued, accused_hosts
from spiders.base import WorkspaceSpider


class TrailSpider(WorkspaceSpider):
    """`scrapy crawl trail [-a workspace=DIR] [-a max_pages=N]`"""

    name = "trail"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._accused = accused_hosts(self.store)

    def accused(self, host: str) -> bool:
        return host in self._accused

    def record(self, queued: Queued, page: Page) -> PageRecord:
        verdict = detect.judge(page, self.model)

        def link_priority(link: Link) -> float:
            return detect.link_priority(verdict, link, page.url, self.model)

        steps = follow(
            page,
            verdict,
            queued,
            accused=queued.host in self._accused,
            protected=self.reference.reason,
            link_priority=link_priority,
            max_depth=self.workspace.config.crawl.max_depth,
            max_redirects=self.workspace.config.crawl.max_redirects,
        )
        record = PageRecord(
            page=page,
            via=queued.via,
            depth=queued.depth,
            verdict=None if page.failure else verdict,
            edges=steps.edges,
            identifiers=frozenset() if page.failure else operations.identifiers(page),
            candidates=unique(steps.entries),
            location=steps.location,
        )
        return self._with_reading(record) if steps.read_as_report else record

    def _with_reading(self, record: PageRecord) -> PageRecord:
        """The record with what the page, read as a report, accuses."""
        page = record.page
        try:
            if "html" in page.header("content-type").lower():
                reading = reports.read_page(page)
            else:
                (reading, *_) = reports.read(
                    page.body, name=page.url, now=page.fetched_at, source=page.url
                )
        except reports.ReportError:
            return record
        accused = tuple(
            mention
            for mention in reading.mentions
            if mention.role is Role.ACCUSED and mention.host != record.host
        )
        if not accused:
            return record
        self._accused.update(mention.host for mention in accused)
        return replace(record, report=replace(reading.report, kind="web"), mentions=accused)
