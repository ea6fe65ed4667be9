"""One document fetched or sent, guarded and limited; never used for suspects' pages."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from crawler.html import canonical_url
from crawler.names import address
from crawler.net.connect import CheckedResolver, NetError
from crawler.net.guard import AddressGuard
from crawler.net.resolver import Resolver

MAX_BYTES = 64_000_000
MAX_REDIRECTS = 5
TIMEOUT = 120.0
POST_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document; `body` is None when it has not changed (RFC 9110 §15.4.5)."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


async def fetch(
    url: str,
    *,
    resolver: Resolver,
    guard: AddressGuard,
    port_map: Mapping[int, int],
    user_agent: str,
    etag: str = "",
    modified: str = "",
) -> Fetched:
    """GET with conditions, following redirects with the guard on each. Raises NetError."""
    headers = {"User-Agent": user_agent, "Accept": "*/*"}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    async with _session(resolver, guard, port_map, TIMEOUT) as web:
        for _ in range(MAX_REDIRECTS + 1):
            _check_literal(url, guard)
            async with web.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    target = canonical_url(answer.headers.get("Location", ""), url)
                    if target is None:
                        raise NetError("protocol", "a redirect to nowhere")
                    url = target
                    continue
                return await _read(answer)
        raise NetError("protocol", f"more than {MAX_REDIRECTS} redirects")


async def post(
    url: str,
    document: Mapping[str, Any],
    *,
    resolver: Resolver,
    guard: AddressGuard,
    port_map: Mapping[int, int],
    user_agent: str,
) -> None:
    """Send JSON to an address that the operator named; no redirect is followed. Raises NetError."""
    _check_literal(url, guard)
    async with (
        _session(resolver, guard, port_map, POST_TIMEOUT) as web,
        web.post(
            url, json=document, headers={"User-Agent": user_agent}, allow_redirects=False
        ) as answer,
    ):
        if not 200 <= answer.status < 300:
            raise NetError(f"status {answer.status}")


def _check_literal(url: str, guard: AddressGuard) -> None:
    """aiohttp asks no resolver about an address, so the guard is asked here."""
    literal = address(urlsplit(url).hostname or "")
    if literal and (reason := guard.refusal(str(literal))):
        raise NetError("guard", reason)


@asynccontextmanager
async def _session(
    resolver: Resolver, guard: AddressGuard, port_map: Mapping[int, int], timeout: float
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session behind the guard; what fails in it becomes NetError."""
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(resolver, guard, port_map), use_dns_cache=False
    )
    try:
        async with (
            asyncio.timeout(timeout),
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as web,
        ):
            yield web
    except TimeoutError as error:
        raise NetError("timeout", f"after {timeout:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, NetError):
                raise cause from error
            cause = cause.__cause__ or cause.__context__
        raise NetError("unreachable", f"{type(error).__name__}: {error}"[:200]) from error


async def _read(answer: aiohttp.ClientResponse) -> Fetched:
    if answer.status == 304:
        return Fetched(None)
    if answer.status != 200:
        raise NetError(f"status {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise NetError("too long", f"more than {MAX_BYTES:,} bytes")
    return Fetched(
        bytes(body), answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    )
