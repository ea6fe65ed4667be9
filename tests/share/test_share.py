"""Findings as STIX 2.1 and MISP, checked by their own libraries, and what partners send."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from crawler.share import partner
from support import Internet, names, query, scamtrail

Copy = Callable[[Path], Path]


@pytest.fixture(scope="module")
def shared(watched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ours.json and feed/."""
    folder = tmp_path_factory.mktemp("shared")
    done = scamtrail(
        "export", "-w", watched, "--stix", folder / "ours.json", "--misp", folder / "feed"
    )
    assert done.returncode == 0, done.stderr
    return folder


def dump(workspace: Path) -> list[str]:
    with closing(sqlite3.connect(workspace / "findings.db")) as db:
        return [line for line in db.iterdump() if 'INTO "runs"' not in line]


def test_stix_parses_the_bundle(watched: Path, shared: Path) -> None:
    stix2 = pytest.importorskip("stix2", reason="pip install stix2")
    patterns = pytest.importorskip("stix2patterns.validator", reason="pip install stix2-patterns")
    found = stix2.parse((shared / "ours.json").read_text("utf-8"), allow_custom=False)
    by_kind: dict[str, list[object]] = {}
    for item in found.objects:
        by_kind.setdefault(item["type"], []).append(item)
    assert set(by_kind) >= {
        "identity", "indicator", "domain-name", "url", "ipv4-addr", "infrastructure",
        "intrusion-set", "relationship", "sighting",
    }  # fmt: skip
    ids = [item["id"] for item in found.objects]
    assert len(ids) == len(set(ids))
    for item in by_kind["relationship"]:
        assert {item["source_ref"], item["target_ref"]} <= set(ids)
    for item in by_kind["sighting"]:
        assert item["sighting_of_ref"] in ids
    for item in by_kind["indicator"]:
        assert patterns.run_validator(item["pattern"]) == []
        assert item["valid_from"] and item["object_marking_refs"]
    for item in by_kind["domain-name"]:
        assert stix2.DomainName(value=item["value"]).id == item["id"]
    guilty = query(
        watched,
        "SELECT count(*) FROM sites WHERE category IN ('gambling', 'investment', 'other_scam')"
        " AND kind != 'hacked'",
    )
    assert len(by_kind["indicator"]) == guilty[0][0]
    operations = query(watched, "SELECT count(*) FROM operations WHERE size > 0")
    assert len(by_kind["intrusion-set"]) == operations[0][0]


def test_pymisp_loads_the_feed(shared: Path) -> None:
    pymisp = pytest.importorskip("pymisp", reason="pip install pymisp")
    manifest = json.loads((shared / "feed" / "manifest.json").read_text("utf-8"))
    lines = (shared / "feed" / "hashes.csv").read_text("utf-8").splitlines()
    expected = set()
    for identity, told in manifest.items():
        event = pymisp.MISPEvent()
        event.load_file(str(shared / "feed" / f"{identity}.json"))
        assert event.uuid == identity and event.info == told["info"]
        assert {tag.name for tag in event.tags} == {tag["name"] for tag in told["Tag"]}
        assert event.objects
        for item in event.objects:
            template = pymisp.MISPObject(item.name)
            assert item.template_uuid == template.template_uuid
            assert item.template_version == str(template.template_version)
            relations = template._definition["attributes"]
            for attribute in item.attributes:
                assert relations[attribute.object_relation]["misp-attribute"] == attribute.type
                value = json.loads(attribute.to_json())["value"]
                if attribute.type != "datetime":
                    digest = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
                    expected.add(f"{digest},{identity}")
        assert event.to_feed()["Event"]["uuid"] == identity
    assert expected <= set(lines)


def test_an_export_is_the_same_every_time(watched: Path, shared: Path, tmp_path: Path) -> None:
    scamtrail("export", "-w", watched, "--stix", tmp_path / "b", "--misp", tmp_path / "feed")
    assert (tmp_path / "b").read_bytes() == (shared / "ours.json").read_bytes()
    ours = {path.name: path.read_bytes() for path in (shared / "feed").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "feed").iterdir()} == ours


@pytest.mark.parametrize("name", ["ours.json", "feed"])
def test_our_own_export_come_back_changes_nothing(
    watched: Path, shared: Path, copy_of: Copy, name: str
) -> None:
    copy = copy_of(watched)
    before = dump(copy)
    done = scamtrail("merge", "-w", copy, "--partner", "echo", "--json", shared / name)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["own"] > 50
    assert counts["new"] == counts["known"] == counts["protected"] == 0
    assert dump(copy) == before


@pytest.mark.parametrize("name", ["ours.json", "feed"])
def test_a_partners_findings_list_nothing_but_invite_a_look(
    internet: Internet, shared: Path, tmp_path: Path, name: str
) -> None:
    other = tmp_path / "other"
    assert scamtrail("init", other).returncode == 0
    (other / "scamtrail.toml").write_text((internet.folder / "sandbox.toml").read_text("utf-8"))
    done = scamtrail(
        "merge", "-w", other, "--partner", "cert", "--trust", "0.8", "--json", shared / name
    )
    assert done.returncode == 0, done.stderr
    new = json.loads(done.stdout)["new"]
    assert new > 50
    assert query(other, "SELECT count(*) FROM frontier WHERE via = 'partner:cert'") == [(new,)]
    assert query(other, "SELECT DISTINCT trust FROM partner_findings") == [(0.8,)]
    assert {row[0] for row in query(other, "SELECT category FROM partner_findings")} >= {
        "gambling", "investment",
    }  # fmt: skip
    assert query(other, "SELECT count(*) FROM partner_findings WHERE operation LIKE 'op-%'") != [
        (0,)
    ]
    before = dump(other)
    again = scamtrail(
        "merge", "-w", other, "--partner", "cert", "--trust", "0.8", "--json", shared / name
    )
    assert json.loads(again.stdout)["new"] == 0 and dump(other) == before
    assert scamtrail("link", "-w", other).returncode == 0
    published = scamtrail("publish", "-w", other)
    assert published.returncode in (0, 3), published.stderr
    assert query(other, "SELECT count(*) FROM listings") == [(0,)]
    if published.returncode == 0:
        assert names(other) == set()


def test_well_known_hosts_are_never_queued(tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert scamtrail("init", other).returncode == 0
    file = tmp_path / "theirs.json"
    objects = [
        {
            "type": "indicator",
            "id": f"indicator--{number}",
            "pattern": f"[domain-name:value = '{host}']",
            "confidence": 90,
        }
        for number, host in enumerate(("facebook.com", "lucky-bet-88.com", "not a host"))
    ]
    file.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}))
    done = scamtrail("merge", "-w", other, "--partner", "x", "--json", file)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["new"], found["protected"]) == (1, 1)
    assert "left out" in done.stderr
    assert query(other, "SELECT host FROM frontier") == [("lucky-bet-88.com",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON from here on"),
        ("[]", "neither a STIX 2.1 bundle nor a MISP event"),
        ('{"type": "bundle", "objects": 7}', "neither a STIX"),
        ('{"Event": []}', "neither a STIX"),
    ],
)
def test_what_is_no_share_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    with pytest.raises(partner.PartnerError, match=message):
        partner.read(file)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "bundle", "objects": [7, {"type": "indicator"}, {"type": "relationship"}]},
        {"type": "bundle", "objects": [{"type": "indicator", "pattern": 5, "labels": "x"}]},
        {"Event": {"Attribute": [7, {"to_ids": True}], "Object": [None, {"Attribute": 3}]}},
        {"Event": {"Tag": 5, "Orgc": [], "info": {}, "Attribute": [{"type": "domain"}]}},
    ],
)
def test_wrong_types_inside_are_passed_over(tmp_path: Path, document: object) -> None:
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(document))
    assert partner.read(file) == ([], [])
