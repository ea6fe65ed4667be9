"""Loopback servers for tests of the network's edge: a name server, sites, forbidden listeners."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.message
import dns.rcode
import dns.rrset

# What a site of a test answers with for (host, path with query).
Pages = Callable[[str, str], bytes]
# Host → its addresses, one tuple a look-up, the last one for ever.
Names = Mapping[str, list[tuple[str, ...]]]


def http(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    if not any(item.lower().startswith("content-type") for item in fields):
        lines.append("Content-Type: text/html; charset=utf-8")
    return "\r\n".join([*lines, *fields, "", ""]).encode() + body


def redirect(target: str) -> bytes:
    return http(b"", f"Location: {target}", status="302 Found")


class NameServer(asyncio.DatagramProtocol):
    """A and AAAA records of `names`, each name through its answers in turn; `asked` has all."""

    def __init__(self, names: dict[str, list[tuple[str, ...]] | None]) -> None:
        self.names = names
        self.asked: list[str] = []
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        answers = self.names.get(name)
        if answers is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            kind = question.rdtype.name
            values = [item for item in answers[0] if (":" in item) == (kind == "AAAA")]
            if kind in ("A", "AAAA") and values:
                if len(answers) > 1:
                    answers.pop(0)
                reply.answer.append(dns.rrset.from_text_list(question.name, 0, "IN", kind, values))
        self.transport.sendto(reply.to_wire(), addr)


@dataclass
class Wire:
    """The ports of the servers that run, and what the forbidden listeners saw."""

    dns: int
    web: int
    seen: list[str] = field(default_factory=list)
    # What the name server knows; a test may change it. None: there is no such name.
    names: dict[str, list[tuple[str, ...]] | None] = field(default_factory=dict)
    visits: list[tuple[str, str]] = field(default_factory=list)
    # Where each visit came from; `pages` is called after it is noted.
    sources: list[str] = field(default_factory=list)


# Addresses of this machine that no test allows; a connection to one of them is an escape.
FORBIDDEN_LISTENERS = ("127.0.0.1", "127.0.0.2", "127.255.255.254", "::1")
SITE = "127.64.0.1"


@contextmanager
def wire(names: Names, pages: Pages) -> Iterator[Wire]:
    """Run everything in a thread: names on 127.0.0.1, sites on `SITE`, and on the same port of
    each forbidden address a listener that notes whoever connects."""
    started: threading.Event = threading.Event()
    loop = asyncio.new_event_loop()
    made: list[Wire] = []
    stop = asyncio.Event()

    async def main() -> None:
        async with serving(names, pages) as running:
            made.append(running)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    assert started.wait(10), "the servers of the test did not start"
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def _listening(held: ExitStack) -> list[socket.socket]:
    """Sockets on `SITE` and on each forbidden address, all on one port that is free on all."""
    for _ in range(100):
        with ExitStack() as trying:
            sockets = [trying.enter_context(socket.create_server((SITE, 0)))]
            try:
                for address in FORBIDDEN_LISTENERS:
                    sockets.append(
                        trying.enter_context(
                            socket.create_server(
                                (address, sockets[0].getsockname()[1]),
                                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                            )
                        )
                    )
            except OSError:
                continue
            held.push(trying.pop_all())
            return sockets
    raise OSError("no port is free on all addresses")


@asynccontextmanager
async def serving(names: Names, pages: Pages) -> AsyncIterator[Wire]:
    """The servers of `wire` in this event loop."""
    loop = asyncio.get_running_loop()
    with ExitStack() as held:
        sockets = _listening(held)
        running = Wire(0, sockets[0].getsockname()[1])
        running.names.update({name: list(answers) for name, answers in names.items()})

        def trapped(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            running.seen.append(str(writer.get_extra_info("sockname")[0]))
            writer.close()

        async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                    fields = {
                        name.lower(): value.strip()
                        for name, _, value in (line.partition(":") for line in head[1:])
                    }
                    host = fields.get("host", "").partition(":")[0]
                    path = head[0].split(" ")[1]
                    running.visits.append((host, path))
                    running.sources.append(writer.get_extra_info("peername")[0])
                    writer.write(pages(host, path))
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError, IndexError):
                pass
            finally:
                writer.close()

        servers = [await asyncio.start_server(site, sock=sockets[0])]
        servers += [await asyncio.start_server(trapped, sock=item) for item in sockets[1:]]
        endpoint, _ = await loop.create_datagram_endpoint(
            lambda: NameServer(running.names), local_addr=("127.0.0.1", 0)
        )
        running.dns = endpoint.get_extra_info("sockname")[1]
        try:
            yield running
        finally:
            endpoint.close()
            for server in servers:
                server.close()
            await asyncio.sleep(0)
