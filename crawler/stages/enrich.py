"""Who is behind the suspects: registration, DNS, hosting, certificates."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from datetime import datetime, timedelta

from crawler.enrich import Clients, enrich, rdap
from crawler.enrich.freshness import YOUNG, holds_for
from crawler.enrich.pace import ServerState
from crawler.model import Category, Enrichment, Identifier
from crawler.net.client import fetch
from crawler.net.connect import NetError
from crawler.operations import cdn_of
from crawler.store import Store, iso, parse_iso
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace

# A finding older than this is looked up again; of a domain registered lately, sooner.
ENRICH_DAYS = 7
YOUNG_DAYS = 1
BOOTSTRAP_DAYS = 30

logger = logging.getLogger(__name__)


async def enrich_sites(
    workspace: Workspace,
    store: Store,
    clock: Clock,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """Look up registration, DNS, hosting and certificate of suspects not looked up lately."""
    now = clock()
    accused = q.accused_hosts(store)
    known, young = _registrations(store, now)
    before = iso(now - timedelta(days=ENRICH_DAYS)) or ""
    young_before = iso(now - timedelta(days=YOUNG_DAYS)) or ""
    hosts = [
        site.host
        for site in q.sites(store).values()
        if not (young_before if site.registered_domain in young else before)
        <= site.enriched_at
        <= (iso(now) or "")
        and (Category(site.category or "unknown").is_scam or site.host in accused)
    ]
    counts: Counter[str] = Counter()
    if not hosts:
        return counts
    clients = replace(
        Clients.from_config(workspace.config, clock),
        bootstrap=await _bootstrap(workspace, now),
    )
    clients.paces.remember(
        ServerState(row["server"], row["pause"], row["quota"], parse_iso(row["rest_until"]))
        for row in q.rows(store, "SELECT * FROM servers")
    )
    async for enrichment in enrich(
        hosts,
        clients,
        now=clock,
        concurrency=workspace.config.crawl.concurrency,
        probe_label=lambda name: "probe-" + hashlib.sha256(name.encode()).hexdigest()[:12],
        known=known,
    ):
        moment = clock()
        store.add_enrichment(enrichment, tuple(ties(enrichment)), moment)
        counts["hosts"] += 1
        counts["failures"] += sum(1 for item in _parts(enrichment) if item)
        progress(counts["hosts"], len(hosts))
        if counts["hosts"] % 100 == 0:
            store.note_servers(map(astuple, clients.paces.states()), moment)
    store.note_servers(map(astuple, clients.paces.states()), clock())
    return counts


def _registrations(store: Store, now: datetime) -> tuple[set[str], set[str]]:
    """(domains whose registration still holds, domains registered lately)."""
    known: set[str] = set()
    young: set[str] = set()
    newest = q.rows(
        store,
        # A domain that WHOIS knew is known, whatever RDAP said in the same look.
        "SELECT domain, created, failure, max(fetched_at) AS fetched_at FROM (SELECT * FROM whois"
        " ORDER BY failure = '') GROUP BY domain",
    )
    for row in newest:
        created, fetched = parse_iso(row["created"]), parse_iso(row["fetched_at"])
        if fetched and timedelta(0) <= now - fetched < holds_for(row["failure"], created, now):
            known.add(row["domain"])
        if created and now - created < YOUNG:
            young.add(row["domain"])
    return known, young


async def _bootstrap(workspace: Workspace, now: datetime) -> dict[str, str]:
    """TLD → RDAP service as IANA has it, fetched again once a month; what is shipped serves where
    that fails, and nothing is fetched when the operator named a service."""
    address = workspace.config.rdap.bootstrap
    if workspace.config.rdap.base or not address:
        return {}
    path = workspace.root / "rdap-bootstrap.json"
    fresh = path.exists() and now.timestamp() - path.stat().st_mtime < BOOTSTRAP_DAYS * 86_400
    try:
        if not fresh:
            fetched = await fetch(
                address,
                resolver=workspace.resolver(),
                guard=workspace.guard(),
                port_map=workspace.config.network.port_map,
                user_agent=workspace.config.network.user_agent,
            )
            rdap.bootstrap(fetched.body or b"")
            part = path.with_suffix(".part")
            part.write_bytes(fetched.body or b"")
            part.replace(path)
        return rdap.bootstrap(path.read_bytes())
    except (NetError, OSError, ValueError) as error:
        logger.warning("RDAP bootstrap %s: %s; the shipped one serves", address, error)
    try:
        return rdap.bootstrap(path.read_bytes())
    except (OSError, ValueError):
        return {}


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
    if enrichment.favicon:
        yield Identifier("favicon", enrichment.favicon)
    if (certificate := enrichment.certificate) and certificate.sha256:
        # A key that is used again ties like the certificate itself.
        yield Identifier("certificate", certificate.key_sha256 or certificate.sha256)
