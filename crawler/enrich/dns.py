"""DNS records of a host and its registered domain, failures included."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from crawler.model import DnsRecord
from crawler.names import address, is_under_private_suffix
from crawler.net import Answer, Resolver

HOST_TYPES = ("A", "AAAA")
DOMAIN_TYPES = ("NS", "MX", "TXT", "SOA", "CAA")
# A resolver says these of a name that simply has no such record.
_ABSENT = frozenset({"nodata"})


async def look_up(
    host: str,
    domain: str,
    resolver: Resolver,
    now: datetime,
    probe_label: Callable[[str], str],
) -> tuple[DnsRecord, ...]:
    """Addresses and aliases of the host; NS, MX, TXT, SOA and CAA of the domain; a wildcard probe.

    The probe asks for a label that nobody chose; an answer is stored as type WILDCARD.
    """
    if address(host):
        return ()
    questions = [(host, kind) for kind in HOST_TYPES]
    if domain and not is_under_private_suffix(domain):
        questions += [(domain, kind) for kind in DOMAIN_TYPES]
        questions.append((f"{probe_label(domain)}.{domain}", "A"))
    answers = await asyncio.gather(*(resolver.query(name, kind) for name, kind in questions))
    found: list[DnsRecord] = []
    for (name, kind), answer in zip(questions, answers, strict=True):
        if name in (host, domain):
            found += records(name, kind, answer, now)
        elif answer.values:
            found += records(domain, "WILDCARD", answer, now)
    return tuple(found)


def records(host: str, kind: str, answer: Answer, now: datetime) -> Iterator[DnsRecord]:
    """An answer as records, its chain of aliases before it.

    That a type is absent is no record, that it cannot be told is one.
    """
    for alias in answer.chain:
        yield DnsRecord(host, "CNAME", alias[:500], answer.ttl, now)
    if answer.failure and answer.failure not in _ABSENT:
        yield DnsRecord(host, kind, "", 0, now, answer.failure)
    for value in answer.values:
        yield DnsRecord(host, kind, value[:500], answer.ttl, now)
