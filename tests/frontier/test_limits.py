"""What is not fetched: addresses without end, and pages that say the same again."""

from datetime import UTC, datetime

import pytest

from crawler.config import CrawlConfig
from crawler.frontier.learn import Fairness, Harvest, stem
from crawler.frontier.limits import Traps, refusal, shape, simhash
from spiders.base import in_window

CONFIG = CrawlConfig()
PROSE = "our shop sells tea and crafts of the region to everybody who comes to the market on Sunday"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.test/", ""),
        ("http://a.test/en/promo/welcome?ref=1", ""),
        ("http://a.test/" + "a" * 2_000, "limit:url_length"),
        ("http://a.test/" + "/".join(f"d{n}" for n in range(25)), "limit:path_depth"),
        ("http://a.test/b/b/b/b/b", "trap:repetition"),
        ("http://a.test/b/c/b/c/b/c/b/c", "trap:repetition"),
    ],
)
def test_addresses_without_end_are_refused(url: str, reason: str) -> None:
    assert refusal(url, CONFIG) == reason


def test_what_is_counted_on_has_one_shape() -> None:
    assert shape("http://a.test/calendar/2026/11") == shape("http://a.test/calendar/2031/2")
    assert shape("http://a.test/i?sid=0af3&x=1") == shape("http://a.test/i?x=9&sid=77")
    assert shape("http://a.test/about") != shape("http://a.test/terms")
    assert shape("http://a.test/1") != shape("http://b.test/1")


def test_pages_of_one_shape_end_at_their_number() -> None:
    traps = Traps()
    for number in range(CONFIG.max_pages_per_shape):
        assert traps.refusal(f"http://a.test/news/{number}", CONFIG) == ""
        traps.saw(f"http://a.test/news/{number}", f"{PROSE} {'story ' * number} " * (number + 1))
    assert traps.refusal("http://a.test/news/99", CONFIG) == "trap:shape"
    assert traps.refusal("http://a.test/about", CONFIG) == ""
    assert traps.refusal("http://b.test/news/1", CONFIG) == ""


def test_pages_that_say_the_same_end_sooner() -> None:
    traps = Traps()
    for number in range(1 + CONFIG.max_same_pages):
        assert traps.refusal(f"http://a.test/i?sid={number}a", CONFIG) == ""
        traps.saw(f"http://a.test/i?sid={number}a", PROSE)
    assert traps.refusal("http://a.test/i?sid=9f", CONFIG) == "trap:same_content"


def test_near_texts_have_near_fingerprints() -> None:
    long = " ".join(f"{PROSE} part {n}" for n in range(20))
    near = (simhash(long) ^ simhash(f"{long} today")).bit_count()
    far = (simhash(long) ^ simhash("casino slot bonus deposit win " * 20)).bit_count()
    assert near <= 3 < 10 < far
    assert simhash("too short") == 0


def test_the_window_may_go_over_midnight() -> None:
    def at(hour: int) -> datetime:
        return datetime(2026, 1, 1, hour, 30, tzinfo=UTC)

    assert [in_window("22:00-06:00", at(hour)) for hour in (21, 22, 5, 6)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [in_window("01:00-03:00", at(hour)) for hour in (0, 1, 3)] == [False, True, False]
    assert in_window("", at(12))


def test_the_worth_of_a_kind_moves_from_the_rules_to_what_was_found() -> None:
    harvest = Harvest()
    assert harvest.expect("mirror", 0.7) == pytest.approx(0.7)
    for _ in range(200):
        harvest.learn("mirror", found=True)
        harvest.learn("own", found=False)
    assert harvest.expect("mirror", 0.5) > 0.95
    assert harvest.expect("own", 0.9) < 0.1
    assert harvest.expect("own", 0.9) > harvest.expect("own", 0.3), "their own order stays"


def test_ten_thousand_mirrors_do_not_take_the_run() -> None:
    fairness = Fairness()
    turns = []
    for _ in range(10_000):
        turns.append(fairness.turn("luckybet", "vi"))
        fairness.queued("luckybet")
    assert turns[0] == 1.0 and turns[-1] < 0.05
    assert fairness.turn("another", "vi") == 1.0
    for _ in range(900):
        fairness.seen("vi")
    for _ in range(100):
        fairness.seen("th")
    assert fairness.turn("x", "vi") < fairness.turn("x", "th") == 1.0


def test_mirrors_share_their_stem() -> None:
    names = ("luckybet68.test", "luckybet68-02.test", "luckybet-99.example", "lucky1bet.test")
    assert {stem(name) for name in names} == {"luckybet"}
