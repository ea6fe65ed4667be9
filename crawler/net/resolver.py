"""DNS over the configured resolvers; failures are answers, never exceptions."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

# A negative or failed answer is asked again after this many seconds.
NEGATIVE_TTL = 60
MAX_TTL = 3_600
MAX_CACHED = 50_000
MAX_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver said. `failure` is "", nxdomain, nodata, servfail, refused, timeout, …

    `values` are in text form (RFC 1035 §5.1), names without the final dot; `chain` are the CNAMEs
    followed; `ttl` in seconds.
    """

    name: str
    type: str
    values: tuple[str, ...] = ()
    ttl: int = 0
    failure: str = ""
    chain: tuple[str, ...] = ()


class Resolver:
    """Asks `nameservers` ((address, port) pairs, in turn), or the system's when empty.

    Nameservers named by the operator are trusted; what they answer is not.
    """

    def __init__(
        self,
        nameservers: tuple[tuple[str, int], ...] = (),
        *,
        timeout: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nameservers = nameservers or _system()
        self._timeout = timeout
        self._clock = clock
        self._cache: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def query(self, name: str, rdtype: str) -> Answer:
        """The records of one type; identical questions under way share one answer."""
        key = (name.lower().rstrip("."), rdtype)
        cached = self._cache.get(key)
        if cached and cached[0] > self._clock():
            return cached[1]
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(name, rdtype))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        answer = await asyncio.shield(task)
        ttl = NEGATIVE_TTL if answer.failure else min(answer.ttl, MAX_TTL)
        if answer.failure not in ("timeout", "servfail") and ttl:
            self._cache[key] = (self._clock() + ttl, answer)
            while len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        return answer

    async def addresses(self, host: str) -> Answer:
        """The addresses of `host`, IPv4 first; an address literal is its own answer."""
        four = await self.query(host, "A")
        if four.values or four.failure not in ("", "nodata"):
            return four
        return await self.query(host, "AAAA")

    async def _ask(self, name: str, rdtype: str) -> Answer:
        try:
            question = dns.message.make_query(name, rdtype, use_edns=0, payload=1232)
        except (dns.exception.DNSException, ValueError, UnicodeError):
            return Answer(name, rdtype, failure="bad name")
        failure = "timeout"
        for server, port in self._nameservers * 2:
            try:
                reply, _ = await dns.asyncquery.udp_with_fallback(
                    question, server, port=port, timeout=self._timeout, ignore_errors=True
                )
            except (dns.exception.Timeout, TimeoutError):
                failure = "timeout"
            except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
                failure = f"unreadable: {type(error).__name__}"
            else:
                answer = _read(name, rdtype, reply)
                if answer.failure not in ("servfail", "refused"):
                    return answer
                failure = answer.failure
        return Answer(name, rdtype, failure=failure)


def _read(name: str, rdtype: str, reply: dns.message.Message) -> Answer:
    rcode = reply.rcode()
    if rcode == dns.rcode.NXDOMAIN:
        return Answer(name, rdtype, failure="nxdomain")
    if rcode != dns.rcode.NOERROR:
        return Answer(name, rdtype, failure=dns.rcode.to_text(rcode).lower())
    wanted = dns.rdatatype.from_text(rdtype)
    current = dns.name.from_text(name)
    sets = {(item.name, item.rdtype): item for item in reply.answer}
    chain: list[str] = []
    ttl = MAX_TTL
    while (found := sets.get((current, wanted))) is None:
        alias = sets.get((current, dns.rdatatype.CNAME))
        if alias is None:
            return Answer(name, rdtype, failure="nodata", chain=tuple(chain))
        current = alias[0].target
        ttl = min(ttl, alias.ttl)
        chain.append(_text(current.to_text()))
        if len(chain) > MAX_CHAIN:
            return Answer(name, rdtype, failure="loop", chain=tuple(chain))
    values = tuple(sorted(_text(record.to_text()) for record in found))
    return Answer(name, rdtype, values, min(ttl, found.ttl), "", tuple(chain))


def _text(text: str) -> str:
    return text.removesuffix(".") if len(text) > 1 else text


def _system() -> tuple[tuple[str, int], ...]:
    try:
        found = dns.resolver.Resolver(configure=True)
    except dns.resolver.NoResolverConfiguration:
        return (("127.0.0.1", 53),)
    return tuple((str(server), found.port) for server in found.nameservers)
