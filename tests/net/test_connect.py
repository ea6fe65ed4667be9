"""Connections: only to checked addresses, within the time, every failure with its kind."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from crawler.net import AddressGuard, Answer, Resolver
from crawler.net.connect import CheckedResolver, NetError, open_connection

GUARD = AddressGuard((ipaddress.ip_network("127.64.0.0/10"),))
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Fixed(Resolver):
    """Gives each question the next of its answers, the last one for ever."""

    def __init__(self, *answers: tuple[str, ...], pause: float = 0.0) -> None:
        super().__init__((("127.0.0.1", 9),))
        self.answers, self.asked, self.pause = list(answers), 0, pause

    async def query(self, name: str, rdtype: str) -> Answer:
        self.asked += 1
        await asyncio.sleep(self.pause)
        values = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return Answer(name, rdtype, values, 60, "" if values else "nxdomain")


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def connect(
    resolver: Resolver,
    host: str = "a.test",
    *,
    serve: Serve = _close,
    at: str = "127.64.0.1",
    timeout: float = 2.0,
    context: ssl.SSLContext | None = None,
) -> str:
    """The address that a connection went to; a server listens on `at` only."""

    async def main() -> str:
        server = await asyncio.start_server(serve, at, 0)
        port = server.sockets[0].getsockname()[1]
        try:
            _, writer, ip = await open_connection(
                host,
                80,
                resolver=resolver,
                guard=GUARD,
                port_map={80: port},
                timeout=timeout,
                context=context,
            )
            writer.close()
            return ip
        finally:
            server.close()

    return asyncio.run(main())


def failing(resolver: Resolver, host: str = "a.test", **options: Any) -> NetError:
    with pytest.raises(NetError) as raised:
        connect(resolver, host, **options)
    return raised.value


def test_a_forbidden_address_among_others_is_passed_over() -> None:
    answer = ("127.0.0.1", "10.0.0.1", "127.64.0.1", "::1")
    assert connect(Fixed(answer)) == "127.64.0.1"


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    assert connect(Fixed(("127.64.0.9", "127.64.0.1"))) == "127.64.0.1"


def test_a_name_is_asked_once_so_it_cannot_rebind() -> None:
    resolver = Fixed(("127.64.0.1",), ("127.0.0.1",))
    assert connect(resolver) == "127.64.0.1"
    assert resolver.asked == 1
    assert failing(resolver).kind == "guard"


def test_a_forbidden_listener_hears_nothing() -> None:
    heard: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(1)
        writer.close()

    for host in ("127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "a.test"):
        error = failing(Fixed(("127.0.0.1",)), host, serve=serve, at="127.0.0.1")
        assert error.kind == "guard", host
    assert heard == []


def test_names_that_do_not_resolve_say_why() -> None:
    assert failing(Fixed(())).kind == "dns:nxdomain"


def test_slow_dns_counts_against_the_time() -> None:
    assert failing(Fixed(("127.64.0.1",), pause=5), timeout=0.2).kind == "timeout"


def test_a_refusing_port_is_told_from_a_silent_one() -> None:
    assert failing(Fixed(("127.64.0.9",))).kind == "refused"


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.read()
    finally:
        writer.close()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.close()


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    writer.close()


@pytest.mark.parametrize(
    ("serve", "kinds"),
    [(_silent, {"timeout"}), (_reset, {"reset"}), (_plain, {"tls", "reset"})],
)
def test_tls_that_does_not_come_about_has_a_kind(serve: Serve, kinds: set[str]) -> None:
    context = ssl.create_default_context()
    error = failing(Fixed(("127.64.0.1",)), serve=serve, timeout=0.5, context=context)
    assert error.kind in kinds


@pytest.mark.parametrize("host", [".a.test", "a" * 70 + ".test", "a\0b.test"])
def test_a_name_that_tls_cannot_carry_is_a_failure(host: str) -> None:
    context = ssl.create_default_context()
    assert failing(Fixed(("127.64.0.1",)), host, context=context, timeout=1).kind == "tls"


def test_aiohttp_gets_only_checked_addresses_and_mapped_ports() -> None:
    async def main(*values: str) -> list[tuple[str, int]]:
        resolver = CheckedResolver(Fixed(values), GUARD, {80: 8080})
        return [(found["host"], found["port"]) for found in await resolver.resolve("a.test", 80)]

    assert asyncio.run(main("127.0.0.1", "127.64.0.1")) == [("127.64.0.1", 8080)]
    with pytest.raises(NetError, match="guard"):
        asyncio.run(main("127.0.0.1"))
