"""The learnt part of the detector: training, its file, and what it may and may not decide."""

import http.server
import json
import math
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import detect, html
from crawler.detect.imitation import imitated
from crawler.detect.ngrams import MAX_TEXT, text_grams
from crawler.detect.page import look
from crawler.model import Category, Page, Verdict
from support import scamtrail

NOW = datetime(2026, 11, 25, tzinfo=UTC)
MODEL = detect.load_model()
SCAM = "<title>สล็อตเว็บตรง บาคาร่า</title><p>ฝากถอนออโต้ ไม่มีขั้นต่ำ เครดิตฟรี สมัครสมาชิก แตกง่าย</p>"
FAIR = "<title>Bread and cakes</title><p>Add to cart, free shipping from our bakery in town</p>"


def page(body: bytes, url: str = "http://site.test/") -> Page:
    return Page(url, url, 200, (), body, html.parse(body, url=url), NOW)


def judged(body: str, url: str = "http://site.test/") -> Verdict:
    return detect.judge(page(body.encode(), url), MODEL)


def labelled(path: Path, *, without: str = "") -> Path:
    """Sentences put together from words that only one label uses."""
    words = {
        "gambling": ("jackpot", "reels", "croupier", "baccarat"),
        "investment": ("principal", "accrual", "daily yield", "plan"),
        "benign": ("bakery", "school", "garden", "museum"),
    }
    lines = [
        {
            "url": f"http://{label}-{number}.example/{words[label][number % 4]}",
            "text": " ".join(f"{word} {number}" for word in words[label]),
            "label": label,
            "language": "en",
        }
        for label in words
        if label != without
        for number in range(12)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path


def test_the_same_pages_give_the_same_bytes_and_a_model_that_judges(tmp_path: Path) -> None:
    pages = labelled(tmp_path / "pages.jsonl")
    names = tmp_path / "names.txt"
    names.write_text("0.0.0.0 luckyslot1.example\n0.0.0.0 luckyslot2.example\n")
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    for output in (first, second):
        done = scamtrail("train", pages, "--names", f"gambling={names}", "--date", "2026-11-25",
                         "-o", output)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert first.read_bytes() == second.read_bytes()
    assert "36 pages, 2 names" in done.stdout
    result = json.loads(scamtrail("evaluate", "--model", first, pages, "--json").stdout)
    assert result["overall"]["auc"] > 0.9
    about = detect.read_model(first.read_bytes()).trained.about
    assert (about["trained_on"], about["pages"]["benign"]) == ("2026-11-25", 12)


def test_pages_that_nobody_looked_at_are_learnt_from_and_calibrate_alone(tmp_path: Path) -> None:
    pages = labelled(tmp_path / "pages.jsonl")
    unseen = tmp_path / "unseen.jsonl"
    text = "{} at our online casino, claim your bonus, place your bet".format
    lines = [
        {"url": f"http://u{number}.example/", "text": text(number), "label": label}
        for number in range(40)
        for label in ("benign", "gambling")
    ]
    unseen.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    alone, both = tmp_path / "alone.npz", tmp_path / "both.npz"
    for output, also in ((alone, ()), (both, ("--unseen", unseen))):
        done = scamtrail("train", pages, *also, "--date", "2026-11-25", "-o", output)
        assert done.returncode == 0, done.stderr
    assert "116 pages, 0 names" in done.stdout
    before, after = (detect.read_model(path.read_bytes()) for path in (alone, both))
    assert after.trained.about["pages"] == {"benign": 52, "gambling": 52, "investment": 12}
    # There the words of the trade stand on innocent pages as often as on others.
    offer = ("terms.gambling.offer", "gambling")
    assert after.scale(*offer) < before.scale(*offer)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}\n")
    assert "wrong.jsonl: line 1" in scamtrail("train", pages, "--unseen", wrong).stderr


def test_training_names_what_is_missing(tmp_path: Path) -> None:
    lacking = scamtrail("train", labelled(tmp_path / "p.jsonl", without="investment"))
    assert lacking.returncode == 2
    assert "fewer than 5 pages are investment" in lacking.stderr
    pages = labelled(tmp_path / "q.jsonl")
    for wrong in ("scam=x.txt", "gambling=", f"gambling={tmp_path / 'none.txt'}"):
        done = scamtrail("train", pages, "--names", wrong)
        assert done.returncode == 2
        assert f"--names {wrong}" in done.stderr


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    pages = labelled(tmp_path / "pages.jsonl")
    for body in (b"", b"PK\x03\x04 broken", b"\x93NUMPY"):
        path = tmp_path / "model.npz"
        path.write_bytes(body)
        done = scamtrail("evaluate", "--model", path, pages)
        assert done.returncode == 2
        assert "make one with scamtrail train" in done.stderr


def test_the_shipped_model_is_small_and_says_what_it_was_made_of() -> None:
    body = (Path(detect.__file__).parent / "model.npz").read_bytes()
    assert len(body) < 5_000_000
    about = MODEL.trained.about
    assert set(about["pages"]) == {"gambling", "investment", "benign"}
    assert about["trained_on"]


def test_ngrams_are_evidence_like_any_other() -> None:
    verdict = judged(SCAM, "http://lucky-slot88.test/promo/slot-online")
    grams = [item for item in verdict.evidence if item.signal == "text.ngrams"]
    assert grams and grams[0].value
    total = sum(item.weight for item in verdict.evidence)
    assert verdict.probability == pytest.approx(1 / (1 + math.exp(-total)), abs=1e-3)


def test_a_name_alone_convicts_nobody() -> None:
    dull = "<p>Opening hours are from nine to five, the office is on the second floor.</p>"
    verdict = judged(dull, "http://casino-slot-88bet.test/4711/viewspace-12.html")
    assert any(item.signal == "shape.gambling_name" for item in verdict.evidence)
    assert not verdict.category.is_scam


def test_learnt_n_grams_alone_convict_nobody() -> None:
    verdict = judged("<title>Casino</title>")
    assert verdict.probability > 0.5
    assert not verdict.category.is_scam


def test_a_known_licensee_is_innocent_whatever_it_offers() -> None:
    offer = "<p>Online slots, live casino, free spins, welcome bonus, place your bet now</p>"
    assert judged(offer, "http://casino.unheard-of.test/").category is Category.GAMBLING
    verdict = judged(offer, "https://www.casumo.com/slots")
    assert not verdict.category.is_scam
    assert any(item.signal == "voice.known_host" for item in verdict.evidence)


@pytest.mark.parametrize(
    ("label", "brand"),
    [("b1nance-vip", "binance"), ("xn--bnance-3va", "binance"), ("coìnbase", "coinbase"),
     ("kraкen", "kraken"), ("bit-stamp9", "bitstamp"), ("vvilliarnhill", "williamhill"),
     ("bakery", ""), ("xn--", "")],
)  # fmt: skip
def test_brands_are_seen_through_their_disguise(label: str, brand: str) -> None:
    assert imitated(label) == brand


@given(st.text(max_size=60), st.integers(2_000, 100_000))
@settings(max_examples=40, deadline=None)
def test_long_texts_cost_no_more_than_their_beginning(unit: str, times: int) -> None:
    text = (unit or "a") * times
    grams = text_grams(text, 17)
    # Three lengths of runs, words and pairs of words: at most five n-grams a character.
    assert len(grams.buckets) <= 5 * MAX_TEXT
    document = html.from_text(text[:5_000_000])
    view = look(Page("http://a.test/", "http://a.test/", 200, (), b"", document, NOW), MODEL)
    assert len(view.text) <= 3 * html.MAX_TEXT
    assert len(view.hits) <= len(MODEL.lexicon.terms)


@pytest.mark.parametrize(
    "body",
    [bytes(range(256)) * 4_000, b"\x89PNG\r\n\x1a\n" + b"\x00\xff" * 50_000, b"\xff\xfe" + b"\xd8" * 999,
     b'<meta charset="utf-16">' + "ข่าว".encode("cp874"), b"%PDF-1.7 " + b"\x80" * 9_999],
    ids=["all bytes", "picture", "broken utf-16", "wrong charset", "pdf"],
)  # fmt: skip
def test_what_is_no_page_is_no_scam_and_no_exception(body: bytes) -> None:
    assert not detect.judge(page(body), MODEL).category.is_scam


def test_a_file_of_50_megabytes_is_judged_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    with path.open("wb") as file:
        file.write(SCAM.encode())
        file.truncate(50_000_000)
    result = json.loads(scamtrail("check", "--json", path).stdout)
    assert result["category"] == "gambling"


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = SCAM.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_check_reads_a_url_through_the_guard_and_stores_nothing(site: str, tmp_path: Path) -> None:
    refused = scamtrail("check", "-w", tmp_path, site)
    assert refused.returncode == 1
    assert "no answer: guard" in refused.stdout
    (tmp_path / "scamtrail.toml").write_text('[network]\nallow_private = ["127.0.0.0/8"]\n')
    shown = scamtrail("check", "-w", tmp_path, site)
    assert shown.returncode == 0, shown.stderr
    assert "gambling" in shown.stdout
    assert [item.name for item in tmp_path.iterdir()] == ["scamtrail.toml"]
    wrong = scamtrail("check", "http://")
    assert wrong.returncode == 2
    assert "no address of the web" in wrong.stderr


def test_the_sum_that_check_prints_can_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(SCAM, "utf-8")
    lines = scamtrail("check", path).stdout.splitlines()
    weights = [
        float(found.group())
        for line in lines[1:]
        if (found := re.match(r" +[+-]\d+\.\d\d\b", line))
    ]
    *parts, total = weights
    assert sum(parts) == pytest.approx(total, abs=0.1)
    shown = float(lines[0].rpartition("p=")[2].split()[0])
    assert shown == pytest.approx(1 / (1 + math.exp(-total)), abs=0.01)
    assert f"a scam from {detect.SCAM}, innocent to {detect.BENIGN}" in lines[-1]


def test_evaluate_lists_the_misjudged_with_their_evidence(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text(
        json.dumps({"url": "http://a.test/", "html": SCAM, "label": "benign", "hard": True}) + "\n"
        + json.dumps({"url": "http://b.test/", "html": FAIR, "label": "benign"})
    )  # fmt: skip
    result = json.loads(scamtrail("evaluate", path, "--errors", "--json").stdout)
    assert result["hard"]["false_positive_rate"] == 1.0
    assert result["overall"]["false_positive_rate"] == 0.5
    (wrong,) = result["errors"]
    assert "pages.jsonl:1" in wrong["input"] and wrong["evidence"]
