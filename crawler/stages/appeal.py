"""What is held against a domain, and what the next publish does with it."""

from datetime import datetime

from blocklists import policy
from blocklists.collapse import parents
from crawler.names import registered_domain
from crawler.reference import ReferenceTable
from crawler.stages.publish import choose, protection
from crawler.store import Store
from crawler.store import queries as q
from crawler.workspace import Workspace


def held_against(store: Store, domain: str) -> str:
    """One line a host of `domain` and below, as the findings judge them now."""
    rows = q.rows(
        store,
        "SELECT host, category, kind, probability, status FROM sites"
        " WHERE host IN (?1, ?2) OR substr(host, -length(?1) - 1) = '.' || ?1"
        " ORDER BY probability DESC, host LIMIT ?3",
        (domain, registered_domain(domain) or domain, q.APPEAL_HOSTS),
    )
    return "\n".join(
        f"{row['host']}: {row['category'] or 'not judged'} / {row['kind'] or ''}"
        f" p={row['probability'] or 0:.3f} {row['status'] or ''}".rstrip()
        for row in rows
    )


def next_publish(
    workspace: Workspace, store: Store, reference: ReferenceTable, domain: str, now: datetime
) -> list[str]:
    """What the next publish does with `domain`, in lines: its entries, or why it has none."""
    protected = protection(workspace, store, reference)
    policies = policy.load(workspace.policies, workspace.config.publish.policies)
    chosen = choose(workspace, store, protected, policies, now)
    covering = {domain, *parents(domain)}
    lines = [
        f"{entry.list}/{entry.tier}: lists {entry.domain}: {entry.reason}"
        for entry in chosen.listings
        if entry.list != policy.FOLDER
        and (entry.domain == domain or (entry.domain in covering and not entry.exact))
    ]
    lines += [
        f"{item.list}/{item.tier}: leaves {item.domain} out: {item.reason}"
        for item in chosen.refusals
        if item.domain == domain or item.domain.endswith(f".{domain}")
    ]
    return lines or ["no list names it: nothing is held against it"]
