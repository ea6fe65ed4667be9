"""Lists that others publish: hosts, names, Adblock, dnsmasq, Unbound, RPZ, Squid and the like."""

from blocklists import reading
from crawler.names import has_known_suffix
from crawler.reports.refang import extract, refang
from crawler.reports.registry import Content, Passage, Source, reader

MAX_ENTRIES = 1_000_000
MAX_LINE = 5_000
_SAMPLE = 400
_SHARE = 0.8
_BLOCKED = (reading.COVERS, reading.ALONE)
# What no list syntax explains may still be an address that somebody wrote.
_UNEXPLAINED = (*_BLOCKED, reading.NO_NAME, reading.PATH, reading.ADDRESS)


def _sniff(source: Source) -> float:
    entries = filled = marked = 0
    for line in source.text[:40_000].split("\n")[:_SAMPLE]:
        text = line.strip()
        if not text or text[0] in "#;!":
            continue
        found = list(reading.read_line(text))
        filled += bool(found)
        if "://" in text or not found:
            continue
        if all(role in (*_BLOCKED, reading.ALLOWS) and has_known_suffix(n) for role, n in found):
            entries += 1
            marked += found[0][1] != text.lower()
    if not entries or entries < _SHARE * filled:
        return 0.0
    # Plain names, one a line, are a list too, but a table or a text of one word may be meant.
    return 0.85 if marked >= _SHARE * entries else 0.35


@reader("blocklist", sniff=_sniff)
def read(source: Source) -> Content:
    """Each blocked name is an entry of a list; exceptions and unblocked names are none."""
    passages: list[Passage] = []
    problems: list[str] = []
    odd = first = 0
    for number, line in enumerate(source.text.split("\n"), 1):
        for role, name in reading.read_line(line):
            if role in _BLOCKED and has_known_suffix(name):
                passages.append(Passage("", number, listed=True, url=f"http://{name}/"))
            elif role in _UNEXPLAINED:
                text = line.strip()[:MAX_LINE]
                if any(extract(refang(text), cell=True)):
                    passages.append(Passage(text, number, listed=True))
                    break
                if role == reading.NO_NAME:
                    odd, first = odd + 1, first or number
        if len(passages) >= MAX_ENTRIES:
            problems.append(f"line {number}: over {MAX_ENTRIES:,} entries up to here; split it")
            break
    if odd:
        problems.append(f"line {first}: no host name; {odd:,} such lines left out, mend them")
    return Content(
        title=source.name.rpartition("/")[2],
        body=source.text[:200_000],
        passages=tuple(passages),
        problems=tuple(problems),
    )
