"""The edge to the network: address guard, resolver, checked connections, download handler."""

from crawler.net.guard import AddressGuard
from crawler.net.resolver import Answer, Resolver

__all__ = ["AddressGuard", "Answer", "Resolver"]
