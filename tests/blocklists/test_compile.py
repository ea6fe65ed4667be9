from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.bulk import Lines
from blocklists.collapse import is_covered
from blocklists.compile import Barred, Compilation, compile_lists
from blocklists.config import PublishConfig
from blocklists.manifest import ReleaseError
from blocklists.registry import NAMES, Format, Header, formats
from blocklists.release import save
from crawler.names import is_public_suffix


def compiled(*lists: str, allow: str = "", **options: object) -> Compilation:
    sources = {f"list {number}": [text.encode()] for number, text in enumerate(lists)}
    return compile_lists(sources, allow={"allow": [allow.encode()]}, **options)  # type: ignore[arg-type]


def test_lists_of_any_form_become_one() -> None:
    found = compiled("0.0.0.0 win.com\n", "||www.win.com^\n||bet.com^\n", "*.lot.com CNAME .\n")
    assert tuple(found.covers) == ("win.com", "bet.com", "lot.com")
    assert found.dropped == {"covered by a name above it": 1}


def test_what_a_list_means_alone_stays_alone() -> None:
    found = compiled("||win.com^\nshop.com\n", "a.win.com\n")
    assert (tuple(found.covers), tuple(found.exact)) == (("win.com",), ("shop.com",))


@pytest.mark.parametrize("suffix", ["com.vn", "github.io", "netlify.app", "xn--55qx5d.cn", "x.ck"])
def test_a_public_suffix_never_gets_in(suffix: str) -> None:
    found = compiled(f"||{suffix}^\n||win.{suffix}^\n")
    assert tuple(found.covers) == (f"win.{suffix}",)
    assert found.dropped == {"a public suffix": 1}


def test_an_exception_of_one_list_holds_for_all() -> None:
    found = compiled("||win.com^\n||bet.com^\n", "@@||win.com^\n")
    assert tuple(found.covers) == ("bet.com",)


def test_a_name_above_an_allowed_one_shrinks_to_itself() -> None:
    found = compiled("||shop.com^\n||a.shop.com^\n", allow="pay.shop.com\n")
    assert (tuple(found.covers), tuple(found.exact)) == (("a.shop.com",), ("shop.com",))


def test_what_is_protected_stays_out() -> None:
    barred = {"protected": Barred(lambda names: {name for name in names if "bank" in name})}
    found = compiled("bank.com\nwin.com\n", barred=barred)
    assert tuple(found.covers) == ("win.com",)
    assert found.dropped == {"protected": 1}


names = st.sampled_from(
    ["a.com", "b.a.com", "c.b.a.com", "d.com", "x.github.io", "github.io", "co.uk", "e.co.uk"]
)
line = st.one_of(names, names.map("||{}^".format), names.map("@@||{}^".format), st.just("junk"))
lists = st.lists(st.lists(line, max_size=8).map("\n".join), max_size=4)


@given(lists)
def test_the_report_accounts_for_every_name(texts: list[str]) -> None:
    found = compiled(*texts)
    lost = ("named before", "covered by a name above it", "a public suffix", "allowed")
    assert found.read == len(found) + sum(found.dropped.get(reason, 0) for reason in lost)


@given(lists, names)
def test_compiling_blocks_what_the_lists_do_but_for_what_must_stay_out(
    texts: list[str], asked: str
) -> None:
    found = compiled(*texts)
    covers: set[str] = set()
    alone: set[str] = set()
    allowed: set[str] = set()
    for text in texts:
        lines = [line for line in text.split("\n") if line not in ("", "junk")]
        allowed |= {line[4:-1] for line in lines if line.startswith("@@")}
        marked = {line[2:-1] for line in lines if line.startswith("||")}
        bare = {line for line in lines if line[0] not in "|@"}
        covers |= marked or bare
        alone |= bare if marked else set()
    covers = {n for n in covers if not is_public_suffix(n) and not is_covered(n, allowed)}
    alone = {n for n in alone if not is_public_suffix(n) and not is_covered(n, allowed)}
    above = {n for n in covers if any(is_covered(a, {n}) for a in allowed)}
    expected = is_covered(asked, covers - above) or asked in alone | above
    assert (is_covered(asked, set(found.covers)) or asked in set(found.exact)) == expected


def test_a_compiled_list_is_saved_in_any_format(tmp_path: Path, now: datetime) -> None:
    found = compiled("||win.com^\nbad.github.io\n")
    infos = save(found, tmp_path, wanted=list(formats()), config=PublishConfig(), now=now)
    assert {path.name for path in tmp_path.iterdir()} == infos.keys()
    named = [form for form in formats().values() if form.holds & NAMES]
    assert {form.file for form in named} == infos.keys()
    for form in named:
        text = (tmp_path / form.file).read_text()
        read = dict(form.parse(text.removesuffix("\n").split("\n")))
        assert (
            {"win.com", "bad.github.io"}
            <= read.keys()
            <= {
                "win.com",
                "www.win.com",
                "bad.github.io",
            }
        )
        assert infos[form.file].bytes == (tmp_path / form.file).stat().st_size


@pytest.mark.parametrize("form", formats().values(), ids=lambda form: str(form.name))
@settings(max_examples=20)
@given(covers=st.sets(names, max_size=6), exact=st.sets(names, max_size=6))
def test_rendering_by_the_block_and_by_the_entry_is_the_same(
    form: Format, covers: set[str], exact: set[str]
) -> None:
    found = Compilation(Lines.of(sorted(covers)), Lines.of(sorted(exact - covers)), 0, 0, {}, {})
    header = Header("list", "CC0-1.0", "", "", 7, datetime(2026, 1, 1, tzinfo=UTC), len(found))
    whole = "\n".join(form.render(found.entries(), header))
    assert "\n".join(found.render(form, header)) == whole


def test_a_name_that_a_format_cannot_hold_is_counted(tmp_path: Path, now: datetime) -> None:
    found = compiled("win.com\n" + "mail." * 38 + "dst.com\n")
    infos = save(found, tmp_path, wanted=["rpz", "hosts"], config=PublishConfig(), now=now)
    assert (infos["rpz.zone"].entries, infos["rpz.zone"].omitted) == (1, 1)
    assert (infos["hosts.txt"].entries, infos["hosts.txt"].omitted) == (2, 0)


def test_an_unknown_format_or_folder_is_named(tmp_path: Path, now: datetime) -> None:
    found = compiled("win.com\n")
    with pytest.raises(ReleaseError, match="no list format 'bind'"):
        save(found, tmp_path, wanted=["bind"], config=PublishConfig(), now=now)
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="name another folder"):
        save(found, tmp_path / "file", wanted=["rpz"], config=PublishConfig(), now=now)
