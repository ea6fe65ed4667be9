"""How long a thousand domains take on slow, faulty servers, and whether each is accounted for.

    python bench/enrich.py [--domains 1000] [--latency 0.2] [--faults 0.1]

WHOIS, RDAP and DNS servers run on loopback in a process of their own. Each answer comes late; of
the domains a share meets a fault at WHOIS, RDAP and DNS alike: silence, a refused connection,
garbage, a quota message, an HTML page, ten megabytes. A domain is accounted for when every part
(registration, DNS, network, certificate) is an answer or a failure with its reason. No peer does
all of this; the line below tells what the answers alone would take, one domain after the other.
"""

import argparse
import asyncio
import ipaddress
import json
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from crawler.enrich import Clients, enrich
from crawler.model import Enrichment
from crawler.net import AddressGuard, Resolver

FAULTS = ("hang", "refuse", "garbage", "quota", "html", "huge")
IP = "127.0.0.9"
HUGE = b"x" * 10_000_000
HTML = b"<!doctype html><html><body>Please use our web form</body></html>"


def fault_of(domain: str, share: float) -> str:
    """The fault that `domain` meets, "" for none; spread evenly over the numbers."""
    number = int("".join(filter(str.isdigit, domain)) or 0)
    if not share or number % round(1 / share):
        return ""
    return FAULTS[number // round(1 / share) % len(FAULTS)]


async def serve(latency: float, share: float) -> None:
    """Run the three servers until standard input closes; their ports go to standard output."""

    async def faulty(writer: asyncio.StreamWriter, fault: str, quota: bytes) -> None:
        match fault:
            case "hang":
                await asyncio.sleep(60)
            case "refuse":
                writer.transport.abort()
            case "garbage":
                writer.write(bytes(range(256)) * 8)
            case "quota":
                writer.write(quota)
            case "html":
                writer.write(HTML)
            case "huge":
                writer.write(HUGE)

    async def whois(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            domain = (await reader.readline()).decode("latin-1").strip()
            await asyncio.sleep(latency)
            if fault := fault_of(domain, share):
                await faulty(writer, fault, b"Query rate limit exceeded\r\n")
            else:
                writer.write(
                    f"Domain Name: {domain}\r\nRegistrar: Some Registrar\r\n"
                    "Creation Date: 2026-01-01T10:00:00Z\r\n".encode()
                )
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def rdap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            domain = head.split()[1].rpartition("/")[2]
            await asyncio.sleep(latency)
            fault = fault_of(domain, share)
            status = "429 Too Many Requests" if fault == "quota" else "200 OK"
            if fault != "refuse":
                writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
            if fault:
                await faulty(writer, fault, b"slow down")
            else:
                document = {
                    "objectClassName": "domain",
                    "ldhName": domain,
                    "events": [
                        {"eventAction": "registration", "eventDate": "2026-01-01T10:00:00Z"}
                    ],
                }
                writer.write(json.dumps(document).encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    class Names(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text(omit_final_dot=True)
            fault = fault_of(name, share) if "cymru" not in name else ""
            if fault == "hang":
                return
            wire = bytes(range(200)) if fault == "garbage" else self.reply(query, name, fault)
            loop.call_later(latency, self.transport.sendto, wire, addr)  # type: ignore[attr-defined]

        @staticmethod
        def reply(query: dns.message.Message, name: str, fault: str) -> bytes:
            reply = dns.message.make_response(query)
            question = query.question[0]
            kind = dns.rdatatype.to_text(question.rdtype)
            values = {
                "A": [IP],
                "NS": [f"ns1.{name}.", f"ns2.{name}."],
                "TXT": ['"64500 | 127.0.0.0/8 | ZZ | other | 2026-01-01"'],
            }.get(kind)
            if fault == "refuse":
                reply.set_rcode(dns.rcode.REFUSED)
            elif fault == "quota":
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif values and not name.startswith("probe"):
                reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, values))
            return reply.to_wire()

    loop = asyncio.get_running_loop()
    servers = [await asyncio.start_server(each, "127.0.0.1", 0) for each in (whois, rdap)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    transport, _ = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    ports.append(transport.get_extra_info("sockname")[1])
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def accounted(found: Enrichment) -> bool:
    """Whether nothing about a domain was left without an answer or a reason."""
    parts = [*found.registration, *found.dns, *found.hosting]
    if found.certificate:
        parts.append(found.certificate)
    told = all(
        item.failure or getattr(item, "value", "") or getattr(item, "raw", "") for item in parts
    )
    has_address = any(item.type == "A" and item.value for item in found.dns)
    complete = bool(found.registration and found.dns) and has_address == bool(found.hosting)
    return told and complete and has_address == bool(found.certificate)


async def measure(
    ports: list[int], domains: list[str]
) -> tuple[dict[str, Enrichment], Counter[str]]:
    whois_port, rdap_port, dns_port = ports
    clients = Clients(
        resolver=Resolver((("127.0.0.1", dns_port),)),
        guard=AddressGuard((ipaddress.ip_network("127.0.0.0/8"),)),
        port_map={443: 9},
        whois_server=f"127.0.0.1:{whois_port}",
        rdap_base=f"http://127.0.0.1:{rdap_port}/",
    )
    found: dict[str, Enrichment] = {}
    failures: Counter[str] = Counter()
    async for item in enrich(
        domains,
        clients,
        now=lambda: datetime.now(UTC),
        concurrency=64,
        probe_label=lambda name: "probe-x",
    ):
        found[item.host] = item
        for registration in item.registration:
            if registration.failure:
                failures[f"{registration.source} {registration.failure}"] += 1
        for record in item.dns:
            if record.failure:
                failures[f"dns {record.failure}"] += 1
    return found, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", type=int, default=1_000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--faults", type=float, default=0.1, help="share of the domains")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.latency, options.faults))
        return
    command = [sys.executable, __file__, "--serve", "--latency", str(options.latency)]
    with subprocess.Popen(
        [*command, "--faults", str(options.faults)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as servers:
        assert servers.stdout and servers.stdin
        ports = [int(port) for port in servers.stdout.readline().split()]
        domains = [f"site{number}.test" for number in range(options.domains)]
        started, cpu = time.monotonic(), time.process_time()
        found, failures = asyncio.run(measure(ports, domains))
        seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
        servers.stdin.close()
        servers.terminate()
    complete = sum(accounted(item) for item in found.values())
    # RDAP, DNS, network and its name, one after the other.
    alone = options.domains * 4 * options.latency
    print(f"{len(found):,} of {options.domains:,} domains, {complete:,} accounted for")
    print(f"{seconds:.1f} s ({cpu_seconds:.1f} CPU s); answers alone, in a row: {alone:.0f} s")
    for reason, count in failures.most_common():
        print(f"  {count:>6,}  {reason}")


if __name__ == "__main__":
    main()
