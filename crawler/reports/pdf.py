"""PDF: the text of its pages and where its links lead. Scripts and attachments are not opened."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from crawler.reports.registry import Content, Passage, ReportError, Source, reader
from crawler.reports.text import prose

MAX_PAGES = 500
MAX_TEXT = 4_000_000
MAX_LINKS = 10_000
_MISSING = "a PDF needs pypdf; pip install pypdf"


def _sniff(source: Source) -> float:
    # Some writers put bytes before the header (PDF 1.7, appendix H, note 13).
    return 1.0 if b"%PDF-" in source.data[:1024] else 0.0


@reader("pdf", sniff=_sniff)
def read(source: Source) -> Content:
    """Lines of text in reading order, then the link annotations of each page."""
    try:
        pypdf = import_module("pypdf")
    except ModuleNotFoundError as error:
        raise ReportError(f"{source.name}: {_MISSING}") from error
    texts: list[str] = []
    links: list[Passage] = []
    problems: list[str] = []
    size, title = 0, ""
    # pypdf meets hostile files with many kinds of error, not only its own.
    broken = (pypdf.errors.PyPdfError, ValueError, LookupError, TypeError, AttributeError, OSError,
              RecursionError, ArithmeticError, AssertionError, NotImplementedError,
              MemoryError)  # fmt: skip
    with _quiet():
        try:
            document = pypdf.PdfReader(io.BytesIO(source.data), strict=False)
            if document.is_encrypted and not document.decrypt(""):
                raise ReportError(f"{source.name}: needs a password; save it without one")
            title = str((document.metadata.title if document.metadata else "") or "")
            count = len(document.pages)
        except broken as error:
            raise ReportError(
                f"{source.name}: a broken PDF ({type(error).__name__}); print it to a new one"
            ) from error
        for number in range(min(count, MAX_PAGES)):
            try:
                page = document.pages[number]
                text = page.extract_text()[: MAX_TEXT - size]
                links += _links(page, MAX_LINKS - len(links))
            except broken as error:
                problems.append(f"page {number + 1}: cannot be read ({type(error).__name__})")
                continue
            texts.append(text)
            size += len(text)
            if size >= MAX_TEXT:
                count = number + 1
                problems.append(f"page {number + 1}: too much text up to here; split it")
                break
    if count > MAX_PAGES:
        problems.append(f"page {MAX_PAGES + 1}: too many pages; the rest was left out, split it")
    body = "\n".join(texts)
    if count and not body.strip():
        problems.append("its pages are pictures without text; hand in their text")
    return Content(
        title=title.strip() or next((line for line in body.splitlines() if line.strip()), ""),
        body=body,
        passages=(*prose(body), *links),
        problems=tuple(problems),
    )


def _links(page: Any, limit: int) -> Iterator[Passage]:
    for item in list(page.get("/Annots") or ())[: max(0, limit)]:
        annotation = item.get_object()
        action = annotation.get("/A") if annotation.get("/Subtype") == "/Link" else None
        target = action.get_object().get("/URI") if action is not None else None
        if isinstance(target, str):
            yield Passage("", url=target)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps pypdf's remarks on broken files out of the log; problems say it in one line."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
