"""Where a page leads."""

from datetime import UTC, datetime

from crawler import html
from crawler.frontier import Budgets
from crawler.frontier.follow import CRAWLER, VICTIM, Steps, follow, unique
from crawler.model import Candidate, Category, Link, Page, Verdict
from crawler.store import QueueEntry
from crawler.store.queries import Queued

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def verdict(category: Category, kind: str = "") -> Verdict:
    return Verdict(category, kind, 0.99 if category.is_scam else 0.05, (), "m")


def steps(
    body: str,
    category: Category = Category.GAMBLING,
    *,
    url: str = "http://a.test/",
    status: int = 200,
    links: tuple[Link, ...] = (),
    profile: str = CRAWLER,
    depth: int = 0,
    hops: int = 0,
    accused: bool = False,
    priority: float = 0.9,
    kind: str = "",
) -> Steps:
    document = html.parse(body.encode(), url=url)
    object.__setattr__(document, "links", (*links, *document.links))
    page = Page(url, url, status, (), body.encode(), document, NOW, profile=profile)
    queued = Queued(url, profile, "a.test", "a.test", "report:r", priority, depth, hops)
    return follow(
        page,
        verdict(category, kind),
        queued,
        accused=accused,
        protected=lambda host: "platform" if host == "t.me" else "",
        link_priority=lambda link: 0.8 if "go" in link.text else 0.3,
        max_depth=5,
        max_redirects=3,
    )


def urls(found: Steps) -> set[str]:
    return {entry.candidate.url for entry in found.entries}


def test_a_scam_leads_to_other_hosts_and_its_own_pages() -> None:
    found = steps("<a href='http://b.test/x'>go</a><a href='/promo'>p</a>", url="http://a.test/in")
    assert urls(found) == {"http://b.test/x", "http://a.test/promo", "http://a.test/"}
    assert {link.url for link in found.edges} == urls(found) - {"http://a.test/"}
    onward = next(item.candidate for item in found.entries if item.candidate.host == "b.test")
    assert (onward.via, onward.depth, onward.context) == ("http://a.test/in", 1, "go")


def test_platforms_are_edges_but_no_candidates() -> None:
    found = steps("<a href='https://t.me/x'>chat</a>")
    assert urls(found) == set()
    assert [link.url for link in found.edges] == ["https://t.me/x"]


def test_an_innocent_page_leads_nowhere_but_to_a_second_look() -> None:
    found = steps("<a href='http://b.test/'>go</a>", Category.BENIGN)
    assert [(e.candidate.url, e.profile) for e in found.entries] == [("http://a.test/", VICTIM)]
    assert not steps("", Category.BENIGN, profile=VICTIM).entries


def test_a_page_that_may_be_a_report_is_read_as_one() -> None:
    assert steps("", Category.BENIGN, accused=True).read_as_report
    assert steps("", Category.BENIGN, kind="news").read_as_report
    assert not steps("", Category.BENIGN).read_as_report
    assert not steps("", Category.GAMBLING, accused=True).read_as_report
    assert not steps("", Category.BENIGN, accused=True, depth=9).read_as_report


def test_a_redirect_is_an_edge_and_its_target_is_visited() -> None:
    jump = (Link("http://b.test/", "", "redirect"),)
    found = steps("", Category.UNKNOWN, status=302, links=jump)
    assert found.location == "http://b.test/"
    (entry,) = [item for item in found.entries if item.candidate.host == "b.test"]
    assert (entry.hops, entry.candidate.depth) == (1, 0)
    assert not steps("", Category.UNKNOWN, status=302, links=jump, hops=3).entries


def test_a_signpost_that_jumps_by_script_is_followed_a_long_article_is_not() -> None:
    script = "<script>location.href='http://b.test/'</script>"
    assert "http://b.test/" in urls(steps(script, Category.UNKNOWN))
    long = f"<p>{'word ' * 200}</p>{script}"
    assert "http://b.test/" not in urls(steps(long, Category.BENIGN))


def test_depth_and_links_are_bounded() -> None:
    assert urls(steps("<a href='http://b.test/'>go</a>", depth=5)) == set()
    many = "".join(f"<a href='http://h{n}.test/'>x</a>" for n in range(900))
    found = steps(many)
    assert len(found.entries) <= 130
    assert len(found.edges) <= 200


def test_what_only_a_victim_sees_is_followed_as_a_victim() -> None:
    found = steps("<a href='/promo'>p</a><a href='http://b.test/'>go</a>", profile=VICTIM)
    profiles = {entry.candidate.url: entry.profile for entry in found.entries}
    assert profiles == {"http://a.test/promo": VICTIM, "http://b.test/": CRAWLER}


def test_the_best_of_repeated_entries_is_kept() -> None:
    low, high = (
        QueueEntry(Candidate("http://a.test/", "a.test", "a.test", "v", "", p)) for p in (0.2, 0.9)
    )
    assert unique([low, high, low]) == (high,)


def test_budgets_hold_per_host_and_registered_domain() -> None:
    budgets = Budgets({"a.farm.test": 1}, {"farm.test": 3}, site=2, domain=4)
    assert budgets.refusal("a.farm.test", "farm.test") == ""
    budgets.take("a.farm.test", "farm.test")
    assert budgets.refusal("a.farm.test", "farm.test") == "budget:site"
    assert budgets.refusal("b.farm.test", "farm.test") == "budget:domain"
    assert budgets.refusal("other.test", "other.test") == ""
