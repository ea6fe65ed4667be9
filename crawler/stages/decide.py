"""Every host judged from all its pages and its neighbours."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from crawler import detect
from crawler.frontier.follow import BROWSER, CRAWLER, VICTIM
from crawler.model import Verdict
from crawler.store import Store, parse_iso
from crawler.store import queries as q

# A host that has not answered for so long is dead; for less it may only be down.
SILENCE = timedelta(days=3)
# A banner of an authority says little else; an article that quotes one says more.
SHORT_TEXT = 400


def decide(store: Store, model: detect.Model, now: datetime) -> Counter[str]:
    """Judge every host from all its pages and its neighbours.

    Neighbours count by their own verdict, so the hosts are judged three times: alone, then twice
    with what the round before said of the others. The result does not depend on any order.
    """
    pages = q.latest_pages(store)
    sites = q.sites(store)
    facts = _facts(store, pages, sites, now)
    edges = q.edges(store)
    name_servers = q.name_servers(store)
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
            status=site_status(
                rows,
                verdict,
                silent=_silence(sites[host]),
                name_servers=name_servers.get(sites[host].registered_domain, ()),
            ),
            language=language[0][0] if language else "",
            title=titles[0] if titles else "",
            now=now,
        )
        counts[verdict.category.value] += 1
    return counts


def _silence(site: q.SiteRow) -> timedelta:
    """How long a site had not answered when it was last visited; none for one that never did."""
    seen, checked = parse_iso(site.last_seen), parse_iso(site.last_checked)
    return checked - seen if seen and checked else timedelta(0)


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
        # After now means that the clock is wrong, not that the domain is new.
        known = created is not None and created <= now
        facts[host] = detect.HostFacts(
            host=host,
            registered_domain=site.registered_domain,
            pages=tuple(_summaries(pages.get(host, ()))),
            accused_in=accusations.get(host, 0),
            age_days=(now - created).total_seconds() / 86_400 if created and known else None,
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
    # What scripts fill is what the page says; without them it says little or nothing.
    rendered = {row.url for row in rows if row.profile == BROWSER and row.verdict}
    for row in rows:
        if row.verdict:
            cloaked = row.profile == VICTIM and row.url in innocent and row.verdict.category.is_scam
            if row.profile == BROWSER or cloaked or row.profile == CRAWLER:
                if row.profile == CRAWLER and row.url in rendered & innocent:
                    continue
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


def site_status(
    rows: Sequence[q.PageRow],
    verdict: Verdict,
    *,
    silent: timedelta = timedelta(0),
    name_servers: Iterable[str] = (),
) -> str:
    """live, dead, parked, seized, blocked or error, from the latest looks at a host's pages.

    `silent` is how long before the last visit the host answered last; `name_servers` are those of
    its registered domain.
    """
    answered = [row for row in rows if not row.failure]
    said = [f"{row.title} {row.text}".lower() for row in answered if len(row.text) < SHORT_TEXT]
    endings = _endings()
    if any(phrase in text for text in said for phrase in endings["seized"]):
        return "seized"
    if verdict.kind == "parked":
        return "parked"
    parking = tuple(f".{name}" for name in endings["parking"])
    if not verdict.category.is_scam and any(f".{name}".endswith(parking) for name in name_servers):
        return "parked"
    if silent >= SILENCE:
        return "dead"
    if any(row.status < 400 for row in answered):
        return "live"
    if any(row.status in (401, 403, 429, 451) for row in answered):
        return "blocked"
    if answered:
        return "error"
    gone = ("dns:nxdomain", "dns:nodata", "refused", "unreachable", "timeout")
    return "dead" if rows and all(row.failure in gone for row in rows) else "error"


@cache
def _endings() -> dict[str, list[str]]:
    text = (files("crawler") / "data" / "endings.toml").read_text("utf-8")
    return tomllib.loads(text)
