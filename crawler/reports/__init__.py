"""Reports in any form → `Report` and `Mention`s. Reading executes, fetches and follows nothing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from crawler import html
from crawler.html import canonical_url
from crawler.model import Mention, Page, Report, Role
from crawler.names import normalise_host, registered_domain
from crawler.reference import ReferenceTable
from crawler.reference import default as default_reference
from crawler.reports import markup
from crawler.reports.refang import Indicator, extract, may_name, refang
from crawler.reports.registry import Content, Part, ReportError, Source, readers
from crawler.reports.roles import priority, role_of

__all__ = ["Reading", "ReportError", "read", "read_page"]

MAX_BYTES = 64_000_000
MAX_TEXT = 16_000_000
MAX_BODY = 200_000
MAX_MENTIONS = 200_000
# An archive may hold archives: this deep, this many files, this many bytes unpacked in all.
MAX_DEPTH = 3
MAX_PARTS = 2_000
MAX_UNPACKED = 200_000_000
MAX_PROBLEMS = 100
CONTEXT = 300
# First bytes of forms that are no text: zip, gzip, PDF, old Office, and the usual pictures.
_BINARY = (b"PK\x03\x04", b"\x1f\x8b", b"%PDF-", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True)
class Reading:
    """A report, the hosts it names, and one line for each thing in it that could not be read."""

    report: Report
    mentions: tuple[Mention, ...]
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Room:
    """What may still be unpacked from one file that was handed in."""

    unpacked: int = MAX_UNPACKED
    parts: int = MAX_PARTS


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
    holds the addresses. The same bytes give the same report id. An archive, a mailbox or a message
    with attachments gives several readings; what cannot be read in it is a problem of the first.
    Raises ReportError when there is nothing to read.
    """
    table = reference or default_reference()
    problems: list[str] = []
    found = list(_read(data, name, now, column, source, table, _Room(), problems, 0))
    if not found:
        raise ReportError(problems[0] if problems else f"{name}: holds no report; hand in the text")
    first = found[0]
    found[0] = Reading(first.report, first.mentions, (*first.problems, *problems[:MAX_PROBLEMS]))
    return found


def read_page(page: Page) -> Reading:
    """What a fetched HTML page reports, from the document that it was parsed to."""
    text, _ = html.decode(page.body[: html.MAX_BYTES], page.header("content-type"))
    said = markup.content(text, page.document)
    name, now = page.url, page.fetched_at
    return _reading(page.body, "html", said, name, now, page.url, default_reference())


def _read(
    data: bytes,
    name: str,
    now: datetime,
    column: str | None,
    source: str,
    reference: ReferenceTable,
    room: _Room,
    problems: list[str],
    depth: int,
) -> Iterator[Reading]:
    """The readings of `data` and of its parts; `problems` gets what no reading can carry."""
    try:
        kind, content = _content(data, name, column, room.unpacked)
    except ReportError as error:
        problems.append(str(error))
        return
    empty = not content.passages and not content.body.strip()
    if empty and content.parts:
        problems += (f"{name}: {problem}" for problem in content.problems)
    elif not empty or content.problems or not depth:
        # A message's logo says nothing, and that is no problem of the message.
        yield _reading(data, kind, content, name, now, source, reference)
    if content.parts and depth >= MAX_DEPTH:
        problems.append(f"{name}: packed {depth + 1} times over; unpack it first")
        return
    room.unpacked -= sum(len(part.data) for part in content.parts)
    for part in content.parts:
        room.parts -= 1
        if room.parts < 0:
            problems.append(f"{name}: more than {MAX_PARTS:,} files; hand them in by fewer")
            return
        inner = f"{name}/{_printable(part)}"
        yield from _read(
            part.data, inner, now, column, source, reference, room, problems, depth + 1
        )


def _content(data: bytes, name: str, column: str | None, room: int) -> tuple[str, Content]:
    """The name of the form that `data` is in, and what its reader makes of it."""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise ReportError(f"{name}: is empty; hand in a report with text in it")
    if len(data) > MAX_BYTES:
        raise ReportError(f"{name}: larger than {MAX_BYTES:,} bytes; split it")
    text = "" if data.startswith(_BINARY) else html.decode(data)[0].removeprefix("\ufeff")
    given = Source(data, text[:MAX_TEXT], name, column, room)
    sure, best = max(
        ((reader.sniff(given), reader) for reader in readers()), key=lambda pair: pair[0]
    )
    if sure <= 0:
        raise ReportError(f"{name}: not a form that can be read; save it as text, HTML or CSV")
    content = best.read(given)
    if len(text) > MAX_TEXT:
        rest = f"longer than {MAX_TEXT:,} characters; the rest was left out, split it"
        content = _with_problem(content, rest)
    return best.kind, content


def _reading(
    data: bytes,
    kind: str,
    content: Content,
    name: str,
    now: datetime,
    source: str,
    reference: ReferenceTable,
) -> Reading:
    report = Report(
        id=hashlib.sha256(data).hexdigest(),
        source=source or name,
        kind="web" if source else kind,
        title=content.title[:300],
        language=content.language or html.guess_language(content.body[:4000]),
        published=content.published,
        fetched_at=now,
        body=content.body[:MAX_BODY],
    )
    mentions = tuple(_mentions(content, report.id, source, reference))
    if len(mentions) == MAX_MENTIONS:
        content = _with_problem(content, f"names over {MAX_MENTIONS:,} addresses; split it")
    if not mentions and not content.parts:
        content = _with_problem(
            content,
            "names no web address, so nothing follows from it; "
            "hand in a report that does, or the links it is based on",
        )
    problems = tuple(f"{name}: {problem}" for problem in content.problems[:MAX_PROBLEMS])
    return Reading(report, mentions, problems)


def _mentions(
    content: Content, report_id: str, source: str, reference: ReferenceTable
) -> Iterator[Mention]:
    own_host = _own_host(source or content.own_url)
    best: dict[str, Mention] = {}
    said: dict[str, set[Role]] = {}
    for indicator, before, after, listed in _indicators(content):
        role, cued = role_of(indicator.host, before, after, reference, own_host)
        mention = Mention(
            report_id=report_id,
            url=indicator.url,
            host=indicator.host,
            registered_domain=registered_domain(indicator.host) or indicator.host,
            role=role,
            context=_context(before, indicator, after),
            priority=priority(role, cued=cued, listed=listed, web=bool(source)),
        )
        if cued or listed:
            said.setdefault(_bare(mention.host), set()).add(role)
        known = best.get(mention.url)
        if known is None or mention.priority > known.priority:
            best[mention.url] = mention
            if len(best) == MAX_MENTIONS:
                break
    for mention in best.values():
        # A host that is named as the real one in one sentence is not accused by being named again.
        roles = said.get(_bare(mention.host), {Role.ACCUSED})
        if mention.role is Role.ACCUSED and Role.ACCUSED not in roles:
            yield replace(mention, role=min(roles), priority=0.0)
        else:
            yield mention


def _indicators(content: Content) -> Iterator[tuple[Indicator, str, str, bool]]:
    for passage in content.passages:
        about = f"{passage.about[-CONTEXT:]} " if passage.about else ""
        if passage.url:
            if (url := canonical_url(passage.url)) is not None:
                host = url.split("/", 3)[2]
                if ":" in host:
                    host = normalise_host(urlsplit(url).hostname or "")
                yield Indicator(url, host, 0, 0), about + passage.text, "", passage.listed
            continue
        if not may_name(passage.text):
            continue
        text = refang(passage.text)
        for indicator in extract(text, cell=passage.listed):
            before = text[max(0, indicator.start - CONTEXT) : indicator.start]
            after = text[indicator.end : indicator.end + CONTEXT]
            yield indicator, about + before, after, passage.listed


def _with_problem(content: Content, problem: str) -> Content:
    return replace(content, problems=(problem, *content.problems))


def _printable(part: Part) -> str:
    """The name of a part as one short line."""
    return "".join(char if char.isprintable() else "?" for char in part.name)[-120:] or "part"


def _context(before: str, indicator: Indicator, after: str) -> str:
    room = max(0, CONTEXT - len(indicator.url)) // 2
    return html.clean(
        f"{before[len(before) - room :] if room else ''}{indicator.url}{after[:room]}"
    )[:CONTEXT]


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _own_host(url: str) -> str:
    canonical = canonical_url(url) if url else None
    return canonical.split("/")[2].removeprefix("www.") if canonical else ""
