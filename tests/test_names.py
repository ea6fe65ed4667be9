"""Host names: normal form, public suffix, registered domain."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import names


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("_dmarc.example.com", "_dmarc.example.com"),
    ],
)
def test_a_host_has_one_form(written: str, normal: str) -> None:
    assert names.normalise_host(written) == normal


@pytest.mark.parametrize(
    "text",
    ["", "com", "a..b", "-a.com", "a-.com", "a b.com", f"{'a' * 64}.com", "1.2.3.4.5", "x.123"],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no host name"):
        names.normalise_host(text)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.com", "example.com"),
        ("a.b.com.vn", "b.com.vn"),
        ("x.tenant.github.io", "tenant.github.io"),
        ("www.shop.test", "shop.test"),
        ("a.tenant.tenantpages.test", "tenant.tenantpages.test"),
        ("github.io", ""),
        ("co.uk", ""),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_registered_domain_is_one_label_below_the_suffix(host: str, domain: str) -> None:
    assert names.registered_domain(host) == domain


def test_tenants_of_private_suffixes_are_told_from_owners() -> None:
    assert names.is_under_private_suffix("scam.github.io")
    assert not names.is_under_private_suffix("scam.co.uk")
    assert names.is_public_suffix("netlify.app")
    assert not names.is_public_suffix("192.0.2.1")


def test_no_defanged_text_is_a_live_link() -> None:
    assert names.defang("https://a.example/x.html") == "hxxps://a[.]example/x[.]html"


@given(st.ip_addresses())
def test_every_address_is_read_as_itself(ip: ipaddress.IPv4Address) -> None:
    assert names.address(str(ip)) == ip
    if ip.version == 4:
        assert names.address(hex(int(ip))) == ip
        assert names.address(str(int(ip))) == ip


@given(st.text(max_size=80))
def test_normal_form_is_stable(text: str) -> None:
    try:
        host = names.normalise_host(text)
    except ValueError:
        return
    assert names.normalise_host(host) == host
    domain = names.registered_domain(host)
    assert domain == "" or host == domain or host.endswith(f".{domain}")
