"""HTML: what it says, its tables, and where its links lead. Scripts are text, never run."""

import re

from selectolax.lexbor import LexborHTMLParser

from crawler import html
from crawler.model import Document
from crawler.reports.registry import Content, Passage, Source, reader

_TAG = re.compile(r"<(?:!doctype\s+html|html|head|body|table|div|p|a)\b", re.I)
_OPENING = re.compile(r"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)
# Links within the site name nobody else.
_OWN = ("/", "#", "?", ".", "javascript:")
_BLOCKS = "p, li, h1, h2, h3, h4, blockquote, pre, dd, dt, figcaption"
MAX_PASSAGES = 20_000


def _sniff(source: Source) -> float:
    if _OPENING.match(source.text):
        # Whatever its scripts look like: rows of numbers there have passed for a table.
        return 0.95
    found = len(_TAG.findall(source.text[:16_384]))
    return min(0.9, 0.5 + 0.1 * found) if found else 0.0


@reader("html", sniff=_sniff)
def read(source: Source) -> Content:
    """Paragraphs, table rows and links, each link with the paragraph it stands in."""
    return content(source.text, html.parse(source.data, url=""))


def content(text: str, document: Document) -> Content:
    """What the HTML in `text` says, which was parsed to `document`."""
    tree = LexborHTMLParser(text[: html.MAX_BYTES])
    tree.strip_tags(["script", "style", "template", "noscript", "svg"])
    canonical = tree.css_first('link[rel="canonical"], meta[property="og:url"]')
    own_url = ""
    if canonical is not None:
        own_url = canonical.attributes.get("href") or canonical.attributes.get("content") or ""
    for chrome in tree.css("nav, footer, header nav, aside"):
        chrome.decompose()
    passages: list[Passage] = []
    for row in tree.css("tr"):
        cells = [html.clean(cell.text(separator=" ")) for cell in row.css("td")]
        passages += (Passage(cell, listed=True) for cell in cells if cell)
        passages += (
            Passage(html.clean(link.text())[:300], listed=True, url=link.attributes["href"] or "")
            for link in row.css("a[href]")
        )
    for table in tree.css("table"):
        table.decompose()
    seen: set[str] = set()
    for block in tree.css(_BLOCKS):
        said = html.clean(block.text(separator=" "))
        if said and said not in seen:
            seen.add(said)
            passages.append(Passage(said[:5_000]))
        for link in block.css("a[href]"):
            if (link.attributes["href"] or "").startswith(_OWN):
                continue
            label = html.clean(link.text(separator=" "))
            before = said.partition(label)[0] if label else said
            passages.append(Passage(f"{before[-200:]} {label}", url=link.attributes["href"] or ""))
        if len(passages) > MAX_PASSAGES:
            break
    if not seen and document.text:
        passages.append(Passage(document.text))
    return Content(
        title=document.places.get("title", ""),
        body=document.text,
        passages=tuple(passages[:MAX_PASSAGES]),
        language=document.language,
        own_url=own_url,
    )
