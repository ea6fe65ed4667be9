"""The download handler against a hostile server: every connection checked, every read limited."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Request, Response

from crawler.config import Config, CrawlConfig, NetworkConfig
from crawler.net import Answer
from crawler.net.connect import NetError
from crawler.net.handler import GuardedDownloadHandler
from crawler.net.manners import Pace
from crawler.workspace import Workspace

SITE = "127.64.0.1"
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@dataclass
class Names:
    """A resolver with fixed answers, one list a look-up; the last one stays."""

    answers: dict[str, list[tuple[str, ...]]]
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> Answer:
        self.asked.append(host)
        known = self.answers.get(host)
        if not known:
            return Answer(host, "A", failure="nxdomain")
        values = known.pop(0) if len(known) > 1 else known[0]
        return Answer(host, "A", values, 60)


@asynccontextmanager
async def serving(handle: Handle, address: str = SITE) -> AsyncIterator[int]:
    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handle(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(safely, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def handler(
    tmp_path: Path, port: int, names: Names, allow: str = "127.64.0.0/10"
) -> AsyncIterator[GuardedDownloadHandler]:
    network = NetworkConfig(
        allow_private=(allow,), port_map={80: port}, timeout=2.0, max_bytes=100_000
    )
    workspace = Workspace(tmp_path, Config(network=network, crawl=CrawlConfig()))
    crawler = SimpleNamespace(
        spider=SimpleNamespace(workspace=workspace, resolver=names, pace=Pace(0)), stats=None
    )
    made = GuardedDownloadHandler.from_crawler(crawler)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


def fetch(
    tmp_path: Path,
    handle: Handle,
    url: str = "http://site.test/",
    answers: dict[str, list[tuple[str, ...]]] | None = None,
    allow: str = "127.64.0.0/10",
) -> Response:
    async def main() -> Response:
        names = Names(answers or {"site.test": [(SITE,)]})
        async with serving(handle) as port, handler(tmp_path, port, names, allow) as made:
            return await made.download_request(Request(url))

    return asyncio.run(main())


def answering(*chunks: bytes, pause: float = 0.0) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)

    return handle


def ok(body: bytes, *fields: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"


def test_a_page_comes_with_its_address(tmp_path: Path) -> None:
    response = fetch(tmp_path, answering(ok(b"<p>hello")))
    assert (response.status, response.body, str(response.ip_address)) == (200, b"<p>hello", SITE)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies_are_unpacked(tmp_path: Path, encoding: str) -> None:
    packed = gzip.compress(b"hello") if encoding == "gzip" else zlib.compress(b"hello")
    answer = ok(packed, f"Content-Encoding: {encoding}")
    assert fetch(tmp_path, answering(answer)).body == b"hello"


def test_a_compression_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    bomb = ok(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")
    response = fetch(tmp_path, answering(bomb))
    assert len(response.body) == 100_000
    assert "size-limit" in response.flags


def test_an_endless_body_stops_at_the_limit(tmp_path: Path) -> None:
    response = fetch(tmp_path, answering(OPEN, *[b"x" * 10_000] * 1_000))
    assert len(response.body) == 100_000


def test_of_a_body_that_drips_the_part_that_came_is_used(tmp_path: Path) -> None:
    response = fetch(tmp_path, answering(OPEN, *[b"drip"] * 100, pause=0.2))
    assert response.body.startswith(b"dripdrip")
    assert "time-limit" in response.flags


def test_what_is_no_text_is_not_read(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.android.package-archive\r\n"
    response = fetch(tmp_path, answering(head + b"Content-Length: 5\r\n\r\nPK..."))
    assert (response.body, response.flags) == (b"", ["not-text"])


def test_a_redirect_is_returned_not_followed(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    response = fetch(tmp_path, answering(answer))
    assert (response.status, response.headers["Location"]) == (302, b"http://10.0.0.1/")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"nonsense\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", "protocol"),
        (b"", "reset"),
        (ok(b"not gzip", "Content-Encoding: gzip"), "encoding"),
        (ok(b"x", "Content-Encoding: zstd"), "encoding"),
        (ok(b"x", "Content-Encoding: gzip, gzip"), "encoding"),
    ],
    ids=["status", "header", "length", "nothing", "not-gzip", "zstd", "twice"],
)
def test_a_broken_answer_is_a_typed_failure(tmp_path: Path, answer: bytes, kind: str) -> None:
    with pytest.raises(NetError) as raised:
        fetch(tmp_path, answering(answer))
    assert raised.value.kind == kind


def test_a_silent_server_times_out(tmp_path: Path) -> None:
    with pytest.raises(NetError) as raised:
        fetch(tmp_path, answering(b"", pause=10))
    assert raised.value.kind == "timeout"


def test_a_name_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(NetError) as raised:
        fetch(tmp_path, answering(ok(b"")), url="http://nowhere.test/")
    assert raised.value.kind == "dns:nxdomain"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://inside.test/",
        "http://mapped.test/",
    ],
)
def test_forbidden_addresses_are_never_connected_to(tmp_path: Path, url: str) -> None:
    connections: list[object] = []

    async def main() -> None:
        def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(1)
            writer.close()

        trap = await asyncio.start_server(accepted, "127.0.0.1", 0)
        port = trap.sockets[0].getsockname()[1]
        names = Names({"inside.test": [("127.0.0.1",)], "mapped.test": [("::ffff:127.0.0.1",)]})
        try:
            async with handler(tmp_path, port, names) as made:
                await made.download_request(Request(url))
        finally:
            trap.close()

    with pytest.raises(NetError) as raised:
        asyncio.run(main())
    assert raised.value.kind == "guard"
    assert connections == []


def test_a_name_that_rebinds_is_connected_to_only_where_it_was_checked(tmp_path: Path) -> None:
    answers = {"site.test": [(SITE,), ("127.0.0.1",)]}
    assert fetch(tmp_path, answering(ok(b"first")), answers=answers).body == b"first"

    async def second() -> None:
        names = Names({"site.test": [("127.0.0.1",)]})
        with socket.create_server(("127.0.0.1", 0)) as trap:
            async with handler(tmp_path, trap.getsockname()[1], names) as made:
                await made.download_request(Request("http://site.test/"))

    with pytest.raises(NetError) as raised:
        asyncio.run(second())
    assert raised.value.kind == "guard"


def test_allowed_networks_open_exactly_what_they_say(tmp_path: Path) -> None:
    assert fetch(tmp_path, answering(ok(b"in")), allow=f"{SITE}/32").body == b"in"
    with pytest.raises(NetError) as raised:
        fetch(tmp_path, answering(ok(b"in")), allow="127.64.0.2/32")
    assert raised.value.kind == "guard"
