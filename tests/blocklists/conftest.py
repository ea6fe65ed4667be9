"""Sites and listings as the tests need them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from blocklists.select import Site
from crawler.model import Category, Listing
from crawler.names import registered_domain

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def site() -> Callable[..., Site]:
    """A host with evidence enough for every tier, unless told otherwise."""

    def make(host: str, **changes: Any) -> Site:
        facts: dict[str, Any] = {
            "category": Category.GAMBLING,
            "kind": "operator",
            "probability": 0.99,
            "status": "live",
            "last_checked": NOW,
            "first_seen": NOW,
            "reasons": ("names an operator's brand", "asks for a deposit"),
            "strong": 2,
            "pages": 3,
        }
        return Site(host, registered_domain(host), **(facts | changes))

    return make


@pytest.fixture
def listing() -> Callable[..., Listing]:
    def make(domain: str, *, exact: bool = False, **changes: Any) -> Listing:
        facts: dict[str, Any] = {"list": "all", "tier": "wide", "since": NOW, "reason": "seen"}
        return Listing(domain, **(facts | changes), exact=exact)

    return make
