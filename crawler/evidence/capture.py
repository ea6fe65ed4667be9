"""An answer of a web server → WARC records (ISO 28500:2017, WARC 1.1), each its own gzip member.

The body is stored as it was analysed, decoded; header fields that spoke of its coding on the wire
are kept under `X-Archive-Orig-`, as other archiving crawlers do.
"""

import hashlib
import io
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

from crawler.model import Category, Evidence, Page, Verdict

# What of a page's own evidence makes an undecided page matter for the verdict on its host.
TELLING = 2.0
# Pages that show why an entry left the lists.
ENDINGS = frozenset({"parked", "seized"})
# Level 3 costs 0.4 ms for a page of 25 KB, level 9 1.1 ms for 8 % less space.
_LEVEL = 3
_WIRE_ONLY = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_TRUNCATED = {"size-limit": "length", "time-limit": "time", "broken-off": "disconnect"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the connection knew of an answer beside the page.

    `request` and `response` are header fields in their order; `flags` those of the download
    handler; `certificate` is the server's in DER form and `tls` names protocol and cipher suite.
    What a browser showed has a `screenshot` (JPEG) and the `calls` of the page's scripts.
    """

    target: str
    request: tuple[tuple[str, str], ...]
    version: str
    reason: str
    response: tuple[tuple[bytes, bytes], ...]
    flags: tuple[str, ...] = ()
    certificate: bytes = b""
    tls: str = ""
    screenshot: bytes = b""
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """The records of one answer: what the chain says of them, and their bytes."""

    entry: Mapping[str, Any]
    records: bytes
    screenshot: bytes = b""


def wanted(page: Page, verdict: Verdict, *, accused: bool, leads_away: bool) -> bool:
    """Whether a page stands behind a verdict; innocent pages are not kept.

    `accused`: a report accuses its host, or a list holds it. `leads_away`: it sends visitors to
    another host by itself.
    """
    if page.failure:
        return False
    if verdict.category.is_scam:
        return True
    if page.status // 100 == 3 or verdict.category is Category.UNKNOWN:
        return accused or leads_away or scam_weight(verdict.evidence) >= TELLING
    return accused and verdict.kind in ENDINGS


def scam_weight(evidence: Iterable[Evidence]) -> float:
    """The log-odds of all evidence for a scam."""
    return sum(item.weight for item in evidence if item.category.is_scam)


def capture(page: Page, exchange: Exchange, *, via: str, verdict: Verdict) -> Capture:
    """The records of `page`: response, request, metadata, and the certificate when there is one."""
    writer = _Writer(page.fetched_at)
    name = f"{page.fetched_at.isoformat()} {page.profile} {page.url}"
    certificate = hashlib.sha256(exchange.certificate).hexdigest() if exchange.certificate else ""
    truncated = {}
    if exchange.flags:
        first = exchange.flags[0].partition(":")[0]
        truncated["WARC-Truncated"] = _TRUNCATED.get(first, "unspecified")
    address = {"WARC-IP-Address": page.ip} if page.ip else {}
    answer = _identity(name, "response")
    beside = {"WARC-Concurrent-To": answer, **address}
    writer.add(
        page.url,
        "response",
        page.body,
        {"WARC-Record-ID": answer, **address, **truncated},
        head=_response_head(page, exchange),
    )
    writer.add(
        page.url,
        "request",
        b"",
        {"WARC-Record-ID": _identity(name, "request"), **beside},
        head=_request_head(exchange),
    )
    fields = {
        "via": via,
        "profile": page.profile,
        "verdict": f"{verdict.category.value} {verdict.kind}".strip(),
        "probability": f"{verdict.probability:.4f}",
        "model": verdict.model,
        "redirect": " ".join(page.redirects),
        "tls": exchange.tls,
        "certificate-sha256": certificate,
        "flags": " ".join(exchange.flags),
    }
    lines = "".join(f"{key}: {_line(value)}\r\n" for key, value in fields.items() if value)
    lines += "".join(f"call: {_line(call)}\r\n" for call in exchange.calls)
    described = {"Content-Type": "application/warc-fields", **beside}
    writer.add(
        page.url,
        "metadata",
        lines.encode("utf-8", "replace"),
        {"WARC-Record-ID": _identity(name, "metadata"), **described},
    )
    if exchange.certificate:
        writer.add(
            page.url,
            "metadata",
            exchange.certificate,
            {
                "WARC-Record-ID": _identity(name, "certificate"),
                **described,
                "Content-Type": "application/pkix-cert",
            },
        )
    shown = hashlib.sha256(exchange.screenshot).hexdigest() if exchange.screenshot else ""
    if exchange.screenshot:
        writer.add(
            f"urn:X-scamtrail:screenshot:{page.url}",
            "resource",
            exchange.screenshot,
            {
                "WARC-Record-ID": _identity(name, "screenshot"),
                **beside,
                "Content-Type": "image/jpeg",
            },
        )
    records = writer.out.getvalue()
    entry = {
        "kind": "capture",
        "url": page.url,
        "profile": page.profile,
        "time": writer.date,
        "ip": page.ip,
        "status": page.status,
        "payload_sha256": hashlib.sha256(page.body).hexdigest(),
        "certificate_sha256": certificate,
        "sha256": hashlib.sha256(records).hexdigest(),
        "length": len(records),
        **({"screenshot_sha256": shown} if shown else {}),
    }
    return Capture(entry, records, exchange.screenshot)


def warcinfo(name: str, software: str, moment: datetime) -> bytes:
    """The record that opens the WARC file `name`."""
    writer = _Writer(moment)
    text = (
        f"software: {software}\r\nformat: WARC File Format 1.1\r\n"
        "description: pages behind verdicts on scam sites\r\n"
    )
    identity = _identity(f"{writer.date} {name}", "warcinfo")
    writer.add("", "warcinfo", text.encode(), {"WARC-Record-ID": identity, "WARC-Filename": name})
    return writer.out.getvalue()


class _Writer(WARCWriter):  # type: ignore[misc]
    """warcio's writer with SHA-256 digests, given times and one gzip member a record."""

    def __init__(self, moment: datetime) -> None:
        self.out = io.BytesIO()
        super().__init__(self.out, gzip=False, warc_version="1.1")
        self.date = moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def _create_digester() -> Digester:
        return Digester("sha256")

    def add(
        self, url: str, kind: str, payload: bytes, fields: dict[str, str], head: bytes = b""
    ) -> None:
        record = self.create_warc_record(
            url,
            kind,
            payload=io.BytesIO(payload),
            length=len(payload),
            warc_headers_dict={"WARC-Date": self.date, **fields},
            http_headers=_Head(head) if head else None,
        )
        plain, self.out = self.out, io.BytesIO()
        self.write_record(record)
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        plain.write(packer.compress(self.out.getvalue()) + packer.flush())
        self.out = plain


class _Head(StatusAndHeaders):  # type: ignore[misc]
    """The start of an HTTP message in the very bytes given."""

    def __init__(self, head: bytes) -> None:
        super().__init__("given", [])
        self.headers_buff = head

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        """Nothing: the bytes are there."""


def _identity(name: str, kind: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {name}')}>"


def _line(text: str) -> str:
    return " ".join(text.split())


def _request_head(exchange: Exchange) -> bytes:
    lines = [f"GET {exchange.target} HTTP/1.1"]
    lines += [f"{name}: {_line(value)}" for name, value in exchange.request]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def _response_head(page: Page, exchange: Exchange) -> bytes:
    reason = _line(exchange.reason).encode("utf-8", "surrogateescape")
    # Readers of WARC files know no other version, and a server may claim any.
    version = exchange.version if exchange.version in ("1.0", "1.1") else "1.1"
    lines = [f"HTTP/{version} {page.status} ".encode() + reason]
    for name, value in exchange.response:
        prefix = b"X-Archive-Orig-" if name.lower() in _WIRE_ONLY else b""
        lines.append(prefix + name + b": " + b" ".join(value.split()))
    lines.append(b"Content-Length: %d" % len(page.body))
    return b"\r\n".join([*lines, b"", b""])
