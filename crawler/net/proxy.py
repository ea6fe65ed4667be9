"""An HTTP proxy on loopback: a browser's only way out, and the way to an operator's own proxy.

Each request is one connection to an address that was resolved and checked here (RFC 9110 §7.6,
CONNECT in §9.3.6), so no page can reach what the address guard refuses, in whatever way it asks.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from crawler.net.connect import MAX_HEAD, NetError, Upstream, open_connection, open_tunnel
from crawler.net.guard import AddressGuard
from crawler.net.resolver import Resolver

# A page's script may send so much to its own interface.
MAX_UPLOAD = 200_000
# Interim answers (RFC 9110 §15.2) before the one that counts.
MAX_INTERIM = 5
_CHUNK = 65_536


class GuardedProxy:
    """Serves one page's browser; `counts` has requests, bytes and the kinds of failures.

    Limits: `timeout` seconds for a connection and for each silence, `max_requests` connections,
    `max_bytes` read from all servers together; 0 is no limit. With `upstream` all connections go
    through that proxy. `addresses` are those connected to, by host; an answer 502 of our own says
    what failed in its field Proxy-Status (RFC 9209).
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        guard: AddressGuard,
        port_map: Mapping[int, int],
        timeout: float,
        max_requests: int = 0,
        max_bytes: int = 0,
        upstream: Upstream | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.addresses: dict[str, str] = {}
        self._upstream = upstream
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
                writer.write(
                    b"HTTP/1.1 502 Bad Gateway\r\n"
                    b"Proxy-Status: %b\r\nConnection: close\r\n\r\n" % _status(error)
                )
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
        if 0 < self._max_requests <= self.counts["requests"]:
            raise NetError("requests-limit", f"more than {self._max_requests}")
        self.counts["requests"] += 1
        host = target.hostname or ""
        there, out, self.addresses[host] = await self._open(host, target.port or 80)
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

    async def _open(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
        if self._upstream:
            return await open_tunnel(
                host,
                port,
                upstream=self._upstream,
                resolver=self._resolver,
                guard=self._guard,
                port_map=self._port_map,
                timeout=self._timeout,
            )
        return await open_connection(
            host,
            port,
            resolver=self._resolver,
            guard=self._guard,
            port_map=self._port_map,
            timeout=self._timeout,
        )

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
            if 0 < self._max_bytes < self.counts["bytes"]:
                raise NetError("bytes-limit", f"more than {self._max_bytes:,}")
            writer.write(chunk)
            await writer.drain()


STATUS_NAME = "scamtrail"


def _status(error: NetError) -> bytes:
    """A Proxy-Status field; `failure` reads it."""
    detail = str(error).removeprefix(error.kind).removeprefix(": ")
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in detail[:200])
    return f'{STATUS_NAME}; error={error.kind}; details="{plain}"'.encode("ascii", "replace")


def failure(status: str) -> NetError | None:
    """What a field Proxy-Status of ours says; None for any other."""
    name, _, rest = status.partition("; error=")
    if name != STATUS_NAME:
        return None
    kind, _, detail = rest.partition("; details=")
    return NetError(kind, detail.strip('"'))


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
