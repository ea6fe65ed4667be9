"""What single families of signals find on short pages, and what they leave alone."""

from datetime import UTC, datetime

import pytest

from crawler import detect, html
from crawler.detect import HostFacts, PageSummary
from crawler.model import Category, Evidence, Page, Verdict

MODEL = detect.load_model()


def found(body: str, url: str = "http://site.test/") -> dict[str, str]:
    """The value of each signal found on a page."""
    return {item.signal: item.value for item in judged(body, url).evidence}


def judged(body: str, url: str) -> Verdict:
    source = f"<meta charset=utf-8>{body}".encode()
    page = Page(
        url, url, 200, (), source, html.parse(source, url=url), datetime(2026, 11, 25, tzinfo=UTC)
    )
    return detect.judge(page, MODEL)


@pytest.mark.parametrize(
    ("signal", "body", "url"),
    [
        ("shell.gambling_bundle", "<div id=app></div><script>api={a:'/api/gamelist',b:'/wingo/',"
         "c:'betrecord'}</script>", "http://x.test/"),
        ("shell.investment_bundle", "<script>r=['/invest_list','/vip_level','team_income']</script>",
         "http://x.test/"),
        ("form.invitation_code", "<p>手机号 密码 邀请码 注册</p>", "http://x.test/"),
        ("form.invitation_code", "<p>เบอร์โทร รหัสผ่าน รหัสแนะนำ</p>", "http://x.test/"),
        ("form.invitation_code", "<p>Nomor ponsel, kata sandi, kode undangan</p>", "http://x.test/"),
        ("link.foreign_amp", "<title>Situs slot gacor</title><link rel=canonical href=http://x.test/>"
         "<link rel=amphtml href=http://amp.other.test/><p>Slot online</p>", "http://x.test/a"),
        ("money.qr_code", "<title>Nạp tiền</title><img alt='Mã QR'><p>Nạp tối thiểu 50k</p>",
         "http://x.test/"),
        ("voice.registered", "<p>沪ICP备12345678号-1</p>", "http://x.test/"),
        ("claim.nobody", "<p>Slot online, bandar togel, live casino, minimum deposit " + "dan " * 160,
         "http://x.test/"),
        ("script.hyip_path", "<p>Rules</p>", "http://x.test/index.php?a=rateus"),
        ("link.hyip_script", "<a href='/?a=faq'>x</a><a href='/?a=rules'>y</a>", "http://x.test/"),
        ("terms.investment.counters", "<p>Days online 40. Total accounts 311. Last withdrawal 9 $</p>",
         "http://x.test/"),
        ("terms.investment.counters", "<p>Дней онлайн: 40. Всего участников: 311</p>",
         "http://x.test/"),
        ("money.payment_systems", "<p>We take Payeer, Bitcoin, Tron and Perfect Money</p>",
         "http://x.test/"),
        ("text.line_check", "<p>线路1 38ms 进入 线路2 61ms 进入</p>", "http://x.test/"),
        ("text.line_check", "<p>Đường dây 1: 38ms. Đường dây 2: 61ms.</p>", "http://x.test/"),
        ("text.repeated_code", "<title>kqw77 xổ số</title><p>kqw77 nổ hũ, kqw77 bắn cá",
         "http://x.test/"),
        ("text.planted_code", "<p>教务处通知：金山771学院报名，金山771官方公布名单</p>", "http://x.test/"),
        ("title.mixed_brand", "<title>山云kq7体育app下载</title><p>公司新闻</p>", "http://x.test/"),
        ("title.alien", f"<title>slot gacor, togel online</title><p>{'our dental clinic opens ' * 20}",
         "http://x.test/"),
        ("link.code_anchors", "<a href='http://a.test/'>abc88</a><a href='http://b.test/'>qrs77</a>"
         "<a href='http://c.test/'>xyz99</a>", "http://x.test/"),
        ("terms.reporting.cited", "<p>“We lost all that we had put in,” she said.</p>", "http://x.test/"),
        ("terms.reporting.cited", "<p>ตำรวจเปิดเผยว่า จับได้ห้าคน</p>", "http://x.test/"),
        ("scheme.levels", "<p>Referral rewards: level 1 7%, level 2 3%, level 3 1%</p>",
         "http://x.test/"),
        ("scheme.levels", "<p>Hoa hồng giới thiệu: F1 10%, F2 5%, F3 2%</p>", "http://x.test/"),
        ("scheme.levels", "<p>推荐奖励：一代10%，二代5%，三代2%</p>", "http://x.test/"),
        ("scheme.directs", "<p>Referral income: 5% from 1st, 3% from 2nd. You need 4 directs to "
         "unlock level five.</p>", "http://x.test/"),
        ("scheme.bound_bonus", "<p>Forex: the bonus becomes withdrawable after 20 standard lots</p>",
         "http://x.test/"),
        ("scheme.bound_bonus", "<p>Welcome bonus on MT5. Terms apply. To withdraw it, trade 15 lots "
         "within 30 days.</p>", "http://x.test/"),
        ("terms.gambling.offer", "<p>Daily free cases, case battles and CS2 roulette</p>",
         "http://x.test/"),
        ("terms.gambling.offer", "<p>วิเคราะห์ราคาน้ำก่อนเดิมพันฟุตบอล</p>", "http://x.test/"),
        ("claim.offshore", "<p>Trade CFDs with us. Registered in Kingstown.</p>", "http://x.test/"),
        ("claim.recovery", "<p>Our experts recover lost funds. Free case review.</p>",
         "http://x.test/"),
        ("claim.recovery", "<p>Мы вернём ваши деньги от брокера</p>", "http://x.test/"),
        ("claim.recovery", "<p>Our specialists can trace stolen crypto</p>", "http://x.test/"),
        ("claim.recovery", "<p>Hire Orion Hackers for getting back your money</p>",
         "http://x.test/"),
        ("claim.recovery", "<p>Fund rate of 94% since 2019</p>", "http://x.test/"),
        ("claim.recovery", "<p>Free claim check for investors</p>", "http://x.test/"),
        ("claim.wager_multiple", "<p>Bonus with rollover of 12x</p>", "http://x.test/"),
        ("claim.wager_multiple", "<p>彩金需要3倍流水方可提款</p>", "http://x.test/"),
        ("claim.island_licence", "<p>Casino licensed under the laws of Curacao</p>",
         "http://x.test/"),
        ("text.foreign_tail", "<p>ตารางคะแนนบอลวันนี้ ทองคำ สูตรบาคาร่า 官方网站</p>",
         "http://x.test/"),
        ("text.glued_phrases", "<p>xem trực tiếp bảng xếp hạngthường thức, đội thắngnghiêng về "
         "chủ nhà</p>", "http://x.test/"),
        ("title.farm_code", "<p>kqw77 lịch thi đấu hôm nay</p>", "http://h7q2kxz.site.test/20413"),
        ("shape.copied_label", "<p>股票杠杆怎么算</p>", "http://www_firm_com.site.test/"),
        ("text.spun_brand", "<p>kqb88体育网_院系_kqb88手机端 通知 kqb88官网_新闻_kqb88登录端</p>",
         "http://x.test/"),
    ],
)  # fmt: skip
def test_a_signal_finds_its_kind_of_page(signal: str, body: str, url: str) -> None:
    assert signal in found(body, url)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Phone, password. Forgotten your password?</p>",
        "<p>线路1 往机场，线路2 往车站</p>",
        "<p>iPhone15 iphone15 iphone15 and win11 mp3 in 5kg, 5kg, 5kg</p>",
        "<p>报名时间2026年，联系电话771号，费用300元，共300元</p>",
        "<title>奥迪a6报价</title><p>小米k40手机参数，华为p40对比</p>",
        "<p>We take Bitcoin, Litecoin and Ethereum</p>",
        "<a href='http://a.test/?a=faq'>one link</a>",
        "<script>routes=['/recharge']</script>",
        "<title>积分771说明</title><p>积分771说明：充值1元得10分，再充1元得10分，周一05:00至周一05:30</p>",
    ],
)
def test_everyday_pages_show_none_of_them(body: str) -> None:
    families = ("shell", "form", "money", "title")
    named = {"text.line_check", "text.repeated_code", "text.planted_code", "link.hyip_script",
             "script.hyip_path"}  # fmt: skip
    signals = set(found(body))
    assert not signals & named
    assert not [name for name in signals if name.startswith(families)]


@pytest.mark.parametrize(
    ("signal", "body"),
    [
        # The publisher's own pages for phones.
        ("link.foreign_amp", "<title>Slot online: police raid</title><link rel=canonical "
         "href=http://news.test/1><link rel=amphtml href=http://amp.news.test/1>"),
        ("money.qr_code", "<img alt='QR code of our address'><p>Visit the bakery</p>"),
        ("claim.nobody", "<p>PT Contoh. Slot online, bandar togel, live casino, minimum deposit "
         + "dan " * 160),
    ],
)  # fmt: skip
def test_what_honest_pages_have_too_is_left_alone(signal: str, body: str) -> None:
    assert signal not in found(body, "http://x.test/")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://pricing.test/", "Plans: Basic $9 a month, Pro $29 a month. Invite your team and get "
         "20% off. Cancel any time."),
        ("http://insurer.test/", "Life plans with a guaranteed return of premium, minimum deposit "
         "$500, returns 4% a year. Annual bonus."),
        ("http://toko.test/", "Bonus harian 10% untuk pelanggan, cashback 5% setiap hari. Minimal "
         "belanja 50 ribu."),
        ("http://lottery.test/", "ผลสลากกินแบ่งรัฐบาล งวดวันที่ 16 พฤศจิกายน รางวัลที่ 1 เลขท้าย 2 ตัว"),
        ("http://disks.test/", "We recover lost data from failed disks. Free quote; no data, no fee."),
        ("http://hotel.test/", "Our resort in Curaçao: a casino, a spa and three restaurants."),
        ("http://www.club.test/", "我们挽回损失的办法：及时止损，联系保险公司。"),
        ("http://mall.test/", "充值返现活动：充100送20，新用户注册送优惠券。"),
        ("http://blog.aposta.bet.br/", "Cassino e apostas esportivas, saque por Pix. Operador "
         "autorizado. Jogue com responsabilidade, +18."),
        ("http://telco.test/", "Nạp thẻ điện thoại khuyến mãi 20%, tích điểm đổi quà."),
    ],
)  # fmt: skip
def test_the_trade_s_words_in_honest_use_do_not_convict(url: str, said: str) -> None:
    verdict = judged(f"<p>{said}</p>", url)
    assert not verdict.category.is_scam, verdict


@pytest.mark.parametrize(
    "said",
    [
        "bonus harian 10% setiap hari untuk semua member",
        "cashback 5% daily on what you buy",
        "Hoàn trả mỗi ngày 1,2% tiền cược",
    ],
)
def test_a_gift_is_no_promise_of_return(said: str) -> None:
    assert "promise.daily_return" not in found(f"<p>{said}</p>")


def test_a_way_around_self_exclusion_is_no_duty_of_a_licensee() -> None:
    assert "voice.duties" in found("<p>18+ only, see GamCare, GamStop and self-exclusion</p>")
    assert "voice.duties" not in found("<p>18+ casinos not on GamStop, no self-exclusion</p>")


# Hosts


def unsure(*values: str) -> Verdict:
    """A page just under the threshold by the findings `values`."""
    clues = [
        Evidence(f"terms.gambling.{n}", Category.GAMBLING, 3.6 / len(values), value, "", "")
        for n, value in enumerate(values)
    ]
    prior = Evidence("prior", Category.BENIGN, -1.9, "", "", "")
    return Verdict(Category.UNKNOWN, "", 0.845, (prior, *clues), "m", "more pages of the host")


def host(*verdicts: Verdict) -> Verdict:
    pages = tuple(
        PageSummary(f"http://site.test/{number or ''}", verdict)
        for number, verdict in enumerate(verdicts)
    )
    return detect.judge_host(HostFacts("site.test", "site.test", pages), MODEL)


def test_pages_just_under_the_threshold_convict_together_when_they_are_unlike() -> None:
    three = host(unsure("slots", "bonus"), unsure("lottery", "agent"), unsure("cards", "credit"))
    assert three.category is Category.GAMBLING
    assert "host.agreeing_pages" in {item.signal for item in three.evidence}
    assert host(unsure("slots"), unsure("lottery")).category is Category.UNKNOWN


def test_copies_of_one_template_are_one_observation() -> None:
    assert host(*[unsure("slots", "bonus")] * 6).category is Category.UNKNOWN


def test_an_innocent_page_ends_the_agreement_of_the_unsure() -> None:
    fair = Verdict(Category.BENIGN, "", 0.05, (), "m")
    pages = [unsure("slots"), unsure("lottery"), unsure("cards")]
    assert not host(*pages, fair).category.is_scam


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        ("Earn 2.4% daily on your deposit, paid every day", True),
        ("Gold plan 3 % daily profit, principal back after 30 days", True),
        ("Accounts are paused for the day at a 3% daily profit cap", False),
        ("The bot closes all positions at its 1% daily profit target", False),
        ("Traders who pass keep a daily loss limit of 5% of the balance", False),
        ("The coin's daily change was 4%", False),
        ("A node makes 400 coins a day and we keep 5% of them", False),
    ],
)
def test_a_rule_of_an_account_is_no_promise(said: str, promised: bool) -> None:
    assert ("promise.daily_return" in found(f"<p>{said}.</p>")) == promised
