"""The published lists of a whole run: hacked sites, an emptied database, a second publish."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from blocklists.signature import VERIFY
from crawler.names import defang
from support import change, names, query, scamtrail, tree


def test_of_hacked_sites_pages_are_listed_and_their_hosts_are_not(watched: Path) -> None:
    hosts = {host for (host,) in query(watched, "SELECT host FROM sites WHERE kind = 'hacked'")}
    lines = (watched / "public/all/wide/urls.txt").read_text().splitlines()
    listed = [line for line in lines if line and line[0] != "#"]
    assert all(line.count("/") > 3 for line in listed)
    assert {line.split("/")[2] for line in listed} == hosts != set()
    assert not hosts & set(names(watched))
    entries = map(json.loads, (watched / "public/all/wide/entries.jsonl").read_text().splitlines())
    assert {e["domain"] for e in entries if e["scope"] == "url"} == set(listed)
    for host in hosts:
        [(reason,)] = query(
            watched,
            f"SELECT reason FROM refusals WHERE domain = '{host}'"
            " AND list = 'all' AND tier = 'wide'",
        )
        assert "only its URLs" in reason
        told = scamtrail("explain", "-w", watched, host).stdout
        assert "Only pages of it are listed" in told and "(only this page)" in told
        assert all(defang(line) in told for line in listed if line.split("/")[2] == host)


def test_a_database_emptied_by_hand_replaces_nothing(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    before = tree(root / "public")
    change(root, "UPDATE sites SET category = 'unknown', probability = 0")
    done = scamtrail("publish", "-w", root)
    assert done.returncode == 3
    assert "would be empty" in done.stderr and "--force" in done.stderr
    assert tree(root / "public") == before


def test_two_publishes_from_one_database_are_the_same_to_the_byte(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    before = tree(root / "public")
    assert scamtrail("publish", "-w", root).returncode == 0
    assert tree(root / "public") == before
    for name in ("all/strict/rpz.zone", "misp/manifest.json", "index.html"):
        (root / "public" / name).unlink()
    assert scamtrail("publish", "-w", root).returncode == 0
    assert tree(root / "public") == before


def test_the_documented_command_verifies_the_tree_until_a_byte_changes(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)

    def verifies() -> bool:
        done = subprocess.run(VERIFY, shell=True, cwd=root / "public", capture_output=True)
        return done.returncode == 0

    assert verifies()
    path = root / "public/policy/th/rpz.zone"
    path.write_bytes(path.read_bytes().replace(b"CNAME .", b"CNAME *.", 1))
    assert not verifies()
