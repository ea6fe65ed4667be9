"""A host from its pages and its neighbours → one verdict. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from crawler.detect.model import BENIGN, SCAM, Model, probability
from crawler.detect.signals import is_own
from crawler.model import Category, Evidence, Verdict

# The log-odds that the guiltiest page gives its host at most.
_MAX_PAGE = 7.0
# Without a guilty page, so much of what convicts must be the page's own wording or links.
_OWN = 1.0
YOUNG_DAYS = 180
# From even odds on, a page that is not judged a scam still speaks against its host.
LIKELY = 0.5
# So many unlike pages must agree before they weigh more than the guiltiest of them.
AGREEING = 3
OLD_DAYS = 5 * 365


@dataclass(frozen=True, slots=True)
class PageSummary:
    """A judged page. `cloaked`: innocent to the crawler, guilty to a visitor's telephone."""

    url: str
    verdict: Verdict
    cloaked: bool = False
    status: int = 200


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of a host.

    `redirects_to` are the categories of the hosts that its pages send visitors to;
    `linked_from_scam` counts registered domains of scams that link to it; `sibling_labels` other
    hosts of the registered domain judged scam; `age_days` since registration, None if unknown;
    `front_tried` says that the front page was asked for, whatever came of it.
    """

    host: str
    registered_domain: str
    pages: tuple[PageSummary, ...] = ()
    accused_in: int = 0
    redirects_to: tuple[str, ...] = ()
    linked_from_scam: int = 0
    age_days: float | None = None
    sibling_labels: int = 0
    wildcard_dns: bool = False
    front_tried: bool = True


def judge_host(facts: HostFacts, model: Model) -> Verdict:
    """The verdict on a host; its evidence is that of its guiltiest page and of its surroundings.

    A guilty page on a site whose other pages are innocent makes the host `hacked`, which is
    innocent; a host that only sends visitors to scams is a `redirector`.
    """
    shown = [page for page in facts.pages if page.status < 400]
    guilty = [page for page in shown if page.verdict.category.is_scam]
    innocent = [page for page in shown if page.verdict.category is Category.BENIGN]
    if _shows_two_faces(facts, guilty):
        # The innocent face is put on for crawlers, so it speaks for nobody.
        innocent = []
    onward = Counter(category for category in facts.redirects_to if Category(category).is_scam)
    if guilty:
        return _from_guilty(facts, guilty, innocent, shown, model)
    if onward and len(onward) and not innocent:
        return _redirector(facts, Category(onward.most_common(1)[0][0]), model)
    return _without_guilt(facts, shown, innocent, model)


def _from_guilty(
    facts: HostFacts,
    guilty: list[PageSummary],
    innocent: list[PageSummary],
    shown: list[PageSummary],
    model: Model,
) -> Verdict:
    worst = max(guilty, key=lambda page: (page.verdict.probability, page.url))
    categories = Counter(page.verdict.category for page in guilty)
    category = max(categories, key=lambda item: (categories[item], item.value))
    evidence = [*worst.verdict.evidence]
    total = sum(item.weight for item in evidence)
    if total > _MAX_PAGE:
        evidence.append(
            _own(
                "host.page_limit",
                _MAX_PAGE - total,
                "one page counts so much",
                facts,
                Category.BENIGN,
            )
        )
    around = list(_around(facts, category, guilty, innocent, shown))
    evidence += around
    chance = probability(sum(item.weight for item in evidence))
    if len(innocent) >= len(guilty) and _front_is(innocent):
        return Verdict(
            Category.BENIGN, "hacked", min(chance, BENIGN), tuple(evidence), model.version
        )
    farm = any(item.signal == "shape.farm_address" for item in worst.verdict.evidence)
    missing = "more guilty pages, or a report"
    # Guilty pages deep inside may be a break-in or a forum's spam: the owner must not pay for it.
    if not farm and not facts.front_tried:
        chance, missing = min(chance, SCAM - 0.01), "its front page"
    elif not farm and _is_old(facts) and not _front_is(guilty) and _front_is(shown):
        chance, missing = min(chance, SCAM - 0.01), "a guilty front page on a name so old"
    if chance >= SCAM:
        kinds = Counter(page.verdict.kind for page in guilty if page.verdict.category is category)
        kind = max(kinds, key=lambda item: (kinds[item], item)) if kinds else "operator"
        if facts.sibling_labels >= 2 and facts.wildcard_dns and category is Category.GAMBLING:
            kind = "link_farm"
        return Verdict(category, kind, chance, tuple(evidence), model.version)
    if chance <= BENIGN:
        return Verdict(Category.BENIGN, "", chance, tuple(evidence), model.version)
    return Verdict(
        Category.UNKNOWN,
        "",
        chance,
        tuple(evidence),
        model.version,
        missing,
    )


def _front_is(pages: list[PageSummary]) -> bool:
    """Whether the front page is among `pages`."""
    return any(page.url.split("/", 3)[3:] in ([""], []) for page in pages)


def _is_old(facts: HostFacts) -> bool:
    return facts.age_days is not None and facts.age_days > OLD_DAYS


def _shows_two_faces(facts: HostFacts, guilty: list[PageSummary]) -> bool:
    """Whether the host as a whole is cloaked, and not an old site that somebody broke into."""
    cloaked = [page for page in guilty if page.cloaked]
    return (
        _front_is(cloaked)
        and not _is_old(facts)
        and bool(facts.linked_from_scam or facts.accused_in)
    )


def _around(
    facts: HostFacts,
    category: Category,
    guilty: list[PageSummary],
    innocent: list[PageSummary],
    shown: list[PageSummary],
) -> Iterator[Evidence]:
    more = len({page.url for page in guilty}) - 1
    if more > 0:
        yield _own(
            "host.guilty_pages", min(1.5, 0.5 * more), f"{more + 1} guilty pages", facts, category
        )
    fair = len({page.url for page in innocent} - {page.url for page in guilty})
    if fair:
        yield _own(
            "host.innocent_pages",
            max(-4.5, -1.1 * fair),
            f"{fair} innocent pages",
            facts,
            Category.BENIGN,
        )
    if not _front_is(guilty) and _front_is(list(facts.pages)):
        # Text that others post, or that a break-in left, stands deep inside a site.
        weight = -3.0 if more < 1 else -1.5
        yield _own(
            "host.front_not_guilty", weight, "the front page is not guilty", facts, Category.BENIGN
        )
        unclear = {page.url for page in shown if page.verdict.category is Category.UNKNOWN}
        if len(unclear) > more + 1:
            yield _own(
                "host.unclear_pages",
                max(-3.0, -0.7 * len(unclear)),
                f"{len(unclear)} pages beside it are not guilty",
                facts,
                Category.BENIGN,
            )
    if any(page.cloaked for page in guilty):
        yield _own(
            "host.cloaked", 1.5, "innocent to a crawler, guilty to a telephone", facts, category
        )
    yield from _neighbourhood(facts, category)


def _neighbourhood(facts: HostFacts, category: Category) -> Iterator[Evidence]:
    if facts.accused_in:
        weight = min(1.8, 1.0 + 0.3 * (facts.accused_in - 1))
        yield _own(
            "host.accused", weight, f"accused in {facts.accused_in} reports", facts, category
        )
    if facts.linked_from_scam:
        weight = min(0.9, 0.3 * facts.linked_from_scam)
        yield _own(
            "host.linked_from_scam",
            weight,
            f"{facts.linked_from_scam} scam domains link here",
            facts,
            category,
        )
    if facts.sibling_labels >= 2:
        yield _own(
            "host.sibling_labels",
            1.0,
            f"{facts.sibling_labels} sibling hosts are scams",
            facts,
            category,
        )
    if facts.wildcard_dns and facts.sibling_labels:
        yield _own("host.wildcard_dns", 0.5, "any label resolves", facts, category)
    if facts.age_days is not None:
        if facts.age_days < YOUNG_DAYS:
            yield _own(
                "host.young", 0.6, f"registered {facts.age_days:.0f} days ago", facts, category
            )
        elif facts.age_days > OLD_DAYS:
            yield _own(
                "host.old",
                -0.8,
                f"registered {facts.age_days / 365:.0f} years ago",
                facts,
                Category.BENIGN,
            )


def _redirector(facts: HostFacts, category: Category, model: Model) -> Verdict:
    evidence = [
        _own("prior", -2.0, "before anything is seen", facts, Category.BENIGN),
        _own(
            "host.redirects_to_scam",
            4.5,
            "sends visitors to a scam and shows nothing else",
            facts,
            category,
        ),
        *_neighbourhood(facts, category),
    ]
    chance = probability(sum(item.weight for item in evidence))
    if chance >= SCAM:
        return Verdict(category, "redirector", chance, tuple(evidence), model.version)
    return Verdict(Category.UNKNOWN, "", chance, tuple(evidence), model.version, "a report")


def _without_guilt(
    facts: HostFacts, shown: list[PageSummary], innocent: list[PageSummary], model: Model
) -> Verdict:
    if not shown:
        return Verdict(Category.UNKNOWN, "", 0.0, (), model.version, "a page that answers")
    likely = max(shown, key=lambda page: (page.verdict.probability, page.url))
    surely = min(shown, key=lambda page: (page.verdict.probability, page.url))
    if all(page.verdict.kind == "parked" for page in shown):
        return surely.verdict
    if innocent and len(innocent) * 2 >= len(shown):
        best = min(innocent, key=lambda page: (page.verdict.probability, page.url))
        return Verdict(
            Category.BENIGN,
            best.verdict.kind,
            best.verdict.probability,
            best.verdict.evidence,
            model.version,
        )
    category = Category.OTHER_SCAM
    for item in likely.verdict.evidence:
        if item.category.is_scam:
            category = item.category
    evidence = [*likely.verdict.evidence, *_neighbourhood(facts, category)]
    if not innocent and facts.front_tried and not _is_old(facts):
        evidence += _agreement(facts, shown, category)
    chance = probability(sum(item.weight for item in evidence))
    own = sum(
        item.weight
        for item in likely.verdict.evidence
        if item.category.is_scam and is_own(item.signal)
    )
    if chance >= SCAM and own >= _OWN and category is not Category.OTHER_SCAM:
        return Verdict(category, "operator", chance, tuple(evidence), model.version)
    missing = likely.verdict.missing or "more pages"
    return Verdict(Category.UNKNOWN, "", min(chance, SCAM), tuple(evidence), model.version, missing)


def _agreement(
    facts: HostFacts, shown: list[PageSummary], category: Category
) -> Iterator[Evidence]:
    """Pages just under the threshold that find the same by different things.

    Copies of a template repeat one observation, so a page counts only when most of the weight of
    its findings is new.
    """
    known: set[tuple[str, str]] = set()
    unlike = 0
    for page in sorted(shown, key=lambda page: (-page.verdict.probability, page.url)):
        found = {
            (item.signal, item.value): item.weight
            for item in page.verdict.evidence
            if item.category is category and is_own(item.signal)
        }
        new = sum(weight for key, weight in found.items() if key not in known)
        if page.verdict.probability >= LIKELY and found and new > sum(found.values()) / 2:
            unlike += 1
            known.update(found)
    if unlike >= AGREEING:
        yield _own(
            "host.agreeing_pages",
            min(2.0, 0.6 * (unlike - 1)),
            f"{unlike} unlike pages, each likely a scam",
            facts,
            category,
        )


def _own(signal: str, weight: float, value: str, facts: HostFacts, category: Category) -> Evidence:
    return Evidence(signal, category, round(weight, 4), value, "", f"http://{facts.host}/")
