"""The stages of a run over a workspace's store. Each is safe to repeat and returns its counts.

Here the pure parts meet the database and the clock; what is decided, is decided elsewhere.
"""

from crawler.stages.appeal import held_against, next_publish
from crawler.stages.decide import decide
from crawler.stages.discover import propose, sibling_names
from crawler.stages.enrich import enrich_sites
from crawler.stages.ingest import ingest, ingest_url
from crawler.stages.link import link
from crawler.stages.publish import publish
from crawler.stages.sources import feeds, fetch_sources, is_due
from crawler.stages.trail import trail

__all__ = [
    "decide",
    "enrich_sites",
    "feeds",
    "fetch_sources",
    "held_against",
    "ingest",
    "ingest_url",
    "is_due",
    "link",
    "next_publish",
    "propose",
    "publish",
    "sibling_names",
    "trail",
]
