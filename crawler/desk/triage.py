"""Cases that a person should decide, the most useful decision first, and what was decided."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crawler.model import Category
from crawler.store import Findings, Store
from crawler.store import queries as q

# Of each kind of case so many are put in order: the undecided that look worst, the undecided among
# the newest accusations, and the newest entries of `wide`.
POOL = 400
PAGE = 25


@dataclass(frozen=True, slots=True)
class Action:
    """What a decision does to the lists. `days` None is for good; `label` is its category as a
    training example, "" meaning the one that the person names."""

    override: str
    days: int | None
    label: str


# A name that is cleared may be sold to somebody else, and a hacked site is mended or given up
# within months, so both decisions end by themselves.
ACTIONS: Mapping[str, Action] = {
    "confirm": Action("deny", None, ""),
    "clear": Action("allow", 180, "benign"),
    "allow": Action("allow", None, "benign"),
    "hacked": Action("allow", 90, "benign"),
}
CATEGORIES = tuple(item.value for item in Category if item.is_scam)


class TriageError(ValueError):
    """A decision cannot be taken; the message says what to change."""


def value(case: Mapping[str, Any]) -> float:
    """What a decision is worth: how unsure the verdict is times how much hangs on it.

    Unsure is p(1-p), scaled to 1 at p = 0.5; a floor keeps sure but unlisted hosts in the queue.
    Reports that accuse the host, other hosts of its operation and of its domain count by their
    logarithm, since the tenth adds less than the second.
    """
    unsure = 0.1 + 0.9 * 4 * case["probability"] * (1 - case["probability"])
    reach = (
        1
        + 1.0 * math.log2(1 + case["reports"])
        + 0.5 * math.log2(1 + case["operation_size"])
        + 0.5 * math.log2(1 + case["siblings"])
        + 1.0 * case["listed"]
    )
    return float(unsure * reach)


_DECIDED = (
    "EXISTS (SELECT 1 FROM overrides o WHERE o.domain IN (s.host, s.registered_domain)"
    " AND (o.expires_at IS NULL OR o.expires_at > ?1))"
)
_COLUMNS = (
    "s.host, s.registered_domain, s.category, s.kind, coalesce(s.probability, 0) AS probability,"
    " s.status, s.language, s.title, s.missing, s.operation_id, s.first_seen,"
    " (SELECT count(DISTINCT report_id) FROM mentions m WHERE m.host = s.host"
    " AND m.role = 'accused') AS reports,"
    " coalesce((SELECT size FROM operations WHERE id = s.operation_id), 0) AS operation_size,"
    " (SELECT count(*) FROM (SELECT 1 FROM sites b WHERE b.registered_domain ="
    " s.registered_domain AND b.host != s.host LIMIT 100)) AS siblings"
)


def queue(findings: Findings, now: datetime, limit: int = PAGE) -> list[dict[str, Any]]:
    """Undecided `unknown` hosts that answer, and hosts only in `wide`, the best first."""
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    unknown = q.rows(
        findings,
        f"SELECT {_COLUMNS}, 0 AS listed FROM sites s WHERE s.category = 'unknown'"
        f" AND s.status = 'live' AND NOT {_DECIDED} ORDER BY s.probability DESC LIMIT ?2",
        (moment, POOL),
    )
    accused = q.rows(
        findings,
        f"SELECT {_COLUMNS}, 0 AS listed FROM (SELECT DISTINCT host FROM (SELECT host FROM mentions"
        " WHERE role = 'accused' ORDER BY id DESC LIMIT ?3)) a CROSS JOIN sites s"
        " ON s.host = a.host WHERE s.category = 'unknown' AND s.status = 'live'"
        f" AND NOT {_DECIDED} LIMIT ?2",
        (moment, POOL, 10 * POOL),
    )
    wide = q.rows(
        findings,
        f"SELECT {_COLUMNS}, 1 AS listed FROM (SELECT domain FROM listings WHERE list = 'all'"
        " AND tier = 'wide' AND removed_at IS NULL ORDER BY id DESC LIMIT ?3) l CROSS JOIN sites s"
        " ON s.host = l.domain WHERE NOT EXISTS"
        " (SELECT 1 FROM listings t WHERE t.domain = l.domain AND t.list = 'all'"
        f" AND t.tier = 'strict' AND t.removed_at IS NULL) AND NOT {_DECIDED} LIMIT ?2",
        (moment, POOL, 10 * POOL),
    )
    cases = {row["host"]: dict(row) for row in (*unknown, *accused, *wide)}
    ranked = sorted(cases.values(), key=lambda case: (-value(case), case["host"]))[:limit]
    for case in ranked:
        case["value"] = round(value(case), 3)
        case["evidence"] = [
            dict(row)
            for row in q.rows(
                findings,
                "SELECT signal, category, max(weight) AS weight, value, snippet FROM evidence"
                " WHERE host = ? GROUP BY signal ORDER BY abs(max(weight)) DESC LIMIT 6",
                (case["host"],),
            )
        ]
        towards: dict[str, float] = {}
        for item in case["evidence"]:
            if item["category"] in CATEGORIES:
                towards[item["category"]] = towards.get(item["category"], 0.0) + item["weight"]
        best = max(towards, key=lambda name: towards[name], default="other_scam")
        case["suggested"] = case["category"] if case["category"] in CATEGORIES else best
    return ranked


def decide(
    store: Store,
    host: str,
    action: str,
    *,
    category: str,
    reason: str,
    author: str,
    now: datetime,
) -> None:
    """Note a decision as an override that the next publish applies. Raises TriageError."""
    if action not in ACTIONS:
        raise TriageError(f"{action!r} is no decision; choose {', '.join(ACTIONS)}")
    reason, author = reason.strip(), author.strip()
    if not reason or not author:
        raise TriageError("a decision needs a reason and an author")
    rows = q.rows(store, "SELECT category, probability FROM sites WHERE host = ?", (host,))
    if not rows:
        raise TriageError(f"{host}: is no site of these findings")
    chosen = ACTIONS[action]
    label = chosen.label or category
    if label not in (*CATEGORIES, "benign"):
        raise TriageError(f"{category!r} is no category; choose {', '.join(CATEGORIES)}")
    store.add_override(
        host,
        chosen.override,
        reason,
        author,
        now,
        now + timedelta(days=chosen.days) if chosen.days else None,
        decision=action,
        label=label,
        judged=f"{rows[0]['category'] or 'unknown'} {rows[0]['probability'] or 0:.3f}",
    )


_LATEST = "o.id IN (SELECT max(id) FROM overrides WHERE decision IS NOT NULL GROUP BY domain)"


def disagreements(findings: Findings, limit: int = PAGE) -> list[dict[str, Any]]:
    """Decisions that the model contradicts: it says scam of what was cleared, or the reverse."""
    rows = q.rows(
        findings,
        "SELECT o.domain AS host, o.decision, o.label, o.reason, o.author, o.created_at, o.judged,"
        " s.category, s.probability FROM overrides o JOIN sites s ON s.host = o.domain"
        f" WHERE {_LATEST} AND s.category != 'unknown' AND s.category != o.label"
        " ORDER BY abs(s.probability - 0.5) DESC, o.id DESC LIMIT ?",
        (limit,),
    )
    return [dict(row) for row in rows]


def recent(findings: Findings, limit: int = PAGE) -> list[dict[str, Any]]:
    """The newest decisions."""
    rows = q.rows(
        findings,
        "SELECT domain AS host, coalesce(decision, action) AS decision, label, reason, author,"
        " created_at, judged FROM overrides ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return [dict(row) for row in rows]


def examples(findings: Findings) -> Iterator[dict[str, Any]]:
    """Labelled pages of the hosts that people decided, as `scamtrail evaluate` reads them.

    Of a hacked host the pages judged scam say nothing of its owner, so they are left out.
    """
    for decision in q.rows(
        findings, f"SELECT o.* FROM overrides o WHERE {_LATEST} ORDER BY o.domain"
    ):
        for page in q.rows(
            findings,
            "SELECT url, title, text, language, category, max(id) FROM pages WHERE host = ?"
            " AND failure = '' AND text != '' GROUP BY url ORDER BY url",
            (decision["domain"],),
        ):
            guilty = page["category"] in CATEGORIES
            if decision["decision"] == "hacked" and guilty:
                continue
            yield {
                "url": page["url"],
                "title": page["title"],
                "text": page["text"],
                "language": page["language"],
                "label": decision["label"],
                "sublabel": decision["decision"],
                "decided_by": decision["author"],
                "decided_at": decision["created_at"],
            }
