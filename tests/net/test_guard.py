"""The address guard: what is not public is refused, in every way of writing it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.names import address
from crawler.net import AddressGuard

FORBIDDEN = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1",
    "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
    "100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "169.254.170.2",
    "100.100.100.200", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
    "::", "::1", "::2", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "::ffff:7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1",
    "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1",
    "2001::1", "2001:0:53aa:64c:0:0:0:1", "fe80::1", "fe80::1%eth0", "febf::1", "fc00::1",
    "fd00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
    "2001:4860:4860:0:0:5efe:a00:1", "fe80::200:5efe:127.0.0.1", "not an address", "",
    "1.2.3", "127.0.0.1:80", "192.0.0.9", "192.88.99.1", "3fff::1", "5f00::1", "2001:20::1",
]  # fmt: skip
# What a URL may hold instead of a dotted quad; `names.address` reads it before the guard does.
DISGUISED = [
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1",
    "0x7f.1", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "10.1", "0xc0.0xa8.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_special_addresses_are_refused(text: str) -> None:
    assert AddressGuard().refusal(text)


@pytest.mark.parametrize("text", DISGUISED)
def test_disguised_addresses_are_refused(text: str) -> None:
    read = address(text)
    assert read is not None
    assert AddressGuard().refusal(str(read))


def test_enough_forms_are_tried() -> None:
    assert len(FORBIDDEN) + len(DISGUISED) >= 60


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text: str) -> None:
    assert AddressGuard().refusal(text) == ""


def test_allow_opens_exactly_what_it_says() -> None:
    guard = AddressGuard((ipaddress.ip_network("127.64.0.0/10"),))
    assert guard.refusal("127.64.0.1") == ""
    assert guard.refusal("127.127.255.255") == ""
    assert guard.refusal("127.0.0.1")
    assert guard.refusal("127.128.0.1")
    assert guard.refusal("::ffff:127.64.0.1")


@given(st.ip_addresses(v=4))
def test_no_form_of_ipv6_opens_an_ipv4_address(ip: ipaddress.IPv4Address) -> None:
    guard = AddressGuard()
    number = int(ip)
    for base, shift in (("::ffff:0:0", 0), ("::", 0), ("64:ff9b::", 0), ("2002::", 80)):
        inside = ipaddress.IPv6Address(int(ipaddress.IPv6Address(base)) | number << shift)
        assert guard.refusal(str(inside))


@given(st.ip_addresses())
def test_what_is_not_global_never_passes(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if AddressGuard().refusal(str(ip)) == "":
        assert ip.is_global and not ip.is_multicast
