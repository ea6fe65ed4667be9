"""A real Redis on a free port, with its append-only file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from redis_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("redis")
    found = Server(tmp_path / "redis")
    found.start()
    yield found
    found.kill()
