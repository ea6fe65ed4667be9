"""What the dashboard shows, read from the findings."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from crawler.desk.site import SCAMS
from crawler.store import Findings
from crawler.store import queries as q

WEEKS = 26
SHOWN = 12
# Without statistics over all rows SQLite takes an index that has it read every scam.
_NEWEST = "sites INDEXED BY idx_sites_scam_first_seen"


def overview(findings: Findings, now: datetime) -> dict[str, Any]:
    """Counts, what is new by week, the lists over time, hosting, registrars and operations."""
    today = now.date()
    first = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    week_ago = (now - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    hosting = hosting_by_country(findings)
    return {
        "categories": dict(
            tuple(row)
            for row in q.rows(
                findings,
                "SELECT coalesce(category, 'unknown'), count(*) FROM sites GROUP BY category",
            )
        ),
        "new": _one(
            findings,
            f"SELECT count(*) FROM {_NEWEST} WHERE first_seen >= ? AND category IN {SCAMS}",
            week_ago,
        ),
        "listed": {
            row[0]: row[1]
            for row in q.rows(
                findings,
                "SELECT tier, count(*) FROM listings WHERE list = 'all' AND removed_at IS NULL"
                " GROUP BY tier",
            )
        },
        "appeals": _one(findings, "SELECT count(*) FROM appeals WHERE closed_at IS NULL"),
        "weeks": weeks(findings, first),
        "releases": [
            (row["published_at"][:10], {"entries": row["entries"]})
            for row in reversed(
                q.rows(
                    findings,
                    "SELECT published_at, entries FROM releases ORDER BY serial DESC LIMIT 60",
                )
            )
        ],
        "hosting": hosting,
        "newest": [
            dict(row)
            for row in q.rows(
                findings,
                "SELECT host, category, kind, probability, language, title, first_seen FROM"
                f" {_NEWEST} WHERE category IN {SCAMS} ORDER BY first_seen DESC LIMIT {SHOWN}",
            )
        ],
        "operations": [
            dict(row)
            for row in q.rows(
                findings,
                "SELECT id, size, confidence, summary, first_seen FROM operations WHERE size > 0"
                f" ORDER BY size DESC, id LIMIT {SHOWN}",
            )
        ],
        "run": next(
            (
                dict(row)
                for row in q.rows(
                    findings,
                    "SELECT command, finished_at, exit_code, message FROM runs"
                    " WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1",
                )
            ),
            None,
        ),
    }


def _one(findings: Findings, sql: str, *values: Any) -> int:
    return int(q.rows(findings, sql, values)[0][0])


def weeks(findings: Findings, first: date) -> list[tuple[str, dict[str, int]]]:
    """(Monday, category → scam hosts first seen in that week), from the week of `first` on."""
    counts: dict[date, Counter[str]] = {}
    for day, category, number in q.rows(
        findings,
        f"SELECT substr(first_seen, 1, 10), category, count(*) FROM {_NEWEST} WHERE first_seen >= ?"
        f" AND category IN {SCAMS} GROUP BY 1, 2",
        (first.isoformat(),),
    ):
        when = date.fromisoformat(day)
        counts.setdefault(when - timedelta(days=when.weekday()), Counter())[category] += number
    mondays = [first + timedelta(days=7 * number) for number in range(WEEKS)]
    return [(day.isoformat(), dict(counts.get(day, {}))) for day in mondays]


def hosting_by_country(findings: Findings) -> list[tuple[str, int]]:
    """(country of the network, scam hosts with an address there), the most first."""
    return [
        (row[0], row[1])
        for row in q.rows(
            findings,
            "SELECT country, sum(hosts) FROM network_counts WHERE country != ''"
            " GROUP BY 1 ORDER BY 2 DESC, 1",
        )
    ]
