"""HTML to Document: places, links, encodings, hostile markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import html


def test_a_page_is_read_by_place() -> None:
    document = html.parse(
        b"<html lang=en-GB><head><title>The  title</title><meta name=Description content='of it'>"
        b"</head><body><h1>Head</h1><p>You read this</p><script>secret()</script>"
        b"<style>.x{}</style><img alt='a picture' src=x.png><button>Press</button>"
        b"<a href='/next#part'>go  on</a></body>",
        url="https://site.test/dir/page",
    )
    assert document.places["title"] == "The title"
    assert document.places["meta"] == "of it"
    assert document.places["heading"] == "Head"
    assert document.places["alt"] == "a picture"
    assert document.places["button"] == "Press"
    assert document.places["anchor"] == "go on"
    assert "secret()" in document.places["script"]
    assert document.text == "Head You read this Press go on"
    assert [(link.url, link.text) for link in document.links] == [
        ("https://site.test/next", "go on")
    ]


def test_what_a_browser_follows_by_itself_is_told_from_anchors() -> None:
    document = html.parse(
        b'<meta http-equiv="Refresh" content="3; URL=/a"><iframe src="//b.test/"></iframe>'
        b"<script>setTimeout(()=>{window.location.href = 'https://c.test/x'})</script>",
        url="http://site.test/",
    )
    assert {link.kind: link.url for link in document.links} == {
        "refresh": "http://site.test/a",
        "script": "https://c.test/x",
        "frame": "http://b.test/",
    }


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Site.Test:80/a/../b?q=1#f", "http://site.test/b?q=1"),
        ("https://site.test", "https://site.test/"),
        ("https://user:word@site.test/", "https://site.test/"),
        ("//other.test/x", "https://other.test/x"),
        ("page?x=a b", "https://site.test/dir/page?x=a%20b"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("data:text/html,x", None),
        ("http://[bad/", None),
        ("http://site.test:99999/", None),
        ("http://" + "a" * 3000 + ".test/", None),
    ],
)
def test_urls_have_one_form_and_only_the_web_passes(url: str, canonical: str | None) -> None:
    assert html.canonical_url(url, "https://site.test/dir/") == canonical


_TEXTS = {
    "gb18030": "欢迎来到平台，注册即送八十八元，投资理财收益稳定，请联系在线客服下载安全登录" * 4,
    "big5": "歡迎來到平台，註冊即送八十八元，投資理財收益穩定，請聯繫線上客服下載安全登錄" * 4,
    "cp874": "เว็บตรง สล็อต ไม่ผ่านเอเย่นต์ ฝากถอนไม่มีขั้นต่ำ สมัครวันนี้รับโบนัส" * 4,
}


@pytest.mark.parametrize("encoding", _TEXTS)
@pytest.mark.parametrize(
    "declared", ["", "text/html; charset=utf-8", "text/html; charset=nonsense"]
)
def test_a_wrong_charset_does_not_hide_the_text(encoding: str, declared: str) -> None:
    text = _TEXTS[encoding]
    assert html.parse(text.encode(encoding), content_type=declared).text == " ".join(text.split())


@pytest.mark.parametrize("declared", ["", "<meta charset=%s>"], ids=["undeclared", "declared"])
@pytest.mark.parametrize("filling", [0, 6_000, 60_000])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [*_TEXTS.items(), ("windows-1251", "Новости сегодня: онлайн казино, бонус за регистрацию")],
)
def test_text_after_long_code_is_read_too(
    encoding: str, text: str, filling: int, declared: str
) -> None:
    page = f"<style>{'a{b:c} ' * (filling // 7)}</style>{declared % encoding if declared else ''}"
    assert html.parse((page + text).encode(encoding)).text == " ".join(text.split())


def test_a_declared_charset_is_believed_where_it_fits() -> None:
    body = "Новости сегодня: погода".encode("windows-1251")
    assert html.parse(body, content_type="text/html; charset=windows-1251").text.startswith(
        "Новости"
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Đăng ký ngay để nhận thưởng, nạp rút nhanh chóng", "vi"),
        ("ฝากถอนไม่มีขั้นต่ำ สมัครเลย", "th"),
        ("注册送彩金，存款提款快速到账", "zh"),
        ("situs terpercaya dengan bonus untuk anda yang baru", "id"),
        ("ការភ្នាល់តាមអនឡាញ", "km"),
        ("the bonus and your deposit for you", "en"),
        ("xyz", ""),
    ],
)
def test_the_language_is_told_from_the_text(text: str, language: str) -> None:
    assert html.guess_language(text) == language


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff" * 500_000,
        b"<div>" * 100_000 + b"deep",
        b"<a href=x>" * 100_000 + b"many",
        b"<table><tr><td>" * 30_000,
        b"<" * 1_000_000,
        b"<script>" + b"location=" * 100_000,
        b"<img alt='" + b"x" * 3_000_000,
        b"&#" * 500_000,
    ],
    ids=["empty", "binary", "deep", "links", "tables", "brackets", "script", "attribute", "entity"],
)
def test_hostile_markup_gives_a_bounded_document(body: bytes) -> None:
    document = html.parse(body, url="http://site.test/")
    assert len(document.text) <= html.MAX_TEXT
    assert len(document.links) <= html.MAX_LINKS


@given(st.binary(max_size=2000), st.text(max_size=40))
def test_any_bytes_give_a_document(body: bytes, content_type: str) -> None:
    document = html.parse(body, url="http://site.test/", content_type=content_type)
    assert all(link.url.startswith(("http://", "https://")) for link in document.links)


@given(st.text(max_size=200))
def test_canonical_form_is_stable(text: str) -> None:
    canonical = html.canonical_url(text, "http://site.test/")
    if canonical is not None:
        assert html.canonical_url(canonical) == canonical
