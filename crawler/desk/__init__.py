"""The analysts' view: what Datasette needs to show findings.db well."""

from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("crawler.desk")))
METADATA = FOLDER / "metadata.yaml"
PLUGINS = FOLDER / "plugins"


def serve_command(database: Path, host: str, port: int) -> list[str]:
    """Arguments for `datasette` that open `database` read-only on a loopback address."""
    return [
        "serve",
        str(database),
        "--host",
        host,
        "--port",
        str(port),
        "--metadata",
        str(METADATA),
        "--plugins-dir",
        str(PLUGINS),
        "--setting",
        "allow_csv_stream",
        "off",
        "--setting",
        "sql_time_limit_ms",
        "5000",
        "--setting",
        "default_page_size",
        "50",
        "--setting",
        "truncate_cells_html",
        "300",
    ]
