"""Identifiers on pages, and the operations that they make."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import html
from crawler.model import Category, Identifier, Page
from crawler.names import registered_domain
from crawler.operations import Change, SiteFacts, bursts, changes, identifiers, link
from crawler.operations.identifiers import is_base58check
from crawler.sandbox import wallets

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def on_page(source: str) -> set[tuple[str, str]]:
    body = source.encode()
    url = "http://site.test/"
    page = Page(url, url, 200, (), body, html.parse(body, url=url), NOW)
    return {(item.kind, item.value) for item in identifiers(page)}


COINS = wallets.make(random.Random(7))


@pytest.mark.parametrize(
    ("source", "kind", "value"),
    [
        ("<script>gtag('config','G-AB12CD34EF')</script>", "ga4", "G-AB12CD34EF"),
        ("<script>ga('create','UA-1234567-2')</script>", "ua", "UA-1234567-2"),
        ("<script src='//x/gtm.js?id=GTM-AB12CD'></script>", "gtm", "GTM-AB12CD"),
        ("<script src='//hm.baidu.com/hm.js?" + "ab" * 16 + "'>", "baidu_tongji", "ab" * 16),
        ("<script>fbq('init', '123456789012345')</script>", "meta_pixel", "123456789012345"),
        ("<script src='https://embed.tawk.to/" + "5f" * 12 + "/default'>", "tawk", "5f" * 12),
        ("<a href='https://t.me/Lucky_88'>x</a>", "telegram", "lucky_88"),
        ("<a href='https://wa.me/85512345678'>x</a>", "whatsapp", "85512345678"),
        ("<a href='https://line.me/R/ti/p/@lucky88'>x</a>", "line", "@lucky88"),
        ("<a href='https://zalo.me/0912345678'>x</a>", "zalo", "0912345678"),
        ("<a href='/files/lucky88.apk'>x</a>", "apk", "lucky88.apk"),
        ("<p>write to Help@Lucky88.test now", "email", "help@lucky88.test"),
        (f"<code>{COINS['tron']}</code>", "wallet_tron", COINS["tron"]),
        (f"<code>{COINS['btc']}</code>", "wallet_btc", COINS["btc"]),
        (f"<code>{COINS['evm']}</code>", "wallet_evm", COINS["evm"]),
    ],
)
def test_each_kind_is_found(source: str, kind: str, value: str) -> None:
    assert (kind, value) in on_page(source)


def test_a_wallet_with_a_wrong_checksum_is_none() -> None:
    tron = COINS["tron"]
    wrong = tron[:-1] + ("1" if tron[-1] != "1" else "2")
    assert not any(kind.startswith("wallet") for kind, _ in on_page(f"<p>{wrong}</p>"))


@pytest.mark.parametrize(
    "source", ["<a href='https://t.me/share/url?u=x'>s</a>", "<p>nothing</p>", ""]
)
def test_share_buttons_and_empty_pages_show_nothing(source: str) -> None:
    assert on_page(source) == set()


@given(st.binary(min_size=20, max_size=20), st.sampled_from([0x00, 0x05, 0x41]))
def test_base58check_is_read_as_it_is_written(payload: bytes, version: int) -> None:
    text = wallets.base58check(bytes([version]) + payload)
    assert is_base58check(text, version)
    assert not is_base58check(text[::-1] + "1", version)


@given(st.text(max_size=60))
def test_any_text_is_checked(text: str) -> None:
    is_base58check(text, 0x41)


@pytest.mark.parametrize("text", ["a@" * 100_000, "G-" * 200_000, "0x" * 200_000, "T" * 400_000])
def test_hostile_pages_take_linear_time(text: str) -> None:
    on_page(f"<p>{text}</p>")


def site(host: str, *ties: tuple[str, str], category: Category = Category.GAMBLING) -> SiteFacts:
    found = frozenset(Identifier(kind, value) for kind, value in ties)
    return SiteFacts(host, registered_domain(host) or host, category, found)


def groups(*sites: SiteFacts) -> list[tuple[str, ...]]:
    return [operation.members for operation in link(sites, [])]


def test_a_shared_wallet_makes_an_operation() -> None:
    a, b = site("a.test", ("wallet_tron", "T1")), site("b.test", ("wallet_tron", "T1"))
    assert groups(a, b, site("c.test", ("wallet_tron", "T2"))) == [("a.test", "b.test")]


def test_ties_chain() -> None:
    assert groups(
        site("a.test", ("ga4", "G1")),
        site("b.test", ("ga4", "G1"), ("tawk", "x")),
        site("c.test", ("tawk", "x")),
    ) == [("a.test", "b.test", "c.test")]


@pytest.mark.parametrize("kind", ["ip", "template", "name_server", "registration_burst", "apk"])
def test_what_many_share_never_merges_alone(kind: str) -> None:
    assert groups(site("a.test", (kind, "x")), site("b.test", (kind, "x"))) == []


def test_weak_ties_add_up() -> None:
    ties = (("certificate", "c"), ("registration_burst", "r"))
    assert groups(site("a.test", *ties), site("b.test", *ties)) == [("a.test", "b.test")]


def test_what_innocents_show_too_merges_nobody() -> None:
    shared = ("ga4", "G-VENDOR")
    innocents = [
        site(f"shop{number}.test", shared, category=Category.BENIGN) for number in range(3)
    ]
    assert groups(site("a.test", shared), site("b.test", shared), *innocents) == []


def test_innocents_are_never_members() -> None:
    tie = ("wallet_tron", "T1")
    found = groups(
        site("a.test", tie), site("b.test", tie), site("news.test", tie, category=Category.BENIGN)
    )
    assert found == [("a.test", "b.test")]


def test_hosts_of_one_registered_domain_belong_together_but_not_tenants() -> None:
    assert groups(site("a.farm.test"), site("b.farm.test")) == [("a.farm.test", "b.farm.test")]
    assert groups(site("a.tenantpages.test"), site("b.tenantpages.test")) == []


def test_an_id_survives_growth_and_merges() -> None:
    tie, other = ("wallet_tron", "T1"), ("wallet_tron", "T2")
    first = link([site("b.test", tie), site("c.test", tie)], [])
    small = link([site("x.test", other), site("y.test", other)], [])
    grown = link([site("a.test", tie), site("b.test", tie), site("c.test", tie)], first)
    assert grown[0].id == first[0].id
    merged = link(
        [site("a.test", tie), site("b.test", tie, other), site("c.test", tie),
         site("x.test", other), site("y.test", other)],
        [*grown, *small],
    )  # fmt: skip
    assert [item.id for item in merged] == [first[0].id]


def test_a_redirect_and_the_same_name_servers_tie_the_sender_to_the_target() -> None:
    own = ("name_server", "ns1.vanity.test")
    sender = site("go.test", ("redirect_target", "main.test"), own)
    assert groups(sender, site("main.test", own)) == [("go.test", "main.test")]
    assert groups(sender, site("main.test")) == []


SUPPORTING = ("registration_burst", "invite_code", "script_hash", "brand_code", "template", "ip")


def test_what_nobody_owns_never_merges_however_much_of_it_there_is() -> None:
    ties = tuple((kind, "x") for kind in SUPPORTING)
    assert groups(site("a.test", *ties), site("b.test", *ties)) == []


def test_name_servers_of_registrars_and_cdns_say_nothing() -> None:
    burst = ("registration_burst", "Big Registrar 2026-01-01T10")
    for server in ("ada.ns.cloudflare.com", "ns-12.awsdns-01.org", "ns1.dns-parking.com"):
        ties = (("name_server", server), burst)
        assert groups(site("a.test", *ties), site("b.test", *ties)) == []
    own = (("name_server", "ns1.vanity.test"), burst)
    assert groups(site("a.test", *own), site("b.test", *own)) == [("a.test", "b.test")]


def test_a_tie_weakens_as_more_domains_have_it() -> None:
    ties = (("email", "sales@kit.test"), ("name_server", "ns1.vanity.test"))
    crowd = [site(f"s{number}.test", *ties) for number in range(400)]
    assert len(groups(*crowd[:20])) == 1
    assert groups(*crowd) == []


def test_a_wildcard_counts_as_one_domain() -> None:
    tie = ("name_server", "ns1.vanity.test"), ("telegram", "boss")
    farm = [site(f"r{number}.farm.test", *tie) for number in range(900)]
    (found,) = groups(*farm, site("front.test", *tie))
    assert len(found) == 901


def test_a_warning_that_names_a_wallet_does_not_free_its_owner() -> None:
    tie = ("wallet_tron", "T1")
    scams = [site(f"s{number}.test", tie) for number in range(12)]
    news = [site(f"news{number}.test", tie, category=Category.BENIGN) for number in range(2)]
    assert len(groups(*scams, *news)) == 1


def test_what_many_innocents_show_supports_but_never_merges_alone() -> None:
    vendor, own = ("gtm", "GTM-VENDOR1"), ("telegram", "boss")
    innocents = [site(f"shop{n}.test", vendor, category=Category.BENIGN) for n in range(12)]
    scams = [site(f"s{n}.test", vendor) for n in range(100)]
    pair = [site("a.test", vendor, own), site("b.test", vendor, own)]
    assert groups(*scams, *pair, *innocents) == [("a.test", "b.test")]
    assert groups(*[site(f"{name}.test", own) for name in "ab"]) == []


def test_names_directly_under_a_shared_suffix_are_strangers() -> None:
    sites = [SiteFacts(f"x{n}.test", "", Category.GAMBLING, frozenset()) for n in range(2)]
    assert link(sites, []) == ()


def test_parts_of_a_split_operation_have_different_ids() -> None:
    one, other = ("ga4", "G1"), ("ga4", "G2")
    names = ("a", "b", "c", "d", "e")
    before = link([site(f"{name}.test", one) for name in names], [])
    after = link([site(f"{name}.test", one if name in "ab" else other) for name in names], before)
    assert [len(item.members) for item in after] == [3, 2]
    assert after[0].id == before[0].id
    assert after[1].id != before[0].id
    assert (
        link([site(f"{name}.test", one if name in "ab" else other) for name in names], after)
        == after
    )


@given(
    st.lists(
        st.lists(
            st.sampled_from(["ga4", "telegram", "certificate", "name_server", *SUPPORTING]),
            max_size=5,
        ),
        min_size=2,
        max_size=6,
    )
)
def test_two_sites_are_joined_exactly_when_their_ties_suffice(kinds_of: list[list[str]]) -> None:
    weights = {"ga4": 1.0, "telegram": 0.8, "certificate": 0.8, "name_server": 0.6} | dict(
        zip(SUPPORTING, (0.4, 0.4, 0.3, 0.3, 0.2, 0.2), strict=True)
    )
    sites = [
        site(f"s{n}.test", *((kind, "x.test") for kind in ties)) for n, ties in enumerate(kinds_of)
    ]
    joined = {frozenset(group) for group in groups(*sites[:2])}
    shared = set(kinds_of[0]) & set(kinds_of[1])
    enough = sum(weights[kind] for kind in shared) >= 1 - 1e-9 and not shared <= set(SUPPORTING)
    assert bool(joined) == enough


def test_a_summary_says_what_ties_the_members() -> None:
    ties = (("wallet_tron", "T1"), ("ga4", "G1"), ("registration_burst", "r 2026-01-01T10:00Z/40"))
    (operation,) = link([site("a.test", *ties), site("b.test", *ties)], [])
    assert "same TRON wallet on 2" in operation.summary
    assert "2 registered within" in operation.summary
    assert 0.5 < operation.confidence <= 0.99


@given(st.permutations(range(8)), st.data())
def test_the_order_of_sites_does_not_matter(order: list[int], data: st.DataObject) -> None:
    ties = st.lists(
        st.tuples(
            st.sampled_from(["ga4", "ip", "telegram", "certificate"]), st.sampled_from("xyz")
        ),
        max_size=3,
    )
    sites = [site(f"s{number}.test", *data.draw(ties)) for number in range(8)]
    assert link(sites, []) == link([sites[index] for index in order], [])


def test_every_member_has_its_reason_in_words() -> None:
    wallet, burst = ("wallet_tron", "T1"), ("registration_burst", "Reg 2026-01-01T10:00Z/40")
    (operation,) = link(
        [
            site("a.test", wallet, burst),
            site("b.test", wallet, burst),
            site("c.test", wallet, ("ga4", "G1")),
        ],
        [],
    )
    assert operation.reasons["a.test"] == (
        "same TRON wallet as 2 others, registered with 1 within 40 minutes at Reg"
    )
    assert operation.reasons["c.test"] == "same TRON wallet as 2 others"
    assert operation.summary == (
        "same TRON wallet on 3 sites, 2 registered within 40 minutes at Reg"
    )


def test_domains_registered_one_after_the_other_are_a_burst() -> None:
    start = datetime(2026, 1, 1, 23, 45, tzinfo=UTC)
    found = bursts(
        [(f"s{n}.test", "Reg", start + timedelta(minutes=10 * n)) for n in range(5)]
        + [("late.test", "Reg", start + timedelta(hours=5)), ("other.test", "Else", start)]
        + [(f"day{n}.test", "Reg", datetime(2026, 3, 1, tzinfo=UTC)) for n in range(2)]
    )
    assert {item.value for item in found.values()} == {"Reg 2026-01-01T23:45Z/40"}
    assert sorted(found) == [f"s{n}.test" for n in range(5)]


def test_what_became_of_operations_is_told() -> None:
    tie, other, third = ("ga4", "G1"), ("ga4", "G2"), ("ga4", "G3")
    first = link([site(f"{name}.test", tie) for name in "abcde"], [])
    old = first[0].id
    assert list(changes([], first)) == [Change(old, "formed", "", 5)]
    assert list(changes(first, first)) == []
    parts = link([site(f"{n}.test", tie if n in "abc" else other) for n in "abcde"], first)
    new = next(item.id for item in parts if item.id != old)
    assert list(changes(first, parts)) == [Change(new, "split", old, 2)]
    whole = link([site(f"{name}.test", third) for name in "abcde"], parts)
    assert set(changes(parts, whole)) == {
        Change(old, "merged", new, 2),
        Change(new, "ended", old, 2),
    }
    assert list(changes(whole, [])) == [Change(old, "ended", "", 0)]


def test_partners_who_link_to_each_other_stay_apart_without_something_owned() -> None:
    links = tuple(("link_target", f"{name}.test") for name in "ab")
    assert groups(site("a.test", *links), site("b.test", *links)) == []
    own = ("name_server", "ns1.vanity.test")
    assert groups(site("door.test", ("link_target", "front.test"), own), site("front.test", own))
