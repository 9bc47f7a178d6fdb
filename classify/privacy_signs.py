"""Figures as people disguise them, read as plain ones: the shadow of a text, sign by sign.

In: any text. Out: a text of the same length whose positions are the same, in which full-width,
circled, mathematical and key-cap figures are ASCII, dashes are "-", and what cannot be seen is a
joiner. Chinese numerals become figures only in a run of them as long as a telephone number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

JOINER = "\x1f"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f\u20e3"
_DASHES = "－—–‐‑‒−﹣"
_BLANKS = "\u00a0\u3000\u2002\u2003\u2009\t"
# Traditional signs of the words that the rules look for, of surnames and of plates, one for one.
_TRADITIONAL = str.maketrans(
    "號樓棟單聯繫電話證護銀車門層戶區鎮鄉裡莊園灣機陳張劉黃趙吳孫馬羅鄭許韓馮鄧蕭葉蘇盧鐘陸範賈韋鄒龍賀顧龔錢嚴湯溫齊龐顏聶"
    "滬遼魯贛陝閩貴粵寧瓊雲晉",
    "号楼栋单联系电话证护银车门层户区镇乡里庄园湾机陈张刘黄赵吴孙马罗郑许韩冯邓肖叶苏卢钟陆范贾韦邹龙贺顾龚钱严汤温齐庞颜聂"
    "沪辽鲁赣陕闽贵粤宁琼云晋",
)
_NUMERALS = (
    ("〇零洞", "0"),
    ("一幺壹", "1"),
    ("二贰两", "2"),
    ("三叁", "3"),
    ("四肆", "4"),
    ("五伍", "5"),
    ("六陆", "6"),
    ("七柒拐", "7"),
    ("八捌", "8"),
    ("九玖勾", "9"),
)
_ODD = {ord(sign): figure for signs, figure in _NUMERALS for sign in signs}
_CIRCLED = {
    ord(sign): str(number % 10)
    for signs in ("⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "🄋➀➁➂➃➄➅➆➇➈")
    for number, sign in enumerate(signs)
}
_RARE = "".join(map(chr, [*_ODD, *_CIRCLED]))
# A run of at least seven: the shortest telephone number. Separators as people put them in between.
_RUN = re.compile(rf"[{_RARE}0-9](?:[ \-.·{JOINER}]{{0,2}}[{_RARE}0-9]){{6,}}")
_HAS_RARE = re.compile(rf"[{_RARE}][ \-.·{JOINER}]{{0,2}}[{_RARE}]")
_ENOUGH = 4  # of a run; fewer are list marks ("①13…") or counts
_RARE_TABLE = {**_ODD, **_CIRCLED}


# Brackets and commas stay: patterns take both kinds, and nearly every text has them.
_ODD_SIGN = re.compile(
    rf"[＃＋．／＠＿０-９Ａ-Ｚａ-ｚ\U0001d7ce-\U0001d7ff\u2070-\u2089²³¹{_INVISIBLE}{_DASHES}{_BLANKS}"
    rf"{''.join(map(chr, _TRADITIONAL))}]"
)


@cache
def _plain_table() -> dict[int, str]:
    """Return the signs that always read as others: of one character each, so places stay."""
    wide = "＃＋．／＠＿０１２３４５６７８９"
    table = {ord(sign): chr(ord(sign) - 0xFEE0) for sign in wide}
    for start in (0xFF21, 0xFF41):  # letters
        table |= {number: chr(number - 0xFEE0) for number in range(start, start + 26)}
    for number in (*range(0x1D7CE, 0x1D800), *range(0x2080, 0x208A), 0xB2, 0xB3, 0xB9, 0x2070):
        table[number] = str(unicodedata.digit(chr(number)))
    table.update({0x2070 + figure: str(figure) for figure in range(4, 10)})
    table.update(dict.fromkeys(map(ord, _INVISIBLE), JOINER))
    table.update(dict.fromkeys(map(ord, _DASHES), "-"))
    table.update(dict.fromkeys(map(ord, _BLANKS), " "))
    table.update({sign: chr(plain) for sign, plain in _TRADITIONAL.items()})
    return table


def shadow_of(text: str) -> str:
    """Return the shadow of a text; `len(shadow_of(text)) == len(text)`."""
    plain = text.translate(_plain_table()) if _ODD_SIGN.search(text) else text
    return _RUN.sub(_figures, plain) if _HAS_RARE.search(plain) else plain


def _figures(run: re.Match[str]) -> str:
    rare = sum(ord(sign) in _RARE_TABLE for sign in run[0])
    return run[0].translate(_RARE_TABLE) if rare >= _ENOUGH else run[0]
