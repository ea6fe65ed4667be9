"""From a report to a blocklist, as an operator sees it."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support import BIN, Internet, names, query, scamtrail, tree


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_demo_finds_the_scams_and_lists_no_innocent(seed: int, tmp_path: Path) -> None:
    done = scamtrail("demo", "-w", tmp_path, "--seed", seed, "--json", "--free-ports")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["false_listings"] == 0, result["wrongly_listed"]
    assert result["recall"] >= 0.9, result["missed"]
    assert result["precision"] == 1.0
    assert result["pages"] > result["listed"] > 100
    assert result["pages_per_cpu_second"] > 0
    assert result["seconds"] > 0


def test_a_second_run_leaves_every_published_byte(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    before = tree(root / "public")
    done = scamtrail("run", "-w", root)
    assert done.returncode == 0, done.stderr
    assert tree(root / "public") == before


def wait_for_pages(root: Path, goal: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(1_200):
        if process.poll() is not None or len(pages(root)) >= goal:
            return
        time.sleep(0.05)
    pytest.fail(f"no {goal} pages after a minute")


def pages(root: Path) -> set[tuple[str, str]]:
    return set(query(root, "SELECT url, profile FROM pages"))


def test_a_run_cut_short_goes_on_in_the_next_one(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "short")
    done = scamtrail("run", "-w", root, "--limit-pages", 60, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["crawl"]["pages"] == 60
    assert scamtrail("run", "-w", root).returncode == 0
    assert names(root) == names(watched)


def test_every_reachable_scam_is_listed_and_no_innocent(internet: Internet, watched: Path) -> None:
    listed = names(watched)
    for line in internet.truth:
        covered = line["host"] in listed or line["registered_domain"] in listed
        if not line["listable"]:
            assert not covered, line
        elif line["reach"] not in ("unreachable", "javascript"):
            assert covered, line


def test_explain_shows_the_way_from_the_report(internet: Internet, watched: Path) -> None:
    listed = names(watched)
    far = [
        line["host"]
        for line in internet.truth
        if line["host"] in listed and line["reach"] == "mirror_list"
    ]
    for host in far[:5]:
        found = json.loads(scamtrail("explain", "-w", watched, host, "--json").stdout)
        kinds = [step["kind"] for step in found["trail"]]
        assert kinds[0] == "report" and kinds[-1] == "page"
        assert len(kinds) >= 3
        assert found["trail"][-1]["reference"].split("/")[2] == host
        assert found["evidence"] and found["listings"] and found["whois"] and found["dns"]
        assert any(item["tier"] == "wide" for item in found["listings"])
    shown = scamtrail("explain", "-w", watched, far[0])
    assert shown.returncode == 0
    assert far[0].replace(".", "[.]") in shown.stdout
    assert far[0] not in shown.stdout, "addresses are shown defanged"


def test_probability_is_the_logistic_of_the_evidence(watched: Path) -> None:
    rows = query(
        watched,
        "SELECT p.url, p.probability, 1 / (1 + exp(-sum(e.weight))) FROM pages p"
        " JOIN evidence e ON e.page_id = p.id GROUP BY p.id",
    )
    assert len(rows) > 200
    for url, stored, summed in rows:
        assert stored == pytest.approx(summed, abs=0.002), url


def test_innocents_named_in_reports_are_no_candidates(watched: Path) -> None:
    roles = dict(query(watched, "SELECT host, role FROM mentions"))
    visited = {host for (host,) in query(watched, "SELECT host FROM sites")}
    for host in ("t.me", "www.facebook.com", "dbs.com.sg", "police-desk.gov.sg"):
        assert roles[host] != "accused"
        assert host not in visited


def test_no_trap_led_to_a_forbidden_address(watched: Path) -> None:
    failures = dict(query(watched, "SELECT host, failure FROM pages WHERE failure != ''"))
    ips = {ip for (ip,) in query(watched, "SELECT DISTINCT ip FROM pages WHERE ip != ''")}
    assert failures["10.0.0.1"] == "guard"
    assert failures["169.254.169.254"] == "guard"
    assert failures["127.0.0.1"] == "guard"
    assert all(ip.startswith("127.64.") for ip in ips)


def test_named_and_dnsmasq_accept_the_files(watched: Path) -> None:
    checkzone = shutil.which("named-checkzone")
    dnsmasq = shutil.which("dnsmasq")
    if not checkzone or not dnsmasq:
        pytest.skip("needs the Debian packages bind9-utils and dnsmasq-base")
    for zone in watched.glob("public/*/*/rpz.zone"):
        done = subprocess.run(
            [checkzone, "rpz.example", str(zone)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
    for conf in watched.glob("public/*/*/dnsmasq.conf"):
        done = subprocess.run(
            [dnsmasq, "--test", f"--conf-file={conf}"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_scrapy_lists_and_runs_the_spiders(internet: Internet, tmp_path: Path) -> None:
    listed = subprocess.run(
        [str(BIN / "scrapy"), "list"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == ["recheck", "trail"]
    root = internet.workspace(tmp_path / "scrapy")
    assert scamtrail("ingest", "-w", root, root / "reports").returncode == 0
    done = subprocess.run(
        [str(BIN / "scrapy"), "crawl", "trail", "-a", f"workspace={root}", "-a", "max_pages=30"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(pages(root)) >= 30
