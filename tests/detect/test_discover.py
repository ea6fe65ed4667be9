"""Names alone: what deserves a look, and what the people behind a site are likely to own too."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.detect.discover import PRIOR, elsewhere, rank, score, siblings, stem
from support import Internet, query, scamtrail


@pytest.mark.parametrize(
    ("suspect", "ordinary"),
    [
        ("kuwin88.vip", "bakery.com"),
        ("slot-gacor77.xyz", "slotted-spoons.com"),
        ("nhacai-uytin.com", "nha-dep.com"),
        ("binance-support.top", "finance-support.com"),
        ("b1nance.com", "bonanza.com"),
        ("usdt-mining.pro", "coal-mining.org"),
        ("a7x9k2.shop.example.com", "mail.example.com"),
        ("casino-lucky.bet", "alphabet.com"),
    ],
)
def test_names_of_the_trade_come_before_ordinary_ones(suspect: str, ordinary: str) -> None:
    assert [item.name for item in rank([ordinary, suspect], floor=-99)] == [suspect, ordinary]
    assert score(suspect).reasons


def test_a_name_numbered_like_a_known_scam_comes_first() -> None:
    known = {stem("lucky-01.test")}
    assert score("lucky-07.test", known).score > score("lucky-07.test").score + 3
    assert "numbered like a known scam" in score("lucky-07.test", known).reasons


def test_the_ranking_is_cut_and_stable() -> None:
    names = [f"casino{number}.vip" for number in range(100)]
    best = rank(names, limit=10)
    assert len(best) == 10
    assert best == rank(reversed(names), limit=10)


@pytest.mark.parametrize(
    ("host", "first"),
    [
        ("x88-01.test", ["x88-02.test", "x88-03.test", "x88-04.test"]),
        ("x88-09.test", ["x88-10.test", "x88-11.test", "x88-12.test", "x88-08.test"]),
        ("m99.play.test", ["m100.play.test"]),
        ("nothing.test", []),
    ],
)
def test_siblings_count_on_and_back(host: str, first: list[str]) -> None:
    assert list(siblings(host))[: len(first)] == first
    assert host not in list(siblings(host))


def test_a_name_of_ones_own_is_looked_for_under_other_suffixes() -> None:
    assert list(elsewhere("lucky88.vip", ["com", "vip", "co.th"])) == [
        "lucky88.com",
        "lucky88.co.th",
    ]
    assert list(elsewhere("x88.vip", ["com", "vip"])) == []


@given(st.text(max_size=80))
@example("draftk1ngs")
def test_any_text_is_scored(text: str) -> None:
    assert score(text).score >= PRIOR
    list(siblings(text))


def test_only_names_that_resolve_are_queued_and_marked(internet: Internet, tmp_path: Path) -> None:
    root = internet.workspace(tmp_path / "discover")
    alive = [line["host"] for line in internet.truth if line["reach"] == "mirror_list"][:20]
    names = tmp_path / "names.txt"
    names.write_text("\n".join([*alive, "lucky-casino-slot88.test", "bakery.test", "github.io"]))
    dry = scamtrail("discover", "-w", root, names, "--dry-run")
    assert dry.returncode == 0 and "lucky-casino-slot88[.]test" in dry.stdout
    assert query(root, "SELECT count(*) FROM frontier") == [(0,)]
    done = scamtrail("discover", "-w", root, names, "--floor", "-99")
    assert done.returncode == 0, done.stderr
    rows = query(root, "SELECT host, via, priority FROM frontier")
    assert {host for host, _, _ in rows} == set(alive)
    assert all(via.startswith("proposal:") and priority < 0.2 for _, via, priority in rows)


def test_a_run_proposes_the_siblings_of_what_it_found(
    internet: Internet, watched: Path, tmp_path: Path
) -> None:
    assert query(watched, "SELECT count(*) FROM runs WHERE stats LIKE '%proposals%'") != [(0,)]
    root = internet.workspace(tmp_path / "siblings")
    front = next(line["host"] for line in internet.truth if line["reach"] == "report")
    (root / "reports").rename(tmp_path / "unread")
    (root / "reports").mkdir()
    (root / "reports" / "one.txt").write_text(f"The scam http://{front}/ took my deposit")
    assert scamtrail("run", "-w", root, "--limit-pages", 1).returncode == 0
    with closing(sqlite3.connect(root / "findings.db")) as db:
        proposals = db.execute("SELECT host FROM frontier WHERE via LIKE 'proposal:%'").fetchall()
    assert proposals, "certificate names are proposed"
