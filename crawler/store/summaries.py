"""Counts over all findings that the desk shows at once: worked out when lists are published."""

from crawler.store.writer import Store

_SCAMS = "s.category IN ('gambling', 'investment', 'other_scam')"
_QUERIES = {
    "network_counts": f"""
        SELECT coalesce(i.country, ''), coalesce(i.asn, 0), coalesce(i.as_name, ''),
          count(DISTINCT s.host), min(s.first_seen)
        FROM sites s CROSS JOIN dns d ON d.host = s.host CROSS JOIN ips i ON i.ip = d.value
        WHERE {_SCAMS} GROUP BY 1, 2, 3""",
    "registrar_counts": f"""
        SELECT coalesce(w.registrar, ''), max(w.abuse_contact), count(DISTINCT w.domain),
          min(w.created), max(w.created)
        FROM (SELECT DISTINCT s.registered_domain FROM sites s WHERE {_SCAMS}) d
        CROSS JOIN whois w ON w.domain = d.registered_domain
        WHERE w.failure = '' GROUP BY 1""",
    "report_counts": f"""
        SELECT m.report_id, count(DISTINCT m.host),
          count(DISTINCT CASE WHEN {_SCAMS} THEN s.host END), count(DISTINCT l.domain)
        FROM mentions m LEFT JOIN sites s ON s.host = m.host
        LEFT JOIN listings l ON l.domain IN (s.host, s.registered_domain)
          AND l.removed_at IS NULL
        WHERE m.role = 'accused' GROUP BY 1""",
    "second_looks": """
        SELECT * FROM (
          SELECT l.domain, l.tier,
            (SELECT count(*) FROM pages p WHERE p.host = s.host AND p.category = 'benign')
              AS innocent_pages,
            (SELECT count(DISTINCT signal) FROM evidence e WHERE e.host = s.host AND e.weight > 1)
              AS signals,
            (SELECT min(created) FROM whois w WHERE w.domain = s.registered_domain) AS registered
          FROM listings l CROSS JOIN sites s ON s.host = l.domain
          WHERE l.removed_at IS NULL AND l.list = 'all')
        WHERE innocent_pages > 0 OR signals < 3
          OR registered < strftime('%Y-%m-%d', 'now', '-5 years')""",
}


def refresh(store: Store) -> None:
    """Work the counts out anew, in one transaction."""
    with store.transaction() as db:
        for table, sql in _QUERIES.items():
            db.execute(f"DELETE FROM {table}")
            db.execute(f"INSERT OR REPLACE INTO {table} {sql}")
