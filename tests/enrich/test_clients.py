"""Politeness and damage control: quotas, slow bodies, addresses, surprises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from crawler.enrich import Clients, enrich
from crawler.model import Enrichment, Registration
from crawler.net import AddressGuard, Answer, Resolver

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RDAP = b'{"objectClassName": "domain", "events": [], "ldhName": "a.test", "status": ["active"]}'


class NoNames(Resolver):
    """Knows no name; of some it falls over."""

    def __init__(self) -> None:
        super().__init__((("127.0.0.1", 9),))

    async def query(self, name: str, rdtype: str) -> Answer:
        if name.startswith("surprise"):
            raise RuntimeError("nobody foresaw this")
        return Answer(name, rdtype, failure="nxdomain")


def given(**more: Any) -> Clients:
    return Clients(resolver=NoNames(), guard=AddressGuard(), port_map={}, timeout=2, **more)


async def collect(hosts: list[str], clients: Clients) -> dict[str, Enrichment]:
    return {
        item.host: item
        async for item in enrich(
            hosts, clients, now=lambda: NOW, concurrency=8, probe_label=lambda name: "probe"
        )
    }


@asynccontextmanager
async def rdap_service(pieces: list[bytes]) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.05)
        return response

    app = web.Application()
    app.router.add_get("/domain/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def rdap_answer(pieces: list[bytes]) -> Registration:
    async def main() -> Registration:
        async with rdap_service(pieces) as base:
            found = await collect(["a.test"], given(rdap_base=base, whois_server="127.0.0.1:9"))
            return found["a.test"].registration[0]

    return asyncio.run(main())


def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    assert rdap_answer([RDAP[:10], RDAP[10:40], RDAP[40:]]).failure == ""


def test_an_endless_answer_is_cut() -> None:
    assert rdap_answer([b"x" * 600_000] * 3).failure == "too long"


def test_a_surprise_costs_one_host() -> None:
    found = asyncio.run(collect(["surprise.test", "10.0.0.1"], given(whois_server="127.0.0.1:9")))
    assert found["surprise.test"].dns[0].failure.startswith("error: RuntimeError")
    assert found["10.0.0.1"].dns == ()


def test_a_host_that_is_an_address_has_a_network_and_no_registration() -> None:
    found = asyncio.run(collect(["10.0.0.1"], given(whois_server="127.0.0.1:9")))["10.0.0.1"]
    assert found.registration == ()
    assert [item.ip for item in found.hosting] == ["10.0.0.1"]
    assert found.certificate is not None and found.certificate.failure == "guard"
