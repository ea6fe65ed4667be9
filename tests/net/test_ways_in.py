"""No address that is not public is connected to, however it is written and however it gets in.

Listeners on forbidden loopback addresses, on the very port that all requests are sent to, must
hear nothing; beside them an audit hook sees every connection that this process tries to open.
"""

import asyncio
import ipaddress
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Request

from addresses import PLAIN, as_hosts
from crawler.config import Config, CrawlConfig, NetworkConfig
from crawler.enrich import Clients, enrich
from crawler.model import Enrichment
from crawler.net import AddressGuard, Resolver
from crawler.net.client import fetch
from crawler.net.connect import NetError
from crawler.net.handler import GuardedDownloadHandler
from crawler.net.manners import Pace
from crawler.sandbox.phrases import GAMBLING
from crawler.workspace import Workspace
from support import query, scamtrail
from wire import SITE, Wire, http, redirect, serving, wire

HOSTS = as_hosts()
NAMES = {f"d{place}.test": [(address,)] for place, address in enumerate(PLAIN)}
ALLOWED = "127.64.0.0/10"
OFFER = "".join(
    f"<p>{line.format(brand='RATU88', n=50, domain='r.test')}" for line in GAMBLING["id"]["lines"]
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)

_tried: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _tried.append(str(arguments[1][0]))


sys.addaudithook(_hook)


@pytest.fixture(autouse=True)
def _tries() -> Iterator[None]:
    """No test of this file opens a connection to anything but a site that is allowed."""
    _tried.clear()
    yield
    assert {item for item in _tried if not item.startswith("127.64.")} <= set()


def test_enough_forms_are_tried() -> None:
    assert len(set(HOSTS)) >= 60 and len(set(NAMES)) >= 60


def _workspace(root: Path, running: Wire) -> Workspace:
    network = NetworkConfig(
        dns=(f"127.0.0.1:{running.dns}",),
        allow_private=(ALLOWED,),
        port_map=dict.fromkeys((43, 80, 443), running.web),
        timeout=3.0,
    )
    return Workspace(root, Config(network=network, crawl=CrawlConfig(ip_rate=0)))


def _handler(workspace: Workspace) -> GuardedDownloadHandler:
    pace = Pace(workspace.config.crawl.ip_rate)
    spider = SimpleNamespace(workspace=workspace, resolver=workspace.resolver(), pace=pace)
    crawler = SimpleNamespace(spider=spider, stats=None)
    return GuardedDownloadHandler.from_crawler(crawler)  # type: ignore[arg-type]


def _outcomes(tmp_path: Path, urls: list[str], names: dict[str, Any]) -> tuple[list[str], Wire]:
    """What became of a first request for each URL: "guard" or what else."""

    async def main() -> tuple[list[str], Wire]:
        async with serving(names, lambda host, path: http(b"reached")) as running:
            handler = _handler(_workspace(tmp_path, running))
            found = []
            try:
                for url in urls:
                    try:
                        response = await handler.download_request(Request(url))
                        found.append(f"reached {response.status}")
                    except NetError as error:
                        found.append(error.kind)
            finally:
                await handler.close()
            return found, running

    return asyncio.run(main())


def test_a_first_request_is_refused(tmp_path: Path) -> None:
    found, running = _outcomes(tmp_path, [f"http://{host}/" for host in HOSTS], {})
    assert dict(zip(HOSTS, found, strict=True)) == dict.fromkeys(HOSTS, "guard")
    assert running.seen == []


def test_a_first_request_to_another_port_or_over_tls_is_refused(tmp_path: Path) -> None:
    urls = [f"https://{host}/" for host in HOSTS] + [f"http://{host}:8080/" for host in HOSTS]
    found, running = _outcomes(tmp_path, urls, {})
    assert Counter(found) == {"guard": len(urls)}
    assert running.seen == []


def test_a_dns_answer_is_refused(tmp_path: Path) -> None:
    found, running = _outcomes(tmp_path, [f"http://{name}/" for name in NAMES], NAMES)
    assert dict(zip(PLAIN, found, strict=True)) == dict.fromkeys(PLAIN, "guard")
    assert running.seen == []


def test_a_name_that_rebinds_between_two_requests_is_refused(tmp_path: Path) -> None:
    names = {name: [(SITE,), *bad] for name, bad in NAMES.items()}
    urls = [f"http://{name}/{time}" for name in NAMES for time in "ab"]
    found, running = _outcomes(tmp_path, urls, names)
    # The first answer may be reached; the connection may be kept and used again, never another.
    assert Counter(found[::2]) == {"reached 200": len(NAMES)}
    assert set(found[1::2]) <= {"reached 200", "guard"}
    assert running.seen == []


def test_a_name_with_one_good_address_is_reached_there_only(tmp_path: Path) -> None:
    names = {name: [(SITE, bad[0][0])] for name, bad in NAMES.items() if ":" not in bad[0][0]}
    found, running = _outcomes(tmp_path, [f"http://{name}/" for name in names], names)
    assert Counter(found) == {"reached 200": len(names)}
    assert running.seen == []


@pytest.mark.parametrize("way", ["redirect", "refresh", "script", "frame", "anchor"])
def test_what_a_page_leads_to_is_refused(way: str, tmp_path: Path) -> None:
    """The whole crawl, with the pages of a farm that sends its visitors everywhere."""
    targets = [f"http://{host}/" for host in (*HOSTS, *NAMES)]
    targets += ["file:///etc/passwd", "ftp://127.0.0.2/", "gopher://127.0.0.2/", "data:text/html,x"]

    def pages(host: str, path: str) -> bytes:
        number = host.removeprefix("r").split(".")[0]
        if not number.isdigit():
            return http(b"<p>nothing")
        target = targets[int(number)]
        bodies = {
            "refresh": f'<meta http-equiv="refresh" content="0; url={target}">',
            "script": f"<script>location.href = '{target}'</script>",
            "frame": f'<iframe src="{target}"></iframe>',
            "anchor": f'{OFFER}<a href="{target}">link alternatif slot gacor</a>',
        }
        return redirect(target) if way == "redirect" else http(bodies[way].encode())

    sites = {f"r{number}.test": [(SITE,)] for number in range(len(targets))}
    with wire({**NAMES, **sites}, pages) as running:
        root = tmp_path / "watch"
        root.mkdir()
        (root / "scamtrail.toml").write_text(
            f'[network]\ndns = ["127.0.0.1:{running.dns}"]\nallow_private = ["{ALLOWED}"]\n'
            f'port_map = {{ "80" = {running.web}, "443" = {running.web} }}\ntimeout = 3\n'
            "[crawl]\ndelay = 0\nip_rate = 0\n",
            "utf-8",
        )
        assert scamtrail("init", root).returncode == 0
        seeds = "\n".join(["url", *(f"http://{name}/" for name in sites)])
        (root / "reports" / "seeds.csv").write_text(seeds, "utf-8")
        for stage in (["ingest", "-w", root, root / "reports"], ["crawl", "-w", root]):
            done = scamtrail(*stage)
            assert done.returncode == 0, done.stderr
        assert running.seen == []
        asked = {host for host, _ in running.visits}
    assert set(sites) <= asked
    failures = Counter(kind for (kind,) in query(
        root, "SELECT failure FROM pages WHERE host NOT LIKE 'r%.test'"))  # fmt: skip
    assert set(failures) <= {"guard", "dns:nodata", "dns:nxdomain"}
    assert failures["guard"] >= 60
    reached = query(root, "SELECT DISTINCT ip FROM pages WHERE ip != ''")
    assert reached == [(SITE,)]


def test_a_source_that_redirects_is_refused() -> None:
    async def main() -> tuple[Counter[str], list[str]]:
        def pages(host: str, path: str) -> bytes:
            return redirect(f"http://{(*HOSTS, *NAMES)[int(path[1:])]}/")

        names = {**NAMES, "source.test": [(SITE,)]}
        found: Counter[str] = Counter()
        async with serving(names, pages) as running:
            for number in range(len(HOSTS) + len(NAMES)):
                with pytest.raises(NetError) as raised:
                    await fetch(
                        f"http://source.test/{number}",
                        resolver=Resolver((("127.0.0.1", running.dns),)),
                        guard=AddressGuard((ipaddress.ip_network(ALLOWED),)),
                        port_map={80: running.web},
                        user_agent="test",
                    )
                found[raised.value.kind] += 1
            return found, running.seen

    found, seen = asyncio.run(main())
    # A zone or an over-long form may already be no URL for the parser.
    assert found["guard"] + found["protocol"] == len(HOSTS) + len(NAMES)
    assert found["guard"] >= 120
    assert seen == []


def _looked_up(hosts: list[str], names: dict[str, Any], pages: Any) -> tuple[Any, Wire]:
    async def main() -> tuple[dict[str, Enrichment], Wire]:
        async with serving(names, pages) as running:
            network = _workspace(Path(), running).config.network
            clients = Clients.from_config(Config(network=network), lambda: NOW)
            found = {
                item.host: item
                async for item in enrich(
                    hosts, clients, now=lambda: NOW, concurrency=8, probe_label=lambda _: "probe"
                )
            }
            return found, running

    return asyncio.run(main())


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between the questions to one server, which are not what is tested."""
    for pause in ("WHOIS_PAUSE", "RDAP_PAUSE"):
        monkeypatch.setattr(f"crawler.enrich.{pause}", 0.0)


@pytest.mark.usefixtures("unpaced")
def test_the_certificate_of_a_forbidden_address_is_not_looked_at() -> None:
    hosts = [*NAMES, *(host.strip("[]") for host in HOSTS)]
    found, running = _looked_up(hosts, NAMES, lambda host, path: http(b""))
    certificates = [found[name].certificate for name in NAMES]
    assert {item.failure for item in certificates if item} == {"guard"}
    assert running.seen == []


@pytest.mark.usefixtures("unpaced")
def test_a_whois_referral_to_a_forbidden_server_is_refused() -> None:
    """IANA's server, played by an allowed site, refers every TLD to somewhere forbidden."""
    forms = [*(host.strip("[]") for host in HOSTS), *NAMES]
    tlds = {f"a.q{chr(97 + n // 26)}{chr(97 + n % 26)}": form for n, form in enumerate(forms)}

    async def main() -> tuple[dict[str, Enrichment], list[str], int]:
        referred = 0
        names = {**NAMES, **{name: [("127.64.0.9",)] for name in tlds}}
        names["whois.iana.org"] = [("127.64.0.2",)]

        async def iana(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal referred
            question = (await reader.readline()).decode().strip()
            referred += 1
            writer.write(f"domain: {question}\nwhois: {tlds[f'a.{question}']}\n".encode())
            writer.close()

        async with serving(names, lambda host, path: http(b"")) as running:
            server = await asyncio.start_server(iana, "127.64.0.2", running.web)
            network = _workspace(Path(), running).config.network
            clients = Clients.from_config(Config(network=network), lambda: NOW)
            found = {
                item.host: item
                async for item in enrich(
                    list(tlds),
                    clients,
                    now=lambda: NOW,
                    concurrency=8,
                    probe_label=lambda _: "probe",
                )
            }
            server.close()
            return found, running.seen, referred

    found, seen, referred = asyncio.run(main())
    assert referred == len(tlds)
    kinds = Counter(item.registration[-1].failure for item in found.values())
    # A form in brackets or with colons is no host name for a referral.
    assert set(kinds) <= {"guard", "the TLD has no WHOIS server", "dns:nxdomain"}
    assert kinds["guard"] >= 60
    assert seen == []


def test_an_rdap_service_at_a_forbidden_address_is_refused() -> None:
    for address in PLAIN:
        names = {"rdap.verisign.com": [(address,)], "whois.verisign-grs.com": [(address,)]}
        names["a.com"] = [("127.0.0.2",)]
        found, running = _looked_up(["a.com"], names, lambda host, path: http(b""))
        registration = found["a.com"].registration
        assert [item.failure for item in registration] == ["guard", "guard"]
        assert running.seen == []
