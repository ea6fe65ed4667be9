"""Appeals: an owner asks, every page is looked at again, a person decides."""

import json
from collections.abc import Callable
from pathlib import Path

from support import names, query, scamtrail


def listed_host(root: Path) -> str:
    """A listed registered domain that was visited under its own name."""
    visited = {host for (host,) in query(root, "SELECT host FROM sites")}
    return min(names(root, "all/strict") & visited)


def test_an_appeal_looks_again_shows_the_evidence_and_is_decided(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    host = listed_host(root)
    before = query(root, f"SELECT max(id) FROM pages WHERE host = '{host}'")[0][0]
    done = scamtrail(
        "appeal", "-w", root, f"https://{host}/", "--by", "owner", "--reason", "not us", "--json"
    )
    assert done.returncode == 0, done.stderr
    case = json.loads(done.stdout)
    assert case["before"] and case["after"].startswith(host)
    assert case["explain"]["evidence"]
    assert any(line.startswith(f"all/strict: lists {host}") for line in case["next_publish"])
    looks = query(root, f"SELECT url, profile FROM pages WHERE host = '{host}' AND id > {before}")
    urls = {url for (url,) in query(root, f"SELECT url FROM pages WHERE host = '{host}'")}
    assert set(looks) == {(url, profile) for url in urls for profile in ("crawler", "victim")}

    shown = scamtrail("appeal", "-w", root).stdout
    assert shown.split()[0] == str(case["case"]) and "owner: not us" in shown
    assert host not in shown, "addresses are shown defanged"

    decide = ("--by", "N. N.", "--reason", "the owner is right", "--days", "30")
    assert scamtrail("allow", "-w", root, host, *decide).returncode == 0
    assert scamtrail("appeal", "-w", root).stdout == ""
    done = scamtrail("publish", "-w", root)
    assert done.returncode == 0, done.stderr
    assert host not in names(root)
    [delta] = (root / "public/delta").glob("*.txt")
    assert f"all/strict\t-\t{host}\tdomain\tallowed by N. N.: the owner is right" in (
        delta.read_text().split("\n")
    )
    events = query(
        root, f"SELECT event, detail, author FROM history WHERE domain = '{host}' ORDER BY at"
    )
    kinds = [event for event, *_ in events]
    assert {"listed", "appeal", "rechecked", "decided", "allow", "removed"} == set(kinds)
    assert ("decided", "allow", "N. N.") in events
    assert ("removed", "all/strict", "") in events


def test_a_domain_never_seen_is_visited_for_the_first_time(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    done = scamtrail("appeal", "-w", root, "unknown.example", "--by", "owner", "--reason", "why?")
    assert done.returncode == 0, done.stderr
    assert "before" in done.stdout and "next publish" in done.stdout
    rows = query(root, "SELECT profile, failure FROM pages WHERE host = 'unknown.example'")
    assert {profile for profile, _ in rows} == {"crawler", "victim"}


def test_an_appeal_needs_a_name_and_a_reason(tmp_path: Path) -> None:
    assert scamtrail("init", tmp_path / "w").returncode == 0
    done = scamtrail("appeal", "-w", tmp_path / "w", "shop.example", "--by", "owner")
    assert done.returncode == 2
    assert "--by and --reason" in done.stderr


def test_an_appeal_without_a_network_is_noted_and_not_lost(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    host = listed_host(root)
    config = (root / "scamtrail.toml").read_text()
    lines = (
        'dns = ["127.0.0.1:9"]' if line.startswith("dns") else line for line in config.split("\n")
    )
    (root / "scamtrail.toml").write_text("\n".join(lines))
    done = scamtrail("appeal", "-w", root, host, "--by", "owner", "--reason", "not us")
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert "owner: not us" in scamtrail("appeal", "-w", root).stdout
