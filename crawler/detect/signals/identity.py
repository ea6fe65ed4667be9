"""Who answers for a site: the number under which a state knows it, a firm's name, or nobody."""

import re
from collections.abc import Iterator

from crawler.detect.signals import Clue, View, clue_at, marks, signal

# Numbers that commerce law wants on a site, in the form that its country writes them. UK company
# numbers are left out: yield programmes buy a company there and show its number.
_NUMBER = re.compile(
    r"[京津沪渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤琼川贵云陕甘青蒙桂宁新藏]"
    r"icp[备证][-\d ]{0,4}\d{6,10}号?|"
    r"公网安备 ?\d{10,14}|统一编号 ?[:：]? ?\d{8}|统编 ?[:：]? ?\d{8}|"
    r"사업자 ?등록 ?번호 ?[:：]? ?\d{3}-\d{2}-\d{5}|通信贩売业者登录|特定商取引法|古物商许可|"
    r"\bcnpj ?[:nº°.]{0,3} ?\d{2}\.?\d{3}\.?\d{3}/\d{4}-\d{2}|\bогрн(?:ип)? ?[:№]? ?\d{13,15}|"
    r"\bинн ?[:№]? ?\d{10,12}|\b(?:mst|mã số thuế|mã số doanh nghiệp) ?[:.]? ?\d{10}\b|"
    r"\bnib ?[:.]? ?\d{13}\b|\bcif ?[:.]? ?[a-z]\d{8}\b|เลขทะเบียนนิติบุคคล ?[:.]? ?\d{13}"
)
# `re` has no literal start to look for in the pattern above; these are looked for first.
_NUMBER_MARKS = marks(
    "icp", "公网安备", "统一编号", "统编", "사업자", "登录", "特定商取引法", "古物商", "cnpj",
    "огрн", " инн ", " инн:", "mst ", "mst:", "mã số", " nib", " cif ", " cif:", "เลขทะเบียน",
)  # fmt: skip
_FIRM = (
    " ltd", " limited", " llc", " inc.", ", inc", " plc", " gmbh", " s.r.l", " srl", " s.a.",
    " ltda", " bhd", " pte", " corp", " pt ", "công ty", " ооо", " оао", "有限公司", "集团",
    "株式会社", "合同会社", "주식회사", "บริษัท", "ក្រុមហ៊ុន", "ບໍລິສັດ", "ကုမ္ပဏီ", " street",
    " avenue", " road", " suite ", " jalan ", " jl.", " calle ", " rua ", "улица", " ул.",
)  # fmt: skip
_OFFERS = ("gambling.offer", "investment.offer", "scam.money")
# Who answers stands at the head of a page or at its foot.
_HEAD, _FOOT = 1_000, 3_000
# A short page has no room for a name; so many offers and no name on a long one are a choice.
_LONG = 150
_MANY = 3


@signal
def registered(view: View) -> Iterator[Clue]:
    """A number of a register of firms or sites; it can be copied, so it weighs little."""
    if not view.marks & _NUMBER_MARKS:
        return
    ends = _ends(view.text)
    if found := _NUMBER.search(ends):
        yield clue_at("voice.registered", "innocent", -0.7, found)


@signal
def nobody(view: View) -> Iterator[Clue]:
    """A long page that takes money and names no firm, address or register."""
    offers = {hit.term.text for hit in view.hits if hit.term.group in _OFFERS}
    if view.words < _LONG or len(offers) < _MANY:
        return
    ends = _ends(view.text)
    if not any(name in ends for name in _FIRM) and not _NUMBER.search(ends):
        yield Clue("claim.nobody", "scam", 0.4, f"{len(offers)} offers, no firm or address")


def _ends(text: str) -> str:
    ends = text if len(text) <= _HEAD + _FOOT else f"{text[:_HEAD]} {text[-_FOOT:]}"
    return " " + ends.replace("\x00", " ")
