"""The analysts' view: what Datasette needs to show findings.db well.

`crawler.desk.plugin` is a Datasette plugin, found by its entry point, so that plain
`datasette serve findings.db` shows the same pages; `scamtrail datasette` adds settings and, when
asked to, decisions.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("crawler.desk")))
METADATA = FOLDER / "metadata.yaml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `scamtrail datasette` adds. An empty `token` means that nobody may decide; an empty
    `language` that each browser's own is taken."""

    token: str = ""
    language: str = ""


def serve_command(database: Path, host: str, port: int) -> list[str]:
    """Arguments for `datasette` that open `database` read-only on one address."""
    chosen = {
        "allow_csv_stream": "off",
        "sql_time_limit_ms": "5000",
        "default_page_size": "50",
        "truncate_cells_html": "300",
    }
    settings = [text for pair in chosen.items() for text in ("--setting", *pair)]
    return ["serve", str(database), "--host", host, "--port", str(port), *settings]
