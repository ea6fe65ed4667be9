"""Countries: what their law forbids, and who is licensed there."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from blocklists.config import PublishConfig
from blocklists.policy import Policy, PolicyError, load
from blocklists.release import SafetyStop, publish
from blocklists.select import Override, Selection, Site, select
from crawler.model import Category, Listing
from support import scamtrail

SHIPPED = load(Path("nowhere"))
CODES = ["au", "cn", "hk", "id", "kh", "la", "mm", "my", "ph", "sg", "th", "tw", "uk", "vn"]

MINE = """
country = "Freedonia"
languages = ["en"]
contact = { name = "Gaming Board", url = "https://board.example/" }
[gambling]
laws = ["Gaming Act"]
register = { name = "Register of the Gaming Board" }
register_is_complete = false
"""


@pytest.fixture
def chosen(now: datetime) -> Callable[..., Selection]:
    def choose(*sites: Site, policies: tuple[Policy, ...] = SHIPPED, deny: str = "") -> Selection:
        overrides = [Override(deny, "deny", "order", "N. N.", now)] if deny else []
        return select(
            sites, overrides, protected=lambda host: "", now=now, keep_days=90, policies=policies
        )

    return choose


def listed(selection: Selection, code: str) -> dict[str, bool]:
    """Name → whether exact, in the list of a country."""
    return {
        entry.domain: entry.exact
        for entry in selection.listings
        if entry.list == "policy" and entry.tier == code
    }


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.code)
def test_a_shipped_policy_names_laws_languages_and_whom_to_ask(policy: Policy) -> None:
    assert policy.country and policy.languages
    assert policy.contact.url.startswith("https://")
    assert set(policy.offences) == {item for item in Category if item.is_scam}
    assert all(offence.laws for offence in policy.offences.values())
    assert policy.offences[Category.GAMBLING].register
    assert {Category.INVESTMENT, Category.OTHER_SCAM} <= policy.categories


def test_every_country_is_there() -> None:
    assert [policy.code for policy in SHIPPED] == CODES


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.code)
def test_who_is_licensed_is_never_in_the_list_of_the_country_that_licensed_him(
    policy: Policy, site: Callable[..., Site], chosen: Callable[..., Selection]
) -> None:
    complete = {
        category: replace(offence, register_is_complete=True)
        for category, offence in policy.offences.items()
    }
    own = replace(policy, offences=complete, licensed=policy.licensed or {"licensed.example": "x"})
    other = replace(own, code="xx", licensed={})
    for name in own.licensed:
        sites = [site(name), site(f"www.{name}"), site(f"play.{name}"), site("win.com")]
        selection = chosen(*sites, policies=(own, other), deny=name)
        assert set(listed(selection, own.code)) == {"win.com"}
        assert set(listed(selection, "xx")) == {name, "win.com"}
        general = {entry.domain for entry in selection.listings if entry.list != "policy"}
        assert general == {"win.com"}
        reasons = {item.reason for item in selection.refusals if item.tier == own.code}
        assert reasons == {f"licensed in {own.country}: {own.licensed[name]}"}


def test_an_entry_above_a_licensed_name_shrinks_to_itself(
    site: Callable[..., Site], chosen: Callable[..., Selection]
) -> None:
    own = replace(SHIPPED[1], licensed={"bet.group.com": "Group"})
    other = replace(SHIPPED[1], code="xx", licensed={})
    sites = (site("group.com"), site("www.group.com"), site("bet.group.com"))
    selection = chosen(*sites, policies=(own, other))
    assert listed(selection, own.code) == {"group.com": True, "www.group.com": False}
    assert listed(selection, "xx") == {"group.com": False}


def test_a_country_list_takes_what_strict_takes(
    site: Callable[..., Site], chosen: Callable[..., Selection]
) -> None:
    sites = (
        site("slots.com"),
        site("yield.com", category=Category.INVESTMENT),
        site("weak.com", strong=1),
    )
    selection = chosen(*sites)
    strict = {e.domain for e in selection.listings if (e.list, e.tier) == ("all", "strict")}
    assert set(listed(selection, "cn")) == strict == {"slots.com", "yield.com"}


def test_gambling_waits_for_the_register_where_licences_are_many(
    tmp_path: Path, site: Callable[..., Site], chosen: Callable[..., Selection]
) -> None:
    sites = (site("slots.com"), site("licensed.com"), site("y.com", category=Category.INVESTMENT))
    assert set(listed(chosen(*sites), "uk")) == {"y.com"}
    (tmp_path / "uk.csv").write_text(
        "\ufeffAccount,Domain Name,Status\n7,HTTPS://www.Licensed.com/en?x,Active\n8,,\n9,*.b.com,\n"
    )
    [policy] = load(tmp_path, ["uk"])
    assert {"licensed.com", "b.com", "bet365.com"} <= policy.licensed.keys()
    assert set(listed(chosen(*sites, policies=(policy,)), "uk")) == {"slots.com", "y.com"}


def test_an_operator_adds_a_country(tmp_path: Path) -> None:
    (tmp_path / "fr.toml").write_text(MINE)
    policies = load(tmp_path)
    assert [policy.code for policy in policies] == sorted([*CODES, "fr"])
    assert load(tmp_path, ["fr"])[0].categories == frozenset()
    assert load(tmp_path, ["none"]) == ()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("fr.toml", "country = ", r"fr\.toml: no policy"),
        ("fr.toml", 'country = "x"', r"fr\.toml: no policy: 'languages'"),
        ("fr.toml", f"colour = 1\n{MINE}", r"fr\.toml: no policy: unknown key 'colour'"),
        ("sg.csv", "operator\nx\n", r"sg\.csv:1: no column domain, .*; name one"),
        ("sg.csv", "", r"sg\.csv:1: no column"),
        ("sg.csv", "domain\na.com\nnot..one\n", r"sg\.csv:3: .*; write the licensed domain alone"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PolicyError, match=message):
        load(tmp_path)


def test_a_country_that_is_not_there_is_named() -> None:
    with pytest.raises(PolicyError, match="no policy 'fr'; there are: au, cn, "):
        load(Path("nowhere"), ["fr"])


def test_the_law_stands_beside_the_list(
    tmp_path: Path, listing: Callable[..., Listing], now: datetime
) -> None:
    public = tmp_path / "public"
    config = PublishConfig(policies=load(Path("nowhere"), ["sg", "th"]))
    selection = Selection((listing("win.com", list="policy", tier="sg"),), ())
    publish(selection, public, now=now, config=config)
    law = json.loads((public / "policy/sg/policy.json").read_text())
    assert law["categories"]["gambling"]["laws"] == ["Gambling Control Act 2022"]
    assert "singaporepools.com.sg" in law["licensed"]
    assert "win.com CNAME ." in (public / "policy/sg/rpz.zone").read_text()
    assert "win.com" not in (public / "policy/th/rpz.zone").read_text()
    page = (public / "index.html").read_text()
    assert "Singapore" in page and "policy/th/rpz.zone" in page
    publish(selection, public, now=now, config=replace(config, policies=config.policies[:1]))
    assert not (public / "policy/th/policy.json").exists()
    assert not (public / "policy/th/rpz.zone").exists()


@pytest.mark.parametrize("name", ["singaporepools.com.sg", "www.singaporepools.com.sg"])
def test_the_last_check_stops_a_release_that_lists_a_licensee(
    tmp_path: Path, listing: Callable[..., Listing], now: datetime, name: str
) -> None:
    config = PublishConfig(policies=load(Path("nowhere"), ["sg"]))
    selection = Selection((listing(name, list="policy", tier="sg"),), ())
    with pytest.raises(SafetyStop, match=f"policy/sg: {name} would block who is licensed there"):
        publish(selection, tmp_path / "public", now=now, config=config)


def test_a_register_that_cannot_be_read_stops_the_publish_command(tmp_path: Path) -> None:
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    (root / "policies").mkdir()
    (root / "policies" / "uk.csv").write_text("domain\nnot a domain\n")
    done = scamtrail("publish", "-w", root)
    assert done.returncode == 2
    assert "uk.csv:2" in done.stderr
    assert not (root / "public" / "index.html").exists()
