"""Where a page leads: which of its links are kept as edges and which are queued. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from crawler.frontier.learn import stem
from crawler.model import Candidate, Category, Link, Page, Verdict
from crawler.names import registered_domain
from crawler.store import QueueEntry, host_of
from crawler.store.queries import Queued

# The profile of a visitor from a chat application on a telephone.
VICTIM = "victim"
CRAWLER = "crawler"
# A browser that runs what the page's scripts say.
BROWSER = "browser"
# How the kind of an entry begins that looks at the same page again as somebody else.
AGAIN = "again"

# Each number bounds what one page can put into the queue or the database.
MAX_EDGES = 200
MAX_OUTWARD = 120
MAX_INWARD = {"scam": 8, "unknown": 4, "accused": 3}
# A page with less text than this and a jump to elsewhere is a signpost, not a page.
SIGNPOST_TEXT = 300
# A page with less text than this, and scripts, may be one that scripts fill.
SHELL_TEXT = 300
# From this priority on, every innocent-looking page gets a second look as a victim; front pages
# always do, since a host that cloaks does it there.
SECOND_LOOK = 0.8
# What a page that reads like a report keeps of its priority for that look, which comes late.
LATE_LOOK = 0.2
# A page further from every report than this is not read as a report itself.
MAX_READING_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Steps:
    """What follows from a page."""

    edges: tuple[Link, ...] = ()
    entries: tuple[QueueEntry, ...] = ()
    location: str = ""
    read_as_report: bool = False


def follow(
    page: Page,
    verdict: Verdict,
    queued: Queued,
    *,
    accused: bool,
    protected: Callable[[str], str],
    link_priority: Callable[[Link], float],
    max_depth: int,
    max_redirects: int,
    link_kind: Callable[[Link], str] = lambda link: "",
    renders: bool = False,
) -> Steps:
    """The steps from `page`, fetched for `queued` and judged `verdict`.

    `accused` says whether a report accuses the host; `protected` gives the reason why a host is
    beyond suspicion, or ""; `link_priority` scores a link of this page in [0, 1], `link_kind`
    names its kind. `renders` says whether pages can be shown in a browser.
    """
    jumps = _jumps(page, verdict)
    location = jumps[0].url if page.status in _REDIRECTS and jumps else ""
    entries: list[QueueEntry] = []
    kept: list[Link] = []
    if queued.hops < max_redirects:
        for link in jumps:
            kept.append(link)
            if not protected(host_of(link.url)):
                entries.append(_entry(page, link, queued, 0.97 * queued.priority, queued.hops + 1))
    scam = verdict.category.is_scam
    unsure = verdict.category is Category.UNKNOWN
    if (scam or unsure or accused) and page.url != _front(page).url:
        # However deep the page: only the front tells a scam from a site that was broken into.
        entries.append(_entry(page, _front(page), queued, 0.9 * queued.priority))
    if queued.depth < max_depth:
        if scam or unsure:
            outward = _outward(page, protected, link_priority, 1.0 if scam else 0.4)
            kept += [link for link, _ in outward]
            entries += [
                _entry(page, link, queued, priority) for link, priority in outward if priority > 0
            ]
        limit = MAX_INWARD["scam" if scam else "unknown" if unsure else "accused"]
        if scam or unsure or accused:
            inward = _inward(page, queued, link_priority, limit)
            entries += [_entry(page, link, queued, priority) for link, priority in inward]
            kept += [link for link, _ in inward]
    if (
        queued.profile == CRAWLER
        and not scam
        and not page.failure
        and page.status not in _REDIRECTS
        and (accused or page.url == _front(page).url or queued.priority >= SECOND_LOOK)
    ):
        # Innocent to a crawler says little about a page that a report or a scam led to.
        likely = LATE_LOOK if verdict.kind in _READABLE else 1.0
        entries.append(QueueEntry(_again(page, queued, likely), VICTIM))
        if renders and is_shell(page, accused=accused):
            entries.append(QueueEntry(_again(page, queued, likely), BROWSER))
    kinds = {link.url: link_kind(link) for link in kept}
    kinds[page.url] = f"{AGAIN} {'accused' if accused else 'met'} {verdict.category.value}"
    network = queued.network if scam else ""
    return Steps(
        edges=tuple(dict.fromkeys(kept[:MAX_EDGES])),
        entries=tuple(
            replace(
                entry,
                kind=kinds.get(entry.candidate.url, f"own {verdict.category.value}"),
                network=network or stem(entry.candidate.registered_domain),
            )
            for entry in entries
        ),
        location=location,
        read_as_report=(
            page.status == 200
            and not scam
            and queued.depth <= MAX_READING_DEPTH
            and queued.profile == CRAWLER
            # Of an accused host only the page that was named may be an article about others.
            and ((accused and not queued.depth) or verdict.kind in _READABLE)
        ),
    )


def is_shell(page: Page, *, accused: bool) -> bool:
    """Whether scripts are likely to fill a page that shows little, or too little for its fame."""
    document = page.document
    scripts = bool(document.scripts) or len(document.places.get("script", "")) > 200
    return page.status == 200 and scripts and len(page.text) < (600 if accused else SHELL_TEXT)


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READABLE = frozenset({"news", "regulator", "police", "scam_review", "help", "reporting"})


def _jumps(page: Page, verdict: Verdict) -> list[Link]:
    """Links that a browser follows by itself."""
    signpost = len(page.text) < SIGNPOST_TEXT or verdict.category.is_scam
    return [
        link
        for link in page.links
        if link.kind == "redirect" or (link.kind in ("refresh", "script", "frame") and signpost)
    ][:5]


def _outward(
    page: Page,
    protected: Callable[[str], str],
    link_priority: Callable[[Link], float],
    factor: float,
) -> list[tuple[Link, float]]:
    """One link a foreign host, the most promising, with its priority; 0 for protected hosts."""
    own = host_of(page.url)
    best: dict[str, tuple[Link, float]] = {}
    for link in page.links:
        host = host_of(link.url)
        if host == own or link.kind not in ("anchor", "amphtml"):
            continue
        priority = 0.0 if protected(host) else factor * link_priority(link)
        if host not in best or priority > best[host][1]:
            best[host] = (link, priority)
    ranked = sorted(best.values(), key=lambda item: (-item[1], item[0].url))
    return ranked[:MAX_OUTWARD]


def _inward(
    page: Page, queued: Queued, link_priority: Callable[[Link], float], limit: int
) -> list[tuple[Link, float]]:
    """The most telling other pages of the same host."""
    own = host_of(page.url)
    same = {
        link.url: (link, link_priority(link))
        for link in reversed(page.links)
        if link.kind == "anchor" and host_of(link.url) == own and link.url != page.url
    }
    same.pop(_front(page).url, None)
    ranked = sorted(same.values(), key=lambda item: (-item[1], item[0].url))[:limit]
    return [(link, 0.8 * queued.priority * score) for link, score in ranked]


def _entry(page: Page, link: Link, queued: Queued, priority: float, hops: int = 0) -> QueueEntry:
    host = host_of(link.url)
    return QueueEntry(
        Candidate(
            url=link.url,
            host=host,
            registered_domain=registered_domain(host) or host,
            via=page.url,
            context=link.text[:300],
            priority=round(min(1.0, max(0.0, priority)), 4),
            depth=queued.depth + (0 if hops else 1),
        ),
        # What only a victim is shown is also followed as a victim, within the host.
        VICTIM if host == queued.host and queued.profile != CRAWLER else CRAWLER,
        hops,
    )


def _front(page: Page) -> Link:
    return Link("/".join(page.url.split("/", 3)[:3]) + "/", "", "anchor")


def _again(page: Page, queued: Queued, likely: float) -> Candidate:
    return Candidate(
        url=page.url,
        host=queued.host,
        registered_domain=queued.registered_domain,
        via=queued.via,
        context="second look as a visitor on a telephone",
        priority=round(likely * queued.priority, 4),
        depth=queued.depth,
    )


def unique(entries: Iterable[QueueEntry]) -> tuple[QueueEntry, ...]:
    """Entries without repeats of one URL and profile, the best priority kept."""
    best: dict[tuple[str, str], QueueEntry] = {}
    for entry in entries:
        key = (entry.candidate.url, entry.profile)
        if key not in best or entry.candidate.priority > best[key].candidate.priority:
            best[key] = entry
    return tuple(best.values())
