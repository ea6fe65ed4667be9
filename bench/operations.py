"""How fast sites are tied into operations: ours against networkx's connected components.

    python bench/operations.py [--sites 1000000] [--links 5000000]

Both get the same graph: sites on one side, identifiers on the other. networkx only says what is
connected, and so joins all that one hub touches; ours weighs kinds and commonness, names the
members' reasons and keeps ids. Each runs in a process of its own; printed are CPU seconds, seconds
and the most memory that the process had, graph included.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from crawler.model import Category, Identifier
from crawler.operations import SiteFacts, link

# What a site shows, as kinds with how many operations' values there are and how many a site has.
OWNED = ("ga4", "telegram", "wallet_tron", "whatsapp", "tawk")
WEAK = ("template", "ip", "script_hash", "brand_code")
PER_OPERATION = 9
HUB_SHARE = 0.02


def graph(sites: int, links: int) -> Iterator[tuple[str, list[tuple[str, str]], bool]]:
    """(host, identifiers, innocent): operations of about nine domains, strangers, and hubs.

    A site of an operation shows some of its accounts and kit; one site in ten is innocent; one in
    fifty shows a vendor's example that innocents show too.
    """
    rng = random.Random(5)
    each = links // sites
    for number in range(sites):
        operation = rng.randrange(max(1, sites // PER_OPERATION))
        innocent = number % 10 == 0
        owner = f"i{number}" if innocent else f"o{operation}"
        found = [(kind, f"{owner}-{kind}") for kind in rng.sample(OWNED, max(1, each - 2))]
        found += [
            (kind, f"{kind}-{rng.randrange(sites // 400 + 2)}") for kind in rng.sample(WEAK, 2)
        ]
        if rng.random() < HUB_SHARE:
            found[-1] = ("gtm", "GTM-VENDOR1")
        yield f"s{number}.test", found, innocent


def ours(sites: int, links: int) -> Counter[str]:
    interned: dict[tuple[str, str], Identifier] = {}
    facts = [
        SiteFacts(
            host,
            host,
            Category.BENIGN if innocent else Category.GAMBLING,
            tuple(interned.setdefault(pair, Identifier(*pair)) for pair in found),
        )
        for host, found, innocent in graph(sites, links)
    ]
    interned.clear()
    counts: Counter[str] = Counter(links=sum(len(item.identifiers) for item in facts))
    started, cpu = time.monotonic(), time.process_time()
    linked = link(facts, [])
    return counts + Counter(
        groups=len(linked),
        members=sum(len(item.members) for item in linked),
        largest=max(len(item.members) for item in linked),
        milliseconds=round(1000 * (time.monotonic() - started)),
        cpu_milliseconds=round(1000 * (time.process_time() - cpu)),
    )


def peer(sites: int, links: int) -> Counter[str]:
    try:
        import networkx
    except ImportError:
        sys.exit("networkx is not installed: pip install networkx")

    whole = networkx.Graph()
    for host, found, innocent in graph(sites, links):
        if not innocent:
            whole.add_edges_from((host, pair) for pair in found)
    counts: Counter[str] = Counter(links=whole.number_of_edges())
    started, cpu = time.monotonic(), time.process_time()
    sizes = [
        sum(isinstance(node, str) for node in part) for part in networkx.connected_components(whole)
    ]
    return counts + Counter(
        groups=sum(size > 1 for size in sizes),
        members=sum(size for size in sizes if size > 1),
        largest=max(sizes),
        milliseconds=round(1000 * (time.monotonic() - started)),
        cpu_milliseconds=round(1000 * (time.process_time() - cpu)),
    )


def run(name: str, sites: int, links: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--only", name, "--sites", str(sites)]
    done = subprocess.run(
        [*command, "--links", str(links)], stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=5_000_000)
    parser.add_argument("--only", choices=("ours", "networkx"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run_one = ours if arguments.only == "ours" else peer
        counts = run_one(arguments.sites, arguments.links)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({**counts, "megabytes": peak}))
        return
    for name in ("ours", "networkx"):
        found = run(name, arguments.sites, arguments.links)
        print(
            f"{name:<9} {found['links']:,} links: {found['groups']:,} groups,"
            f" largest {found['largest']:,};"
            f" {found['milliseconds'] / 1000:.1f} s, {found['cpu_milliseconds'] / 1000:.1f} CPU s,"
            f" {found['megabytes']:,} MB"
        )


if __name__ == "__main__":
    main()
