import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.config import PublishConfig
from blocklists.manifest import Counts, Manifest, ReleaseError, read_manifest
from blocklists.registry import NAMES, formats
from blocklists.release import SafetyStop, check, next_serial, plan, publish, recover, write
from blocklists.select import Refusal, Selection
from crawler.model import Listing

Publish = Callable[..., Manifest]
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CONFIG = PublishConfig(homepage="https://lists.example", base_url="https://lists.example/v1")


@pytest.fixture
def selection(listing: Callable[..., Listing]) -> Callable[..., Selection]:
    """A selection that has the names in both tiers of `all` and of `gambling`."""

    def make(*names: str) -> Selection:
        return Selection(
            tuple(
                listing(name, list=kind, tier=tier)
                for kind in ("all", "gambling")
                for tier in ("strict", "wide")
                for name in names
            ),
            (),
        )

    return make


def state(public: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and the time of its last change."""
    return {
        str(path.relative_to(public)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in public.rglob("*")
        if path.is_file()
    }


def names(public: Path, name: str = "all/strict") -> set[str]:
    text = (public / name / "domains.txt").read_text().split("\n")
    return {domain for domain, _ in formats()["domains"].parse(text)}


many = tuple(f"win{number}.com" for number in range(100))


def test_every_list_tier_and_format_is_there(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    manifest = publish(selection("win.com"), public, now=now, config=CONFIG)
    assert len(manifest.files) == 3 * 2 * len(formats())
    for path, info in manifest.files.items():
        content = (public / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == info.sha256
        assert len(content) == info.bytes
    assert names(public) == names(public, "gambling/wide") == {"win.com"}
    assert names(public, "investment/strict") == set()
    document = json.loads((public / "manifest.json").read_text())
    assert document["serial"] == 2026112401
    assert document["files"]["all/strict/rpz.zone"]["added"] == 1


def test_publishing_the_same_again_touches_nothing(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    first = publish(selection(*many), public, now=now, config=CONFIG)
    before = state(public)
    second = publish(selection(*reversed(many)), public, now=now + timedelta(days=3), config=CONFIG)
    assert state(public) == before
    assert second == first == read_manifest(public)


def test_the_same_findings_give_the_same_bytes(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    for folder in ("a", "b"):
        publish(selection(*many), tmp_path / folder, now=now, config=CONFIG)
    a, b = (state(tmp_path / folder) for folder in ("a", "b"))
    assert {path: content for path, (content, _) in a.items()} == {
        path: content for path, (content, _) in b.items()
    }


def test_only_the_lists_that_changed_are_written(
    tmp_path: Path,
    selection: Callable[..., Selection],
    listing: Callable[..., Listing],
    now: datetime,
) -> None:
    public = tmp_path / "public"
    publish(selection("win.com"), public, now=now, config=CONFIG)
    before = state(public)
    more = Selection((*selection("win.com").listings, listing("yield.com", tier="wide")), ())
    manifest = publish(more, public, now=now, config=CONFIG)
    after = state(public)
    changed = {path for path in after if before.get(path) != after[path]}
    assert {path for path in changed if path.startswith("gambling")} == set()
    named = [form for form in formats().values() if form.holds & NAMES]
    assert {form.path("all/wide", "scamtrail all, wide") for form in named} <= changed
    assert "all/wide/urls.txt" not in changed
    assert manifest.files["all/wide/rpz.zone"].serial == manifest.serial == 2026112402
    assert manifest.files["gambling/wide/rpz.zone"].serial == 2026112401


def patched(before: set[tuple[str, str]], path: Path, place: str) -> set[tuple[str, str]]:
    """What a consumer has after a delta: (name, scope) of one list."""
    after = set(before)
    for line in path.read_text().splitlines()[1:]:
        where, sign, domain, scope, reason = line.split("\t")
        assert reason
        if where == place:
            (after.add if sign == "+" else after.remove)((domain, scope))
    return after


def scopes(public: Path, place: str = "all/wide") -> set[tuple[str, str]]:
    lines = (public / place / "entries.jsonl").read_text().splitlines()
    return {(entry["domain"], entry["scope"]) for entry in map(json.loads, lines)}


@settings(max_examples=25)
@given(
    st.lists(
        st.sets(st.tuples(st.sampled_from(["a.com", "b.com", "x.a.com", "c.com"]), st.booleans())),
        min_size=2,
        max_size=6,
    )
)
def test_a_delta_leads_from_each_of_the_last_releases_to_the_newest(
    rounds: list[set[tuple[str, bool]]],
) -> None:
    with TemporaryDirectory() as folder:
        public = Path(folder) / "public"
        config = replace(CONFIG, deltas=3, formats=("domains",))
        states: dict[int, set[tuple[str, str]]] = {}
        for number, entries in enumerate(rounds):
            # One entry always changes, so that each round is a release.
            chosen = [*sorted(entries), (f"new{number}.com", False)]
            listings = tuple(
                Listing(name, "all", "wide", NOW, f"seen\tby {name}\nus", exact=exact)
                for name, exact in dict(chosen).items()
            )
            selection = Selection(listings, ())
            manifest = publish(selection, public, now=NOW, config=config, force=True)
            states[manifest.serial] = scopes(public)
        newest = manifest.serial
        found = {path for path in manifest.files if path.startswith("delta/")}
        assert found == {f"delta/{path.name}" for path in (public / "delta").iterdir()}
        for serial in sorted(states)[-4:-1]:
            assert f"delta/{serial}-{newest}.txt" in found
        for path in found:
            start, end = map(int, re.findall(r"\d+", path))
            assert patched(states[start], public / path, "all/wide") == states[end]
        assert len(found) <= 2 * 3 - 1


def test_a_delta_says_why_a_name_left(
    tmp_path: Path, listing: Callable[..., Listing], now: datetime
) -> None:
    public = tmp_path / "public"
    names = ("dead.com", "x.win.com", "gone.com", "shop.com")
    publish(Selection(tuple(map(listing, names)), ()), public, now=now, config=CONFIG)
    left = Refusal("www.dead.com", "all", "wide", "dead: not a live site at the last visit")
    entries = (listing("win.com"), listing("shop.com", exact=True))
    publish(Selection(entries, (left,)), public, now=now, config=CONFIG)
    [path] = (public / "delta").iterdir()
    assert path.read_text().splitlines()[1:] == [
        "all/wide\t-\tdead.com\tdomain\tdead: not a live site at the last visit",
        "all/wide\t-\tgone.com\tdomain\tthe evidence no longer suffices",
        "all/wide\t-\tshop.com\tdomain\tnow listed as a host",
        "all/wide\t-\tx.win.com\tdomain\tnow within the entry win.com",
        "all/wide\t+\tshop.com\thost\tseen",
        "all/wide\t+\twin.com\tdomain\tseen",
    ]


def test_a_delta_that_was_tampered_with_is_not_built_upon(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    for name in ("a.com", "b.com", "c.com"):
        publish(selection("win.com", name), public, now=now, config=CONFIG)
    (public / "delta/2026112401-2026112402.txt").write_text("all/wide\t+\tbank.com\thost\tx\n")
    manifest = publish(selection("win.com", "d.com"), public, now=now, config=CONFIG)
    assert {path for path in manifest.files if path.startswith("delta/")} == {
        "delta/2026112402-2026112403.txt",
        "delta/2026112402-2026112404.txt",
        "delta/2026112403-2026112404.txt",
    }


@pytest.mark.parametrize("renames", range(0, 12, 3))
def test_a_release_that_died_between_renames_is_completed(
    tmp_path: Path,
    selection: Callable[..., Selection],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    renames: int,
) -> None:
    public = tmp_path / "public"
    publish(selection("old.com", "win.com"), public, now=now, config=CONFIG)
    done = 0
    rename = Path.replace

    def dies(self: Path, target: Path) -> Path:
        nonlocal done
        if self.name not in ("READY.part",):
            done += 1
            if done > renames:
                raise KeyboardInterrupt
        return rename(self, target)

    later = now + timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            publish(selection("new.com", "win.com"), public, now=later, config=CONFIG)
    assert json.loads((public / "manifest.json").read_text())["serial"] == 2026112401
    assert recover(public)
    undisturbed = tmp_path / "undisturbed"
    publish(selection("old.com", "win.com"), undisturbed, now=now, config=CONFIG)
    publish(selection("new.com", "win.com"), undisturbed, now=later, config=CONFIG)
    assert {path: content for path, (content, _) in state(public).items()} == {
        path: content for path, (content, _) in state(undisturbed).items()
    }
    assert {path.name for path in tmp_path.iterdir()} == {"public", "undisturbed"}
    assert not recover(public)


def test_a_release_that_died_while_it_was_written_leaves_the_old_one(
    tmp_path: Path,
    selection: Callable[..., Selection],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public = tmp_path / "public"
    publish(selection("old.com"), public, now=now, config=CONFIG)
    before = state(public)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(ReleaseError, match="No space left on device; make room"):
            publish(selection("old.com", "win.com"), public, now=now, config=CONFIG)
    assert state(public) == before
    (tmp_path / ".public.next" / "all").mkdir(parents=True)
    assert not recover(public)
    assert {path.name for path in tmp_path.iterdir()} == {"public"}
    assert publish(selection("old.com"), public, now=now, config=CONFIG).serial == 2026112401


def test_entries_that_fold_into_a_parent_are_no_loss(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection(*(f"x{n}.win.com" for n in range(100))), public, now=now, config=CONFIG)
    assert publish(selection("win.com"), public, now=now, config=CONFIG).history[0].counts[
        "all/wide"
    ] == Counts(entries=1, added=1, removed=100)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ((), "all/strict would be empty and had 100 entries"),
        (many[:79], "all/strict would lose 21 of 100 entries, more than 20 %"),
        (
            (*many, *(f"x{n}.com" for n in range(1001))),
            "all/strict would gain 1001 entries on 100, more than 300 %",
        ),
        ((*many, "co.uk"), "co.uk: a public suffix"),
        ((*many, "bank.com"), "bank.com: protected: a bank"),
        ((*many, "Win.com"), "Win.com: not in its normal form"),
        ((*many, "203.0.113.7"), "203.0.113.7: an address"),
    ],
)
def test_a_suspicious_release_replaces_nothing(
    tmp_path: Path,
    selection: Callable[..., Selection],
    now: datetime,
    listed: tuple[str, ...],
    reason: str,
) -> None:
    public = tmp_path / "public"
    publish(selection(*many), public, now=now, config=CONFIG)
    before = state(public)
    with pytest.raises(SafetyStop) as stop:
        publish(
            selection(*listed),
            public,
            now=now,
            config=CONFIG,
            protected=lambda host: "a bank" if host == "bank.com" else "",
        )
    assert reason in stop.value.reasons
    assert "--force" in str(stop.value)
    assert state(public) == before
    assert not (tmp_path / ".public.next").exists()


def test_a_long_list_of_reasons_is_cut_in_the_message_only() -> None:
    stop = SafetyStop(f"win{number}.com: a bank" for number in range(900))
    assert len(stop.reasons) == 900
    assert str(stop).endswith("; and 895 more; --force publishes anyway")


def test_force_publishes_what_the_safety_stop_held(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection(*many), public, now=now, config=CONFIG)
    publish(selection(), public, now=now, config=CONFIG, force=True)
    assert names(public) == set()


def test_few_changes_in_a_small_list_stop_nothing(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection("a.com", "b.com"), public, now=now, config=CONFIG)
    publish(selection("a.com"), public, now=now, config=CONFIG)
    assert names(public) == {"a.com"}


def test_a_file_that_does_not_hold_its_names_stops_the_release(
    selection: Callable[..., Selection], now: datetime
) -> None:
    planned = plan(selection("win.com"), previous=None, now=now, config=CONFIG)
    assert check(planned, None, CONFIG) == []
    [file] = (file for file in planned.files if file.path == "all/strict/hosts.txt")
    for wrong, reason in (
        (lambda entries, header: iter(["# nothing"]), "all/strict/hosts.txt lost win.com"),
        (
            lambda entries, header: iter(["0.0.0.0 win.com", "0.0.0.0 bank.com"]),
            "all/strict/hosts.txt blocks bank.com, which is not listed",
        ),
        (
            lambda entries, header: iter(["<html>"]),
            "all/strict/hosts.txt does not parse back: line 1 is no entry: '<html>'",
        ),
    ):
        broken = replace(file, format=replace(file.format, render=wrong))
        assert check(replace(planned, files=(broken,)), None, CONFIG) == [reason]


def test_a_first_release_may_be_empty_and_says_so(tmp_path: Path, now: datetime) -> None:
    publish(Selection((), ()), tmp_path / "public", now=now, config=CONFIG)
    page = (tmp_path / "public" / "index.html").read_text()
    assert "No site has been listed yet" in page
    assert "rpz.zone" in page


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (b"{", "not a manifest of ours"),
        (b"[]", "not a manifest of ours"),
        (b'{"serial": 1}', "not a manifest of ours"),
        (b"\xff", "not a manifest of ours"),
    ],
)
def test_a_broken_manifest_is_named_with_the_fix(
    tmp_path: Path, damage: bytes, reason: str
) -> None:
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(ReleaseError, match=rf"manifest\.json: {reason}.*restore it"):
        read_manifest(tmp_path)


def test_a_manifest_cannot_point_outside(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    publish(selection("win.com"), tmp_path, now=now, config=CONFIG)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"all/strict/domains.txt"', '"../domains.txt"'))
    with pytest.raises(ReleaseError, match="leads out of the published tree"):
        read_manifest(tmp_path)


def test_a_tampered_list_is_noticed_and_force_repairs_it(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection("win.com"), public, now=now, config=CONFIG)
    good = state(public)["all/strict/domains.txt"][0]
    (public / "all/strict/domains.txt").write_text("bank.com\n")
    (public / "all/strict/entries.jsonl").write_text("{}\n")
    with pytest.raises(ReleaseError, match=r"entries\.jsonl: differs from its checksum"):
        publish(selection("win.com"), public, now=now, config=CONFIG)
    publish(selection("win.com"), public, now=now, config=CONFIG, force=True)
    assert state(public)["all/strict/domains.txt"][0] == good


def test_a_file_that_went_missing_comes_back_with_the_same_bytes(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection("win.com"), public, now=now, config=CONFIG)
    before = state(public)
    for path in ("all/wide/rpz.zone", "index.html"):
        (public / path).unlink()
    publish(selection("win.com"), public, now=now + timedelta(days=1), config=CONFIG)
    after = state(public)
    assert {p: content for p, (content, _) in after.items()} == {
        p: content for p, (content, _) in before.items()
    }
    assert after["manifest.json"] == before["manifest.json"]


def test_a_format_that_is_no_longer_wanted_disappears(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    public = tmp_path / "public"
    publish(selection("win.com"), public, now=now, config=CONFIG)
    publish(selection("win.com"), public, now=now, config=replace(CONFIG, formats=("rpz",)))
    assert {path.name for path in (public / "all/strict").iterdir()} == {
        "domains.txt",
        "entries.jsonl",
        "rpz.zone",
    }
    with pytest.raises(ReleaseError, match="no list format 'bind'; there are: adblock, "):
        plan(selection(), previous=None, now=now, config=replace(CONFIG, formats=("bind",)))


def test_a_name_too_long_for_one_format_is_left_out_there_and_counted(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    long = "mail." * 38 + "dst.com"
    manifest = publish(selection(long, "win.com"), tmp_path / "p", now=now, config=CONFIG)
    rpz, plain = (manifest.files[f"all/wide/{f}"] for f in ("rpz.zone", "domains.txt"))
    assert (rpz.entries, rpz.omitted) == (1, 1)
    assert (plain.entries, plain.omitted) == (2, 0)


@given(st.lists(st.integers(0, 40_000), min_size=2, max_size=9))
def test_serials_grow_and_fit_in_32_bits_whatever_the_clock_says(days: list[int]) -> None:
    serials = [0]
    for day in days:
        clock = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day)
        serials.append(next_serial(serials[-1], clock))
    assert serials == sorted(set(serials))
    assert all(0 < b - a < 2**31 for a, b in pairwise(serials))
    assert serials[-1] < 2**32


def test_a_hundred_releases_a_day_run_on(now: datetime) -> None:
    assert next_serial(2026112399, now) == 2026112401
    assert next_serial(2026112499, now) == 2026112500
    assert next_serial(2026112500, now + timedelta(days=1)) == 2026112501
    with pytest.raises(ReleaseError, match="32 bits"):
        next_serial(2**32 - 1, now)


def test_pages_escape_what_they_show(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    hostile = '"><script>alert(1)</script>&'
    config = PublishConfig(
        title=hostile, licence=hostile, homepage=f"https://a.example/{hostile}", appeal=hostile
    )
    publish(selection("win.com"), tmp_path / "p", now=now, config=config)
    publish(selection("win.com", "b.com"), tmp_path / "p", now=now, config=config)
    page = (tmp_path / "p/index.html").read_text()
    assert "<script" not in page
    feed = ET.fromstring((tmp_path / "p/feed.xml").read_text())
    atom = "{http://www.w3.org/2005/Atom}"
    assert feed.findtext(f"{atom}title") == f"{hostile}: changes of the lists"
    assert [e.findtext(f"{atom}title") for e in feed.iter(f"{atom}entry")] == [
        "Release 2026112402",
        "Release 2026112401",
    ]


def test_the_page_says_how_each_consumer_subscribes(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    publish(selection("win.com"), tmp_path / "p", now=now, config=CONFIG)
    page = (tmp_path / "p/index.html").read_text()
    for form in formats().values():
        assert form.file in page or form.place
        assert form.consumers in page
    assert "src=" not in page


def test_planning_writes_nothing(
    tmp_path: Path, selection: Callable[..., Selection], now: datetime
) -> None:
    planned = plan(selection("win.com"), previous=None, now=now, config=CONFIG)
    assert list(tmp_path.iterdir()) == []
    write(planned, tmp_path / "public")
    again = plan(
        selection("win.com"), previous=read_manifest(tmp_path / "public"), now=now, config=CONFIG
    )
    assert not again.changed
