"""A browser behind our proxy: what scripts show is seen, and no page gets past the guard."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from addresses import PLAIN, as_hosts
from crawler.config import RenderConfig
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import NetError
from crawler.net.proxy import GuardedProxy
from crawler.render import Renderer, Rendering, missing
from wire import SITE, Wire, http, redirect, serving

CONFIG = RenderConfig(seconds=12.0)
GUARD = AddressGuard((ipaddress.ip_network("127.64.0.0/10"),))
NAMES = {f"d{place}.test": [(address,)] for place, address in enumerate(PLAIN)}
TARGETS = [*as_hosts(), *NAMES]
HEADERS = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Mobile", "Accept-Language": "vi"}

with_browser = pytest.mark.skipif(
    bool(missing(CONFIG)), reason=f"needs the extra render and Chromium: {missing(CONFIG)}"
)


def shown(
    pages: Callable[[str, str], bytes],
    *,
    config: RenderConfig = CONFIG,
    urls: tuple[str, ...] = ("http://site.test/",),
    names: dict[str, Any] | None = None,
) -> tuple[list[Rendering | NetError], Wire]:
    """What a browser makes of each URL."""

    async def main() -> tuple[list[Rendering | NetError], Wire]:
        known = {**NAMES, "site.test": [(SITE,)], "api.test": [(SITE,)], **(names or {})}
        async with serving(known, pages) as running:
            renderer = Renderer(
                config,
                resolver=Resolver((("127.0.0.1", running.dns),)),
                guard=GUARD,
                port_map={80: running.web, 443: running.web},
            )
            try:
                found = await asyncio.gather(
                    *(renderer.render(url, HEADERS) for url in urls), return_exceptions=True
                )
            finally:
                await renderer.close()
            for item in found:
                if not isinstance(item, (Rendering, NetError)):
                    raise item
            return found, running  # type: ignore[return-value]

    return asyncio.run(main())


def one(pages: Callable[[str, str], bytes], **options: Any) -> tuple[Rendering, Wire]:
    (found,), running = shown(pages, **options)
    assert isinstance(found, Rendering), found
    return found, running


@with_browser
def test_what_a_script_fills_is_seen_with_its_calls_and_a_screenshot() -> None:
    def pages(host: str, path: str) -> bytes:
        if path == "/app.js":
            return http(
                b"fetch('http://api.test/v1/home?x=1').then(a => a.text())"
                b".then(t => { document.body.innerHTML = t; })",
                "Content-Type: text/javascript",
            )
        if host == "api.test":
            return http(b"<p>casino bonus 88</p>", "Access-Control-Allow-Origin: *")
        return http(b"<body><div id=app></div><script src=/app.js></script>")

    found, running = one(pages)
    assert "casino bonus 88" in found.html and found.status == 200
    assert found.calls == ("GET fetch http://api.test/v1/home?x=1",)
    assert found.screenshot.startswith(b"\xff\xd8\xff")
    assert len(found.screenshot) <= CONFIG.screenshot_bytes
    assert running.seen == []


@with_browser
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_sub_request_reaches_a_forbidden_address(scheme: str) -> None:
    urls = "".join(f"'{scheme}://{target}/x'," for target in TARGETS)
    script = f"""
    for (const url of [{urls}]) {{
      fetch(url, {{mode: 'no-cors'}}).catch(() => 0);
      for (const [tag, name] of [['img', 'src'], ['script', 'src'], ['link', 'href']]) {{
        const node = document.createElement(tag);
        if (tag == 'link') node.rel = 'stylesheet';
        try {{ node[name] = url; document.head.append(node); }} catch (error) {{}}
      }}
      try {{ new WebSocket(url.replace('http', 'ws')); }} catch (error) {{}}
      try {{ navigator.sendBeacon(url, 'x'); }} catch (error) {{}}
      const hint = document.createElement('link');
      hint.rel = 'preconnect'; hint.href = url; document.head.append(hint);
    }}
    setTimeout(() => {{ document.title = 'asked'; }}, 500);
    """
    body = f"<body><p>shown</p><script>{script}</script>".encode()
    config = RenderConfig(seconds=20.0, max_requests=5_000)
    found, running = one(lambda host, path: http(body), config=config)
    assert "shown" in found.html
    assert found.counts["guard"] >= 60
    assert running.seen == []
    assert {host for host, _ in running.visits} <= {"site.test"}


@with_browser
def test_no_frame_redirect_or_jump_reaches_a_forbidden_address() -> None:
    def pages(host: str, path: str) -> bytes:
        if path.startswith("/to/"):
            return redirect(f"http://{TARGETS[int(path[4:])]}/")
        frames = "".join(f"<iframe src='/to/{n}'></iframe>" for n in range(0, len(TARGETS), 2))
        frames += "".join(f"<iframe src='http://{target}/'></iframe>" for target in TARGETS[1::2])
        return http(f"<body>{frames}<script>location = 'http://127.0.0.2/'</script>".encode())

    config = RenderConfig(seconds=20.0, max_requests=5_000)
    (found,), running = shown(pages, config=config)
    assert running.seen == []
    if isinstance(found, Rendering):
        assert found.counts["guard"] >= 40
        assert found.jumps == ("http://127.0.0.2/",)


@with_browser
def test_a_first_request_to_a_forbidden_address_is_refused() -> None:
    urls = tuple(f"http://{target}/" for target in (*as_hosts()[::6], *list(NAMES)[::6]))
    found, running = shown(lambda host, path: http(b"reached"), urls=urls)
    assert all(isinstance(item, NetError) for item in found)
    assert running.seen == [] and running.visits == []


@with_browser
def test_what_could_connect_without_the_proxy_is_gone() -> None:
    script = b"""<body><script>
    document.title = [typeof RTCPeerConnection, typeof WebTransport, window.open('/x'),
                      'serviceWorker' in navigator].join(' ');
    navigator.serviceWorker && navigator.serviceWorker.register('/sw.js').then(
      () => { document.title += ' registered'; }, () => 0);
    </script>"""
    found, running = one(lambda host, path: http(script))
    assert "undefined undefined" in found.html.replace("  ", " ")
    assert "registered" not in found.html.partition("</title>")[0]
    assert ("site.test", "/x") not in running.visits


@with_browser
def test_hostile_pages_end_within_their_limits() -> None:
    def pages(host: str, path: str) -> bytes:
        return http({
            "/loop": b"<body>before<script>for (;;) {}</script>",
            "/dialogs": b"<body><script>for (let n = 0; n < 9; n++) alert(n)</script>after",
            "/download": b"<body>x<script>location = '/file.apk'</script>",
            "/storm": b"<body>x<script>setInterval(() => fetch('/n' + Math.random()), 1)</script>",
            "/grow": b"<body>x<script>const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)"
                     b"</script>",
            "/reload": b"<body>x<script>location.reload()</script>",
        }.get(path, b"more"), *(["Content-Type: application/vnd.android.package-archive"]
                                if path.endswith(".apk") else []))  # fmt: skip

    config = RenderConfig(seconds=4.0, max_requests=60, pages=2)
    urls = tuple(f"http://site.test/{name}" for name in
                 ("loop", "dialogs", "download", "storm", "grow", "reload"))  # fmt: skip
    found, running = shown(pages, config=config, urls=urls)
    assert len(found) == len(urls)
    for item in found:
        if isinstance(item, Rendering):
            assert item.counts["requests"] <= config.max_requests
        else:
            assert item.kind.startswith("render:"), item
    assert running.seen == []


def test_a_missing_browser_is_named_with_its_fix() -> None:
    assert "apt-get install chromium" in missing(RenderConfig(browser="/nowhere/chromium")) or (
        "scamtrail[render]" in missing(RenderConfig(browser="/nowhere/chromium"))
    )


# The proxy alone, as any client could use it.


def through_proxy(
    ask: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]], **limits: Any
) -> tuple[bytes, dict[str, int], Wire]:
    async def main() -> tuple[bytes, dict[str, int], Wire]:
        names = {**NAMES, "site.test": [(SITE,)]}
        async with serving(names, lambda host, path: http(b"body of " + path.encode())) as running:
            options = {"timeout": 2.0, "max_requests": 50, "max_bytes": 100_000, **limits}
            async with GuardedProxy(
                resolver=Resolver((("127.0.0.1", running.dns),)),
                guard=GUARD,
                port_map={80: running.web, 443: running.web},
                **options,
            ) as proxy:
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                async with asyncio.timeout(20):
                    answer = await ask(reader, writer)
                writer.close()
                return answer, dict(proxy.counts), running

    return asyncio.run(main())


def saying(raw: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]:
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(raw)
        return await reader.read(-1)

    return ask


@pytest.mark.parametrize("target", TARGETS)
def test_the_proxy_refuses_every_form(target: str) -> None:
    for raw in (f"GET http://{target}/ HTTP/1.1\r\n\r\n", f"CONNECT {target}:443 HTTP/1.1\r\n\r\n"):
        answer, counts, running = through_proxy(saying(raw.encode()))
        assert answer.startswith(b"HTTP/1.1 502")
        assert counts.get("guard") == 1
        assert running.seen == [] and running.visits == []


def test_the_proxy_passes_one_request_and_its_answer() -> None:
    raw = b"GET http://site.test/a?b HTTP/1.1\r\nHost: site.test\r\nProxy-Authorization: x\r\n\r\n"
    second = b"GET http://127.0.0.2/ HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n"
    answer, _, running = through_proxy(saying(raw + second))
    assert answer.count(b"HTTP/1.1 ") == 1 and answer.endswith(b"body of /a?b")
    assert running.visits == [("site.test", "/a?b")]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET ftp://site.test/ HTTP/1.1\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\n\r\n",
        b"CONNECT site.test HTTP/9\r\n\r\n\r\n"[:9] + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST http://site.test/ HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"GET http://site.test/ HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_the_proxy_answers_nothing_else(raw: bytes) -> None:
    answer, _, running = through_proxy(saying(raw))
    assert not answer or answer.startswith(b"HTTP/1.1 502")
    assert running.visits == []
