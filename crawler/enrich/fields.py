"""Labels of WHOIS answers → values, for what python-whois leaves out.

RFC 3912 prescribes no form. Registries write `label: value`, `label [x] : value`, a label with its
values indented below, or a sentence such as "Record created on 2024-01-05 10:11:12 (UTC+8)".
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

# Field → labels, in lower case, the better first.
LABELS: Mapping[str, tuple[str, ...]] = {
    "registrar": (
        "registrar", "registrar name", "sponsoring registrar", "registration service provider",
        "sponsoring registrar organization", "invoicing party",
    ),
    "created": (
        "creation date", "created date", "created on", "record created on", "record created",
        "registration time", "registered on", "domain name commencement date", "activated on",
        "registration date", "created",
    ),
    "updated": (
        "updated date", "modified date", "last updated on", "record last modified", "last modified",
        "last updated date", "changed",
    ),
    "expires": (
        "registry expiry date", "expiry date", "expiration date", "exp date", "expiration time",
        "record expires on", "record expired", "expires on", "expires",
    ),
    "name_servers": (
        "name server", "name servers", "nserver", "nameserver", "nameservers",
        "primary name server", "secondary name server", "domain servers in listed order",
        "name servers information",
    ),
    "statuses": ("domain status", "status"),
    "organisation": (
        "registrant organization", "domain holder organization", "registrant", "registrant name",
    ),
    "country": ("registrant country", "domain holder country"),
    "dnssec": ("dnssec",),
}  # fmt: skip
MAX_LINES = 3_000
_LABEL = re.compile(
    r"\s{0,40}([A-Za-z][A-Za-z /_-]{2,60}?)[. ]{0,40}(?:\[\w\])? {0,4}:(?!//)(.{0,500})"
)
_SENTENCE = re.compile(r"\s{0,40}(Record (?:created|expires) on) (\d.{5,60})")
_ZONE = re.compile(r"\(UTC([+-]\d{1,2})\)|(?<=\d) ?([+-]\d{2}):?00$")
_HIDDEN = re.compile(r"redacted|not displayed|not disclosed|personal information|^\W*$", re.I)
_FORMS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y", "%d %b %Y %H:%M:%S",
    "%d %b %Y", "%d-%m-%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d",
)  # fmt: skip
# CNNIC writes Beijing time without saying so.
_ZONES = {"cn": 8}


def values(text: str) -> dict[str, tuple[str, ...]]:
    """Label in lower case → its values in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    label = ""
    for line in text.splitlines()[:MAX_LINES]:
        if match := _SENTENCE.match(line) or _LABEL.match(line):
            label = match.group(1).strip().lower()
            if value := match.group(2).strip():
                found[label].append(value[:300])
        elif (value := line.strip()) and label and (line[:1].isspace() or not found[label]):
            found[label].append(value[:300])
    return {label: tuple(items) for label, items in found.items() if items}


def told(text: str) -> str:
    """`text`, or "" when it only says that nothing is told."""
    return "" if _HIDDEN.search(text) else text


def pick(found: Mapping[str, tuple[str, ...]], field: str) -> tuple[str, ...]:
    """The values of a field: of all its labels for name servers, of the best label otherwise."""
    lists = [found[label] for label in LABELS[field] if label in found]
    if field == "name_servers":
        return tuple(item for items in lists for item in items)
    return lists[0] if lists else ()


def moment(text: str, domain: str) -> datetime | None:
    """A time as registries write it, in UTC; where no zone is known, it is taken for UTC."""
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        if found.tzinfo:
            return found.astimezone(UTC)
    zone = _ZONE.search(text)
    hours = (
        int(zone.group(1) or zone.group(2)) if zone else _ZONES.get(domain.rpartition(".")[2], 0)
    )
    plain = _ZONE.sub("", text).replace("Z", "").strip().split("#")[0].strip()
    for form in _FORMS:
        try:
            found = datetime.strptime(plain, form)  # noqa: DTZ007
        except ValueError:
            continue
        # A day without a time is in nobody's zone.
        shift = hours if "%H" in form and abs(hours) < 24 else 0
        return found.replace(tzinfo=timezone(timedelta(hours=shift))).astimezone(UTC)
    return None
