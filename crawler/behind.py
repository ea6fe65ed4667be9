"""Who is behind the sites: operations ranked, what each rests on, and whose services it uses."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crawler.operations import cdn_of
from crawler.operations.link import kinds
from crawler.store import Store, iso
from crawler.store import queries as q

GROWTH_DAYS = 30
# Kinds of identifiers that stand for a service, and the role of that service.
_CHAT = (
    "telegram", "whatsapp", "line", "zalo", "wechat", "qq", "messenger", "tawk", "crisp",
    "livechat", "intercom", "meiqia", "salesmartly", "chatwoot",
)  # fmt: skip
ROLES = ("registrar", "hoster", "asn", "cdn", "wallet", "chat", "app")


@dataclass(slots=True)
class Facilitator:
    """A service that scam sites use: `name`, what identifies it, and who uses it.

    `role` is one of ROLES; `reference` is an IANA id, an AS number or a kind of identifier;
    `contact` is the abuse contact where one is known; `accounts` counts different accounts there.
    """

    role: str
    name: str
    reference: str = ""
    contact: str = ""
    hosts: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "name": self.name,
            "reference": self.reference,
            "contact": self.contact,
            "domains": len(self.domains),
            "operations": len(self.operations),
            "accounts": len(self.accounts),
        }


def ranked_operations(store: Store, now: datetime) -> list[dict[str, Any]]:
    """The operations that stand now, the largest first.

    `joined` and `left` count the members that came and went in the last 30 days, those of the
    first run left out.
    """
    since = iso(now - timedelta(days=GROWTH_DAYS))
    joined = _counts(
        store,
        "SELECT m.operation_id, count(*) FROM operation_members m JOIN operations o"
        " ON o.id = m.operation_id WHERE m.since >= ? AND m.since > o.first_seen"
        " GROUP BY m.operation_id",
        since,
    )
    left = _counts(
        store,
        "SELECT operation_id, count(*) FROM operation_members WHERE until >= ? GROUP BY 1",
        since,
    )
    listed = _counts(
        store,
        "SELECT s.operation_id, count(DISTINCT s.host) FROM sites s JOIN listings l"
        " ON l.domain IN (s.host, s.registered_domain) AND l.removed_at IS NULL"
        " WHERE s.operation_id IS NOT NULL AND l.list = 'all' GROUP BY 1",
    )
    sites: defaultdict[str, list[Any]] = defaultdict(list)
    for row in q.rows(
        store,
        "SELECT operation_id, registered_domain, category, language, first_seen, last_seen, status"
        " FROM sites WHERE operation_id IS NOT NULL",
    ):
        sites[row["operation_id"]].append(row)
    found = []
    for row in q.rows(store, "SELECT * FROM operations WHERE size > 0 ORDER BY size DESC, id"):
        members = sites[row["id"]]
        found.append(
            {
                "id": row["id"],
                "sites": row["size"],
                "domains": len({item["registered_domain"] for item in members}),
                "live": sum(item["status"] == "live" for item in members),
                "listed": listed.get(row["id"], 0),
                "categories": _common(item["category"] for item in members),
                "languages": _common(item["language"] for item in members),
                "first_seen": min(
                    (i["first_seen"] for i in members if i["first_seen"]), default=""
                ),
                "last_seen": max((i["last_seen"] for i in members if i["last_seen"]), default=""),
                "joined": joined.get(row["id"], 0),
                "left": left.get(row["id"], 0),
                "confidence": row["confidence"],
                "summary": row["summary"],
            }
        )
    return found


def operation(store: Store, identity: str, now: datetime) -> dict[str, Any] | None:
    """All of one operation: its rank, members with reasons, identifiers, history, services."""
    found = next((i for i in ranked_operations(store, now) if i["id"] == identity), None)
    if found is None:
        return None
    (stored,) = q.rows(store, "SELECT identifiers FROM operations WHERE id = ?", (identity,))
    members = q.rows(
        store,
        "SELECT s.host, s.registered_domain, s.category, s.kind, s.probability, s.language,"
        " s.title, s.status, s.first_seen, s.last_seen, m.since, m.reason FROM sites s"
        " LEFT JOIN operation_members m ON m.host = s.host AND m.operation_id = s.operation_id"
        " AND m.until IS NULL WHERE s.operation_id = ? ORDER BY s.host",
        (identity,),
    )
    past = q.rows(
        store,
        "SELECT host, since, until, reason FROM operation_members WHERE operation_id = ?"
        " AND until IS NOT NULL ORDER BY until DESC, host",
        (identity,),
    )
    events = q.rows(
        store,
        "SELECT at, event, operation_id, other_id, sites FROM operation_events"
        " WHERE operation_id = ?1 OR other_id = ?1 ORDER BY id",
        (identity,),
    )
    return {
        **found,
        "members": [dict(row) for row in members],
        "identifiers": [
            {"kind": kind, "name": kinds()[kind].name if kind in kinds() else kind, "value": value}
            for kind, value in json.loads(stored["identifiers"] or "[]")
        ],
        "past_members": [dict(row) for row in past],
        "history": [dict(row) for row in events],
        "facilitators": [item.to_json() for item in facilitators(store, identity)],
    }


def facilitators(store: Store, identity: str = "") -> list[Facilitator]:
    """The services that scam sites (of one operation) use, those with most domains first."""
    sites = {
        row["host"]: row
        for row in q.rows(
            store,
            "SELECT host, registered_domain, coalesce(operation_id, '') AS operation FROM sites"
            " WHERE category NOT IN ('', 'benign', 'unknown') AND kind != 'hacked'"
            " AND (?1 = '' OR operation_id = ?1)",
            (identity,),
        )
    }
    found: dict[tuple[str, str, str], Facilitator] = {}

    def use(host: str, role: str, name: str, reference: str = "", contact: str = "") -> Facilitator:
        item = found.setdefault((role, name, reference), Facilitator(role, name, reference))
        item.contact = item.contact or contact
        item.hosts.add(host)
        item.domains.add(sites[host]["registered_domain"])
        if sites[host]["operation"]:
            item.operations.add(sites[host]["operation"])
        return item

    registrations = q.registrations(store)
    for host, site in sites.items():
        if (row := registrations.get(site["registered_domain"])) and row["registrar"]:
            use(host, "registrar", row["registrar"], row["registrar_iana_id"], row["abuse_contact"])
    for host, row in hosting_of(store, sites):
        contact = row["abuse_contact"] or ""
        name = row["organisation"] or row["as_name"] or f"AS{row['asn']}"
        if cdn := cdn_of(row["ip"], row["asn"] or 0):
            use(host, "cdn", cdn, f"AS{row['asn']}" if row["asn"] else "", contact)
        else:
            use(host, "hoster", name, f"AS{row['asn']}" if row["asn"] else "", contact)
        if row["asn"]:
            use(host, "asn", row["as_name"] or "", f"AS{row['asn']}")
    for row in q.rows(
        store,
        "SELECT si.host, i.kind, i.value FROM site_identifiers si JOIN identifiers i"
        " ON i.id = si.identifier_id",
    ):
        if row["host"] not in sites:
            continue
        kind, value = row["kind"], row["value"]
        if kind.startswith("wallet_"):
            use(row["host"], "wallet", value, kind.removeprefix("wallet_")).accounts.add(value)
        elif kind in _CHAT:
            service = kinds()[kind].name.rpartition(" ")[0]
            use(row["host"], "chat", service, kind).accounts.add(value)
        elif kind == "apk":
            use(row["host"], "app", value, kind).accounts.add(value)
    return sorted(
        found.values(),
        key=lambda item: (
            ROLES.index(item.role), -len(item.domains), -len(item.operations), item.name,
            item.reference,
        ),
    )  # fmt: skip


def hosting_of(store: Store, hosts: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    """(host, row of `ips`) of the newest addresses of `hosts`."""
    for row in q.rows(
        store,
        "SELECT d.host, i.* FROM dns d JOIN ips i ON i.ip = d.value WHERE d.type IN ('A', 'AAAA')"
        " AND d.last_seen = (SELECT max(n.last_seen) FROM dns n WHERE n.host = d.host"
        " AND n.type IN ('A', 'AAAA') AND n.value != '') ORDER BY d.host, i.ip",
    ):
        if row["host"] in hosts:
            yield row["host"], row


def _counts(store: Store, sql: str, *parameters: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in q.rows(store, sql, parameters)}


def _common(values: Iterator[str]) -> Sequence[str]:
    """The values, the commonest first."""
    return [value for value, _ in Counter(item for item in values if item).most_common()]
