"""The findings in Datasette, as an analyst opens them."""

import csv
import io
import json
import re
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from crawler.desk import FOLDER, METADATA
from crawler.desk.texts import accepted, catalogue, choose, languages
from desk import running, serving
from support import change, query, scamtrail

QUERIES = yaml.safe_load(METADATA.read_text("utf-8"))["databases"]["findings"]["queries"]


@pytest.fixture(scope="module")
def desk(watched: Path) -> Iterator[str]:
    with serving(watched) as found:
        yield found.base


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


def test_plain_datasette_shows_the_same_pages(watched: Path) -> None:
    with running("datasette", "serve", str(watched / "findings.db")) as plain:
        assert "<h1>Dashboard</h1>" in fetch(plain.page("dashboard"))
        assert json.loads(fetch(f"{plain.base}/findings/networks.json?_shape=array"))
        assert "One row a host that was visited" in fetch(f"{plain.base}/findings/sites")


def test_a_snapshot_is_one_file_without_persons(watched: Path, tmp_path: Path) -> None:
    target = tmp_path / "published.db"
    done = scamtrail("datasette", "-w", watched, "--snapshot", target)
    assert done.returncode == 0, done.stderr
    assert scamtrail("datasette", "-w", watched, "--snapshot", target).returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["published.db"]
    with sqlite3.connect(target) as db:
        for table in ("frontier", "runs", "appeals"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM whois WHERE raw != ''").fetchone() == (0,)
        assert (
            db.execute("SELECT count(*) FROM sites").fetchone()
            == query(watched, "SELECT count(*) FROM sites").pop()
        )
    with running("datasette", "serve", "-i", str(target)) as plain:
        (host,) = query(watched, "SELECT host FROM sites WHERE category = 'gambling' LIMIT 1")[0]
        page = fetch(f"{plain.base}/published/-/site/{host}")
        assert host.replace(".", "[.]") in page


def test_every_answer_forbids_outside_requests(desk: str) -> None:
    for path in ("/", "/findings/sites", "/findings/sites.json", "/findings/-/triage"):
        with urllib.request.urlopen(f"{desk}{path}", timeout=20) as answer:
            policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
        assert "unsafe-eval" not in policy and "http:" not in policy


def test_a_page_that_is_not_there_is_not_found(desk: str) -> None:
    for path in ("/nothing", "/findings/-/site/never.example", "/-/scamtrail/other.js"):
        with pytest.raises(urllib.error.HTTPError) as missing:
            fetch(f"{desk}{path}")
        assert missing.value.code == 404


def test_the_catalogues_have_the_same_keys_and_places_for_values() -> None:
    def holes(text: str) -> list[str]:
        return sorted(re.findall(r"{\w+}", text))

    english = catalogue("en")
    assert {"en", "vi", "zh"} <= set(languages())
    for language in languages():
        own = catalogue(language)
        assert own.keys() == english.keys(), language
        assert all(holes(own[key]) == holes(english[key]) for key in own), language


def test_every_word_of_the_templates_is_in_the_catalogue_and_used() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py"))
    )
    used = set(re.findall(r"\bt\(\"([a-z_]+)\"[,)]", source))
    assert used <= catalogue("en").keys()
    built = ("event_", "operation_", "step_", "tie_", "do_")
    unused = {
        key
        for key in catalogue("en").keys() - used
        if not key.startswith(built) and key not in ("gambling", "investment", "other_scam")
    }
    assert unused == set()


def test_a_language_is_chosen_as_the_browser_asks() -> None:
    assert choose(accepted("fr, zh-TW;q=0.8, vi;q=0.9, en;q=0.1")) == "vi"
    assert choose(accepted("fr")) == "en"
    assert choose(accepted("")) == "en"
    assert choose(accepted("zh;q=x, vi")) == "vi"
