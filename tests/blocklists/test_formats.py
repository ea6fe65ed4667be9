import csv
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.collapse import collapse_listings, is_covered
from blocklists.registry import Format, Header, formats, scope
from crawler.model import Listing

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HEADER = Header("list, strict", "CC0-1.0", "https://a.example", "mail@a.example", 7, NOW, 0)
ALL = pytest.mark.parametrize("form", formats().values(), ids=lambda form: str(form.name))

labels = st.from_regex(r"[a-z0-9_](?:[a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=3).map(".".join).map(lambda name: f"{name}.com")
urls = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["http", "https"]),
    names,
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
)
addresses = st.ip_addresses().map(str)


def listings(values: st.SearchStrategy[str], exact: st.SearchStrategy[bool]) -> Any:
    return st.builds(
        Listing,
        domain=values,
        list=st.just("all"),
        tier=st.just("wide"),
        since=st.just(NOW),
        reason=st.text(),
        exact=exact,
    )


entries = st.lists(
    st.one_of(
        listings(names, st.booleans()),
        listings(urls, st.just(True)),
        listings(addresses, st.just(True)),
    ),
    max_size=12,
).map(collapse_listings)

# What a form cannot tell apart: it says of an entry that it is exact, or covers, whichever it was;
# hosts files and datasets add the `www.` of registered domains.
BLUNT = {"domains", "hosts", "hosts6", "suricata-dataset"}


SAMPLES = {"domain": "win.com", "url": "https://school.example/slot/1", "address": "1.2.3.4"}


@ALL
@settings(max_examples=40)
@given(listed=entries)
def test_what_was_rendered_reads_back(form: Format, listed: tuple[Listing, ...]) -> None:
    held = [entry for entry in listed if scope(entry.domain, entry.exact) in form.holds]
    text = "\n".join(form.render(held, HEADER))
    read = dict(form.parse(text.split("\n") if text else []))
    if form.name not in BLUNT:
        assert read == {entry.domain: entry.exact for entry in held}
        return
    covering = {entry.domain for entry in held if not entry.exact}
    exact = {entry.domain for entry in held if entry.exact}
    assert covering | exact <= read.keys()
    for name, alone in read.items():
        assert is_covered(name, covering) or (alone and name in exact)


@ALL
def test_an_empty_list_is_a_list(form: Format) -> None:
    assert dict(form.parse(form.render((), HEADER))) == {}


@ALL
def test_a_header_says_whose_list_it_is_wherever_the_form_has_room(form: Format) -> None:
    text = "\n".join(form.render((), HEADER))
    if form.name in ("csv", "jsonl", "singbox", "suricata-dataset"):
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
    name = next(SAMPLES[kind] for kind in SAMPLES if kind in form.holds)
    listed = listing(name, reason=hostile, exact="domain" not in form.holds)
    rendered = list(form.render([listed], header))
    assert not any("\n" in line or "\r" in line or "\x00" in line for line in rendered)
    assert set(dict(form.parse(rendered))) <= {name, f"www.{name}"}


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
        ("suricata-dataset", ["d2luLmNvbQ==", "d3d3Lndpbi5jb20="], ["YmFkLmdpdGh1Yi5pbw=="]),
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


def test_suricata_numbers_stay_with_their_names_and_are_never_given_twice() -> None:
    def numbers(*names: str) -> list[int]:
        entries = [Listing(name, "all", "wide", NOW, "seen") for name in names]
        lines = formats()["suricata"].render(entries, HEADER)
        return [int(found) for line in lines for found in re.findall(r" sid:(\d+);", line)]

    # Both have the CRC-32 3941060109.
    same = ("a77jahr.com", "w3ksfrl.com")
    assert zlib.crc32(same[0].encode()) == zlib.crc32(same[1].encode())
    found = numbers("win.com", *same, "bet.com")
    assert len(set(found)) == len(found) == 12
    assert found[:3] == numbers("win.com")
    assert found[-3:] == numbers("bet.com")
    assert all(3_000_000_000 <= number < 2**32 for number in found)


def test_lists_of_addresses_and_urls_hold_nothing_else(listing: Callable[..., Listing]) -> None:
    v4, v6 = listing("1.2.3.4", exact=True), listing("2001:4860::1", exact=True)
    lines = [*formats()["nftables"].render([v4, v6], HEADER)]
    start = lines.index("add element inet filter scamtrail4 {")
    assert lines[start + 1 : start + 3] == ["1.2.3.4,", "}"]
    lines = [*formats()["ipset"].render([v4, v6], HEADER)]
    assert "add scamtrail4 1.2.3.4" in lines and "add scamtrail6 2001:4860::1" in lines


def test_entries_keep_their_reason_in_its_own_script(listing: Callable[..., Listing]) -> None:
    [line] = formats()["jsonl"].render([listing("win.com", reason="nạp tiền 首存")], HEADER)
    assert "nạp tiền 首存" in line
    assert json.loads(line)["reason"] == "nạp tiền 首存"
