"""A real Redis on a free port, with and without its append-only file."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from crawler.sandbox import free_ports


class Server:
    """redis-server in a folder of its own; it can be killed and started again."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            pytest.skip("needs the Debian package redis-server")
        self.port, self.tls_port = free_ports(2)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder.mkdir(exist_ok=True)
        self._command = [
            program,
            "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder),
            "--save", "", "--appendonly", "yes", "--appendfsync", "always",
            *(item.format(tls=self.tls_port) for item in arguments),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        import redis

        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self.port, password=self._password())
        for _ in range(200):
            try:
                client.ping()
                return
            except redis.exceptions.RedisError:
                time.sleep(0.05)
        pytest.fail("redis-server does not come up")

    def _password(self) -> str | None:
        given = self._command
        return given[given.index("--requirepass") + 1] if "--requirepass" in given else None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
