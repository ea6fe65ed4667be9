"""The table that bench/refang.py measures with, and that text costs linear time to read."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.reports.refang import extract, refang

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "tricky.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=[row["text"] for row in ROWS])
def test_every_address_in_the_table_is_read_and_no_other(row: dict[str, list[str]]) -> None:
    assert {item.url for item in extract(refang(row["text"]))} == set(row["urls"])


def test_the_table_is_large_and_holds_texts_without_addresses() -> None:
    assert len(ROWS) >= 150
    assert sum(not row["urls"] for row in ROWS) >= 50


@given(st.text(alphabet=st.sampled_from("ahtps:/.\\[](){}<>@-_ 1点。金\u200bwxn"), max_size=200))
def test_what_is_found_lies_apart_and_in_order(text: str) -> None:
    mended = refang(text)
    found = list(extract(mended))
    assert all(0 <= item.start < item.end <= len(mended) for item in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(st.sampled_from([row for row in ROWS if len(row["urls"]) == 1]))
def test_a_canonical_address_is_found_as_itself(row: dict[str, list[str]]) -> None:
    (url,) = row["urls"]
    assert [item.url for item in extract(refang(url))] == [url]
