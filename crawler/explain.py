"""Why a domain is, or is not, listed: everything the database knows, gathered and laid out."""

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from crawler import stages
from crawler.names import defang, printable, registered_domain
from crawler.store import Findings
from crawler.store import queries as q

# How much of each kind is shown in the terminal; JSON has all of it.
SHOWN_EVIDENCE = 14
SHOWN_HOSTS = 10


def explain(store: Findings, domain: str) -> dict[str, Any] | None:
    """The findings on a host or registered domain as plain data, None when it was never seen.

    Of a registered domain the host with the highest probability speaks for it.
    """
    parent = registered_domain(domain) or domain
    hosts = _dicts(
        store,
        "SELECT * FROM sites WHERE host = ?1 OR registered_domain = ?1"
        " ORDER BY host != ?1 AND probability < 0.5, probability DESC, host",
        domain,
    )
    mentions = _dicts(
        store,
        "SELECT m.role, m.url, m.context, r.id AS report, r.title, r.source, r.kind FROM mentions m"
        " JOIN reports r ON r.id = m.report_id WHERE m.host = ?1 OR m.registered_domain = ?1"
        " ORDER BY m.priority DESC, m.id",
        domain,
    )
    if not hosts and not mentions:
        return None
    main = hosts[0] if hosts else {}
    host = main.get("host", domain)
    return {
        "domain": domain,
        "site": main,
        "hosts": [item["host"] for item in hosts],
        "trail": _trail(store, host),
        "mentions": mentions,
        "evidence": _dicts(
            store,
            "SELECT signal, category, weight, value, snippet, url, seen_at, page_id IS NULL AS"
            " of_host FROM evidence WHERE host = ? ORDER BY of_host DESC, abs(weight) DESC, id",
            host,
        ),
        "pages": _dicts(
            store,
            "SELECT url, profile, status, failure, location, title, category, kind, probability,"
            " via, fetched_at FROM pages WHERE host = ? ORDER BY id",
            host,
        ),
        "whois": _dicts(
            store,
            "SELECT * FROM whois WHERE domain = ? ORDER BY fetched_at DESC, source",
            parent,
        ),
        "dns": _dicts(
            store,
            "SELECT type, value, failure, first_seen, last_seen FROM dns WHERE host IN (?, ?)"
            " ORDER BY type, value",
            host,
            parent,
        ),
        "hosting": _dicts(
            store,
            "SELECT i.* FROM ips i WHERE i.ip IN (SELECT value FROM dns WHERE host = ?)"
            " ORDER BY i.ip",
            host,
        ),
        "certificates": _dicts(
            store,
            "SELECT sha256, issuer, subject, names, not_before, not_after, failure, first_seen"
            " FROM certificates WHERE host = ? ORDER BY last_seen DESC",
            host,
        ),
        "identifiers": _dicts(
            store,
            "SELECT i.kind, i.value, (SELECT count(*) FROM site_identifiers o WHERE"
            " o.identifier_id = i.id) AS sites FROM site_identifiers si"
            " JOIN identifiers i ON i.id = si.identifier_id WHERE si.host = ?"
            " ORDER BY sites DESC, i.kind, i.value",
            host,
        ),
        "operation": _operation(store, main.get("operation_id")),
        "listings": _dicts(
            store,
            "SELECT domain, list, tier, exact, added_at, removed_at, reason, removal_reason"
            " FROM listings WHERE domain IN (?, ?) OR domain GLOB ? OR domain GLOB ?"
            " ORDER BY added_at, list, tier, domain",
            host,
            parent,
            f"http://{host}[:/]*",
            f"https://{host}[:/]*",
        ),
        "refusals": _dicts(
            store,
            "SELECT domain, list, tier, reason FROM refusals WHERE domain IN (?, ?)"
            " ORDER BY list, tier",
            host,
            parent,
        ),
        "partners": _dicts(
            store,
            "SELECT partner, host, trust, category, probability, operation, reference, merged_at"
            " FROM partner_findings WHERE host IN (?, ?) ORDER BY partner, host",
            host,
            parent,
        ),
        "overrides": _dicts(
            store, "SELECT * FROM overrides WHERE domain IN (?, ?) ORDER BY id", host, parent
        ),
    }


def _dicts(store: Findings, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in q.rows(store, sql, parameters)]


def _trail(store: Findings, host: str) -> list[dict[str, str]]:
    steps: list[dict[str, str]] = []
    for kind, reference in stages.trail(store, host):
        step = {"kind": kind, "reference": reference}
        if kind == "report":
            for row in q.rows(
                store, "SELECT title, source FROM reports WHERE id = ?", (reference,)
            ):
                step |= {"title": row["title"] or "", "source": row["source"] or ""}
        else:
            for row in q.rows(
                store,
                "SELECT title, category FROM pages WHERE url = ? ORDER BY id LIMIT 1",
                (reference,),
            ):
                step |= {"title": row["title"] or "", "category": row["category"] or ""}
        steps.append(step)
    return steps


def _operation(store: Findings, identity: str | None) -> dict[str, Any] | None:
    for row in q.rows(store, "SELECT * FROM operations WHERE id = ?", (identity,)):
        members = q.rows(
            store,
            "SELECT s.host, m.reason FROM sites s LEFT JOIN operation_members m ON m.host = s.host"
            " AND m.operation_id = s.operation_id AND m.until IS NULL"
            " WHERE s.operation_id = ? ORDER BY s.host",
            (identity,),
        )
        return {
            **dict(row),
            "identifiers": json.loads(row["identifiers"] or "[]"),
            "members": [member["host"] for member in members],
            "reasons": {member["host"]: member["reason"] or "" for member in members},
        }
    return None


def render(found: dict[str, Any], console: Console) -> None:
    """Print what `explain` gathered, every address defanged, control characters gone."""
    site = found["site"]
    head = Text(defang(found["domain"]), style="bold")
    if site:
        head.append(
            f"  {site['category']} / {site['kind']}  p={site['probability'] or 0:.3f}"
            f"  {site['status']}  {site['language']}"
        )
    console.print(head)
    console.print(plain(" ".join(_note(found)), 1_200), soft_wrap=not console.is_terminal)
    for section in (_listing_part, _trail_part, _evidence_part, _enrichment_part, _operation_part):
        console.print(section(found))


def _note(found: dict[str, Any]) -> Iterator[str]:
    """The findings in sentences, as an analyst would begin."""
    site, operation = found["site"], found["operation"]
    if site:
        verdict = site["category"] or "not judged"
        kind = f" ({site['kind']})" if site["kind"] else ""
        sure = min(site["probability"] or 0.0, 0.999)
        yield f"Judged {verdict}{kind}, {sure:.1%} likely a scam."
        pages = sum(step["kind"] == "page" for step in found["trail"])
        origin = next((step for step in found["trail"] if step["kind"] != "page"), None)
        if origin:
            name = origin.get("title") or origin.get("source") or origin["reference"]
            yield f"Reached from the {origin['kind']} “{name[:80]}” over {pages} pages."
    if found["whois"] and (row := next((i for i in found["whois"] if not i["failure"]), None)):
        created = row["created"][:10] if row["created"] else "at an unknown time"
        yield f"Registered {created} at {row['registrar'] or 'a registrar not named'}."
    if network := next((item for item in found["hosting"] if not item["failure"]), None):
        owner = network["organisation"] or network["as_name"]
        yield f"Served from {network['ip']} of {owner} (AS{network['asn']}, {network['country']})."
    if operation:
        others = operation["size"] - 1
        why = operation["reasons"].get(site.get("host"), "")
        yield f"Belongs to {operation['id']} with {others} other sites" + (
            f": {why}." if why else "."
        )
    now = [item for item in found["listings"] if not item["removed_at"]]
    lists = ", ".join(sorted({f"{item['list']}/{item['tier']}" for item in now}))
    if not now:
        yield "In no list now."
    elif all("://" in item["domain"] for item in now):
        yield f"Only pages of it are listed, in {lists}."
    else:
        yield f"Listed in {lists}."


def plain(text: Any, limit: int = 160) -> Text:
    """`text` as it may stand in a terminal: defanged, without control or direction characters."""
    return Text(defang(printable(str(text))[:limit]))


def _listing_part(found: dict[str, Any]) -> RenderableType:
    tree = Tree("Lists")
    for item in found["listings"]:
        scope = "only this name" if item["exact"] else "and everything below"
        if "://" in item["domain"]:
            scope = "only this page"
        until = (
            f", left {item['removed_at']}: {item['removal_reason']}" if item["removed_at"] else ""
        )
        tree.add(
            plain(
                f"{item['list']}/{item['tier']}: {item['domain']} ({scope})"
                f" since {item['added_at']}{until} — {item['reason']}",
                400,
            )
        )
    for item in found["refusals"]:
        tree.add(plain(f"not in {item['list']}/{item['tier']}: {item['reason']}", 300))
    for item in found["overrides"]:
        tree.add(plain(f"{item['action']} by {item['author']}: {item['reason']}", 300))
    if not tree.children:
        tree.add("never listed")
    return tree


def _trail_part(found: dict[str, Any]) -> RenderableType:
    tree = Tree("Trail")
    node = tree
    for step in found["trail"]:
        label = plain(f"{step['kind']}: ")
        where = (
            step.get("source") or step["reference"]
            if step["kind"] == "report"
            else (step["reference"])
        )
        label.append_text(plain(where))
        if step.get("title"):
            label.append_text(plain(f"  “{step['title'][:80]}”"))
        if step.get("category"):
            label.append(f"  [{step['category']}]")
        node = node.add(label)
    if not found["trail"]:
        tree.add("never visited")
    quoting = Tree("Reports that name it")
    for item in found["mentions"][:SHOWN_HOSTS]:
        quoting.add(
            plain(f"{item['role']} in {item['title'] or item['source']}: {item['context']}", 260)
        )
    for item in found["partners"]:
        quoting.add(
            plain(
                f"partner {item['partner']} (trust {item['trust']:.1f}) holds it for"
                f" {item['category']}, p={item['probability']:.2f}; that alone lists nothing",
                260,
            )
        )
    return Group(tree, quoting)


def _evidence_part(found: dict[str, Any]) -> RenderableType:
    table = Table("log-odds", "towards", "signal", "value", "where", title="Evidence", expand=False)
    own = [item for item in found["evidence"] if item["of_host"]] or found["evidence"]
    for item in own[:SHOWN_EVIDENCE]:
        table.add_row(
            f"{item['weight']:+.2f}",
            item["category"],
            item["signal"],
            plain(
                item["value"] if not item["snippet"] else f"{item['value']}: {item['snippet']}", 90
            ),
            plain(item["url"], 60),
        )
    if len(own) > SHOWN_EVIDENCE:
        table.caption = f"and {len(own) - SHOWN_EVIDENCE} more; --json shows all"
    return table


def _enrichment_part(found: dict[str, Any]) -> RenderableType:
    tree = Tree("Registration, DNS, hosting, certificate")
    for item in found["whois"][:2]:
        tree.add(
            plain(
                f"{item['source']}: failed: {item['failure']}"
                if item["failure"]
                else f"{item['source']}: {item['registrar']} (IANA {item['registrar_iana_id']}),"
                f" created {item['created']}, expires {item['expires']},"
                f" name servers {item['name_servers']}, abuse {item['abuse_contact']}",
                300,
            )
        )
    for item in found["dns"][:12]:
        tree.add(plain(f"{item['type']} {item['value'] or 'failed: ' + item['failure']}"))
    for item in found["hosting"]:
        tree.add(
            plain(
                f"{item['ip']}: AS{item['asn']} {item['as_name']} {item['prefix']}"
                f" {item['country']}"
                f"{' failed: ' + item['failure'] if item['failure'] else ''}"
            )
        )
    for item in found["certificates"][:2]:
        tree.add(
            plain(
                f"certificate {item['sha256'][:16]}… by {item['issuer']} for {item['names']}"
                if not item["failure"]
                else f"certificate failed: {item['failure']}",
                300,
            )
        )
    return tree


def _operation_part(found: dict[str, Any]) -> RenderableType:
    operation = found["operation"]
    if not operation:
        return Tree("Operation: none known")
    tree = Tree(
        plain(
            f"Operation {operation['id']}: {operation['size']} sites — {operation['summary']}", 400
        )
    )
    for host in operation["members"][:SHOWN_HOSTS]:
        tree.add(plain(f"{host}: {operation['reasons'][host]}", 300))
    if operation["size"] > SHOWN_HOSTS:
        tree.add(f"and {operation['size'] - SHOWN_HOSTS} more")
    return tree
