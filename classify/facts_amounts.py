"""Sums of money in a text: 1299元, ￥1,299.00, 三千八百块, 18.6万, 1.5w. All in yuan.

In: text in plain spelling. Out: spans with the sum as plain digits ("1299", "18.5").
"""

from __future__ import annotations

import re
from decimal import Decimal

from classify.facts_codes import Stated

_DIGITS = {word: n for n, word in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_SCALE = {"千": 1_000, "k": 1_000, "百": 100, "万": 10_000, "w": 10_000, "亿": 100_000_000, "": 1}

_MORE = r"[多来几余]?"
_FIGURE = r"(\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,2})?|\d{1,12}(?:\.\d{1,3})?)"
_ARABIC = r"(?<![\da-z.])" + _FIGURE
_CHINESE = r"([一二两三四五六七八九十百千万亿零]{1,12}?)"
_MONEY = (
    r"(?:元(?!旦|件|素|器|宵|年|月|老)|块(?![^\W\d_a-z钱的,。;!?]{0,2}[屏板电玻布肉表木石瓷瓦]))"
)
_SIGN = re.compile(rf"(?:¥|rmb|人民币) ?{_FIGURE} ?([万千亿wk])?")
_PLAIN = re.compile(rf"{_ARABIC} ?([万千百亿wk])?{_MORE} ?(?:{_MONEY}|人民币|rmb(?![a-z]))")
_WORDS = re.compile(rf"(?<![第星期周一二两三四五六七八九十百千万亿零]){_CHINESE}{_MORE}{_MONEY}")
# Without a unit of money only after a word about money, and not before a unit of something else.
_SPENT = re.compile(
    r"(?:花[了费]|花(?=\d)|付了?|交了?|赔我?|退款?|损失了?|扣了?|充值?了?|定金|订金|首付|月供|报价|售价|原价|现价|总价"
    r"|提车价|价格|卖|收了?我?|转账?了?|欠款?|余额|拖欠|保费|要价|金额|合计|实付|涨到|降到|卖到|贵了|标价|到手价|市值(?:蒸发|缩水)?)[^\d\n,。;!?$€£]{0,5}"
    + _FIGURE
    + r"(?![\d.]) ?([万千亿wk](?![a-z]))?"
    r"(?! ?[多来几]?(?:年|月|日|号|天|个|次|台|辆|名|人|位|小时|分|公里|米|度|%|折|倍|条|遍|件|瓶"
    r"|盒|家|周|kg|km|岁|星|点|种|轮|回|版|套|张|寸|期|栋|号|楼|层|室|路|线|班|所|w |[./\-:]))"
)


def amounts(plain: str) -> list[Stated]:
    """Return the sums of money in a text, in the order they stand."""
    found: list[Stated] = []
    if re.search(r"\d", plain):
        for pattern in (_SIGN, _PLAIN, _SPENT):
            for one in pattern.finditer(plain):
                yuan = Decimal(one[1].replace(",", "")) * _SCALE[one[2] or ""]
                found.append(Stated(one.start(1), one.end(), _plain(yuan)))
    if "块" in plain or "元" in plain:
        for one in _WORDS.finditer(plain):
            value = number(one[1])
            # 两块电池, 一块屏: one or two of something, unless money is named
            is_money = value >= 10 or plain.startswith(("钱", "五", "八"), one.end())
            if value and (is_money or plain[one.end() - 1] == "元"):
                found.append(Stated(one.start(1), one.end(), _plain(Decimal(value))))
    kept: list[Stated] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return [one for one in kept if one.value != "0"]


def number(words: str) -> int:
    """Return the number that Chinese numerals name: 两千八 → 2800, 三万五 → 35000; 0 for none."""
    total = section = digit = 0
    last_unit = 1
    for word in words:
        if word in _DIGITS:
            digit = _DIGITS[word]
            if digit == 0:
                last_unit = 1  # 一千零五: the five is a five
            continue
        unit = _UNITS[word]
        if unit >= 10_000:
            total += (section + digit) * unit
            section = 0
        else:
            section += (digit or 1) * unit
        digit, last_unit = 0, unit
    return total + section + digit * (last_unit // 10 if last_unit > 10 else 1)


def _plain(yuan: Decimal) -> str:
    text = f"{yuan:.2f}"
    return text.rstrip("0").rstrip(".")
