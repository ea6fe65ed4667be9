"""Which addresses may be connected to. Pure; asked again for every connection.

Rules: the IANA special-purpose address registries (RFC 6890) as Python's `ipaddress` holds them,
cloud metadata services, and every form of IPv6 that carries an IPv4 address.
"""

import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_net = ipaddress.ip_network

# Checked before the general classes, for the clearer reason.
_NAMED: tuple[tuple[Network, str], ...] = (
    (_net("169.254.169.254/32"), "cloud metadata address"),
    (_net("169.254.170.2/32"), "cloud metadata address"),
    (_net("100.100.100.200/32"), "cloud metadata address"),
    (_net("192.0.0.192/32"), "cloud metadata address"),
    (_net("168.63.129.16/32"), "cloud metadata address"),
    (_net("fd00:ec2::254/128"), "cloud metadata address"),
    (_net("100.64.0.0/10"), "carrier-grade NAT address (RFC 6598)"),
    (_net("0.0.0.0/8"), "address of this network (RFC 791)"),
    (_net("255.255.255.255/32"), "broadcast address"),
    # Missing from, or read differently by, some versions of `ipaddress`.
    (_net("192.0.0.0/24"), "protocol assignment address (RFC 6890)"),
    (_net("192.88.99.0/24"), "6to4 relay address (RFC 7526)"),
    (_net("2001::/23"), "protocol assignment or Teredo address (RFC 2928)"),
    (_net("3fff::/20"), "documentation address (RFC 9637)"),
    (_net("5f00::/16"), "segment routing address (RFC 9602)"),
    (_net("fec0::/10"), "site-local address (RFC 3879)"),
)
# IPv6 networks with an IPv4 address inside, and where its 32 bits begin from the right.
_EMBEDDING: tuple[tuple[ipaddress.IPv6Network, int, str], ...] = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0, "IPv4-mapped"),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0, "IPv4-translated"),
    (ipaddress.IPv6Network("::/96"), 0, "IPv4-compatible"),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0, "NAT64"),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0, "local NAT64"),
    (ipaddress.IPv6Network("2002::/16"), 80, "6to4"),
)


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Refuses every address that is not public, but those in `allow`.

    An allowed IPv4 network does not open the IPv6 forms that carry its addresses.
    """

    allow: tuple[Network, ...] = ()

    def refusal(self, address: str) -> str:
        """The reason why `address` must not be connected to, "" when it may be."""
        if "%" in address:
            return "address with a zone (RFC 4007)"
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return "not an address"
        if any(ip in network for network in self.allow if network.version == ip.version):
            return ""
        return _refusal(ip)


def _refusal(ip: Address) -> str:
    for network, reason in _NAMED:
        if ip.version == network.version and ip in network:
            return reason
    if ip.is_loopback:
        return "loopback address"
    if ip.is_unspecified:
        return "unspecified address"
    if isinstance(ip, ipaddress.IPv6Address):
        for embedding, shift, name in _EMBEDDING:
            if ip in embedding:
                inner = ipaddress.IPv4Address(int(ip) >> shift & 0xFFFFFFFF)
                return f"{name} IPv6 address of {inner}"
        if int(ip) >> 32 & 0xFFFFFFFF in (0x5EFE, 0x2005EFE):
            return "ISATAP address (RFC 5214)"
    if ip.is_multicast:
        return "multicast address"
    if ip.is_link_local:
        return "link-local address"
    if ip.is_private:
        return "private address"
    if ip.is_reserved or not ip.is_global:
        return "reserved address"
    return ""
