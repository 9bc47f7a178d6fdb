from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classify.cluster_rules import Rules
from classify.evaluation_clusters import mentions_of
from classify.recall import Ledger
from config.errors import StoreError
from storage.records import ClusterId, Mention, ShardChanges, ShardState, Verdict
from tests.classify.ledger import gather_all, items_of, new_ledger, restore, restore_state
from tests.crash.gathering import TIGHT
from tests.eval.complaints import complaints
from tests.make import NOW, make_verdict

LEAK = (
    "云雀净水器滤芯接口漏水，厨房地板泡坏了",
    "净水器滤芯接口一直漏水，厨房全是水",
    "滤芯接口漏水把厨房泡了，云雀净水器太坑",
)
# The two halves share one mention's words only when the bridge comes.
BRIDGED = (
    "净水器滤芯接口漏水 厨房地板泡坏", "净水器滤芯接口漏水 厨房橱柜泡坏",
    "云雀客服电话打不通 售后推脱维修", "云雀客服电话打不通 售后推脱退款",
    "净水器滤芯接口漏水 云雀客服电话打不通", "滤芯接口漏水 客服电话打不通 售后推脱",
    "净水器滤芯接口漏水 客服电话打不通 售后推脱维修",
)  # fmt: skip
HEAT = "云雀空气炸锅插头发烫，一股焦糊味，吓得赶紧拔了"


def generated(seed: int, size: int) -> list[tuple[Mention, Verdict]]:
    rows = complaints(seed, issues=60)
    rows = sorted(rows + rows[::9], key=lambda row: row["time"])[:size]
    return [(one, make_verdict(one.mention_id)) for one in mentions_of(rows)]


def in_batches(
    items: list[tuple[Mention, Verdict]], borders: list[int], restarts: set[int]
) -> tuple[list[ShardChanges], Ledger]:
    ledger = new_ledger()
    shard = restore(ledger, TIGHT)
    made = []
    for number, (first, last) in enumerate(zip([0, *borders], [*borders, len(items)], strict=True)):
        if number in restarts:
            shard = restore(ledger, TIGHT)
        changes = shard.gather(items[first:last], NOW, ledger)
        ledger.save(changes, items[first:last])
        made.append(changes)
    return made, ledger


def test_the_same_trouble_gathers_and_another_stays_apart() -> None:
    _, changes = gather_all(items_of([*LEAK, HEAT]))

    homes = [one.cluster_id for one in changes.assignments]
    assert len(set(homes[:3])) == 1
    assert homes[3] != homes[0]


def test_every_mention_gets_exactly_one_assignment_even_without_words() -> None:
    items = items_of(["", "？！", "。。。", "a", "\ud800", LEAK[0]])
    _, changes = gather_all(items)

    assert [one.mention_id for one in changes.assignments] == [m.mention_id for m, _ in items]
    assert [one.seq for one in changes.assignments] == [1, 2, 3, 4, 5, 6]


def test_a_copy_inherits_the_cluster_and_moves_nothing() -> None:
    ledger, first = gather_all(items_of(LEAK[:2]))
    copies = items_of([f"转给大家看看//@小鹿:{LEAK[0]}"], first_id=9)
    changes = restore(ledger).gather(copies, NOW, ledger)

    [copy], [cluster] = changes.assignments, changes.clusters
    assert copy.duplicate_of == 1
    assert copy.cluster_id == first.assignments[0].cluster_id
    assert copy.sketch == b""
    assert (cluster.size, cluster.n_duplicates) == (2, 1)


def test_a_copy_of_a_copy_points_at_the_original() -> None:
    _, changes = gather_all(items_of([LEAK[0], LEAK[0] + "！", LEAK[0] + "？？"]))

    assert [one.duplicate_of for one in changes.assignments] == [None, 1, 1]


def test_a_revised_mention_is_no_copy_of_its_own_old_text() -> None:
    ledger, _ = gather_all(items_of([LEAK[0]]))
    [(mention, verdict)] = items_of([LEAK[0] + "，已经退款"])
    changes = restore(ledger).gather([(replace(mention, revision=1), verdict)], NOW, ledger)

    assert changes.assignments[0].duplicate_of is None


def test_cluster_ids_come_from_the_first_mention() -> None:
    _, once = gather_all(items_of([LEAK[0], HEAT]))
    _, again = gather_all(items_of([LEAK[0], HEAT, LEAK[1]]))

    assert {one.cluster_id for one in once.clusters} == {one.cluster_id for one in again.clusters}
    assert once.clusters[0].cluster_id.startswith("yunque-")


def test_opening_and_merging_stand_in_the_journal() -> None:
    rules = Rules(complaint_merge=0.25, post_merge=0.25)
    ledger, changes = gather_all(items_of(BRIDGED), rules)

    merges = [event for event in changes.events if event.kind == "merge"]
    assert merges
    for event in merges:
        assert event.other_id is not None
        assert ledger.clusters[event.other_id].state == "alias"
    live = [one for one in ledger.clusters.values() if one.state == "live"]
    assert sum(one.size + one.n_duplicates for one in live) == len(BRIDGED)
    opened = [event.cluster_id for event in changes.events if event.kind == "open"]
    assert sorted(opened) == sorted(ledger.clusters)


def test_the_older_cluster_survives_a_merge() -> None:
    texts = [*LEAK[:1], HEAT, *LEAK[1:], LEAK[0] + LEAK[1]]
    ledger, _ = gather_all(items_of(texts), Rules(complaint_merge=0.05, post_merge=0.05))

    aliases = [one for one in ledger.clusters.values() if one.state == "alias"]
    for alias in aliases:
        assert alias.alias_of is not None
        survivor = ledger.clusters[alias.alias_of]
        assert survivor.first_at is not None
        assert alias.first_at is not None
        assert survivor.first_at <= alias.first_at


def test_a_cluster_untouched_for_its_window_goes_cold_and_is_stored_so() -> None:
    rules = Rules(keep_clusters=0, single_window_days=14, window_days=60)
    items = items_of([*LEAK, HEAT])
    for days, text in ((20, "快递把机器摔坏了不肯赔"), (62, "门店说没有这个型号")):
        at = NOW + timedelta(days=days)
        [(mention, verdict)] = items_of([text], first_id=100 + days)
        items.append((replace(mention, published_at=at, observed_at=at), verdict))
    ledger, _ = gather_all(items, rules)

    states = {one.size: one.state for one in ledger.clusters.values() if one.size > 1}
    assert states == {3: "cold"}
    assert sorted(one.state for one in ledger.clusters.values()) == ["cold"] * 3 + ["live"]


def test_a_complaint_that_comes_back_opens_its_cold_cluster_again() -> None:
    rules = Rules(keep_clusters=0, single_window_days=14, window_days=60)
    items = items_of(LEAK)
    later = items_of(["快递把机器摔坏了不肯赔"], first_id=20, start=NOW + timedelta(days=70))
    again = items_of(
        ["云雀净水器滤芯接口又漏水，厨房地板泡坏"], first_id=30, start=NOW + timedelta(days=71)
    )
    ledger, first = gather_all([*items, *later], rules)
    [leak] = [one.cluster_id for one in first.clusters if one.state == "cold"]
    changes = restore(ledger, rules).gather(again, NOW, ledger)
    ledger.save(changes, again)

    assert [one.cluster_id for one in changes.assignments] == [leak]
    assert [(one.kind, one.cluster_id) for one in changes.events] == [("reopen", leak)]
    live = ledger.clusters[leak]
    assert (live.state, live.size) == ("live", 4)


def test_a_copy_of_a_text_that_went_cold_opens_its_cluster_again() -> None:
    rules = Rules(keep_clusters=0, single_window_days=14, window_days=60)
    items = items_of([LEAK[0]])
    later = items_of(["快递把机器摔坏了不肯赔"], first_id=20, start=NOW + timedelta(days=20))
    copy = items_of([LEAK[0] + "！"], first_id=30, start=NOW + timedelta(days=21))
    _, changes = gather_all([*items, *later, *copy], rules)

    assert changes.assignments[2].duplicate_of == 1
    assert [one.kind for one in changes.events] == ["open", "cold", "open", "reopen"]
    [leak] = [one for one in changes.clusters if one.n_duplicates]
    assert leak.state == "live"
    assert not changes.cold


def test_few_clusters_stay_live_whatever_their_age() -> None:
    ledger, _ = gather_all(items_of([*LEAK, HEAT, LEAK[1] + "！！"], step=timedelta(days=200)))

    assert {one.state for one in ledger.clusters.values()} == {"live"}


def test_a_date_in_the_future_does_not_end_the_windows_of_others() -> None:
    items = items_of([LEAK[0], HEAT, LEAK[1]])
    mention, verdict = items[1]
    items[1] = (replace(mention, published_at=NOW + timedelta(days=3650)), verdict)
    ledger, _ = gather_all(items, Rules(keep_clusters=0))

    assert {one.state for one in ledger.clusters.values()} == {"live"}


def test_mentions_with_the_same_trouble_gather_in_any_words() -> None:
    texts = ["这锅谁敢用啊，灶台都熏黑了", "半夜厨房冒烟，差点出大事", "刚插上电就闻到糊味"]
    items = [
        (mention, replace(verdict, products=("空气炸锅",), symptoms=("冒烟起火",)))
        for mention, verdict in items_of(texts)
    ]
    _, changes = gather_all(items)

    assert len({one.cluster_id for one in changes.assignments}) == 1


def test_the_label_does_not_change_with_every_mention() -> None:
    ledger = new_ledger()
    shard = restore(ledger)
    labels = []
    for item in items_of([f"{LEAK[n % 3]}，第{n}天了" for n in range(16)]):
        changes = shard.gather([item], NOW, ledger)
        labels += [one.label for one in changes.clusters if one.size > 1]

    changed = sum(a != b for a, b in pairwise(labels))
    assert changed <= 3


@given(data=st.data())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_borders_and_restarts_change_no_byte(data: st.DataObject) -> None:
    items = generated(data.draw(st.integers(1, 3)), 150)
    borders = sorted(data.draw(st.sets(st.integers(1, len(items) - 1), max_size=6)))
    restarts = data.draw(st.sets(st.integers(0, len(borders))))
    _, whole = in_batches(items, [], set())
    made, parts = in_batches(items, borders, restarts)

    assert parts.clusters == whole.clusters
    assert parts.events == whole.events
    assert parts.homes == whole.homes
    assert_follows_the_journal(made, parts)


def assert_follows_the_journal(made: list[ShardChanges], ledger: Ledger) -> None:
    """Every member is in a live or cold cluster, where sizes say so, by rows of the journal."""
    held = Counter(ledger.homes.values())
    for cluster_id, count in held.items():
        cluster = ledger.clusters[cluster_id]
        assert cluster.state in {"live", "cold"}
        assert cluster.size + cluster.n_duplicates == count
    rows = [(one.kind, one.cluster_id, one.other_id) for one in ledger.events if one.other_id]
    came_from = {new: old for kind, old, new in rows if kind == "split"}
    went_to = {absorbed: survivor for kind, survivor, absorbed in rows if kind == "merge"}
    for one in (one for changes in made for one in changes.assignments):
        home, reachable = ledger.homes[one.mention_id], {one.cluster_id}
        while len(reachable) < len(
            reachable := reachable
            | {went_to[one] for one in reachable if one in went_to}
            | {new for new, old in came_from.items() if old in reachable}
        ):
            pass
        assert home in reachable


def test_the_stream_of_the_properties_meets_every_rule_of_time() -> None:
    _, ledger = in_batches(generated(1, 150), [], set())

    assert {one.kind for one in ledger.events} == {"open", "merge", "split", "cold", "reopen"}


def test_a_restart_replays_what_came_after_the_snapshot() -> None:
    items = generated(2, 250)
    rules = Rules()
    ledger = new_ledger()
    shard = restore(ledger, rules)
    for first in range(0, 200, 50):
        batch = items[first : first + 50]
        ledger.save(shard.gather(batch, NOW, ledger), batch)
    ledger.snapshot = None  # as if none had been due yet
    unbroken = shard.gather(items[200:], NOW, ledger)

    assert unbroken == restore(ledger, rules).gather(items[200:], NOW, ledger)


def test_a_cluster_of_another_format_is_refused() -> None:
    ledger, changes = gather_all(items_of([LEAK[0]]))
    cluster = changes.clusters[0]
    ledger.clusters[cluster.cluster_id] = replace(cluster, blob=b"\x63" + cluster.blob[1:])

    with pytest.raises(StoreError, match="format 99, expected 1"):
        restore(ledger)


@given(st.lists(st.text(max_size=80), max_size=12))
@settings(max_examples=30, deadline=None)
def test_any_texts_are_gathered(texts: list[str]) -> None:
    items = items_of(texts)
    ledger, changes = gather_all(items)

    assert len(changes.assignments) == len(texts)
    assert restore(ledger).gather(items_of([LEAK[0]], first_id=500), NOW, ledger).assignments


def stale(ledger: Ledger, cluster_id: ClusterId) -> ShardState:
    """What is stored when people changed a cluster's members: its blob is empty."""
    record = replace(ledger.clusters[cluster_id], blob=b"", representative_id=None)
    ledger.clusters[cluster_id] = record
    members = tuple(reversed(ledger.members([cluster_id], 400)))
    return replace(ledger.state(), members={cluster_id: members})


def test_a_cluster_whose_members_people_changed_is_made_anew_from_them() -> None:
    items = items_of([*LEAK, HEAT])
    ledger, changes = gather_all(items)
    leak = changes.assignments[0].cluster_id
    ledger.place(items[3][0].mention_id, leak)
    state = stale(ledger, leak)
    later = items_of(["空气炸锅插头发烫，焦糊味，吓得拔了"], first_id=50)

    once, again = (restore_state(state).gather(later, NOW, ledger) for _ in range(2))

    assert once == again
    [record] = [one for one in once.clusters if one.cluster_id == leak]
    assert record.blob
    assert record.representative_id in {mention.mention_id for mention, _ in items}
    assert once.assignments[0].cluster_id in {leak, changes.assignments[3].cluster_id}


def test_a_name_given_by_a_person_stays() -> None:
    items = items_of(LEAK)
    ledger, changes = gather_all(items)
    leak = changes.assignments[0].cluster_id
    named = replace(ledger.clusters[leak], label="滤芯漏水", named_by="lin")
    ledger.clusters[leak] = named
    later = items_of([f"{LEAK[n]}，第{n}回了" for n in range(3)], first_id=50)

    for state in (ledger.state(), stale(ledger, leak)):
        changes = restore_state(state).gather(later, NOW, ledger)
        [record] = [one for one in changes.clusters if one.cluster_id == leak]
        assert (record.label, record.named_by) == ("滤芯漏水", "lin")


def test_what_a_person_keeps_apart_or_pins_is_not_merged() -> None:
    rules = Rules(complaint_merge=0.25, post_merge=0.25)
    items = items_of(BRIDGED)
    ledger, _ = gather_all(items[:4], rules)
    one, other = sorted({ledger.homes[mention.mention_id] for mention, _ in items[:4]})
    state = ledger.state()
    pinned = tuple(replace(one, pinned=True) for one in state.clusters)
    pairs = {
        name: [
            (event.cluster_id, event.other_id)
            for event in restore_state(told, rules).gather(items[4:], NOW, ledger).events
            if event.kind == "merge"
        ]
        for name, told in (
            ("free", state),
            ("apart", replace(state, apart=frozenset({(one, other)}))),
            ("pinned", replace(state, clusters=pinned)),
        )
    }
    assert {one, other} in [set(pair) for pair in pairs["free"]]
    assert {one, other} not in [set(pair) for pair in pairs["apart"]]
    assert pairs["pinned"] == []
