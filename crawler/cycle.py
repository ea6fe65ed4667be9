"""One run: ingest → crawl → enrich → link → publish, with its lock and its record."""

import asyncio
import logging
import signal
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop
from scrapy.crawler import AsyncCrawlerRunner

from blocklists.manifest import ReleaseError
from blocklists.policy import PolicyError
from blocklists.release import SafetyStop
from crawler import detect, metrics, reference, stages, workers
from crawler.detect.discover import Proposal, rank, stem
from crawler.logs import event, logged
from crawler.net.client import post
from crawler.net.connect import NetError
from crawler.outcome import Exit, Limits, Outcome
from crawler.progress import Progress
from crawler.reports import catalogue
from crawler.reports.catalogue import SourceError
from crawler.scale.queue import RedisAwayError, of
from crawler.scale.worker import local_workers
from crawler.scale.writer import Writer
from crawler.store import Store, StoreError, iso
from crawler.store import queries as q
from crawler.store.backup import back_up, sqlite_errors, taken_at
from crawler.store.schema import failure, kept_backups
from crawler.workspace import Clock, Workspace
from spiders.base import WorkspaceSpider, crawl_settings
from spiders.recheck import RecheckSpider
from spiders.trail import TrailSpider

logger = logging.getLogger(__name__)

OUT_OF_MEMORY = "out of memory; lower crawl.concurrency or give it more; nothing stored is lost"


class Cycle:
    """A run over one workspace; each method is a stage that adds to the outcome."""

    def __init__(
        self, workspace: Workspace, store: Store, run: int, clock: Clock, progress: Progress
    ) -> None:
        self.workspace = workspace
        self.store = store
        self.run = run
        self.clock = clock
        self.progress = progress
        self.outcome = Outcome()
        self.model = detect.load_model()
        self.reference = reference.default().extended(
            [workspace.root / name for name in workspace.config.publish.reference]
        )

    def whole(self, limits: Limits, *, force: bool = False) -> None:
        """Every stage, once; without a network only what needs none."""
        if not self.clock_is_right():
            return
        self.ingest([self.workspace.reports])
        if not self.online():
            self.stale_sources()
        else:
            self.fetch_sources()
            self.crawl(limits, recheck=True)
            self.crawl(limits)
            self.enrich()
            self.link()
            self.propose()
            self.publish(force=force)
        self.back_up()

    def ingest(self, paths: Sequence[Path], column: str | None = None) -> None:
        with self.progress.stage("reading reports"):
            counts, problems, files = stages.ingest(self.store, paths, self.clock(), column=column)
        self.outcome.problems += problems
        self.outcome.stats["reports"] = dict(sorted(counts.items()))
        self.outcome.files |= files
        if problems:
            self.outcome.worsen(Exit.FAILURES, f"{len(problems)} problems in reports")

    def ingest_url(self, url: str, column: str | None = None) -> None:
        """Fetch one report or feed by its address and read it."""
        counts, problems = asyncio.run(
            stages.ingest_url(self.workspace, self.store, url, self.clock(), column)
        )
        self.outcome.files[url] = dict(sorted(counts.items()))
        self.outcome.problems += problems
        if problems:
            self.outcome.worsen(Exit.FAILURES, f"{len(problems)} problems in reports")

    def fetch_sources(self) -> None:
        """Fetch the sources of the catalogue that are chosen and due."""
        try:
            with self.progress.stage("fetching sources"):
                counts, problems = asyncio.run(
                    stages.fetch_sources(self.workspace, self.store, self.clock)
                )
        except SourceError as error:
            self.outcome.worsen(Exit.USAGE, f"{self.workspace.root}/scamtrail.toml: {error}")
            return
        self.outcome.problems += problems
        self.outcome.stats["sources"] = dict(sorted(counts.items()))
        if problems:
            self.outcome.worsen(Exit.FAILURES, f"{len(problems)} sources failed")

    def stale_sources(self) -> None:
        """Say which chosen sources are overdue; for a run without a network."""
        states = q.source_states(self.store)
        for feed in catalogue.chosen(
            stages.feeds(self.workspace), self.workspace.config.sources.use
        ):
            state = states.get(feed.name)
            if state is None or stages.is_due(feed, state["succeeded_at"], self.clock()):
                since = state["succeeded_at"] if state and state["succeeded_at"] else "never"
                self.outcome.problems.append(f"source {feed.name} is stale: last success {since}")

    def online(self) -> bool:
        """Whether a resolver answers; when none does, the outcome says so."""
        answer = asyncio.run(self.workspace.resolver().query(".", "NS"))
        if answer.failure in ("timeout",) or answer.failure.startswith("unreadable"):
            servers = ", ".join(self.workspace.config.network.dns) or "the system's resolvers"
            self.outcome.worsen(
                Exit.FAILURES,
                f"no network: {servers} did not answer ({answer.failure}); check network.dns and "
                "the connection; nothing was fetched, everything found before stays",
            )
            return False
        return True

    def clock_is_right(self) -> bool:
        """Whether it is not earlier than the first run ever; else the outcome says so.

        After a reboot without a battery it may be 1970, and every site be older or younger than it
        is. Smaller steps back only have things looked at again.
        """
        ((first,),) = q.rows(self.store, "SELECT started_at FROM runs ORDER BY id LIMIT 1")
        if (iso(self.clock()) or "") >= first:
            return True
        self.outcome.worsen(
            Exit.FAILURES,
            f"the clock shows {iso(self.clock())}, before the first run of this workspace "
            f"({first}); set it, e.g. by NTP; nothing was done",
        )
        return False

    def appeal(self, domain: str, author: str, reason: str) -> None:
        """Open a case: look again at all of `domain` as every kind of visitor, judge it anew."""
        before = stages.held_against(self.store, domain)
        case = self.store.open_appeal(domain, author, reason, self.clock(), before)
        self.outcome.stats["appeal"] = {"case": case, "before": before}
        if self.online():
            self.crawl(Limits(), appeal=domain)
            after = stages.held_against(self.store, domain)
            self.store.note_recheck(case, self.clock(), after)
            self.outcome.stats["appeal"]["after"] = after
        self.outcome.stats["appeal"]["next_publish"] = stages.next_publish(
            self.workspace, self.store, self.reference, domain, self.clock()
        )

    def crawl(self, limits: Limits, *, recheck: bool = False, appeal: str = "") -> None:
        """Follow the trail (or revisit what is listed), then judge every host."""
        recheck = recheck or bool(appeal)
        spider = RecheckSpider if recheck else TrailSpider
        name = "rechecking" if recheck else "following the trail"
        error = None
        options = {"appeal": appeal} if appeal else {}
        with self.progress.stage(name):
            if self.workspace.config.scale.redis:
                crawled = self._crawl_shared(spider, limits, **options)
            elif limits.workers > 1 and not recheck:
                crawled = self._crawl_by_workers(limits)
            else:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    crawled, error = runner.run(self._crawl(spider, limits, **options))
        self.outcome.stats["recheck" if recheck else "crawl"] = crawled
        if error:
            raise error
        if crawled["reason"] == "interrupted":
            self.outcome.worsen(Exit.FAILURES, "interrupted; run again to go on")
        removed = self.store.sweep_evidence(self.clock())
        if self.store.archive:
            self.store.archive.sync()
            self.outcome.stats["evidence"] = {
                "captures": q.count(self.store, "captures"),
                "removed": len(removed),
                "head": self.store.archive.head,
            }
        with self.progress.stage("judging hosts"):
            decided = stages.decide(self.store, self.model, self.clock())
        self.outcome.stats["verdicts"] = dict(sorted(decided.items()))

    def _crawl_by_workers(self, limits: Limits) -> dict[str, Any]:
        """Follow the trail with several processes; this one writes."""
        with _stop_noted() as stop:
            counts, reason = workers.crawl(
                self.workspace,
                self.store,
                TrailSpider,
                self.clock,
                workers=limits.workers,
                pages=limits.pages,
                seconds=limits.minutes * 60,
                stopped=lambda: bool(stop),
                progress=self._crawling,
            )
        return self._crawled(counts, counts["pages"], reason)

    def _crawl_shared(
        self, spider: type[WorkspaceSpider], limits: Limits, **options: str
    ) -> dict[str, Any]:
        """Crawl through workers on any machines; this process writes. Raises RedisAwayError."""
        queue = of(self.workspace)

        def say(text: str) -> None:
            logger.warning("%s", text)
            print(f"scamtrail: {text}", file=sys.stderr, flush=True)

        writer = Writer(
            self.workspace, self.store, spider, queue, self.clock, say,
            pages=limits.pages, **options,
        )  # fmt: skip
        with _stop_noted() as stop, local_workers(self.workspace.root, limits.workers):
            reason = writer.run(
                seconds=limits.minutes * 60, stopped=lambda: bool(stop), progress=self._crawling
            )
        return self._crawled(writer.counts, writer.counts["pages"], reason)

    def _crawling(self, pages: int) -> None:
        self.progress.update(pages=pages, queue=q.queue_size(self.store))

    def _crawled(self, stats: Mapping[str, Any], pages: int, reason: str) -> dict[str, Any]:
        failures = {
            key.removeprefix("failures/"): value
            for key, value in sorted(stats.items())
            if key.startswith("failures/")
        }
        return {
            "pages": pages,
            "failures": failures,
            "limits": {
                key.partition("/")[2]: value
                for key, value in sorted(stats.items())
                if key.startswith(("limits/", "frontier/", "scale/"))
            },
            "queue": q.queue_size(self.store),
            "reason": reason,
        }

    async def _crawl(
        self, spider: type[WorkspaceSpider], limits: Limits, **options: str
    ) -> tuple[dict[str, Any], Exception | None]:
        settings = crawl_settings()
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler(spider)
        with _stop_on_signal(crawler):
            task = runner.crawl(
                crawler,
                workspace=self.workspace,
                store=self.store,
                clock=self.clock,
                max_pages=limits.pages,
                max_seconds=limits.minutes * 60,
                **options,
            )
            watcher = asyncio.create_task(self._watch(crawler))
            try:
                await task
            finally:
                watcher.cancel()
        stats: Mapping[str, Any] = crawler.stats.get_stats()
        running = crawler.spider
        assert isinstance(running, WorkspaceSpider)
        reason = stats.get("finish_reason", "")
        return self._crawled(stats, stats.get("pages", 0), reason), running.error

    async def _watch(self, crawler: Any) -> None:
        while True:
            await asyncio.sleep(0.5)
            stats = crawler.stats.get_stats()
            self.progress.update(
                pages=stats.get("pages", 0),
                queue=q.queue_size(self.store),
                hosts=q.count(self.store, "sites"),
                listed=q.count(self.store, "listings", "removed_at IS NULL AND list = 'all'"),
            )

    def enrich(self) -> None:
        """Look up who is behind the suspects, then judge again with what that says."""
        with self.progress.stage("looking up registrations, DNS, hosting, certificates"):
            counts = asyncio.run(
                stages.enrich_sites(
                    self.workspace, self.store, self.clock, progress=self.progress.count
                )
            )
        self.outcome.stats["enrichment"] = dict(sorted(counts.items()))
        if counts["hosts"]:
            decided = stages.decide(self.store, self.model, self.clock())
            self.outcome.stats["verdicts"] = dict(sorted(decided.items()))

    def link(self) -> None:
        with self.progress.stage("linking operations"):
            self.outcome.stats["operations"] = dict(stages.link(self.store, self.clock()))

    def propose(self) -> None:
        """Queue what operations are likely to have beside what is known; the next run looks."""
        names = stages.sibling_names(self.store, self.reference)
        with self.progress.stage("proposing siblings"):
            counts = asyncio.run(stages.propose(self.workspace, self.store, names, self.clock))
        self.outcome.stats["proposals"] = dict(sorted(counts.items()))

    def discover(self, names: Iterable[str], *, limit: int, floor: float) -> list[Proposal]:
        """Rank names by how much they look like the trade, and queue those that are alive."""
        stems = {
            stem(site.host)
            for site in q.sites(self.store).values()
            if site.category not in ("", "benign", "unknown")
        }
        ranked = [
            item
            for item in rank(names, stems, floor=floor, limit=limit)
            if not self.reference.reason(item.name)
        ]
        reasons = {item.name: ", ".join(item.reasons) for item in ranked}
        counts = asyncio.run(stages.propose(self.workspace, self.store, reasons, self.clock))
        self.outcome.stats["proposals"] = dict(sorted(counts.items()))
        return ranked

    def publish(self, *, force: bool = False) -> None:
        """Publish, or refuse: then the old files stay and the outcome says why."""
        if not self.clock_is_right():
            return
        before = q.rows(self.store, "SELECT max(serial) FROM releases")[0][0]
        try:
            with self.progress.stage("publishing"):
                manifest, selection = stages.publish(
                    self.workspace, self.store, self.reference, self.clock(), force=force
                )
        except SafetyStop as stop:
            self.outcome.worsen(Exit.REFUSED, str(stop))
            return
        except PolicyError as error:
            self.outcome.worsen(Exit.USAGE, str(error))
            return
        self.outcome.stats["publish"] = {
            "serial": manifest.serial,
            "new": manifest.serial != before,
            "lists": {
                name: {"entries": item.entries, "added": item.added, "removed": item.removed}
                for name, item in sorted(manifest.history[0].counts.items())
            },
            "refused": len({item.domain for item in selection.refusals}),
        }

    def back_up(self) -> None:
        """Copy the database when the last copy is too old, or of the clock's future."""
        config, now = self.workspace.config.backup, self.clock()
        last = next(iter(kept_backups(self.store.path)), None)
        if not config.every_hours or (
            last and timedelta(0) <= now - taken_at(last) < timedelta(hours=config.every_hours)
        ):
            return
        with self.progress.stage("backing up"):
            # So that the copy holds this run too.
            outcome = self.outcome
            self.store.finish_run(self.run, now, outcome.code, outcome.message, outcome.stats)
            backup = back_up(self.store.path, now, keep=config.keep)
        self.outcome.stats["backup"] = {"file": str(backup), "bytes": backup.stat().st_size}


@contextmanager
def run_record(
    workspace: Workspace, command: str, clock: Clock, progress: Progress
) -> Iterator[Cycle]:
    """A Cycle under the workspace's lock, its outcome stored as a run whatever happens."""
    cycle: Cycle | None = None
    try:
        with (
            workspace.lock(),
            sqlite_errors(workspace.database),
            Store(workspace.database) as store,
        ):
            run = store.start_run(command, clock())
            with logged(workspace.logs, workspace.config.log, run=run):
                event(logger, "run started", command=command, version=version("scamtrail"))
                cycle = Cycle(workspace, store, run, clock, progress)
                try:
                    yield cycle
                except RedisAwayError as error:
                    cycle.outcome.worsen(Exit.USAGE, str(error))
                except (StoreError, ReleaseError) as error:
                    cycle.outcome.worsen(Exit.FAILURES, str(error))
                except sqlite3.Error as error:
                    cycle.outcome.worsen(Exit.FAILURES, str(failure(store.path, error)))
                except MemoryError:
                    cycle.outcome.worsen(Exit.FAILURES, OUT_OF_MEMORY)
                except BaseException as error:
                    cycle.outcome.worsen(Exit.FAILURES, f"{type(error).__name__}: {error}")
                    raise
                finally:
                    _write_down(store, run, cycle.outcome, clock())
    finally:
        if cycle is not None:
            _tell(workspace, run, cycle.outcome, clock())


def _write_down(store: Store, run: int, outcome: Outcome, now: datetime) -> None:
    try:
        store.finish_run(run, now, outcome.code, outcome.message, outcome.stats)
    except StoreError as error:
        logger.error("%s", error)
    for problem in outcome.problems:
        logger.warning("%s", problem)
    facts = {key: value for key, value in outcome.stats.items() if key != "files"}
    event(logger, "run ended", exit=int(outcome.code), message=outcome.message, **facts)


def _tell(workspace: Workspace, run: int, outcome: Outcome, now: datetime) -> None:
    """Tell other programs how a run ended; one that cannot be told is a problem, no more."""
    config = workspace.config
    if config.alert.textfile:
        text = metrics.render(metrics.collect(workspace, now))
        try:
            metrics.write(workspace.root / config.alert.textfile, text)
        except OSError as error:
            outcome.problems.append(f"alert.textfile: {error}")
    if config.alert.webhook and outcome.code is Exit.REFUSED:
        document = {
            "workspace": workspace.root.resolve().name,
            "run": run,
            "exit_code": int(outcome.code),
            "message": outcome.message,
        }
        try:
            asyncio.run(
                post(
                    config.alert.webhook,
                    document,
                    resolver=workspace.resolver(),
                    guard=workspace.guard(),
                    port_map=config.network.port_map,
                    user_agent=config.network.user_agent,
                )
            )
        except NetError as error:
            outcome.problems.append(f"alert.webhook: {error}")


def run(
    workspace: Workspace,
    clock: Clock,
    progress: Progress,
    limits: Limits,
    *,
    force: bool = False,
) -> Outcome:
    """The whole cycle, once. Raises LockHeldError when another run is under way."""
    with run_record(workspace, "run", clock, progress) as cycle:
        cycle.whole(limits, force=force)
    return cycle.outcome


@contextmanager
def _stop_noted() -> Iterator[list[int]]:
    """A list that holds the signal when SIGTERM or SIGINT came."""
    noted: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: noted.append(1)) for number in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stop_on_signal(crawler: Any) -> Iterator[None]:
    """SIGTERM and SIGINT end the crawl after the requests under way; a second one kills."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop(number: int) -> None:
        loop.remove_signal_handler(number)
        if isinstance(crawler.spider, WorkspaceSpider):
            crawler.spider.stop()

    for number in signals:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


__all__ = ["Cycle", "Exit", "Limits", "Outcome", "run", "run_record"]
