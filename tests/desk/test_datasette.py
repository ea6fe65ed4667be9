"""The findings in Datasette, as an analyst opens them."""

import csv
import io
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from crawler.desk import METADATA
from support import BIN, change, query

QUERIES = yaml.safe_load(METADATA.read_text("utf-8"))["databases"]["findings"]["queries"]


@pytest.fixture(scope="module")
def desk(watched: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), "datasette", "-w", str(watched), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                fetch(f"{base}/-/versions.json")
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=20)


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode("utf-8"))


def sample(watched: Path) -> dict[str, str]:
    """A value for each parameter of the canned queries, taken from the findings."""
    (host,) = query(
        watched,
        "SELECT s.host FROM sites s JOIN listings l ON l.domain = s.host"
        " JOIN pages p ON p.host = s.host WHERE s.operation_id IS NOT NULL AND p.depth > 1"
        " ORDER BY s.host",
    )[0]
    (wallet,) = query(watched, "SELECT value FROM identifiers WHERE kind = 'wallet_tron'")[0]
    (report,) = query(watched, "SELECT report_id FROM mentions WHERE role = 'accused' LIMIT 1")[0]
    return {
        "host": host,
        "since": "2000-01-01",
        "asn": "AS64500",
        "value": wallet,
        "days": "0",
        "country": "kh",
        "report": report,
    }


@pytest.mark.parametrize("name", QUERIES)
def test_every_canned_query_answers(desk: str, watched: Path, name: str) -> None:
    parameters = {key: sample(watched)[key] for key in QUERIES[name].get("params", [])}
    address = f"{desk}/findings/{name}.json?_shape=array&{urllib.parse.urlencode(parameters)}"
    rows: list[dict[str, Any]] = json.loads(fetch(address))
    assert rows or name == "false_positive_candidates"
    page = fetch(f"{desk}/findings/{name}?{urllib.parse.urlencode(parameters)}")
    assert QUERIES[name]["title"] in page.replace("&#39;", "'")


def test_there_are_at_least_ten_canned_queries() -> None:
    assert len(QUERIES) >= 10


def test_the_trail_query_begins_at_a_report(desk: str, watched: Path) -> None:
    address = f"{desk}/findings/trail_to_host.json?_shape=array&host={sample(watched)['host']}"
    rows = json.loads(fetch(address))
    assert rows[0]["report"]
    assert rows[-1]["steps_back"] == 0
    assert len(rows) >= 2


def test_tables_have_descriptions_facets_and_foreign_keys(desk: str) -> None:
    page = fetch(f"{desk}/findings/sites")
    assert "One row a host that was visited" in page
    assert "facet" in page and "gambling" in page
    evidence = fetch(f"{desk}/findings/evidence?_size=5")
    assert 'href="/findings/pages/' in evidence


def test_addresses_of_criminals_are_no_live_links(desk: str, watched: Path) -> None:
    page = fetch(f"{desk}/findings/pages?_size=50")
    assert "http://" in page
    assert 'href="http://' not in page.replace(f'href="{desk}', "")


def test_the_search_finds_thai_words(desk: str, watched: Path) -> None:
    quoted = urllib.parse.quote('"สล็อต"')
    rows = json.loads(fetch(f"{desk}/findings/pages.json?_shape=array&_search={quoted}"))
    assert rows


def test_nothing_can_be_written(desk: str) -> None:
    sql = urllib.parse.quote("delete from sites")
    with pytest.raises(urllib.error.HTTPError):
        fetch(f"{desk}/findings.json?sql={sql}")


def test_markup_in_a_title_stays_text(desk: str, watched: Path) -> None:
    (before,) = query(watched, "SELECT title FROM sites ORDER BY host LIMIT 1")[0]
    (host,) = query(watched, "SELECT host FROM sites ORDER BY host LIMIT 1")[0]
    change(watched, f"UPDATE sites SET title = '<script>alert(1)</script>' WHERE host = '{host}'")
    try:
        page = fetch(f"{desk}/findings/sites?host={host}")
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
    finally:
        change(watched, f"UPDATE sites SET title = '{before}' WHERE host = '{host}'")


def test_no_cell_of_a_download_is_a_formula(desk: str) -> None:
    sql = "select '=HYPERLINK(\"http://x.test\")' as a, '-1' as b, '@x' as c, 'plain, text' as d"
    downloaded = fetch(f"{desk}/findings.csv?{urllib.parse.urlencode({'sql': sql})}")
    (row,) = list(csv.DictReader(io.StringIO(downloaded)))
    assert row == {
        "a": '\'=HYPERLINK("http://x.test")',
        "b": "'-1",
        "c": "'@x",
        "d": "plain, text",
    }
