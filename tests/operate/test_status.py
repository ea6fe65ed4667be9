"""`scamtrail status`: ten lines, what is wrong, and exit code 1 for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.store import iso
from support import change, scamtrail


def test_all_is_well_in_ten_lines(watched: Path) -> None:
    done = scamtrail("status", "-w", watched)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) <= 10
    for subject in ("runs", "failures", "sources", "lists", "queue", "disk", "clock", "backup"):
        assert any(line[7:].startswith(f"{subject}: ") for line in lines), subject
    assert scamtrail("status", "-w", watched, "--quiet").stdout == ""


def test_json_says_the_same(watched: Path) -> None:
    document = json.loads(scamtrail("status", "-w", watched, "--json").stdout)
    assert document["ok"] is True
    assert all(item["level"] in ("ok", "note") for item in document["findings"])


def test_missed_runs_are_noticed(watched: Path, copy_of: Callable[[Path], Path]) -> None:
    root = copy_of(watched)
    old = iso(datetime.now(UTC) - timedelta(hours=9))
    change(root, f"UPDATE runs SET started_at = '{old}', finished_at = '{old}'")
    done = scamtrail("status", "-w", root, "--quiet")
    assert done.returncode == 1
    assert done.stdout.startswith("fault  runs: 4 missed since ")
    assert "check cron" in done.stdout
    # A run since then mends it, and the gap is still told.
    assert scamtrail("run", "-w", root).returncode == 0
    done = scamtrail("status", "-w", root)
    assert done.returncode == 0, done.stdout
    assert "missed some after" in done.stdout


def test_a_source_that_went_silent_is_named_with_its_failure(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    with (root / "scamtrail.toml").open("a") as config:
        config.write('[sources]\nuse = ["finma"]\n')
    change(
        root,
        "INSERT INTO sources (name, fetched_at, succeeded_at, failure)"
        " VALUES ('finma', '2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z', 'timeout')",
    )
    done = scamtrail("status", "-w", root, "--quiet")
    assert done.returncode == 1
    assert "1 of 1 overdue: finma: last success 2026-01-01T00:00:00Z (timeout)" in done.stdout


def test_a_refusal_to_publish_stays_named_until_a_run_succeeds(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    change(root, "UPDATE sites SET category = 'benign'")
    assert scamtrail("publish", "-w", root).returncode == 3
    done = scamtrail("status", "-w", root, "--quiet")
    assert done.returncode == 1
    assert "fault  failures: publish ended with exit 3: " in done.stdout


def test_status_leaves_no_trace(watched: Path, copy_of: Callable[[Path], Path]) -> None:
    root = copy_of(watched)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert scamtrail("status", "-w", root).returncode == 0
    after = {
        path: path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
    assert {p: t for p, t in before.items() if p in after} == after
