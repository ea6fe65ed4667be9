"""Sites judged scam, tied into operations."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from crawler import operations
from crawler.model import Category, Identifier
from crawler.store import Store, parse_iso
from crawler.store import queries as q


def link(store: Store, now: datetime) -> Counter[str]:
    """Tie sites judged scam into operations, and note what became of the earlier ones."""
    sites = q.sites(store)
    found = q.identifiers(store)
    guilty = {host for host, site in sites.items() if Category(site.category or "unknown").is_scam}
    bursts = operations.bursts(
        (row["domain"], row["registrar"], created)
        for row in q.registrations(store).values()
        if (created := parse_iso(row["created"]))
    )
    for host in guilty:
        if burst := bursts.get(sites[host].registered_domain):
            found[host] = found.get(host, frozenset()) | {burst}
    for host, ip in q.innocent_addresses(store):
        # An address that innocents share with scams is a shared host's.
        found[host] = found.get(host, frozenset()) | {Identifier("ip", ip)}
    for host, targets in _link_targets(store, sites, guilty).items():
        shown = found.get(host, frozenset())
        # Who redirects there says it once.
        sent = {item.value for item in shown if item.kind == "redirect_target"}
        found[host] = shown | {Identifier("link_target", name) for name in targets - sent}
    facts = [
        operations.SiteFacts(
            host=site.host,
            registered_domain=site.registered_domain,
            category=Category(site.category or "unknown"),
            identifiers=found.get(site.host, frozenset()),
        )
        for site in sites.values()
    ]
    previous = q.stored_operations(store)
    linked = operations.link(facts, previous)
    changes = tuple(operations.changes(previous, linked))
    store.replace_operations(linked, changes, now)
    counts = Counter(item.event for item in changes)
    return Counter(
        operations=len(linked), members=sum(len(item.members) for item in linked), **counts
    )


def _link_targets(
    store: Store, sites: Mapping[str, q.SiteRow], guilty: set[str]
) -> dict[str, set[str]]:
    """Scam host → the other domains of scam sites that its pages link to."""
    found: dict[str, set[str]] = {}
    for origin, target, _ in q.edges(store):
        if origin in guilty and target in guilty:
            domain = sites[target].registered_domain
            if domain and domain != sites[origin].registered_domain:
                found.setdefault(origin, set()).add(domain)
    return found
