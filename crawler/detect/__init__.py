"""Verdicts from named evidence. Pure: no network, no clock."""

from crawler.detect.host import HostFacts, PageSummary, judge_host
from crawler.detect.model import (
    BENIGN,
    SCAM,
    Model,
    ModelError,
    load_model,
    probability,
    read_model,
    untrained,
)
from crawler.detect.page import judge
from crawler.detect.priority import link_kind, link_priority

__all__ = [
    "BENIGN",
    "SCAM",
    "HostFacts",
    "Model",
    "ModelError",
    "PageSummary",
    "judge",
    "judge_host",
    "link_kind",
    "link_priority",
    "load_model",
    "probability",
    "read_model",
    "untrained",
]
