"""Address → network: a local table, or Team Cymru's DNS zones.

The zones: REVERSED.origin.asn.cymru.com TXT "ASN | prefix | country | registry | date" and
ASn.asn.cymru.com TXT "ASN | country | registry | date | name"
(https://www.team-cymru.com/ip-asn-mapping).
"""

import bisect
import csv
import gzip
import ipaddress
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import maxminddb

from crawler.model import Hosting
from crawler.net import Resolver


class Table(Protocol):
    """A local table of networks."""

    def look_up(self, ip: str, now: datetime) -> Hosting: ...


def load(path: Path) -> Table:
    """The table in `path`: MMDB by its ending, TSV otherwise. Raises OSError or ValueError."""
    return Mmdb.load(path) if path.suffix == ".mmdb" else AsnTable.load(path)


@dataclass(frozen=True, slots=True)
class Mmdb:
    """A MaxMind database: GeoLite2 ASN, DB-IP ASN Lite, IPinfo Lite."""

    reader: maxminddb.Reader

    @classmethod
    def load(cls, path: Path) -> "Mmdb":
        """Raises OSError, or ValueError for a file that is none."""
        try:
            return cls(maxminddb.open_database(path))
        except maxminddb.InvalidDatabaseError as error:
            raise ValueError(f"{path}: no MaxMind database: {error}; fetch it again") from error

    def look_up(self, ip: str, now: datetime) -> Hosting:
        try:
            found, length = self.reader.get_with_prefix_len(ip)
        except (ValueError, maxminddb.InvalidDatabaseError) as error:
            return Hosting(ip, now, source="mmdb", failure=f"not understood: {error}"[:200])
        if not isinstance(found, dict):
            return Hosting(ip, now, source="mmdb", failure="not announced")
        number = str(found.get("autonomous_system_number") or found.get("asn") or "")
        digits = number.upper().removeprefix("AS")
        name = found.get("autonomous_system_organization") or found.get("as_name") or ""
        country = found.get("country_code") or ""
        return Hosting(
            ip,
            now,
            int(digits) if digits.isdigit() else 0,
            str(ipaddress.ip_network(f"{ip}/{length}", strict=False)),
            str(name)[:200],
            str(country)[:60],
            "mmdb",
            json.dumps(found, ensure_ascii=False, default=str)[:500],
        )


@dataclass(frozen=True, slots=True)
class AsnTable:
    """Address ranges in ascending order, as iptoasn's TSV has them."""

    starts: tuple[int, ...]
    rows: tuple[tuple[int, int, str, str], ...]

    @classmethod
    def load(cls, path: Path) -> "AsnTable":
        """Lines of start, end, asn, country, name. Raises ValueError naming the line."""
        starts: list[int] = []
        rows: list[tuple[int, int, str, str]] = []
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.reader(lines, delimiter="\t"), 1):
                try:
                    start, end, asn, country, name = row[:5]
                    starts.append(int(ipaddress.ip_address(start)))
                    rows.append((int(ipaddress.ip_address(end)), int(asn), country, name))
                except ValueError as error:
                    raise ValueError(
                        f"{path}:{number}: not start, end, asn, country, name: {error}"
                    ) from error
        return cls(tuple(starts), tuple(rows))

    def look_up(self, ip: str, now: datetime) -> Hosting:
        value = int(ipaddress.ip_address(ip))
        index = bisect.bisect_right(self.starts, value) - 1
        if index < 0 or value > self.rows[index][0] or not self.rows[index][1]:
            return Hosting(ip, now, source="table", failure="not announced")
        _, asn, country, name = self.rows[index]
        return Hosting(ip, now, asn, "", name, country, "table")


async def by_dns(ip: str, resolver: Resolver, now: datetime) -> Hosting:
    """What Team Cymru's zones say of `ip`."""
    parsed = ipaddress.ip_address(ip)
    if parsed.version == 4:
        name = ".".join(reversed(ip.split("."))) + ".origin.asn.cymru.com"
    else:
        name = ".".join(reversed(parsed.exploded.replace(":", ""))) + ".origin6.asn.cymru.com"
    answer = await resolver.query(name, "TXT")
    if not answer.values:
        reason = "not announced" if answer.failure == "nxdomain" else answer.failure
        return Hosting(ip, now, source="cymru", failure=reason or "no answer")
    raw = answer.values[0].strip('"')
    fields = [field.strip() for field in raw.split("|")]
    try:
        asn, prefix, country = int(fields[0].split()[0]), fields[1], fields[2]
    except (ValueError, IndexError):
        return Hosting(ip, now, source="cymru", raw=raw[:500], failure="not understood")
    named = await resolver.query(f"AS{asn}.asn.cymru.com", "TXT")
    as_name = named.values[0].strip('"').split("|")[-1].strip() if named.values else ""
    return Hosting(ip, now, asn, prefix, as_name[:200], country, "cymru", raw[:500])


def registry(found: Hosting) -> str:
    """The regional registry of an address as Team Cymru names it, "" when it was not asked."""
    fields = [field.strip() for field in found.raw.split("|")]
    return fields[3] if found.source == "cymru" and len(fields) > 3 else ""
