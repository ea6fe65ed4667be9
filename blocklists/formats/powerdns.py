"""A Lua script for PowerDNS Recursor, where a policy zone is not wanted."""

import re
from collections.abc import Iterable, Iterator

from blocklists.registry import Entry, Header, format

_NAME = re.compile(r"\.?[a-z0-9_-][a-z0-9._-]*")

# The names stand in one string: as arguments or table fields they would be constants, of which
# LuaJIT takes 65,536 a function (lj_limits).
_BEGIN = "local names = [["
_END = """]]
local covering = newDS()
local listed = {}
for name in names:gmatch("%S+") do
  if name:sub(1, 1) == "." then covering:add(name:sub(2)) else listed[name .. "."] = true end
end
function preresolve(dq)
  if covering:check(dq.qname) or listed[dq.qname:toString():lower()] then
    dq.rcode = pdns.NXDOMAIN
    return true
  end
  return false
end"""


def parse(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """The lines between the brackets; a leading dot covers."""
    inside = False
    for number, line in enumerate(lines, 1):
        if line in (_BEGIN, "]]"):
            inside = line == _BEGIN
        elif inside:
            if not _NAME.fullmatch(line):
                raise ValueError(f"line {number} is no name: {line[:80]!r}")
            yield line.removeprefix("."), line[0] != "."


@format(
    "powerdns",
    extension="lua",
    media_type="text/x-lua",
    consumers="PowerDNS Recursor without RPZ",
    subscribe="lua-dns-script=/etc/powerdns/{file}  # from {url}",
    reads=parse,
)
def render(entries: Iterable[Entry], header: Header) -> Iterator[str]:
    """`preresolve` answers NXDOMAIN: for `.name` and all below it, for `name` itself only.

    (PowerDNS Recursor, "Scripting the Recursor")
    """
    yield from header.commented("--")
    yield _BEGIN
    for entry in entries:
        yield entry.domain if entry.exact else f".{entry.domain}"
    yield from _END.split("\n")
