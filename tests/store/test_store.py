"""findings.db: transactions, the frontier, the migrations, the errors."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler import html
from crawler.model import (
    Candidate,
    Category,
    Evidence,
    Identifier,
    Link,
    Mention,
    Page,
    Report,
    Role,
    Verdict,
)
from crawler.store import SCHEMA_VERSION, PageRecord, QueueEntry, Store, StoreError
from crawler.store import queries as q
from crawler.store.writer import RETRY_AFTER

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "findings.db")


def entry(url: str, priority: float = 0.5, depth: int = 0) -> QueueEntry:
    host = url.split("/")[2]
    return QueueEntry(Candidate(url, host, host, "report:r", "", priority, depth))


def page(url: str, text: str = "Welcome", now: datetime = NOW, failure: str = "") -> Page:
    document = html.parse(f"<title>T</title><p>{text}".encode(), url=url)
    return Page(url, url, 0 if failure else 200, (), b"x", document, now, failure=failure)


def verdict(category: Category = Category.GAMBLING) -> Verdict:
    found = Evidence("terms", category, 2.5, "casino", "the casino", "http://a.test/")
    return Verdict(category, "operator", 0.98, (found,), "m1")


def waiting(store: Store) -> list[str]:
    return [item.url for item in q.best_queued(store, "trail", set(), 99, 0.0, NOW)]


def test_the_best_url_comes_first_and_busy_hosts_wait(store: Store) -> None:
    store.enqueue([entry("http://a.test/1", 0.2), entry("http://b.test/", 0.9)], NOW)
    store.enqueue([entry("http://a.test/2", 0.9)], NOW)
    assert waiting(store) == ["http://a.test/2", "http://b.test/", "http://a.test/1"]
    assert [item.url for item in q.best_queued(store, "trail", {"a.test"}, 9, 0.0, NOW)] == [
        "http://b.test/"
    ]
    assert [item.url for item in q.best_queued(store, "trail", set(), 9, 0.5, NOW)] == [
        "http://a.test/2",
        "http://b.test/",
    ]


def test_a_url_found_again_keeps_its_best_priority_and_is_fetched_once(store: Store) -> None:
    store.enqueue([entry("http://a.test/", 0.3, depth=5)], NOW)
    store.enqueue([entry("http://a.test/", 0.8, depth=2)], NOW)
    store.enqueue([entry("http://a.test/", 0.1, depth=9)], NOW)
    (queued,) = q.best_queued(store, "trail", set(), 9, 0.0, NOW)
    assert (queued.priority, queued.depth) == (0.8, 2)
    store.add_page(PageRecord(page("http://a.test/"), "report:r", 2, verdict()))
    store.enqueue([entry("http://a.test/", 1.0)], NOW)
    assert waiting(store) == []


def test_a_fault_that_may_pass_is_tried_again_later_and_not_for_ever(store: Store) -> None:
    store.enqueue([entry("http://a.test/"), entry("http://b.test/", 0.1)], NOW)
    moment = NOW
    for delay in RETRY_AFTER:
        store.add_page(
            PageRecord(page("http://a.test/", now=moment, failure="timeout"), "report:r", 0)
        )
        later = moment + delay
        if delay:
            early = q.best_queued(store, "trail", set(), 9, 0.0, moment)
            assert [item.url for item in early] == ["http://b.test/"]
        due = q.best_queued(store, "trail", set(), 9, 0.0, later)
        assert [item.url for item in due] == ["http://b.test/", "http://a.test/"]
        moment = later
    store.add_page(PageRecord(page("http://a.test/", now=moment, failure="timeout"), "report:r", 0))
    due = q.best_queued(store, "trail", set(), 9, 0.0, moment + timedelta(days=99))
    assert [item.url for item in due] == ["http://b.test/"]


def test_an_answer_within_the_second_of_a_failure_takes_its_place(store: Store) -> None:
    store.enqueue([entry("http://a.test/")], NOW)
    store.add_page(PageRecord(page("http://a.test/", failure="dns:servfail"), "report:r", 0))
    store.add_page(PageRecord(page("http://a.test/"), "report:r", 0, verdict()))
    store.add_page(PageRecord(page("http://a.test/", failure="timeout"), "report:r", 0))
    assert q.count(store, "pages") == 1
    assert q.count(store, "pages", "failure = '' AND category = 'gambling'") == 1
    assert q.count(store, "evidence") == 1


def test_a_page_is_stored_whole_or_not_at_all(store: Store) -> None:
    store.enqueue([entry("http://a.test/")], NOW)
    record = PageRecord(
        page=page("http://a.test/"),
        via="report:r",
        depth=0,
        verdict=verdict(),
        edges=(Link("http://b.test/", "go"),),
        identifiers=frozenset({Identifier("telegram", "x")}),
        candidates=(entry("http://b.test/", 0.7, 1),),
    )
    unstorable = replace(entry("http://c.test/").candidate, priority=object())
    with pytest.raises(StoreError):
        store.add_page(replace(record, candidates=(*record.candidates, QueueEntry(unstorable))))
    assert waiting(store) == ["http://a.test/"]
    assert q.latest_pages(store) == {} and q.edges(store) == []
    store.add_page(record)
    assert waiting(store) == ["http://b.test/"]
    assert q.edges(store) == [("a.test", "b.test", "anchor")]
    assert q.identifiers(store) == {"a.test": frozenset({Identifier("telegram", "x")})}
    (row,) = q.latest_pages(store)["a.test"]
    assert row.verdict == verdict()


def test_a_repeated_request_changes_nothing(store: Store) -> None:
    record = PageRecord(page("http://a.test/"), "report:r", 0, verdict())
    store.add_page(record)
    store.add_page(record)
    assert len(q.rows(store, "SELECT 1 FROM pages")) == 1
    assert len(q.rows(store, "SELECT 1 FROM evidence")) == 1


def test_the_newest_look_at_a_page_counts_and_older_ones_stay(store: Store) -> None:
    store.add_page(PageRecord(page("http://a.test/"), "report:r", 0, verdict()))
    later = page("http://a.test/", now=NOW + timedelta(days=1), failure="dns:nxdomain")
    store.add_page(PageRecord(later, "report:r", 0))
    (row,) = q.latest_pages(store)["a.test"]
    assert row.failure == "dns:nxdomain"
    assert len(q.rows(store, "SELECT 1 FROM pages")) == 2
    site = q.sites(store)["a.test"]
    assert site.last_seen == "2026-11-24T12:00:00Z"
    assert site.last_checked == "2026-11-25T12:00:00Z"


def test_only_the_accused_are_queued_and_a_report_counts_once(store: Store) -> None:
    report = Report("r1", "f.txt", "text", "T", "en", None, NOW, "body")
    mentions = [
        Mention("r1", "http://bad.test/", "bad.test", "bad.test", Role.ACCUSED, "beware", 0.8),
        Mention("r1", "http://chat.test/", "chat.test", "chat.test", Role.PLATFORM, "via", 0.0),
    ]
    assert store.add_report(report, mentions) == 2
    assert store.add_report(report, mentions) == 0
    assert waiting(store) == ["http://bad.test/"]
    assert q.accusations(store) == {"bad.test": 1}
    assert q.mentioned_innocents(store) == {"chat.test": "platform"}


def test_listings_are_closed_with_a_reason_never_deleted(store: Store) -> None:
    key = ("bad.test", "all", "wide")
    store.replace_listings({key: ("terms", False)}, [], str, NOW)
    store.replace_listings(
        {}, [(*key, "dead")], lambda place, name: "dead", NOW + timedelta(days=1)
    )
    store.replace_listings({key: ("terms", False)}, [], str, NOW + timedelta(days=2))
    rows = q.rows(store, "SELECT added_at, removed_at, removal_reason FROM listings ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z", "dead"),
        ("2026-11-26T12:00:00Z", None, None),
    ]


def test_full_text_search_finds_words_in_scripts_without_spaces(store: Store) -> None:
    store.add_page(PageRecord(page("http://a.test/", "注册即送体验金"), "report:r", 0))
    (row,) = q.rows(
        store,
        "SELECT url FROM pages WHERE id IN (SELECT rowid FROM pages_fts WHERE pages_fts MATCH ?)",
        ["体验金"],
    )
    assert row["url"] == "http://a.test/"


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "findings.db"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match=r"is newer than this program's .*; update scamtrail"):
        Store(path)


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "findings.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"findings\.db: is damaged"):
        Store(path)


def test_foreign_keys_hold(store: Store) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"), store.transaction() as db:
        db.execute("INSERT INTO evidence (host, signal) VALUES ('nowhere.test', 'x')")


def test_a_domain_in_more_reports_comes_first(store: Store) -> None:
    def accuse(number: int, *hosts: str) -> None:
        name = f"r{number}"
        report = Report(name, f"{name}.txt", "text", "T", "en", None, NOW, name)
        store.add_report(
            report,
            [Mention(name, f"http://{h}/", h, h, Role.ACCUSED, "scam", 0.85) for h in hosts],
        )

    accuse(1, "a.test", "b.test")
    for number in range(2, 11):
        accuse(number, "b.test")
    first, second = q.best_queued(store, "trail", set(), 9, 0.0, NOW)
    assert (first.host, second.host) == ("b.test", "a.test")
    assert second.priority == 0.85 < first.priority <= 1.0
    assert q.accusations(store) == {"a.test": 1, "b.test": 10}
