"""The published tree behind web servers, set up as the documents say, and asked over HTTP."""

import gzip
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import pytest

from blocklists.config import PublishConfig
from blocklists.release import publish
from blocklists.select import Selection
from crawler.model import Listing
from crawler.sandbox import free_ports
from support import BIN, scamtrail

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "isp.md"
MANY = tuple(f"win{number}.com" for number in range(300))
SERVERS = ["nginx", "caddy", "serve"]
BROTLI = Path("/usr/share/nginx/modules/ngx_http_brotli_static_module.so")

Program = Callable[[str, str], str]


def release(public: Path, *names: str, now: datetime = NOW) -> None:
    listings = tuple(Listing(name, "all", "strict", NOW, "seen") for name in names)
    publish(Selection(listings, ()), public, now=now, config=PublishConfig(), force=True)


def documented(language: str) -> str:
    """The snippet of the documents with its folder still to be filled in."""
    found = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site") / "watch"
    assert scamtrail("init", root).returncode == 0
    release(root / "public", *MANY)
    (root / "public" / ".secret").write_text("hidden")
    (root / "public" / "outside").symlink_to(root / "scamtrail.toml")
    return root / "public"


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest,
    tree: Path,
    program: Program,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The port of one of the servers."""
    folder = tmp_path_factory.mktemp("server")
    with running(getattr(Commands, request.param)(tree, folder, program)) as port:
        yield port


class Commands:
    """How each server is started on a port."""

    @staticmethod
    def nginx(tree: Path, folder: Path, program: Program) -> Callable[[int], Sequence[str]]:
        path = program("nginx", "nginx")

        def command(port: int) -> Sequence[str]:
            snippet = documented("nginx").replace("listen 80;", f"listen 127.0.0.1:{port};")
            temporary = "".join(
                f"{kind}_temp_path {folder}/{kind};"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            module = f"load_module {BROTLI};" if BROTLI.exists() else ""
            if not module:
                snippet = re.sub(r"brotli_static on;.*", "", snippet)
            (folder / "nginx.conf").write_text(
                f"{module} {'user root;' if os.getuid() == 0 else ''} daemon off; pid {folder}/pid;"
                f"events {{}} http {{ access_log off; {temporary}"
                f"{snippet.replace('/srv/scamtrail/public', str(tree))} }}"
            )
            return [path, "-e", "stderr", "-c", str(folder / "nginx.conf")]

        return command

    @staticmethod
    def caddy(tree: Path, folder: Path, program: Program) -> Callable[[int], Sequence[str]]:
        path = program("caddy", "caddy")

        def command(port: int) -> Sequence[str]:
            snippet = documented("caddyfile").replace("lists.example", f"http://127.0.0.1:{port}")
            (folder / "Caddyfile").write_text(
                "{\n admin off\n}\n" + snippet.replace("/srv/scamtrail/public", str(tree))
            )
            home = (f"XDG_{kind}_HOME={folder}" for kind in ("CONFIG", "DATA"))
            return [
                "env",
                *home,
                path,
                "run",
                "--adapter",
                "caddyfile",
                "--config",
                str(folder / "Caddyfile"),
            ]

        return command

    @staticmethod
    def serve(tree: Path, folder: Path, program: Program) -> Callable[[int], Sequence[str]]:
        return lambda port: [
            str(BIN / "scamtrail"), "serve", "-w", str(tree.parent), "--port", str(port)
        ]  # fmt: skip


class running:
    """Starts a server by the command for a free port, and ends it."""

    def __init__(self, command: Callable[[int], Sequence[str]]) -> None:
        self.command = command

    def __enter__(self) -> int:
        for _ in range(5):  # another program may take the free port first
            (port,) = free_ports(1)
            self.process = subprocess.Popen(
                self.command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for _ in range(200):
                with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
                    return port
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
            self.process.kill()
            self.process.wait()
        pytest.fail(f"did not start: {self.command(0)}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Accept-Encoding": "identity"} | named)
        return Answer(connection.getresponse())


def test_every_file_of_the_manifest_is_given_as_it_is(server: int, tree: Path) -> None:
    manifest = json.loads(ask(server, "/manifest.json").body)
    for path, info in manifest["files"].items():
        assert hashlib.sha256(ask(server, f"/{path}").body).hexdigest() == info["sha256"], path
    assert ask(server, "/").body == (tree / "index.html").read_bytes()


def test_a_second_pull_costs_nothing(server: int) -> None:
    for encoding in ("identity", "gzip"):
        first = ask(server, "/all/strict/rpz.zone", Accept_Encoding=encoding)
        assert first.status == 200
        again = {"If_None_Match": first.headers["etag"]}
        answer = ask(server, "/all/strict/rpz.zone", Accept_Encoding=encoding, **again)
        assert (answer.status, answer.body) == (304, b"")
        since = {"If_Modified_Since": first.headers["last-modified"]}
        answer = ask(server, "/all/strict/rpz.zone", Accept_Encoding=encoding, **since)
        assert answer.status == 304


def test_a_release_changes_the_tags_of_what_changed_and_of_nothing_else(
    server: int, tree: Path
) -> None:
    before = {
        path: ask(server, path).headers["etag"]
        for path in ("/all/strict/rpz.zone", "/all/wide/rpz.zone")
    }
    serial = json.loads(ask(server, "/manifest.json").body)["serial"]
    release(tree, *MANY, f"new{serial}.com", now=NOW + timedelta(days=1))
    changed = ask(server, "/all/strict/rpz.zone", If_None_Match=before["/all/strict/rpz.zone"])
    assert changed.status == 200
    assert f"new{serial}.com CNAME .".encode() in changed.body
    same = ask(server, "/all/wide/rpz.zone", If_None_Match=before["/all/wide/rpz.zone"])
    assert same.status == 304
    newest = json.loads(ask(server, "/manifest.json").body)["serial"]
    change = ask(server, f"/delta/{serial}-{newest}.txt")
    assert f"all/strict\t+\tnew{serial}.com\tdomain\tseen".encode() in change.body


def test_brotli_is_given_to_who_takes_it(
    server: int, tree: Path, request: pytest.FixtureRequest
) -> None:
    if "nginx" in request.node.name and not BROTLI.exists():
        pytest.skip("apt-get install libnginx-mod-http-brotli-static")
    packed = ask(server, "/all/strict/domains.txt", Accept_Encoding="gzip, br")
    assert packed.headers["content-encoding"] == "br"
    assert packed.body == (tree / "all/strict/domains.txt.br").read_bytes()
    assert brotli.decompress(packed.body) == ask(server, "/all/strict/domains.txt").body
    again = {"If_None_Match": packed.headers["etag"]}
    answer = ask(server, "/all/strict/domains.txt", Accept_Encoding="gzip, br", **again)
    assert answer.status == 304


def test_compressed_files_are_given_to_who_takes_them(server: int, tree: Path) -> None:
    packed = ask(server, "/all/strict/domains.txt", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    plain = ask(server, "/all/strict/domains.txt")
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert packed.body == (tree / "all/strict/domains.txt.gz").read_bytes()


def test_a_broken_pull_goes_on_where_it_was(server: int) -> None:
    whole = ask(server, "/all/strict/domains.txt").body
    part = ask(server, "/all/strict/domains.txt", Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole[100:200])
    rest = ask(server, "/all/strict/domains.txt", Range=f"bytes={len(whole) - 7}-")
    assert (rest.status, rest.body) == (206, whole[-7:])
    beyond = ask(server, "/all/strict/domains.txt", Range=f"bytes={len(whole)}-")
    assert beyond.status == 416


def test_files_say_what_they_are(server: int) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/manifest.json", "application/json"),
        ("/SHA256SUMS", "text/plain"),
        ("/all/strict/domains.txt", "text/plain"),
    ):
        answer = ask(server, path)
        if path != "/SHA256SUMS" or "content-type" in answer.headers:  # Caddy leaves it to readers
            assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age=300" in answer.headers["cache-control"]


def test_nothing_outside_is_given_and_nothing_is_taken(server: int) -> None:
    for path in ("/.secret", "/all/../.secret", "/../scamtrail.toml", "/%2e%2e/scamtrail.toml",
                 "/..%2fscamtrail.toml", "/all/.%00", "/none", "/all"):  # fmt: skip
        answer = ask(server, path)
        assert answer.status in (301, 308, 400, 403, 404), path
        assert b"hidden" not in answer.body and b"[network]" not in answer.body
    assert ask(server, "/index.html", "POST").status in (403, 405)
    assert ask(server, "/index.html", "DELETE").status in (403, 405)
    head = ask(server, "/index.html", "HEAD")
    assert (head.status, head.body) == (200, b"")


def test_serve_keeps_its_limits_and_to_its_folder(tree: Path, tmp_path: Path) -> None:
    def command(port: int) -> Sequence[str]:
        return [
            str(BIN / "scamtrail"), "serve", "-w", str(tree.parent), "--port", str(port),
            "--connections", "3", "--seconds", "1",
        ]  # fmt: skip

    with running(command) as port:
        silent = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(3)]
        with closing(socket.create_connection(("127.0.0.1", port), 30)) as fourth:
            assert fourth.recv(1) == b"", "a connection too many is closed"
        for connection in silent:
            with closing(connection), suppress(ConnectionResetError):
                assert connection.recv(1) == b"", "one that asks nothing is closed in time"
        assert ask(port, "/outside").status == 404, "a link leads nowhere"
        assert ask(port, "/manifest.json").status == 200


def test_serve_says_when_its_port_is_taken(tree: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = scamtrail("serve", "-w", tree.parent, "--port", port)
    assert done.returncode == 1
    assert "address already in use" in done.stderr


def test_stale_compressed_files_go_and_broken_ones_are_mended(tmp_path: Path) -> None:
    public = tmp_path / "public"
    release(public, *MANY)
    packed = [public / f"all/strict/domains.txt.{kind}" for kind in ("gz", "br")]
    good = [path.read_bytes() for path in packed]
    for path, content in zip(packed, good, strict=True):
        path.write_bytes(content[:-9])
    release(public, *MANY)
    assert [path.read_bytes() for path in packed] == good
    for path, content in zip(packed, good, strict=True):
        path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    release(public, *MANY)
    assert [path.read_bytes() for path in packed] == good
    release(public, "win1.com", now=NOW + timedelta(days=1))
    assert not any(path.exists() for path in packed)
    for path in public.rglob("*.gz"):
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    for path in public.rglob("*.br"):
        assert brotli.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    listings = Selection((Listing("win1.com", "all", "strict", NOW, "seen"),), ())
    few = replace(PublishConfig(), formats=("domains",))
    publish(listings, public, now=NOW, config=few, force=True)
    assert all(path.with_suffix("").exists() for path in public.rglob("*.[gb][zr]"))
