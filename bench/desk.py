"""How long an analyst waits: canned queries and pages on a million sites.

    python bench/desk.py [--sites 1000000] [--keep FOLDER]

Makes findings with five pieces of evidence a site, serves them with `scamtrail datasette`, and asks
for every canned query, the dashboard, triage, a site and an operation of 2,000 sites; each three
times, over HTTP, HTML included. Shown are the seconds of the clock of the first answer and their
median, and the median of the server's CPU seconds, which say more on a machine with other work. A
page is late when its CPU seconds exceed the promise: a canned query within a second, a site within
300 ms. As the peer stands reading all evidence once, in CPU seconds: the ratio compares machines.
"""

import argparse
import json
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from crawler.desk import METADATA
from crawler.store import Store

BIN = Path(sys.executable).parent
SIGNALS = ("terms.gambling.offer", "host.accused", "prior", "host.young", "links.to_scam")
COUNTRIES = ("KH", "SG", "HK", "US", "NL", "DE", "MY", "PH", "TH", "VN", "RU", "GB")
LARGE = 2_000
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sites", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="keep the findings in this folder, or take them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = options.keep or Path(name)
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "findings.db").exists():
            started = time.monotonic()
            subprocess.run([str(BIN / "scamtrail"), "init", str(root)], check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            fill(root / "findings.db", options.sites)
            size = (root / "findings.db").stat().st_size / 1e9
            print(
                f"made {options.sites:,} sites in {time.monotonic() - started:.0f} s, {size:.1f} GB"
            )
        Store(root / "findings.db").close()
        measure(root)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def fill(path: Path, sites: int) -> None:
    """Findings in which a fifth of the sites are scams, a tenth undecided."""
    Store(path).close()
    rng = random.Random(1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA cache_size = -400000")
        for table, names, rows in tables(rng, sites):
            columns, marks = ", ".join(names), ", ".join("?" * len(names))
            db.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", rows)
            db.commit()


def tables(rng: random.Random, sites: int) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    def host(number: int) -> str:
        return (
            f"s{number % 7}.brand{number // 3}.example"
            if number % 3
            else f"brand{number // 3}.example"
        )

    def domain(number: int) -> str:
        return f"brand{number // 3}.example"

    def category(number: int) -> str:
        return ("gambling", "investment", "unknown", *["benign"] * 7)[number * 7919 % 10]

    def seen(number: int) -> str:
        return stamp(NOW - timedelta(minutes=number * 104729 % 500_000))

    def operation(number: int) -> str | None:
        if category(number) not in ("gambling", "investment"):
            return None
        return "op-large" if number < LARGE * 5 else f"op-{number * 31 % (sites // 40 or 1)}"

    everyone = range(sites)
    scams = [number for number in everyone if category(number) in ("gambling", "investment")]
    yield (
        "operations",
        ("id", "size", "confidence", "summary", "identifiers", "first_seen"),
        (
            (f"op-{number}", 8, 0.9, "same wallet", "[]", seen(number))
            for number in range(sites // 40 or 1)
        ),
    )
    yield (
        "operations",
        ("id", "size", "confidence", "summary", "identifiers", "first_seen"),
        [("op-large", LARGE, 0.99, "same wallet", "[]", seen(1))],
    )
    yield (
        "sites",
        (
            "host",
            "registered_domain",
            "status",
            "category",
            "kind",
            "probability",
            "language",
            "title",
            "first_seen",
            "last_seen",
            "last_checked",
            "operation_id",
        ),
        (
            (
                host(n),
                domain(n),
                "live",
                category(n),
                "operator",
                rng.random(),
                "en",
                f"Site {n}",
                seen(n),
                seen(n // 2),
                seen(n // 2),
                operation(n),
            )
            for n in everyone
        ),
    )
    yield (
        "reports",
        ("id", "source", "kind", "title", "language", "fetched_at", "body"),
        (
            (f"r{n}", f"list {n}", "text", f"Report {n}", "en", seen(n), f"brand{n}")
            for n in range(sites // 200 or 1)
        ),
    )
    yield (
        "mentions",
        ("report_id", "url", "host", "registered_domain", "role", "context", "priority"),
        (
            (
                f"r{n % (sites // 200 or 1)}",
                f"http://{host(n)}/",
                host(n),
                domain(n),
                "accused",
                "x",
                1,
            )
            for n in everyone
            if n % 3 == 0
        ),
    )
    yield (
        "pages",
        (
            "host",
            "url",
            "via",
            "depth",
            "profile",
            "status",
            "failure",
            "title",
            "text",
            "language",
            "category",
            "probability",
            "fetched_at",
        ),
        (
            (
                host(n),
                f"http://{host(n)}/",
                f"report:r{n % (sites // 200 or 1)}"
                if n % 3 == 0
                else f"http://{host(n - n % 3)}/",
                1,
                "crawler",
                200 if n % 20 else 0,
                "" if n % 20 else "timeout",
                f"Site {n}",
                "play now",
                "en",
                category(n),
                0.5,
                seen(n),
            )
            for n in everyone
        ),
    )
    yield (
        "evidence",
        ("host", "signal", "category", "weight", "value", "snippet", "url", "seen_at"),
        (
            (
                host(n),
                signal,
                category(n),
                (n * 31 + len(signal)) % 60 / 10 - 2,
                "accused in 1 report",
                "play now and win",
                f"http://{host(n)}/",
                seen(n),
            )
            for n in everyone
            for signal in SIGNALS
        ),
    )
    yield (
        "dns",
        ("host", "type", "value", "ttl", "failure", "first_seen", "last_seen"),
        (
            (host(n), "A", f"198.{n % 18}.{n // 7 % 250}.{n % 250}", 60, "", seen(n), seen(n))
            for n in everyone
            if n % 2 == 0 or category(n) in ("gambling", "investment")
        ),
    )
    yield (
        "ips",
        ("ip", "asn", "prefix", "as_name", "country", "failure"),
        (
            (
                f"198.{a}.{b}.{c}",
                64500 + (a * 7 + b) % 400,
                "198.18.0.0/15",
                "NETWORK",
                COUNTRIES[(a + b) % 12],
                "",
            )
            for a in range(18)
            for b in range(250)
            for c in range(0, 250, 2)
        ),
    )
    yield (
        "whois",
        ("domain", "source", "registrar", "created", "abuse_contact", "failure", "fetched_at"),
        (
            (
                domain(n),
                "rdap",
                f"Registrar {n % 300}",
                stamp(NOW - timedelta(days=n % 4000)),
                f"abuse@r{n % 300}.example",
                "",
                seen(n),
            )
            for n in scams
        ),
    )
    yield (
        "identifiers",
        ("id", "kind", "value"),
        ((n, "ga4", f"G-{n}") for n in range(1, sites // 10 + 2)),
    )
    yield (
        "site_identifiers",
        ("host", "identifier_id", "url", "first_seen"),
        (
            (host(n), 1 + (n * step % (sites // 10) if n >= LARGE * 5 else n % 300), "u", seen(n))
            for n in scams
            for step in (1, 7)
        ),
    )
    yield (
        "listings",
        ("domain", "list", "tier", "exact", "added_at", "removed_at", "reason"),
        (
            (host(n), name, tier, 0, seen(n), seen(n // 3) if n % 11 == 0 else None, "terms")
            for n in scams
            for name in ("all", category(n))
            for tier in ("strict", "wide")
            if tier == "wide" or n % 4
        ),
    )
    yield (
        "releases",
        ("serial", "published_at", "entries", "added", "removed"),
        ((n, stamp(NOW - timedelta(days=400 - n)), 1000 * n, 10, 5) for n in range(1, 400)),
    )


def measure(root: Path) -> None:
    with closing(sqlite3.connect(root / "findings.db")) as db:
        started = time.process_time()
        (rows,) = db.execute("SELECT count(value) FROM evidence").fetchone()
        unit = time.process_time() - started
        (host,) = db.execute(
            "SELECT host FROM sites WHERE operation_id != 'op-large' LIMIT 1 OFFSET 500"
        ).fetchone()
    print(f"{rows:,} pieces of evidence; reading them all once takes {unit:.2f} CPU s")
    values = {"host": host, "since": "2026-10-25", "asn": "AS64510", "value": "G-77", "days": "30",
              "country": "SG", "report": "r7"}  # fmt: skip
    queries = yaml.safe_load(METADATA.read_text("utf-8"))["databases"]["findings"]["queries"]
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    process = subprocess.Popen(
        [str(BIN / "scamtrail"), "datasette", "-w", str(root), "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}/findings"
    late = 0
    try:
        for _ in range(600):
            try:
                fetch(f"http://127.0.0.1:{port}/-/versions.json")
                break
            except OSError:
                time.sleep(0.1)
        pages = {
            f"query {name}": (
                f"{base}/{name}?" + urllib.parse.urlencode(
                    {key: values[key] for key in query.get("params", [])}), 1.0)
            for name, query in queries.items()
        }  # fmt: skip
        pages["site"] = (f"{base}/-/site/{host}", 0.3)
        pages["operation of 2,000"] = (f"{base}/-/operation/op-large", 1.0)
        pages["dashboard"] = (f"{base}/-/dashboard", 1.0)
        pages["triage"] = (f"{base}/-/triage", 1.0)
        print(f"{'':34} {'first':>8} {'median':>8} {'CPU':>8} {'limit':>6} {'ratio':>6}")
        for name, (address, limit) in pages.items():
            clock, cpu = [], []
            for _ in range(3):
                started, used = time.monotonic(), cpu_seconds(process.pid)
                fetch(address)
                clock.append(time.monotonic() - started)
                cpu.append(cpu_seconds(process.pid) - used)
            median = statistics.median(cpu)
            late += median > limit
            print(
                f"{name:34} {clock[0]:7.3f}s {statistics.median(clock):7.3f}s {median:7.3f}s"
                f" {limit:5.1f}s {median / unit:6.2f}{'' if median <= limit else '  LATE'}"
            )
    finally:
        process.terminate()
        process.wait(timeout=20)
    print(json.dumps({"late": late, "pages": len(pages)}))
    sys.exit(late > 0)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=120) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    main()
