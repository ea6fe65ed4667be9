"""The chain: whoever knows the head notices every later change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.evidence import chain

entries = st.lists(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=4),
    min_size=1,
    max_size=8,
)


def lines(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{"entry": entry} for entry in found]


@given(entries, st.data())
def test_any_entry_changed_left_out_added_or_moved_changes_the_head(
    found: list[dict[str, object]], data: st.DataObject
) -> None:
    head = chain.head(chain.GENESIS, lines(found))
    place = data.draw(st.integers(0, len(found) - 1))
    other = data.draw(entries)[0]
    changed = [*found[:place], other, *found[place + 1 :]]
    added = [*found[:place], other, *found[place:]]
    shorter = [*found[:place], *found[place + 1 :]]
    turned = found[::-1]
    for different in (changed, added, shorter, turned):
        if different != found:
            assert chain.head(chain.GENESIS, lines(different)) != head


@given(entries, st.sets(st.integers(0, 7)))
def test_entries_shown_as_digests_only_lead_to_the_same_head(
    found: list[dict[str, object]], hidden: set[int]
) -> None:
    shown = [
        {"digest": chain.digest(entry)} if place in hidden else {"entry": entry}
        for place, entry in enumerate(found)
    ]
    parsed = [chain.parse(json.dumps(line)) for line in shown]
    assert chain.head(chain.GENESIS, parsed) == chain.head(chain.GENESIS, lines(found))


@given(entries, st.integers(0, 7))
def test_a_hash_that_does_not_follow_is_named_by_its_line(
    found: list[dict[str, object]], place: int
) -> None:
    place %= len(found)
    known = lines(found)
    known[place] = {**known[place], "hash": "ab" * 32}
    with pytest.raises(chain.ChainError, match=f"line {place + 1} does not follow"):
        chain.head(chain.GENESIS, known)


@given(st.binary(max_size=80) | st.text(max_size=80))
def test_a_line_is_read_or_refused_whatever_it_holds(raw: bytes | str) -> None:
    try:
        line = chain.parse(raw)
    except chain.ChainError:
        return
    assert ("entry" in line) != ("digest" in line)


@pytest.mark.parametrize(
    "raw",
    ["[]", "{}", '{"entry": 1}', '{"digest": "AB"}', '{"entry": {}, "digest": ""}', "[" * 9_999],
)
def test_a_line_of_another_form_is_refused(raw: str) -> None:
    with pytest.raises(chain.ChainError):
        chain.parse(raw)
