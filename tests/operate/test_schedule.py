"""Cron and systemd: what `schedule` prints is accepted by the real programs, and fences hold."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from crawler.schedule import crontab, units
from support import scamtrail


@pytest.fixture
def written(tmp_path: Path) -> Path:
    assert scamtrail("init", tmp_path / "watch").returncode == 0
    done = scamtrail("schedule", "-w", tmp_path / "watch", "-o", tmp_path / "units")
    assert done.returncode == 0, done.stderr
    return tmp_path / "units"


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze of the Debian package systemd")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_systemd_finds_nothing_wrong_with_the_units(written: Path) -> None:
    files = sorted(written.iterdir())
    assert [path.name for path in files] == [
        "scamtrail-watch-status.service",
        "scamtrail-watch-status.timer",
        "scamtrail-watch.service",
        "scamtrail-watch.timer",
    ]
    done = analyze("verify", *files)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_rates_the_fences_as_good(written: Path) -> None:
    # 0.0 is perfectly fenced, 10.0 not at all; a service without settings has 9.6.
    done = analyze(
        "security",
        "--offline=1",
        "--threshold=20",
        "--no-pager",
        written / "scamtrail-watch.service",
    )
    assert done.returncode == 0, done.stdout[-400:]


@pytest.mark.parametrize("hours", [1, 2, 6, 24])
def test_the_timer_fires_as_often_as_configured(hours: int) -> None:
    timer = units(Path("/srv/watch"), Path("/usr/bin/scamtrail"), hours, "x")[
        "scamtrail-watch.timer"
    ]
    (when,) = re.findall("OnCalendar=(.*)", timer)
    done = analyze("calendar", "--iterations=25", "--base-time=2026-03-28 00:00:00 UTC", when)
    assert done.returncode == 0, done.stderr
    elapses = re.findall(r"(?:elapse|Iteration #\d+|Iter\. #\d+): \w+ (\S+ \S+) UTC", done.stdout)
    assert len(elapses) == 25
    assert len({time[11:13] for time in elapses}) == 24 // hours


def test_a_folder_with_odd_characters_stays_one_word(tmp_path: Path) -> None:
    odd = tmp_path / 'my 100% "watch" $x'
    odd.mkdir()
    text = crontab(odd, Path("/usr/bin/scamtrail"), 2)
    assert r"100\%" in text and "'" in text
    service = units(odd, Path("/usr/bin/scamtrail"), 2, "x")
    path = tmp_path / "odd.service"
    path.write_text(next(iter(service.values())).replace("/usr/bin/scamtrail", "/bin/true"))
    done = analyze("verify", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert '$$x"' in path.read_text() and "100%%" in path.read_text()


def test_the_crontab_has_a_slot_of_its_own_and_ends_in_time(tmp_path: Path) -> None:
    assert scamtrail("init", tmp_path / "watch").returncode == 0
    config = tmp_path / "watch" / "scamtrail.toml"
    config.write_text("[schedule]\nevery_hours = 6\n")
    done = scamtrail("schedule", "-w", tmp_path / "watch", "--cron")
    line, status = done.stdout.splitlines()
    assert re.match(
        r"\d{1,2} \*/6 \* \* \* .*scamtrail run -w \S+ --quiet --limit-minutes 340$", line
    )
    assert status.endswith("--quiet") and " status " in status
    config.write_text("[schedule]\nevery_hours = 5\n")
    done = scamtrail("schedule", "-w", tmp_path / "watch")
    assert done.returncode == 2 and "schedule.every_hours: is one of 1, 2, 3" in done.stderr
