"""Identifiers of every family, and what is none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import html
from crawler.model import Page
from crawler.operations import identifiers
from crawler.operations.checksums import is_base58check, is_evm, is_segwit, keccak_256
from crawler.operations.identifiers import common
from crawler.operations.link import kinds

NOW = datetime(2026, 11, 24, tzinfo=UTC)
URL = "http://www.site.com/"
# From the examples of EIP-55 and BIP 173 / BIP 350.
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"


def on_page(source: str) -> set[tuple[str, str]]:
    body = source.encode()
    page = Page(URL, URL, 200, (), body, html.parse(body, url=URL), NOW)
    return {(item.kind, item.value) for item in identifiers(page)}


EXAMPLES = [
    line.split("\t")
    for line in Path(__file__).with_name("identifiers.tsv").read_text("utf-8").splitlines()[1:]
]


@pytest.mark.parametrize(("kind", "value", "source"), EXAMPLES)
def test_each_family_is_found(kind: str, value: str, source: str) -> None:
    assert (kind, value) in on_page(source)


def test_an_address_hidden_by_cloudflare_is_read() -> None:
    hidden = bytes([0x2A, *(0x2A ^ byte for byte in b"help@lucky88.com")]).hex()
    assert on_page(f'<span data-cfemail="{hidden}">x</span>') == {("email", "help@lucky88.com")}


@pytest.mark.parametrize(
    "source",
    [
        "<p>" + EVM.replace("aA", "Aa", 1),
        f"<p>{SEGWIT[:-1]}5",
        "<p>0x" + "0" * 40,
        "<p>USDT is TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "<img src='logo@2x.png'><p>logo@2x.png",
        "<p>name@example.com",
        "<p>https://abc@o1.ingest.sentry.io/1",
        "<a href='/download/app.apk'>x</a>",
        "<script src='https://cdn.elsewhere.com/vue.3f9d21c4.js'></script>",
        '<script>var u="https://api.site.com/v1"</script>',
        '<script>var u="https://api.facebook.com/v1"</script>',
        "<title>COVID19 in 2026, page2</title>",
        "<meta http-equiv=refresh content='0;url=https://site.com/x'>",
        "<meta http-equiv=refresh content='0;url=https://www.facebook.com/x'>",
        "<a href='/register?ref=home'>x</a><a href='/register?ref=123'>x</a>",
        "<a href='https://t.me/proxy?server=x'>x</a>",
        "<script>gtag('config','G-XXXXXXXXXX')</script>",
    ],
)
def test_what_looks_like_one_is_none(source: str) -> None:
    assert on_page(source) == set()


def test_a_page_that_lists_many_lists_those_of_others() -> None:
    links = "".join(f"<a href='https://t.me/scammer_{n}'>x</a>" for n in range(30))
    assert on_page(links + "<a href='https://zalo.me/0912345678'>x</a>") == {("zalo", "0912345678")}


def test_a_template_is_known_by_its_elements_not_by_their_number() -> None:
    def page(repeat: int, texts: str) -> str:
        rows = "".join(f"<p class=c{n}>{texts}</p>" * repeat for n in range(25))
        return f"<main>{rows}</main>"

    (one,) = on_page(page(1, "a"))
    assert one[0] == "template"
    assert on_page(page(9, "other")) == {one}
    assert on_page(page(1, "a").replace("class=c7", "class=d7")) != {one}


def test_every_kind_has_its_weight_and_every_common_value_its_checksum() -> None:
    assert {item.kind for item in common()} <= set(kinds())
    for item in common():
        if item.kind == "wallet_tron":
            assert is_base58check(item.value, 0x41)
    assert all(0 < kind.tie <= 1 and kind.usual > 1 for kind in kinds().values())


def test_keccak_is_that_of_ethereum() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak_256(b"").hex() == empty
    abc = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert keccak_256(b"abc").hex() == abc
    assert keccak_256(bytes(136)) != keccak_256(bytes(137))


@given(st.sampled_from([SEGWIT, TAPROOT]), st.integers(4, 41), st.sampled_from("qpzry9x8gf2tvdw0"))
def test_segwit_finds_every_single_mistake(address: str, place: int, char: str) -> None:
    wrong = address[:place] + char + address[place + 1 :]
    assert is_segwit(wrong) == (wrong == address)


@given(st.text(max_size=95))
def test_any_text_is_checked(text: str) -> None:
    is_segwit("bc1" + text)
    assert not is_segwit(text) or text.lower().startswith("bc1")


@given(st.binary(min_size=20, max_size=20))
def test_one_case_of_an_evm_address_is_accepted_and_of_mixed_ones_a_fitting(raw: bytes) -> None:
    digits = raw.hex()
    assert is_evm("0x" + digits)
    assert is_evm("0x" + digits.upper())
    check = keccak_256(digits.encode()).hex()
    fitting = "".join(
        char.upper() if int(nibble, 16) >= 8 else char
        for char, nibble in zip(digits, check, strict=False)
    )
    assert is_evm("0x" + fitting)


@given(st.binary(max_size=400))
def test_any_bytes_are_searched(body: bytes) -> None:
    page = Page(URL, URL, 200, (), body, html.parse(body, url=URL), NOW)
    assert all(item.kind in kinds() for item in identifiers(page))


@pytest.mark.parametrize(
    "piece",
    ["<a class=", "+1 ", "QQ:", "a.b", "android.", '"https://api.', "bc1q", "data-cfemail='0",
     "wpa.qq.com/msgrd?", "invite=", "99bet", "<a href='tel:+1 (", "<a href='/v.v.v.v.v.apk"],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    on_page(f"<title>x</title><p>{piece * (200_000 // len(piece))}")
