"""Pages as a browser shows them: Debian's Chromium, driven by Playwright, walled in.

The browser has one way out, a `GuardedProxy` of ours for each page; it looks up no name itself and
connects to nothing but that proxy. Needs the extra `render` and an installed Chromium.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.config import RenderConfig
from crawler.names import address
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import NetError, Upstream
from crawler.net.proxy import GuardedProxy

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_WIDTH, _HEIGHT = 412, 915
# Kinds of requests that fill a page with what its HTML does not hold.
_CALLS = frozenset({"xhr", "fetch", "websocket", "eventsource"})
_UNSHOWN = frozenset({"media", "font", "manifest", "texttrack"})
MAX_CALLS = 100
# Nothing is looked up or connected to but through the proxy; nothing is fetched unasked.
_ARGUMENTS = (
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-features=AsyncDns,DnsOverHttps,Prerender2,PreloadMediaEngagementData,Translate",
    "--disable-extensions",
    "--disable-sync",
    "--no-pings",
    "--dns-prefetch-disable",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--renderer-process-limit=4",
    "--js-flags=--max-old-space-size=256",
    "--mute-audio",
)
# Run in every frame before its own scripts.
_BEFORE = """
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel',
                    'WebTransport', 'SharedWorker']) {
  try { Object.defineProperty(window, name, {value: undefined}); } catch (error) {}
}
window.open = () => null;
"""


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a browser made of a URL.

    `calls` are the requests of its scripts, as "METHOD KIND URL"; `jumps` the other hosts' URLs
    that it tried to go to; `counts` what the proxy saw; `screenshot` is a JPEG.
    """

    url: str
    status: int
    html: str
    screenshot: bytes
    calls: tuple[str, ...]
    jumps: tuple[str, ...]
    counts: Mapping[str, int]


def missing(config: RenderConfig) -> str:
    """What is needed to render and not there, with the fix; "" when nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: pip install 'scamtrail[render]'"
    if not program(config):
        return "no Chromium is installed: apt-get install chromium"
    return ""


def program(config: RenderConfig) -> str:
    """The path of the browser, "" when there is none."""
    if config.browser:
        return config.browser if Path(config.browser).exists() else ""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), "")


class Renderer:
    """A small pool of pages in one browser, started when first used and again after a crash."""

    def __init__(
        self,
        config: RenderConfig,
        *,
        resolver: Resolver,
        guard: AddressGuard,
        port_map: Mapping[int, int],
        upstream: Upstream | None = None,
    ) -> None:
        self._config = config
        self._upstream = upstream
        self._resolver = resolver
        self._guard = guard
        self._port_map = port_map
        self._places = asyncio.Semaphore(config.pages)
        self._starting = asyncio.Lock()
        self._playwright: Any = None
        self._browser: Any = None

    async def render(self, url: str, headers: Mapping[str, str]) -> Rendering:
        """Show `url` within the limits. Raises NetError: render:…, or what the connection met."""
        from playwright.async_api import Error

        async with self._places:
            try:
                async with asyncio.timeout(self._config.seconds + 10):
                    return await self._render(url, headers)
            except TimeoutError as error:
                raise NetError("render:timeout", f"after {self._config.seconds:g} s") from error
            except Error as error:
                raise NetError("render:browser", error.message.splitlines()[0][:200]) from error

    async def close(self) -> None:
        if self._browser is not None:
            with contextlib.suppress(Exception):
                await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self._browser = self._playwright = None

    async def _started(self) -> Any:
        from playwright.async_api import async_playwright

        async with self._starting:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            if self._playwright is None:
                self._playwright = await async_playwright().start()
            self._browser = await self._playwright.chromium.launch(
                executable_path=program(self._config),
                args=list(_ARGUMENTS),
                # As root Chromium has no sandbox of its own to offer.
                chromium_sandbox=os.geteuid() != 0,
                # Whatever is asked outside a page's context goes nowhere.
                proxy={"server": "http://127.0.0.1:9", "bypass": "<-loopback>"},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
            return self._browser

    async def _render(self, url: str, headers: Mapping[str, str]) -> Rendering:
        config = self._config
        browser = await self._started()
        async with GuardedProxy(
            resolver=self._resolver,
            guard=self._guard,
            port_map=self._port_map,
            timeout=config.seconds,
            max_requests=config.max_requests,
            max_bytes=config.max_bytes,
            upstream=self._upstream,
        ) as proxy:
            context = await browser.new_context(
                proxy={"server": f"http://127.0.0.1:{proxy.port}", "bypass": "<-loopback>"},
                user_agent=headers.get("User-Agent"),
                extra_http_headers={
                    name: value
                    for name, value in headers.items()
                    if name in ("Accept-Language", "Referer")
                },
                viewport={"width": _WIDTH, "height": _HEIGHT},
                service_workers="block",
                accept_downloads=False,
                ignore_https_errors=True,
                is_mobile=True,
            )
            try:
                async with _memory_watched(self._browser, config.max_memory_mb):
                    return await _shown(context, url, config, proxy)
            finally:
                with contextlib.suppress(Exception):
                    await context.close()


async def _shown(context: Any, url: str, config: RenderConfig, proxy: GuardedProxy) -> Rendering:
    from playwright.async_api import Error
    from playwright.async_api import TimeoutError as Slow

    calls: list[str] = []
    jumps: list[str] = []
    # An address has many spellings, and the browser has its own.
    host = _host(url)
    await context.add_init_script(_BEFORE)
    page = await context.new_page()

    async def decide(route: Any) -> None:
        request = route.request
        target = urlsplit(request.url)
        leaves = request.is_navigation_request() and request.frame == page.main_frame
        if target.scheme not in ("http", "https") or request.resource_type in _UNSHOWN:
            await route.abort()
        elif leaves and _host(request.url) != host:
            jumps.append(request.url[:2_000])
            await route.abort()
        elif leaves and request.method != "GET":
            await route.abort()
        else:
            await route.continue_()

    def note(request: Any) -> None:
        if request.resource_type in _CALLS and len(calls) < MAX_CALLS:
            calls.append(f"{request.method} {request.resource_type} {request.url[:500]}")

    def note_socket(socket: Any) -> None:
        if len(calls) < MAX_CALLS:
            calls.append(f"GET websocket {socket.url[:500]}")

    await context.route("**/*", decide)
    page.on("request", note)
    page.on("websocket", note_socket)
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.dismiss()))
    page.on("popup", lambda popup: asyncio.ensure_future(popup.close()))
    status = 0
    # What stops the page is told by what the proxy saw.
    try:
        answer = await page.goto(url, wait_until="domcontentloaded", timeout=config.seconds * 600)
        status = answer.status if answer else 0
    except (Slow, Error):
        pass
    if not jumps and not proxy.counts["bytes"]:
        kinds = [kind for kind in proxy.counts if kind not in ("requests", "bytes")]
        raise NetError(kinds[0] if kinds else "render:browser", url[:100])
    with contextlib.suppress(Slow):
        await page.wait_for_load_state("networkidle", timeout=config.seconds * 300)
    text = await page.content()
    return Rendering(
        page.url if page.url.startswith("http") else url,
        status,
        text[: config.max_bytes],
        await _screenshot(page, config),
        tuple(dict.fromkeys(calls)),
        tuple(dict.fromkeys(jumps)),
        dict(proxy.counts),
    )


def _host(url: str) -> str:
    found = urlsplit(url).hostname or ""
    return str(address(found) or found)


async def _screenshot(page: Any, config: RenderConfig) -> bytes:
    """The whole page as a JPEG, at most so high and so large; b"" when the browser cannot."""
    from playwright.async_api import Error

    with contextlib.suppress(Error):
        tall = await page.evaluate("Math.ceil(document.documentElement.scrollHeight) || 0")
        height = max(_HEIGHT, min(int(tall), config.screenshot_height))
        await page.set_viewport_size({"width": _WIDTH, "height": height})
        for quality in (70, 40, 15):
            shot: bytes = await page.screenshot(
                type="jpeg", quality=quality, animations="disabled", timeout=5_000
            )
            if len(shot) <= config.screenshot_bytes:
                return shot
    return b""


@contextlib.asynccontextmanager
async def _memory_watched(browser: Any, limit_mb: int) -> AsyncIterator[None]:
    """Ends the browser when its processes together hold more than `limit_mb`."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.5)
            if sum(_resident(_children(os.getpid()))) > limit_mb * 1_000_000:
                await browser.close()
                return

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


def _children(pid: int) -> Iterator[int]:
    """All descendants of a process (proc(5))."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text("ascii").split()):
                yield child
                yield from _children(child)


def _resident(pids: Iterator[int]) -> Iterator[int]:
    """Bytes of each process that are its own; pages that all share count once a process."""
    size = os.sysconf("SC_PAGE_SIZE")
    for pid in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            held, shared = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1:3]
            yield (int(held) - int(shared)) * size
