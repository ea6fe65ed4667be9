"""A folder with one file of each form gives every expected host and no other."""

import gzip
import io
import json
import mailbox
import zipfile
from email.message import EmailMessage
from pathlib import Path

from support import query, scamtrail

PROSE = (
    "The scam site {host} took deposits. It was reported to the police at "
    "https://police-desk.gov.sg ; the victim's bank is dbs.com.sg, the group "
    "https://t.me/kindhelper .\n"
)


def message(host: str) -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "Please look"
    mail["From"] = "victim@mail.example"
    mail.set_content(PROSE.format(host=host))
    mail.add_attachment(b"site\nhttps://attached-98.com\n", "text", "csv", filename="list.csv")
    return mail.as_bytes()


def zipped(files: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def docx(host: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    text = PROSE.format(host=host)
    body = f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>"
    return zipped({"word/document.xml": f"<w:document {space}>{body}</w:document>"})


def xlsx(host: str) -> bytes:
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rows = "".join(
        f"<row><c t='inlineStr'><is><t>{cell}</t></is></c></row>" for cell in ("site", host)
    )
    return zipped(
        {
            "xl/workbook.xml": f"<workbook {space}/>",
            "xl/worksheets/sheet1.xml": (
                f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
            ),
        }
    )


def pdf(text: str) -> bytes:
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + (
        b"xref\n0 6\n0000000000 65535 f \n" + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(data)
    )  # fmt: skip


def stix(host: str) -> bytes:
    return json.dumps(
        {"type": "bundle", "id": "bundle--1", "objects": [
            {"type": "indicator", "id": "indicator--1", "spec_version": "2.1",
             "pattern_type": "stix", "pattern": f"[domain-name:value = '{host}']"}]}
    ).encode()  # fmt: skip


def misp(host: str) -> bytes:
    return json.dumps(
        {"Event": {"info": "Fake investment", "Attribute": [
            {"type": "domain", "category": "Network activity", "to_ids": True, "value": host}]}}
    ).encode()  # fmt: skip


def test_one_file_of_each_form(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    box = mailbox.mbox(folder / "box.mbox")
    box.add(message("mbox-01.com"))
    box.close()
    files = {
        "a.txt": PROSE.format(host="text-02[.]com").encode(),
        "a.md": f"# Report\n\n{PROSE.format(host='[x](http://markdown-03.com)')}".encode(),
        "a.html": f"<html><body><p>{PROSE.format(host='html-04.com')}</p></body></html>".encode(),
        "a.csv": b"no;site\n1;csv-05[.]com\n2;csv-06.com\n",
        "a.tsv": b"no\tsite\n1\ttsv-07.com\n2\ttsv-08.com\n",
        "a.json": json.dumps([{"url": "https://json-09.com/x"}]).encode(),
        "a.jsonl": b'{"domain": "jsonl-10.com"}\n{"domain": "jsonl-11.com"}\n',
        "stix.json": stix("stix-12.com"),
        "misp.json": misp("misp-13.com"),
        "a.eml": message("mail-14.com"),
        "a.docx": docx("docx-15.com"),
        "a.xlsx": xlsx("xlsx-16.com"),
        "a.pdf": pdf("The scam site pdf-17.com took deposits."),
        "hosts.txt": b"# list\n0.0.0.0 hosts-18.com\n0.0.0.0 hosts-19.com\n",
        "domains.txt": b"domains-20.com\ndomains-21.com\ndomains-22.com\n",
        "abp.txt": b"[Adblock Plus]\n! list\n||abp-23.com^\n||abp-24.com^\n",
        "dnsmasq.conf": b"local=/dnsmasq-25.com/\naddress=/dnsmasq-26.com/\n",
        "unbound.conf": b'server:\nlocal-zone: "unbound-27.com." always_nxdomain\n',
        "rpz.zone": b"$TTL 300\n@ SOA localhost. root. 1 2 3 4 5\n@ NS localhost.\n"
        b"rpz-28.com CNAME .\n*.rpz-28.com CNAME .\n",
        "squid.txt": b".squid-29.com\n.squid-30.com\n",
        "a.zip": zipped({"inner.txt": PROSE.format(host="zip-31.com")}),
        "a.txt.gz": gzip.compress(PROSE.format(host="gzip-32.com").encode()),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    done = scamtrail("ingest", "-w", root, folder)
    assert done.returncode == 0, done.stderr
    for name in (*files, "box.mbox"):
        assert f"{name}: " in done.stdout, f"{name} has no counts"
    accused = {host for (host,) in query(root, "SELECT host FROM mentions WHERE role = 'accused'")}
    numbered = {host.rpartition("-")[2].removesuffix(".com") for host in accused}
    assert numbered == {f"{number:02d}" for number in range(1, 33)} | {"98"}
    queued = {host for (host,) in query(root, "SELECT host FROM frontier")}
    assert queued == accused


def test_a_news_article_yields_only_the_scam(tmp_path: Path) -> None:
    root = tmp_path / "watch"
    assert scamtrail("init", root).returncode == 0
    article = root / "reports" / "article.html"
    article.write_text(
        "<html><head><title>Arrests</title><link rel=canonical href='https://paper.test/a'></head>"
        "<body><nav><a href='https://paper.test/'>Home</a><a href='https://ads.test/'>Ad</a></nav>"
        "<p>Police said that victims deposited on the fake platform gold-tide77[.]com.</p>"
        "<p>They were contacted on <a href='https://t.me/goldtide'>Telegram</a>. Reports go to"
        " <a href='https://www.police.gov.sg/'>the police</a>; the bank is"
        " <a href='https://www.dbs.com.sg/'>DBS</a>.</p></body></html>"
    )
    assert scamtrail("ingest", "-w", root, article).returncode == 0
    assert query(root, "SELECT host FROM frontier") == [("gold-tide77.com",)]
