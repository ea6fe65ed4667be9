"""Sites tied into the operations that run them. Pure: no network, no clock."""

from crawler.operations.bursts import bursts
from crawler.operations.cdn import cdn_of
from crawler.operations.history import Change, changes
from crawler.operations.identifiers import identifiers
from crawler.operations.link import SiteFacts, link

__all__ = ["Change", "SiteFacts", "bursts", "cdn_of", "changes", "identifiers", "link"]
