"""Who is behind a host: registration, DNS, hosting, certificate.

Nothing here raises: what cannot be looked up becomes a record with its failure.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from crawler.config import Config, endpoint
from crawler.enrich import dns, favicon, hosting, rdap, tls, whois
from crawler.enrich.pace import RDAP_PAUSE, WHOIS_PAUSE, Paces
from crawler.model import Certificate, DnsRecord, Enrichment, Hosting, Registration
from crawler.names import address, is_under_private_suffix, registered_domain
from crawler.net import AddressGuard, Resolver
from crawler.net.connect import CheckedResolver, NetError, open_connection

__all__ = ["Clients", "enrich"]

Clock = Callable[[], datetime]

# From a registry to its registrar, and no further.
MAX_REFERRALS = 1


@dataclass(frozen=True, slots=True)
class Clients:
    """What look-ups need. Servers that the operator names are trusted; all others are guarded.

    `bootstrap` is TLD → RDAP service where that is newer than what is shipped.
    """

    resolver: Resolver
    guard: AddressGuard
    port_map: Mapping[int, int]
    whois_server: str = ""
    rdap_base: str = ""
    asn_table: hosting.Table | None = None
    timeout: float = 8.0
    bootstrap: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = "scamtrail"
    now: Clock = field(default=lambda: datetime.now(UTC))
    paces: Paces = field(init=False)

    def __post_init__(self) -> None:
        own = frozenset({self.whois_server, urlsplit(self.rdap_base).netloc} - {""})
        object.__setattr__(self, "paces", Paces(self.now, own))

    @classmethod
    def from_config(cls, config: Config, now: Clock) -> "Clients":
        """Raises OSError or ValueError for an ASN table that cannot be read."""
        table = config.hosting.asn_table
        return cls(
            resolver=Resolver(config.nameservers),
            guard=AddressGuard(config.allowed_networks),
            port_map=config.network.port_map,
            whois_server=config.whois.server,
            rdap_base=config.rdap.base,
            asn_table=hosting.load(Path(table)) if table else None,
            user_agent=config.network.user_agent,
            now=now,
        )

    def heard(self, server: str, answer: Registration) -> Registration:
        """`answer`, after what it says of the server has been learned."""
        self.paces.heard(server, complained=answer.failure == "quota")
        return answer


async def enrich(
    hosts: Sequence[str],
    clients: Clients,
    *,
    now: Clock,
    concurrency: int,
    probe_label: Callable[[str], str],
    known: Collection[str] = (),
) -> AsyncIterator[Enrichment]:
    """Look up each host; registration once a registered domain, network once an address.

    Of the domains in `known` the registration is known well enough.
    """
    registrations: dict[str, asyncio.Task[tuple[Registration, ...]]] = {}
    networks: dict[str, asyncio.Task[Hosting]] = {}
    owners: dict[str, asyncio.Task[tuple[str, str]]] = {}
    context = tls.looking_context()

    async def one(host: str) -> Enrichment:
        try:
            return await look_up(host)
        except Exception as error:
            # What nobody foresaw costs this host only.
            failed = DnsRecord(host, "A", "", 0, now(), f"error: {error!r}"[:200])
            return Enrichment(host, dns=(failed,))

    async def look_up(host: str) -> Enrichment:
        domain = registered_domain(host) or host
        records = await dns.look_up(host, domain, clients.resolver, now(), probe_label)
        ips = sorted({item.value for item in records if item.type in ("A", "AAAA") and item.value})
        if literal := address(host):
            ips = [str(literal)]
        for ip in ips:
            if ip not in networks:
                networks[ip] = asyncio.create_task(_network(ip, clients, owners, now))
        registration: tuple[Registration, ...] = ()
        if not literal and domain not in known and not is_under_private_suffix(domain):
            if domain not in registrations:
                registrations[domain] = asyncio.create_task(_registration(domain, clients, now))
            registration = await registrations[domain]
        return Enrichment(
            host=host,
            registration=registration,
            dns=records,
            hosting=tuple([await networks[ip] for ip in ips]),
            certificate=await _certificate(host, clients, context, now) if ips else None,
            favicon=await _favicon(host, clients) if ips and not literal else "",
        )

    waiting = iter(hosts)
    running = {asyncio.create_task(one(host)) for host in islice(waiting, concurrency)}
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (following := next(waiting, None)) is not None:
                    running.add(asyncio.create_task(one(following)))
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        for shared in (*registrations.values(), *networks.values(), *owners.values()):
            shared.cancel()


async def _registration(domain: str, clients: Clients, now: Clock) -> tuple[Registration, ...]:
    """RDAP, and WHOIS where RDAP has no answer; every failure is kept."""
    found: list[Registration] = []
    if url := rdap.url_for(domain, clients.rdap_base, clients.bootstrap):
        found.append(await _rdap(domain, url, clients, now))
        if not found[0].failure:
            return tuple(found)
    found.append(await _whois(domain, clients, now))
    return tuple(found)


async def _rdap(domain: str, url: str, clients: Clients, now: Clock) -> Registration:
    server = urlsplit(url).netloc
    try:
        async with clients.paces.turn(server, RDAP_PAUSE), asyncio.timeout(clients.timeout):
            status, body = await _get(url, clients, trusted=bool(clients.rdap_base))
    except TimeoutError:
        return Registration(domain, "rdap", now(), failure="timeout")
    except NetError as error:
        return Registration(domain, "rdap", now(), failure=error.kind)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Registration(domain, "rdap", now(), failure=f"unreachable: {type(error).__name__}")
    return clients.heard(server, rdap.parse(domain, status, body, now()))


async def _favicon(host: str, clients: Clients) -> str:
    """The hash of the icon at its usual place, "" when there is none."""
    for scheme in ("https", "http"):
        try:
            async with asyncio.timeout(clients.timeout):
                url = f"{scheme}://{host}/favicon.ico"
                status, body = await _get(
                    url, clients, trusted=False, verify=False, limit=favicon.MAX_ICON
                )
        except (TimeoutError, NetError, aiohttp.ClientError, OSError, ValueError):
            continue
        if found := favicon.shodan_hash(status, body):
            return found
    return ""


async def _get(
    url: str,
    clients: Clients,
    *,
    trusted: bool,
    verify: bool = True,
    limit: int = rdap.MAX_ANSWER,
) -> tuple[int, bytes]:
    """One GET without redirects; a service that the operator named is connected to as it is.

    Raises NetError("too long") beyond `limit` bytes. `url` names a host, never an address, unless
    it is trusted. Without `verify` any certificate will do.
    """
    connector = aiohttp.TCPConnector(
        resolver=None
        if trusted
        else CheckedResolver(clients.resolver, clients.guard, clients.port_map),
        ssl=verify,
        force_close=True,
    )
    headers = {"Accept": "application/rdap+json, image/*;q=0.5", "User-Agent": clients.user_agent}
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, allow_redirects=False, headers=headers) as answer,
    ):
        body = bytearray()
        async for chunk in answer.content.iter_chunked(65_536):
            body += chunk
            if len(body) > limit:
                raise NetError("too long", f"more than {limit:,} bytes")
        return answer.status, bytes(body)


async def _whois(domain: str, clients: Clients, now: Clock) -> Registration:
    try:
        if clients.whois_server:
            return await _ask(domain, *endpoint(clients.whois_server, 43), clients, now)
        server = whois.server_for(domain)
        if not server:
            root = await _ask(domain.rpartition(".")[2], whois.ROOT, 43, clients, now)
            server = whois.referral(root.raw)
        if not server:
            return Registration(domain, "whois", now(), failure="the TLD has no WHOIS server")
        found = await _ask(domain, server, 43, clients, now)
        return await _refer(found, server, clients, now)
    except NetError as error:
        return Registration(domain, "whois", now(), failure=error.kind)
    except TimeoutError:
        return Registration(domain, "whois", now(), failure="timeout")
    except OSError as error:
        return Registration(domain, "whois", now(), failure=f"unreachable: {error.strerror}")


async def _refer(found: Registration, server: str, clients: Clients, now: Clock) -> Registration:
    """`found`, with what the registrar's own server adds when a registry refers there."""
    asked = {server}
    for _ in range(MAX_REFERRALS):
        further = whois.registrar_server(found.raw)
        if found.failure or not further or further in asked:
            break
        asked.add(further)
        try:
            more = await _ask(found.domain, further, 43, clients, now)
        except (NetError, TimeoutError, OSError):
            break
        found = whois.completed(found, more)
    return found


async def _ask(question: str, host: str, port: int, clients: Clients, now: Clock) -> Registration:
    """One question to one server. A server that the operator named is connected to as it is."""
    server = clients.whois_server or host
    async with clients.paces.turn(server, WHOIS_PAUSE):
        if clients.whois_server:
            async with asyncio.timeout(clients.timeout):
                reader, writer = await asyncio.open_connection(host, port)
        else:
            reader, writer, _ = await open_connection(
                host,
                port,
                resolver=clients.resolver,
                guard=clients.guard,
                port_map=clients.port_map,
                timeout=clients.timeout,
            )
        text = await whois.ask(reader, writer, question, clients.timeout)
    return clients.heard(server, whois.parse(question, text, now()))


async def _network(
    ip: str, clients: Clients, owners: dict[str, asyncio.Task[tuple[str, str]]], now: Clock
) -> Hosting:
    """Where `ip` is announced from and whose the network is, asked once a prefix."""
    if clients.asn_table:
        found = clients.asn_table.look_up(ip, now())
    else:
        found = await hosting.by_dns(ip, clients.resolver, now())
    url = rdap.network_url(ip, hosting.registry(found), clients.rdap_base)
    if found.failure or not url:
        return found
    key = found.prefix or ip
    if key not in owners:
        owners[key] = asyncio.create_task(_owner(url, clients))
    organisation, abuse = await owners[key]
    return replace(found, organisation=organisation, abuse_contact=abuse)


async def _owner(url: str, clients: Clients) -> tuple[str, str]:
    """(organisation, abuse contact) of a network; empty when the registry does not say."""
    server = urlsplit(url).netloc
    try:
        async with clients.paces.turn(server, RDAP_PAUSE), asyncio.timeout(clients.timeout):
            return rdap.parse_network(*await _get(url, clients, trusted=bool(clients.rdap_base)))
    except (TimeoutError, NetError, aiohttp.ClientError, OSError, ValueError):
        return "", ""


async def _certificate(
    host: str, clients: Clients, context: ssl.SSLContext, now: Clock
) -> Certificate:
    try:
        _, writer, _ = await open_connection(
            host,
            443,
            resolver=clients.resolver,
            guard=clients.guard,
            port_map=clients.port_map,
            timeout=clients.timeout,
            context=context,
        )
    except NetError as error:
        return Certificate(host, now(), failure=error.kind)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            await asyncio.wait_for(writer.wait_closed(), 1)
    return tls.parse(host, der or b"", now())
