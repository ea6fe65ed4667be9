"""Existing lists of any format merged into clean ones, from the command."""

import gzip
import json
from pathlib import Path

from support import scamtrail


def test_lists_of_any_format_become_clean_ones(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("0.0.0.0 bad-one.com\n0.0.0.0 www.facebook.com\n# x\n")
    (tmp_path / "abp.txt.gz").write_bytes(gzip.compress(b"||bad-two.com^\n||co.uk^\n||ours.com^\n"))
    (tmp_path / "plain.txt").write_text("sub.bad-two.com\nbad-one.com\nnot a name\n")
    (tmp_path / "allow.txt").write_text("ours.com\n")
    done = scamtrail(
        "compile", tmp_path / "hosts.txt", tmp_path / "abp.txt.gz", tmp_path / "plain.txt",
        "--allow", tmp_path / "allow.txt", "-o", tmp_path / "merged", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["entries"] == 2
    assert report["dropped"]
    lines = (tmp_path / "merged" / "domains.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["bad-one.com", "bad-two.com"]
    assert "||bad-two.com^" in (tmp_path / "merged" / "adblock.txt").read_text()


def test_a_format_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("bad-one.com\n")
    done = scamtrail("compile", tmp_path / "a.txt", "-o", tmp_path / "m", "--format", "fax")
    assert done.returncode == 2
    assert "no list format 'fax'" in done.stderr
