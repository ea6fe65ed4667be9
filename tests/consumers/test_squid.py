"""Squid loads the ACL file and refuses what is listed, and nothing beside it."""

import http.client
import http.server
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder(public: Path) -> Iterator[Path]:
    """Where the user that Squid changes to can read, too."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copyfile(public / "squid.acl", folder / "squid.acl")
        yield folder


def configure(folder: Path, port: int, origin: int) -> Path:
    """Everything that is not refused goes to `origin`."""
    path = folder / "squid.conf"
    path.write_text(
        f"""http_port 127.0.0.1:{port}
pid_filename none
access_log none
cache_log {folder}/cache.log
cache_store_log none
cache deny all
icon_directory {folder}
shutdown_lifetime 0 seconds
acl scamtrail dstdomain "{folder}/squid.acl"
http_access deny scamtrail
http_access allow all
cache_peer 127.0.0.1 parent {origin} 0 no-query no-digest default
never_direct allow all
"""
    )
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def origin() -> Iterator[int]:
    """The port of a web server that answers 204 for every host."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def proxy(
    folder: Path, program: Callable[[str, str], str], free_port: Callable[[], int], origin: int
) -> Iterator[int]:
    squid = program("squid", "squid")
    port = free_port()
    config = configure(folder, port, origin)
    (folder / "cache.log").touch()
    (folder / "cache.log").chmod(0o666)
    process = subprocess.Popen([squid, "-N", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if process.poll() is not None:
                pytest.fail((folder / "cache.log").read_text()[-2000:])
            try:
                ask(port, "start.example")
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(port: int, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"http://{host}/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_squid_parses_the_file_without_a_warning(
    folder: Path, program: Callable[[str, str], str]
) -> None:
    config = configure(folder, 3128, 3129)
    done = subprocess.run(
        [program("squid", "squid"), "-k", "parse", "-f", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "squid.acl" in said
    assert not any("subdomain" in line or "ERROR" in line for line in said.splitlines()), said


def test_squid_refuses_what_is_listed_and_nothing_beside_it(
    proxy: int, blocked: tuple[str, ...], innocent: tuple[str, ...]
) -> None:
    for name in (*blocked, "bad.github.io"):
        assert ask(proxy, name) == 403, name
    for name in innocent:
        assert ask(proxy, name) == 204, name
