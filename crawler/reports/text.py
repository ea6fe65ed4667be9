"""Plain text and Markdown: prose, pasted chats, and lists of one address a line."""

import re

from crawler.reports.registry import Content, Passage, Source, lines, reader

_LINK = re.compile(r"\[([^\]\n]{0,300})\]\(([^)\s]{1,2000})\)")
_LIST_SHARE = 0.8


def _sniff(source: Source) -> float:
    if not source.text:
        return 0.0
    head = source.data[:8192]
    if b"\x00" in head:
        return 0.0
    control = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head)
    return 0.1 if control <= len(head) // 100 else 0.0


@reader("text", sniff=_sniff)
def read(source: Source) -> Content:
    """A passage a paragraph line; a file that is nearly all addresses is a list."""
    text = source.text
    title = next((line.strip("# \t") for line in text.splitlines() if line.strip("# \t")), "")
    return Content(title=title, body=text, passages=tuple(prose(text)))


def prose(text: str) -> list[Passage]:
    """Lines; in prose an item of a bulleted list stands with the line that introduces it."""
    text = _LINK.sub(r"\1 \2", text)
    filled = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    single = sum(len(line.split()) == 1 for line in filled)
    listed = bool(filled) and single >= _LIST_SHARE * len(filled)
    found: list[Passage] = []
    lead = ""
    for passage in lines(text, listed=listed):
        line = passage.text.strip()
        if not listed and re.match(r"(?:[-*•·]|\d{1,3}[.)])\s", line):
            found.append(Passage(f"{lead} {line}" if lead else line, passage.line))
        else:
            lead = line[-120:] if line.endswith((":", "：")) else ""
            found.append(passage)
    return found
