"""Who is behind the suspects: registration, DNS, hosting, certificates."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from crawler.enrich import Clients, enrich
from crawler.model import Category, Enrichment, Identifier
from crawler.operations import cdn_of
from crawler.store import Store, iso
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace

# A finding older than this is looked up again.
ENRICH_DAYS = 7


async def enrich_sites(
    workspace: Workspace,
    store: Store,
    clock: Clock,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Look up registration, DNS, hosting and certificate of suspects not looked up lately."""
    now = clock()
    before = iso(now - timedelta(days=ENRICH_DAYS)) or ""
    accused = q.accused_hosts(store)
    hosts = [
        site.host
        for site in q.sites(store).values()
        if not before <= site.enriched_at <= (iso(now) or "")
        and (Category(site.category or "unknown").is_scam or site.host in accused)
    ]
    counts: Counter[str] = Counter()
    if not hosts:
        return counts
    clients = Clients.from_config(workspace.config)
    async for enrichment in enrich(
        hosts,
        clients,
        now=clock,
        concurrency=workspace.config.crawl.concurrency,
        probe_label=lambda name: "probe-" + hashlib.sha256(name.encode()).hexdigest()[:12],
    ):
        moment = clock()
        store.add_enrichment(enrichment, tuple(ties(enrichment)), moment)
        counts["hosts"] += 1
        counts["failures"] += sum(1 for item in _parts(enrichment) if item)
        progress(counts["hosts"], len(hosts))
    return counts


def _parts(enrichment: Enrichment) -> Iterator[str]:
    yield from (item.failure for item in enrichment.registration)
    yield from (item.failure for item in enrichment.dns)
    yield from (item.failure for item in enrichment.hosting)
    if enrichment.certificate:
        yield enrichment.certificate.failure


def ties(enrichment: Enrichment) -> Iterator[Identifier]:
    """What an enrichment adds to the identifiers of a site."""
    for registration in enrichment.registration:
        for server in registration.name_servers:
            yield Identifier("name_server", server.lower().rstrip("."))
    for record in enrichment.dns:
        if record.type in ("A", "AAAA") and record.value and not cdn_of(record.value):
            yield Identifier("ip", record.value)
        elif record.type == "NS" and record.value:
            yield Identifier("name_server", record.value.lower().rstrip("."))
    if (certificate := enrichment.certificate) and certificate.sha256:
        # A key that is used again ties like the certificate itself.
        yield Identifier("certificate", certificate.key_sha256 or certificate.sha256)
