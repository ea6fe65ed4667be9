"""Visits again what is listed, so that entries leave the lists when a site dies or reforms."""

from typing import Any

from crawler import detect, operations
from crawler.frontier.follow import CRAWLER, VICTIM
from crawler.model import Page
from crawler.store import PageRecord
from crawler.store.queries import Queued, due_for_recheck, for_appeal
from spiders.base import WorkspaceSpider


class RecheckSpider(WorkspaceSpider):
    """`scrapy crawl recheck [-a workspace=DIR]`; takes only what is due, or what an appeal asks."""

    name = "recheck"
    purpose = "recheck"
    ignores_budget = True

    def __init__(self, *args: Any, appeal: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = self.clock()
        if appeal:
            self.purpose = "appeal"
            self.store.requeue(for_appeal(self.store, appeal, (CRAWLER, VICTIM)), now)
            return
        hours = self.workspace.config.crawl.recheck_hours
        self.store.requeue(due_for_recheck(self.store, now, hours), now)

    def record(self, queued: Queued, page: Page) -> PageRecord:
        verdict = detect.judge(page, self.model)
        return PageRecord(
            page=page,
            via=queued.via,
            depth=queued.depth,
            verdict=None if page.failure else verdict,
            identifiers=frozenset() if page.failure else operations.identifiers(page),
            location=page.redirects[0] if page.redirects else "",
        )
