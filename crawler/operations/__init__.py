"""Sites tied into the operations that run them. Pure: no network, no clock."""

from crawler.operations.identifiers import identifiers
from crawler.operations.link import SiteFacts, link

__all__ = ["SiteFacts", "identifiers", "link"]
