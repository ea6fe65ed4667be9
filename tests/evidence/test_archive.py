"""The archive on disk: readable by standard programs, mended after a kill, bounded."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from crawler import html
from crawler.evidence.archive import Archive, entries_of, examine, head_of, records, segments
from crawler.evidence.capture import Capture, Exchange, capture
from crawler.model import Category, Page, Verdict

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GUILTY = Verdict(Category.GAMBLING, "operator", 0.98, (), "m1")


def seen(
    number: int = 0, body: bytes = b"<p>casino", now: datetime = NOW, **answer: object
) -> Capture:
    url = f"http://a{number}.test/"
    page = Page(url, url, 200, (), body, html.parse(body, url=url), now, ip="192.0.2.1")
    fields = {"response": ((b"Content-Type", b"text/html"),), **answer}
    exchange = Exchange("/", (("Host", f"a{number}.test"),), "1.1", "OK", **fields)  # type: ignore[arg-type]
    return capture(page, exchange, via="report:r", verdict=GUILTY)


def filled(folder: Path, count: int, **options: int) -> Archive:
    archive = Archive(folder, **options)
    for number in range(count):
        archive.append(seen(number))
    return archive


def warcio(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "warcio.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def held(folder: Path) -> list[str]:
    return [entry["url"] for number in segments(folder) for entry in entries_of(folder, number)]


def test_a_standard_reader_finds_every_record_and_its_digests_hold(tmp_path: Path) -> None:
    archive = filled(tmp_path, 3)
    archive.append(seen(9, certificate=b"\x30\x03der", tls="TLSv1.3", flags=("size-limit",)))
    archive.close()
    (file,) = tmp_path.glob("*.warc.gz")
    checked = warcio("check", "-v", file)
    assert checked.returncode == 0 and checked.stdout.count("digest pass") == 1 + 3 * 3 + 4
    with file.open("rb") as stream:
        found = [
            (record.rec_type, record.rec_headers, record.content_stream().read())
            for record in ArchiveIterator(stream)
        ]
    assert [kind for kind, _, _ in found[:4]] == ["warcinfo", "response", "request", "metadata"]
    _, about, body = found[-4]
    assert body == b"<p>casino"
    assert about.get_header("WARC-IP-Address") == "192.0.2.1"
    assert about.get_header("WARC-Date") == "2026-11-24T12:00:00Z"
    assert about.get_header("WARC-Truncated") == "length"
    assert found[-1][1].get_header("Content-Type") == "application/pkix-cert"
    assert found[-1][2] == b"\x30\x03der"
    assert b"verdict: gambling operator" in found[-2][2] and b"tls: TLSv1.3" in found[-2][2]


names = st.binary(min_size=1, max_size=12).map(lambda raw: bytes(b % 26 + 97 for b in raw))
values = st.binary(max_size=40)


@given(
    st.lists(st.tuples(names, values), max_size=5),
    st.binary(max_size=400),
    st.text(max_size=20),
    st.sampled_from(["0.9", "1.0", "1.1", "7.7"]),
)
def test_whatever_a_server_sends_the_file_stays_readable(
    tmp_path_factory: pytest.TempPathFactory,
    fields: list[tuple[bytes, bytes]],
    body: bytes,
    reason: str,
    version: str,
) -> None:
    url = "http://a.test/"
    page = Page(url, url, 200, (), body, html.parse(b"", url=url), NOW)
    exchange = Exchange("/", (), version, reason, tuple(fields))
    made = capture(page, exchange, via=reason, verdict=GUILTY)
    path = tmp_path_factory.mktemp("warc") / "one.warc.gz"
    path.write_bytes(made.records)
    with path.open("rb") as stream:
        found = []
        for record in ArchiveIterator(stream, check_digests="raise"):
            found.append(record.content_stream().read())
    assert found[0] == body and len(found) == 3


def test_an_encoded_body_is_stored_decoded_and_says_so(tmp_path: Path) -> None:
    sent = ((b"Content-Encoding", b"gzip"), (b"Content-Length", b"5"))
    path = tmp_path / "one.warc.gz"
    path.write_bytes(seen(response=sent).records)
    with path.open("rb") as stream:
        head = next(iter(ArchiveIterator(stream))).http_headers
    assert head.get_header("X-Archive-Orig-Content-Encoding") == "gzip"
    assert head.get_header("Content-Encoding") is None
    assert head.get_header("Content-Length") == "9"


def test_wherever_a_write_was_cut_off_the_next_start_mends_it(tmp_path: Path) -> None:
    filled(tmp_path / "one", 3).close()
    warc, lines = tmp_path / "one" / "000001.warc.gz", tmp_path / "one" / "000001.jsonl"
    records_before, lines_before = warc.read_bytes(), lines.read_bytes()
    (last,) = list(entries_of(tmp_path / "one", 1))[-1:]
    line = lines_before.rstrip(b"\n").rfind(b"\n") + 1
    # A kill between any two bytes: in the records, between records and line, in the line.
    cuts = [(place, line) for place in range(last["offset"], len(records_before) + 1, 37)]
    cuts += [(len(records_before), place) for place in range(line, len(lines_before), 29)]
    for number, (first, second) in enumerate(cuts):
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        (folder / warc.name).write_bytes(records_before[:first])
        (folder / lines.name).write_bytes(lines_before[:second])
        archive = Archive(folder)
        archive.append(seen(7))
        archive.close()
        assert held(folder) == ["http://a0.test/", "http://a1.test/", "http://a7.test/"]
        assert not list(examine(folder))
    assert warcio("check", folder / warc.name).returncode == 0


def test_records_that_a_power_cut_took_are_named_as_lost(tmp_path: Path) -> None:
    filled(tmp_path, 3).close()
    warc = tmp_path / "000001.warc.gz"
    warc.write_bytes(warc.read_bytes()[:-300])
    archive = Archive(tmp_path)
    archive.append(seen(7))
    archive.close()
    assert held(tmp_path) == ["http://a0.test/", "http://a1.test/", "http://a7.test/"]
    assert not list(examine(tmp_path))
    assert '"lost"' in (tmp_path / "000001.jsonl").read_text()
    assert warcio("check", *tmp_path.glob("*.warc.gz")).returncode == 0


def test_files_rotate_by_size_and_day_and_the_chain_runs_through_them(tmp_path: Path) -> None:
    archive = filled(tmp_path, 6, max_file=3_000)
    archive.append(seen(8, now=NOW + timedelta(days=1)))
    head = archive.head
    archive.close()
    found = list(segments(tmp_path))
    assert len(found) >= 3 and len(held(tmp_path)) == 7
    assert head_of(tmp_path) == head and not list(examine(tmp_path))
    for path in tmp_path.glob("*.warc.gz"):
        assert path.stat().st_size < 6_000


def test_old_and_surplus_files_are_removed_and_the_chain_says_so(tmp_path: Path) -> None:
    archive = Archive(tmp_path, max_file=3_000)
    for number in range(12):
        archive.append(seen(number, now=NOW + timedelta(days=number)))
    later = NOW + timedelta(days=12)
    assert archive.sweep(later, keep_days=9.5, max_bytes=10**9) == [
        f"{number:06d}.warc.gz" for number in (1, 2, 3)
    ]
    room = sum(path.stat().st_size for path in tmp_path.glob("*.warc.gz")) // 2
    archive.sweep(later, keep_days=99, max_bytes=room)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.warc.gz")) <= room
    assert held(tmp_path)[-1] == "http://a11.test/"
    archive.close()
    assert not list(examine(tmp_path))
    reasons = [
        json.loads(line)["entry"].get("reason", "")
        for path in tmp_path.glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert "older than 9.5 days" in reasons and f"more than {room / 1e9:g} GB in all" in reasons
    everything = Archive(tmp_path)
    everything.sweep(later + timedelta(days=400), keep_days=9, max_bytes=10**9)
    everything.append(seen(20, now=later))
    everything.close()
    assert held(tmp_path) == ["http://a20.test/"] and not list(examine(tmp_path))


@pytest.mark.parametrize("name", ["000001.warc.gz", "000001.jsonl"])
def test_one_changed_byte_anywhere_is_found(tmp_path: Path, name: str) -> None:
    filled(tmp_path, 2).close()
    path = tmp_path / name
    text = path.read_bytes()
    for place in range(0, len(text), 41):
        path.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        assert list(examine(tmp_path)), f"byte {place}"
    path.write_bytes(text + b"x")
    assert list(examine(tmp_path))
    path.write_bytes(text)
    assert not list(examine(tmp_path))


def test_a_file_taken_away_is_missed(tmp_path: Path) -> None:
    filled(tmp_path, 9, max_file=3_000).close()
    for name in ("000001.warc.gz", "000002.jsonl", "000001.jsonl"):
        path = tmp_path / name
        text = path.read_bytes()
        path.unlink()
        assert list(examine(tmp_path)), name
        path.write_bytes(text)
    (tmp_path / "000007.jsonl.bak").write_bytes(b"")
    assert list(examine(tmp_path)) == ["000007.jsonl.bak: added"]


def test_a_second_writer_is_turned_away(tmp_path: Path) -> None:
    archive = filled(tmp_path, 1)
    with pytest.raises(BlockingIOError):
        Archive(tmp_path)
    archive.close()
    Archive(tmp_path).close()


def test_a_damaged_line_stops_nothing_and_stays_visible(tmp_path: Path) -> None:
    filled(tmp_path, 2).close()
    path = tmp_path / "000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind"', b'kind"', 1))
    archive = Archive(tmp_path)
    placed = archive.append(seen(7))
    archive.close()
    assert placed["file"] == "000002.warc.gz" and placed["seq"] > 2
    assert records(tmp_path, placed) == seen(7).records
    assert any(problem.startswith("000001.jsonl:1: changed") for problem in examine(tmp_path))
