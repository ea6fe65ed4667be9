"""The main job on the practice internet, and how well it went against the ground truth."""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.cycle import run
from crawler.names import registered_domain
from crawler.outcome import Limits, Outcome
from crawler.progress import Progress
from crawler.sandbox import Ports, start_process
from crawler.store import Store
from crawler.store import queries as q
from crawler.workspace import CONFIG_NAME, Clock, Workspace

# Scam hosts that nothing leads to, or that are dead; all others count against recall.
UNREACHABLE = frozenset({"unreachable"})


@dataclass(frozen=True, slots=True)
class Score:
    """How the lists compare with the truth; names are those of the `wide` tier of list `all`."""

    recall: float
    precision: float
    missed: tuple[str, ...]
    false_listings: tuple[str, ...]
    reachable: int
    listed: int


def score(truth: Iterable[Mapping[str, Any]], listed: Mapping[str, bool]) -> Score:
    """Compare `listed` (domain → whether only this exact name) with the ground truth.

    A scam host is found when it or a parent is listed. A false listing is an entry that covers an
    innocent host, or that no scam host of the truth stands behind.
    """
    scams: list[str] = []
    unlisted: list[str] = []
    found = 0
    behind: set[str] = set()
    wrong: set[str] = set()
    theirs: dict[str, bool] = {}
    for line in truth:
        host = line["host"]
        cover = _cover(host, listed)
        if line.get("listable", line["label"] != "benign"):
            theirs[host] = False
            if cover:
                behind.add(cover)
            if line["reach"] not in UNREACHABLE:
                scams.append(host)
                found += bool(cover)
                if not cover:
                    unlisted.append(host)
        elif cover:
            wrong.add(cover)
    # An exact name below a scam's own domain blocks a part of it and nobody else.
    wrong |= {domain for domain in listed if domain not in behind and not _cover(domain, theirs)}
    return Score(
        recall=found / len(scams) if scams else 1.0,
        precision=1 - len(wrong) / len(listed) if listed else 1.0,
        missed=tuple(sorted(unlisted)),
        false_listings=tuple(sorted(wrong)),
        reachable=len(scams),
        listed=len(listed),
    )


def _cover(host: str, listed: Mapping[str, bool]) -> str:
    """The entry that blocks `host`, or ""."""
    if host in listed:
        return host
    labels = host.split(".")
    for start in range(1, len(labels) - 1):
        parent = ".".join(labels[start:])
        if parent in listed and not listed[parent]:
            return parent
    return ""


@dataclass(frozen=True, slots=True)
class OperationScore:
    """How the operations compare with the truth, by pairs of sites; `mixed` join two true ones."""

    precision: float
    recall: float
    mixed: int


def score_operations(
    truth: Iterable[Mapping[str, Any]], members: Mapping[str, str]
) -> OperationScore:
    """Compare `members` (host → operation) with the ground truth.

    A pair counts against recall when both hosts can be reached and belong to one true operation;
    hosts of one registered domain are one there. Of what we tied, every pair counts, and a host
    that the truth gives to nobody is wrong in each.
    """
    owners: dict[str, str] = {}
    ours: dict[str, str] = {}
    wanted: list[str] = []
    for line in truth:
        owners[line["host"]] = line["operation"] or ""
        if line["operation"] and line["reach"] not in UNREACHABLE:
            wanted.append(line["host"])
    tied: dict[str, Counter[str]] = {}
    for host, operation in members.items():
        known = host
        while known not in owners and "." in known:
            known = known.partition(".")[2]
        owner = owners.get(known) or f"nobody: {host}"
        tied.setdefault(operation, Counter())[owner] += 1
        ours.setdefault(known, operation)
    true = Counter(owners[host] for host in wanted)
    found = Counter((owners[host], ours[host]) for host in wanted if host in ours)
    right = sum(_pairs(count) for owners_of in tied.values() for count in owners_of.values())
    made = sum(_pairs(owners_of.total()) for owners_of in tied.values())
    possible = sum(_pairs(count) for count in true.values())
    return OperationScore(
        precision=right / made if made else 1.0,
        recall=sum(_pairs(count) for count in found.values()) / possible if possible else 1.0,
        mixed=sum(len(owners_of) > 1 for owners_of in tied.values()),
    )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def listed_names(store: Store) -> dict[str, bool]:
    """What list `all` holds now in its wider tier: domain → whether only the exact name."""
    return {
        row["domain"]: bool(row["exact"])
        for row in q.rows(
            store,
            "SELECT domain, exact FROM listings WHERE list = 'all' AND tier = 'wide'"
            " AND removed_at IS NULL AND domain NOT LIKE '%:%' ORDER BY domain",
        )
    }


@contextmanager
def practice(
    root: Path, seed: int, sites: int, ports: Ports
) -> Iterator[tuple[Workspace, list[dict[str, Any]]]]:
    """A workspace on a running practice internet, and the truth about that internet."""
    world = root / "internet"
    with start_process(world, seed=seed, sites=sites, ports=ports):
        configuration = (world / "sandbox.toml").read_text("utf-8")
        root.mkdir(parents=True, exist_ok=True)
        (root / CONFIG_NAME).write_text(configuration, "utf-8")
        workspace = Workspace.init(root)
        for report in sorted((world / "reports").iterdir()):
            (workspace.reports / report.name).write_bytes(report.read_bytes())
        lines = (world / "truth.jsonl").read_text("utf-8").splitlines()
        yield workspace, [json.loads(line) for line in lines]


def demo(
    root: Path,
    clock: Clock,
    progress: Progress,
    *,
    seed: int,
    sites: int,
    ports: Ports,
    limits: Limits,
    say: Callable[[str], None],
) -> Outcome:
    """Start the practice internet, run the main job on it and score the result."""
    with practice(root, seed, sites, ports) as (workspace, truth):
        say(f"practice internet: seed {seed}, {len(truth)} names in its ground truth")
        started, cpu = time.monotonic(), time.process_time()
        outcome = run(workspace, clock, progress, limits)
        seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
        with Store(workspace.database) as store:
            result = score(truth, listed_names(store))
            tied = score_operations(
                truth,
                {
                    item.host: item.operation_id
                    for item in q.sites(store).values()
                    if item.operation_id
                },
            )
    pages = outcome.stats.get("crawl", {}).get("pages", 0)
    outcome.stats["demo"] = {
        "seed": seed,
        "recall": round(result.recall, 4),
        "precision": round(result.precision, 4),
        "false_listings": len(result.false_listings),
        "operations_precision": round(tied.precision, 4),
        "operations_recall": round(tied.recall, 4),
        "operations_mixed": tied.mixed,
        "reachable": result.reachable,
        "listed": result.listed,
        "pages": pages,
        "pages_per_cpu_second": round(pages / cpu_seconds, 1) if cpu_seconds else 0.0,
        "seconds": round(seconds, 2),
        "missed": list(result.missed),
        "wrongly_listed": list(result.false_listings),
    }
    return outcome


def samples(store: Store, names: Collection[str], limit: int = 3) -> list[str]:
    """A few listed names worth a look with `scamtrail explain`, farthest from the report first."""
    rows = q.rows(
        store,
        "SELECT s.host, max(p.depth) AS depth FROM sites s JOIN pages p ON p.host = s.host"
        " WHERE s.category IN ('gambling', 'investment') GROUP BY s.host"
        " ORDER BY depth DESC, s.host",
    )
    chosen = [
        row["host"]
        for row in rows
        if row["host"] in names or registered_domain(row["host"]) in names
    ]
    return chosen[:limit]
