"""A TCP or TLS connection to a checked address; DNS and connecting are one act."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.names import address
from crawler.net.guard import AddressGuard
from crawler.net.resolver import Resolver


class NetError(Exception):
    """No connection, or no usable answer; `kind` is a short machine word such as "timeout"."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Upstream:
    """An HTTP proxy that the operator named; where it stands is his word, no guard is asked."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> "Upstream":
        """The proxy at http://USER:PASSWORD@HOST:PORT (RFC 7617). Raises ValueError."""
        parts = urlsplit(url)
        secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        basic = base64.b64encode(secret.encode()).decode() if parts.username else ""
        return cls(parts.hostname or "", parts.port or 80, basic)


# The head of an answer to CONNECT.
MAX_HEAD = 65_536
# A host with more addresses than this is not tried further.
MAX_TRIED = 4


async def checked_addresses(host: str, resolver: Resolver, guard: AddressGuard) -> list[str]:
    """The addresses of `host` that may be connected to. Raises NetError: guard or dns:…"""
    if literal := address(host):
        values: tuple[str, ...] = (str(literal),)
    else:
        answer = await resolver.addresses(host)
        if not answer.values:
            raise NetError(f"dns:{answer.failure or 'nodata'}", host[:100])
        values = answer.values
    allowed = [value for value in values if not guard.refusal(value)]
    if not allowed:
        raise NetError("guard", f"{values[0]}: {guard.refusal(values[0])}")
    return allowed


async def open_connection(
    host: str,
    port: int,
    *,
    resolver: Resolver,
    guard: AddressGuard,
    port_map: Mapping[int, int],
    timeout: float,
    context: ssl.SSLContext | None = None,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """Connect to `host`: (reader, writer, address). `timeout` in seconds covers DNS as well.

    The address connected to is the one that was checked, so a name cannot change its mind in
    between. Raises NetError: guard, dns:…, timeout, refused, unreachable, tls or reset.
    """
    failure = NetError("unreachable", host[:100])
    try:
        async with asyncio.timeout(timeout):
            for ip in (await checked_addresses(host, resolver, guard))[:MAX_TRIED]:
                try:
                    reader, writer = await asyncio.open_connection(
                        ip,
                        port_map.get(port, port),
                        ssl=context,
                        server_hostname=host if context else None,
                    )
                except (OSError, ValueError, TypeError) as error:
                    failure = _failure(error, ip)
                    failure.__cause__ = error
                else:
                    return reader, writer, ip
    except TimeoutError as error:
        raise NetError("timeout", f"after {timeout:g} s") from error
    raise failure


async def open_tunnel(
    host: str,
    port: int,
    *,
    upstream: Upstream,
    resolver: Resolver,
    guard: AddressGuard,
    port_map: Mapping[int, int],
    timeout: float,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    """As `open_connection`, through a proxy that is asked for the checked address (RFC 9110
    §9.3.6), never for the name, so what the name means is not decided there.

    Raises NetError: guard, dns:…, timeout, or proxy for what the proxy or its connection met.
    """
    try:
        async with asyncio.timeout(timeout):
            ip = (await checked_addresses(host, resolver, guard))[0]
            try:
                reader, writer = await asyncio.open_connection(
                    upstream.host, upstream.port, limit=MAX_HEAD
                )
            except OSError as error:
                raise NetError("proxy", f"unreachable: {error}"[:200]) from error
            try:
                await _ask_for(ip, port_map.get(port, port), upstream, reader, writer)
            except BaseException:
                writer.close()
                raise
            return reader, writer, ip
    except TimeoutError as error:
        raise NetError("timeout", f"after {timeout:g} s") from error


async def _ask_for(
    ip: str,
    port: int,
    upstream: Upstream,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    target = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if upstream.authorization:
        lines.append(f"Proxy-Authorization: Basic {upstream.authorization}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        raise NetError("proxy", f"no answer to CONNECT: {type(error).__name__}") from error
    status = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if len(status) < 2 or not status[1].startswith("2"):
        raise NetError("proxy", " ".join(status[1:])[:100] or "no status")


def _failure(error: Exception, ip: str) -> NetError:
    match error:
        case ssl.SSLError() | ValueError() | TypeError():
            # The last two: a name that TLS cannot carry.
            return NetError("tls", str(error)[:200])
        case TimeoutError():
            return NetError("timeout", ip)
        case ConnectionRefusedError():
            return NetError("refused", ip)
        case ConnectionError():
            return NetError("reset", f"{ip}: {error}"[:200])
    return NetError("unreachable", f"{ip}: {error}"[:200])


class CheckedResolver(AbstractResolver):
    """Our resolver in aiohttp's form; ports are mapped here, after all checks on the URL.

    aiohttp asks no resolver about an address in a URL, so its caller checks that.
    """

    def __init__(
        self,
        resolver: Resolver,
        guard: AddressGuard,
        port_map: Mapping[int, int],
        *,
        before: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        """`before` is awaited with host and address before these are given to be connected to."""
        self._before = before
        self._resolver = resolver
        self._guard = guard
        self._port_map = port_map

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        values = await checked_addresses(host, self._resolver, self._guard)
        if self._before:
            await self._before(host, values[0])
        return [
            ResolveResult(
                hostname=host,
                host=value,
                port=self._port_map.get(port, port),
                family=socket.AF_INET6 if ":" in value else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for value in values
        ]

    async def close(self) -> None:
        return None
