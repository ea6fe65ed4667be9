"""Host names: normal form, public suffix, registered domain.

Suffixes come from the Public Suffix List as the package publicsuffixlist ships it, private section
included, plus `data/private_suffixes.txt`. Nothing is downloaded.
"""

import ipaddress
import re
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")


# Reserved names that practice and documentation use as hosts.
_RESERVED = frozenset({"test", "example"})


def _rules() -> tuple[str, ...]:
    """Every rule, as the list writes it: `co.uk`, `*.ck`, `!www.ck`, and names with U-labels."""
    ours = (files("crawler") / "data" / "private_suffixes.txt").read_text("utf-8")
    lines = (line.partition("#")[0].strip() for line in ours.splitlines())
    shipped = Path(PSLFILE).read_text("utf-8").splitlines()
    return tuple(
        line.split()[0] for line in (*shipped, *lines) if line and not line.startswith("//")
    )


SUFFIX_RULES = _rules()
_SUFFIXES = PublicSuffixList(SUFFIX_RULES, accept_unknown=False)


@cache
def _registries() -> PublicSuffixList:
    """The suffixes of registries alone, without those of hosters."""
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` spells, or None for a name.

    Beside the usual form this reads what `inet_aton` and browsers read: one to four parts, each
    decimal, octal or hexadecimal (WHATWG URL, "IPv4 parser"), and bracketed IPv6.
    """
    text = host.strip("[]").split("%")[0]
    ending = text.lower().removesuffix(".").rpartition(".")[2]
    if ":" not in text and not _NUMERIC.match(ending):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    parts = text.lower().removesuffix(".").split(".")
    if not parts[0] or len(parts) > 4 or not all(_NUMERIC.match(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *head, last = numbers
    if any(number > 255 for number in head) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(number << (8 * (3 - index)) for index, number in enumerate(head))
    return ipaddress.IPv4Address(value)


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


@lru_cache(maxsize=100_000)
def normalise_host(host: str) -> str:
    """The A-label FQDN in lower case without a final dot, or the canonical address literal.

    IDNA 2008 with UTS 46 mapping. Raises ValueError for what is no host name: a name without a
    dot, an empty or over-long label (RFC 1035 §2.3.4), or characters that no host name has.
    """
    text = host.strip().lower()
    if ip := address(text):
        return str(ip)
    text = text.removesuffix(".")
    if not text.isascii() or "xn--" in text:
        try:
            text = idna.encode(text, uts46=True, transitional=False).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError(f"{host[:80]!r} is no host name: {error}") from error
    labels = text.split(".")
    if len(labels) < 2 or len(text) > 253 or not all(_LABEL.match(label) for label in labels):
        raise ValueError(f"{host[:80]!r} is no host name")
    if labels[-1].isdigit():
        raise ValueError(f"{host[:80]!r} is no host name: its last label is a number")
    return text


@lru_cache(maxsize=200_000)
def public_suffix(host: str) -> str:
    """The public suffix of a normalised host, "" for an address.

    Where no rule matches, the prevailing rule is `*`, the last label (PSL algorithm, rule 2).
    """
    if address(host):
        return ""
    return _SUFFIXES.publicsuffix(host) or host.rpartition(".")[2]


@lru_cache(maxsize=200_000)
def registered_domain(host: str) -> str:
    """The public suffix and one label more; an address stays as it is, a suffix gives ""."""
    suffix = public_suffix(host)
    if not suffix:
        return host
    if len(host) <= len(suffix):
        return ""
    return f"{host[: -len(suffix) - 1].rpartition('.')[2]}.{suffix}"


def has_known_suffix(host: str) -> bool:
    """Whether a rule of the list, or a reserved TLD (RFC 6761), stands behind the suffix."""
    return bool(_SUFFIXES.publicsuffix(host)) or host.rpartition(".")[2] in _RESERVED


def is_public_suffix(host: str) -> bool:
    """Whether strangers register names directly below `host` (ICANN or private section)."""
    return not address(host) and public_suffix(host) == host


def is_under_private_suffix(host: str) -> bool:
    """Whether `host` is a tenant of a private suffix such as github.io."""
    suffix = public_suffix(host)
    return bool(suffix) and suffix != (_registries().publicsuffix(host) or host.rpartition(".")[2])


def defang(text: str) -> str:
    """`text` with its schemes and the dots of names broken, so that no program makes a live link.

    Dots at the end of sentences and in decimal numbers stay."""
    text = re.sub(r"\bhttp(s?)://", r"hxxp\1://", text, flags=re.IGNORECASE)
    return _DOTS.sub(lambda found: found[1] or "[.]", text)


_DOTS = re.compile(r"((?<![\w.-])\d+\.\d+(?![\w-]|\.\w))|(?<=[^\s.])\.(?=[^\s.])")


def printable(text: str) -> str:
    """`text` without control, format and direction characters (Unicode Cc, Cf, Zl, Zp and the
    like), which could rearrange or hide what stands around it."""
    return "".join(char for char in text if char.isprintable())
