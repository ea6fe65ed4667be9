"""Names as bytes say the same as names as strings."""

from hypothesis import example, given
from hypothesis import strategies as st

from blocklists.bulk import Lines, first_of_each, hashes_of, is_in, table
from blocklists.collapse import is_covered
from blocklists.reading import Bulk, Names, read_names

labels = st.sampled_from(["a", "b", "a-b", "ab", "1", "xn--a", "_x", "w" * 60])
names = st.lists(labels, min_size=2, max_size=4).map(".".join)
lists = st.lists(names, max_size=40)


def text(listed: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in listed).encode()


@given(lists, st.sets(names), st.sets(names))
def test_what_concerns_a_name_is_what_is_or_stands_above_it(
    listed: list[str], exactly: set[str], below: set[str]
) -> None:
    found = table(text(listed)).concerned(exactly, below | {"b"})
    expected = [name in exactly or is_covered(name, below | {"b"}) for name in listed]
    assert found.tolist() == expected


@given(lists, st.sets(names))
def test_what_covers_a_name_stands_above_it(listed: list[str], known: set[str]) -> None:
    found = table(text(listed)).covered(hashes_of(known))
    expected = [is_covered(name.partition(".")[2], known) for name in listed]
    assert found.tolist() == expected


@given(lists)
def test_the_first_of_each_name_stays_in_its_place(listed: list[str]) -> None:
    read = table(text(listed))
    known, first = first_of_each(read.hashes)
    kept = read.lines(first)
    assert kept.decode().split() == list(dict.fromkeys(listed))
    assert len(known) == len(set(listed))
    assert is_in(read.hashes, known).all()
    assert list(Lines(kept, len(known))) == list(dict.fromkeys(listed))


def test_names_are_the_same_wherever_a_chunk_ends() -> None:
    listed = [f"{'x' * (number % 50)}.n{number}.com" for number in range(40_000)]
    found = table(text(listed))
    few = range(0, len(listed), 997)
    for number in few:
        assert table(text([listed[number]])).hashes[0] == found.hashes[number]
    parents = {listed[number].partition(".")[2] for number in few}
    assert found.concerned((), parents).sum() == len(parents)
    kept = found.hashes % 3 == 0
    expected = [name for name, keep in zip(listed, kept, strict=True) if keep]
    assert found.lines(kept).decode().split() == expected
    assert list(Lines.of(listed)) == listed


words = st.sampled_from(
    ["win.com\n", "0.0.0.0 win.com\n", "||a.win.com^\n", "*.win.com\n", ".bet.com\n", "# x\n",
     "-bad.com\n", "bad-.com\n", "||win.com\n", "||x.com^$third-party\n", "local=/lot.com/\n",
     "127.0.0.1 localhost\n", "xn--bcher-kva.de\n", "a" * 64 + ".com\n", "a." * 130 + "com\n",
     "Win.com\n", "||win.com^^\n", "0.0.0.0 0.0.0.0\n", "1.2.3.4\n", "w.local\n", "||\n", "*.\n"]
)  # fmt: skip


@example([("*.win.com\n", 1), ("win.com\n", 7)], False)
@given(st.lists(st.tuples(words, st.integers(1, 90)), max_size=8), st.booleans())
def test_a_list_is_read_the_same_in_bulk(parts: list[tuple[str, int]], plain_covers: bool) -> None:
    content = "".join(line * count for line, count in parts).encode()
    usual = read_names([content], plain_covers=plain_covers)
    bulk = Bulk()
    found = read_names([content], plain_covers=plain_covers, bulk=bulk)
    assert both(found.covers, bulk.covers) == usual.covers
    assert both(found.alone, bulk.alone) == usual.alone
    assert (found.lines, found.entries, found.dropped) == (
        usual.lines,
        usual.entries,
        usual.dropped,
    )


def both(few: set[str], many: bytearray) -> set[str]:
    return few | set(many.decode().split())


def test_most_of_a_plain_list_is_read_in_bulk() -> None:
    for before, after in (("", ""), ("0.0.0.0 ", ""), ("||", "^"), ("*.", ""), ("local=/", "/")):
        bulk = Bulk()
        lines = "".join(f"{before}win{number}.com{after}\n" for number in range(9999))
        found: Names = read_names([b"# title\n", lines.encode()], bulk=bulk)
        assert bulk.covers.count(b"\n") > 9900 and found.entries == 9999
