"""The chosen sources of the catalogue, fetched when due."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crawler import reports
from crawler.model import Role
from crawler.net.client import Fetched, fetch
from crawler.net.connect import NetError
from crawler.reports import catalogue
from crawler.reports.catalogue import Feed, SourceError
from crawler.store import Store, parse_iso
from crawler.store import queries as q
from crawler.workspace import Clock, Workspace


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
