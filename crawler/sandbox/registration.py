"""The practice registry: WHOIS (RFC 3912) and RDAP (RFC 9082, RFC 9083)."""

import asyncio
import ipaddress
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from crawler.sandbox.names import NETWORKS
from crawler.sandbox.world import EPOCH, Host, World

_FORM = "%Y-%m-%dT%H:%M:%SZ"
# One domain in so many gets a faulty answer, so that fallbacks are used.
FAULT_EVERY = 11


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry knows of a domain."""

    domain: str
    registrar: tuple[str, str, str]
    created: datetime
    name_servers: tuple[str, ...]
    fault: int


def registered(world: World, domain: str) -> Registered | None:
    """The registration of `domain`; sites of an operation were registered in one burst."""
    name = world.domains.get(domain)
    host: Host | None = world.hosts.get(name) if name else None
    if host is None or host.kind in ("trap-nxdomain",):
        return None
    rng = world.rng("registry", domain)
    fault = rng.randrange(FAULT_EVERY)
    operation = world.operations.get(host.operation)
    if operation and host.kind != "doorway":
        created = operation.registered + timedelta(minutes=3 * host.number + rng.randint(0, 2))
        return Registered(domain, operation.registrar, created, operation.name_servers, fault)
    created = EPOCH - timedelta(days=rng.randint(1_500, 6_000))
    servers = ("ns1.townnet.test", "ns2.townnet.test")
    registrar = ("Townnet Domains", "9990", "abuse@townnet.test")
    return Registered(domain, registrar, created, servers, fault)


def whois_text(found: Registered) -> str:
    """The answer in the form that most registries of generic TLDs use."""
    registrar, iana, abuse = found.registrar
    lines = [
        f"Domain Name: {found.domain.upper()}",
        f"Registrar: {registrar}",
        f"Registrar IANA ID: {iana}",
        f"Registrar Abuse Contact Email: {abuse}",
        f"Updated Date: {found.created:{_FORM}}",
        f"Creation Date: {found.created:{_FORM}}",
        f"Registry Expiry Date: {found.created + timedelta(days=365 * 30):{_FORM}}",
        "Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited",
        "Registrant Country: ZZ",
        *(f"Name Server: {server.upper()}" for server in found.name_servers),
        "DNSSEC: unsigned",
        ">>> Last update of WHOIS database: 2026-11-01T00:00:00Z <<<",
    ]
    return "\r\n".join(lines) + "\r\n"


def rdap_object(found: Registered) -> dict[str, object]:
    """The answer as an RDAP domain object."""
    registrar, iana, abuse = found.registrar
    return {
        "objectClassName": "domain",
        "rdapConformance": ["rdap_level_0"],
        "handle": f"{found.domain}-TEST",
        "ldhName": found.domain,
        "status": ["client transfer prohibited"],
        "events": [
            {"eventAction": "registration", "eventDate": f"{found.created:{_FORM}}"},
            {
                "eventAction": "expiration",
                "eventDate": f"{found.created + timedelta(days=365 * 30):{_FORM}}",
            },
            {"eventAction": "last changed", "eventDate": f"{found.created:{_FORM}}"},
        ],
        "nameservers": [
            {"objectClassName": "nameserver", "ldhName": server} for server in found.name_servers
        ],
        "secureDNS": {"delegationSigned": False},
        "entities": [
            {
                "objectClassName": "entity",
                "roles": ["registrar"],
                "publicIds": [{"type": "IANA Registrar ID", "identifier": iana}],
                "vcardArray": [
                    "vcard",
                    [["version", {}, "text", "4.0"], ["fn", {}, "text", registrar]],
                ],
                "entities": [
                    {
                        "objectClassName": "entity",
                        "roles": ["abuse"],
                        "vcardArray": ["vcard", [["email", {}, "text", abuse]]],
                    }
                ],
            }
        ],
    }


def network_object(ip: str) -> dict[str, object] | None:
    """The registration of the practice network around `ip` as an RDAP IP network object."""
    for prefix, _, country, text in NETWORKS:
        handle, _, name = text.partition(" ")
        if ipaddress.ip_address(ip) in ipaddress.ip_network(prefix):
            mail = f"abuse@{handle.partition('-')[0].lower()}.test"
            return {
                "objectClassName": "ip network",
                "handle": handle,
                "name": handle,
                "country": country,
                "entities": [
                    {
                        "objectClassName": "entity",
                        "roles": ["registrant"],
                        "vcardArray": ["vcard", [["fn", {}, "text", name.partition(",")[0]]]],
                        "entities": [
                            {
                                "objectClassName": "entity",
                                "roles": ["abuse"],
                                "vcardArray": ["vcard", [["email", {}, "text", mail]]],
                            }
                        ],
                    }
                ],
            }
    return None


async def start_whois(world: World, port: int) -> asyncio.Server:
    """Listen on 127.0.0.1; some domains get no, an empty or a slow answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), 5)
            domain = line.decode("ascii", "replace").strip().lower()
            found = registered(world, domain)
            if found is None:
                text = f'No match for "{domain.upper()}".\r\n'
            elif found.fault == 1:
                text = ""
            elif found.fault == 2:
                text = "WHOIS LIMIT EXCEEDED - please try again later\r\n"
            else:
                text = whois_text(found)
            writer.write(text.encode())
            await writer.drain()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port)


async def start_rdap(world: World, port: int) -> web.AppRunner:
    """Listen on 127.0.0.1; some domains get 429, 500 or broken JSON."""

    async def domain(request: web.Request) -> web.Response:
        found = registered(world, request.match_info["name"].lower())
        if found is None:
            return web.json_response({"errorCode": 404, "title": "Not Found"}, status=404)
        if found.fault == 3:
            return web.json_response({"errorCode": 429}, status=429)
        if found.fault == 4:
            return web.Response(status=500, text="Internal Server Error")
        text = json.dumps(rdap_object(found))
        if found.fault == 5:
            text = text[: len(text) // 2]
        return web.Response(text=text, content_type="application/rdap+json")

    async def network(request: web.Request) -> web.Response:
        found = network_object(request.match_info["ip"])
        return web.json_response(found or {"errorCode": 404}, status=200 if found else 404)

    app = web.Application()
    app.router.add_get("/domain/{name}", domain)
    app.router.add_get("/ip/{ip}", network)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
