"""findings.db: the schema, the one writer and the queries that the stages and analysts share."""

from crawler.store.schema import SCHEMA_VERSION, StoreError
from crawler.store.writer import (
    Findings,
    PageRecord,
    PartnerRow,
    QueueEntry,
    Store,
    host_of,
    iso,
    parse_iso,
)

__all__ = [
    "SCHEMA_VERSION",
    "Findings",
    "PageRecord",
    "PartnerRow",
    "QueueEntry",
    "Store",
    "StoreError",
    "host_of",
    "iso",
    "parse_iso",
]
