"""`operations`, `facilitators` and `report` on the practice internet."""

import email
import email.policy
import json
from pathlib import Path
from typing import Any

import pytest

from support import Internet, query, scamtrail


@pytest.fixture(scope="module")
def ranked(watched: Path) -> list[dict[str, Any]]:
    done = scamtrail("operations", "-w", watched, "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def registered(watched: Path) -> dict[str, Any]:
    """An operation on several domains, all of them at one registrar."""
    identity = query(
        watched, "SELECT id FROM operations WHERE summary LIKE 'same TRON%' ORDER BY id"
    )[0][0]
    done = scamtrail("operations", "-w", watched, identity, "--json")
    return dict(json.loads(done.stdout))


def test_operations_are_ranked_by_size(ranked: list[dict[str, Any]], watched: Path) -> None:
    sizes = [item["sites"] for item in ranked]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > 1
    for item in ranked:
        assert item["languages"] and item["categories"]
        assert item["first_seen"] <= item["last_seen"]
        assert item["joined"] == item["left"] == 0
    stored = query(watched, "SELECT sum(size) FROM operations")[0][0]
    assert sum(sizes) == stored


def test_a_note_reads_like_an_analysts(watched: Path) -> None:
    found = registered(watched)
    text = scamtrail("operations", "-w", watched, found["id"]).stdout
    assert f"{found['id']} runs {found['sites']} " in text
    assert "Tied by: same TRON wallet on" in text
    assert "minutes at" in text
    for item in found["members"][:20]:
        assert item["reason"]
        assert item["host"].replace(".", "[.]") in text and item["host"] not in text
    assert "formed" in text


def test_facilitators_are_those_of_the_truth(internet: Internet, watched: Path) -> None:
    done = scamtrail("facilitators", "-w", watched, "--json")
    found = json.loads(done.stdout)
    names = {(item["role"], item["name"]): item for item in found}
    assert names["registrar", "Northwind Names"]["contact"] == "abuse@northwind-names.test"
    deeprock = names["hoster", "Deeprock Bullet Hosting"]
    assert deeprock["contact"] == "abuse@deeprock.test"
    operations = {item["operation"] for item in internet.truth} - {None}
    assert 0 < deeprock["operations"] <= len(operations) + 1
    assert {item["role"] for item in found} >= {"registrar", "hoster", "asn", "wallet", "chat"}
    only = json.loads(scamtrail("facilitators", "-w", watched, "--role", "wallet", "--json").stdout)
    assert {item["role"] for item in only} == {"wallet"}
    assert all(item["operations"] == 1 for item in only)


def test_a_notice_goes_to_each_service_and_names_only_its_sites(
    watched: Path, tmp_path: Path
) -> None:
    found = registered(watched)
    done = scamtrail("report", "-w", watched, found["id"], "-o", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert {item["role"] for item in written} >= {"registrar", "hoster"}
    members = {item["host"].replace(".", "[.]") for item in found["members"]}
    for item in written:
        assert item["to"].startswith("abuse@")
        assert set(item["sites"]) <= members
        assert all(name in item["markdown"] for name in item["sites"])
        assert "SHA-256" in item["markdown"]
    mails = sorted(tmp_path.glob("*.eml"))
    assert len(mails) == len(written) == len(list(tmp_path.glob("*.md")))
    for path in mails:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert mail["X-Unsent"] == "1" and mail["To"].startswith("abuse@")
        body = mail.get_content()
        assert not any(item["host"] in body for item in found["members"])


@pytest.mark.parametrize(
    ("country", "language", "law", "word"),
    [
        ("vn", "vi", "Penal Code 2015", "Báo cáo lạm dụng"),
        ("th", "th", "Gambling Act|Public Cheating", "แจ้งการใช้งาน"),
        ("cn", "zh", "Criminal Law", "滥用举报"),
    ],
)
def test_a_notice_names_the_law_of_the_country(
    watched: Path, country: str, language: str, law: str, word: str
) -> None:
    found = registered(watched)
    done = scamtrail(
        "report", "-w", watched, found["id"], "--country", country, "--language", language
    )
    assert done.returncode == 0, done.stderr
    assert word in done.stdout
    assert any(text in done.stdout for text in law.split("|"))


def test_what_is_not_there_is_one_clear_error(watched: Path) -> None:
    for command in ("operations", "report"):
        done = scamtrail(command, "-w", watched, "op-nothing")
        assert done.returncode == 1
        assert "op-nothing: no such operation; scamtrail operations lists them" in done.stderr
    done = scamtrail("report", "-w", watched, "op-nothing", "--country", "zz")
    assert done.returncode == 2


def test_an_explanation_begins_with_a_note_and_says_why_a_site_belongs(watched: Path) -> None:
    found = registered(watched)
    host = next(item["host"] for item in found["members"] if item["kind"] != "redirector")
    text = scamtrail("explain", "-w", watched, host).stdout
    note = text.splitlines()[1]
    for words in (
        "Judged ",
        "Reached from the report “",
        "Registered 2026-",
        "Served from 127[.]64",
        "of Deeprock Bullet Hosting",
        f"Belongs to {found['id']} with",
        "Listed in all/",
    ):
        assert words in note
    assert text.count("same TRON wallet as") > 2
