import gzip
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.reading import Names, open_list, read_line, read_names
from blocklists.registry import NAMES, Format, Header, formats
from crawler.model import Listing

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def read(text: str | bytes, *, plain_covers: bool = True) -> Names:
    content = text.encode() if isinstance(text, str) else text
    return read_names([content], plain_covers=plain_covers)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("||win.com^", "win.com"),
        ("||WIN.com^", "win.com"),
        ("||win.com^$all", "win.com"),
        ("||win.com^$document,popup", "win.com"),
        ("||win.com", "win.com"),
        ("*.win.com", "win.com"),
        ("+.win.com", "win.com"),
        (".win.com", "win.com"),
        ("  - '+.win.com'", "win.com"),
        ("local=/win.com/", "win.com"),
        ("address=/win.com/0.0.0.0", "win.com"),
        ("address=/win.com/#", "win.com"),
        ("server=/win.com/", "win.com"),
        ('local-zone: "win.com" always_nxdomain', "win.com"),
        ('  local-zone: "win.com." redirect', "win.com"),
        ("*.win.com CNAME .", "win.com"),
        ("*.win.com 300 IN CNAME rpz-drop.", "win.com"),
        ("DOMAIN-SUFFIX,win.com,REJECT", "win.com"),
        ('{"domain": "win.com", "scope": "domain"}', "win.com"),
        (
            'alert dns any any -> any any (msg:"x"; dns.query; dotprefix; content:".win.com"; '
            "endswith; sid:1; rev:1;)",
            "win.com",
        ),
        ("||bücher.example^", "xn--bcher-kva.example"),
        ("||xn--bcher-kva.example^", "xn--bcher-kva.example"),
        ("||win.com.^", "win.com"),
    ],
)
def test_a_line_that_covers_what_is_below(line: str, name: str) -> None:
    found = read(line)
    assert (found.covers, found.alone, found.dropped) == ({name}, set(), {})


@pytest.mark.parametrize(
    "line",
    [
        "win.com",
        "Win.Com",
        "win.com # since May",
        "0.0.0.0 win.com",
        "127.0.0.1\twin.com",
        ":: win.com",
        "|win.com^",
        "://win.com^",
        "https://win.com/",
        "|https://win.com|",
        "host-record=win.com,0.0.0.0,::",
        'local-data: "win.com. A 0.0.0.0"',
        'local-data: "win.com 3600 IN AAAA ::"',
        "win.com CNAME .",
        "win.com. 60 IN CNAME *.",
        "DOMAIN,win.com",
        '"win.com",',
        '{"domain": "win.com", "scope": "host"}',
    ],
)
def test_a_line_that_names_a_host_alone(line: str) -> None:
    assert read(line, plain_covers=False).alone == {"win.com"}
    assert read(line).covers == {"win.com"}


def test_a_list_that_marks_what_covers_means_the_other_names_alone() -> None:
    found = read("||win.com^\nbad.github.io\n")
    assert (found.covers, found.alone) == ({"win.com"}, {"bad.github.io"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('alert ip [203.0.113.7] any -> any any (msg:"x"; sid:1;)', "a rule with conditions"),
        ("/^ads?[0-9]+\\./", "a pattern or regular expression"),
        ("||ads*.win.com^", "a pattern or regular expression"),
        ("*.win.*", "a pattern or regular expression"),
        ("||win.com/slots", "a URL with a path"),
        ("https://win.com/slots?x=1", "a URL with a path"),
        ("win.com/slots", "a URL with a path"),
        ("||win.com^$third-party", "a rule with conditions"),
        ("||win.com^$domain=shop.com", "a rule with conditions"),
        ("32.7.113.0.203.rpz-ip CNAME .", "an address"),
        ("ns.win.com.rpz-nsdname CNAME .", "a rule with conditions"),
        ("win.com##.banner", "a cosmetic rule"),
        ("203.0.113.7", "an address"),
        ("203.0.113.0/24", "an address"),
        ("203.0.113.1-203.0.113.9", "an address"),
        ("2001:db8::7", "an address"),
        ("||203.0.113.7^", "an address"),
        ("0x7f.1", "an address"),
        ("203.0.113.7 win.com", "an answer, not a block"),
        ("address=/win.com/203.0.113.7", "an answer, not a block"),
        ("server=/win.com/9.9.9.9", "an answer, not a block"),
        ('local-zone: "win.com" transparent', "an answer, not a block"),
        ("127.0.0.1 localhost", "a local name"),
        ("::1 ip6-localhost", "a local name"),
        ("localhost.localdomain", "a local name"),
        ("com", "no host name"),
        ("win..com", "no host name"),
        ("-win.com", "no host name"),
        ("win.com-", "no host name"),
        ("wi\0n.com", "no host name"),
        ("win,com", "no host name"),
        ("win.com evil.com", "no host name"),
        ("a" * 64 + ".com", "no host name"),
        ("a." * 130 + "com", "no host name"),
        ("\ufffdwin.com", "no host name"),
        ('{"domain": "win"}', "no host name"),
        ("[" * 50 + "win", "no host name"),
    ],
)
def test_what_is_no_name_is_dropped_with_its_reason(line: str, reason: str) -> None:
    found = read(line)
    assert found.covers == found.alone == found.allows == set()
    assert found.dropped == {reason: 1}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "# a comment win.com",
        "! a comment",
        "; a comment",
        "// a comment",
        "[Adblock Plus 2.0]",
        "$TTL 300",
        "@ SOA localhost. root.localhost. 1 2 3 4 5",
        "@ IN NS localhost.",
        "server:",
        "payload:",
    ],
)
def test_comments_and_structure_are_no_entries(line: str) -> None:
    found = read(line)
    assert found.covers == found.alone == set()
    assert not found.dropped


@pytest.mark.parametrize(
    "line", ["@@||win.com^", "@@||win.com^$important", "win.com CNAME rpz-passthru."]
)
def test_an_exception_keeps_its_name_out(line: str) -> None:
    found = read(line)
    assert (found.allows, found.covers) == ({"win.com"}, set())


def test_an_exception_with_conditions_is_none() -> None:
    assert read("@@||win.com^$domain=shop.com").allows == set()


def test_byte_order_marks_and_line_ends_of_every_kind_do_no_harm() -> None:
    assert read(b"\xef\xbb\xbfwin.com\r\nbet.com\rlot.com").covers == {
        "win.com",
        "bet.com",
        "lot.com",
    }


def test_other_encodings_cost_their_own_lines_only() -> None:
    found = read(b"# caf\xe9\nwin.com\nb\xfccher.example\n")
    assert found.covers == {"win.com"}
    assert found.dropped == {"no host name": 1}


def test_an_error_page_is_no_list() -> None:
    found = read("\n<!DOCTYPE html>\n<a href=x>\nwin.com\n")
    assert (found.covers, found.dropped) == (set(), {"an HTML page, not a list": 1})


def test_a_half_downloaded_file_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.gz"
    lines = "".join(f"win{number}.com\n" for number in range(50_000))
    packed = gzip.compress(lines.encode())
    path.write_bytes(packed[: len(packed) // 2])
    found = read_names(open_list(path))
    assert found.dropped["broken compression"] == 1
    assert all(name.startswith("win") for name in found.covers)
    path.write_bytes(packed)
    assert len(read_names(open_list(path)).covers) == 50_000


def test_a_line_of_a_gigabyte_takes_no_memory_and_no_neighbour() -> None:
    def content() -> Iterable[bytes]:
        yield b"win.com\n"
        for _ in range(1000):
            yield b"a" * 1_000_000
        yield b".com\nbet.com\n"

    found = read_names(content())
    assert found.covers == {"win.com", "bet.com"}
    assert found.dropped == {"a line over 64 KiB": 1}


@given(
    st.lists(st.sampled_from([1, 100, 65_535, 65_536, 65_537, 200_000]), max_size=6),
    st.integers(1000, 100_000),
)
def test_where_the_pieces_end_does_not_matter(sizes: list[int], step: int) -> None:
    lines = [b"#" * size if size > 1 else b"win.com" for size in sizes]
    whole = b"first.com\n" + b"\n".join(lines) + b"\nlast.com"
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    found = read_names(pieces)
    assert {"first.com", "last.com"} <= found.covers
    assert found.covers <= {"first.com", "last.com", "win.com"}
    assert found.dropped["a line over 64 KiB"] == sum(size > 65_535 for size in sizes)


word = st.text("ab-_.019x*^|/#$@ :=,'\"[(\t\u0131", max_size=8)
pieces = st.sampled_from(
    ["||", "^", ".com", "win", "*.", "0.0.0.0 ", "local=/", "/", ".", "-", "xn--", "@@", "$all",
     "\n", "\r\n", ".local", "0x7f", "1.2", ":: ", "+.", "CNAME ", "https://", "a" * 64]
)  # fmt: skip


@given(st.lists(st.one_of(word, pieces), max_size=40).map("".join))
def test_any_text_is_read_the_same_by_the_block_as_by_the_line(text: str) -> None:
    whole = read(text, plain_covers=False)
    single = Names()
    for line in text.replace("\r", "\n").split("\n"):
        single.add(line)
    assert (whole.covers, whole.alone, whole.allows) == (
        single.covers,
        single.alone,
        single.allows,
    )
    assert (whole.entries, whole.dropped) == (single.entries, single.dropped)
    for name in whole.covers | whole.alone:
        assert name == name.lower()
        assert name.replace(".", "").replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_no_line_is_an_error(line: str) -> None:
    for _ in read_line(line):
        pass


@pytest.mark.parametrize(
    "text", ["{", "{}}", '{"rules": 7}', '{"rules": [7]}', '{"rules": [{"domain": 7}]}', "{" * 9999]
)
def test_a_json_document_of_another_kind_is_no_list(text: str) -> None:
    found = read(text)
    assert (found.covers, found.alone) == (set(), set())
    assert found.dropped == {"a JSON document of no known kind": 1}


@pytest.mark.parametrize(
    "form",
    [form for form in formats().values() if form.holds & NAMES],
    ids=lambda form: str(form.name),
)
def test_our_own_lists_are_read(form: Format, listing: Callable[..., Listing]) -> None:
    header = Header("list", "CC0-1.0", "https://a.example", "a@a.example", 7, NOW, 2)
    listed = [listing("win.com"), listing("bad.github.io", exact=True)]
    found = read("\n".join(form.render(listed, header)))
    assert not found.dropped
    assert found.covers | found.alone <= {"win.com", "www.win.com", "bad.github.io"}
    assert "bad.github.io" in found.covers | found.alone
    assert "win.com" in found.covers
    if form.name not in (
        "domains",
        "hosts",
        "hosts6",
        "suricata-dataset",
    ):  # which say the same of both
        assert "bad.github.io" not in found.covers
