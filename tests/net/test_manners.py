"""robots.txt under each policy, and the pace at which one address is asked."""

import asyncio
from collections import Counter

import pytest

from crawler.net.connect import NetError
from crawler.net.manners import Pace, Robots

RULES = b"User-agent: *\nDisallow: /private\nUser-agent: scamtrail\nDisallow: /trap\n"
AGENT = "scamtrail/0.1 (contact)"


def asked(policy: str, answer: tuple[int, bytes] | None, *paths: str) -> tuple[list[bool], int]:
    """For each path whether it is forbidden, and how often robots.txt was fetched."""
    fetched: Counter[str] = Counter()

    async def get(url: str) -> tuple[int, bytes]:
        fetched[url] += 1
        if answer is None:
            raise NetError("timeout")
        return answer

    async def main() -> list[bool]:
        robots = Robots(policy, get)
        return list(
            await asyncio.gather(*(robots.forbids(f"http://a.test{p}", AGENT) for p in paths))
        )

    found = asyncio.run(main())
    return found, fetched.total()


def test_the_rules_for_us_are_fetched_once_and_obeyed() -> None:
    assert asked("obey", (200, RULES), "/", "/trap/1", "/private") == ([False, True, False], 1)


def test_a_policy_of_ignoring_fetches_nothing() -> None:
    assert asked("ignore", (200, RULES), "/trap") == ([False], 0)


@pytest.mark.parametrize(
    ("answer", "forbidden"),
    [((404, b""), False), ((503, b""), True), (None, True), ((200, b"\xff\x00<html>"), False)],
)
def test_what_cannot_be_had(answer: tuple[int, bytes] | None, forbidden: bool) -> None:
    assert asked("report", answer, "/x") == ([forbidden], 1)


def test_robots_itself_may_always_be_read() -> None:
    assert asked("obey", (200, b"User-agent: *\nDisallow: /\n"), "/robots.txt") == ([False], 0)


def test_requests_to_one_address_are_spaced_and_those_to_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def main() -> None:
        pace = Pace(0.1)
        for _ in range(6):
            await pace.turn("192.0.2.1")
        for number in range(200):
            await pace.turn(f"192.0.2.{number}x")

    monkeypatch.setattr("crawler.net.manners.asyncio.sleep", note)
    asyncio.run(main())
    assert len(waits) == 5, "the first of each address waits for nothing"
    gaps = [later - sooner for sooner, later in zip([0.0, *waits], waits, strict=False)]
    # Ten seconds, give or take a half and what the test itself takes.
    assert all(3 < gap < 16 for gap in gaps)
    assert len({round(gap, 3) for gap in gaps}) > 1, "no pattern"
