"""The way from a report to a host."""

from crawler.store import Findings
from crawler.store import queries as q


def trail(store: Findings, host: str) -> list[tuple[str, str]]:
    """The steps to `host`: ("report", id), ("partner", name) or ("page", URL), the first one first.

    Goes back along `via` from the first page of the host; empty when the host was never visited.
    """
    row = next(
        iter(
            q.rows(
                store,
                "SELECT url, via FROM pages WHERE host = ? ORDER BY depth, id LIMIT 1",
                (host,),
            )
        ),
        None,
    )
    steps: list[tuple[str, str]] = []
    seen: set[str] = set()
    while row is not None and row["url"] not in seen:
        seen.add(row["url"])
        steps.append(("page", row["url"]))
        via = row["via"]
        if via.startswith("proposal:"):
            steps.append(("proposal", via.removeprefix("proposal:")))
            via = f"http://{via.removeprefix('proposal:')}/"
        if via.startswith("partner:"):
            steps.append(("partner", via.removeprefix("partner:")))
        if via.startswith("report:"):
            identity = via.removeprefix("report:")
            steps.append(("report", identity))
            report = q.rows(store, "SELECT kind, source FROM reports WHERE id = ?", (identity,))
            # A page that was read as a report was itself reached somehow.
            via = report[0]["source"] if report and report[0]["kind"] == "web" else ""
        found = q.rows(
            store, "SELECT url, via FROM pages WHERE url = ? ORDER BY depth, id LIMIT 1", (via,)
        )
        row = found[0] if found else None
    return steps[::-1]
