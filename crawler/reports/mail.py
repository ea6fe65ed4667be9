"""E-mail: a message with its parts (RFC 5322, MIME) and mailboxes (RFC 4155)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime

from crawler.html import decode
from crawler.reports import markup
from crawler.reports.registry import Content, Part, Passage, Source, lines, reader

MAX_PARTS = 200
MAX_MESSAGES = 2_000
_HEADER = re.compile(
    r"^(?:from|to|cc|subject|date|received|message-id|mime-version|return-path|delivered-to"
    r"|content-type|reply-to):",
    re.I | re.M,
)
_FIRST = re.compile(r"\A(?:[!-9;-~]{1,80}:[^\n]*\n|[ \t][^\n]*\n){2,}", re.M)
_MAILBOX = re.compile(rb"(?:\A|(?<=\n))From [^\n]{3,200}[0-9]{2}:[0-9]{2}[^\n]{0,60}\r?\n")


def _looks_like_mail(text: str) -> bool:
    head = text[:20_000].replace("\r\n", "\n")
    block = _FIRST.match(head)
    return block is not None and len(set(_HEADER.findall(block.group().lower()))) >= 2


def _sniff(source: Source) -> float:
    return 0.95 if _looks_like_mail(source.text) else 0.0


def _sniff_mailbox(source: Source) -> float:
    head = _MAILBOX.match(source.data[:1000])
    return 0.97 if head and _looks_like_mail(source.text[head.end() :]) else 0.0


@reader("mail", sniff=_sniff)
def read(source: Source) -> Content:
    """The text that a reader of the message sees; attachments are parts of their own.

    Hosts of the sender and of the servers on the way are in headers and are not read.
    """
    message = message_from_bytes(source.data)
    texts: list[str] = []
    passages: list[Passage] = []
    parts: list[Part] = []
    for part in _leaves(message):
        data = _payload(part)
        kind = part.get_content_type()
        name = _header(part.get_filename() or "")
        if not data.strip():
            continue
        attached = bool(name) or part.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and not attached:
            text, _ = decode(data, f"charset={part.get_content_charset() or ''}")
            if kind == "text/html":
                content = markup.read(Source(text.encode(), text, source.name))
                texts.append(content.body)
                passages += content.passages
            else:
                texts.append(text)
                passages += lines(text)
        elif kind.startswith(("text/", "application/", "message/")):
            parts.append(Part(name or kind, data))
    title = _header(str(message.get("Subject", "")))
    return Content(
        title=title,
        body=f"{title}\n\n" + "\n\n".join(texts),
        passages=(Passage(title), *passages) if title else tuple(passages),
        published=_date(message),
        parts=tuple(parts),
    )


@reader("mailbox", sniff=_sniff_mailbox)
def read_mailbox(source: Source) -> Content:
    """Each message is a part."""
    starts = list(_MAILBOX.finditer(source.data))
    ends = [match.start() for match in starts[1:]] + [len(source.data)]
    parts = [
        Part(f"message {number}", source.data[match.end() : end])
        for number, (match, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
    problems: list[str] = []
    if len(parts) > MAX_MESSAGES:
        problems.append(f"more than {MAX_MESSAGES:,} messages; the rest was left out, split it")
    return Content(
        title="", body="", passages=(), problems=tuple(problems), parts=tuple(parts[:MAX_MESSAGES])
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold content; of alternatives only the plainest that there is."""
    waiting, count = [message], 0
    while waiting and count < MAX_PARTS:
        part = waiting.pop(0)
        count += 1
        if part.get_content_type() == "message/rfc822" or not part.is_multipart():
            yield part
        else:
            waiting = [item for item in part.get_payload() if isinstance(item, Message)] + waiting


def _payload(part: Message) -> bytes:
    """The decoded bytes of a leaf; those of a forwarded message are the message."""
    inner = part.get_payload()
    if isinstance(inner, list):
        first = inner[0] if inner else None
        return first.as_bytes() if isinstance(first, Message) else b""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return payload if isinstance(payload, bytes) else b""


def _header(value: str) -> str:
    try:
        text = str(make_header(decode_header(value)))
    except (ValueError, LookupError, UnicodeError):
        text = value
    return " ".join(text.split())[:300]


def _date(message: Message) -> datetime | None:
    try:
        sent = parsedate_to_datetime(str(message.get("Date", "")))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    try:
        return sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
