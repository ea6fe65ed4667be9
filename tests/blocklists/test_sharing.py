"""STIX, TAXII and MISP: what their own libraries make of our files."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocklists.config import PublishConfig
from blocklists.registry import Header, formats
from blocklists.release import publish
from blocklists.select import Selection
from crawler.model import Listing

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HEADER = Header("list, strict", "CC0-1.0", "https://a.example", "mail@a.example", 7, NOW, 0)
CONFIG = PublishConfig(title="ours")


@pytest.fixture
def listed(listing: Callable[..., Listing]) -> list[Listing]:
    return [
        listing("win.com", reason='a "brand"'),
        listing("_x.y.net"),
        listing("bad.github.io", exact=True),
        listing("http://school.example/it's/a\\b", exact=True),
        listing("1.2.3.4", exact=True),
        listing("2001:4860::77", exact=True),
    ]


def test_a_bundle_is_stix(listed: list[Listing]) -> None:
    stix2 = pytest.importorskip("stix2", reason="pip install stix2")
    bundle = stix2.parse("\n".join(formats()["stix"].render(listed, HEADER)), allow_custom=False)
    publisher, *indicators = bundle.objects
    assert publisher.contact_information == "mail@a.example"
    assert all(item.created_by_ref == publisher.id for item in indicators)
    assert [item.pattern for item in indicators] == [
        "[domain-name:value = 'win.com' OR domain-name:value LIKE '%.win.com']",
        "[domain-name:value = '_x.y.net' OR domain-name:value MATCHES '[.]_x[.]y[.]net$']",
        "[domain-name:value = 'bad.github.io']",
        "[url:value = 'http://school.example/it\\'s/a\\\\b']",
        "[ipv4-addr:value = '1.2.3.4']",
        "[ipv6-addr:value = '2001:4860::77']",
    ]


def test_an_indicator_keeps_its_id_from_release_to_release(listed: list[Listing]) -> None:
    later = Header("list, strict", "CC0-1.0", "", "", 8, NOW + timedelta(days=1), 0)
    first, second = (
        json.loads("\n".join(formats()["stix"].render(listed, header)))
        for header in (HEADER, later)
    )
    assert first["id"] != second["id"]
    assert [i["id"] for i in first["objects"]] == [i["id"] for i in second["objects"]]
    assert first["objects"][1:] == second["objects"][1:]


def test_an_envelope_is_what_a_collection_answers(listed: list[Listing]) -> None:
    envelope = json.loads("\n".join(formats()["taxii"].render(listed, HEADER)))
    bundle = json.loads("\n".join(formats()["stix"].render(listed, HEADER)))
    assert envelope == {"more": False, "objects": bundle["objects"]}


def test_misp_reads_the_event(listed: list[Listing]) -> None:
    pymisp = pytest.importorskip("pymisp", reason="pip install pymisp")
    event = pymisp.MISPEvent()
    event.from_json("\n".join(formats()["misp"].render(listed, HEADER)))
    assert event.info == "list, strict" and event.published
    assert [(item.type, item.value, item.to_ids) for item in event.attributes] == [
        ("domain", "win.com", True),
        ("domain", "_x.y.net", True),
        ("hostname", "bad.github.io", True),
        ("url", "http://school.example/it's/a\\b", True),
        ("ip-dst", "1.2.3.4", True),
        ("ip-dst", "2001:4860::77", True),
    ]
    assert event.event_reports[0].content.startswith("Title: list, strict")


def test_the_folder_misp_is_a_feed(tmp_path: Path, listed: list[Listing]) -> None:
    public = tmp_path / "public"
    manifest = publish(Selection(tuple(listed), ()), public, now=NOW, config=CONFIG)
    feed = json.loads((public / "misp/manifest.json").read_text())
    events = {path.stem for path in (public / "misp").glob("*-*.json")}
    assert feed.keys() == events and len(events) == 6
    assert {f"misp/{uuid}.json" for uuid in events} <= manifest.files.keys()
    assert {event["info"] for event in feed.values()} >= {"ours all, wide", "ours gambling, strict"}
    hashes = dict(line.split(",") for line in (public / "misp/hashes.csv").read_text().split())
    uuid = hashes[hashlib.md5(b"win.com").hexdigest()]
    assert feed[uuid]["info"] == "ours all, wide"
    event = json.loads((public / f"misp/{uuid}.json").read_text())["Event"]
    assert event["uuid"] == uuid and event["timestamp"] == feed[uuid]["timestamp"]
    sums = (public / "SHA256SUMS").read_text()
    assert "misp/manifest.json" in sums and f"misp/{uuid}.json" in sums


def test_the_feed_goes_when_it_is_wanted_no_more(tmp_path: Path, listed: list[Listing]) -> None:
    public = tmp_path / "public"
    publish(Selection(tuple(listed), ()), public, now=NOW, config=CONFIG)
    few = PublishConfig(title="ours", formats=("rpz",))
    publish(Selection(tuple(listed), ()), public, now=NOW, config=few)
    assert not [*(public / "misp").iterdir()]
