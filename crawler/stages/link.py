"""Sites judged scam, tied into operations."""

from collections import Counter
from datetime import datetime

from crawler import operations
from crawler.model import Category
from crawler.store import Store
from crawler.store import queries as q


def link(store: Store, now: datetime) -> Counter[str]:
    """Tie sites judged scam into operations."""
    found = q.identifiers(store)
    facts = [
        operations.SiteFacts(
            host=site.host,
            registered_domain=site.registered_domain,
            category=Category(site.category or "unknown"),
            identifiers=found.get(site.host, frozenset()),
        )
        for site in q.sites(store).values()
    ]
    linked = operations.link(facts, q.stored_operations(store))
    store.replace_operations(linked, now)
    return Counter(operations=len(linked), members=sum(len(item.members) for item in linked))
