"""Writes docs/images/*.png of the desk and of the lists' page; `make screenshots` runs it.

    python tests/browser/screenshots.py WORKSPACE [WIDTH]

WORKSPACE is one that `scamtrail demo` left. Nothing is asked of any other host.
"""

import io
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from desk import chromium, serving

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def shoot(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    if page.locator(".graph").count():
        page.wait_for_selector('.graph[data-settled="yes"]', timeout=60_000)
    # A palette of 64 colours holds what these pages show in a third of the bytes.
    with Image.open(io.BytesIO(page.screenshot())) as shown:
        shown.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def main(workspace: Path, width: int = 1100, folder: Path = IMAGES) -> None:
    with closing(sqlite3.connect(f"file:{workspace}/findings.db?mode=ro", uri=True)) as db:
        host, operation = db.execute(
            "SELECT s.host, s.operation_id FROM sites s JOIN operations o ON o.id = s.operation_id"
            " JOIN listings l ON l.domain = s.host WHERE l.removed_at IS NULL AND l.tier = 'strict'"
            " ORDER BY o.size DESC, s.host LIMIT 1"
        ).fetchone()
    folder.mkdir(parents=True, exist_ok=True)
    with serving(workspace, "--language", "en") as desk, chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 780})
        shoot(page, desk.page("dashboard"), folder / "dashboard.png")
        shoot(page, desk.page(f"site/{host}"), folder / "site.png")
        shoot(page, desk.page(f"operation/{operation}"), folder / "operation.png")
        shoot(page, desk.page("triage"), folder / "triage.png")
        shoot(page, (workspace / "public" / "index.html").resolve().as_uri(), folder / "index.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), *map(Path, sys.argv[3:4]))
