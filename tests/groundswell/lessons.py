"""Texts of one trade, whose words the shipped weights do not know, and what people say of them."""

from __future__ import annotations

import random
from datetime import timedelta

from groundswell.wiring import Application
from storage.records import BrandId, Correction, MentionId, RawMention, SourceId
from tests.groundswell.test_pipeline import NOW

# Owners of this kettle say "唱歌" of a humming base and "发芽" of rust; both are bad news.
BAD = ("又唱歌了", "底座唱歌", "内胆发芽", "唱歌一整晚", "壶嘴发芽", "发芽两处")
CALM = ("煮了小米粥", "泡了菊花", "烧了一壶水", "煮着红枣", "温着牛奶", "炖了银耳")
WHEN = ("今天早上", "昨天夜里", "周末", "出差回来", "第三个月", "刚拆箱", "午休时", "换了插座后")
WHO = ("我妈", "室友", "邻居", "同事", "孩子他爸", "楼下阿姨", "表姐", "我")
END = ("拍了照片", "发出来看看", "记录一下", "和群里说一声", "顺手写两句", "给大家参考")


def said(n: int, *, is_bad: bool) -> str:
    """One text; `n` makes it unlike the others."""
    chance = random.Random(n * 2 + is_bad)
    pieces = [chance.choice(part) for part in (WHEN, WHO, BAD if is_bad else CALM, END)]
    odd = "".join(chance.sample("青竹云溪石桥南门北巷东园西塘花鸟鱼虫山海江河湖泊林田", 9))
    return f"{pieces[0]}{pieces[1]}的云雀养生壶{pieces[2]}，{odd}，{pieces[3]}"


def teach(application: Application, n: int) -> None:
    """Take in n texts, half of them bad, and have somebody judge them all rightly."""
    raws = [
        RawMention(
            source_id=SourceId("bbs"),
            platform="论坛",
            text=said(number, is_bad=number % 2 == 0),
            native_id=f"t{number}",
            author=f"壶友{number}",
            observed_at=NOW,
            published_at=NOW - timedelta(minutes=number),
        )
        for number in range(n)
    ]
    with application.store.transaction() as tx:
        kept = application.journey.keep_each(tx, raws, NOW)
    application.stages.drain()
    words = [
        Correction(
            correction_no=0,
            mention_id=MentionId(mention_id),
            brand_id=BrandId("yunque"),
            kind="polarity",
            value="negative" if number % 2 == 0 else "not_negative",
            was="",
            actor="linxiao",
            door="console",
            at=NOW,
        )
        for number, (_, mention_id) in enumerate(kept)
        if mention_id is not None
    ]
    with application.store.transaction() as tx:
        tx.correct(words, NOW)
