"""What is looked at as a victim goes through the operator's proxy, and no further than the guard
lets anything go: the proxy hears checked addresses only."""

import asyncio
import contextlib
import queue
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Request

from addresses import PLAIN, as_hosts
from crawler.config import (
    Config,
    ConfigError,
    CrawlConfig,
    NetworkConfig,
    RenderConfig,
    parse,
)
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import NetError, Upstream
from crawler.net.handler import PROXIED, GuardedDownloadHandler
from crawler.net.manners import Pace
from crawler.render import Renderer, missing
from crawler.sandbox.phrases import GAMBLING
from crawler.sandbox.web import Authority
from crawler.sandbox.world import World
from crawler.workspace import Workspace
from support import query, scamtrail
from wire import SITE, Wire, http, serving, wire

ALLOWED = "127.64.0.0/10"
ABROAD = "127.64.9.9"
OFFER = "".join(
    f"<p>{line.format(brand='RATU88', n=50, domain='r.test')}" for line in GAMBLING["id"]["lines"]
)


@dataclass
class Exit:
    """A CONNECT proxy (RFC 9110 §9.3.6) that connects from `ABROAD`."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    # What it says instead of connecting; empty: it connects.
    says: bytes = b""


@asynccontextmanager
async def proxying(exit_: Exit) -> AsyncIterator[Exit]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            exit_.heads.append(head)
            target = head.split(b" ")[1].decode()
            exit_.asked.append(target)
            if exit_.says:
                writer.write(exit_.says)
                await writer.drain()
                if exit_.says.endswith(b"\n"):
                    await reader.read()
            else:
                host, _, port = target.rpartition(":")
                there, out = await asyncio.open_connection(
                    host.strip("[]"), int(port), local_addr=(ABROAD, 0)
                )
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(_pipe(reader, out), _pipe(there, writer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        exit_.port = server.sockets[0].getsockname()[1]
        yield exit_


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    target.close()


@contextmanager
def in_thread(start: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[Any]:
    """What an async context manager gives, its loop running in a thread."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    made: queue.Queue[Any] = queue.Queue()

    async def main() -> None:
        async with start() as running:
            made.put(running)
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    try:
        yield made.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def looked(
    urls: list[str],
    names: dict[str, Any],
    *,
    says: bytes = b"",
    profile: str = "victim",
    port: int = 0,
    secret: str = "",
    timeout: float = 3.0,
    tls: int = 0,
) -> tuple[list[Any], Wire, Exit]:
    """What became of each URL looked at under a profile: the response or the kind of failure."""

    async def main() -> tuple[list[Any], Wire, Exit]:
        running: Wire
        answer = lambda host, path: http(f"seen from {running.sources[-1]}".encode())  # noqa: E731
        async with serving(names, answer) as running, proxying(Exit(says=says)) as exit_:
            network = NetworkConfig(
                dns=(f"127.0.0.1:{running.dns}",),
                allow_private=(ALLOWED,),
                port_map={80: running.web, 443: tls or running.web},
                timeout=timeout,
                victim_proxy=f"http://{secret}127.0.0.1:{port or exit_.port}",
            )
            workspace = Workspace(Path(), Config(network=network, crawl=CrawlConfig(ip_rate=0)))
            spider = SimpleNamespace(
                workspace=workspace, resolver=workspace.resolver(), pace=Pace(0)
            )
            crawler = SimpleNamespace(spider=spider, stats=None)
            handler = GuardedDownloadHandler.from_crawler(crawler)  # type: ignore[arg-type]
            found: list[Any] = []
            try:
                for url in urls:
                    meta = {"queued": SimpleNamespace(profile=profile)}
                    try:
                        found.append(await handler.download_request(Request(url, meta=meta)))
                    except NetError as error:
                        found.append(error.kind)
            finally:
                await handler.close()
            return found, running, exit_

    return asyncio.run(main())


def test_a_victim_comes_from_abroad_and_the_proxy_hears_an_address() -> None:
    (response,), running, exit_ = looked(
        ["http://site.test/a?b"], {"site.test": [(SITE,)]}, secret="us%3Aer:pass%40word@"
    )
    assert response.body.decode() == f"seen from {ABROAD}"
    assert PROXIED in response.flags and str(response.ip_address) == SITE
    assert running.visits == [("site.test", "/a?b")]
    assert exit_.asked == [f"{SITE}:{running.web}"]
    # RFC 7617: "us:er:pass@word" in Base64.
    assert b"Proxy-Authorization: Basic dXM6ZXI6cGFzc0B3b3Jk\r\n" in exit_.heads[0]


def test_the_crawler_itself_comes_from_home() -> None:
    (response,), _, exit_ = looked(
        ["http://site.test/"], {"site.test": [(SITE,)]}, profile="crawler"
    )
    assert response.body == b"seen from 127.0.0.1"
    assert PROXIED not in response.flags and exit_.asked == []


def test_no_form_of_a_forbidden_address_reaches_the_proxy() -> None:
    names = {f"d{place}.test": [(address,)] for place, address in enumerate(PLAIN)}
    rebinding = {f"r{place}.test": [(SITE,), (ip,)] for place, ip in enumerate(PLAIN)}
    urls = [f"{scheme}://{host}/" for host in (*as_hosts(), *names) for scheme in ("http", "https")]
    found, running, exit_ = looked(
        [*urls, *(f"http://{name}/{time}" for name in rebinding for time in "ab")],
        {**names, **rebinding},
    )
    # A zone or an over-long form may already be no URL for the proxy.
    assert set(found[: len(urls)]) <= {"guard", "protocol"}
    assert found[: len(urls)].count("guard") >= 120
    seen = [item for item in found[len(urls) :] if item != "guard"]
    assert {response.body.decode() for response in seen} == {f"seen from {ABROAD}"}
    assert set(exit_.asked) == {f"{SITE}:{running.web}"}
    assert running.seen == []


def test_tls_is_spoken_with_the_site_by_its_name() -> None:
    asked: list[str | None] = []
    authority = Authority(World(1, 0, {}, {}, ()))
    context = authority.context()
    context.sni_callback = lambda _, name, __: asked.append(name)
    with secured(context) as port:
        names: dict[str, Any] = {"site.test": [(SITE,)]}
        (response,), _, exit_ = looked(["https://site.test/"], names, tls=port)
    authority.close()
    assert response.body == b"secret"
    assert asked == ["site.test"] and exit_.asked == [f"{SITE}:{port}"]
    assert response.request.meta["exchange"].certificate


@asynccontextmanager
async def listening(site: Any, context: ssl.SSLContext) -> AsyncIterator[int]:
    async with await asyncio.start_server(site, SITE, 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def secured(context: ssl.SSLContext) -> Iterator[int]:
    """A site with TLS in a thread; its port."""

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b"secret"))
        writer.close()

    with in_thread(lambda: listening(site, context)) as port:
        yield port


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000, "proxy"),
        (b"nonsense\r\n\r\n", "proxy"),
        (b"HTTP/1.1 100 Go\r\n", "timeout"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_bad_proxy_is_a_typed_failure(says: bytes, kind: str, scheme: str) -> None:
    found, _, _ = looked(
        [f"{scheme}://site.test/"], {"site.test": [(SITE,)]}, says=says, timeout=1.0
    )
    assert found == [kind]


def test_a_proxy_that_is_down_is_a_typed_failure() -> None:
    found, _, _ = looked(["http://site.test/"], {"site.test": [(SITE,)]}, port=9)
    assert found == ["proxy"]


@pytest.mark.skipif(bool(missing(RenderConfig())), reason=missing(RenderConfig()))
def test_a_browser_comes_from_abroad_too() -> None:
    async def main() -> tuple[str, list[str], Wire]:
        running: Wire

        def pages(host: str, path: str) -> bytes:
            script = "fetch('/who').then(a => a.text()).then(t => document.body.innerText = t)"
            where = f"{running.sources[-1]} by script" * (path == "/who")
            return http(where.encode() or f"<body><script>{script}</script>".encode())

        async with serving({"site.test": [(SITE,)]}, pages) as running, proxying(Exit()) as exit_:
            renderer = Renderer(
                RenderConfig(),
                resolver=Resolver((("127.0.0.1", running.dns),)),
                guard=AddressGuard((ip_network(ALLOWED),)),
                port_map={80: running.web},
                upstream=Upstream("127.0.0.1", exit_.port),
            )
            try:
                shown = await renderer.render("http://site.test/", {})
            finally:
                await renderer.close()
            return shown.html, exit_.asked, running

    shown, asked, running = asyncio.run(main())
    assert f"{ABROAD} by script" in shown
    assert set(asked) == {f"{SITE}:{running.web}"} and running.seen == []


@pytest.mark.parametrize(
    "value", ["socks5://h:1080", "http://h", "h:3128", "http://secret@", "http://u:secret@h"]
)
def test_a_wrong_proxy_is_named_without_its_password(value: str) -> None:
    text = f'[network]\nvictim_proxy = "{value}"\n'
    with pytest.raises(ConfigError, match=r"scamtrail\.toml:2: network\.victim_proxy") as raised:
        parse({"network": {"victim_proxy": value}}, text=text)
    assert "secret" not in str(raised.value)


def test_a_site_that_shows_itself_only_abroad_is_found(tmp_path: Path) -> None:
    """The whole crawl: innocent at home, an operator in the victims' country."""
    running: Wire

    def pages(host: str, path: str) -> bytes:
        offer = running.sources[-1] == ABROAD
        return http(OFFER.encode() if offer else b"<title>Tea</title><p>Tea and crafts, by hand.")

    with (
        wire({"mask.test": [(SITE,)]}, pages) as running,
        in_thread(lambda: proxying(Exit())) as exit_,
    ):
        root = tmp_path / "watch"
        root.mkdir()
        (root / "scamtrail.toml").write_text(
            f'[network]\ndns = ["127.0.0.1:{running.dns}"]\nallow_private = ["{ALLOWED}"]\n'
            f'port_map = {{ "80" = {running.web}, "443" = {running.web} }}\ntimeout = 3\n'
            f'victim_proxy = "http://user:hidden@127.0.0.1:{exit_.port}"\n'
            '[crawl]\ndelay = 0\nip_rate = 0\n[render]\nuse = "never"\n',
            "utf-8",
        )
        assert scamtrail("init", root).returncode == 0
        (root / "reports" / "seeds.csv").write_text("url\nhttp://mask.test/\n", "utf-8")
        for stage in (["ingest", "-w", root, root / "reports"], ["crawl", "-w", root]):
            done = scamtrail(*stage)
            assert done.returncode == 0, done.stderr
            assert "hidden" not in done.stdout + done.stderr
        doctor = scamtrail("doctor", "-w", root, "--json").stdout
        assert set(exit_.asked) == {f"{SITE}:{running.web}"}
    looks = dict(query(root, "SELECT profile, category FROM pages WHERE url = 'http://mask.test/'"))
    assert looks == {"crawler": "benign", "victim": "gambling"}
    assert query(root, "SELECT category FROM sites WHERE host = 'mask.test'") == [("gambling",)]
    assert '"ok", "subject": "victim proxy"' in doctor and "hidden" not in doctor
    down = scamtrail("doctor", "-w", root, "--json").stdout
    assert '"fault", "subject": "victim proxy"' in down and "network.victim_proxy" in down
    assert not any(
        b"hidden" in path.read_bytes() for path in root.rglob("*") if path.is_file()
        and path.name != "scamtrail.toml"
    )  # fmt: skip
