"""Answers that no server should give: the handler returns a page or a typed failure, in time.

One server plays every answer in turn, so that what one answer leaves behind in a connection would
show in the next. The mutations are those of hypothesis and of a seeded generator over the parts
of a message (RFC 9112): status line, fields, framing, coding.
"""
# ruff: noqa: E501 (a case a line)

import asyncio
import gzip
import random
import zlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrapy.http import Request

from crawler.config import Config, CrawlConfig, NetworkConfig
from crawler.net import Answer
from crawler.net.connect import NetError
from crawler.net.handler import GuardedDownloadHandler
from crawler.net.manners import Pace
from crawler.workspace import Workspace

SITE = "127.64.0.1"
TIMEOUT = 1.0
LIMIT = 50_000
KINDS = {"protocol", "reset", "encoding", "timeout", "headers"}


class _OneName:
    async def addresses(self, host: str) -> Answer:
        return Answer(host, "A", (SITE,), 60)


def outcomes(tmp_path: Path, answers: list[bytes], *, hold: bool = False) -> list[str]:
    """For each raw answer: "page STATUS LENGTH" or the kind of failure.

    `hold` keeps the connection open after the answer, as a lying server does.
    """

    async def main() -> list[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    number = int(head.split(b" ")[1][1:])
                    writer.write(answers[number])
                    await writer.drain()
                    if not hold:
                        break
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, SITE, 0)
        port = server.sockets[0].getsockname()[1]
        network = NetworkConfig(
            allow_private=("127.64.0.0/10",), port_map={80: port}, timeout=TIMEOUT, max_bytes=LIMIT
        )
        workspace = Workspace(tmp_path, Config(network=network, crawl=CrawlConfig(concurrency=32)))
        spider = SimpleNamespace(workspace=workspace, resolver=_OneName(), pace=Pace(0))
        handler = GuardedDownloadHandler.from_crawler(
            SimpleNamespace(spider=spider, stats=None)  # type: ignore[arg-type]
        )

        async def one(number: int) -> str:
            try:
                response = await handler.download_request(Request(f"http://h.test/{number}"))
            except NetError as error:
                return error.kind
            assert len(response.body) <= LIMIT
            return f"page {response.status} {len(response.body)}"

        try:
            async with asyncio.timeout(60 + TIMEOUT * len(answers)):
                found = []
                for start in range(0, len(answers), 32):
                    batch = range(start, min(start + 32, len(answers)))
                    found += await asyncio.gather(*(one(number) for number in batch))
                return found
        finally:
            await handler.close()
            server.close()

    return asyncio.run(main())


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TEXT = b"<p>casino" * 20


def length(body: bytes, *fields: bytes, claimed: int | None = None) -> bytes:
    lines = [b"Content-Length: %d" % (len(body) if claimed is None else claimed), *fields]
    return OK + b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunk(body: bytes) -> bytes:
    return b"%x\r\n" % len(body) + body + b"\r\n"


CASES = {
    # Status lines
    "version 9": (b"HTTP/9 banana\r\n\r\n", KINDS),
    "no status": (b"HTTP/1.1\r\n\r\n", KINDS),
    "status of letters": (b"HTTP/1.1 abc OK\r\n\r\n", KINDS),
    "status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", KINDS),
    "negative status": (b"HTTP/1.1 -1 OK\r\n\r\n", KINDS),
    "status 0": (b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "status 999": (b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "HTTP/0.9": (b"<p>just a page</p>", KINDS),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", KINDS),
    "binary": (bytes(range(256)) * 40, KINDS),
    "no answer": (b"", {"reset"}),
    "100 for ever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, KINDS),
    # Fields
    "1 MB in a field": (OK + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", {"protocol"}),
    "1 MB of fields": (OK + b"X-Field: value\r\n" * 62_500 + b"\r\n", KINDS),
    "fields without end": (OK + b"X: y\r\n" * 1_000, KINDS),
    "a field without name": (OK + b": empty\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "a field with spaces": (OK + b"Bad Name : x\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "a NUL in a field": (OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "folded fields": (OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", KINDS | {"page"}),
    "bare line feeds": (OK.replace(b"\r", b"") + b"Content-Length: 2\n\nhi", KINDS | {"page"}),
    "fields in UTF-16": (OK + "X: ü\r\n\r\n".encode("utf-16"), KINDS),
    # Framing
    "length too long": (length(TEXT, claimed=100_000), {"page"}),
    "length too short": (length(TEXT, claimed=3), KINDS | {"page"}),
    "negative length": (length(TEXT, claimed=-1), KINDS),
    "length of letters": (OK + b"Content-Length: ten\r\n\r\n" + TEXT, KINDS),
    "huge length": (OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", KINDS),
    "length beyond 64 bits": (OK + b"Content-Length: 99999999999999999999\r\n\r\nx", KINDS | {"page"}),
    "two lengths": (OK + b"Content-Length: 3\r\nContent-Length: 30\r\n\r\nabc", KINDS),
    "length and chunks": (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(TEXT)
                          + b"0\r\n\r\n", KINDS | {"page"}),
    "chunk size of letters": (CHUNKED + b"zz\r\nabc\r\n", KINDS),
    "negative chunk": (CHUNKED + b"-5\r\nabc\r\n", KINDS),
    "chunk too long": (CHUNKED + b"ffff\r\nabc\r\n", KINDS | {"page"}),
    "chunk too short": (CHUNKED + b"1\r\nabcdef\r\n0\r\n\r\n", KINDS | {"page"}),
    "chunk size without end": (CHUNKED + b"1" * 100_000, KINDS),
    "chunk extension of 1 MB": (CHUNKED + b"1;" + b"x" * 1_000_000 + b"\r\na\r\n0\r\n\r\n",
                                KINDS | {"page"}),
    "no last chunk": (CHUNKED + chunk(TEXT), {"page"}),
    "1 MB of trailers": (CHUNKED + chunk(TEXT) + b"0\r\n" + b"T: x\r\n" * 170_000 + b"\r\n",
                         KINDS | {"page"}),
    "chunks of one byte": (CHUNKED + chunk(b"a") * 20_000 + b"0\r\n\r\n", {"page"}),
    "unknown transfer coding": (OK + b"Transfer-Encoding: rot13\r\n\r\n" + TEXT, KINDS | {"page"}),
    "endless body": (OK + b"\r\n" + b"a" * 3_000_000, {"page"}),
    # Codings
    "gzip that is none": (length(TEXT, b"Content-Encoding: gzip"), {"encoding"}),
    "gzip cut short": (length(gzip.compress(TEXT)[:-12], b"Content-Encoding: gzip"), KINDS | {"page"}),
    "gzip with a wrong sum": (length(gzip.compress(TEXT)[:-8] + b"12345678", b"Content-Encoding: gzip"),
                              KINDS | {"page"}),
    "gzip and more behind": (length(gzip.compress(TEXT) + b"more" * 99, b"Content-Encoding: gzip"),
                             {"page"}),
    "gzip in gzip": (length(gzip.compress(gzip.compress(TEXT)), b"Content-Encoding: gzip, gzip"),
                     {"encoding"}),
    "gzip in gzip, unsaid": (length(gzip.compress(gzip.compress(TEXT)), b"Content-Encoding: gzip"),
                             {"page"}),
    "deflate in gzip": (length(gzip.compress(zlib.compress(TEXT)),
                               b"Content-Encoding: deflate", b"Content-Encoding: gzip"), {"encoding"}),
    "zlib said to be gzip": (length(zlib.compress(TEXT), b"Content-Encoding: gzip"), {"encoding"}),
    "a bomb": (length(gzip.compress(bytes(60_000_000)), b"Content-Encoding: gzip"), {"page"}),
    "a bomb in chunks": (OK + b"Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n"
                         + chunk(zlib.compress(bytes(60_000_000))) + b"0\r\n\r\n", {"page"}),
    "a hundred codings": (length(TEXT, b"Content-Encoding: " + b", ".join([b"gzip"] * 100)), {"encoding"}),
    "unknown coding": (length(TEXT, b"Content-Encoding: br"), {"encoding"}),
    "empty body with a coding": (length(b"", b"Content-Encoding: gzip"), {"page"}),
}  # fmt: skip


@pytest.mark.parametrize("hold", [False, True], ids=["closes", "holds"])
def test_every_malformed_answer_has_its_outcome(hold: bool, tmp_path: Path) -> None:
    found = outcomes(tmp_path, [answer for answer, _ in CASES.values()], hold=hold)
    for (name, (_, expected)), outcome in zip(CASES.items(), found, strict=True):
        allowed = expected | (
            # One that holds the connection makes us wait for what it promised.
            {"timeout"} if hold else set()
        )
        assert outcome.split(" ")[0] in allowed, (name, outcome)


def test_no_body_passes_for_more_than_it_is(tmp_path: Path) -> None:
    answers = [CASES[name][0] for name in ("length too long", "a bomb")]
    found = outcomes(tmp_path, answers)
    assert found == [f"page 200 {len(TEXT)}", f"page 200 {LIMIT}"]


def _mutated(rng: random.Random) -> bytes:
    """A message of valid and broken parts, some of its bytes changed, cut or repeated."""
    status = rng.choice(
        [b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 302 \xff", b"HTTP/2 200 OK"]
    )
    fields = rng.sample(
        [
            b"Content-Type: text/html; charset=gb18030", b"Content-Type: application/json",
            b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
            b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Encoding: identity",
            b"Content-Length: %d" % rng.randrange(-2, 4_000), b"Connection: keep-alive",
            b"Connection: upgrade\r\nUpgrade: h2c", b"Set-Cookie: " + rng.randbytes(30).hex().encode(),
            b"Location: " + rng.randbytes(9), b"Trailer: X", b"X-" + b"y" * rng.randrange(9_000) + b": z",
        ],
        rng.randrange(7),
    )  # fmt: skip
    body = rng.choice([
        TEXT, gzip.compress(TEXT), zlib.compress(TEXT), chunk(TEXT) + b"0\r\n\r\n",
        chunk(gzip.compress(TEXT)) + b"0\r\n\r\n", rng.randbytes(500), b"",
    ])  # fmt: skip
    raw = bytearray(b"\r\n".join([status, *fields, b"", b""]) + body)
    for _ in range(rng.choice([0, 0, 1, 3, 20])):
        place = rng.randrange(len(raw))
        match rng.randrange(3):
            case 0:
                raw[place] = rng.randrange(256)
            case 1:
                del raw[place : place + rng.randrange(1, 40)]
            case 2:
                raw[place:place] = raw[place : place + 30] * rng.randrange(1, 30)
        raw = raw or bytearray(b"x")
    return bytes(raw)


def test_two_thousand_mutated_answers_are_pages_or_typed_failures(tmp_path: Path) -> None:
    rng = random.Random(5)
    found = Counter(
        outcome.split(" ")[0]
        for outcome in outcomes(tmp_path, [_mutated(rng) for _ in range(2_000)])
    )
    assert set(found) <= KINDS | {"page"}, found
    assert found["page"] > 100 and found["protocol"] > 100 and found["encoding"] > 10


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), min_size=16, max_size=16))
def test_bytes_of_any_kind_are_a_typed_failure(tmp_path: Path, raw: list[bytes]) -> None:
    answers = [
        start + item for item, start in zip(raw, [b"", OK, CHUNKED, b"HTTP/1.1 "] * 4, strict=True)
    ]
    for outcome in outcomes(tmp_path, answers):
        assert outcome.split(" ")[0] in KINDS | {"page"}
