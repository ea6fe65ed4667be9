"""The stages of a run over a workspace's store. Each is safe to repeat and returns its counts.

Here the pure parts meet the database and the clock; what is decided, is decided elsewhere.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blocklists import policy, release
from blocklists.collapse import parents
from blocklists.config import PublishConfig
from blocklists.delta import Removals
from blocklists.manifest import Manifest
from blocklists.select import Override, Selection, Site, select
from crawler import detect, operations, reports
from crawler.detect import discover
from crawler.enrich import Clients, enrich
from crawler.model import Candidate, Category, Enrichment, Identifier, Role, Verdict
from crawler.names import registered_domain
from crawler.net.client import Fetched, fetch
from crawler.net.connect import NetError
from crawler.reference import ReferenceTable
from crawler.reports import catalogue
from crawler.reports.catalogue import Feed, SourceError
from crawler.store import QueueEntry, Store, iso, parse_iso
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace

# A finding older than this is looked up again.
ENRICH_DAYS = 7
# Evidence at or above this weight (log-odds) counts as strong by itself: it multiplies the odds
# of a scam by at least e^1.5, about 4.5.
STRONG_WEIGHT = 1.5
MAX_REPORT_BYTES = 64_000_000
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


# Ingest


def ingest(
    store: Store,
    paths: Sequence[Path],
    now: datetime,
    *,
    column: str | None = None,
) -> tuple[Counter[str], list[str], dict[str, dict[str, int]]]:
    """Read report files, and folders of them: counts, one line per problem, counts by file."""
    counts: Counter[str] = Counter()
    by_file: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    for path in _files(paths):
        try:
            if path.stat().st_size > MAX_REPORT_BYTES:
                raise reports.ReportError(
                    f"{path}: larger than {MAX_REPORT_BYTES:,} bytes; split it"
                )
            readings = reports.read(path.read_bytes(), name=str(path), now=now, column=column)
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}; check its permissions")
            continue
        except reports.ReportError as error:
            problems.append(str(error))
            continue
        counts["files"] += 1
        here: Counter[str] = Counter()
        for reading in readings:
            problems += reading.problems
            here["reports"] += 1
            here["mentions"] += store.add_report(reading.report, reading.mentions)
            here.update(mention.role.value for mention in reading.mentions)
        counts.update(here)
        by_file[str(path)] = dict(sorted(here.items()))
    return counts, problems, by_file


async def ingest_url(
    workspace: Workspace, store: Store, url: str, now: datetime, column: str | None = None
) -> tuple[Counter[str], list[str]]:
    """Fetch one report or feed and read it; returns counts and one line per problem."""
    try:
        fetched = await fetch(
            url,
            resolver=workspace.resolver(),
            guard=workspace.guard(),
            port_map=workspace.config.network.port_map,
            user_agent=workspace.config.network.user_agent,
        )
        readings = reports.read(fetched.body or b"", name=url, now=now, column=column)
    except NetError as error:
        return Counter(), [f"{url}: not fetched: {error}; check the address, or hand in a file"]
    except reports.ReportError as error:
        return Counter(), [str(error)]
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for reading in readings:
        problems += reading.problems
        counts["reports"] += 1
        counts["mentions"] += store.add_report(reading.report, reading.mentions)
        counts.update(mention.role.value for mention in reading.mentions)
    return counts, problems


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = (item for item in path.rglob("*") if not item.is_dir())
            yield from sorted(item for item in found if not item.name.startswith("."))
        else:
            yield path


# Sources


async def fetch_sources(
    workspace: Workspace, store: Store, clock: Clock
) -> tuple[Counter[str], list[str]]:
    """Fetch the chosen sources that are due; returns counts and one line per problem.

    A source that fails costs one line; the others go on. Raises SourceError for a wrong choice.
    """
    counts: Counter[str] = Counter()
    problems: list[str] = []
    states = q.source_states(store)
    resolver, guard = workspace.resolver(), workspace.guard()
    for feed in catalogue.chosen(feeds(workspace), workspace.config.sources.use):
        now = clock()
        state = states.get(feed.name)
        if state and not is_due(feed, state["fetched_at"], now):
            continue
        known = state if state and not feed.paging else {"etag": "", "modified": ""}
        bodies: list[bytes] = []
        fetched = Fetched(None)
        try:
            for address in feed.pages():
                fetched = await fetch(
                    address,
                    resolver=resolver,
                    guard=guard,
                    port_map=workspace.config.network.port_map,
                    user_agent=workspace.config.network.user_agent,
                    etag=known["etag"] or "",
                    modified=known["modified"] or "",
                )
                if fetched.body is None or fetched.body in bodies:
                    break
                bodies.append(fetched.body)
            hosts = _take(store, feed, bodies, now) if bodies else None
            store.note_source(
                feed.name, now, hosts=hosts, etag=fetched.etag, modified=fetched.modified
            )
            counts["fetched" if bodies else "unchanged"] += 1
            counts["hosts"] += hosts or 0
        except (NetError, SourceError, reports.ReportError) as error:
            counts["failed"] += 1
            store.note_source(feed.name, now, failure=str(error)[:300])
            since = state["succeeded_at"] if state and state["succeeded_at"] else "never"
            problems.append(f"source {feed.name}: {error} (last success: {since})")
    return counts, problems


def feeds(workspace: Workspace) -> tuple[Feed, ...]:
    """The shipped sources and the operator's own; one of the same name replaces the shipped one."""
    found = {feed.name: feed for feed in catalogue.shipped()}
    found |= {feed.name: feed for feed in catalogue.own(workspace.sources)}
    return tuple(found[name] for name in sorted(found))


def is_due(feed: Feed, fetched_at: str | None, now: datetime) -> bool:
    """Whether `feed` was last fetched longer ago than its rhythm, or in the clock's future."""
    last = parse_iso(fetched_at)
    return last is None or not timedelta(0) <= now - last < timedelta(hours=feed.rhythm_hours)


def _take(store: Store, feed: Feed, bodies: Sequence[bytes], now: datetime) -> int:
    """Store what an answer newly names; returns how many hosts it names in all."""
    before = q.urls_of_source(store, feed.address)
    hosts: set[str] = set()
    for body in bodies:
        given = catalogue.addresses(feed, body)
        if not given.strip():
            continue
        name = f"{feed.name} ({feed.publisher})"
        for reading in reports.read(given, name=name, now=now, column=feed.column):
            accused = [item for item in reading.mentions if item.role is Role.ACCUSED]
            hosts |= {item.host for item in accused}
            report = replace(
                reading.report,
                source=feed.address,
                kind=f"source:{feed.kind}",
                title=f"{feed.publisher}: {feed.title}",
                # The list itself is kept where it comes from; what matters are its mentions.
                body=f"{feed.title}, {feed.publisher}. Licence: {feed.licence}",
            )
            new = [item for item in reading.mentions if item.url not in before]
            if new:
                store.add_report(report, new)
                before |= {item.url for item in new}
    if len(hosts) < feed.minimum:
        raise SourceError(
            f"names {len(hosts)} hosts, at least {feed.minimum} expected; its form changed, "
            "or its file in sources/ is wrong"
        )
    return len(hosts)


# Decide


def decide(store: Store, model: detect.Model, now: datetime) -> Counter[str]:
    """Judge every host from all its pages and its neighbours.

    Neighbours count by their own verdict, so the hosts are judged three times: alone, then twice
    with what the round before said of the others. The result does not depend on any order.
    """
    pages = q.latest_pages(store)
    sites = q.sites(store)
    facts = _facts(store, pages, sites, now)
    edges = q.edges(store)
    verdicts: dict[str, Verdict] = {}
    for _ in range(3):
        near = _neighbours(edges, sites, verdicts)
        verdicts = {
            host: detect.judge_host(_with(facts[host], near, host), model) for host in facts
        }
    counts: Counter[str] = Counter()
    for host, verdict in verdicts.items():
        rows = pages.get(host, [])
        shown = [row for row in rows if row.verdict and row.verdict.category is verdict.category]
        language = Counter(row.language for row in shown or rows if row.language).most_common(1)
        titles = [row.title for row in sorted(rows, key=lambda row: len(row.url)) if row.title]
        store.decide(
            host,
            verdict,
            status=site_status(rows, verdict),
            language=language[0][0] if language else "",
            title=titles[0] if titles else "",
            now=now,
        )
        counts[verdict.category.value] += 1
    return counts


def _facts(
    store: Store,
    pages: Mapping[str, Sequence[q.PageRow]],
    sites: Mapping[str, q.SiteRow],
    now: datetime,
) -> dict[str, detect.HostFacts]:
    accusations = q.accusations(store)
    registrations = q.registrations(store)
    wildcards = q.wildcards(store)
    facts: dict[str, detect.HostFacts] = {}
    for host, site in sites.items():
        registration = registrations.get(site.registered_domain)
        created = parse_iso(registration["created"]) if registration else None
        facts[host] = detect.HostFacts(
            host=host,
            registered_domain=site.registered_domain,
            pages=tuple(_summaries(pages.get(host, ()))),
            accused_in=accusations.get(host, 0),
            age_days=(now - created).total_seconds() / 86_400 if created else None,
            wildcard_dns=site.registered_domain in wildcards,
            front_tried=any(
                row.url.count("/") == 3 and row.url[-1] == "/" for row in pages.get(host, ())
            ),
        )
    return facts


def _summaries(rows: Sequence[q.PageRow]) -> Iterator[detect.PageSummary]:
    innocent = {
        row.url
        for row in rows
        if row.profile == "crawler" and row.verdict and not row.verdict.category.is_scam
    }
    for row in rows:
        if row.verdict:
            cloaked = (
                row.profile != "crawler" and row.url in innocent and row.verdict.category.is_scam
            )
            if row.profile == "crawler" or cloaked:
                yield detect.PageSummary(
                    url=row.url, verdict=row.verdict, cloaked=cloaked, status=row.status
                )


_JUMPS = frozenset({"redirect", "refresh", "script", "frame"})
Neighbours = tuple[
    Mapping[str, list[str]], Mapping[str, set[str]], Mapping[str, int], Mapping[str, Verdict]
]


def _neighbours(
    edges: Sequence[tuple[str, str, str]],
    sites: Mapping[str, q.SiteRow],
    verdicts: Mapping[str, Verdict],
) -> Neighbours:
    redirects: dict[str, list[str]] = {}
    linked: dict[str, set[str]] = {}
    guilty: Counter[str] = Counter()
    for origin, target, kind in edges:
        verdict = verdicts.get(target)
        if kind in _JUMPS and verdict:
            redirects.setdefault(origin, []).append(verdict.category.value)
        own = sites.get(origin)
        source = verdicts.get(origin)
        if own and source and source.category.is_scam and own.registered_domain != target:
            linked.setdefault(target, set()).add(own.registered_domain)
    for host, verdict in verdicts.items():
        if verdict.category.is_scam:
            guilty[sites[host].registered_domain] += 1
    return redirects, linked, guilty, verdicts


def _with(facts: detect.HostFacts, near: Neighbours, host: str) -> detect.HostFacts:
    redirects, linked, guilty, verdicts = near
    own = verdicts.get(host)
    siblings = guilty.get(facts.registered_domain, 0) - bool(own and own.category.is_scam)
    return replace(
        facts,
        redirects_to=tuple(sorted(redirects.get(host, ()))),
        linked_from_scam=len(linked.get(host, set()) - {facts.registered_domain}),
        sibling_labels=siblings,
    )


def site_status(rows: Sequence[q.PageRow], verdict: Verdict) -> str:
    """live, dead, parked, blocked or error, from the latest looks at a host's pages."""
    if verdict.kind == "parked":
        return "parked"
    answered = [row for row in rows if not row.failure]
    if any(row.status < 400 for row in answered):
        return "live"
    if any(row.status in (401, 403, 429, 451) for row in answered):
        return "blocked"
    if answered:
        return "error"
    gone = ("dns:nxdomain", "dns:nodata", "refused", "unreachable", "timeout")
    return "dead" if rows and all(row.failure in gone for row in rows) else "error"


# Enrich


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
        if site.enriched_at < before
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
        if registration.created and registration.registrar:
            hour = registration.created.strftime("%Y-%m-%dT%H")
            yield Identifier("registration_burst", f"{registration.registrar} {hour}")
        for server in registration.name_servers:
            yield Identifier("name_server", server.lower().rstrip("."))
    for record in enrichment.dns:
        if record.type in ("A", "AAAA") and record.value:
            yield Identifier("ip", record.value)
        elif record.type == "NS" and record.value:
            yield Identifier("name_server", record.value.lower().rstrip("."))
    if enrichment.certificate and enrichment.certificate.sha256:
        yield Identifier("certificate", enrichment.certificate.sha256)


# Link


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


# Discover

# A proposal is looked at when nothing better waits.
PROPOSAL_PRIORITY = 0.15
MAX_PROPOSALS = 2_000


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
    """Name → the host it follows from, for sites judged scam: numbers and certificate names."""
    found: dict[str, str] = {}
    for site in q.sites(store).values():
        # Below a wildcard every label is alive, so only registered names say something.
        registered = site.host.removeprefix("www.") == site.registered_domain
        scam = Category(site.category or "unknown").is_scam and site.status == "live"
        if scam and registered:
            for name in discover.siblings(site.host):
                found.setdefault(name, site.host)
    for host, names in q.certificate_names(store):
        for name in names.split():
            if not name.startswith("*"):
                found.setdefault(name, host)
    return {name: host for name, host in found.items() if not reference.reason(name)}


# Appeals


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


# Publish


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
    protected = _protection(workspace, store, reference)
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
    )


def _protection(
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


def next_publish(
    workspace: Workspace, store: Store, reference: ReferenceTable, domain: str, now: datetime
) -> list[str]:
    """What the next publish does with `domain`, in lines: its entries, or why it has none."""
    protected = _protection(workspace, store, reference)
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
                urls=tuple(sorted({row.url for row in guilty}))[:20],
                scam_labels=labels[site.registered_domain],
                apex_innocent=bool(apex and apex.category == "benign" and apex.status == "live"),
            )
        )
    return found


def _strong(store: Store, host: str, category: Category) -> dict[str, str]:
    """Signal → short reason, for the strongest evidence of each signal, best first."""
    rows = q.rows(
        store,
        "SELECT signal, value, max(weight) AS weight FROM evidence"
        " WHERE host = ? AND category IN (?, 'other_scam') AND weight >= ?"
        " GROUP BY signal ORDER BY 3 DESC, 1",
        (host, category.value, STRONG_WEIGHT),
    )
    return {row["signal"]: f"{row['signal']}: {row['value']}"[:160] for row in rows}


def trail(store: Store, host: str) -> list[tuple[str, str]]:
    """The steps from a report to `host`: ("report", id) or ("page", URL), the report first.

    Goes back along `via` from the first page of the host; empty when the host was never visited.
    """
    row = next(
        iter(
            q.rows(
                store,
                "SELECT url, via FROM pages WHERE host = ? ORDER BY depth, id LIMIT 1",
                (host,),
            )
        ),
        None,
    )
    steps: list[tuple[str, str]] = []
    seen: set[str] = set()
    while row is not None and row["url"] not in seen:
        seen.add(row["url"])
        steps.append(("page", row["url"]))
        via = row["via"]
        if via.startswith("proposal:"):
            steps.append(("proposal", via.removeprefix("proposal:")))
            via = f"http://{via.removeprefix('proposal:')}/"
        if via.startswith("report:"):
            identity = via.removeprefix("report:")
            steps.append(("report", identity))
            report = q.rows(store, "SELECT kind, source FROM reports WHERE id = ?", (identity,))
            # A page that was read as a report was itself reached somehow.
            via = report[0]["source"] if report and report[0]["kind"] == "web" else ""
        found = q.rows(
            store, "SELECT url, via FROM pages WHERE url = ? ORDER BY depth, id LIMIT 1", (via,)
        )
        row = found[0] if found else None
    return steps[::-1]
