"""A crawl through Redis: its cost beside one process, its workers, its memory, and dying workers.

    python bench/scale.py [--sites N] [--urls N] [--known N] [--hosts N] [--kill-every SECONDS]
                          [--share SHARE] [--json]

Starts redis-server with its append-only file, and a practice internet. The same crawl is made in
one process and through 1, 2 and 4 workers: CPU-seconds a page of all processes but the web's
(Redis's too, start-up included), and pages a second, which on a machine with few cores says little.
With `--share` the crawl is made again with 1 and 2 workers that may use no more than that share of
a core each (cgroups, as root): so there are cores to spare, and what is shared shows if it brakes.
`--urls` are queued to measure Redis's memory, `--known` hosts stored to measure the writer's;
`--hosts` 0 leaves out the last part, in which a worker is killed with SIGKILL every so often and
another started.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from crawler.sandbox import Ports, free_ports, start_process
from crawler.scale.items import Item
from crawler.scale.queue import SharedQueue, connect
from crawler.store import Store
from crawler.store.queries import Queued

SCAMTRAIL = [sys.executable, "-c", "from crawler.cli import main; main()"]


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[tuple[SharedQueue, "subprocess.Popen[bytes]", str]]:
    port = free_ports(1)[0]
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        sys.exit("bench/scale.py: needs the Debian package redis-server")
    process = subprocess.Popen(
        [
            program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
            "--save", "", "--appendonly", "yes",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    queue = connect(url, "bench")
    for _ in range(100):
        with contextlib.suppress(Exception):
            queue.alive()
            break
        time.sleep(0.05)
    try:
        yield queue, process, url
    finally:
        process.kill()
        process.wait()


def cpu_of(process: "subprocess.Popen[bytes]") -> float:
    """CPU-seconds of a process that lives."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended(process: "subprocess.Popen[bytes]") -> float:
    """Wait for a process; its CPU-seconds, children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.wait():
        sys.exit(f"bench/scale.py: a run ended with exit code {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def workspace(internet: Path, root: Path, redis: str = "") -> Path:
    shutil.copytree(internet / "reports", root / "reports")
    config = (internet / "sandbox.toml").read_text("utf-8")
    if redis:
        config += f'[scale]\nredis = "{redis}"\nname = "bench"\n'
    (root / "scamtrail.toml").write_text(config, "utf-8")
    for command in (["init", root], ["ingest", "-w", root, "-q", root / "reports"]):
        done = subprocess.run([*SCAMTRAIL, *map(str, command)], stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(f"bench/scale.py: scamtrail {command[0]} ended with {done.returncode}")
    return root


def rows(root: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{root}/findings.db?mode=ro", uri=True, timeout=30)) as db:
        return db.execute(sql).fetchall()


def crawl(root: Path, workers: int) -> tuple[float, int, float]:
    """(CPU-seconds, pages, seconds) of a crawl."""
    started = time.monotonic()
    command = [*SCAMTRAIL, "crawl", "-w", str(root), "-q"]
    if workers:
        command += ["--workers", str(workers)]
    cpu = ended(subprocess.Popen(command))
    return cpu, rows(root, "SELECT count(*) FROM pages")[0][0], time.monotonic() - started


def memory(queue: SharedQueue, urls: int) -> tuple[float, float]:
    """Bytes of Redis for one waiting URL and for one leased, after so many were queued."""

    def used() -> int:
        return int(queue.asked(lambda: queue._client.info("memory"))["used_memory"])

    before = used()
    for start in range(0, urls, 5_000):
        items = []
        for number in range(start, min(urls, start + 5_000)):
            host = f"lucky-bet-{number:07}.example-casino.test"
            via = f"http://blog{number % 9_999}.example-news.test/2026/11/offers-and-bonuses.html"
            queued = Queued(
                f"http://{host}/promotion/index.php?agent={number % 97}", "crawler", host,
                "example-casino.test", via, 0.5 + number % 500 / 1_000, 3, 0,
            )  # fmt: skip
            items.append((Item(queued).encode(), queued.priority))
        queue.push("memory", items)
    waiting = (used() - before) / urls
    leased = min(urls, 20_000)
    middle = used()
    for _ in range(leased // 500):
        queue.take("memory", 500)
    after = (used() - middle) / leased + waiting
    for key in ("queue", "leases", "scores"):
        queue.asked(lambda key=key: queue._client.delete(queue.key(key, "memory")))
    return waiting, after


def known(root: Path, hosts: int) -> tuple[float, float]:
    """Bytes that a writer needs for one host visited before: of its memory, and of findings.db."""
    names = [f"lucky-bet-{number:07}.example{number % 99_991}.test" for number in range(hosts)]
    with Store(root / "findings.db") as store:
        empty = store.path.stat().st_size
        with store.transaction() as db:
            db.executemany(
                "INSERT INTO sites (host, registered_domain, status, category, probability,"
                " first_seen, last_seen, last_checked)"
                " VALUES (?1, substr(?1, 19), 'live', 'gambling', 0.98, ?2, ?2, ?2)",
                [(name, "2026-11-24T12:00:00Z") for name in names],
            )
            db.executemany(
                "INSERT INTO pages (host, url, via, depth, profile, status, failure, title, text,"
                " sha256, bytes, ip, category, kind, probability, fetched_at)"
                " VALUES (?1, ?2, 'report:r', 1, 'crawler', 200, '', 'Casino 88', '', '', 34000,"
                " '192.0.2.1', 'gambling', 'operator', 0.98, '2026-11-24T12:00:00Z')",
                [(name, f"http://{name}/") for name in names],
            )
    code = (
        "import sys; from pathlib import Path; from crawler.store import Store;"
        "from crawler.store import queries as q; store = Store(Path(sys.argv[1]), read_only=True);"
        "pages = lambda: int(Path('/proc/self/statm').read_text().split()[1]); before = pages();"
        "kept = q.page_counts(store), q.accused_hosts(store), q.guilty_domains(store);"
        "print((pages() - before) * 4096)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root / "findings.db")], capture_output=True, check=True
    )
    return int(done.stdout) / hosts, ((root / "findings.db").stat().st_size - empty) / hosts


def operations(
    queue: SharedQueue, server: "subprocess.Popen[bytes]", count: int
) -> dict[str, float]:
    """CPU-milliseconds a request in the shared frontier alone: give out, take, hand in, commit."""
    result = os.urandom(6_000)  # a packed record of a common page
    queue.results("cost", 1, 1)
    client, redis = time.process_time(), cpu_of(server)
    for start in range(0, count, 64):
        queue.push(
            "cost", [(f'["http://h{n}.test/"]'.encode() * 8, 0.5) for n in range(start, start + 64)]
        )
        for _ in range(2):
            for item in queue.take("cost", 32):
                queue.deliver("cost", item, result)
        found = queue.results("cost", 64, 10)
        queue.acknowledge("cost", [number for number, *_ in found])
    return {
        "client": (time.process_time() - client) / count * 1_000,
        "redis": (cpu_of(server) - redis) / count * 1_000,
    }


def worker(root: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([*SCAMTRAIL, "worker", "-w", str(root), "-q"], start_new_session=True)


def held_back(root: Path, count: int, share: float) -> float:
    """Pages a second of a crawl with `count` workers that have so much of a core each."""
    groups, workers = [], []
    for number in range(count):
        groups.append(Path(f"/sys/fs/cgroup/cpu/scamtrail-bench-{os.getpid()}-{number}"))
        groups[-1].mkdir()
        (groups[-1] / "cpu.cfs_period_us").write_text("20000")
        (groups[-1] / "cpu.cfs_quota_us").write_text(str(int(20_000 * share)))
        workers.append(worker(root))
        (groups[-1] / "cgroup.procs").write_text(str(workers[-1].pid))
    _, pages, seconds = crawl(root, 0)
    for process, group in zip(workers, groups, strict=True):
        process.terminate()
        process.wait()
        group.rmdir()
    return pages / seconds


def dying(root: Path, every: float) -> dict[str, Any]:
    """Crawl with two workers of which one is killed every so often."""
    workers = [worker(root), worker(root)]
    run = subprocess.Popen([*SCAMTRAIL, "crawl", "-w", str(root), "-q"])
    killed, last = 0, time.monotonic()
    while run.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - last > every:
            last = time.monotonic()
            victim = workers.pop(0)
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
            workers.append(worker(root))
            killed += 1
    for process in workers:
        process.terminate()
    for process in workers:
        process.wait()
    (pages,) = rows(root, "SELECT count(*) FROM pages")[0]
    (twice,) = rows(
        root,
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM pages"
        " WHERE failure = '' GROUP BY url, profile)",
    )[0]
    (undecided,) = rows(root, "SELECT count(*) FROM sites WHERE category IS NULL")[0]
    (lost,) = rows(
        root,
        "SELECT count(*) FROM frontier WHERE state = 'queued' AND tries = 0 AND purpose = 'trail'"
        " AND priority >= 0.05",
    )[0]
    hosts = {host for (host,) in rows(root, "SELECT host FROM sites")}
    return {
        "exit": run.returncode, "killed": killed, "pages": pages, "twice": twice,
        "undecided": undecided, "lost": lost, "hosts": len(hosts), "names": hosts,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=600)
    parser.add_argument("--urls", type=int, default=1_000_000)
    parser.add_argument("--known", type=int, default=300_000)
    parser.add_argument("--hosts", type=int, default=5_000)
    parser.add_argument("--kill-every", type=float, default=20.0)
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as (queue, server, url):
        folder = Path(name)
        if given.urls:
            waiting, leased = memory(queue, given.urls)
            found["memory"] = {"urls": given.urls, "waiting": waiting, "leased": leased}
            print(f"memory   {waiting:.0f} bytes a waiting URL, {leased:.0f} a leased one")
        if given.known:
            (folder / "known").mkdir()
            writer, database = known(folder / "known", given.known)
            found["known"] = {"hosts": given.known, "writer": writer, "database": database}
            shares = f"{writer:.0f} bytes of the writer and {database:.0f} of findings.db"
            print(f"known    {shares} a host")
        cost = operations(queue, server, 6_400)
        found["cost_ms"] = cost
        print(
            f"frontier {cost['client']:.2f} ms of clients and {cost['redis']:.2f} ms of Redis a URL"
        )
        if given.sites:
            internet = folder / "internet"
            with start_process(internet, seed=1, sites=given.sites, ports=Ports.free()):
                base = crawl(workspace(internet, folder / "alone"), 0)
                print(f"crawl    in one process: {base[0] / base[1] * 1000:.1f} CPU-ms a page")
                found["alone"] = base
                for workers in (1, 2, 4):
                    root = workspace(internet, folder / f"with{workers}", url)
                    redis = cpu_of(server)
                    cpu, pages, seconds = crawl(root, workers)
                    cpu += cpu_of(server) - redis
                    ratio = (cpu / pages) / (base[0] / base[1])
                    found[f"workers{workers}"] = (cpu, pages, seconds)
                    print(
                        f"         {workers} workers: {cpu / pages * 1000:.1f} CPU-ms a page"
                        f" ({ratio:.2f} times one process), {pages} pages,"
                        f" {pages / seconds:.0f} a second"
                    )
                if given.share:
                    rates = [
                        held_back(workspace(internet, folder / f"slow{n}", url), n, given.share)
                        for n in (1, 2)
                    ]
                    found["held_back"] = {"share": given.share, "pages_a_second": rates}
                    print(
                        f"held     {given.share:g} of a core a worker: {rates[0]:.1f} pages a"
                        f" second with one, {rates[1]:.1f} with two, {rates[1] / rates[0]:.2f} ×"
                    )
        if given.hosts:
            internet = folder / "large"
            with start_process(internet, seed=2, sites=given.hosts, ports=Ports.free()):
                alone = workspace(internet, folder / "calm")
                crawl(alone, 0)
                calm = {host for (host,) in rows(alone, "SELECT host FROM sites")}
                result = dying(workspace(internet, folder / "dying", url), given.kill_every)
            missing = calm - result.pop("names")
            result["missing"] = len(missing)
            found["dying"] = result
            print(
                f"dying    {result['killed']} workers killed in {result['pages']} pages of"
                f" {result['hosts']} hosts (undisturbed: {len(calm)}): {result['lost']} URLs lost,"
                f" {result['undecided']} hosts undecided, {result['missing']} of the undisturbed"
                f" missing, {100 * result['twice'] / result['pages']:.2f} % fetched twice"
            )
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
