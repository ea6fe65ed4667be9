"""A TCP or TLS connection to a checked address; DNS and connecting are one act."""

import asyncio
import socket
import ssl
from collections.abc import Mapping

from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.names import address
from crawler.net.guard import AddressGuard
from crawler.net.resolver import Resolver


class NetError(Exception):
    """No connection, or no usable answer; `kind` is a short machine word such as "timeout"."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


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
    """Connect to `host`: (reader, writer, address).

    The address connected to is the one that was checked, so a name cannot change its mind in
    between. Raises NetError: guard, dns:…, timeout, refused, unreachable, tls or reset.
    """
    if literal := address(host):
        values: tuple[str, ...] = (str(literal),)
    else:
        answer = await resolver.addresses(host)
        if not answer.values:
            raise NetError(f"dns:{answer.failure or 'nodata'}", host)
        values = answer.values
    allowed = [value for value in values if not guard.refusal(value)]
    if not allowed:
        raise NetError("guard", f"{values[0]}: {guard.refusal(values[0])}")
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(
                allowed[0],
                port_map.get(port, port),
                ssl=context,
                server_hostname=host if context else None,
            )
    except TimeoutError as error:
        raise NetError("timeout", f"after {timeout:g} s") from error
    except ssl.SSLError as error:
        raise NetError("tls", str(error)[:200]) from error
    except ConnectionRefusedError as error:
        raise NetError("refused", allowed[0]) from error
    except ConnectionError as error:
        raise NetError("reset", str(error)[:200]) from error
    except OSError as error:
        raise NetError("unreachable", str(error)[:200]) from error
    return reader, writer, allowed[0]


class CheckedResolver(AbstractResolver):
    """Our resolver in aiohttp's form; ports are mapped here, after all checks on the URL."""

    def __init__(
        self, resolver: Resolver, guard: AddressGuard, port_map: Mapping[int, int]
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._port_map = port_map

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = await self._resolver.addresses(host)
        if not answer.values:
            raise NetError(f"dns:{answer.failure or 'nodata'}", host)
        allowed = [value for value in answer.values if not self._guard.refusal(value)]
        if not allowed:
            raise NetError("guard", self._guard.refusal(answer.values[0]))
        return [
            ResolveResult(
                hostname=host,
                host=value,
                port=self._port_map.get(port, port),
                family=socket.AF_INET6 if ":" in value else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for value in allowed
        ]

    async def close(self) -> None:
        return None
