"""Domains registered one after the other at one registrar. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from crawler.model import Identifier

KIND = "registration_burst"
# Who registers by hand or script pauses less than this between two domains: set, not measured.
PAUSE = timedelta(minutes=20)


def bursts(registrations: Iterable[tuple[str, str, datetime]]) -> dict[str, Identifier]:
    """Domain → its burst, from (domain, registrar, creation); strangers to all bursts are absent.

    A creation at midnight is a day without a time, and no burst. The value of the identifier is
    `REGISTRAR START/MINUTES`.
    """
    by_registrar: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for domain, registrar, created in registrations:
        if registrar and (created.hour or created.minute or created.second):
            by_registrar[registrar].append((created, domain))
    found: dict[str, Identifier] = {}
    for registrar, items in by_registrar.items():
        items.sort()
        start = 0
        for place in range(1, len(items) + 1):
            if place < len(items) and items[place][0] - items[place - 1][0] <= PAUSE:
                continue
            if place - start > 1:
                first, last = items[start][0], items[place - 1][0]
                minutes = max(1, round((last - first).total_seconds() / 60))
                value = f"{registrar} {first:%Y-%m-%dT%H:%MZ}/{minutes}"
                found |= {domain: Identifier(KIND, value) for _, domain in items[start:place]}
            start = place
    return found


def in_words(value: str) -> str:
    """What follows "registered" for the value of such an identifier."""
    registrar, _, when = value.rpartition(" ")
    minutes = when.rpartition("/")[2]
    if not minutes.isdigit():
        return f"close together at {registrar or value}"
    span = f"{minutes} minutes" if int(minutes) < 120 else f"{round(int(minutes) / 60)} hours"
    return f"within {span} at {registrar}"
