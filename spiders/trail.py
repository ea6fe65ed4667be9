"""Follows the trail from what reports accuse, best-first, as far as scam-looking pages lead."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from crawler import detect, operations, reports
from crawler.frontier.follow import BROWSER, follow, unique
from crawler.frontier.learn import Fairness, Harvest
from crawler.model import Link, Page, Role
from crawler.render import missing
from crawler.store import PageRecord, QueueEntry
from crawler.store.queries import (
    Queued,
    accused_hosts,
    guilty_domains,
    harvest,
    network_sizes,
)
from spiders.base import WorkspaceSpider

# What more pages of a domain are worth, of their priority, once a scam was found there: those of
# the same host, which are its proof and lead on, and its other hosts, which say the same again.
PROOF = 0.75
SIBLING = 0.4


class TrailSpider(WorkspaceSpider):
    """`scrapy crawl trail [-a workspace=DIR] [-a max_pages=N]`"""

    name = "trail"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._accused = accused_hosts(self.store)
        self._guilty = guilty_domains(self.store)
        rendering = self.workspace.config.render
        self._renders = rendering.use == "auto" and not missing(rendering)
        self._rendered = 0
        self._harvest = Harvest.from_rows(harvest(self.store))
        self._fairness = Fairness(Counter(network_sizes(self.store)))

    def accused(self, host: str) -> bool:
        return host in self._accused

    def guilty(self, registered_domain: str) -> bool:
        """Whether a scam was found there before."""
        return registered_domain in self._guilty

    def know(self, *, accused: Iterable[str] = (), guilty: Iterable[str] = ()) -> None:
        """Learn what others found: accused hosts and guilty registered domains."""
        self._accused.update(accused)
        self._guilty.update(guilty)

    def record(self, queued: Queued, page: Page) -> PageRecord:
        verdict = detect.judge(page, self.model)

        def link_kind(link: Link) -> str:
            return detect.link_kind(verdict, link, page.url, self.model)

        def link_priority(link: Link) -> float:
            return detect.link_priority(verdict, link, page.url, self.model)

        found = verdict.category.is_scam and queued.registered_domain not in self._guilty
        if found:
            self._guilty.add(queued.registered_domain)
            self._fairness.seen(page.document.language)
        if queued.kind:
            self._harvest.learn(queued.kind, found=found)

        steps = follow(
            page,
            verdict,
            queued,
            accused=queued.host in self._accused,
            protected=self.reference.reason,
            link_priority=link_priority,
            max_depth=self.workspace.config.crawl.max_depth,
            max_redirects=self.workspace.config.crawl.max_redirects,
            link_kind=link_kind,
            renders=self._renders and self._rendered < self.workspace.config.render.max_pages,
        )
        self._rendered += any(entry.profile == BROWSER for entry in steps.entries)
        record = PageRecord(
            page=page,
            via=queued.via,
            depth=queued.depth,
            verdict=None if page.failure else verdict,
            edges=steps.edges,
            identifiers=frozenset() if page.failure else operations.identifiers(page),
            candidates=tuple(
                self._in_turn(entry, queued, page.document.language)
                for entry in unique(steps.entries)
            ),
            location=steps.location,
            kind=queued.kind,
            found=found,
        )
        return self._with_reading(record) if steps.read_as_report else record

    def _in_turn(self, entry: QueueEntry, queued: Queued, language: str) -> QueueEntry:
        """The entry in its place: by what its kind has been worth, later the more its network had.

        Its priority, which decides whether it is visited at all, stays.
        """
        worth = self._harvest.expect(entry.kind, entry.candidate.priority)
        if entry.candidate.registered_domain in self._guilty:
            same = entry.candidate.host == queued.host
            worth = (PROOF if same else SIBLING) * entry.candidate.priority
        if entry.candidate.host != queued.host:
            worth *= self._fairness.turn(entry.network, language)
            self._fairness.queued(entry.network)
        return replace(entry, worth=round(worth, 4))

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
