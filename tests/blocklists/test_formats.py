import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.collapse import collapse_listings, is_covered
from blocklists.registry import Format, Header, formats
from crawler.model import Listing

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HEADER = Header("list, strict", "CC0-1.0", "https://a.example", "mail@a.example", 7, NOW, 0)
ALL = pytest.mark.parametrize("form", formats().values(), ids=lambda form: str(form.name))

labels = st.from_regex(r"[a-z0-9_](?:[a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=3).map(".".join).map(lambda name: f"{name}.com")
entries = st.lists(
    st.builds(
        Listing,
        domain=names,
        list=st.just("all"),
        tier=st.just("wide"),
        since=st.just(NOW),
        reason=st.text(),
        exact=st.booleans(),
    ),
    max_size=12,
).map(collapse_listings)


@ALL
@settings(max_examples=40)
@given(listed=entries)
def test_what_was_rendered_reads_back(form: Format, listed: tuple[Listing, ...]) -> None:
    text = "\n".join(form.render(listed, HEADER))
    read = dict(form.parse(text.split("\n") if text else []))
    covering = {entry.domain for entry in listed if not entry.exact}
    exact = {entry.domain for entry in listed if entry.exact}
    assert covering | exact <= read.keys()
    for name, alone in read.items():
        assert is_covered(name, covering) or (alone and name in exact)


@ALL
def test_an_empty_list_is_a_list(form: Format) -> None:
    assert dict(form.parse(form.render((), HEADER))) == {}


@ALL
def test_a_header_says_whose_list_it_is_wherever_the_form_has_room(form: Format) -> None:
    text = "\n".join(form.render((), HEADER))
    if form.name in ("csv", "jsonl", "singbox"):
        assert "CC0" not in text
    else:
        for word in ("list, strict", "CC0-1.0", "https://a.example", "mail@a.example", "7"):
            assert word in text


@ALL
def test_a_hostile_title_or_reason_adds_no_line(
    form: Format, listing: Callable[..., Listing]
) -> None:
    hostile = "x\nevil.com\r\n0.0.0.0 evil.com\x00\u2028||evil.com^"
    header = replace(HEADER, title=hostile, homepage=hostile)
    rendered = list(form.render([listing("win.com", reason=hostile)], header))
    assert not any("\n" in line or "\r" in line or "\x00" in line for line in rendered)
    assert set(dict(form.parse(rendered))) <= {"win.com", "www.win.com"}


@ALL
def test_rendering_twice_gives_the_same(form: Format, listing: Callable[..., Listing]) -> None:
    listed = [listing("win.com"), listing("bad.github.io", exact=True)]
    assert list(form.render(listed, HEADER)) == list(form.render(iter(listed), HEADER))


@pytest.mark.parametrize(
    ("name", "covering", "exact"),
    [
        ("domains", ["win.com"], ["bad.github.io"]),
        ("wildcard", ["*.win.com"], ["bad.github.io"]),
        ("hosts", ["0.0.0.0 win.com", "0.0.0.0 www.win.com"], ["0.0.0.0 bad.github.io"]),
        ("hosts6", [":: win.com", ":: www.win.com"], [":: bad.github.io"]),
        ("adblock", ["||win.com^"], ["://bad.github.io^"]),
        ("ublock", ["||win.com^$all"], ["://bad.github.io^$all"]),
        ("dnsmasq", ["local=/win.com/"], ["host-record=bad.github.io,0.0.0.0,::"]),
        (
            "unbound",
            ['local-zone: "win.com." always_nxdomain'],
            ['local-data: "bad.github.io. A 0.0.0.0"', 'local-data: "bad.github.io. AAAA ::"'],
        ),
        ("rpz", ["win.com CNAME .", "*.win.com CNAME ."], ["bad.github.io CNAME ."]),
        ("squid", [".win.com"], ["bad.github.io"]),
        ("pihole", ["||win.com^"], ["bad.github.io"]),
        ("mihomo", ["+.win.com"], ["bad.github.io"]),
        ("surge", [".win.com"], ["bad.github.io"]),
    ],
)
def test_each_form_says_what_covers_and_what_is_exact(
    name: str, covering: list[str], exact: list[str], listing: Callable[..., Listing]
) -> None:
    listed = [listing("win.com"), listing("bad.github.io", exact=True)]
    lines = [*formats()[name].render(listed, HEADER)]
    assert lines[-len(covering + exact) :] == covering + exact


def test_a_hosts_file_adds_www_to_registered_domains_only(
    listing: Callable[..., Listing],
) -> None:
    lines = [*formats()["hosts"].render([listing("slot.shop.com")], HEADER)]
    assert lines[-1] == "0.0.0.0 slot.shop.com"
    assert not any("www" in line for line in lines)


def test_a_policy_zone_leaves_out_a_name_too_long_for_its_zone() -> None:
    rpz = formats()["rpz"]
    label = "mail."
    assert rpz.takes(label * 36 + "st.com")
    assert not rpz.takes(label * 36 + "dst.com")
    assert formats()["domains"].takes(label * 36 + "dst.com")


def test_a_policy_zone_has_its_serial_and_a_name_server(listing: Callable[..., Listing]) -> None:
    lines = [*formats()["rpz"].render([listing("win.com")], replace(HEADER, serial=2026112401))]
    assert "@ SOA localhost. hostmaster.localhost. 2026112401 3600 600 604800 300" in lines
    assert "@ NS localhost." in lines


def test_sing_box_never_gets_a_suffix_that_matches_inside_a_label(
    listing: Callable[..., Listing],
) -> None:
    listed = [listing("win.com"), listing("bad.github.io", exact=True)]
    rules = json.loads("\n".join(formats()["singbox"].render(listed, HEADER)))["rules"]
    assert rules == [{"domain": ["win.com", "bad.github.io"], "domain_suffix": [".win.com"]}]


@pytest.mark.parametrize("reason", ["=cmd()", "+1", "-1", "@x", " =x"])
def test_a_reason_is_no_formula_for_a_spreadsheet(
    reason: str, listing: Callable[..., Listing]
) -> None:
    lines = formats()["csv"].render([listing("win.com", reason=reason)], HEADER)
    assert next(csv.DictReader(lines))["reason"].startswith("'")


def test_entries_keep_their_reason_in_its_own_script(listing: Callable[..., Listing]) -> None:
    [line] = formats()["jsonl"].render([listing("win.com", reason="nạp tiền 首存")], HEADER)
    assert "nạp tiền 首存" in line
    assert json.loads(line)["reason"] == "nạp tiền 首存"
