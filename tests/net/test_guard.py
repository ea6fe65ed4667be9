"""The address guard: what is not public is refused, in every way of writing it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses import DISGUISED, PLAIN
from crawler.names import address
from crawler.net import AddressGuard

NO_ADDRESSES = ["not an address", "", "1.2.3", "127.0.0.1:80", "fe80::1%eth0"]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("text", [*PLAIN, *NO_ADDRESSES])
def test_special_addresses_are_refused(text: str) -> None:
    assert AddressGuard().refusal(text)


@pytest.mark.parametrize("text", DISGUISED)
def test_disguised_addresses_are_refused(text: str) -> None:
    read = address(text)
    assert read is not None
    assert AddressGuard().refusal(str(read))


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
