"""Bad input: one clear line with the fix, the documented exit code, and nothing lost."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support import BIN, Internet, change, names, query, scamtrail, tree


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("scamtrail: "), text
    return lines[0]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    return root


def test_a_folder_that_is_no_workspace(tmp_path: Path) -> None:
    done = scamtrail("run", "-w", tmp_path)
    assert done.returncode == 2
    assert "scamtrail init" in one_line(done.stderr)


def test_an_unknown_key_names_its_line(workspace: Path) -> None:
    (workspace / "scamtrail.toml").write_text("[crawl]\nspeed = 9\n")
    done = scamtrail("run", "-w", workspace)
    assert done.returncode == 2
    assert "scamtrail.toml:2: unknown key crawl.speed" in one_line(done.stderr)


def test_an_unknown_option_is_usage(workspace: Path) -> None:
    assert scamtrail("run", "-w", workspace, "--fast").returncode == 2
    assert scamtrail("nothing").returncode == 2


def test_a_newer_database_is_left_alone(workspace: Path) -> None:
    change(workspace, "PRAGMA user_version = 99")
    done = scamtrail("run", "-w", workspace)
    assert done.returncode == 1
    assert "newer than this program" in one_line(done.stderr)
    assert "update scamtrail" in done.stderr


def test_bad_reports_are_named_and_the_others_are_read(workspace: Path) -> None:
    reports = workspace / "reports"
    (reports / "empty.txt").write_bytes(b"")
    (reports / "picture.txt").write_bytes(bytes(range(256)) * 100)
    (reports / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (reports / "prose.txt").write_text("Nothing is named here.")
    (reports / "good.txt").write_text("Beware of hxxp://lucky-bet-88[.]test, it is a scam.")
    (reports / "gone.txt").symlink_to("nowhere")
    done = scamtrail("ingest", "-w", workspace, reports, "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["reports"]["accused"] == 1
    problems = "\n".join(result["problems"])
    for name in ("empty.txt", "picture.txt", "table.csv", "prose.txt", "gone.txt"):
        assert name in problems
    assert "--column" in problems
    assert len(result["problems"]) == 5


def test_a_report_read_twice_changes_nothing(workspace: Path) -> None:
    report = workspace / "reports" / "one.txt"
    report.write_text("Beware of hxxp://lucky-bet-88[.]test, it is a scam.")
    first = json.loads(scamtrail("ingest", "-w", workspace, report, "--json").stdout)
    second = json.loads(scamtrail("ingest", "-w", workspace, report, "--json").stdout)
    assert first["reports"]["mentions"] == 1
    assert second["reports"]["mentions"] == 0


def test_a_stop_signal_ends_the_run_and_the_next_one_goes_on(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "stopped")
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), "run", "-w", str(root), "--quiet"], stderr=subprocess.PIPE
    )
    while count(root, "pages") < 30:
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"interrupted; run again" in stderr
    assert scamtrail("run", "-w", root).returncode == 0
    assert names(root) == names(watched)


def count(root: Path, table: str) -> int:
    return int(query(root, f"SELECT count(*) FROM {table}")[0][0])


def test_a_list_that_shrinks_suspiciously_is_not_published(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    before = tree(root / "public")
    change(root, "UPDATE sites SET category = 'benign'")
    done = scamtrail("publish", "-w", root, "--quiet")
    assert done.returncode == 3
    assert "--force" in one_line(done.stderr)
    assert tree(root / "public") == before
    assert scamtrail("publish", "-w", root, "--force").returncode == 0
    assert names(root) == set()


def test_an_override_is_applied_by_the_next_publish(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    name = sorted(names(root))[0]
    reason = ("--by", "N. N.", "--reason", "the owner proved it is his")
    assert scamtrail("allow", "-w", root, name, *reason).returncode == 0
    assert scamtrail("publish", "-w", root).returncode == 0
    assert name not in names(root)
    shown = json.loads(scamtrail("explain", "-w", root, name, "--json").stdout)
    assert shown["overrides"][0]["reason"] == "the owner proved it is his"
    assert any("the owner proved it is his" in item["reason"] for item in shown["refusals"])
    assert all(item["removed_at"] for item in shown["listings"])
    denied = scamtrail("deny", "-w", root, "never-seen.test", "--by", "N", "--reason", "order")
    assert denied.returncode == 0
    assert scamtrail("publish", "-w", root).returncode == 0
    assert "never-seen.test" in names(root)


def test_a_domain_that_was_never_seen_says_so(watched: Path) -> None:
    done = scamtrail("explain", "-w", watched, "nobody.test")
    assert done.returncode == 1
    assert "never seen" in one_line(done.stderr)
    assert scamtrail("explain", "-w", watched, "not a name").returncode == 2


def test_doctor_names_what_is_wrong_and_the_fix(watched: Path, workspace: Path) -> None:
    fine = scamtrail("doctor", "-w", watched)
    assert fine.returncode == 0, fine.stdout
    assert "findings.db" in fine.stdout and "DNS" in fine.stdout
    (workspace / "scamtrail.toml").write_text('[network]\ndns = ["127.0.0.1:9"]\n')
    faulty = scamtrail("doctor", "-w", workspace)
    assert faulty.returncode == 1
    assert "fault  DNS: 127.0.0.1:9: timeout; check network.dns" in faulty.stdout


def test_a_run_says_nothing_when_quiet_and_all_is_well(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    done = scamtrail("run", "-w", copy_of(watched), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
