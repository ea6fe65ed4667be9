"""Reports in their forms become mentions with roles; reading never raises but ReportError."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import reports
from crawler.model import Role

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def roles(text: str, **options: str) -> dict[str, Role]:
    (reading,) = reports.read(text.encode(), name="report", now=NOW, **options)
    return {mention.host: mention.role for mention in reading.mentions}


def test_prose_names_the_accused_and_others() -> None:
    found = roles(
        "Victims were told to deposit at hxxps://lucky88[.]vip/reg via https://t.me/lucky88 .\n"
        "It was reported to the police at https://scams.police-desk.test .\n"
        "Unlike the official site of the bank, mybank.test, the fake mybank-help.test asks."
    )
    assert found == {
        "lucky88.vip": Role.ACCUSED,
        "t.me": Role.PLATFORM,
        "scams.police-desk.test": Role.REPORTER,
        "mybank.test": Role.VICTIM,
        "mybank-help.test": Role.ACCUSED,
    }


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("近期发现诈骗网站 evil.test 请勿充值", Role.ACCUSED),
        ("举报网站：evil.test", Role.REPORTER),
        ("冒充 evil.test 的网站", Role.VICTIM),
        ("Trang evil.test lừa đảo người chơi", Role.ACCUSED),
        ("Người dân tố cáo tại evil.test", Role.REPORTER),
        ("เว็บพนัน evil.test ผิดกฎหมาย", Role.ACCUSED),
        ("แจ้งความ evil.test", Role.REPORTER),
        ("Situs judi evil.test ilegal", Role.ACCUSED),
        ("Laporkan ke evil.test", Role.REPORTER),
        ("See https://www.facebook.com/x", Role.PLATFORM),
        ("An address like www.example.com", Role.EXAMPLE),
        ("Read https://www.moe.gov.sg/news", Role.REPORTER),
        ("My account at binance.com", Role.VICTIM),
    ],
)
def test_the_words_around_decide(text: str, role: Role) -> None:
    assert set(roles(text).values()) == {role}


def test_platforms_and_reporters_have_no_priority() -> None:
    (reading,) = reports.read(
        b"Scam evil.test on https://t.me/x, see https://www.bbc.com/news/1", name="r", now=NOW
    )
    priority = {mention.host: mention.priority for mention in reading.mentions}
    assert priority["evil.test"] > 0.8
    assert priority["t.me"] == priority["www.bbc.com"] == 0


def test_a_mention_carries_the_words_around_it() -> None:
    (reading,) = reports.read(
        b"Long story. " * 60 + b"The scam evil.test took it", name="r", now=NOW
    )
    (mention,) = reading.mentions
    assert "The scam http://evil.test/ took it" in mention.context
    assert len(mention.context) <= 300


def test_a_web_page_read_as_a_report_never_accuses_itself() -> None:
    page = (
        "<html><title>News</title><body><nav><a href='http://partner.test/'>partner</a></nav>"
        "<p>The fake site <a href='http://evil.test/x'>evil.test</a> was closed.</p>"
        "<p>More on <a href='/other'>our site</a> and <a href='http://news.test/b'>here</a></p>"
        "<script>location='http://never.test/'</script></body></html>"
    )
    (reading,) = reports.read(page.encode(), name="x", now=NOW, source="http://news.test/a")
    accused = {item.host for item in reading.mentions if item.role is Role.ACCUSED}
    assert accused == {"evil.test"}
    assert reading.report.kind == "web"


def test_tables_are_lists_of_the_accused() -> None:
    html_table = "<p>Warning</p><table><tr><th>Site</th></tr><tr><td>one[.]test</td></tr></table>"
    assert roles(html_table) == {"one.test": Role.ACCUSED}
    text = "name;found at;date\nFoo Ltd;www.foo-fx[.]test;2026-01-01\nBar;1) https://bar.test;x\n"
    assert roles(text) == {"www.foo-fx.test": Role.ACCUSED, "bar.test": Role.ACCUSED}
    assert roles("a.test\nb.test\nc.test\n") == dict.fromkeys(
        ("a.test", "b.test", "c.test"), Role.ACCUSED
    )


def test_a_column_can_be_named() -> None:
    text = "site\tmirror\na.test\tb.test\nc.test\td.test\n"
    assert set(roles(text, column="Mirror")) == {"b.test", "d.test"}
    with pytest.raises(reports.ReportError, match=r"report:1: no column 'url'; there are 'site'"):
        roles(text, column="url")


def test_markdown_links_are_read() -> None:
    text = "# Warning\n\nThese are fraudulent:\n\n- [Lucky](http://evil.test/a)\n- `two[.]test`\n"
    assert roles(text) == {"evil.test": Role.ACCUSED, "two.test": Role.ACCUSED}


def test_a_report_without_addresses_says_so() -> None:
    (reading,) = reports.read(b"Many people were arrested.", name="june.txt", now=NOW)
    assert reading.mentions == ()
    assert reading.problems[0].startswith("june.txt: names no web address")


def test_the_same_content_is_the_same_report() -> None:
    one, two = (
        reports.read(b"scam evil.test", name=name, now=NOW)[0].report.id for name in ("a", "b")
    )
    assert one == two


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "r: is empty; hand in"),
        (b"\x00\x00 \n", "r: is empty; hand in"),
        (bytes(range(256)) * 50, "r: not a form that can be read; save it as"),
        (b"a,b\n1,2\n3,4\n", "r:1: no URL or domain in columns 'a', 'b'; name the column"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_fix(data: bytes, message: str) -> None:
    with pytest.raises(reports.ReportError) as raised:
        reports.read(data, name="r", now=NOW)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_wrong_encodings_are_read() -> None:
    found = roles_of_bytes("警方提醒：evil.test 是诈骗网站".encode("gb18030"))
    assert found == {"evil.test": Role.ACCUSED}


def roles_of_bytes(data: bytes) -> dict[str, Role]:
    (reading,) = reports.read(data, name="report", now=NOW)
    return {mention.host: mention.role for mention in reading.mentions}


@given(st.one_of(st.binary(max_size=2_000), st.text(max_size=1_000).map(str.encode)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        readings = reports.read(data, name="r", now=NOW)
    except reports.ReportError as error:
        assert str(error).startswith("r")
        return
    for reading in readings:
        assert all(0 <= mention.priority <= 1 for mention in reading.mentions)
