"""Verdicts on pages and hosts, as sums of named evidence."""

import json
import math
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import detect, html
from crawler.detect import HostFacts, PageSummary
from crawler.detect.evaluate import auc, calibration_error
from crawler.detect.lexicon import load
from crawler.detect.text import normalise
from crawler.model import Category, Link, Page, Verdict
from support import BIN, scamtrail

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MODEL = detect.load_model()


def page(body: str, url: str = "http://site.test/") -> Page:
    source = body.encode()
    return Page(url, url, 200, (), source, html.parse(source, url=url), NOW)


def judged(body: str, url: str = "http://site.test/") -> Verdict:
    return detect.judge(page(body, url), MODEL)


GUILTY = {
    "vi": ("gambling", "<title>HU99 nhà cái uy tín</title><p>Nổ hũ, bắn cá, tài xỉu. Nạp rút nhanh,"
           " thưởng nạp đầu, đăng ký ngay. <a href='/r'>Link dự phòng</a> mã giới thiệu"),
    "th": ("gambling", "<title>สล็อตเว็บตรง บาคาร่า</title><p>ฝากถอนออโต้ ไม่มีขั้นต่ำ เครดิตฟรี"
           " สมัครสมาชิก แตกง่าย ทางเข้าล่าสุด</p>"),
    "zh": ("gambling", "<title>真人百家乐 注册送彩金</title><p>体育投注 电子游艺 存款提现 备用网址 代理合作"
           " 邀请码</p>"),
    "id": ("gambling", "<title>Slot Gacor Maxwin</title><p>Situs togel, live casino, deposit pulsa"
           " tanpa potongan, bonus new member, daftar sekarang, link alternatif</p>"),
    "en": ("investment", "<title>Prime Capital investment plans</title><p>Earn 3.5% daily with"
           " principal return, guaranteed profit, minimum deposit 10 USDT TRC20, instant"
           " withdrawals, referral commission.</p><h3>Starter plan</h3><h3>Gold plan</h3>"),
    "zh-inv": ("investment", "<title>理财平台</title><p>每日收益3.5% 保本保息，量化机器人，充值提现，邀请码，"
               "团队奖励，质押挖矿</p>"),
    "vi-inv": ("investment", "<title>Gói đầu tư</title><p>Lợi nhuận mỗi ngày 2,5% mỗi ngày, cam kết"
               " lợi nhuận, bảo toàn vốn, nạp tối thiểu 10 USDT, mã mời, hoa hồng tuyến dưới</p>"),
    "ms": ("gambling", "<title>Kasino dalam talian</title><p>Mesin slot, kredit percuma, cuci duit,"
           " pengeluaran pantas, daftar percuma, pautan alternatif, jemput rakan</p>"),
}  # fmt: skip
INNOCENT = {
    "news-vi": "<title>Triệt phá đường dây đánh bạc</title><p>Công an bắt giữ 12 nghi phạm của đường"
    " dây cá độ. Theo cơ quan điều tra, nạn nhân bị lừa nạp tiền. Phóng viên ghi nhận.</p>",
    "news-en": "<title>Police raid casino call centre</title><p>Police said suspects were arrested"
    " on Monday. Victims told reporters they could not withdraw from the online casino.</p>",
    "news-zh": "<title>警方打掉网络赌博团伙</title><p>记者从公安机关获悉，民警抓获嫌疑人，涉案金额巨大，受害人被骗。</p>",
    "news-th": "<title>ตำรวจจับเว็บพนัน</title><p>ตำรวจจับกุมผู้ต้องหา ผู้เสียหายแจ้งความ ศาลออกหมายจับ"
    " เว็บพนันและบาคาร่า</p>",
    "regulator": "<title>Warning list</title><p>The commission publishes an investor alert: these"
    " firms are not authorised and promise guaranteed returns and daily profit.</p>",
    "help": "<title>Gambling helpline</title><p>Problem gambling? Free counselling, support group"
    " and self-exclusion from every online casino.</p>",
    "licensed": "<title>Crown Casino</title><p>Live casino and slot games. Licence number"
    " 0039-R-118. Players must be 18+. Gamble responsibly, set deposit limits, self-exclusion.</p>",
    "docs": "<title>Staking documentation</title><p>Validators earn about 4% a year. Developers read"
    " the whitepaper; a liquidity pool has impermanent loss.</p>",
    "guide": "<title>Walkthrough: casino level</title><p>This game guide shows the boss fight and"
    " how to win roulette.</p>",
    "shop": "<title>Bread</title><p>Add to cart, free shipping from our bakery.</p>",
    "school": "<title>โรงเรียน</title><p>นักเรียนชั้น ป.5 ไปทัศนศึกษา เทศบาลจัดรถรับส่ง</p>",
}  # fmt: skip


@pytest.mark.parametrize("name", GUILTY)
def test_scams_are_found_in_their_language(name: str) -> None:
    category, body = GUILTY[name]
    verdict = judged(body)
    assert (verdict.category.value, verdict.missing) == (category, "")
    assert verdict.kind


@pytest.mark.parametrize("name", INNOCENT)
def test_those_who_use_the_same_words_are_innocent(name: str) -> None:
    verdict = judged(INNOCENT[name])
    assert not verdict.category.is_scam
    assert verdict.probability < 0.5


@pytest.mark.parametrize("name", [*GUILTY, *INNOCENT])
def test_the_probability_is_the_logistic_of_the_evidence(name: str) -> None:
    verdict = judged(GUILTY[name][1] if name in GUILTY else INNOCENT[name])
    total = sum(item.weight for item in verdict.evidence)
    assert verdict.probability == pytest.approx(1 / (1 + math.exp(-total)), abs=1e-3)
    assert verdict.evidence[0].signal == "prior"
    assert all(item.page == "http://site.test/" for item in verdict.evidence)


@pytest.mark.parametrize(
    "disguise",
    [
        "真\u200b人百家乐 体\u200b育投注",
        "真 人 百 家 乐，体-育-投-注",
        "ｂａｃｃａｒａｔ",
        "bаccаrаt",
    ],
    ids=["zero-width", "spaced", "wide", "cyrillic"],
)
def test_disguised_words_are_seen(disguise: str) -> None:
    signals = {item.signal for item in judged(f"<title>{disguise}</title><p>{disguise}").evidence}
    assert [name for name in signals if name.startswith("terms.gambling.")]


@given(st.text(alphabet="真人百家樂乐體育投注娛乐樂場a1 ", max_size=40))
def test_traditional_and_simplified_characters_are_one(said: str) -> None:
    simple = said.translate(str.maketrans("樂體娛場", "乐体娱场"))
    assert normalise(said) == normalise(simple)
    assert [hit.term.text for hit in MODEL.lexicon.hits(normalise(said))] == [
        hit.term.text for hit in MODEL.lexicon.hits(normalise(simple))
    ]


def test_latin_terms_are_whole_words() -> None:
    hits = {
        hit.term.text for hit in MODEL.lexicon.hits(normalise("a depositary in togelau; Togel!"))
    }
    assert "deposit" not in hits
    assert "togel" in hits


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        ("Nhân đôi tài khoản sau bảy ngày", True),
        ("Giá thuê kho đã tăng gấp đôi", False),
        ("ทำกำไรได้เท่าตัว", True),
        ("ผู้โดยสารเพิ่มขึ้นเท่าตัว", False),
    ],
)
def test_only_money_that_doubles_is_a_promise(said: str, promised: bool) -> None:
    signals = {item.signal for item in judged(f"<p>{said}</p>").evidence}
    assert ("promise.doubling" in signals) == promised


@pytest.mark.parametrize(
    "said", ["A 2D game and a 3D printer", "ເອກະສານຂອງໂຮງຮຽນ", "ရွာရဲ့ ဈေး", "ការបោះឆ្នោតឃុំ", "ศาลาริมน้ำ"]
)
def test_terms_inside_everyday_words_say_nothing(said: str) -> None:
    signals = {item.signal for item in judged(f"<p>{said}</p>").evidence}
    assert not {name for name in signals if name.startswith(("terms.gambling", "terms.reporting"))}


def test_a_long_page_cannot_pile_up_weight() -> None:
    terms = [term.text for term in load().terms if term.group == "gambling.offer"]
    verdict = judged("<p>" + " . ".join(terms * 20))
    offer = next(item for item in verdict.evidence if item.signal == "terms.gambling.offer")
    assert offer.weight <= 4.2 * MODEL.scale("terms.gambling.offer", "gambling")


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("", "text"),
        ("<img src=a.png><img src=b.png>", "text"),
        ("<p>casino</p>", "text"),
        (
            "<p>The hotel by the lake has a casino with baccarat and roulette, a spa, a cinema, and a bar where guests may bet on horses. Rooms face the water and breakfast is served until ten.</p>",
            "more",
        ),
    ],
)
def test_what_is_not_enough_is_unknown_and_says_what_is_missing(body: str, missing: str) -> None:
    verdict = judged(body)
    assert verdict.category is Category.UNKNOWN
    assert missing in verdict.missing


@pytest.mark.parametrize(
    "body",
    ["<p>" + "vip1 " * 200_000, "3.5% " * 200_000, "min 5" * 200_000, "“" * 500_000,
     "a b c d " * 200_000, "<div>" * 100_000, "licence number " * 100_000, "\x00" * 100_000],
    ids=["tiers", "rates", "ranges", "quotes", "spaced", "deep", "licence", "nul"],
)  # fmt: skip
def test_hostile_pages_are_judged_in_linear_time(body: str) -> None:
    judged(body)


@given(st.text(max_size=400), st.sampled_from(["http://a.test/", "http://x9k2.b.test/12345"]))
def test_any_text_is_judged(text: str, url: str) -> None:
    verdict = judged(f"<title>{text[:50]}</title>{text}", url)
    assert 0 <= verdict.probability <= 1


# Hosts

SCAM = judged(GUILTY["vi"][1])
FAIR = judged(INNOCENT["shop"])
DULL = judged("<p>Welcome to this page of ours, there is a list of things")


def host(*pages: tuple[str, Verdict], **facts: object) -> Verdict:
    summaries = tuple(PageSummary(f"http://site.test{path}", verdict) for path, verdict in pages)
    known = HostFacts("site.test", "site.test", summaries, **facts)  # type: ignore[arg-type]
    return detect.judge_host(known, MODEL)


def test_a_host_of_guilty_pages_is_guilty() -> None:
    verdict = host(("/", SCAM), ("/promo", SCAM))
    assert verdict.category is Category.GAMBLING
    assert verdict.probability > 0.97


def test_one_guilty_path_on_an_innocent_site_makes_it_hacked() -> None:
    verdict = host(("/", FAIR), ("/about", FAIR), ("/wp/slot", SCAM), accused_in=1)
    assert (verdict.category, verdict.kind) == (Category.BENIGN, "hacked")


def test_one_guilty_page_deep_in_a_dull_site_lists_nobody() -> None:
    pages = [("/", DULL), ("/a", DULL), ("/b", DULL), ("/board/1", SCAM)]
    assert not host(*pages, accused_in=1).category.is_scam


def test_a_guilty_page_waits_for_the_look_at_the_front_of_its_site() -> None:
    unseen = host(("/wp/slot", SCAM), ("/wp/togel", SCAM), accused_in=1, front_tried=False)
    assert (unseen.category, unseen.missing) == (Category.UNKNOWN, "its front page")
    gone = host(("/wp/slot", SCAM), ("/wp/togel", SCAM), accused_in=1)
    assert gone.category is Category.GAMBLING


def test_an_old_name_with_a_fair_front_is_not_listed_for_what_stands_deep_inside() -> None:
    pages = (("/", DULL), ("/board/1", SCAM), ("/board/2", SCAM), ("/board/3", SCAM))
    assert host(*pages, accused_in=1, age_days=300.0).category is Category.GAMBLING
    assert host(*pages, accused_in=1, age_days=4_000.0).category is Category.UNKNOWN


def test_an_accusation_alone_is_not_enough() -> None:
    assert not host(("/", DULL), accused_in=9, linked_from_scam=9).category.is_scam
    assert host(accused_in=9).category is Category.UNKNOWN


def test_a_host_that_only_sends_visitors_to_scams_is_a_redirector() -> None:
    verdict = host(("/", judged("")), redirects_to=("gambling",), accused_in=1)
    assert (verdict.category, verdict.kind) == (Category.GAMBLING, "redirector")
    assert not host(("/", FAIR), redirects_to=("gambling",)).category.is_scam


def test_a_cloaked_site_is_judged_by_its_other_face() -> None:
    pages = (
        PageSummary("http://site.test/", FAIR),
        PageSummary("http://site.test/", SCAM, cloaked=True),
        PageSummary("http://site.test/about", FAIR),
    )
    young = HostFacts("site.test", "site.test", pages, linked_from_scam=2, age_days=30.0)
    assert detect.judge_host(young, MODEL).category is Category.GAMBLING
    old = HostFacts("site.test", "site.test", pages, linked_from_scam=2, age_days=4_000.0)
    assert not detect.judge_host(old, MODEL).category.is_scam


@pytest.mark.parametrize(
    ("name", "body", "wanted"),
    [
        ("royalgame888.test", "<p>Sign up for the club of the town.</p>", False),
        ("site.test", "<p>Nạp tối thiểu 50k, nhận thưởng nạp đầu.</p>", True),
    ],
)
def test_an_accused_host_is_guilty_by_its_words_and_never_by_its_name(
    name: str, body: str, wanted: bool
) -> None:
    found = judged(body, f"http://{name}/")
    assert found.category is Category.UNKNOWN
    pages = (PageSummary(f"http://{name}/", found),)
    facts = HostFacts(name, name, pages, accused_in=3, linked_from_scam=3, age_days=20.0)
    verdict = detect.judge_host(facts, MODEL)
    assert verdict.probability >= 0.9
    assert verdict.category.is_scam is wanted


def test_links_with_telling_words_come_first() -> None:
    def score(url: str, text: str) -> float:
        return detect.link_priority(SCAM, Link(url, text), "http://lucky88-01.test/", MODEL)

    mirror = score("http://lucky88-02.test/", "link dự phòng")
    assert mirror > score("http://bank.test/", "our bank") > 0
    assert score("http://lucky88-01.test/promo", "Khuyến mãi") > score(
        "http://lucky88-01.test/privacy", "privacy"
    )
    assert 0 <= mirror <= 1


# The command


def test_check_explains_a_saved_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(GUILTY["th"][1], "utf-8")
    shown = scamtrail("check", path)
    assert shown.returncode == 0
    assert "gambling" in shown.stdout and "terms.gambling.offer" in shown.stdout
    done = subprocess.run(
        [str(BIN / "scamtrail"), "check", "--json"],
        input=INNOCENT["news-en"].encode(),
        capture_output=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert result["category"] == "benign"
    assert sum(item["weight"] for item in result["evidence"]) < 0
    assert scamtrail("check", tmp_path / "nothing.html").returncode == 2


def test_evaluate_measures_labelled_lines(tmp_path: Path) -> None:
    lines = [
        {"url": "http://a.test/", "html": body, "label": label, "language": name[:2]}
        for name, (label, body) in GUILTY.items()
    ]
    lines += [
        {"url": "http://b.test/", "text": "Add to cart, free shipping from our bakery",
         "label": "benign", "sublabel": "shop"}
    ]  # fmt: skip
    path = tmp_path / "pages.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    result = json.loads(scamtrail("evaluate", path, "--json").stdout)
    assert result["pages"] == len(lines)
    assert result["overall"]["recall"] == 1.0
    assert result["overall"]["false_positive_rate"] == 0.0
    assert result["categories"]["gambling"]["precision"] == 1.0
    assert result["languages"]["vi"]["guilty"] == 2
    assert "shop" in result["sublabels"]
    path.write_text('{"url": "x", "text": "y", "label": "bad"}\n')
    wrong = scamtrail("evaluate", path)
    assert wrong.returncode == 2
    assert "line 1: label is none of gambling, investment, benign" in wrong.stderr


def test_the_area_under_the_curve_counts_ranks() -> None:
    assert auc([(0.9, True), (0.8, True), (0.1, False)]) == 1.0
    assert auc([(0.5, True), (0.5, False)]) == 0.5
    assert auc([(0.1, True), (0.9, False)]) == 0.0
    assert auc([(0.1, True)]) is None


def test_calibration_error_is_the_distance_from_the_share_that_is_guilty() -> None:
    assert calibration_error([(1.0, True), (0.0, False)]) == 0.0
    assert calibration_error([(0.9, False), (0.9, True)]) == pytest.approx(0.4)
