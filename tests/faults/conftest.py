"""Small file systems that a test can fill or make read-only."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB, which takes root."""
    yield from _mounted(tmp_path / "small", "6m")


@pytest.fixture
def own_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a workspace, which takes root."""
    yield from _mounted(tmp_path / "own", "2g")


def _mounted(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
