"""Proof of what was seen: kept by a run, packed for a partner, checked by him."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.evidence import pack
from support import BIN, Internet, names, query, scamtrail


def warcio_check(*files: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and not done.stdout, done.stdout


@pytest.fixture(scope="module")
def packed(watched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of an operator's site that a link led to."""
    ((host,),) = query(
        watched,
        "SELECT host FROM sites WHERE kind = 'operator' AND host LIKE '%-02.test' LIMIT 1",
    )
    folder = tmp_path_factory.mktemp("packs") / "pack"
    done = scamtrail("evidence", host, "-w", watched, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_guilty_page_has_its_proof_and_no_innocent_one(watched: Path) -> None:
    guilty = set(
        query(watched, "SELECT url, profile FROM pages WHERE category NOT IN ('benign','unknown')")
    )
    kept = set(query(watched, "SELECT url, profile FROM captures"))
    assert len(guilty) > 200 and guilty <= kept
    innocent = query(
        watched,
        "SELECT c.url FROM captures c JOIN pages p ON p.url = c.url AND p.profile = c.profile"
        " WHERE p.category = 'benign' AND p.status = 200 AND NOT EXISTS (SELECT 1 FROM captures v"
        " WHERE v.url = c.url AND v.profile = 'victim')",
    )
    assert innocent == []
    both_faces = query(
        watched, "SELECT url FROM captures GROUP BY url HAVING count(DISTINCT profile) = 2"
    )
    assert both_faces, "a cloaked page is kept as both saw it"
    assert query(watched, "SELECT 1 FROM captures WHERE status = 302")


def test_the_files_of_a_run_are_whole_and_agree_with_the_findings(watched: Path) -> None:
    files = sorted((watched / "evidence").glob("*.warc.gz"))
    warcio_check(*files)
    assert scamtrail("evidence", "--verify", watched).returncode == 0
    differ = query(
        watched,
        "SELECT c.url FROM captures c JOIN pages p ON p.url = c.url AND p.profile = c.profile"
        " AND p.fetched_at = c.fetched_at WHERE p.sha256 != c.payload_sha256 AND p.bytes",
    )
    assert differ == []
    file, offset, length, ip = query(
        watched, "SELECT file, offset, length, ip FROM captures ORDER BY random() LIMIT 1"
    )[0]
    with (watched / "evidence" / file).open("rb") as stream:
        stream.seek(offset)
        record = next(iter(ArchiveIterator(stream)))
        assert record.rec_headers.get_header("WARC-IP-Address") == ip
        assert stream.tell() > offset and length > 0


def test_a_site_behind_tls_is_kept_with_its_certificate(watched: Path) -> None:
    ((file, offset, digest),) = query(
        watched,
        "SELECT file, offset, certificate_sha256 FROM captures WHERE url LIKE 'https:%' LIMIT 1",
    )
    with (watched / "evidence" / file).open("rb") as stream:
        stream.seek(offset)
        shown = [record.content_stream().read() for record in ArchiveIterator(stream)]
    assert hashlib.sha256(shown[3]).hexdigest() == digest


def test_a_pack_holds_what_a_partner_needs_and_passes_its_check(
    watched: Path, packed: Path
) -> None:
    done = scamtrail("evidence", "--verify", packed)
    assert done.returncode == 0 and "nothing changed" in done.stdout, done.stderr
    warcio_check(packed / "pages.warc.gz")
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=packed, capture_output=True)
    assert sums.returncode == 0
    found = json.loads((packed / "findings.json").read_text("utf-8"))
    for part in ("evidence", "trail", "whois", "dns", "hosting", "listings", "captures"):
        assert found[part], part
    shown = (packed / "index.md").read_text("utf-8")
    host = found["domain"]
    assert host not in shown and host.replace(".", "\\[.\\]") in shown
    others = {name for name in names(watched) if name not in json.dumps(found)}
    told = (packed / "chain.jsonl").read_text("utf-8") + shown
    assert others and not [name for name in others if name in told]


def test_one_changed_byte_in_a_pack_fails_its_check(packed: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(packed, tmp_path / "changed")
    for path in sorted(folder.iterdir()):
        text = path.read_bytes()
        for place in range(0, len(text), max(1, len(text) // 40)):
            path.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
            assert list(pack.verify(folder)), f"{path.name} byte {place}"
        path.write_bytes(text)
    assert not list(pack.verify(folder))


@pytest.mark.parametrize("name", ["pages.warc.gz", "findings.json"])
def test_a_check_names_in_a_line_what_was_changed_added_or_missing(
    packed: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(packed, tmp_path / "pack")
    path = folder / name
    text = path.read_bytes()
    path.write_bytes(text[:100] + b"!" + text[101:])
    done = scamtrail("evidence", "--verify", folder)
    assert done.returncode == 1
    assert f"{name}: changed" in done.stderr and "Traceback" not in done.stderr
    path.unlink()
    (folder / "note.txt").write_text("by hand")
    done = scamtrail("evidence", "--verify", folder)
    assert done.returncode == 1
    assert f"{name}: missing" in done.stderr and "note.txt: added" in done.stderr


def test_a_pack_whose_sums_were_made_anew_fails_by_its_chain(packed: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(packed, tmp_path / "forged")
    for name in ("pages.warc.gz", "chain.jsonl"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(
            whole[:-200] if name.endswith("gz") else whole[: len(whole) // 2]
        )
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for item in manifest["files"]:
            manifest["files"][item]["sha256"] = pack._sha256(folder / item)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        sums = {key: value["sha256"] for key, value in manifest["files"].items()}
        sums["manifest.json"] = pack._sha256(folder / "manifest.json")
        (folder / "SHA256SUMS").write_text(pack._sums(sums))
        problems = list(pack.verify(folder))
        assert problems and all(name.split(".")[0] in line for line in problems), problems
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": 1}', '{"files": {"../x": {"sha256": "00"}}}', "[" * 99_999]
)
def test_a_manifest_of_any_form_is_refused_in_one_line(
    packed: Path, tmp_path: Path, text: str
) -> None:
    folder = shutil.copytree(packed, tmp_path / "pack")
    (folder / "manifest.json").write_text(text)
    (problem,) = pack.verify(folder)
    assert problem.startswith("manifest.json: changed")


def test_wrong_use_is_one_line_with_its_fix(watched: Path, packed: Path, tmp_path: Path) -> None:
    known = json.loads((packed / "manifest.json").read_text("utf-8"))["domain"]
    cases = {
        ("evidence", "never-seen.test", "-w", watched, "-o", tmp_path / "x"): (1, "never seen"),
        ("evidence", known, "-w", watched, "-o", packed): (1, "is not empty; name a new folder"),
        ("evidence", "a.test", "-w", watched): (2, "name a new folder with -o"),
        ("evidence", "--verify", tmp_path / "none"): (2, "no such folder"),
        ("evidence", "--verify", tmp_path): (1, "manifest.json: missing"),
    }
    for arguments, (code, words) in cases.items():
        done = scamtrail(*arguments)
        assert done.returncode == code and words in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_a_killed_crawl_leaves_readable_files_and_the_next_one_goes_on(
    internet: Internet, tmp_path: Path
) -> None:
    root = internet.workspace(tmp_path / "killed")
    assert scamtrail("ingest", "-w", root, root / "reports").returncode == 0
    crawl = ("crawl", "-w", str(root), "--limit-pages", "250", "--quiet")
    for goal in (40, 120):
        process = subprocess.Popen([str(BIN / "scamtrail"), *crawl], start_new_session=True)
        while process.poll() is None and len(query(root, "SELECT 1 FROM captures")) < goal:
            time.sleep(0.01)
        assert process.poll() is None, "ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for file, offset, length, digest in query(
            root, "SELECT file, offset, length, sha256 FROM captures"
        ):
            with (root / "evidence" / file).open("rb") as stream:
                stream.seek(offset)
                assert hashlib.sha256(stream.read(length)).hexdigest() == digest
    assert scamtrail(*crawl).returncode == 0
    assert scamtrail("evidence", "--verify", root).returncode == 0
    warcio_check(*(root / "evidence").glob("*.warc.gz"))
    missing = query(
        root,
        "SELECT url FROM pages p WHERE category NOT IN ('benign', 'unknown') AND NOT EXISTS"
        " (SELECT 1 FROM captures c WHERE c.url = p.url AND c.profile = p.profile)",
    )
    assert missing == []


def test_no_proof_is_kept_where_the_operator_wants_none(
    watched: Path, copy_of: Callable[[Path], Path]
) -> None:
    root = copy_of(watched)
    shutil.rmtree(root / "evidence")
    with (root / "scamtrail.toml").open("a") as file:
        file.write("[evidence]\nmax_gb = 0\n")
    assert scamtrail("crawl", "-w", root).returncode == 0
    assert not (root / "evidence").exists()
