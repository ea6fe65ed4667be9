"""Reports in any form → `Report` and `Mention`s. Reading executes, fetches and follows nothing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from crawler import html
from crawler.html import canonical_url
from crawler.model import Mention, Report
from crawler.names import normalise_host, registered_domain
from crawler.reference import ReferenceTable
from crawler.reference import default as default_reference
from crawler.reports.refang import Indicator, extract, refang
from crawler.reports.registry import Content, Passage, ReportError, Source, readers
from crawler.reports.roles import priority, role_of

__all__ = ["Reading", "ReportError", "read"]

MAX_BYTES = 64_000_000
MAX_BODY = 200_000
MAX_MENTIONS = 200_000
CONTEXT = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """A report, the hosts it names, and one line for each thing in it that could not be read."""

    report: Report
    mentions: tuple[Mention, ...]
    problems: tuple[str, ...] = ()


def read(
    data: bytes,
    *,
    name: str,
    now: datetime,
    column: str | None = None,
    source: str = "",
    reference: ReferenceTable | None = None,
) -> list[Reading]:
    """What `data` reports, by its content and not by its name.

    `source` is the URL it came from, "" for a file. `column` names the column of a table that
    holds the addresses. The same bytes give the same report id. Raises ReportError.
    """
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise ReportError(f"{name}: is empty; hand in a report with text in it")
    if len(data) > MAX_BYTES:
        raise ReportError(f"{name}: larger than {MAX_BYTES:,} bytes; split it")
    text, _ = html.decode(data)
    given = Source(data, text.removeprefix("\ufeff"), name, column)
    best = max(readers(), key=lambda reader: reader.sniff(given))
    if best.sniff(given) <= 0:
        raise ReportError(f"{name}: not a form that can be read; save it as text, HTML or CSV")
    content = best.read(given)
    report = Report(
        id=hashlib.sha256(data).hexdigest(),
        source=source or name,
        kind="web" if source else best.kind,
        title=content.title[:300],
        language=content.language or html.guess_language(content.body[:4000]),
        published=None,
        fetched_at=now,
        body=content.body[:MAX_BODY],
    )
    mentions = tuple(
        _mentions(content, report.id, source, reference or default_reference(), web=bool(source))
    )
    problems = [f"{name}: {problem}" for problem in content.problems]
    if not mentions:
        problems.append(
            f"{name}: names no web address, so nothing follows from it; "
            "hand in a report that does, or the links it is based on"
        )
    return [Reading(report, mentions, tuple(problems))]


def _mentions(
    content: Content, report_id: str, source: str, reference: ReferenceTable, *, web: bool
) -> Iterator[Mention]:
    own_host = _own_host(source or content.own_url)
    best: dict[str, Mention] = {}
    for passage in content.passages:
        for indicator, before, after in _found(passage):
            role, cued = role_of(indicator.host, before, after, reference, own_host)
            mention = Mention(
                report_id=report_id,
                url=indicator.url,
                host=indicator.host,
                registered_domain=registered_domain(indicator.host) or indicator.host,
                role=role,
                context=_context(before, indicator, after),
                priority=priority(role, cued=cued, listed=passage.listed, web=web),
            )
            known = best.get(mention.url)
            if known is None or mention.priority > known.priority:
                best[mention.url] = mention
            if len(best) >= MAX_MENTIONS:
                break
    yield from best.values()


def _found(passage: Passage) -> Iterator[tuple[Indicator, str, str]]:
    if passage.url:
        if (url := canonical_url(passage.url)) is not None:
            host = normalise_host(url.split("/")[2].rpartition("@")[2].split(":")[0])
            yield Indicator(url, host, 0, 0), passage.text, ""
        return
    text = refang(passage.text)
    for indicator in extract(text, cell=passage.listed):
        yield indicator, text[: indicator.start][-CONTEXT:], text[indicator.end :][:CONTEXT]


def _context(before: str, indicator: Indicator, after: str) -> str:
    room = max(0, CONTEXT - len(indicator.url)) // 2
    return html.clean(
        f"{before[len(before) - room :] if room else ''}{indicator.url}{after[:room]}"
    )[:CONTEXT]


def _own_host(url: str) -> str:
    canonical = canonical_url(url) if url else None
    return canonical.split("/")[2].removeprefix("www.") if canonical else ""
