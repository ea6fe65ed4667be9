"""What tells others how a workspace is: log, metrics, dashboard, alerts, webhook."""

import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from support import BIN, change, query, scamtrail

OPERATE = Path(__file__).parents[2] / "docs" / "operate"


def promtool(*arguments: object, given: str = "") -> "subprocess.CompletedProcess[str]":
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool of the Debian package prometheus")
    return subprocess.run(
        [program, *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=OPERATE,
    )


@pytest.fixture(scope="module")
def numbers(watched: Path) -> str:
    done = scamtrail("metrics", "-w", watched)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_prometheus_accepts_the_metrics(numbers: str) -> None:
    done = promtool("check", "metrics", given=numbers)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_metrics_are_those_of_the_database(watched: Path, numbers: str) -> None:
    values = dict(line.rsplit(" ", 1) for line in numbers.splitlines() if line[0] != "#")
    ((pages, failed),) = query(watched, "SELECT count(*), sum(failure != '') FROM pages")
    assert float(values["scamtrail_pages_total"]) == pages > 100
    failures = [float(value) for key, value in values.items() if "page_failures_total" in key]
    assert sum(failures) == failed > 0
    sites = {key: float(value) for key, value in values.items() if "scamtrail_sites" in key}
    assert sites['scamtrail_sites{category="gambling"}'] > 50
    assert sum(sites.values()) == query(watched, "SELECT count(*) FROM sites")[0][0]
    # The one form that also holds the pages of hacked sites.
    entries = (watched / "public/all/strict/entries.jsonl").read_text().splitlines()
    assert float(values['scamtrail_list_entries{list="all",tier="strict"}']) == len(entries) > 0
    assert values["scamtrail_last_run_exit_code"] == "0"
    assert values['scamtrail_fault{subject="runs"}'] == "0"


def test_the_endpoint_and_the_textfile_say_the_same(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    with (root / "scamtrail.toml").open("a") as config:
        config.write('[alert]\ntextfile = "scamtrail.prom"\n')
    assert scamtrail("link", "-w", root).returncode == 0
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), "metrics", "-w", str(root), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            scraped = answer.read().decode()
    finally:
        process.terminate()
        process.wait(timeout=20)
    steady = re.compile(r"^scamtrail_(pages|sites|list|queue|last|page_failures).*$", re.M)
    written = (root / "scamtrail.prom").read_text()
    assert steady.findall(scraped) == steady.findall(written) != []
    assert "scamtrail_run_under_way 0" in written


def test_the_alerts_fire_when_they_should() -> None:
    done = promtool("check", "rules", "alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", "alerts_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_dashboard_and_alerts_exists(numbers: str) -> None:
    known = set(re.findall(r"# TYPE (\w+)", numbers))
    dashboard = json.loads((OPERATE / "grafana.json").read_text())
    queries = [item["expr"] for panel in dashboard["panels"] for item in panel["targets"]]
    used = set(re.findall(r"scamtrail_\w+", " ".join(queries)))
    for line in re.findall(r"expr: (.*)", (OPERATE / "alerts.yml").read_text()):
        used |= set(re.findall(r"scamtrail_\w+", line))
    assert len(used) > 12
    assert used <= known


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_line_of_the_log_bears_its_run(
    form: str, watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    shutil.rmtree(root / "logs")
    with (root / "scamtrail.toml").open("a") as config:
        config.write(f'[log]\nformat = "{form}"\n')
    (root / "reports" / "bad\n[31mname.txt").write_text("Nothing is named here.")
    done = scamtrail("ingest", "-w", root, root / "reports")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr and len(done.stderr.strip().splitlines()) == 2
    lines = (root / "logs" / "scamtrail.log").read_text().splitlines()
    (run,) = query(root, "SELECT max(id) FROM runs")[0]
    if form == "json":
        entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
        assert {entry["run"] for entry in entries} == {run}
        assert entries[-1]["event"] == "run ended" and entries[-1]["exit"] == 1
        assert entries[-1]["reports"]["files"] > 0
    else:
        pair = re.compile(r'[\w.]+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$)')
        assert all(pair.sub("", line) == "" for line in lines)
        assert all(f" run={run} " in line for line in lines)
        assert 'event="run ended"' in lines[-1] and " exit=1 " in lines[-1]
        assert " reports.files=" in lines[-1]


def test_the_log_rotates(watched: Path, copy_of: Callable[[Path], Path]) -> None:
    root = copy_of(watched)
    with (root / "scamtrail.toml").open("a") as config:
        config.write("[log]\nmax_mb = 0.001\nkeep = 2\n")
    for _ in range(4):
        assert scamtrail("link", "-w", root).returncode == 0
    kept = sorted(path.name for path in (root / "logs").iterdir())
    assert kept == ["scamtrail.log", "scamtrail.log.1", "scamtrail.log.2"]


def test_a_safety_stop_calls_the_webhook_through_the_guard(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    told: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    root = copy_of(watched)
    config = (root / "scamtrail.toml").read_text()
    webhook = f'[alert]\nwebhook = "http://127.0.0.1:{hook.server_port}/told"\n'
    try:
        (root / "scamtrail.toml").write_text(config + webhook)
        assert scamtrail("publish", "-w", root).returncode == 0
        change(root, "UPDATE sites SET category = 'benign'")
        guarded = scamtrail("publish", "-w", root, "--quiet")
        assert guarded.returncode == 3
        assert "alert.webhook: guard: loopback" in guarded.stderr
        assert told == []
        allowed = config.replace('allow_private = ["', 'allow_private = ["127.0.0.1/32", "')
        (root / "scamtrail.toml").write_text(allowed + webhook)
        assert scamtrail("publish", "-w", root, "--quiet").returncode == 3
    finally:
        hook.shutdown()
        hook.server_close()
    (document,) = told
    assert document["exit_code"] == 3 and "--force" in document["message"]
    assert document["run"] == query(root, "SELECT max(id) FROM runs")[0][0]
