"""Shops and service points that are named: 乐从4S店, 官方旗舰店, 万达店. A bare 门店 names none.

In: text in plain spelling and where places stand in it. Out: spans with the name; a place before it
is left out, it is a fact of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from classify.facts_codes import Stated
from classify.facts_models import Named

_KIND = re.compile(
    r"4s店|[专旗体][卖舰验营]店|专营店|服务站|维修站|维修店|服务中心|售后点|分店|总店|直营店|自营店|加盟店|门店"
    r"|(?<![酒饭旅])店(?![里员家铺长内主面庆址名客门方])"
)
_ONLINE = frozenset({"旗舰店", "专营店", "直营店", "自营店"})
_AT = ("在", "到", "去", "从", "找", "经销商", "联系", "位于", "选择")  # a shop's name follows
_LONGEST = 16  # characters before the kind of shop
_BORDER = re.compile(r"[^一-龥a-z0-9·()（）\-]")
# Words after which a name begins, and words that no name of a shop holds.
_LEAD = re.compile(
    r".*(?:经销商|没有|在|到|去|从|找|是|的|了|向|跟|和|与|及|由|被|把|给|为|让|叫|说|问|对|按|经|这家|那家|某家|一家|哪家|几家"
    r"|多家|各家|家|这个|那个|任何|所有|附近|线下|我们?|他们?|你们?|商家|女士|先生|小姐|投诉|举报|联系|选择|通过|位于)"
)
_BARE = re.compile(
    r"(?:[本该此贵各每同全两三多几新老大小门开商实体网酒饭书药当奶茶咖啡快餐理发]|指定|官方|授权|连锁|品牌|线上|网上|线下|"
    r"当地|本地|就近)*"
)


def shops(plain: str, places: Sequence[tuple[int, int]], brand: Sequence[Named]) -> list[Stated]:
    """Return the shops that have a name, in the order they stand.

    The brand's name alone names none (澜禾门店), except an online one: 澜禾旗舰店.
    """
    found: list[Stated] = []
    last = 0
    for kind in _KIND.finditer(plain):
        floor = max(last, kind.start() - _LONGEST)
        borders = [one.end() for one in _BORDER.finditer(plain, floor, kind.start())]
        start = borders[-1] if borders else floor
        lead = _LEAD.match(plain, start, kind.start())
        if lead:
            start = lead.end()
        first = _behind_place(start, kind.start(), places)
        is_led = first > start or plain.endswith(_AT, 0, start)
        start = first
        name = plain[start : kind.start()]
        own = _without(start, kind.start(), plain, brand)
        if "旗舰" not in kind[0] and (len(own) < 2 or _BARE.fullmatch(own)):
            continue
        if len(name) < 2 or _BARE.fullmatch(name):
            continue
        # 雨刮器异响4S店不管: without a word that leads to a shop only its brand tells it is a name
        if not (is_led or len(own) < len(name) or kind[0] in _ONLINE):
            continue
        found.append(Stated(start, kind.end(), f"{name}{kind[0]}".upper()))
        last = kind.end()
    return found


def _without(start: int, end: int, plain: str, brand: Sequence[Named]) -> str:
    """Return a name without the words of the brand in it. `brand` stands in text order."""
    kept = list(plain[start:end])
    first = bisect_left(brand, start - _LONGEST, key=lambda word: word.start)
    last = bisect_left(brand, end, lo=first, key=lambda word: word.start)
    for word in brand[first:last]:
        for at in range(max(start, word.start), min(end, word.end)):
            kept[at - start] = ""
    return "".join(kept)


def _behind_place(start: int, end: int, places: Sequence[tuple[int, int]]) -> int:
    """Return where the name begins that stands behind one or more places, itself in text order."""
    first = bisect_left(places, (start - _LONGEST, 0))
    for begin, behind in places[first : bisect_left(places, (end, 0), lo=first)]:
        if begin <= start < behind <= end:
            start = behind
    return start
