"""Select, check and write the lists."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from blocklists import policy, release
from blocklists.config import PublishConfig
from blocklists.delta import Removals
from blocklists.manifest import Manifest
from blocklists.select import HACKED_KIND, Address, GuiltyPage, Override, Selection, Site, select
from crawler.detect.signals import LEARNT
from crawler.model import Category
from crawler.reference import ReferenceTable
from crawler.stages.sources import feeds
from crawler.store import Store, parse_iso, summaries
from crawler.store import queries as q
from crawler.workspace import Workspace

# Evidence at or above this weight (log-odds) counts as strong by itself: it multiplies the odds
# of a scam by at least e, about 2.7. What was learnt of n-grams gives no reason.
STRONG_WEIGHT = 1.0
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def publish(
    workspace: Workspace,
    store: Store,
    reference: ReferenceTable,
    now: datetime,
    *,
    force: bool = False,
) -> tuple[Manifest, Selection]:
    """Select, check and write the lists.

    Raises SafetyStop, with the old files untouched, when the result looks wrong. The files are
    written before the database says so: a run killed in between is put right by the next one.
    """
    settings = workspace.config.publish
    policies = policy.load(workspace.policies, settings.policies)
    protected = protection(workspace, store, reference)
    chosen = choose(workspace, store, protected, policies, now)
    manifest = release.publish(
        chosen,
        workspace.public,
        now=now,
        config=PublishConfig(
            title=settings.title,
            licence=settings.licence,
            homepage=settings.homepage,
            appeal=settings.contact,
            max_removed_percent=settings.max_removed_percent,
            max_added_percent=settings.max_added_percent,
            policies=policies,
        ),
        protected=protected,
        force=force,
        signer=workspace.signer(),
        # Files that a power cut or a restore took back have been seen by consumers.
        after=q.rows(store, "SELECT coalesce(max(serial), 0) FROM releases")[0][0],
    )
    store.replace_listings(
        {
            (item.domain, item.list, item.tier): (item.reason, item.exact)
            for item in chosen.listings
            if item.list != policy.FOLDER  # follows from `strict` and the licences
        },
        ((item.domain, item.list, item.tier, item.reason) for item in chosen.refusals),
        Removals(chosen).why,
        now,
    )
    summaries.refresh(store)
    step = manifest.history[0]
    everything = [counts for name, counts in step.counts.items() if name.startswith("all/")]
    store.add_release(
        manifest.serial,
        manifest.published_at,
        entries=max((counts.entries for counts in everything), default=0),
        added=max((counts.added for counts in everything), default=0),
        removed=max((counts.removed for counts in everything), default=0),
        digest=hashlib.sha256(manifest.to_json().encode()).hexdigest(),
    )
    return manifest, chosen


def choose(
    workspace: Workspace,
    store: Store,
    protected: Callable[[str], str],
    policies: Sequence[policy.Policy],
    now: datetime,
) -> Selection:
    """What the lists would hold if they were published now."""
    overrides = [
        Override(
            domain=row["domain"],
            action=row["action"],
            reason=row["reason"],
            author=row["author"],
            created_at=parse_iso(row["created_at"]) or now,
            expires_at=parse_iso(row["expires_at"]),
        )
        for row in q.active_overrides(store, now)
    ]
    return select(
        candidates(store),
        overrides,
        protected=protected,
        now=now,
        keep_days=workspace.config.publish.keep_days,
        policies=policies,
        addresses=addresses(store),
    )


def protection(
    workspace: Workspace, store: Store, reference: ReferenceTable
) -> Callable[[str], str]:
    """Gives the reason why a host is never listed, or ""."""
    mentioned = q.mentioned_innocents(store)
    own_sources = {feed.host for feed in feeds(workspace)}

    def protected(host: str) -> str:
        if reason := reference.reason(host):
            return reason
        if host in own_sources:
            return "one of our own sources"
        role = mentioned.get(host)
        return f"a report names it as {role}" if role else ""

    return protected


def candidates(store: Store) -> list[Site]:
    """Every judged host in the form that selection takes."""
    sites = q.sites(store)
    accusations = q.accusations(store)
    labels: Counter[str] = Counter()
    for site in sites.values():
        if site.host != site.registered_domain and Category(site.category or "unknown").is_scam:
            labels[site.registered_domain] += 1
    found: list[Site] = []
    for host, rows in q.latest_pages(store).items():
        site = sites[host]
        category = Category(site.category or "unknown")
        apex = sites.get(site.registered_domain)
        guilty = [row for row in rows if row.verdict and row.verdict.category.is_scam]
        innocent = [row for row in rows if row.verdict and row.verdict.category is Category.BENIGN]
        strong = _strong(store, host, category)
        found.append(
            Site(
                host=host,
                registered_domain=site.registered_domain,
                category=category,
                kind=site.kind,
                probability=site.probability,
                status=site.status,
                last_checked=parse_iso(site.last_seen or site.last_checked) or NEVER,
                first_seen=parse_iso(site.first_seen) or NEVER,
                reasons=tuple(strong.values()),
                strong=len(strong),
                pages=len({row.url for row in guilty}),
                innocent_pages=len({row.url for row in innocent} - {row.url for row in guilty}),
                accused_in=accusations.get(host, 0),
                guilty_pages=tuple(_guilty(guilty)) if site.kind == HACKED_KIND else (),
                scam_labels=labels[site.registered_domain],
                apex_innocent=bool(apex and apex.category == "benign" and apex.status == "live"),
            )
        )
    return found


def _guilty(rows: Iterable[q.PageRow]) -> Iterator[GuiltyPage]:
    """Each guilty page by itself, from its own evidence; of two looks at one the worse."""
    seen: set[str] = set()
    for row in sorted(rows, key=lambda row: -row.verdict.probability if row.verdict else 0.0):
        url = row.url.partition("#")[0]
        if not row.verdict or url in seen or row.status >= 400:
            continue
        seen.add(url)
        strong = {
            item.signal: f"{item.signal}: {item.value}"[:160]
            for item in sorted(row.verdict.evidence, key=lambda item: item.weight)
            if item.weight >= STRONG_WEIGHT
            and not item.signal.endswith(LEARNT)
            and item.category in (row.verdict.category, Category.OTHER_SCAM)
        }
        yield GuiltyPage(
            url,
            row.verdict.category,
            row.verdict.probability,
            len(strong),
            tuple(reversed(strong.values())),
        )


def addresses(store: Store) -> list[Address]:
    """Every address at which a host was seen, in DNS or by a visit, with all hosts seen there."""
    found: dict[str, Address] = {}
    for row in q.rows(
        store,
        "SELECT a.ip, a.host, coalesce(i.asn, 0) AS asn, a.first_seen, a.last_seen FROM ("
        " SELECT value AS ip, host, first_seen, last_seen FROM dns"
        "  WHERE type IN ('A', 'AAAA') AND failure = '' AND value != ''"
        " UNION ALL SELECT ip, host, min(fetched_at), max(fetched_at) FROM pages"
        "  WHERE ip != '' GROUP BY ip, host"
        ") a LEFT JOIN ips i ON i.ip = a.ip ORDER BY a.ip",
    ):
        first, last = parse_iso(row["first_seen"]) or NEVER, parse_iso(row["last_seen"]) or NEVER
        known = found.get(row["ip"]) or Address(row["ip"], frozenset(), row["asn"], first, last)
        found[row["ip"]] = replace(
            known,
            hosts=known.hosts | {row["host"]},
            first_seen=min(known.first_seen, first),
            last_seen=max(known.last_seen, last),
        )
    return list(found.values())


def _strong(store: Store, host: str, category: Category) -> dict[str, str]:
    """Signal → short reason, for the strongest evidence of each signal, best first."""
    rows = q.rows(
        store,
        "SELECT signal, value, max(weight) AS weight FROM evidence"
        " WHERE host = ? AND category IN (?, 'other_scam') AND weight >= ?"
        " AND signal NOT LIKE ? GROUP BY signal ORDER BY 3 DESC, 1",
        (host, category.value, STRONG_WEIGHT, f"%{LEARNT}"),
    )
    return {row["signal"]: f"{row['signal']}: {row['value']}"[:160] for row in rows}
