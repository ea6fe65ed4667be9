"""XLSX and DOCX (ECMA-376): sheets as tables, documents as text. Formulas and macros are not run.

What a cell shows is what counts: the stored result of a formula, never the formula.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

from crawler.reports.archive import Refused, member, opened
from crawler.reports.registry import Content, Passage, ReportError, Source, reader
from crawler.reports.table import MAX_ROWS, from_rows

MAX_SHEETS = 100
MAX_COLUMNS = 500
MAX_PARAGRAPHS = 100_000
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml\Z")
_COLUMN = re.compile(r"[A-Z]{1,3}")
_HYPERLINK = "/hyperlink"


def _sniff(source: Source, part: bytes) -> float:
    # The central directory with the names stands at the end, the first names at the start.
    return 1.0 if source.data.startswith(b"PK\x03\x04") and part in source.data else 0.0


@reader("xlsx", sniff=lambda source: _sniff(source, b"xl/workbook.xml"))
def read_xlsx(source: Source) -> Content:
    """Every sheet as a table; a sheet without addresses is left out."""
    with opened(source) as archive:
        names = archive.namelist()
        shared = list(_shared(archive, source)) if "xl/sharedStrings.xml" in names else []
        sheets = [name for name in sorted(names, key=_natural) if _SHEET.match(name)][:MAX_SHEETS]
        passages: list[Passage] = []
        bodies: list[str] = []
        refused: list[str] = []
        for number, sheet in enumerate(sheets, 1):
            rows = list(_rows(archive, sheet, shared, source))
            links = [
                Passage("", listed=True, url=target) for target in _links(archive, sheet, source)
            ]
            passages += links
            if not rows:
                continue
            try:
                content = from_rows(rows, source)
            except ReportError as error:
                bodies.append("\n".join("\t".join(cells) for _, cells in rows[:2_000]))
                refused.append(f"sheet {number}: {str(error).partition(': ')[2]}")
                continue
            passages += content.passages
            bodies.append(content.body)
    if refused and not passages:
        raise ReportError(f"{source.name}: {refused[0]}")
    problems = [] if passages else ["holds no text in cells; hand in the text of its pictures"]
    return Content(
        title=source.name.rpartition("/")[2],
        body="\n\n".join(bodies),
        passages=tuple(passages),
        problems=tuple(problems),
    )


@reader("docx", sniff=lambda source: _sniff(source, b"word/document.xml"))
def read_docx(source: Source) -> Content:
    """Paragraphs, the cells of tables as entries of a list, and where links lead."""
    passages: list[Passage] = []
    with opened(source) as archive:
        for text, in_table in _paragraphs(archive, source):
            passages.append(Passage(text, len(passages) + 1, listed=in_table))
            if len(passages) >= MAX_PARAGRAPHS:
                break
        passages += (
            Passage("", url=target) for target in _links(archive, "word/document.xml", source)
        )
    texts = [passage.text for passage in passages if passage.text]
    return Content(
        title=texts[0][:200] if texts else "", body="\n".join(texts), passages=tuple(passages)
    )


def _elements(archive: zipfile.ZipFile, name: str, source: Source) -> Iterator[tuple[str, Element]]:
    """(event, element) of a part, elements without their namespace. Raises ReportError."""
    try:
        data = member(archive, archive.getinfo(name), source.room)
        for event, element in iterparse(io.BytesIO(data), events=("start", "end")):
            element.tag = str(element.tag).rpartition("}")[2]
            yield event, element
    except (Refused, ParseError, DefusedXmlException, KeyError, ValueError, LookupError) as error:
        raise ReportError(
            f"{source.name}: its part {name} cannot be read ({error}); save it again"
        ) from error


def _shared(archive: zipfile.ZipFile, source: Source) -> Iterator[str]:
    """The strings that cells point to. Phonetic readings (rPh) are left out."""
    for event, element in _elements(archive, "xl/sharedStrings.xml", source):
        if event == "end" and element.tag == "si":
            yield _cell_text(element)
            element.clear()


def _cell_text(element: Element) -> str:
    direct = [child for child in element if child.tag == "t"]
    runs = [child for run in element if run.tag == "r" for child in run if child.tag == "t"]
    return "".join(child.text or "" for child in (*direct, *runs))


def _rows(
    archive: zipfile.ZipFile, sheet: str, shared: list[str], source: Source
) -> Iterator[tuple[int, list[str]]]:
    cells: dict[int, str] = {}
    number = count = 0
    for event, element in _elements(archive, sheet, source):
        if event == "start":
            continue
        if element.tag == "c":
            column = _column(element.get("r", ""), len(cells))
            if column < MAX_COLUMNS and (text := _value(element, shared)):
                cells[column] = text
            element.clear()
        elif element.tag == "row":
            number += 1
            if cells:
                count += 1
                width = max(cells) + 1
                given = element.get("r", "")
                line = int(given) if given.isdigit() and len(given) < 9 else number
                yield line, [cells.get(index, "") for index in range(width)]
            cells = {}
            element.clear()
            if count >= MAX_ROWS:
                return


def _value(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return next((_cell_text(child) for child in cell if child.tag == "is"), "").strip()
    text = next((child.text or "" for child in cell if child.tag == "v"), "").strip()
    if kind == "s":
        index = int(text) if text.isdigit() and len(text) < 9 else -1
        return shared[index].strip() if 0 <= index < len(shared) else ""
    return text


def _column(reference: str, default: int) -> int:
    """The column of a cell such as "C7", from 0."""
    match = _COLUMN.match(reference)
    if not match:
        return default
    index = 0
    for char in match.group():
        index = index * 26 + ord(char) - 64
    return index - 1


def _paragraphs(archive: zipfile.ZipFile, source: Source) -> Iterator[tuple[str, bool]]:
    """(text, whether it stands in a table) of each paragraph that has text."""
    depth = 0
    parts: list[str] = []
    for event, element in _elements(archive, "word/document.xml", source):
        if event == "start":
            depth += element.tag == "tbl"
            continue
        if element.tag == "tbl":
            depth -= 1
        elif element.tag == "t":
            parts.append(element.text or "")
        elif element.tag in ("tab", "br", "cr"):
            parts.append(" ")
        elif element.tag == "p":
            if text := " ".join("".join(parts).split()):
                yield text[:20_000], depth > 0
            parts = []
            element.clear()


def _links(archive: zipfile.ZipFile, part: str, source: Source) -> Iterator[str]:
    """The external targets of hyperlinks of a part (ECMA-376 Part 2, relationships)."""
    folder, name = posixpath.split(part)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return
    for event, element in _elements(archive, relations, source):
        if (
            event == "end"
            and element.tag == "Relationship"
            and element.get("Type", "").endswith(_HYPERLINK)
            and element.get("Target", "").lower().startswith(("http://", "https://"))
        ):
            yield element.get("Target", "")


def _natural(name: str) -> tuple[str, int]:
    digits = re.search(r"([0-9]{1,6})\.xml\Z", name)
    return re.sub(r"[0-9]+\.xml\Z", "", name), int(digits.group(1)) if digits else 0
