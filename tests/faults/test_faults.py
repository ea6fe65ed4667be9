"""Faults, really injected: what docs/reliability.md promises, and that `status` names each."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support import BIN, Internet, change, names, query, scamtrail, tree

Copy = Callable[[Path], Path]


def status(root: Path) -> str:
    """What `status` calls a fault; it must find one."""
    done = scamtrail("status", "-w", root, "--quiet")
    assert done.returncode == 1, done.stdout
    return done.stdout


def assert_well(root: Path) -> None:
    done = scamtrail("status", "-w", root, "--quiet")
    assert (done.returncode, done.stdout) == (0, "")


def sound(root: Path) -> None:
    assert query(root, "PRAGMA integrity_check") == [("ok",)]
    assert query(root, "PRAGMA foreign_key_check") == []


def count(root: Path, table: str) -> int:
    return int(query(root, f"SELECT count(*) FROM {table}")[0][0])


@contextmanager
def running(root: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A run in a session of its own; killed at the end if it still works."""
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), "run", "-w", str(root), "--quiet", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(process: "subprocess.Popen[str]", ready: Callable[[], bool]) -> None:
    """Wait for `ready` while the run works."""
    for _ in range(3_000):
        if ready():
            return
        assert process.poll() is None, "ended too early"
        time.sleep(0.02)
    pytest.fail("did not come so far in a minute")


def test_killed_in_any_stage_it_goes_on_and_ends_the_same(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "killed")
    stages: list[Callable[[], bool]] = [
        lambda: count(root, "mentions") > 3,
        lambda: count(root, "pages") > 150,
        lambda: count(root, "ips") > 5,
        lambda: count(root, "operations") > 0,
    ]
    seen: set[tuple[str, str]] = set()
    for reached in stages:
        with running(root) as process:
            until(process, reached)
            os.killpg(process.pid, signal.SIGKILL)
        sound(root)
        pages = set(query(root, "SELECT url, profile FROM pages"))
        assert pages >= seen, "a page that was stored is gone"
        seen = pages
        assert "was killed; nothing stored is lost" in status(root)
    assert scamtrail("run", "-w", root).returncode == 0
    assert names(root) == names(watched)
    assert_well(root)


def test_a_lock_file_that_was_left_behind_stops_nobody(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    (root / ".lock").write_text(str(os.getpid()))
    assert scamtrail("run", "-w", root, "--quiet").returncode == 0


def test_of_two_runs_at_the_same_minute_one_works(internet: Internet, tmp_path: Path) -> None:
    root = internet.workspace(tmp_path / "busy")
    with running(root) as first:
        until(first, lambda: count(root, "pages") > 3)
        second = scamtrail("run", "-w", root)
        # The first still works when the second has said so and gone.
        assert first.poll() is None
        assert second.returncode == 4
        assert f"pid {first.pid}" in second.stderr
        assert "runs: pid" in scamtrail("status", "-w", root).stdout
        assert first.wait(timeout=120) == 0


def test_a_full_disk_stops_the_run_and_keeps_what_is_stored(
    internet: Internet, small_disk: Path
) -> None:
    root = internet.workspace(small_disk / "watch")
    done = scamtrail("run", "-w", root, "--quiet")
    assert done.returncode == 1
    assert "the disk is full" in done.stderr or "free space" in done.stderr
    assert "Traceback" not in done.stderr
    sound(root)
    assert count(root, "pages") > 20
    assert count(root, "mentions") > 0
    assert "disk: " in status(root) and "make room" in status(root)


def test_a_read_only_disk_is_named_and_nothing_changes(watched: Path, own_disk: Path) -> None:
    root = shutil.copytree(watched, own_disk / "watch")
    before = tree(root / "public")
    subprocess.run(["mount", "-o", "remount,ro", str(own_disk)], check=True)
    done = scamtrail("run", "-w", root, "--quiet")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Read-only file system" in done.stderr
    assert f"{root} is read-only; mount it for writing" in status(root)
    subprocess.run(["mount", "-o", "remount,rw", str(own_disk)], check=True)
    assert tree(root / "public") == before
    assert scamtrail("run", "-w", root, "--quiet").returncode == 0
    assert_well(root)


@pytest.mark.slow
def test_an_analysts_long_query_holds_up_no_run(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "read")
    assert scamtrail("ingest", "-w", root, root / "reports").returncode == 0
    with closing(sqlite3.connect(root / "findings.db")) as analyst:
        rows = analyst.execute("SELECT a.url FROM frontier a, frontier b")
        first = rows.fetchone()
        assert scamtrail("run", "-w", root, "--quiet").returncode == 0
        assert_well(root)
        assert first and rows.fetchone(), "the query still sees what it began with"
    assert names(root) == names(watched)


def test_a_run_waits_for_a_write_lock_and_status_names_it(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    with closing(sqlite3.connect(root / "findings.db", isolation_level=None)) as analyst:
        analyst.execute("BEGIN IMMEDIATE")
        assert "findings.db: database is locked; close the program" in status(root)
        with running(root) as process:
            until(process, lambda: bool((root / ".lock").read_text()))
            time.sleep(1)
            assert process.poll() is None
            analyst.execute("ROLLBACK")
            assert process.wait(timeout=120) == 0
    assert_well(root)


@pytest.mark.slow
def test_a_write_lock_that_stays_ends_the_run_with_the_fix(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    with closing(sqlite3.connect(root / "findings.db", isolation_level=None)) as analyst:
        analyst.execute("BEGIN IMMEDIATE")
        done = scamtrail("run", "-w", root, "--quiet")
    assert done.returncode == 1
    assert "is locked" in done.stderr and "close the program" in done.stderr


def damage(root: Path, start: int = 100, share: float = 0.5) -> None:
    """Overwrite a part of the database; its log, which might heal it, goes too."""
    path = root / "findings.db"
    for log in root.glob("findings.db-*"):
        log.unlink()
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(start + (0 if start < 1_000 else size // 4))
        file.write(b"\xa5" * int(size * share))


@pytest.mark.parametrize("start", [0, 8_192], ids=["header", "middle"])
def test_a_damaged_database_is_named_with_its_last_backup_which_restores_it(
    start: int, watched: Path, copy_of: Copy
) -> None:
    root = copy_of(watched)
    (backup,) = (root / "backups").iterdir()
    pages = count(root, "pages")
    damage(root, start)
    for command in (["run", "-w", root, "--quiet"], ["explain", "-w", root, "a.test"]):
        done = scamtrail(*command)
        assert done.returncode == 1
        assert "findings.db: is damaged" in done.stderr and str(backup) in done.stderr
        assert "Traceback" not in done.stderr
    named = status(root)
    assert "findings.db: is damaged" in named and f"scamtrail restore -w {root} {backup}" in named
    # A backup of it is refused, and the good one stays.
    done = scamtrail("backup", "-w", root)
    assert done.returncode == 1 and "is damaged" in done.stderr
    assert [path.name for path in (root / "backups").iterdir()] == [backup.name]
    done = scamtrail("restore", "-w", root)
    assert done.returncode == 0, done.stderr
    assert list(root.glob("findings.db.replaced-*")), "what stood there is kept"
    assert count(root, "pages") == pages
    assert_well(root)
    assert scamtrail("run", "-w", root, "--quiet").returncode == 0
    assert names(root) == names(watched)


def test_a_damaged_backup_is_not_put_back(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    (backup,) = (root / "backups").iterdir()
    with backup.open("r+b") as file:
        file.seek(backup.stat().st_size // 2)
        file.write(b"\xa5" * 100_000)
    before = (root / "findings.db").read_bytes()
    done = scamtrail("restore", "-w", root, backup)
    assert done.returncode == 1
    assert "cannot be put back" in done.stderr
    assert (root / "findings.db").read_bytes() == before


def test_a_backup_beside_a_working_run_is_whole(internet: Internet, tmp_path: Path) -> None:
    root = internet.workspace(tmp_path / "online")
    with running(root) as process:
        until(process, lambda: count(root, "pages") > 50)
        done = scamtrail("backup", "-w", root)
        assert done.returncode == 0, done.stderr
        assert process.poll() is None, "the run ended before the backup"
        assert process.wait(timeout=120) == 0
    backup = Path(done.stdout.strip())
    assert backup.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(f"file:{backup}?immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (pages,) = db.execute("SELECT count(*) FROM pages").fetchone()
    assert 50 < pages < count(root, "pages")


def test_out_of_memory_ends_the_run_and_the_next_one_goes_on(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "starved")
    with running(root) as process:
        until(process, lambda: count(root, "pages") > 60)
        pages = Path(f"/proc/{process.pid}/statm").read_text().split()[0]
        limit = int(pages) * resource.getpagesize() + 100_000
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
        _, stderr = process.communicate(timeout=120)
        assert process.returncode not in (0, None)
    sound(root)
    assert "out of memory" in stderr or process.returncode < 0
    named = status(root)
    assert "out of memory" in named or "was killed" in named
    assert scamtrail("run", "-w", root).returncode == 0
    assert names(root) == names(watched)
    assert count(root, "pages WHERE failure = 'analysis'") == 0
    assert_well(root)


def browsers_of(pid: int) -> list[int]:
    """The browsers among the descendants of a process (proc(5)), without their own children."""
    found: list[int] = []
    with suppress(OSError):
        if b"--remote-debugging-pipe" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return [pid]
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += browsers_of(int(child))
    return found


@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium is installed")
def test_a_browser_that_crashes_costs_no_page(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "crashing")
    with running(root) as process:
        until(process, lambda: bool(browsers_of(process.pid)))
        for browser in browsers_of(process.pid):
            os.kill(browser, signal.SIGKILL)
        _, stderr = process.communicate(timeout=180)
    assert process.returncode == 0, stderr
    sound(root)
    assert names(root) == names(watched)
    assert count(root, "pages WHERE profile = 'browser'") == count(
        watched, "pages WHERE profile = 'browser'"
    )
    assert "render" in scamtrail("status", "-w", root).stdout


def test_without_dns_what_was_found_stays_and_is_named(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    config = (root / "scamtrail.toml").read_text()
    (root / "scamtrail.toml").write_text(
        "\n".join(
            'dns = ["127.0.0.1:9"]' if line.startswith("dns") else line
            for line in config.splitlines()
        )
    )
    before = tree(root / "public")
    assert scamtrail("run", "-w", root, "--quiet").returncode == 1
    assert tree(root / "public") == before
    assert "no network: 127.0.0.1:9 did not answer" in status(root)
    (root / "scamtrail.toml").write_text(config)
    assert scamtrail("run", "-w", root, "--quiet").returncode == 0
    assert_well(root)


def at(moment: datetime, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command at another time of day, as its clock shows it."""
    program = shutil.which("faketime")
    if program is None:
        pytest.skip("needs the Debian package faketime")
    return subprocess.run(
        [
            program,
            "-f",
            f"@{moment:%Y-%m-%d %H:%M:%S}",
            str(BIN / "scamtrail"),
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"},
    )


@pytest.mark.slow
def test_a_clock_that_jumps_ahead_and_back_is_named_and_costs_no_entry(
    watched: Path, copy_of: Copy
) -> None:
    root = copy_of(watched)
    ahead = at(datetime.now(UTC) + timedelta(days=900), "run", "-w", root, "--quiet")
    assert ahead.returncode == 0, ahead.stderr
    assert names(root) == names(watched)
    named = status(root)
    assert "clock: went back: it is " in named and "NTP" in named
    done = scamtrail("run", "-w", root, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["recheck"]["pages"] > 30, "what was seen in the future is looked at again"
    assert names(root) == names(watched)
    serials = [serial for (serial,) in query(root, "SELECT serial FROM releases ORDER BY rowid")]
    assert serials == sorted(set(serials))
    assert "went back" not in scamtrail("status", "-w", root).stdout


def test_a_clock_before_the_first_run_changes_nothing(watched: Path, copy_of: Copy) -> None:
    root = copy_of(watched)
    before = tree(root / "public")
    for command in ("run", "publish"):
        done = at(datetime(2021, 1, 1, tzinfo=UTC), command, "-w", root, "--quiet")
        assert done.returncode == 1
        assert "the clock shows 2021-01-01T00:00:" in done.stderr and "NTP" in done.stderr
    assert tree(root / "public") == before
    assert "publish ended with exit 1: the clock shows 2021" in status(root)
    assert scamtrail("run", "-w", root, "--quiet").returncode == 0
    assert_well(root)


@pytest.mark.parametrize("kept", [75, 92, 118])
def test_a_half_written_configuration_is_refused_with_its_line(
    kept: int, watched: Path, copy_of: Copy
) -> None:
    root = copy_of(watched)
    config = (root / "scamtrail.toml").read_bytes()
    (root / "scamtrail.toml").write_bytes(config[:kept])
    line = len(config[:kept].splitlines())
    before = tree(root / "public")
    for command in ("run", "status", "publish"):
        done = scamtrail(command, "-w", root)
        assert done.returncode == 2
        assert f"scamtrail.toml:{line}: not valid TOML" in done.stderr
    assert tree(root / "public") == before
    (root / "scamtrail.toml").write_bytes(config)
    assert_well(root)


@pytest.mark.slow
def test_a_log_torn_by_a_power_cut_loses_its_tail_only(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "torn")
    with running(root) as process:
        until(process, lambda: count(root, "pages") > 150)
        os.killpg(process.pid, signal.SIGKILL)
    log = root / "findings.db-wal"
    size = log.stat().st_size
    assert size > 100_000
    with log.open("r+b") as file:
        # What the disk had not yet written: the last commits, and a page that was torn in two.
        file.truncate(size * 2 // 3 + 1_234)
        file.seek(size * 2 // 3 - 2_000)
        file.write(os.urandom(1_000))
    (root / "findings.db-shm").unlink(missing_ok=True)
    named = status(root)
    sound(root)
    assert "was killed" in named
    assert scamtrail("run", "-w", root).returncode == 0
    assert names(root) == names(watched)
    done = scamtrail("evidence", "--verify", root)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lost", ["database", "files"])
def test_when_a_power_cut_keeps_only_one_of_database_and_files_the_next_run_mends_it(
    lost: str, watched: Path, copy_of: Copy, tmp_path: Path
) -> None:
    root = copy_of(watched)
    change(root, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = shutil.copytree(root, tmp_path / "before")
    order = ("--by", "N. N.", "--reason", "court order")
    assert scamtrail("deny", "-w", root, "late.test", *order).returncode == 0
    assert scamtrail("publish", "-w", root).returncode == 0
    assert "late.test" in names(root)
    (published,) = query(root, "SELECT max(serial) FROM releases")[0]
    if lost == "database":
        for log in root.glob("findings.db-*"):
            log.unlink()
        shutil.copy(before / "findings.db", root / "findings.db")
        expected = names(watched)
    else:
        shutil.rmtree(root / "public")
        shutil.copytree(before / "public", root / "public")
        expected = names(watched) | {"late.test"}
    done = scamtrail("run", "-w", root, "--quiet")
    assert done.returncode == 0, done.stderr
    sound(root)
    assert names(root) == expected
    manifest = json.loads((root / "public" / "manifest.json").read_text())
    # A serial that consumers may have seen is never given to another content.
    assert manifest["serial"] > published
    assert_well(root)
