"""The catalogue of sources: each is read in its own form, and a changed form fails loudly."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crawler import reports, stages
from crawler.model import Role
from crawler.reports import catalogue
from crawler.reports.catalogue import Feed, SourceError
from crawler.store import Store
from crawler.store import queries as q
from crawler.workspace import Workspace
from support import scamtrail

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ADDRESS = "127.64.9.1"


def table(*rows: tuple[str, ...], head: tuple[str, ...] = ("No", "Name", "Website")) -> bytes:
    cells = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in rows)
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<html><body><table><tr>{names}</tr>{cells}</table></body></html>".encode()


def sheet(*rows: tuple[str, ...]) -> bytes:
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    lines = "".join(
        f"<row r='{n}'>"
        + "".join(f"<c t='inlineStr'><is><t>{cell}</t></is></c>" for cell in row)
        + "</row>"
        for n, row in enumerate(rows, 1)
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("xl/workbook.xml", f"<workbook {space}/>")
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {space}><sheetData>{lines}</sheetData></worksheet>",
        )
    return target.getvalue()


TWO_TABLE = table(("1", "Lucky", "lucky-one.com"), ("2", "Gold", "https://gold-two.net/en"))
TWO_LIST = b"# a comment\nlucky-one.com\ngold-two.net\n"
TWO = {"lucky-one.com", "gold-two.net"}
# Each source's answer in its own form, small, with invented names.
SAMPLES: dict[str, bytes] = {
    "mas-investor-alerts": json.dumps(
        {"response": {"numFound": 2, "docs": [
            {"unregulatedpersons_t": "Lucky", "website_s": "www.http://lucky-one.com",
             "source_s": "https://www.mas.gov.sg/"},
            {"unregulatedpersons_t": "Gold", "website_s": "https://gold-two.net I"}]}}
    ).encode(),
    "finma": json.dumps(
        {"Items": [{"Title": "Lucky", "Text": "Internet: lucky-one.com", "Link": "/en/x"},
                   {"Title": "gold-two.net", "Text": "", "Link": "/en/y"}]}
    ).encode(),
    "metamask": json.dumps(
        {"version": 2, "fuzzylist": ["metamask.io"], "whitelist": ["good-site.org"],
         "blacklist": ["lucky-one.com", "gold-two.net"]}
    ).encode(),
    "scamsniffer": json.dumps(["lucky-one.com", "gold-two.net"]).encode(),
    "polkadot-phishing": json.dumps(
        {"allow": ["good-site.org"], "deny": ["lucky-one.com", "gold-two.net"]}
    ).encode(),
    "hellenic-gaming": sheet(("A/A", "Domain"), ("1", "www.lucky-one.com"), ("2", "gold-two.net")),
    "phishtank": b"phish_id,url,phish_detail_url,submission_time\n"
    b"1,https://lucky-one.com/a,http://www.phishtank.com/phish_detail.php?phish_id=1,2026\n"
    b"2,https://gold-two.net/b,http://www.phishtank.com/phish_detail.php?phish_id=2,2026\n",
    "amf-blacklists": b"Nom;Site;Type\nLucky;www.lucky-one.com;FX\nGold;gold-two.net;FX\n",
    "poland-gambling": b"<?xml version='1.0'?><Rejestr><PozycjaRejestru><AdresDomeny>lucky-one.com"
    b"</AdresDomeny></PozycjaRejestru><PozycjaRejestru><AdresDomeny>gold-two.net</AdresDomeny>"
    b"</PozycjaRejestru></Rejestr>",
    "durablenapkin": b"# Title: list\n0.0.0.0 lucky-one.com\n0.0.0.0 gold-two.net # shop\n",
    "chongluadao": b"http://lucky-one.com\nhttps://gold-two.net/login\n",
    "global-anti-scam": b"http://lucky-one.com\nhttps://gold-two.net/login\n",
    "openphish": b"https://lucky-one.com/a\nhttps://gold-two.net/b\n",
    "spmedia-crypto": b"lucky-one.com\ngold-two.net\n",
}  # fmt: skip


def hosts(feed: Feed, body: bytes) -> set[str]:
    given = catalogue.addresses(feed, body)
    return {
        mention.host.removeprefix("www.")
        for reading in reports.read(given, name=feed.name, now=NOW, column=feed.column)
        for mention in reading.mentions
        if mention.role is Role.ACCUSED
    }


FEEDS = {feed.name: feed for feed in catalogue.shipped()}


@pytest.mark.parametrize("name", FEEDS)
def test_each_source_is_read_in_its_form(name: str) -> None:
    feed = FEEDS[name]
    default = TWO_TABLE if feed.form == "html" else TWO_LIST
    assert hosts(feed, SAMPLES.get(name, default)) == TWO


def test_the_catalogue_is_complete() -> None:
    assert len(FEEDS) >= 21
    assert sum(feed.kind == "official" for feed in FEEDS.values()) >= 15
    for feed in FEEDS.values():
        assert feed.publisher and feed.licence and feed.host
        assert feed.rhythm_hours >= 6
    assert {feed.name for feed in catalogue.chosen(tuple(FEEDS.values()), ["official"])} == {
        feed.name for feed in FEEDS.values() if feed.kind == "official" and feed.seen
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "not valid TOML"),
        ("colour = 'red'", "unknown key 'colour'"),
        ("title = 'x'", "publisher is missing"),
        ("title='a'\npublisher='b'\nkind='c'\nform='fax'\naddress='x'\nlicence='y'", "form 'fax'"),
        (
            "title='a'\npublisher='b'\nkind='c'\nform='csv'\naddress='ftp://x'\nlicence='y'",
            "http://",
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_fix(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=r"mine\.toml: ") as raised:
        catalogue.parse(text, "mine", "mine.toml")
    assert message in str(raised.value)


def test_a_source_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SourceError, match="no source 'nobody'; scamtrail sources lists them"):
        catalogue.chosen(tuple(FEEDS.values()), ["nobody"])


def test_pages_follow_each_other() -> None:
    first, second, *_ = FEEDS["mas-investor-alerts"].pages()
    assert "start=0" in first and "start=1000" in second
    assert "sort=date_dt+desc" in second


@asynccontextmanager
async def publisher(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, ADDRESS, 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://{ADDRESS}:{port}/list.json"
    finally:
        await runner.cleanup()


SOURCE = """
title = "Test list"
publisher = "Practice authority"
kind = "official"
status = "seen 2026-11"
form = "json"
licence = "CC0-1.0"
rhythm_hours = 24
minimum = 2
fields = ["site"]
address = "{address}"
"""


def visit(
    folder: Path, answers: list[Callable[[web.Request], web.Response]], gap: timedelta
) -> list[tuple[dict[str, int], list[str]]]:
    """Fetch once per answer, `gap` apart."""

    async def main() -> list[tuple[dict[str, int], list[str]]]:
        results = []
        current: list[Callable[[web.Request], web.Response]] = [answers[0]]
        async with publisher(lambda request: current[0](request)) as address:
            config = f'[network]\nallow_private = ["{ADDRESS}/32"]\n[sources]\nuse = ["mine"]\n'
            workspace = Workspace.init(folder, config)
            workspace.sources.mkdir()
            (workspace.sources / "mine.toml").write_text(SOURCE.format(address=address))
            for step, answer in enumerate(answers):
                current[0] = answer
                with Store(workspace.database) as store:
                    counts, problems = await stages.fetch_sources(
                        workspace, store, lambda step=step: NOW + step * gap
                    )
                results.append((dict(counts), problems))
        return results

    return asyncio.run(main())


def sites(*names: str) -> Callable[[web.Request], web.Response]:
    return lambda request: web.json_response([{"site": name, "note": "x.com"} for name in names])


def test_a_source_is_fetched_when_due_and_only_what_is_new_is_stored(tmp_path: Path) -> None:
    results = visit(
        tmp_path / "w",
        [sites("a-one.com", "b-two.com"), sites("x.com"), sites("b-two.com", "c-three.com")],
        timedelta(hours=23),
    )
    assert results[0] == ({"fetched": 1, "hosts": 2}, [])
    assert results[1] == ({}, []), "not due yet"
    assert results[2] == ({"fetched": 1, "hosts": 2}, [])
    with Store(tmp_path / "w" / "findings.db") as store:
        found = [row["host"] for row in q.rows(store, "SELECT host FROM mentions ORDER BY id")]
        assert found == ["a-one.com", "b-two.com", "c-three.com"]
        (row,) = q.rows(store, "SELECT DISTINCT title FROM reports")
        assert row["title"] == "Practice authority: Test list"


def test_an_unchanged_source_costs_no_transfer(tmp_path: Path) -> None:
    def tagged(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        answer = sites("a-one.com", "b-two.com")(request)
        answer.headers["ETag"] = '"v1"'
        return answer

    first, second = visit(tmp_path / "w", [tagged, tagged], timedelta(days=2))
    assert first[0]["fetched"] == 1
    assert second == ({"unchanged": 1, "hosts": 0}, [])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda request: web.Response(status=500), "status 500"),
        (lambda request: web.Response(text="<html>moved"), "not JSON any more"),
        (sites("a-one.com"), "names 1 hosts, at least 2 expected; its form changed"),
        (
            lambda request: web.Response(status=302, headers={"Location": "http://127.0.0.1/"}),
            "guard",
        ),
        (
            lambda request: web.Response(status=302, headers={"Location": "file:///etc/passwd"}),
            "a redirect to nowhere",
        ),
    ],
    ids=["error", "html", "too-few", "loopback", "file"],
)
def test_a_source_that_fails_says_so_and_keeps_what_was_found(
    tmp_path: Path, answer: Callable[[web.Request], web.Response], message: str
) -> None:
    good = sites("a-one.com", "b-two.com")
    first, second = visit(tmp_path / "w", [good, answer], timedelta(days=2))
    assert first[1] == []
    counts, problems = second
    assert counts["failed"] == 1
    (problem,) = problems
    assert problem.startswith("source mine: ") and message in problem
    assert "(last success: 2026-11-24T00:00:00Z)" in problem
    with Store(tmp_path / "w" / "findings.db") as store:
        state: Any = q.source_states(store)["mine"]
        assert state["hosts"] == 2 and state["failure"]
        assert q.count(store, "mentions") >= 2


def test_the_command_lists_and_adds_sources(tmp_path: Path) -> None:
    root = tmp_path / "w"
    assert scamtrail("init", root).returncode == 0
    shown = scamtrail("sources", "-w", root)
    assert shown.returncode == 0
    assert "mas-investor-alerts" in shown.stdout and "never fetched" in shown.stdout
    (tmp_path / "mine.toml").write_text(SOURCE.format(address="https://list.example/"))
    assert scamtrail("sources", "-w", root, "--add", tmp_path / "mine.toml").returncode == 0
    lines = [
        json.loads(line) for line in scamtrail("sources", "-w", root, "--json").stdout.splitlines()
    ]
    assert {line["name"]: line["used"] for line in lines}["mine"] is True
    (tmp_path / "bad.toml").write_text("title = 1")
    bad = scamtrail("sources", "-w", root, "--add", tmp_path / "bad.toml")
    assert bad.returncode == 2 and "bad.toml" in bad.stderr


def test_a_run_without_a_network_names_the_stale_sources_and_ends_with_1(tmp_path: Path) -> None:
    root = tmp_path / "w"
    assert scamtrail("init", root).returncode == 0
    (root / "scamtrail.toml").write_text(
        '[network]\ndns = ["127.0.0.1:9"]\n[sources]\nuse = ["official"]\n'
    )
    done = scamtrail("run", "-w", root)
    assert done.returncode == 1
    assert "source mas-investor-alerts is stale: last success never" in done.stderr
    assert "no network" in done.stderr


def test_a_feed_is_due_by_its_rhythm_whatever_the_clock_did() -> None:
    feed = replace(FEEDS["finma"], rhythm_hours=24)
    assert stages.is_due(feed, None, NOW)
    assert not stages.is_due(feed, "2026-11-23T12:00:00Z", NOW)
    assert stages.is_due(feed, "2026-11-22T12:00:00Z", NOW)
    assert stages.is_due(feed, "2027-01-01T00:00:00Z", NOW)


def test_a_report_is_read_by_its_address(tmp_path: Path) -> None:
    async def main() -> tuple[dict[str, int], list[str], list[str]]:
        async with publisher(lambda request: web.Response(text="Scam a-one.com here")) as address:
            config = f'[network]\nallow_private = ["{ADDRESS}/32"]\n'
            workspace = Workspace.init(tmp_path / "w", config)
            with Store(workspace.database) as store:
                counts, problems = await stages.ingest_url(workspace, store, address, NOW)
                strict = Workspace.init(tmp_path / "strict", "")
                _, refused = await stages.ingest_url(strict, store, address, NOW)
        return dict(counts), problems, refused

    counts, problems, refused = asyncio.run(main())
    assert (counts["accused"], problems) == (1, [])
    assert "not fetched: guard" in refused[0]
