"""An HTTP proxy on loopback: the only way out that a browser is given.

Each request is one connection to an address that was resolved and checked here (RFC 9110 §7.6,
CONNECT in §9.3.6), so no page can reach what the address guard refuses, in whatever way it asks.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from crawler.net.connect import NetError, open_connection
from crawler.net.guard import AddressGuard
from crawler.net.resolver import Resolver

MAX_HEAD = 65_536
# A page's script may send so much to its own interface.
MAX_UPLOAD = 200_000
# Interim answers (RFC 9110 §15.2) before the one that counts.
MAX_INTERIM = 5
_CHUNK = 65_536


class GuardedProxy:
    """Serves one page's browser; `counts` has requests, bytes and the kinds of failures.

    Limits: `timeout` seconds for a connection and for each silence, `max_requests` connections,
    `max_bytes` read from all servers together.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        guard: AddressGuard,
        port_map: Mapping[int, int],
        timeout: float,
        max_requests: int,
        max_bytes: int,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.port = 0
        self._resolver = resolver
        self._guard = guard
        self._port_map = port_map
        self._timeout = timeout
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "GuardedProxy":
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=MAX_HEAD, backlog=64
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except NetError as error:
            self.counts[error.kind] += 1
            with contextlib.suppress(OSError):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n")
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.counts["broken-off"] += 1
        except asyncio.CancelledError:
            pass  # the page is done with; streams would log it as a fault
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._timeout):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head[:-4].split(b"\r\n")
        method, target, upload = _request(first, fields)
        self.counts["requests"] += 1
        if self.counts["requests"] > self._max_requests:
            raise NetError("requests", f"more than {self._max_requests}")
        there, out, _ = await open_connection(
            target.hostname or "",
            target.port or 80,
            resolver=self._resolver,
            guard=self._guard,
            port_map=self._port_map,
            timeout=self._timeout,
        )
        try:
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                upload = MAX_UPLOAD
            else:
                path = (target.path or "/") + (f"?{target.query}" if target.query else "")
                line = method + b" " + path.encode("latin-1", "replace") + b" HTTP/1.1"
                out.write(_closing([line, *fields]))
            sending = asyncio.create_task(self._upload(reader, out, upload))
            answering = asyncio.create_task(
                self._download(there, writer, headed=method != b"CONNECT")
            )
            try:
                await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    answering.result()
            finally:
                sending.cancel()
                answering.cancel()
                await asyncio.gather(sending, answering, return_exceptions=True)
        finally:
            out.close()

    async def _upload(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, limit: int
    ) -> None:
        """Send `limit` bytes on and no more: what follows may be for another server.

        Ends when the browser hangs up.
        """
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if passed := chunk[:limit]:
                    limit -= len(passed)
                    out.write(passed)
                    await out.drain()

    async def _download(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, *, headed: bool
    ) -> None:
        """Pass an answer on; the head says that the connection ends with it."""
        for _ in range(MAX_INTERIM if headed else 0):
            async with asyncio.timeout(self._timeout):
                head = await there.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                writer.write(_closing(head[:-4].split(b"\r\n")))
                break
        while True:
            async with asyncio.timeout(self._timeout):
                chunk = await there.read(_CHUNK)
            if not chunk:
                return
            self.counts["bytes"] += len(chunk)
            if self.counts["bytes"] > self._max_bytes:
                raise NetError("bytes", f"more than {self._max_bytes:,}")
            writer.write(chunk)
            await writer.drain()


_HOP_BY_HOP = (b"proxy-", b"connection:", b"keep-alive:", b"upgrade:", b"te:")


def _closing(lines: list[bytes]) -> bytes:
    """The head of a message after which the connection is closed (RFC 9112 §9.6)."""
    kept = [line for line in lines[1:] if not line.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([lines[0], *kept, b"Connection: close", b"", b""])


def _request(first: bytes, fields: list[bytes]) -> tuple[bytes, SplitResult, int]:
    """Method, target and length of the body. Raises NetError for what no browser sends."""
    try:
        method, asked, _ = first.split(b" ")
        text = asked.decode("ascii")
        target = urlsplit(f"//{text}" if method == b"CONNECT" else text)
        if method != b"CONNECT" and target.scheme != "http":
            raise ValueError(target.scheme)
        if not target.hostname or target.port == 0:
            raise ValueError(text)
        lengths = [
            int(line.partition(b":")[2])
            for line in fields
            if line.lower().startswith(b"content-length:")
        ]
        upload = sum(lengths)
        if not 0 <= upload <= MAX_UPLOAD:
            raise ValueError("too much to send")
        return method, target, upload
    except (ValueError, UnicodeDecodeError) as error:
        raise NetError("protocol", str(error)[:100]) from error
