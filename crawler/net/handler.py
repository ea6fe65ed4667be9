"""The download handler: every connection checked, every read limited.

Failures are raised as `NetError` with a short machine word, e.g. "dns:nxdomain",
"guard", "timeout", "refused", "tls", "reset", "protocol", "encoding".
"""

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from scrapy.crawler import Crawler
from scrapy.http import Headers, Request, Response
from scrapy.responsetypes import responsetypes
from yarl import URL

from crawler.evidence.capture import Exchange
from crawler.names import address
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import CheckedResolver, NetError, Upstream
from crawler.net.manners import Pace, Robots
from crawler.net.proxy import GuardedProxy, failure

_TEXTUAL = ("text/", "application/xhtml", "application/xml", "application/json", "")
_CHUNK = 65_536
# The flag of an answer that came through the proxy of the victims' country.
PROXIED = "victim-proxy"


class TransientFailure(NetError):
    """A failure that a second try may mend."""


class _Refused(OSError):
    """The address guard refused a connection."""


class _PeerResponse(aiohttp.ClientResponse):
    """Remembers what aiohttp forgets of the peer once a short body has been read."""

    peer = ""
    certificate = b""
    tls = ""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        if connection.transport:
            peer = connection.transport.get_extra_info("peername")
            self.peer = peer[0] if peer else ""
            if secured := connection.transport.get_extra_info("ssl_object"):
                self.certificate = secured.getpeercert(binary_form=True) or b""
                self.tls = f"{secured.version()} {(secured.cipher() or ('',))[0]}"
        return await super().start(connection)


class GuardedDownloadHandler:
    """Fetches http and https over aiohttp.

    The guard is asked twice: for the addresses that DNS gave, and again for the very address a
    socket is made for, so neither rebinding nor an address in the URL gets round it. What is looked
    at as a victim goes through the operator's proxy, if he has one; that is given the address that
    was checked, by a guarded proxy of our own.
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        workspace = crawler.spider.workspace  # type: ignore[union-attr]
        network = workspace.config.network
        self._timeout: float = network.timeout
        self._max_bytes: int = network.max_bytes
        self._max_wire: int = network.max_wire_bytes
        self._agent: str = network.user_agent
        self._robots = Robots(network.robots, self._plain)
        self._pace: Pace = crawler.spider.pace  # type: ignore[union-attr]
        self._addresses: dict[str, str] = {}
        self._port_map = dict(network.port_map)
        self._guard: AddressGuard = workspace.guard()
        self._upstream: Upstream | None = workspace.upstream()
        self._detour: GuardedProxy | None = None
        self._starting = asyncio.Lock()
        self._resolver: Resolver = crawler.spider.resolver  # type: ignore[union-attr]
        self._stats = crawler.stats
        # Scam sites often show expired or foreign certificates; those are evidence, not a reason
        # to look away. Nothing secret is ever sent.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(
                self._resolver, self._guard, self._port_map, before=self._first_turn
            ),
            use_dns_cache=False,
            limit=workspace.config.crawl.concurrency * 2,
            ssl=context,
            socket_factory=self._socket,
            keepalive_timeout=15,
        )

        def session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                response_class=_PeerResponse,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=8_190,
                max_field_size=network.max_header_bytes,
            )

        self._session = session(connector)
        # Used with our own proxy only, which asks the guard.
        self._detouring = session(aiohttp.TCPConnector(ssl=context, force_close=True))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "GuardedDownloadHandler":
        return cls(crawler)

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = info
        if reason := self._guard.refusal(target[0]):
            raise _Refused(f"{target[0]}: {reason}")
        return socket.socket(family=family, type=kind, proto=protocol)

    async def download_request(self, request: Request) -> Response:
        """The answer, its body cut at the size limit. Raises NetError."""
        forbidden = await self._robots.forbids(request.url, self._agent)
        if forbidden and self._robots.policy == "obey":
            raise NetError("robots", request.url[:200])
        response = await self._checked(request)
        if forbidden:
            response.flags.append("robots-forbidden")
        return response

    async def _plain(self, url: str) -> tuple[int, bytes]:
        """Status and body of a URL, for robots.txt. Raises NetError."""
        response = await self._checked(Request(url, headers={"User-Agent": self._agent}))
        return response.status, response.body

    async def _checked(self, request: Request) -> Response:
        await self._in_turn(request)
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                return await self._fetch(request, deadline)
        except TimeoutError as error:
            raise NetError("timeout", f"after {self._timeout:g} s") from error
        except NetError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failure(error) from error

    async def _in_turn(self, request: Request) -> None:
        """Wait until the address of a host that was asked before may be asked again."""
        host = URL(request.url, encoded=True).host or ""
        if known := str(address(host) or "") or self._addresses.get(host, ""):
            await self._pace.turn(known)

    async def _first_turn(self, host: str, ip: str) -> None:
        """The same for a host whose address has only just been looked up."""
        if host not in self._addresses:
            await self._pace.turn(ip)

    async def _fetch(self, request: Request, deadline: asyncio.Timeout) -> Response:
        url = URL(request.url, encoded=True)
        headers = {
            name.decode("latin-1"): b", ".join(values).decode("latin-1")
            for name, values in request.headers.items()
        }
        options: dict[str, Any] = {}
        session = self._session
        detour = await self._through(request)
        if detour:
            session = self._detouring
            options["proxy"] = f"http://127.0.0.1:{detour.port}"
        elif ip := address(url.host or ""):
            # aiohttp asks no resolver about an address, so it is checked and its port mapped here.
            if reason := self._guard.refusal(str(ip)):
                raise NetError("guard", f"{ip}: {reason}")
            headers["Host"] = url.authority
            port = url.port or 80
            url = url.with_host(str(ip)).with_port(self._port_map.get(port, port))
        async with session.get(url, headers=headers, allow_redirects=False, **options) as answer:
            assert isinstance(answer, _PeerResponse)
            peer = answer.peer
            flags: list[str] = []
            if detour:
                if found := failure(answer.headers.get("Proxy-Status", "")):
                    raise found
                peer = detour.addresses.pop(url.host or "", "")
                flags.append(PROXIED)
            if self._pace.rate:
                self._addresses[url.host or ""] = peer
            content_type = answer.headers.get("Content-Type", "").lower()
            body = b""
            if content_type.strip().startswith(_TEXTUAL[:-1]) or not content_type.strip():
                body = await self._body(answer, flags, deadline)
            else:
                # An APK, a picture, an archive: its address is evidence, its bytes are not read.
                flags.append("not-text")
                answer.close()
            fields = Headers(
                [
                    (name.encode("utf-8", "surrogateescape"), [value.encode("utf-8", "replace")])
                    for name, value in answer.headers.items()
                ]
            )
            status = answer.status
            version = answer.version or aiohttp.HttpVersion11
            request.meta["exchange"] = Exchange(
                target=url.raw_path_qs,
                request=tuple(answer.request_info.headers.items()),
                version=f"{version.major}.{version.minor}",
                reason=answer.reason or "",
                response=tuple(answer.raw_headers),
                flags=tuple(flags),
                certificate=answer.certificate,
                tls=answer.tls,
            )
        kind = responsetypes.from_args(headers=fields, url=request.url, body=body[:1000])
        return kind(
            url=request.url,
            status=status,
            headers=fields,
            body=body,
            flags=flags,
            request=request,
            ip_address=ipaddress.ip_address(peer) if peer else None,
        )

    async def _through(self, request: Request) -> GuardedProxy | None:
        """The way to the operator's proxy, where a request takes it."""
        queued = request.meta.get("queued")
        if self._upstream is None or queued is None or queued.profile == "crawler":
            return None
        async with self._starting:
            if self._detour is None:
                self._detour = GuardedProxy(
                    resolver=self._resolver,
                    guard=self._guard,
                    port_map=self._port_map,
                    timeout=self._timeout,
                    upstream=self._upstream,
                )
                await self._detour.__aenter__()
        return self._detour

    async def _body(
        self, answer: aiohttp.ClientResponse, flags: list[str], deadline: asyncio.Timeout
    ) -> bytes:
        """The decompressed body, at most `max_bytes`; what came before a fault is kept."""
        body = bytearray()
        chunks = _decompressed(answer, self._max_bytes, self._max_wire, flags)
        try:
            # Time is kept back so that a body that drips is used as far as it came.
            loop = asyncio.get_running_loop()
            ends = (deadline.when() or loop.time() + self._timeout) - 0.1 * self._timeout
            async with asyncio.timeout_at(ends):
                async for chunk in chunks:
                    body += chunk
                    if len(body) >= self._max_bytes:
                        flags.append("size-limit")
                        break
        except TimeoutError:
            flags.append("time-limit")
        except (aiohttp.ClientError, OSError) as error:
            if not body:
                raise
            flags.append(f"broken-off:{type(error).__name__}")
        finally:
            await chunks.aclose()
        if flags:
            answer.close()
        return bytes(body[: self._max_bytes])

    def _failure(self, error: Exception) -> NetError:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, NetError):
                return cause
            if isinstance(cause, _Refused):
                return NetError("guard", str(cause))
            cause = cause.__cause__ or cause.__context__
        detail = str(error)[:200]
        match error:
            case aiohttp.ClientHttpProxyError():
                status = error.headers.get("Proxy-Status", "") if error.headers else ""
                return failure(status) or NetError("proxy", detail)
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return NetError("tls", detail)
            case aiohttp.ClientConnectorError() | ConnectionRefusedError():
                refused = isinstance(getattr(error, "os_error", error), ConnectionRefusedError)
                return NetError("refused" if refused else "unreachable", detail)
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
                return TransientFailure("reset", detail)
            case _:
                return NetError("protocol", detail)

    async def close(self) -> None:
        await self._session.close()
        await self._detouring.close()
        if self._detour:
            await self._detour.__aexit__()


async def _within(
    answer: aiohttp.ClientResponse, limit: int, flags: list[str]
) -> AsyncGenerator[bytes, None]:
    """Body chunks as they come, `limit` bytes in all; more is left and flagged."""
    read = 0
    async for chunk in answer.content.iter_chunked(_CHUNK):
        yield chunk[: limit - read]
        read += len(chunk)
        if read >= limit:
            flags.append("wire-limit")
            return


async def _decompressed(
    answer: aiohttp.ClientResponse, limit: int, wire: int, flags: list[str]
) -> AsyncGenerator[bytes, None]:
    """Body chunks after decompression, never more than `limit` bytes produced from one chunk.

    Only gzip and deflate are offered to servers, so only those are decoded.
    """
    encodings = [
        token
        for value in answer.headers.getall("Content-Encoding", [])
        for token in value.lower().replace(",", " ").split()
        if token != "identity"
    ]
    if not encodings:
        async for chunk in _within(answer, wire, flags):
            yield chunk
        return
    if len(encodings) > 1 or encodings[0] not in ("gzip", "x-gzip", "deflate"):
        raise NetError("encoding", ", ".join(encodings)[:100])
    inflate: Any = None
    async for chunk in _within(answer, wire, flags):
        if inflate is None:
            if encodings[0] != "deflate":
                wbits = 16 + zlib.MAX_WBITS
            else:
                # RFC 9110 §8.4.1.2: "deflate" means zlib, but some servers send it bare.
                wbits = zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS
            inflate = zlib.decompressobj(wbits)
        try:
            plain = inflate.decompress(chunk, limit)
        except zlib.error as error:
            raise NetError("encoding", str(error)) from error
        if plain:
            yield plain
        if inflate.eof:
            return
