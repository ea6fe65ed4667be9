"""Registries are not asked more than they bear; what was learned of them is remembered."""

import asyncio
import ipaddress
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.enrich import Clients, enrich
from crawler.enrich.freshness import holds_for
from crawler.enrich.pace import (
    MAX_PAUSE,
    PER_OWN_SERVER,
    PER_SERVER,
    QUOTA_REST,
    REST,
    WHOIS_PAUSE,
    Paces,
    ServerState,
)
from crawler.model import Registration
from crawler.net import AddressGuard, Answer, Resolver
from crawler.net.connect import NetError
from crawler.sandbox.names import NameServer
from crawler.sandbox.world import build
from crawler.stages import enrich_sites
from crawler.store import Store
from crawler.workspace import Workspace

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_server_that_complains_is_left_alone_for_an_hour() -> None:
    clock = Clock()
    paces = Paces(clock)
    for _ in range(QUOTA_REST):
        assert not paces.rests("whois.a.test")
        paces.heard("whois.a.test", complained=True)
    assert paces.rests("whois.a.test") and not paces.rests("whois.b.test")
    clock.now += REST
    assert not paces.rests("whois.a.test")


def test_one_answer_ends_the_complaints_and_pauses_grow_and_shrink() -> None:
    paces = Paces(Clock())
    for complained in (True, True, False, True, True):
        paces.heard("whois.a.test", complained=complained)
    assert not paces.rests("whois.a.test")
    (state,) = paces.states()
    assert WHOIS_PAUSE < state.pause <= MAX_PAUSE
    for _ in range(200):
        paces.heard("whois.a.test", complained=False)
    assert paces.states()[0].pause == WHOIS_PAUSE


def test_a_quota_is_learned_kept_and_not_used_up_again() -> None:
    clock = Clock()
    paces = Paces(clock)
    for complained in [False] * 20 + [True] * QUOTA_REST:
        paces.heard("whois.a.test", complained=complained)
    (state,) = paces.states()
    assert state.quota == 20
    clock.now += REST
    later = Paces(clock)
    later.remember([state])
    for _ in range(18):
        assert not later.rests("whois.a.test")
        later.heard("whois.a.test", complained=False)
    assert later.rests("whois.a.test")
    clock.now += REST
    assert not later.rests("whois.a.test")
    assert later.states()[0].quota == 26


def test_the_operators_own_servers_have_no_pace() -> None:
    paces = Paces(Clock(), own=frozenset({"127.0.0.1:43"}))
    for _ in range(9):
        paces.heard("127.0.0.1:43", complained=True)
    assert not paces.rests("127.0.0.1:43") and paces.states() == []


def test_turns_keep_their_distance_and_their_number() -> None:
    async def main() -> tuple[float, int]:
        paces = Paces(Clock())
        began = time.monotonic()
        running = most = 0

        async def one() -> None:
            nonlocal running, most
            async with paces.turn("whois.a.test", 0.02):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.1)
                running -= 1

        await asyncio.gather(*(one() for _ in range(9)))
        return time.monotonic() - began, most

    seconds, most = asyncio.run(main())
    assert seconds >= 8 * 0.02
    assert most == PER_SERVER < PER_OWN_SERVER


def test_who_waits_for_a_server_that_goes_to_rest_is_told() -> None:
    async def main() -> None:
        paces = Paces(Clock())
        paces.remember([ServerState("whois.a.test", 1.0, 5, NOW + REST)])
        async with paces.turn("whois.a.test", 0.0):
            pass

    with pytest.raises(NetError, match="quota"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("failure", "age", "expected"),
    [
        ("", timedelta(days=3), timedelta(days=1)),
        ("", timedelta(days=90), timedelta(days=7)),
        ("", timedelta(days=4_000), timedelta(days=30)),
        ("", None, timedelta(days=7)),
        ("not found", None, timedelta(days=1)),
        ("quota", None, timedelta(hours=6)),
        ("not understood: TypeError", None, timedelta(days=7)),
        ("the TLD has no WHOIS server", None, timedelta(days=30)),
    ],
)
def test_an_answer_holds_longer_the_older_the_domain(
    failure: str, age: timedelta | None, expected: timedelta
) -> None:
    assert holds_for(failure, NOW - age if age is not None else None, NOW) == expected


class Everywhere(Resolver):
    """Every name is at 127.0.0.9."""

    def __init__(self) -> None:
        super().__init__((("127.0.0.1", 9),))

    async def query(self, name: str, rdtype: str) -> Answer:
        if rdtype == "A":
            return Answer(name, rdtype, ("127.0.0.9",), 60)
        return Answer(name, rdtype, failure="nodata")


@asynccontextmanager
async def registry(answers: Callable[[str], str]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = (await reader.readline()).decode().strip()
        writer.write(answers(question).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.9", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def ask(domain: str, answers: Callable[[str], str]) -> Registration:
    async def main() -> Registration:
        async with registry(answers) as port:
            clients = Clients(
                resolver=Everywhere(),
                guard=AddressGuard((ipaddress.ip_network("127.0.0.0/8"),)),
                port_map={43: port, 443: 9},
                timeout=2,
                now=lambda: NOW,
            )
            async for item in enrich(
                [domain], clients, now=lambda: NOW, concurrency=1, probe_label=lambda name: "p"
            ):
                return item.registration[-1]
        raise AssertionError

    return asyncio.run(main())


THIN = (
    "Domain Name: A.TEST\nRegistrar WHOIS Server: whois.registrar.test\nRegistrar: Reg\n"
    "Creation Date: 2026-01-01T10:00:00Z\n"
)


def test_iana_names_the_registry_and_the_registry_the_registrar() -> None:
    asked: list[str] = []

    def answers(question: str) -> str:
        asked.append(question)
        if question == "test":
            return "refer: whois.registry.test\n"
        if len(asked) == 2:
            return THIN
        return THIN + "Registrant Organization: Shop Ltd\nRegistrant Country: KH\n"

    found = ask("a.test", answers)
    assert asked == ["test", "a.test", "a.test"]
    assert (found.registrar, found.organisation, found.country) == ("Reg", "Shop Ltd", "KH")
    assert found.raw.count("Domain Name") == 2


def test_servers_that_refer_to_each_other_end() -> None:
    asked: list[str] = []

    def answers(question: str) -> str:
        asked.append(question)
        if question == "test":
            return "refer: whois.registry.test\n"
        return THIN.replace("whois.registrar", f"whois.other{len(asked)}")

    assert ask("a.test", answers).registrar == "Reg"
    assert len(asked) == 3


def test_an_international_name_is_asked_in_its_ascii_form() -> None:
    asked: list[str] = []

    def answers(question: str) -> str:
        asked.append(question)
        return "refer: whois.registry.test\n" if "." not in question else THIN

    ask("xn--fiq228c.xn--abc-test", answers)
    assert set(asked) == {"xn--abc-test", "xn--fiq228c.xn--abc-test"}


def test_what_is_known_is_not_asked_again_and_servers_are_remembered(tmp_path: Path) -> None:
    asked: list[str] = []

    def answers(question: str) -> str:
        asked.append(question)
        return THIN

    async def main() -> None:
        names, streams = await NameServer(build(1, 150)).start(0)
        dns_port = streams.sockets[0].getsockname()[1]
        async with registry(answers) as port:
            (tmp_path / "scamtrail.toml").write_text(
                f'[network]\ndns = ["127.0.0.1:{dns_port}"]\nport_map = {{ "43" = {port} }}\n'
                f'[whois]\nserver = "127.0.0.9:{port}"\n[rdap]\nbootstrap = ""\n'
            )
            workspace = Workspace.init(tmp_path)
            with Store(workspace.database) as store:
                store.connection.executescript(
                    "INSERT INTO sites (host, registered_domain, category) VALUES"
                    " ('a.test', 'a.test', 'gambling'), ('www.a.test', 'a.test', 'gambling');"
                )
                clock = Clock()
                counts = await enrich_sites(workspace, store, clock)
                assert counts["hosts"] == 2 and asked == ["a.test"]
                clock.now += timedelta(hours=1)
                assert (await enrich_sites(workspace, store, clock))["hosts"] == 0
                store.connection.execute("UPDATE sites SET enriched_at = NULL")
                await enrich_sites(workspace, store, clock)
                assert asked == ["a.test"]
                clock.now += timedelta(days=31)
                await enrich_sites(workspace, store, clock)
                assert asked == ["a.test", "a.test"]
        names.close()
        streams.close()

    asyncio.run(main())
    with closing(sqlite3.connect(tmp_path / "findings.db")) as db:
        assert db.execute("SELECT count(*) FROM whois").fetchone() == (2,)
