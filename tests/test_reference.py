"""Known hosts: what is beyond suspicion."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import reference
from crawler.names import is_public_suffix, normalise_host


@pytest.mark.parametrize(
    ("host", "role"),
    [
        ("t.me", "platform"),
        ("www.facebook.com", "platform"),
        ("m.vietcombank.com.vn", "bank"),
        ("www.police.go.th", "government"),
        ("hs.school.edu", "school"),
        ("x.ac.uk", "school"),
        ("play.google.com", "app_store"),
        ("bit.ly", "shortener"),
    ],
)
def test_known_hosts_and_what_is_below_them(host: str, role: str) -> None:
    found = reference.default().lookup(host)
    assert found is not None and found.role == role
    assert role in reference.default().reason(host)


@pytest.mark.parametrize("host", ["lucky88.test", "gov.evil.test", "facebook.com.evil.test"])
def test_what_only_looks_known_is_not(host: str) -> None:
    assert reference.default().reason(host) == ""


@pytest.mark.parametrize("host", ["lucky.blogspot.com", "lucky.myshopify.com", "a.b.carrd.co"])
def test_the_tenant_of_a_platform_is_not_the_platform(host: str) -> None:
    assert reference.default().reason(host) == ""


@pytest.mark.parametrize("host", ["blogspot.com", "a1.akamaized.net", "www.met.police.uk"])
def test_a_platform_and_what_has_no_tenants_are_known(host: str) -> None:
    assert reference.default().reason(host)


def test_the_table_holds_hosts_in_normal_form() -> None:
    table = reference.default().hosts
    assert len(table) > 250
    for host, entry in table.items():
        assert normalise_host(host) == host
        assert entry.role and entry.source


def test_an_operator_adds_lists(tmp_path: Path) -> None:
    plain = tmp_path / "own.txt"
    plain.write_text("# ours\nwww.shop.test # a shop\nnot a host\n")
    packed = tmp_path / "more.txt.gz"
    packed.write_bytes(gzip.compress(b"bank.test\n"))
    table = reference.default().extended([plain, packed])
    assert table.reason("www.shop.test") and table.reason("m.bank.test")
    assert not table.reason("shop.test")
    assert not reference.default().reason("bank.test")
    assert not is_public_suffix("bank.test")


NAMES = ["google.com", "maps.google.com", "win.com", "x.gov", "a.go.th", "go.th", "x.edu.vn",
         "play.win.com", "tenant.github.io", "github.io", "bank.win.co.uk"]  # fmt: skip


@given(st.sets(st.sampled_from([*NAMES, *reference.default().hosts])))
def test_the_known_among_many_are_those_with_a_reason(names: set[str]) -> None:
    table = reference.default()
    assert set(table.known(names)) == {name for name in names if table.reason(name)}
