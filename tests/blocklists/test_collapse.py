from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from blocklists.collapse import collapse, collapse_listings, is_covered
from crawler.model import Listing

# Few labels, so that names meet; one is a hyphenated neighbour, which sorts next to a dot.
labels = st.sampled_from(["a", "b", "a-b", "ab", "1", "xn--a", "_x"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


@given(st.sets(names, max_size=30), st.lists(names, max_size=30))
def test_collapsing_changes_nothing_of_what_is_blocked(listed: set[str], asked: list[str]) -> None:
    collapsed = set(collapse(listed))
    for name in {*asked, *listed}:
        assert is_covered(name, collapsed) == is_covered(name, listed)


@given(st.lists(names, max_size=30))
def test_no_name_stays_under_another_and_order_does_not_matter(listed: list[str]) -> None:
    collapsed = collapse(listed)
    assert collapsed == collapse(reversed(listed)) == collapse(collapsed)
    assert len(set(collapsed)) == len(collapsed)
    for name in collapsed:
        assert not is_covered(name, set(collapsed) - {name})


def test_a_neighbour_with_a_hyphen_stands_in_no_ones_way() -> None:
    assert collapse(["www.a.com", "a-b.com", "a.com", "ba.com"]) == ("a.com", "a-b.com", "ba.com")


@given(st.lists(st.tuples(names, st.booleans()), max_size=30), st.lists(names, max_size=30))
def test_exact_entries_cover_themselves_only(
    listed: list[tuple[str, bool]], asked: list[str]
) -> None:
    def blocked(name: str, entries: Iterable[tuple[str, bool]]) -> bool:
        covering = {domain for domain, exact in entries if not exact}
        return is_covered(name, covering) or (name, True) in entries

    before = [_listing(domain, exact) for domain, exact in listed]
    after = [(entry.domain, entry.exact) for entry in collapse_listings(before)]
    assert len({domain for domain, _ in after}) == len(after)
    for name in {*asked, *(domain for domain, _ in listed)}:
        assert blocked(name, after) == blocked(name, listed)


def test_a_url_folds_into_an_entry_for_its_host_and_into_nothing_else(
    listing: Callable[..., Listing],
) -> None:
    other = listing("http://school.example/x.win.com", exact=True)
    own = listing("http://a.win.com:8080/x", exact=True)
    found = collapse_listings([listing("win.com"), other, own])
    assert set(found) == {listing("win.com"), other}


def test_an_exact_entry_keeps_its_reason(listing: Callable[..., Listing]) -> None:
    entry = listing("bad.github.io", exact=True, reason="brand of an operator")
    assert collapse_listings([entry, listing("other.com")]) == (listing("other.com"), entry)


def _listing(domain: str, exact: bool) -> Listing:
    return Listing(domain, "all", "wide", datetime(2026, 1, 1, tzinfo=UTC), "seen", exact=exact)
