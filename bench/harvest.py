"""Scam hosts found by links per 1,000 fetches: best-first beside breadth-first, in practice.

    python bench/harvest.py [--seeds 1,2,3] [--sites N] [--fetches N] [--json]

Both crawl the same internet from the same reports with the same fetches, in the program's own
spider and frontier. Breadth-first follows every link in the order in which it was found, what the
reports name first, as a crawler without verdicts does. A scam host counts when one of its pages was
fetched and no report names it, which any crawler would visit; those with them stand in brackets.
Which hosts are scams is taken from the practice internet's ground truth.
"""

import argparse
import asyncio
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from crawler.cycle import Limits, run_record
from crawler.demo import practice
from crawler.frontier.follow import CRAWLER
from crawler.model import Candidate, Page
from crawler.names import registered_domain
from crawler.progress import Progress
from crawler.sandbox import Ports
from crawler.store import PageRecord, QueueEntry, Store, host_of
from crawler.store import queries as q
from crawler.store.queries import Queued
from spiders.base import WorkspaceSpider
from spiders.trail import TrailSpider


def now() -> datetime:
    return datetime.now(UTC)


# Below every priority that a report gives, above the least that is fetched.
LAST = 0.1


class BreadthSpider(WorkspaceSpider):
    """Follows every link; what was found first comes first."""

    name = "breadth"

    def record(self, queued: Queued, page: Page) -> PageRecord:
        entries = tuple(
            QueueEntry(
                Candidate(
                    link.url,
                    host_of(link.url),
                    registered_domain(host_of(link.url)) or host_of(link.url),
                    page.url,
                    "",
                    # The place in the queue, as a number that only falls, behind what reports name.
                    LAST - (self._pages * 2_000 + place) / 1e9,
                    queued.depth + 1,
                ),
                CRAWLER,
            )
            for place, link in enumerate(page.links)
            if not self.reference.reason(host_of(link.url))
        )
        return PageRecord(page, queued.via, queued.depth, candidates=entries)


def found(
    spider: type[WorkspaceSpider], seed: int, sites: int, fetches: int
) -> tuple[int, int, int]:
    """(scam hosts found that no report names, scam hosts found, fetches made)."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-harvest-") as root,
        practice(Path(root) / "watch", seed, sites, Ports.free()) as (workspace, truth),
    ):
        with run_record(workspace, "bench", now, Progress(quiet=True)) as cycle:
            cycle.ingest([workspace.reports])
            asyncio.run(cycle._crawl(spider, Limits(pages=fetches)))
        scams = {line["host"] for line in truth if line["listable"]}
        with Store(workspace.database) as store:
            visited = {row["host"] for row in q.rows(store, "SELECT DISTINCT host FROM pages")}
            pages = q.count(store, "pages")
            named = {
                row["host"]
                for row in q.rows(
                    store,
                    "SELECT m.host FROM mentions m JOIN reports r ON r.id = m.report_id"
                    " WHERE r.kind != 'web'",
                )
            }
        wild = {line["host"] for line in truth if line["wildcard"]}
        hosts = {
            name.partition(".")[2] if name.partition(".")[2] in wild else name for name in visited
        }
        return len(hosts & scams - named), len(hosts & scams), pages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--sites", type=int, default=5_000)
    parser.add_argument("--fetches", type=int, default=2_500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    ratios = {}
    for seed in map(int, given.seeds.split(",")):
        best, best_all, made = found(TrailSpider, seed, given.sites, given.fetches)
        broad, broad_all, others = found(BreadthSpider, seed, given.sites, given.fetches)
        ratios[seed] = (best / made) / (broad / others)
        if not given.json:
            print(
                f"seed {seed}: best-first {1000 * best / made:4.0f} scam hosts in 1,000 fetches"
                f" ({1000 * best_all / made:.0f}), breadth-first {1000 * broad / others:4.0f}"
                f" ({1000 * broad_all / others:.0f}), {ratios[seed]:.2f} ×",
                flush=True,
            )
    if given.json:
        print(json.dumps({"ratios": ratios, "mean": mean(ratios.values())}))
    else:
        print(f"mean {mean(ratios.values()):.2f} ×")


if __name__ == "__main__":
    main()
