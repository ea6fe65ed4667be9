"""Operations on the practice internet against its ground truth, and how they are scored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.demo import score_operations
from support import Internet, change, query, scamtrail

Copy = Callable[[Path], Path]
TRUTH = [
    {"host": name, "operation": owner, "reach": reach}
    for name, owner, reach in (
        ("a.test", "one", "link"),
        ("b.test", "one", "report"),
        ("c.test", "one", "unreachable"),
        ("d.test", "two", "link"),
        ("e.test", "two", "link"),
        ("farm.test", "two", "report"),
        ("news.test", None, "link"),
    )
]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, (1.0, 0.0, 0)),
        ({"a.test": "x", "b.test": "x"}, (1.0, 1 / 4, 0)),
        ({"a.test": "x", "b.test": "y"}, (1.0, 0.0, 0)),
        ({"a.test": "x", "b.test": "x", "d.test": "x"}, (1 / 3, 1 / 4, 1)),
        ({"a.test": "x", "news.test": "x"}, (0.0, 0.0, 1)),
        ({"d.test": "x", "e.test": "x", "r1.farm.test": "x"}, (1.0, 3 / 4, 0)),
    ],
)
def test_pairs_are_scored_both_ways(
    members: dict[str, str], expected: tuple[float, float, int]
) -> None:
    found = score_operations(TRUTH, members)
    assert (found.precision, found.recall, found.mixed) == expected


def test_operations_are_those_of_the_truth(internet: Internet, watched: Path) -> None:
    members = dict(query(watched, "SELECT host, operation_id FROM sites WHERE operation_id != ''"))
    found = score_operations(internet.truth, members)
    assert found.precision >= 0.99
    assert found.recall >= 0.90
    assert found.mixed == 0


def test_members_and_their_history_are_kept(watched: Path) -> None:
    open_members = query(
        watched,
        "SELECT s.host, s.operation_id FROM sites s WHERE s.operation_id IS NOT NULL EXCEPT"
        " SELECT host, operation_id FROM operation_members WHERE until IS NULL AND reason != ''",
    )
    assert open_members == []
    events = dict(query(watched, "SELECT event, count(*) FROM operation_events GROUP BY event"))
    assert set(events) == {"formed"}


def test_linking_again_changes_nothing(watched: Path, copy_of: Copy) -> None:
    copy = copy_of(watched)
    before = query(copy, "SELECT * FROM operation_members ORDER BY 1, 2, 3")
    assert scamtrail("link", "-w", copy).returncode == 0
    assert query(copy, "SELECT * FROM operation_members ORDER BY 1, 2, 3") == before
    assert {row[0] for row in query(copy, "SELECT event FROM operation_events")} == {"formed"}


def test_a_site_that_turns_innocent_leaves_its_operation_and_the_leaving_is_kept(
    watched: Path, copy_of: Copy
) -> None:
    copy = copy_of(watched)
    ((operation, host),) = query(
        copy,
        "SELECT operation_id, host FROM operation_members WHERE operation_id ="
        " (SELECT id FROM operations ORDER BY size DESC, id LIMIT 1) ORDER BY host LIMIT 1",
    )
    change(copy, f"UPDATE sites SET category = 'benign' WHERE host = '{host}'")
    assert scamtrail("link", "-w", copy).returncode == 0
    ((until,),) = query(copy, f"SELECT until FROM operation_members WHERE host = '{host}'")
    assert until
    assert query(copy, f"SELECT operation_id FROM sites WHERE host = '{host}'") == [(None,)]
    assert query(copy, f"SELECT size FROM operations WHERE id = '{operation}'")[0][0] > 1
