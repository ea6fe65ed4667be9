"""The practice DNS: UDP and TCP (RFC 1035), with Team Cymru's zones for the practice addresses."""

import asyncio
import ipaddress
import struct
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from crawler.sandbox.world import BULLETPROOF, EPOCH, World

TTL = 300
REBIND_TO = "127.0.0.1"
# Numbers for documentation (RFC 5398) and what announces the practice networks.
NETWORKS = (
    ("127.64.0.0/24", 64500, "KH", "DEEPROCK-HOSTING Deeprock Bullet Hosting, KH"),
    ("127.64.1.0/24", 64501, "SG", "TOWNNET Townnet Web Hosting, SG"),
    ("127.64.2.0/24", 64502, "US", "EDGELANE Edgelane CDN, US"),
)


class NameServer:
    """Answers for every host of the world; `rebind` names change their mind."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked = 0

    def reply(self, wire: bytes) -> bytes | None:
        """The answer to a query in wire form, None for what is no query."""
        try:
            query = dns.message.from_wire(wire)
        except Exception:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if query.question:
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True).lower()
            records = self._records(name, dns.rdatatype.to_text(question.rdtype))
            if records is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif records:
                ttl = 0 if "rebind" in name else TTL
                reply.answer.append(
                    dns.rrset.from_text_list(question.name, ttl, "IN", question.rdtype, records)
                )
        return reply.to_wire()

    def _records(self, name: str, kind: str) -> list[str] | None:
        if name.endswith(".asn.cymru.com"):
            return self._cymru(name, kind)
        if name == "":
            return ["ns.root.test."] if kind == "NS" else []
        host = self._world.find(name)
        if host is None:
            owner = self._world.domains.get(name)
            known = owner or name.startswith(("ns1.dns-", "ns2.dns-"))
            if name.startswith("dns-") or not known:
                return None
            host = self._world.hosts.get(owner or "")
            if kind != "A" or host is None:
                return []
        if host.kind in ("dead", "trap-nxdomain"):
            return None
        operation = self._world.operations.get(host.operation)
        match kind:
            case "A":
                if host.kind == "trap-rebind":
                    self._asked += 1
                    return [BULLETPROOF[0] if self._asked % 2 else REBIND_TO]
                return ["127.64.3.1"] if host.kind == "trap-refused" else [host.ip]
            case "NS" if name.count(".") == 1:
                if host.kind == "trap-parked":
                    return ["ns1.parkingplace.test.", "ns2.parkingplace.test."]
                servers = operation.name_servers if operation else ("ns1.townnet.test",)
                return [f"{server}." for server in servers]
            case "MX" if not host.operation:
                return [f"10 mail.{name}."]
            case "TXT" if not host.operation:
                return ['"v=spf1 -all"']
            case "SOA" if name.count(".") == 1:
                return [f"ns1.townnet.test. admin.{name}. 2026110101 7200 3600 1209600 300"]
        return []

    def _cymru(self, name: str, kind: str) -> list[str] | None:
        if kind != "TXT":
            return []
        if name.endswith(".origin.asn.cymru.com"):
            parts = name.removesuffix(".origin.asn.cymru.com").split(".")
            try:
                ip = ipaddress.ip_address(".".join(reversed(parts)))
            except ValueError:
                return None
            for prefix, asn, country, _ in NETWORKS:
                if ip in ipaddress.ip_network(prefix):
                    return [f'"{asn} | {prefix} | {country} | other | {EPOCH:%Y-%m-%d}"']
            return None
        for _, asn, country, text in NETWORKS:
            if name == f"as{asn}.asn.cymru.com":
                return [f'"{asn} | {country} | other | {EPOCH:%Y-%m-%d} | {text}"']
        return None

    async def start(self, port: int) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
        """Listen on 127.0.0.1 over UDP and TCP on the same port."""
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._stream, "127.0.0.1", port)
        real = server.sockets[0].getsockname()[1]
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=("127.0.0.1", real)
        )
        return transport, server

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                answer = self.reply(await reader.readexactly(size))
                if answer is None:
                    break
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._server.reply(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
