"""App shells and sign-up forms: what a page with few words gives away."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, signal

# Names in the bundles, routes and interfaces of turnkey sites, by what they are sold for.
_MARKS = {
    "gambling": re.compile(
        r"wingo|k3lottery|trxwingo|lotter(?:y|ies)(?:list|bet|api|/)|game(?:list|platform|vendor)|"
        r"bet(?:record|history|order|limit)|pgsoft|jili(?:game)?s?\b|cq9|sbobet|agent(?:line|code)|"
        r"/(?:casino|slots?|sports?book|livecasino|bac+arat)/|rebate(?:rate|list)|turnover"
    ),
    "investment": re.compile(
        r"grab_?order|rob_?order|order_?grab|task_?(?:hall|order|level)|vip_?level|invest_?(?:plan|"
        r"list|order)|miner?_?(?:list|machine|order)|hash_?rate|second_?contract|micro_?trade|"
        r"team_?(?:income|report|reward)|yuebao|fund_?(?:password|pwd)|daily_?income"
    ),
    "scam": re.compile(
        r"invit(?:e|ation)_?code|recharge|withdraw(?:al)?_?(?:password|pwd|record|list|limit)|"
        r"trc_?20|usdt_?(?:address|wallet)|line_?(?:check|list|detect)|app_?download|"
        r"customer_?service|kefu|pay_?(?:password|pwd|channel)"
    ),
}
_SHELL_WORDS = 60
_MAX_SCRIPT = 20_000
# Forms name these; both on one short page make a closed circle that recruits.
_INVITED = (
    "invitation code", "invite code", "referral code", "邀请码", "推荐码",
    "mã giới thiệu", "mã mời", "kode undangan", "kode referral", "kod jemputan", "kod rujukan",
    "รหัสแนะน\u0e4d\u0e32", "รหัสผู้แนะน\u0e4d\u0e32", "รหัสเชิญ", "código de convite",
    "código de invitación", "код приглашения", "추천인 코드", "추천코드", "초대 코드", "招待コード",
    "លេខកូដអញ្ជើញ", "កូដអញ្ជើញ", "ລະຫັດແນະນ\u0ecd\u0eb2", "ລະຫັດເຊີນ", "ဖိတ်ခေါ်ကုဒ်",
)  # fmt: skip
_PASSWORD = (
    "password", "密码", "mật khẩu", "kata sandi", "kata laluan", "รหัสผ่าน", "senha",
    "contraseña", "пароль", "비밀번호", "パスワード", "ពាក្យសម្ងាត់", "លេខសម្ងាត់", "ລະຫັດຜ່ານ", "စကားဝှက်",
)  # fmt: skip
_FORM_WORDS = 90


@signal
def bundle(view: View) -> Iterator[Clue]:
    """Telling routes and interfaces in the scripts of a page that shows next to no text."""
    if view.words > _SHELL_WORDS:
        return
    script = f"{view.page.document.places.get('script', '')[:_MAX_SCRIPT]}\n{view.urls}".lower()
    found = {name: sorted(set(marks.findall(script))) for name, marks in _MARKS.items()}
    if sum(map(len, found.values())) < 2:
        return
    # Shops recharge and withdraw too: the marks of a trade say more than those of any account.
    for name, most, each in (("gambling", 2.4, 0.8), ("investment", 2.4, 0.8), ("scam", 1.2, 0.4)):
        if found[name]:
            yield Clue(
                f"shell.{name}_bundle",
                name,
                min(most, each * len(found[name])),
                ", ".join(found[name][:5]),
            )


@signal
def invited_form(view: View) -> Iterator[Clue]:
    """A short page with a password and an invitation code: who is not recruited stays outside."""
    if view.words > _FORM_WORDS:
        return
    if any(word in view.text for word in _PASSWORD) and (
        code := next((word for word in _INVITED if word in view.text), None)
    ):
        yield Clue("form.invitation_code", "scam", 1.3, code)
