"""Names that are likely to belong to what is known, queued when they are alive."""

import asyncio
from collections import Counter
from collections.abc import Mapping

from crawler.detect import discover
from crawler.model import Candidate, Category
from crawler.names import public_suffix, registered_domain
from crawler.reference import ReferenceTable
from crawler.store import QueueEntry, Store
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace

# A proposal is looked at when nothing better waits.
PROPOSAL_PRIORITY = 0.15
MAX_PROPOSALS = 2_000
MAX_SUFFIXES = 6
# On these kinds of sites the name was another's before, or still is.
_BORROWED = frozenset({"doorway", "link_farm", "hacked", "redirector"})


async def propose(
    workspace: Workspace, store: Store, names: Mapping[str, str], clock: Clock
) -> Counter[str]:
    """Queue those of `names` (name → the reason it is proposed) that DNS knows, at low priority.

    They are marked as proposals by their `via` until a page proves them.
    """
    counts: Counter[str] = Counter()
    resolver = workspace.resolver()
    seen = q.known_hosts(store)
    fresh = [name for name in names if name not in seen][:MAX_PROPOSALS]

    async def alive(name: str) -> bool:
        return bool((await resolver.addresses(name)).values)

    for start in range(0, len(fresh), 64):
        batch = fresh[start : start + 64]
        answers = await asyncio.gather(*(alive(name) for name in batch))
        entries = [
            QueueEntry(
                Candidate(
                    url=f"http://{name}/",
                    host=name,
                    registered_domain=registered_domain(name) or name,
                    via=f"proposal:{names[name]}"[:300],
                    context=names[name][:300],
                    priority=PROPOSAL_PRIORITY,
                )
            )
            for name, answers_now in zip(batch, answers, strict=True)
            if answers_now
        ]
        store.enqueue(entries, clock())
        counts["alive"] += len(entries)
        counts["proposed"] += len(batch)
    return counts


def sibling_names(store: Store, reference: ReferenceTable) -> dict[str, str]:
    """Name → the host it follows from, for sites judged scam.

    Numbers counted on, the suffixes that such sites like best, and names in certificates.
    """
    found: dict[str, str] = {}
    # Below a wildcard every label is alive, so only registered names say something.
    scams = [
        site
        for site in q.sites(store).values()
        if Category(site.category or "unknown").is_scam
        and site.status == "live"
        and site.host.removeprefix("www.") == site.registered_domain
    ]
    liked = Counter(public_suffix(site.host) for site in scams)
    suffixes = sorted(liked, key=lambda suffix: (-liked[suffix], suffix))[:MAX_SUFFIXES]
    for site in scams:
        likely = [*discover.siblings(site.host)]
        if site.kind not in _BORROWED:
            likely += discover.elsewhere(site.registered_domain, suffixes)
        for name in likely:
            found.setdefault(name, site.host)
    for host, shown in q.certificate_names(store):
        for name in shown.split():
            if not name.startswith("*"):
                found.setdefault(name, host)
    return {name: host for name, host in found.items() if not reference.reason(name)}
