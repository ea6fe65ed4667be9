"""A web that is out to stop the crawl: it ends by itself and loses nothing."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from crawler.sandbox import Ports, start_process
from support import BIN, Internet, names, query, scamtrail

KILLS = 20


def pages(root: Path) -> set[tuple[str, str]]:
    return set(query(root, "SELECT url, profile FROM pages"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_killed_at_twenty_moments_loses_nothing(
    workers: int, internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "killed")
    rng = random.Random(workers)
    seen: set[tuple[str, str]] = set()
    for _ in range(KILLS):
        process = subprocess.Popen(
            [str(BIN / "scamtrail"), "run", "-w", str(root), "--quiet", "--workers", str(workers)],
            start_new_session=True,
        )
        time.sleep(rng.uniform(1.0, 5.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        stored = pages(root)
        assert seen <= stored
        seen = stored
    fetched = query(root, "SELECT count(*), count(DISTINCT url || profile) FROM pages")[0]
    done = scamtrail("run", "-w", root)
    assert done.returncode == 0, done.stderr
    assert seen <= pages(root)
    assert fetched[0] - fetched[1] <= KILLS * 64, "more was fetched twice than was under way"
    for place in ("all/strict", "all/wide", "gambling/wide", "investment/wide"):
        assert names(root, place) == names(watched, place)


@pytest.mark.slow
def test_a_run_over_five_thousand_hosts_a_fifth_of_them_hostile_ends(tmp_path: Path) -> None:
    world = tmp_path / "internet"
    with start_process(world, seed=1, sites=5_000, hostile=0.2, ports=Ports.free()):
        internet = Internet(world)
        hostile = {line["host"] for line in internet.truth if line["host"].startswith("trap-")}
        assert len(internet.truth) >= 4_500 and len(hostile) >= 0.19 * len(internet.truth)
        root = internet.workspace(tmp_path / "watch")
        for stage in ("ingest", "crawl"):
            rest = [root / "reports"] if stage == "ingest" else ["--json"]
            done = scamtrail(stage, "-w", root, *rest, timeout=2_400)
            assert done.returncode == 0, done.stderr
        crawled = json.loads(done.stdout)["crawl"]
        assert crawled["reason"] == "finished"
        visited = {host for (host,) in query(root, "SELECT DISTINCT host FROM pages")}
        assert len(hostile & visited) > 0.8 * len(hostile)
        most = query(root, "SELECT count(DISTINCT url) FROM pages GROUP BY host ORDER BY 1 DESC")
        assert most[0][0] <= 8
        assert {"guard", "timeout", "protocol", "dns", "refused"} <= set(crawled["failures"])
        ips = {ip for (ip,) in query(root, "SELECT DISTINCT ip FROM pages WHERE ip != ''")}
        assert all(ip.startswith("127.64.") for ip in ips)
    shutil.rmtree(tmp_path, ignore_errors=True)
