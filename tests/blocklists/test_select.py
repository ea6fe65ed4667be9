from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.collapse import is_covered
from blocklists.select import Address, GuiltyPage, Override, Selection, Site, select
from crawler.model import Category
from crawler.names import registered_domain

MakeSite = Callable[..., Site]
INNOCENT: dict[str, Any] = {"category": Category.BENIGN, "kind": "", "probability": 0.01}


def never(host: str) -> str:
    return ""


@pytest.fixture
def run(now: datetime) -> Callable[..., Selection]:
    def run(sites: list[Site], overrides: tuple[Override, ...] = (), **changes: Any) -> Selection:
        arguments: dict[str, Any] = {"protected": never, "now": now, "keep_days": 90}
        return select(sites, overrides, **(arguments | changes))

    return run


def entries(selection: Selection, name: str = "all", tier: str = "strict") -> list[str]:
    """The entries of a list; an exact one with = before it."""
    return [
        "=" * entry.exact + entry.domain
        for entry in selection.listings
        if (entry.list, entry.tier) == (name, tier)
    ]


def refused(selection: Selection, domain: str, name: str = "all", tier: str = "strict") -> str:
    return "; ".join(
        refusal.reason
        for refusal in selection.refusals
        if (refusal.domain, refusal.list, refusal.tier) == (domain, name, tier)
    )


def test_a_category_is_in_its_own_list_and_in_all(run: Any, site: MakeSite) -> None:
    found = run(
        [
            site("win.com"),
            site("yield.com", category=Category.INVESTMENT),
            site("parcel.com", category=Category.OTHER_SCAM),
        ]
    )
    assert entries(found) == ["parcel.com", "win.com", "yield.com"]
    assert entries(found, "gambling") == ["win.com"]
    assert entries(found, "investment") == ["yield.com"]


@pytest.mark.parametrize(
    ("lacks", "reason"),
    [
        ({"probability": 0.95}, "probability 0.950 is below 0.97"),
        ({"strong": 1}, "1 strong pieces of evidence, 2 needed"),
        ({"reasons": ()}, "2 strong pieces of evidence, 2 needed"),
        ({"pages": 1}, "1 guilty pages and no report, 2 pages needed"),
        ({"status": "error"}, "error: not a live site at the last visit"),
        ({"innocent_pages": 1}, "1 of 4 pages are innocent"),
    ],
)
def test_strict_names_what_is_lacking(
    run: Any, site: MakeSite, lacks: dict[str, Any], reason: str
) -> None:
    found = run([site("win.com", **lacks)])
    assert entries(found) == []
    assert refused(found, "win.com") == reason
    assert entries(found, tier="wide") == (["win.com"] if lacks != {"reasons": ()} else [])


def test_a_report_stands_in_for_the_second_page(run: Any, site: MakeSite) -> None:
    assert entries(run([site("win.com", pages=1, accused_in=1)])) == ["win.com"]


def test_strict_wants_a_look_within_a_week(run: Any, site: MakeSite, now: datetime) -> None:
    found = run([site("win.com", last_checked=now - timedelta(days=8))])
    assert entries(found) == []
    assert entries(found, tier="wide") == ["win.com"]


def test_a_finding_leaves_when_it_is_not_seen_for_the_days_that_are_kept(
    run: Any, site: MakeSite, now: datetime
) -> None:
    old = site("win.com", last_checked=now - timedelta(days=4))
    assert entries(run([old], keep_days=3), tier="wide") == []
    assert refused(run([old], keep_days=3), "win.com") == "not seen in the last 3 days"


@pytest.mark.parametrize("status", ["dead", "parked"])
def test_the_dead_and_the_parked_leave(run: Any, site: MakeSite, status: str) -> None:
    found = run([site("win.com", status=status)])
    assert found.listings == ()
    assert refused(found, "win.com", tier="wide").startswith(status)


def test_one_guilty_page_never_lists_a_host_with_as_many_innocent_ones(
    run: Any, site: MakeSite
) -> None:
    found = run([site("board.com", pages=1, innocent_pages=1, accused_in=3)])
    assert found.listings == ()


def test_a_hacked_host_is_never_an_entry(run: Any, site: MakeSite) -> None:
    found = run([site("school.ac.th", kind="hacked")])
    assert found.listings == ()
    assert "only its URLs" in refused(found, "school.ac.th", tier="wide")


def page(url: str, **changes: Any) -> GuiltyPage:
    facts: dict[str, Any] = {
        "category": Category.GAMBLING, "probability": 0.99, "strong": 2, "reasons": ("a brand",)
    }  # fmt: skip
    return GuiltyPage(url, **(facts | changes))


SCHOOL = "https://school.ac.th/slot/1.html"


def test_of_a_hacked_host_the_guilty_pages_are_listed_one_by_one(run: Any, site: MakeSite) -> None:
    pages = (page(SCHOOL), page("https://school.ac.th/weak", probability=0.95, strong=1))
    hacked = site("school.ac.th", **INNOCENT | {"kind": "hacked"}, guilty_pages=pages)
    found = run([hacked], protected=lambda host: "a school")
    assert entries(found) == entries(found, "gambling") == [f"={SCHOOL}"]
    assert entries(found, tier="wide") == [f"={SCHOOL}", "=https://school.ac.th/weak"]
    assert entries(found, "investment", "wide") == []
    assert "only its URLs" in refused(found, "school.ac.th")
    [listed] = [item for item in found.listings if (item.list, item.tier) == ("all", "strict")]
    assert listed.reason == "a page of a hacked site; a brand"


@pytest.mark.parametrize(
    "url",
    ["https://school.ac.th/", "https://school.ac.th", "https://school.ac.th/a b", "ftp://x/y"],
)
def test_a_front_page_or_what_is_no_single_page_is_never_listed(
    run: Any, site: MakeSite, url: str
) -> None:
    hacked = site("school.ac.th", **INNOCENT | {"kind": "hacked"}, guilty_pages=(page(url),))
    assert run([hacked]).listings == ()


def test_pages_of_a_hacked_site_leave_when_it_is_allowed_or_was_not_seen_again(
    run: Any, site: MakeSite, now: datetime
) -> None:
    facts = INNOCENT | {"kind": "hacked", "guilty_pages": (page(SCHOOL),)}
    allowed = Override("school.ac.th", "allow", "cleaned", "N. N.", now)
    assert run([site("school.ac.th", **facts)], (allowed,)).listings == ()
    old = site("school.ac.th", **facts, last_checked=now - timedelta(days=8))
    assert entries(run([old])) == []
    assert entries(run([old]), tier="wide") == [f"={SCHOOL}"]
    assert run([site("school.ac.th", **facts | {"status": "dead"})]).listings == ()


@pytest.fixture
def behind(now: datetime) -> Callable[..., Address]:
    def behind(*hosts: str, ip: str = "1.2.3.4", asn: int = 64500, days: int = 0) -> Address:
        seen = now - timedelta(days=days)
        return Address(ip, frozenset(hosts), asn, seen, seen)

    return behind


FARM = ("win.com", "bet.com", "lot.com")


def test_an_address_with_nothing_but_listed_sites_is_listed(
    run: Any, site: MakeSite, behind: Callable[..., Address]
) -> None:
    sites = [site(name) for name in FARM]
    seen = behind(*FARM, "m.win.com")
    assert "=1.2.3.4" in entries(run(sites, addresses=[seen]))
    v6 = behind(*FARM, ip="2001:4860::77")
    assert "=2001:4860::77" in entries(run(sites, addresses=[v6]), "gambling", "wide")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hosts": (*FARM, "shop.com")}, "shared: 1 of 4 hosts at it are not listed"),
        ({"hosts": FARM, "asn": 13335}, "shared: in the network of Cloudflare"),
        ({"hosts": FARM, "asn": 0}, "its network is unknown"),
        ({"hosts": FARM, "days": 8}, "not seen in the last 7 days"),
        ({"hosts": FARM[:2]}, ""),
        ({"hosts": (*FARM[:2], "m.win.com")}, ""),
        ({"hosts": FARM, "ip": "10.0.0.1"}, ""),
        ({"hosts": FARM, "ip": "127.0.0.1"}, ""),
        ({"hosts": FARM, "ip": "::ffff:1.2.3.4"}, ""),
    ],
)
def test_an_address_that_strangers_may_share_is_not(
    run: Any, site: MakeSite, behind: Callable[..., Address], changes: dict[str, Any], reason: str
) -> None:
    hosts = changes.pop("hosts")
    seen = behind(*hosts, **changes)
    found = run([site(name) for name in FARM], addresses=[seen])
    assert entries(found) == sorted(FARM)
    assert refused(found, seen.ip) == reason


@pytest.mark.parametrize("category", [Category.BENIGN, Category.UNKNOWN])
def test_what_is_no_scam_is_no_entry(run: Any, site: MakeSite, category: Category) -> None:
    assert run([site("shop.com", category=category)]).listings == ()


def test_a_guilty_apex_or_www_stands_for_the_domain(run: Any, site: MakeSite) -> None:
    assert entries(run([site("win.com"), site("m.win.com")])) == ["win.com"]
    assert entries(run([site("www.win.com")])) == ["win.com"]


def test_one_guilty_label_stands_for_itself(run: Any, site: MakeSite) -> None:
    found = run([site("slot.shop.com"), site("qq8.shop.com")])
    assert entries(found) == ["qq8.shop.com", "slot.shop.com"]


def test_three_unrelated_labels_stand_for_the_domain(run: Any, site: MakeSite) -> None:
    farm = [site(f"{label}.farm.com", pages=1) for label in ("hgg", "qjp6", "683")]
    found = run(farm)
    assert entries(found) == ["farm.com"]
    assert found.listings[0].reason.startswith("3 unrelated hosts below it are guilty; names")


def test_the_same_site_under_three_names_is_one_label(run: Any, site: MakeSite) -> None:
    same = [site("slot.shop.com"), site("m.shop.com"), site("wap.shop.com")]
    assert "shop.com" not in entries(run(same))


def test_labels_that_were_counted_elsewhere_count(run: Any, site: MakeSite) -> None:
    assert entries(run([site("hgg.farm.com", scam_labels=40)])) == ["farm.com"]


def test_an_innocent_apex_keeps_the_domain_off_the_list(run: Any, site: MakeSite) -> None:
    farm = [site(f"{label}.shop.com", apex_innocent=True) for label in ("a1", "b2", "c3")]
    assert entries(run(farm)) == ["a1.shop.com", "b2.shop.com", "c3.shop.com"]


def test_an_innocent_neighbour_narrows_the_entry(run: Any, site: MakeSite) -> None:
    found = run([site("shop.com"), site("blog.shop.com", **INNOCENT)])
    assert entries(found) == ["=shop.com"]
    hacked = run([site(f"{x}.shop.com") for x in "abc"] + [site("shop.com", kind="hacked")])
    assert "shop.com" not in entries(hacked)


def test_an_innocent_host_below_a_guilty_one_makes_it_exact(run: Any, site: MakeSite) -> None:
    found = run([site("a.shop.com"), site("b.a.shop.com", **INNOCENT)])
    assert entries(found) == ["=a.shop.com"]


def test_a_tenant_of_a_private_suffix_is_an_exact_name(run: Any, site: MakeSite) -> None:
    found = run([site("win.github.io"), site("www.win.github.io")])
    assert entries(found) == ["=win.github.io", "=www.win.github.io"]


def test_what_may_only_be_exact_is_exact(run: Any, site: MakeSite) -> None:
    assert entries(run([site("win.com", exact_only=True)])) == ["=win.com"]


@pytest.mark.parametrize("suffix", ["github.io", "co.uk", "com.vn"])
def test_a_public_suffix_is_never_an_entry(run: Any, site: MakeSite, suffix: str) -> None:
    found = run([site(suffix)])
    assert found.listings == ()
    assert refused(found, suffix) == "a public suffix: strangers register names below it"


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_an_address_is_never_an_entry(run: Any, site: MakeSite, address: str) -> None:
    found = run([site(address)])
    assert found.listings == ()
    assert refused(found, address).startswith("an address")


def test_what_is_protected_is_never_an_entry(run: Any, site: MakeSite, now: datetime) -> None:
    def protected(host: str) -> str:
        return "a bank" if is_covered(host, {"bank.com"}) else ""

    found = run([site("bank.com"), site("www.bank.com"), site("win.com")], protected=protected)
    assert entries(found, tier="wide") == ["win.com"]
    assert refused(found, "bank.com") == "protected: a bank"
    denial = Override("bank.com", "deny", "angry", "mallory", now)
    assert entries(run([], (denial,), protected=protected)) == []


def test_a_protected_domain_can_have_a_guilty_host(run: Any, site: MakeSite) -> None:
    found = run([site("www.cdn.com")], protected=lambda h: "a CDN" if h == "cdn.com" else "")
    assert entries(found) == ["www.cdn.com"]


def test_an_allowed_domain_and_all_below_it_stay_out(
    run: Any, site: MakeSite, now: datetime
) -> None:
    allow = Override("win.com", "allow", "licensed in Malta", "mai", now)
    found = run([site("win.com"), site("a.win.com")], (allow,))
    assert found.listings == ()
    assert refused(found, "a.win.com") == "allowed by mai: licensed in Malta"


def test_an_allowed_host_narrows_the_entry_above_it(
    run: Any, site: MakeSite, now: datetime
) -> None:
    allow = Override("pay.win.com", "allow", "a bank's", "mai", now)
    assert entries(run([site("win.com"), site("x.win.com")], (allow,))) == [
        "=win.com",
        "x.win.com",
    ]


def test_an_override_ends_when_it_expires(run: Any, site: MakeSite, now: datetime) -> None:
    allow = Override("win.com", "allow", "appeal", "mai", now - timedelta(days=9), now)
    assert entries(run([site("win.com")], (allow,))) == ["win.com"]


def test_the_newest_override_counts(run: Any, site: MakeSite, now: datetime) -> None:
    allow = Override("win.com", "allow", "appeal", "mai", now - timedelta(days=1))
    deny = Override("win.com", "deny", "lied to us", "mai", now)
    assert entries(run([], (deny, allow))) == ["win.com"]
    later = Override("win.com", "allow", "court", "mai", now + timedelta(hours=1))
    assert entries(run([site("win.com")], (deny, allow, later))) == []


def test_a_denial_needs_no_evidence_but_keeps_the_guards(
    run: Any, site: MakeSite, now: datetime
) -> None:
    denials = tuple(
        Override(domain, "deny", "court order 12", "mai", now)
        for domain in ("win.com", "bad.github.io", "github.io")
    )
    found = run([site("win.com", status="dead")], denials)
    assert entries(found) == ["win.com", "=bad.github.io"]
    assert entries(found, "gambling") == ["win.com"]
    assert "public suffix" in refused(found, "github.io")
    assert found.listings[0].reason == "denied by mai: court order 12"


def test_every_entry_ends_and_says_why(run: Any, site: MakeSite, now: datetime) -> None:
    seen = now - timedelta(days=2)
    strict, wide = (
        next(e for e in run([site("win.com", last_checked=seen)]).listings if e.tier == tier)
        for tier in ("strict", "wide")
    )
    assert strict.expires == seen + timedelta(days=7)
    assert wide.expires == seen + timedelta(days=90)
    assert "names an operator's brand" in wide.reason


hosts = st.sampled_from(
    ["a.com", "www.a.com", "x.a.com", "y.a.com", "z.a.com", "b.x.a.com", "c.github.io", "d.co.uk"]
)


@st.composite
def judged(draw: st.DrawFn) -> list[Site]:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    sites = []
    for host in draw(st.lists(hosts, unique=True, max_size=8)):
        sites.append(
            Site(
                host,
                registered_domain(host),
                draw(st.sampled_from(list(Category))),
                draw(st.sampled_from(["operator", "hacked"])),
                draw(st.sampled_from([0.5, 0.9, 0.95, 0.97, 1.0])),
                draw(st.sampled_from(["live", "live", "error", "dead"])),
                now - timedelta(days=draw(st.sampled_from([0, 6, 8, 100]))),
                now,
                ("brand",),
                draw(st.integers(0, 3)),
                draw(st.integers(0, 3)),
                draw(st.integers(0, 2)),
                draw(st.integers(0, 1)),
                scam_labels=draw(st.sampled_from([0, 0, 3])),
                apex_innocent=draw(st.booleans()),
                exact_only=draw(st.booleans()),
            )
        )
    return sites


@given(judged(), st.randoms())
def test_wide_blocks_all_that_strict_does_and_order_does_not_matter(
    sites: list[Site], rng: Any
) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    found = select(sites, (), protected=never, now=now, keep_days=90)
    for name in ("all", "gambling", "investment"):
        wide = {e for e in found.listings if (e.list, e.tier) == (name, "wide")}
        covering = {e.domain for e in wide if not e.exact}
        for entry in (e for e in found.listings if (e.list, e.tier) == (name, "strict")):
            assert is_covered(entry.domain, covering) or (
                entry.exact and entry.domain in {e.domain for e in wide}
            )
    shuffled = list(sites)
    rng.shuffle(shuffled)
    assert select(shuffled, (), protected=never, now=now, keep_days=90) == found
    judged_scam = {s.host for s in sites if s.category.is_scam and s.kind != "hacked"}
    for entry in found.listings:
        assert any(is_covered(host, {entry.domain}) for host in judged_scam)
