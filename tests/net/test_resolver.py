"""The resolver against real DNS servers on loopback; failures are answers."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from crawler.net import AddressGuard, Resolver
from crawler.net.connect import NetError, open_connection

Answering = Callable[[dns.message.Message], dns.message.Message | None]


class Server(asyncio.DatagramProtocol):
    """Answers as told over UDP, and over TCP on the same port; counts the questions."""

    def __init__(self, udp: Answering, tcp: Answering) -> None:
        self.udp, self.tcp, self.asked = udp, tcp, 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        reply = self.udp(dns.message.from_wire(data))
        if reply is not None:
            self.transport.sendto(reply.to_wire(), addr)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        reply = self.tcp(dns.message.from_wire(await reader.readexactly(size)))
        if reply is not None:
            wire = reply.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(
    udp: Answering, tcp: Answering | None = None
) -> AsyncIterator[tuple[Resolver, Server]]:
    loop = asyncio.get_running_loop()
    server = Server(udp, tcp or udp)
    stream = await asyncio.start_server(server.stream, "127.0.0.1", 0)
    port = stream.sockets[0].getsockname()[1]
    await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", port))
    try:
        yield Resolver((("127.0.0.1", port),), timeout=0.3), server
    finally:
        server.transport.close()
        stream.close()


def saying(*texts: str, rcode: int = 0, ttl: int = 60) -> Answering:
    """Answers with resource records in text form: "name type value"."""

    def answer(query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.Rcode(rcode))
        for text in texts:
            name, kind, value = text.split(" ", 2)
            reply.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, value))
        return reply

    return answer


def ask(answering: Answering, name: str = "a.test", kind: str = "A") -> Any:
    async def main() -> Any:
        async with serving(answering) as (resolver, _):
            return await resolver.query(name, kind)

    return asyncio.run(main())


def test_values_come_with_their_ttl() -> None:
    answer = ask(saying("a.test. A 192.0.2.7", ttl=77))
    assert (answer.values, answer.ttl, answer.failure) == (("192.0.2.7",), 77, "")


def test_an_alias_is_followed_and_kept() -> None:
    answer = ask(saying("a.test. CNAME b.test.", "b.test. CNAME c.test.", "c.test. A 192.0.2.1"))
    assert (answer.values, answer.chain) == (("192.0.2.1",), ("b.test", "c.test"))


@pytest.mark.parametrize(
    ("answering", "failure"),
    [
        (saying(rcode=3), "nxdomain"),
        (saying(), "nodata"),
        (saying(rcode=2), "servfail"),
        (saying(rcode=5), "refused"),
        (lambda query: None, "timeout"),
        (saying("a.test. CNAME b.test.", "b.test. CNAME a.test."), "loop"),
        (saying("other.test. A 192.0.2.1"), "nodata"),
    ],
    ids=["nxdomain", "nodata", "servfail", "refused", "silence", "loop", "other-name"],
)
def test_failures_are_answers(answering: Answering, failure: str) -> None:
    answer = ask(answering)
    assert (answer.values, answer.failure) == ((), failure)


def test_a_name_that_is_none_is_not_asked() -> None:
    assert ask(saying(), "a" * 70 + ".test").failure == "bad name"


def test_a_truncated_answer_is_asked_again_over_tcp() -> None:
    def short(query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.TC
        return reply

    async def main() -> Any:
        async with serving(short, saying("a.test. A 192.0.2.9")) as (resolver, _):
            return await resolver.query("a.test", "A")

    assert asyncio.run(main()).values == ("192.0.2.9",)


def test_answers_are_kept_for_their_ttl_and_questions_are_shared() -> None:
    now = [0.0]

    async def main() -> list[int]:
        async with serving(saying("a.test. A 192.0.2.7", ttl=50)) as (resolver, server):
            resolver._clock = lambda: now[0]
            counts = []
            await asyncio.gather(*(resolver.query("a.test", "A") for _ in range(20)))
            counts.append(server.asked)
            await resolver.query("A.TEST.", "A")
            counts.append(server.asked)
            now[0] = 51
            await resolver.query("a.test", "A")
            counts.append(server.asked)
            return counts

    assert asyncio.run(main()) == [1, 1, 2]


def test_addresses_fall_back_to_ipv6() -> None:
    def six(query: dns.message.Message) -> dns.message.Message:
        wanted = query.question[0].rdtype.name
        return saying(*(["a.test. AAAA 2001:db8::1"] if wanted == "AAAA" else []))(query)

    async def main() -> Any:
        async with serving(six) as (resolver, _):
            return await resolver.addresses("a.test")

    assert asyncio.run(main()).values == ("2001:db8::1",)


def connect(values: list[str], host: str = "a.test", port: int = 0) -> Any:
    async def main() -> Any:
        answers = saying(*(f"a.test. A {value}" for value in values)) if values else saying(rcode=3)
        async with serving(answers) as (resolver, _):
            listener = await asyncio.start_server(lambda r, w: w.close(), "127.64.0.1", 0)
            real = listener.sockets[0].getsockname()[1]
            try:
                _, writer, ip = await open_connection(
                    host,
                    80,
                    resolver=resolver,
                    guard=AddressGuard((ipaddress.ip_network("127.64.0.0/10"),)),
                    port_map={80: port or real},
                    timeout=1,
                )
                writer.close()
                return ip
            finally:
                listener.close()

    return asyncio.run(main())


def test_a_connection_goes_to_the_checked_address() -> None:
    assert connect(["127.64.0.1"]) == "127.64.0.1"
    assert connect([], host="127.64.0.1") == "127.64.0.1"


@pytest.mark.parametrize(
    ("values", "host", "port", "kind"),
    [
        (["127.0.0.1"], "a.test", 0, "guard"),
        ([], "10.0.0.1", 0, "guard"),
        ([], "0x7f.1", 0, "guard"),
        ([], "a.test", 0, "dns:nxdomain"),
        (["127.64.0.1"], "a.test", 9, "refused"),
    ],
)
def test_a_connection_that_fails_says_why(
    values: list[str], host: str, port: int, kind: str
) -> None:
    with pytest.raises(NetError) as raised:
        connect(values, host, port)
    assert raised.value.kind == kind
