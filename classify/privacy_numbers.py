"""Personal numbers in the shadow of a text: phones, identity cards, bank cards, travel documents.

In: a shadow (`classify.privacy_signs`). Out: (kind, start, end) of what its check digit, its prefix
or the words before it prove. Order numbers, prices, dates and hotlines (400, 800, 12345) stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from classify.privacy_signs import JOINER

Found = tuple[str, int, int]
Finder = Callable[[str, int, int], Iterator[tuple[int, int]]]

_JOIN = rf"[ \-.·{JOINER}]{{0,3}}"
# Where a number may be: seven figures at least, the shortest of all, a local telephone number.
_RUN = re.compile(rf"[0-9][0-9 \-.·()（）转轉{JOINER}]{{5,}}[0-9]")
_MARGIN = 8  # characters around it that a pattern looks at: +, 00, brackets, a unit, an extension
_LINK = 200  # characters of a link looked back on
_NEAR = 16  # characters before a number that may say what it is
# The words before a number that make it anything but a telephone or a card.
_OTHER = re.compile(
    r"(?:订单|運單|运单|快递|物流单|单号|單號|工单|流水号?|编号|序列号|货号|批[号次]|型号|条码|条形码|"
    r"交易号|合同号?|兑换码|会员号|商户|发票号?码?|礼品卡|会员卡|充值卡|IMEI|SN|配件号|播放量|阅读量|"
    r"点击量|粉丝数?|里程|净含量|总价|销量|时间戳|期号|[Ii][Dd])[^，,。；;\n0-9]{0,4}$"
)
_UNIT = re.compile(
    r" ?(?:元|块钱|米|公里|毫[米克升]|千克|公斤|kg|km|mm|ml|次(?=[，,。\s]|$)|[万亿])"
)
_MOBILE = re.compile(
    rf"(?<![0-9])(?<![0-9][._\-])((?:(?:\+|00)?86[ \-]?)?)(1{_JOIN}[3-9](?:{_JOIN}[0-9]){{9}})"
    r"(?![0-9])(?!\.[0-9])"
)
_ADDRESS = re.compile(r"(?:https?://|www\.|\.(?:com|cn|net|org)/)[^\s\u4e00-\u9fff]*$")
_LETTERS_BEFORE = re.compile(r"([A-Za-z]{2,})$")
_CALLED = frozenset({"tel", "phone", "mobile", "mob", "cell", "call", "wx", "vx", "wechat", "at"})
_EVEN = (  # how the eleven figures of a mobile number are set apart
    *((3, 4, 4), (3, 3, 5), (4, 4, 3), (4, 3, 4), (3, 8), (7, 4), (5, 6), (4, 7), (6, 5)),
    *((3, 4, 2, 2), (3, 2, 3, 3), (3, 2, 2, 4), (3, 2, 2, 2, 2), (1,) * 11, (11,)),
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9][./_\-])(?:[(（]?(?:(?:\+|00)86[ \-]?)?0(?:10|2[0-9])[)）]?[ \-]?"
    r"[2-8][0-9]{3}[ \-]?[0-9]{4}"
    r"|[(（]?(?:(?:\+|00)86[ \-]?)?0[3-9][0-9]{2}[)）]?[ \-]?[2-8][0-9]{2,3}[ \-]?[0-9]{4})"
    r"(?:(?: ?[转轉] ?|-|ext\.? ?)[0-9]{1,6})?(?![0-9A-Za-z])(?![./_\-][0-9])"
)
# A local number without area code is one only after the word for telephone.
_LOCAL = re.compile(
    r"(?:电话|座机|固话|電話)(?:号码?|是|为|[:： ]){0,4}([2-8][0-9]{6,7})(?![0-9A-Za-z\-./])"
)
_BUSINESS_CALL = re.compile(r"(?:客服|服务|热线|官方|投诉|总机|前台|公司)$")
_DATE = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_ABROAD = re.compile(
    r"(?<![0-9+])(?:\+|00)(?:85[23][ \-]?[0-9]{4}[ \-]?[0-9]{4}|886(?:[ \-]?[0-9]){8,9}"
    r"|(?:1|7|33|44|49|60|61|65|66|81|82|84)(?:[ \-]?\(?[0-9]\)?){8,10})(?![0-9])"
)
_ID_18 = re.compile(
    rf"(?<![0-9A-Za-z])[1-8](?:[ \-{JOINER}]{{0,2}}[0-9]){{16}}[ \-{JOINER}]{{0,2}}[0-9Xx]"
    r"(?![0-9A-Za-z])"
)
_ID_15 = re.compile(r"(?<![0-9A-Za-z])[1-8][0-9]{14}(?![0-9A-Za-z])")
_ID_SAID = re.compile(r"(?:身份证|身份證|证件号?码?|证号)[^，,。；;\n0-9]{0,8}$")
_CARD = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9]{16,19}|[0-9]{4}(?:[ \-][0-9]{4}){3}(?:[ \-][0-9]{1,3})?)"
    r"(?![0-9A-Za-z])"
)
_CARD_SAID = re.compile(
    r"(?:银行卡|储蓄卡|借记卡|信用卡|[工建农中招邮交]行卡?|(?<!会员)卡号|账号|账户)"
    r"[^，,。；;\n0-9]{0,6}$"
)
_PASSPORT = re.compile(
    r"(?:护照|護照|通行证|回乡证|旅行证)[^0-9A-Za-z，,。；;\n]{0,8}"
    r"((?:[EC][A-HJ-NP-Z][0-9]{7}|[EGDSPC][0-9]{8}|[HM][0-9]{8}(?:[0-9]{2})?))(?![0-9A-Za-z])"
    r"|(?:台胞证|台湾居民来往大陆通行证)[^0-9A-Za-z，,。；;\n]{0,8}([0-9]{8})(?![0-9A-Za-z])"
)

# GB 11643-1999: weights and check characters; GB/T 2260: the first two figures of a region.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_REGIONS = frozenset(
    str(number)
    for first, last in (
        (11, 15),
        (21, 23),
        (31, 37),
        (41, 46),
        (50, 54),
        (61, 65),
        (71, 71),
        (81, 83),
    )
    for number in range(first, last + 1)
)


def numbers_in(shadow: str) -> Iterator[Found]:
    """Yield personal numbers, longer kinds first: what lies in one found before is none itself."""
    for run in _RUN.finditer(shadow):
        if _ADDRESS.search(shadow, max(0, run.start() - _LINK), run.start()):
            continue
        start, end = max(0, run.start() - _MARGIN), run.end() + _MARGIN
        for kind, finder in _finders(shadow, run):
            for found in finder(shadow, start, end):
                yield kind, *found


def _finders(shadow: str, run: re.Match[str]) -> Iterator[tuple[str, Finder]]:
    """Yield what is worth looking for in a run of figures, by how many there are."""
    figures = sum(map(str.isdigit, run[0]))
    if figures >= 15:
        yield "id_card", _id_cards
    if figures >= 16:
        yield "bank_card", _bank_cards
    before = _before(shadow, run.start())
    if "照" in before or "证" in before:
        yield "passport", _passports
    if figures >= 11:
        yield "phone", _mobiles
    if figures >= 10 and "0" in run[0]:
        yield "phone", _landlines
    if "话" in before or "話" in before or "机" in before or "固" in before:
        yield "phone", _locals
    if figures >= 8 and ("00" in run[0] or "+" in before):
        yield "phone", _abroad


def figures_of(text: str) -> str:
    """Return the figures of a text, and a final X."""
    return re.sub(r"[^0-9Xx]", "", text).upper()


def _before(shadow: str, at: int) -> str:
    return shadow[max(0, at - _NEAR) : at]


def _mobiles(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _MOBILE.finditer(shadow, start, end):
        first, last = match.span()
        # invisible signs stand for no gap
        parts = re.split(r"[ \-.·]+", match[2].replace(JOINER, ""))
        if tuple(map(len, parts)) not in _EVEN:
            continue
        if "." in match[2] and tuple(map(len, parts)) != (3, 4, 4):
            continue
        before = _before(shadow, first)
        word = _LETTERS_BEFORE.search(before)
        if word is not None and word[1].lower() not in _CALLED:
            continue
        if _OTHER.search(before) or _UNIT.match(shadow, last):
            continue
        yield first, last


def _landlines(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _LANDLINE.finditer(shadow, start, end):
        if not _OTHER.search(_before(shadow, match.start())):
            yield match.span()


def _locals(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _LOCAL.finditer(shadow, max(0, start - _NEAR), end):
        if _DATE.fullmatch(match[1]) or _BUSINESS_CALL.search(_before(shadow, match.start())):
            continue
        yield match.span(1)


def _abroad(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _ABROAD.finditer(shadow, start, end):
        yield match.span()


def _id_cards(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _ID_18.finditer(shadow, start, end):
        number = figures_of(match[0])
        said = _ID_SAID.search(_before(shadow, match.start()))
        if is_id_card(number) or (said and _is_born(number[:2], number[6:14])):
            yield match.span()
    for match in _ID_15.finditer(
        shadow, start, end
    ):  # the cards of before 1999 have no check digit
        said = _ID_SAID.search(_before(shadow, match.start()))
        if said and _is_born(match[0][:2], f"19{match[0][6:12]}"):
            yield match.span()


def _bank_cards(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(shadow, start, end):
        number = figures_of(match[0])
        before = _before(shadow, match.start())
        said = _CARD_SAID.search(before) is not None
        if _OTHER.search(before) and not said:
            continue
        # UnionPay (62, 16 to 19 figures), Visa, Mastercard and JCB (16): others are orders.
        is_range = number.startswith("62") or (
            len(number) == 16 and re.match("4|5[1-5]|35", number) is not None
        )
        if (passes_luhn(number) and (is_range or said)) or (said and number.startswith("62")):
            yield match.span()


def _passports(shadow: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _PASSPORT.finditer(shadow, max(0, start - _NEAR), end):
        yield match.span(1 if match[1] else 2)


def is_id_card(number: str) -> bool:
    """Whether 18 characters are a resident identity number: region, day of birth, check digit."""
    if not _is_born(number[:2], number[6:14]):
        return False
    total = sum(
        weight * int(figure) for weight, figure in zip(_ID_WEIGHTS, number[:17], strict=True)
    )
    return _ID_CHECKS[total % 11] == number[17]


def _is_born(region: str, day: str) -> bool:
    is_day = "01" <= day[4:6] <= "12" and "01" <= day[6:8] <= "31"
    return region in _REGIONS and "1900" <= day[:4] <= "2099" and is_day


def passes_luhn(figures: str) -> bool:
    """Whether a card number's last digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, figure in enumerate(reversed(figures)):
        value = int(figure) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
