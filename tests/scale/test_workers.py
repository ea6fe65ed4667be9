"""A run whose pages are fetched by workers elsewhere, through a real Redis that comes and goes."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from redis_server import Server
from support import BIN, Internet, names, query, scamtrail

Process = subprocess.Popen[str]


@contextmanager
def command(*arguments: object) -> Iterator[Process]:
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(ready: Callable[[], bool], *alive: Process) -> None:
    for _ in range(2_400):
        if ready():
            return
        for process in alive:
            assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("did not come so far in two minutes")


def pages(root: Path) -> int:
    return int(query(root, "SELECT count(*) FROM pages")[0][0])


@pytest.fixture
def shared(internet: Internet, server: Server, tmp_path: Path) -> Path:
    """A workspace whose run is shared, and beside it `worker`, which has its configuration only."""
    root = internet.workspace(tmp_path / "watch")
    with (root / "scamtrail.toml").open("a") as config:
        config.write(f'[scale]\nredis = "{server.url}"\nname = "watch"\n')
    worker = tmp_path / "worker"
    worker.mkdir()
    (worker / "scamtrail.toml").write_bytes((root / "scamtrail.toml").read_bytes())
    return root


def twice(root: Path) -> float:
    """The share of pages that were fetched more than once."""
    ((again,),) = query(
        root,
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM pages"
        " WHERE failure = '' GROUP BY url, profile)",
    )
    return float(again) / pages(root)


def test_workers_do_the_work_and_come_and_go(
    shared: Path, watched: Path, internet: Internet
) -> None:
    worker = shared.parent / "worker"
    with (
        command("run", "-w", shared, "--json") as run,
        command("worker", "-w", worker) as first,
    ):
        until(lambda: pages(shared) > 60, run, first)
        with command("worker", "-w", worker) as second:
            first.terminate()
            _, said = first.communicate(timeout=60)
            assert first.returncode == 0, said
            assert said.endswith(": ended\n")
            out, error = run.communicate(timeout=240)
            assert run.returncode == 0, error
            assert second.poll() is None, "a worker waits for the next run"
    assert names(shared) == names(watched)
    crawl = json.loads(out)["crawl"]
    assert crawl["reason"] == "finished" and crawl["pages"] == pages(shared)
    assert twice(shared) == 0
    assert sorted(path.name for path in worker.iterdir()) == ["scamtrail.toml"]


def test_when_redis_is_away_all_wait_and_say_so_and_nothing_is_lost(
    shared: Path, watched: Path, server: Server
) -> None:
    with (
        command("run", "-w", shared, "--quiet") as run,
        command("worker", "-w", shared.parent / "worker") as worker,
    ):
        until(lambda: pages(shared) > 100, run, worker)
        server.kill()
        time.sleep(3)
        before = pages(shared)
        assert run.poll() is None and worker.poll() is None
        named = scamtrail("status", "-w", shared)
        assert named.returncode == 1 and f"Redis at {server.url}" in named.stdout
        server.start()
        until(lambda: pages(shared) > before, run, worker)
        assert "; 1 workers" in scamtrail("status", "-w", shared).stdout
        _, error = run.communicate(timeout=240)
        assert run.returncode == 0, error
        worker.terminate()
        _, said = worker.communicate(timeout=60)
    for text in (error, said):
        assert f"waiting: Redis at {server.url}" in text
        assert f"Redis at {server.url} is back" in text
    assert names(shared) == names(watched)
    assert twice(shared) <= 0.01


def test_a_page_limit_is_kept_and_the_next_run_goes_on_without_redis(
    shared: Path, watched: Path
) -> None:
    done = scamtrail("run", "-w", shared, "--workers", 1, "--limit-pages", 50, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["crawl"]["pages"] == pages(shared) == 50
    config = shared / "scamtrail.toml"
    config.write_text(config.read_text().split("[scale]")[0])
    assert scamtrail("run", "-w", shared, "--quiet").returncode == 0
    assert names(shared) == names(watched)


def test_a_wrong_address_is_named_without_its_password(shared: Path) -> None:
    config = shared / "scamtrail.toml"
    config.write_text(config.read_text().replace('redis = "redis://', 'redis = "redes://:geheim@'))
    done = scamtrail("worker", "-w", shared)
    assert done.returncode == 2
    assert "scale.redis: expects a redis:// or rediss:// address" in done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.slow
def test_a_killed_worker_or_writer_loses_nothing(shared: Path, watched: Path) -> None:
    worker = shared.parent / "worker"
    with command("worker", "-w", worker) as first, command("run", "-w", shared) as run:
        until(lambda: pages(shared) > 60, run, first)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        os.killpg(first.pid, signal.SIGKILL)
    with command("worker", "-w", worker) as second, command("run", "-w", shared, "--json") as run:
        started = time.monotonic()
        until(lambda: pages(shared) > 100, run, second)
        out, error = run.communicate(timeout=240)
        assert run.returncode == 0, error
        assert time.monotonic() - started < 240
    assert json.loads(out)["crawl"]["limits"].get("leases_lost", 0) > 0
    assert names(shared) == names(watched)
    assert twice(shared) <= 0.01
