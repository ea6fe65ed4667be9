"""Which content delivery network an address belongs to: its own address is no site's.

The table is made of the ranges that CDNs publish (the column `source` says where), and of the
numbers of their networks where they publish none. Pure.
"""

import csv
import ipaddress
from functools import cache
from importlib.resources import files

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@cache
def _table() -> tuple[tuple[tuple[Network, str], ...], dict[int, str]]:
    lines = (files("crawler") / "operations" / "cdn.csv").read_text("utf-8").splitlines()
    rows = [(row["network"], row["cdn"]) for row in csv.DictReader(lines)]
    ranges = tuple((ipaddress.ip_network(text), cdn) for text, cdn in rows if "/" in text)
    return ranges, {int(text[2:]): cdn for text, cdn in rows if text.startswith("AS")}


@cache
def cdn_of(ip: str, asn: int = 0) -> str:
    """The name of the CDN that `ip`, announced by `asn`, belongs to; "" when it is none's."""
    ranges, numbers = _table()
    if asn in numbers:
        return numbers[asn]
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    return next((cdn for network, cdn in ranges if address in network), "")
