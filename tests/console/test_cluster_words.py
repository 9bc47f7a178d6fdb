"""What pages of clusters say and draw, without a page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from groundswell.console.cluster_charts import hour_layers, tiny_hours
from groundswell.console.cluster_words import (
    JournalRow,
    journal_rows,
    likeliest,
    likeliest_for,
)
from storage.records import ClusterEvent, ClusterId, HourCount, MentionId
from tests.make import NOW, ago, make_cluster

ONE, OTHER, GONE = (ClusterId(f"yunque-{name}") for name in ("one", "other", "gone"))
NAMES = {
    ONE: make_cluster(ONE, label="滤芯漏水"),
    OTHER: make_cluster(OTHER, label="客服推脱"),
    GONE: make_cluster(GONE, label="水管滴水", state="alias", alias_of=ONE),
}


def row(number: int, kind: str, **fields: Any) -> ClusterEvent:
    return ClusterEvent(
        **({"cluster_id": ONE, "kind": kind, "at": NOW, "event_no": number} | fields)
    )


def told(*events: ClusterEvent) -> list[JournalRow]:
    return journal_rows(ONE, events, NAMES)


def test_texts_that_went_together_are_one_act_and_undone_whole() -> None:
    fields: dict[str, Any] = {"other_id": OTHER, "actor": "lin", "note": "看错了"}
    moves = [row(n, "move", mention_id=MentionId(n), **fields) for n in (1, 2, 3)]
    later = row(4, "move", mention_id=MentionId(4), **fields | {"at": NOW + timedelta(hours=1)})

    newest, act = told(*moves, later)

    assert (newest.text, newest.undo_nos) == ("从「客服推脱」移来 1 条提及", (4,))
    assert (act.text, act.undo_nos) == ("从「客服推脱」移来 3 条提及", (1, 2, 3))
    assert (act.mentions, act.note, act.other) == ((1, 2, 3), "看错了", OTHER)
    some = told(*moves, row(9, "undo", undoes=2))[-1]
    assert (some.undo_nos, some.undone) == ((1, 3), False)
    undos = [row(n + 9, "undo", undoes=n, mention_id=MentionId(n)) for n in (1, 2, 3)]
    undo, taken = told(*moves, *undos)
    assert (taken.undo_nos, taken.undone) == ((), True)
    assert (undo.text, undo.undo_nos) == ("撤销了“从「客服推脱」移来 3 条提及”", ())


def test_each_side_tells_an_act_as_it_saw_it() -> None:
    other = {"cluster_id": OTHER, "other_id": ONE}
    texts = [one.text for one in told(row(1, "split", **other), row(2, "move", **other))]
    assert texts == ["移走 1 条提及到「客服推脱」", "从「客服推脱」拆出来"]
    assert told(row(1, "split", other_id=ClusterId("yunque-unknown")))[0].other is None
    named = told(row(1, "rename", note="漏水", was="滴水"), row(2, "rename", was="漏水"))
    assert [one.text for one in named] == [
        "名字交还给程序（原名「漏水」）",
        "改名为「漏水」（原名「滴水」）",
    ]


def test_what_was_merged_in_keeps_its_story() -> None:
    mine, pinned, renamed, parted = told(
        row(1, "open", cluster_id=GONE),
        row(2, "split", cluster_id=GONE, other_id=OTHER),
        row(3, "rename", cluster_id=GONE, note="水管滴水"),
        row(4, "pin", cluster_id=GONE),
        row(5, "merge", other_id=GONE, note="0.83"),
    )
    assert (mine.text, mine.other, mine.undo_nos) == ("并入了「水管滴水」", None, (5,))
    assert (parted.text, parted.undo_nos) == ("「水管滴水」拆出了「客服推脱」", (2,))
    assert (pinned.text, pinned.undo_nos) == ("「水管滴水」固定", ())  # first the merge
    assert renamed.undo_nos == ()


def test_the_likeliest_share_words_of_label_and_keywords() -> None:
    one = make_cluster(ONE, label="滤芯漏水没人管", keywords=("滤芯", "漏水"))
    near = make_cluster("yunque-near", label="滤芯一直漏水", keywords=("滤芯", "漏水"))
    far = make_cluster("yunque-far", label="快递压坏外箱", keywords=("快递", "外箱"))
    bare = make_cluster("yunque-bare", label="", keywords=())
    assert likeliest(one, [far, near, bare]) == [near]
    assert likeliest_for(["箱子被快递压坏了", "外箱破了"], [near, far, bare]) == [far]


@pytest.mark.parametrize(("window", "bars"), [(24, 24), (72, 24), (168, 28)])
def test_a_tiny_drawing_covers_its_window_and_no_more(window: int, bars: int) -> None:
    hour = NOW.replace(minute=0)
    inside = [(hour - timedelta(hours=n), n + 1) for n in range(window)]
    outside = [(hour + timedelta(hours=1), 99), (hour - timedelta(hours=window), 99)]
    drawn = str(tiny_hours([*inside, *outside], NOW, window))
    assert drawn.count("<rect") == bars
    assert f"共 {sum(n for _, n in inside):,} 条" in drawn
    assert tiny_hours(outside, NOW, window) == ""


def test_layers_lie_over_each_other_and_say_the_peak() -> None:
    hours = [
        HourCount(hour=ago(hours=n), mentions=n, authors=n - 1, texts=1, live=0, watch=0)
        for n in (2, 5)
    ]
    layers = hour_layers(hours, NOW, ZoneInfo("Asia/Shanghai"))
    assert layers is not None
    drawn = str(layers.drawing)
    assert layers.most == 5
    assert "最多的一小时是 03-10 07 时，5 条、4 人、1 种说法" in drawn
    assert [len(re.findall("<rect", part)) for part in drawn.split("<g ")[1:4]] == [2, 2, 2]
    assert drawn.count("<title>") == 2
    old = [HourCount(hour=ago(hours=80), mentions=1, authors=1, texts=1, live=0, watch=0)]
    assert hour_layers(old, NOW, ZoneInfo("UTC")) is None
