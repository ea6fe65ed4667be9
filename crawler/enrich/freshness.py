"""How long what a registry said holds. Pure."""

from datetime import datetime, timedelta

DAY = timedelta(days=1)
# Of a domain this young much changes: name servers, status, suspension.
YOUNG, GROWN = 30 * DAY, 365 * DAY
# Why there is no registration → when to ask again; anything else is a fault that may pass.
_AGAIN = {
    "not found": DAY,
    "the TLD has no WHOIS server": 30 * DAY,
    "not understood": 7 * DAY,
    "an HTML page instead of an answer": 7 * DAY,
    "too long": 7 * DAY,
}
PASSING = timedelta(hours=6)


def holds_for(failure: str, created: datetime | None, now: datetime) -> timedelta:
    """How long a look-up of a registration is good for: the older the domain, the longer."""
    if failure:
        return _AGAIN.get(failure.partition(":")[0], PASSING)
    if created is None:
        return 7 * DAY
    age = now - created
    return DAY if age < YOUNG else 7 * DAY if age < GROWN else 30 * DAY
