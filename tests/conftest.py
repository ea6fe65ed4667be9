"""What all tests share: the practice internet and workspaces on it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from crawler.sandbox import Ports, start_process
from support import SITES, Internet, scamtrail

# A shared machine may be slow; that is no failure.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    folder = tmp_path_factory.mktemp("internet")
    with start_process(folder, seed=1, sites=SITES, ports=Ports.free()):
        yield Internet(folder)


@pytest.fixture(scope="session")
def watched(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after one undisturbed run. Tests must not change it."""
    root = internet.workspace(tmp_path_factory.mktemp("watched") / "watch")
    done = scamtrail("run", "-w", root, "--json")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """Makes a copy of a workspace that a test may change."""

    def copy(root: Path) -> Path:
        return shutil.copytree(root, tmp_path / "copy")

    return copy
