"""A running desk and the browser that looks at it, for tests and for `make screenshots`."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support import BIN

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",  # Chromium refuses its sandbox to root, whom containers run as
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True)
class Desk:
    """Where a desk answers, and the address that lets a person decide, "" without one."""

    base: str
    deciding: str = ""

    def page(self, path: str) -> str:
        return f"{self.base}/findings/-/{path}"


@contextmanager
def serving(workspace: Path, *options: str) -> Iterator[Desk]:
    """`scamtrail datasette` on a free port."""
    with running("scamtrail", "datasette", "-w", str(workspace), *options) as found:
        yield found


@contextmanager
def running(*command: str) -> Iterator[Desk]:
    """A program that serves Datasette, told a free port."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    program, *arguments = command
    base = f"http://127.0.0.1:{port}"
    with tempfile.NamedTemporaryFile("w") as said:
        process = subprocess.Popen(
            [str(BIN / program), *arguments, "--port", str(port)], stdout=said, stderr=said,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{base}/-/versions.json", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, Path(said.name).read_text("utf-8")
                    time.sleep(0.1)
            address = re.search(r"decide cases at (\S+)", Path(said.name).read_text("utf-8"))
            yield Desk(base, address[1] if address else "")
        finally:
            process.terminate()
            process.wait(timeout=20)


def chromium_path() -> str | None:
    return shutil.which("chromium")


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Debian's Chromium without a window, in a fresh profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()
