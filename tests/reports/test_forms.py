"""Reports in every form give the hosts in them; broken and hostile ones give one line."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import reports
from crawler.model import Role

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ACCUSED = {"lucky-hall88.com", "gold-tide77.net"}
PROSE = "The scam sites lucky-hall88[.]com and hxxps://gold-tide77[.]net/reg took deposits.\n"


def read(data: bytes, column: str | None = None) -> list[reports.Reading]:
    return reports.read(data, name="r", now=NOW, column=column)


def accused(data: bytes, column: str | None = None) -> set[str]:
    return {
        mention.host
        for reading in read(data, column)
        for mention in reading.mentions
        if mention.role is Role.ACCUSED
    }


def kinds(data: bytes) -> list[str]:
    return [reading.report.kind for reading in read(data)]


def problems(data: bytes) -> list[str]:
    return [problem for reading in read(data) for problem in reading.problems]


def packed(files: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def xlsx(rows: str, strings: tuple[str, ...] = (), links: str = "") -> bytes:
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    shared = "".join(f"<si><t>{text}</t></si>" for text in strings)
    files: dict[str, str | bytes] = {
        "xl/workbook.xml": f"<workbook {space}/>",
        "xl/sharedStrings.xml": f"<sst {space}>{shared}</sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>",
    }
    if links:
        files["xl/worksheets/_rels/sheet1.xml.rels"] = f"<Relationships>{links}</Relationships>"
    return packed(files)


def docx(body: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return packed(
        {"word/document.xml": f"<w:document {space}><w:body>{body}</w:body></w:document>"}
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(text: str, link: str = "") -> bytes:
    """A PDF of one page; its cross-reference table is right to the byte."""
    stream = f"BT /F1 12 Tf 40 700 Td ({text}) Tj ET".encode("latin-1")
    annots = f"/Annots [<</Type /Annot /Subtype /Link /A <</S /URI /URI ({link})>>>>]"
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 900 800] /Contents 4 0 R "
        b"/Resources <</Font <</F1 5 0 R>>>> " + (annots.encode() if link else b"") + b">>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size 6 /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table
    return bytes(out)


def mail(attachment: bytes = b"", html: str = "") -> bytes:
    message = EmailMessage()
    message["From"] = "Victim <victim@home-of-victim.com>"
    message["To"] = "desk@police-desk.org"
    message["Subject"] = "They took my deposit"
    message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0700"
    message.set_content(PROSE)
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        message.add_attachment(
            attachment, maintype="application", subtype="octet-stream", filename="list.bin"
        )
    return message.as_bytes()


STIX = json.dumps(
    {
        "type": "bundle",
        "id": "bundle--8f3c1c3e-0000-4000-8000-000000000001",
        "objects": [
            {
                "type": "indicator",
                "name": "Fake exchange",
                "pattern": "[domain-name:value = 'lucky-hall88.com' OR "
                "url:value = 'https://gold-tide77.net/reg']",
                "external_references": [{"url": "https://vendor-blog.com/post"}],
            },
            {"type": "indicator", "revoked": True, "pattern": "[url:value='http://old-one.com/']"},
            {"type": "identity", "name": "CERT", "contact_information": "https://our-cert.org"},
        ],
    }
).encode()

MISP = json.dumps(
    {
        "Event": {
            "info": "Gambling ring",
            "date": "2026-11-20",
            "Attribute": [
                {"type": "domain", "value": "lucky-hall88.com", "to_ids": True},
                {"type": "link", "value": "https://vendor-blog.com/post"},
                {"type": "ip-dst", "value": "103.21.44.5"},
                {"type": "hostname", "value": "gone-one.com", "deleted": True},
            ],
            "Object": [{"Attribute": [{"type": "url", "value": "hxxps://gold-tide77[.]net/reg"}]}],
        }
    }
).encode()

LISTS = {
    "hosts": "# a list\n0.0.0.0 lucky-hall88.com\n127.0.0.1\tgold-tide77.net # seen\n",
    "adblock": "[Adblock Plus]\n! t\n||lucky-hall88.com^\n||gold-tide77.net^$all\n@@||good.com^\n",
    "dnsmasq": "local=/lucky-hall88.com/\naddress=/gold-tide77.net/0.0.0.0\n",
    "unbound": 'server:\nlocal-zone: "lucky-hall88.com" always_nxdomain\n'
    'local-zone: "gold-tide77.net." static\n',
    "rpz": "$TTL 300\n@ SOA localhost. root.localhost. 1 2 3 4 5\n@ NS localhost.\n"
    "lucky-hall88.com CNAME .\n*.lucky-hall88.com CNAME .\ngold-tide77.net IN CNAME .\n"
    "good.com CNAME rpz-passthru.\n",
    "squid": ".lucky-hall88.com\n.gold-tide77.net\n",
    "domains": "# comment\nlucky-hall88.com\ngold-tide77.net\n",
}


@pytest.mark.parametrize("form", LISTS)
def test_the_lists_of_others_are_read(form: str) -> None:
    data = LISTS[form].encode()
    assert accused(data) == ACCUSED
    assert kinds(data) == ["blocklist"]
    assert all(mention.priority == 0.9 for mention in read(data)[0].mentions)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (STIX, "stix"),
        (MISP, "misp"),
        (b'{"rows": [{"site": "lucky-hall88[.]com"}, {"url": "gold-tide77.net/x"}]}', "json"),
        (json.dumps(["lucky-hall88.com", "gold-tide77.net"]).encode(), "json"),
        (b'{"domain": "lucky-hall88.com"}\n{"domain": "gold-tide77.net"}\n', "jsonl"),
        (mail(), "mail"),
        (pdf("Scams: lucky-hall88.com and gold-tide77[.]net"), "pdf"),
        (pdf("The scam lucky-hall88.com", "https://gold-tide77.net/reg"), "pdf"),
        (docx(paragraph("The scams lucky-hall88[.]com and gold-tide77[.]net")), "docx"),
        (
            xlsx(
                '<row r="1"><c r="A1" t="s"><v>0</v></c>'
                '<c r="B1" t="inlineStr"><is><t>site</t></is></c></row>'
                '<row r="2"><c r="B2" t="s"><v>1</v></c></row>'
                '<row r="3"><c r="B3" t="str"><f>HYPERLINK("http://never.com","x")</f>'
                "<v>gold-tide77.net</v></c></row>",
                ("no", "www.lucky-hall88.com"),
            ),
            "xlsx",
        ),
    ],
    ids=["stix", "misp", "json", "json list", "jsonl", "mail", "pdf", "pdf link", "docx", "xlsx"],
)  # fmt: skip
def test_a_form_is_known_by_its_content(data: bytes, kind: str) -> None:
    if kind == "pdf":
        pytest.importorskip("pypdf")
    assert {host.removeprefix("www.") for host in accused(data)} == ACCUSED
    assert kinds(data) == [kind]
    assert not problems(data)


def test_a_message_and_its_attachments_are_reports_of_their_own() -> None:
    table = b"site;seen\nthird-one9.com;2026\nfourth-one9.com;2026\n"
    first, second = read(mail(table))
    assert first.report.kind == "mail" and second.report.kind == "csv"
    assert first.report.published == datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert {mention.host for mention in second.mentions} == {"third-one9.com", "fourth-one9.com"}


def test_the_addresses_of_who_writes_are_not_reported() -> None:
    hosts = {mention.host for reading in read(mail()) for mention in reading.mentions}
    assert hosts == ACCUSED


def test_each_message_of_a_mailbox_is_a_report() -> None:
    box = b"".join(b"From a@b.com Mon Nov 23 10:00:00 2026\n" + mail() + b"\n" for _ in range(3))
    assert kinds(box) == ["mail"] * 3
    assert accused(box) == ACCUSED


def picture(text: str = "", form: str = "PNG") -> bytes:
    zxing = pytest.importorskip("zxingcpp", reason="the extra qr is not installed")
    image = pytest.importorskip("PIL.Image", reason="the extra qr is not installed")
    canvas = image.new("L", (900, 700), 255)
    if text:
        code = zxing.create_barcode(text, zxing.BarcodeFormat.QRCode).to_image(scale=6)
        canvas.paste(image.fromarray(code).rotate(7, fillcolor=255, expand=True), (300, 200))
    target = io.BytesIO()
    canvas.save(target, form)
    return target.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_the_code_in_a_picture_is_read(form: str) -> None:
    data = picture("https://lucky-hall88.com/register?invite=8821", form)
    assert kinds(data) == ["picture"]
    assert accused(data) == {"lucky-hall88.com"}


def test_a_picture_without_a_code_says_so_alone_and_nothing_beside_a_report() -> None:
    assert any("names no web address" in line for line in problems(picture()))
    beside = packed({"logo.png": picture(), "chat.png": picture("gold-tide77.net"), "a.txt": PROSE})
    assert problems(beside) == []
    assert accused(beside) == ACCUSED


def test_archives_are_read_in_place() -> None:
    inner = packed({"a/list.txt": "lucky-hall88.com\n", "b.txt.gz": gzip.compress(PROSE.encode())})
    assert accused(packed({"inner.zip": inner})) == ACCUSED
    assert accused(gzip.compress(PROSE.encode())) == ACCUSED
    sources = {reading.report.source for reading in read(inner)}
    assert sources == {"r/a/list.txt", "r/b.txt.gz/b.txt"}


def test_the_same_file_has_the_same_id_inside_an_archive() -> None:
    alone = read(PROSE.encode())[0].report.id
    assert read(packed({"x.txt": PROSE}))[0].report.id == alone


def test_a_broken_file_in_an_archive_does_not_stop_the_others() -> None:
    data = packed({"bad.json": '{"a": \n[1,', "good.txt": PROSE})
    assert accused(data) == ACCUSED
    assert any(line.startswith("r/bad.json:2: no JSON from here on") for line in problems(data))


def test_a_bomb_is_refused_and_the_rest_is_read() -> None:
    data = packed({"bomb.txt": b"\x00" * 60_000_000, "good.txt": PROSE})
    assert accused(data) == ACCUSED
    assert any("'bomb.txt' unpacks to more than" in line for line in problems(data))
    with pytest.raises(reports.ReportError, match=r"^r: unpacks to more than .* bytes; split it$"):
        read(gzip.compress(b"a" * 60_000_000))


@pytest.mark.parametrize("beside", [{}, {".<a <p <div": b""}])
def test_archives_in_archives_end(beside: dict[str, str | bytes]) -> None:
    data = PROSE.encode()
    for _ in range(10):
        data = packed({"x.zip": data, **beside})
    with pytest.raises(reports.ReportError, match="times over; unpack it first"):
        read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7\nnothing of a PDF", "r: a"),
        (b"PK\x03\x04 not a zip file", "r: a broken zip file"),
        (b"\x1f\x8b\x08 not gzip at all", "r: broken gzip"),
        (b'{"a": 1,\n "b": }', "r:2: no JSON from here on"),
        (b"[" * 200_000, "r: JSON that is nested or sized beyond reading"),
        (docx(paragraph("never closed"))[:-40], "r: a broken zip file"),
        (packed({"word/document.xml": "<w:document"}), "r: its part word/document.xml cannot be"),
        (
            packed({"word/document.xml": '<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>'}),
            "r: its part word/document.xml cannot be read",
        ),
        (b",,\n,,\n,,\n", "r:1: a table of empty cells"),
        (b"\x89PNG\r\n\x1a\nnothing of a picture", "r: a"),
    ],
)  # fmt: skip
def test_what_is_broken_is_one_line_with_file_and_fix(data: bytes, message: str) -> None:
    with pytest.raises(reports.ReportError) as raised:
        read(data)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value) and ";" in str(raised.value)


def test_a_spreadsheet_of_pictures_says_so() -> None:
    assert any("holds no text in cells" in line for line in problems(xlsx("")))


def test_the_key_of_a_document_can_be_named() -> None:
    rows = [{"mirror": "lucky-hall88.com", "seen_on": "gold-tide77.net"}]
    assert accused(json.dumps(rows).encode(), column="mirror") == {"lucky-hall88.com"}


def test_a_comment_beside_an_entry_is_its_context() -> None:
    event = {"Event": {"info": "x", "Attribute": [
        {"type": "domain", "value": "lucky-hall88.com", "comment": "withdrawals are refused"}
    ]}}  # fmt: skip
    (reading,) = read(json.dumps(event).encode())
    assert "withdrawals are refused" in reading.mentions[0].context


def _cut(data: bytes, place: int, noise: bytes) -> bytes:
    place %= len(data)
    return data[:place] + noise + data[place + len(noise) :]


@pytest.mark.parametrize(
    "make",
    [lambda: pdf("scam lucky-hall88.com"), lambda: docx(paragraph("scam")), mail,
     lambda: xlsx('<row><c t="s"><v>0</v></c></row>', ("lucky-hall88.com",)), lambda: STIX,
     lambda: MISP, lambda: gzip.compress(PROSE.encode())],
    ids=["pdf", "docx", "mail", "xlsx", "stix", "misp", "gzip"],
)  # fmt: skip
@given(place=st.integers(0, 10_000), noise=st.binary(max_size=40))
def test_damage_anywhere_is_read_or_refused(
    make: Callable[[], bytes], place: int, noise: bytes
) -> None:
    try:
        readings = read(_cut(make(), place, noise))  # without pypdf a PDF is refused
    except reports.ReportError as error:
        assert "\n" not in str(error)
        return
    assert all(reading.report.id for reading in readings)


def test_prose_with_commas_is_no_table() -> None:
    text = b"Hello, we lost money\nat lucky-hall88.com, yes\nand so, we wrote\nto you, today\n"
    assert accused(text) == {"lucky-hall88.com"}


def test_a_column_named_website_counts_though_it_is_mostly_empty() -> None:
    text = b"name,website,remark\nA,N/A,x\nB,lucky-hall88.com,y\nC,N/A,z\nD,none,1\n"
    assert accused(text) == {"lucky-hall88.com"}
    assert read(text)[0].mentions[0].priority == 0.9


def test_markdown_with_a_table_is_text() -> None:
    text = b"# Seen\n| site | since |\n|---|---|\n| lucky-hall88.com | May |\n"
    assert kinds(text) == ["text"]
    assert accused(text) == {"lucky-hall88.com"}


def test_the_genuine_firm_is_not_accused_by_being_named_twice() -> None:
    text = (
        b"Beware of the clone bright-invest88.com. The genuine firm is Bright, www.bright-old.com. "
        b"Customers of bright-old.com were called."
    )
    roles = {mention.host: mention.role for mention in read(text)[0].mentions}
    assert roles == {
        "bright-invest88.com": Role.ACCUSED,
        "www.bright-old.com": Role.VICTIM,
        "bright-old.com": Role.VICTIM,
    }


@pytest.mark.parametrize(
    ("article", "scams"),
    [
        (
            "A woman met a man on Facebook who made her invest at lucky-hall88.com, an app that is "
            "not on play.google.com. She paid from www.maybank2u.com.my; support on WhatsApp "
            "(wa.me/60123456789) asked for a tax. The public can check at semakmule.rmp.gov.my. "
            "The commission listed gold-tide77.net at www.sc.com.my/investor-alert-list.",
            ACCUSED,
        ),
        (
            "李先生登录www.lucky-hall88.com注册，充值38万元后无法提现。正规的证券公司官网为"
            "www.gtja.com。举报请登录12337.gov.cn。hxxps://gold-tide77[.]net 为赌博网站。",
            {"www.lucky-hall88.com", "gold-tide77.net"},
        ),
        (
            "Công an cảnh báo trang lừa đảo lucky-hall88[.]com giả mạo Vietcombank "
            "(vietcombank.com.vn), mời qua zalo.me/g/abc123. Người dân tố cáo tại "
            "canhbao.khonggianmang.vn. Trang gold-tide77.net tổ chức cá độ trái phép.",
            ACCUSED,
        ),
        (
            "ตำรวจเตือนเว็บพนัน lucky-hall88.com และ gold-tide77.net ชวนผ่าน LINE "
            "(line.me/ti/p/~abc) แจ้งความได้ที่ thaipoliceonline.go.th",
            ACCUSED,
        ),
        (
            "OJK memblokir investasi bodong lucky-hall88.com dan gold-tide77.net lewat "
            "t.me/contoh. Laporkan ke kontak157.ojk.go.id.",
            ACCUSED,
        ),
    ],
    ids=["en", "zh", "vi", "th", "id"],
)
def test_an_article_yields_only_the_scams(article: str, scams: set[str]) -> None:
    assert accused(article.encode()) == scams


def test_a_list_may_hold_addresses_with_paths_and_broken_ones() -> None:
    names = "".join(f"one-more{number}.com\n" for number in range(20))
    found = accused(f"{names}https://lucky-hall88.com/a\ngold-tide77[.]net\n".encode())
    assert found > ACCUSED and len(found) == 22


def test_a_line_of_a_list_that_is_no_host_is_a_problem() -> None:
    (line,) = problems(b"0.0.0.0 lucky-hall88.com\n0.0.0.0 gold-tide77.net\n" * 4 + b"0.0.0.0 a_\n")
    assert line == "r: line 9: no host name; 1 such lines left out, mend them"


def test_a_list_of_urls_keeps_their_paths() -> None:
    text = b"https://lucky-hall88.com/a\nhttps://gold-tide77.net/b\n"
    assert {m.url for m in read(text)[0].mentions} == set(text.decode().split())
