"""People's word on clusters, from SQL up: what they say holds at once and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.errors import StoreError
from storage.cluster_checks import EditRefusedError
from storage.records import BrandId, ClusterId, Correction, MentionId, Move, Polarity, ShardId
from storage.store import Store
from tests.make import BRAND, NOW, make_verdict
from tests.storage.cluster_drive import Shard
from tests.storage.drive import rows
from tests.storage.test_hours import recounted, stored

WHO = "linxiao"


@pytest.fixture
def shard(sqlite_url: str) -> Iterator[Shard]:
    """On SQLite; what is written in SQL that differs is tested with `both` databases."""
    store = Store(sqlite_url)
    yield Shard(store)
    store.close()


@pytest.fixture
def both(store: Store) -> Shard:
    return Shard(store)


def do(store: Store, act: str, *values, **named):
    with store.transaction() as tx:
        return getattr(tx, act)(*values, WHO, NOW, **named)


def merge(shard: Shard, one: str, other: str):
    return do(shard.store, "merge_clusters", one, other)


def undo(shard: Shard, event_no: int):
    return do(shard.store, "undo_cluster_event", event_no)


def check(shard: Shard) -> None:
    """Counts equal a recount; rows say what their members are; aliases are one step."""
    store = shard.store
    assert stored(store) == recounted(store)
    members = rows(store, "mention_cluster")
    clusters = {row["cluster_id"]: row for row in rows(store, "cluster")}
    place = {(row["mention_pk"], row["brand_id"]): row["cluster_id"] for row in members}
    for row in members:
        assert clusters[row["cluster_id"]]["state"] != "alias"
        if row["duplicate_of"] is not None:
            assert place[row["duplicate_of"], row["brand_id"]] == row["cluster_id"]
    for cluster in clusters.values():
        if cluster["state"] == "alias":
            assert clusters[cluster["alias_of"]]["state"] != "alias"
            continue
        assert cluster["alias_of"] is None
        own = [row for row in members if row["cluster_id"] == cluster["cluster_id"]]
        texts = sum(row["duplicate_of"] is None for row in own)
        if not cluster["blob"]:
            assert (cluster["size"], cluster["n_duplicates"]) == (texts, len(own) - texts)
            assert cluster["state"] == ("live" if own else "cold")
            shown = cluster["representative_id"]
            assert shown is None or shown in {row["mention_pk"] for row in own}
    assert len({row["event_no"] for row in shard.journal()}) == len(shard.journal())


# --- merging ------------------------------------------------------------------------------------


def test_the_older_id_survives_and_the_other_redirects_for_ever(shard):
    first, second = shard.open("b", 3), shard.open("a", 2)
    old, new = shard.id("b"), shard.id("a")

    done = merge(shard, new, old)

    assert done.clusters == (old, new)
    [event] = done.events
    assert (event.kind, event.cluster_id, event.other_id, event.actor) == ("merge", old, new, WHO)
    assert shard.members() == {old: {*first, *second}}
    row = shard.row(old)
    assert (row.size, row.blob, row.state) == (5, b"", "live")
    assert (shard.row(new).state, shard.row(new).alias_of) == ("alias", old)
    placed = {r["mention_pk"]: r["placed_by"] for r in rows(shard.store, "mention_cluster")}
    assert placed == dict.fromkeys(first, "") | dict.fromkeys(second, WHO)
    check(shard)
    with shard.store.transaction() as tx:
        assert tx.shards_left_since(0)[1] == {shard.shard_id}
        state = tx.load_shard(shard.shard_id, NOW)
    assert len(state.members[old]) == 5


def test_redirects_are_one_step_through_any_number_of_merges(shard):
    for letter in "abcd":
        shard.open(letter)
    a, b, c, d = (shard.id(letter) for letter in "abcd")
    merge(shard, c, d)
    merge(shard, b, d)  # d stands for c today

    merge(shard, a, c)

    assert {shard.row(one).alias_of for one in (b, c, d)} == {a}
    assert merge_refused(shard, d, b) == f"{d} 和 {b} 已经是同一个聚类 {a} (already one cluster)"
    check(shard)


def merge_refused(shard: Shard, one: str, other: str) -> str:
    with pytest.raises(EditRefusedError) as refused:
        merge(shard, one, other)
    return str(refused.value)


def test_what_cannot_be_merged_is_refused_with_what_to_do(shard):
    shard.open("a")
    english = Shard(shard.store, ShardId("yunque/en"), taken=10)
    english.open("e")
    elsewhere = Shard(shard.store, ShardId("bailing/zh"), BrandId("bailing"), taken=20)
    elsewhere.open("b")
    a = shard.id("a")

    assert "groundswell cluster list" in merge_refused(shard, a, "yunque-none")
    assert "groundswell incidents merge" in merge_refused(shard, a, english.id("e"))
    assert "聚类不跨品牌" in merge_refused(shard, a, elsewhere.id("b"))
    with shard.store.transaction() as tx, pytest.raises(EditRefusedError, match="谁改的"):
        tx.merge_clusters(a, a, "system", NOW)


@pytest.mark.parametrize("by_program", [True, False])
def test_undoing_a_merge_gives_back_exactly_what_was_brought(both, by_program):
    shard = both
    first, second, third = shard.open("a", 2), shard.open("b", 2), shard.open("c", 2)
    a, b, c = (shard.id(letter) for letter in "abc")
    unite = shard.merge if by_program else (lambda one, other: merge(shard, one, other))
    unite(b, c)  # c had gone into b before
    unite(a, b)
    [late] = shard.join(a)
    [copy] = shard.join(a, copy_of=second[0])
    number = shard.journal()[-1]["event_no"]

    done = undo(shard, number)

    assert shard.members() == {a: {*first, late}, b: {*second, *third, copy}}
    assert done.clusters == (b, a)
    assert [event.kind for event in done.events] == ["undo", "apart"]
    assert (shard.row(b).state, shard.row(b).blob, shard.row(c).alias_of) == ("live", b"", b)
    assert shard.row(b).label == "第三批次滤芯漏水"
    assert "groundswell cluster together" in merge_refused(shard, a, b)
    with shard.store.transaction() as tx:
        assert tx.load_shard(shard.shard_id, NOW).apart == {(a, b)}
    check(shard)
    with pytest.raises(EditRefusedError, match=f"第 {number} 条已经被第 {number + 1} 条撤销过"):
        undo(shard, number)

    undo(shard, number - 1)  # and then c out of b

    assert shard.members() == {a: {*first, late}, b: {*second, copy}, c: {*third}}
    check(shard)


def test_a_merge_is_undone_on_the_survivor_of_today(shard):
    first, second, third = shard.open("a", 1), shard.open("b", 2), shard.open("c", 3)
    a, b, c = (shard.id(letter) for letter in "abc")
    number = merge(shard, b, c).events[0].event_no
    merge(shard, a, b)

    done = undo(shard, number)

    assert shard.members() == {a: {*first, *second}, c: {*third}}
    assert done.clusters == (c, a)
    with shard.store.transaction() as tx:
        assert tx.load_shard(shard.shard_id, NOW).apart == {(a, c)}
    check(shard)


def test_what_left_a_merged_cluster_since_stays_where_it_went(shard):
    shard.open("a", 1)
    second, [other] = shard.open("b", 3), shard.open("c", 1)
    a, b, c = (shard.id(letter) for letter in "abc")
    number = merge(shard, a, b).events[0].event_no
    do(shard.store, "move_mentions", [second[0]], c)
    with shard.store.transaction() as tx:
        tx.save_verdicts([MentionId(second[1])], [], NOW)

    undo(shard, number)

    assert shard.members()[b] == {second[2]}
    assert shard.members()[c] == {other, second[0]}
    check(shard)


def test_apart_is_handed_on_by_merges_and_given_back_by_their_undoing(both):
    shard = both
    for letter in "abcd":
        shard.open(letter)
    a, b, c, d = (shard.id(letter) for letter in "abcd")
    do(shard.store, "set_apart", b, d)
    number = merge(shard, a, b).events[0].event_no

    assert "together" in merge_refused(shard, a, d)
    merge(shard, c, d)
    with shard.store.transaction() as tx:
        assert tx.load_shard(shard.shard_id, NOW).apart == {(a, c)}

    undo(shard, number)
    with shard.store.transaction() as tx:
        assert tx.load_shard(shard.shard_id, NOW).apart == {(a, b), (b, c)}
    do(shard.store, "bring_together", d, b)
    with shard.store.transaction() as tx:
        assert tx.load_shard(shard.shard_id, NOW).apart == {(a, b)}
    merge(shard, b, d)
    check(shard)


# --- splitting and moving -----------------------------------------------------------------------


def test_a_split_takes_whole_texts_and_goes_back_whole(shard):
    texts = shard.open("a", 5)
    a = shard.id("a")
    [copy, another] = shard.join(a, 2, copy_of=texts[1])

    done = do(shard.store, "split_cluster", a, [texts[0], copy], note="另一件事")

    source, part = done.clusters
    assert shard.members() == {
        a: {*texts[2:]}, part: {texts[0], texts[1], copy, another},
    }  # fmt: skip
    row = shard.row(part)
    assert (row.parent_id, row.size, row.n_duplicates) == (a, 2, 2)
    assert row.representative_id in {texts[0], texts[1]}
    assert row.label == f"净水器漏水无人处理 {row.representative_id}"
    check(shard)

    [late] = shard.join(part)
    undo(shard, done.events[0].event_no)

    assert shard.members() == {source: {*texts, copy, another, late}}
    assert shard.row(part).alias_of == a
    check(shard)


def test_a_merge_can_be_undone_after_a_split_came_and_went(both):
    shard = both
    first, second = shard.open("a", 3), shard.open("b", 3)
    a, b = shard.id("a"), shard.id("b")
    number = merge(shard, a, b).events[0].event_no
    split = do(shard.store, "split_cluster", a, [first[0], second[0]]).events[0].event_no
    undo(shard, split)

    undo(shard, number)

    assert shard.members() == {a: {*first}, b: {*second}}
    check(shard)


def test_a_split_by_the_program_is_undone_like_any_other(shard):
    texts = shard.open("a", 4)
    a = shard.id("a")
    [copy] = shard.join(a, copy_of=texts[3])
    part = shard.split(a, "p", texts[2:])
    assert shard.members() == {a: {*texts[:2]}, part: {*texts[2:], copy}}
    check(shard)

    undo(shard, shard.journal()[-1]["event_no"])

    assert shard.members() == {a: {*texts, copy}}
    placed = {r["mention_pk"]: r["placed_by"] for r in rows(shard.store, "mention_cluster")}
    assert placed == dict.fromkeys(texts[:2], "") | dict.fromkeys([*texts[2:], copy], WHO)
    check(shard)


def test_the_clusterer_moves_nothing_without_a_row(shard):
    texts = shard.open("a", 2)
    shard.open("b")
    move = Move(mention_id=MentionId(texts[0]), cluster_id=shard.id("b"))
    with pytest.raises(StoreError, match="without a row in the journal"):
        shard.save(moves=(move,))


def test_a_split_leaves_something_behind(shard):
    texts = shard.open("a", 2)
    shard.open("b")
    a = shard.id("a")
    for chosen, said in (
        (texts, "全部提及"), ([], "没有选中"), ([99], "不在 yunque/zh 的任何聚类里"),
        ([texts[0] + 2], "不在聚类"),
    ):  # fmt: skip
        with pytest.raises(EditRefusedError, match=said):
            do(shard.store, "split_cluster", a, chosen)
    assert len(shard.journal()) == 2


def test_moved_texts_take_their_copies_and_empty_clusters_sleep(both):
    shard = both
    texts, [lonely] = shard.open("a", 3), shard.open("b", 1)
    a, b = shard.id("a"), shard.id("b")
    [copy] = shard.join(b, copy_of=lonely)

    done = do(shard.store, "move_mentions", [copy], a)

    assert shard.members() == {a: {*texts, lonely, copy}}
    assert (shard.row(b).state, shard.row(b).size) == ("cold", 0)
    [event] = done.events
    assert (event.mention_id, event.other_id, event.cluster_id) == (lonely, b, a)
    check(shard)

    undo(shard, event.event_no)

    assert shard.members() == {a: {*texts}, b: {lonely, copy}}
    assert shard.row(b).state == "live"
    check(shard)


def test_a_move_is_not_undone_after_the_mention_went_on(shard):
    texts = shard.open("a", 3)
    shard.open("b")
    shard.open("c")
    a, b, c = (shard.id(letter) for letter in "abc")
    first = do(shard.store, "move_mentions", texts[:2], b).events
    second = do(shard.store, "move_mentions", texts[:1], c).events

    with pytest.raises(EditRefusedError, match="先撤销后来的改动"):
        undo(shard, first[0].event_no)
    undo(shard, second[0].event_no)
    undo(shard, first[0].event_no)
    undo(shard, first[1].event_no)

    assert shard.members()[a] == {*texts}
    with pytest.raises(EditRefusedError, match="已经在聚类"):
        do(shard.store, "move_mentions", texts[:1], a)
    check(shard)


def test_what_moved_back_after_its_cluster_was_merged_still_belongs_to_that(shard):
    first, second = shard.open("a", 2), shard.open("b", 2)
    [other] = shard.open("c", 1)
    a, b, c = (shard.id(letter) for letter in "abc")
    moved = do(shard.store, "move_mentions", second[:1], c).events[0].event_no
    merged = merge(shard, a, b).events[0].event_no
    undo(shard, moved)
    assert shard.members() == {a: {*first, *second}, c: {other}}

    undo(shard, merged)

    assert shard.members() == {a: {*first}, b: {*second}, c: {other}}
    check(shard)


def test_the_oldest_copy_left_behind_becomes_the_original(both):
    shard = both
    texts = shard.open("a", 2)
    a = shard.id("a")
    copies = shard.join(a, 3, copy_of=texts[0])
    with shard.store.transaction() as tx:
        said = Correction(
            correction_no=0, mention_id=MentionId(texts[0]), brand_id=BRAND, kind="polarity",
            value="not_negative", was="", actor=WHO, door="console", at=NOW,
        )  # fmt: skip
        tx.correct([said], NOW)

    found = {r["mention_pk"]: r for r in rows(shard.store, "mention_cluster")}
    oldest = min(copies, key=lambda one: found[one]["published_at"])
    assert found[oldest]["duplicate_of"] is None
    assert found[oldest]["sketch"] == b"sketch of %d" % texts[0]
    assert {found[one]["duplicate_of"] for one in copies if one != oldest} == {oldest}
    assert (shard.row(a).size, shard.row(a).n_duplicates) == (2, 2)
    check(shard)
    with shard.store.transaction() as tx:  # judged again: all of them leave at once
        everyone = [MentionId(one) for one in (*copies, texts[1])]
        tx.save_verdicts(everyone, [make_verdict(texts[1])], NOW)
    assert rows(shard.store, "mention_cluster") == []
    assert stored(shard.store) == recounted(shard.store)


def test_what_a_person_placed_stays_when_it_is_judged_again(both):
    shard = both
    texts, [other] = shard.open("a", 2), shard.open("b", 1)
    a, b = shard.id("a"), shard.id("b")
    do(shard.store, "move_mentions", texts[:1], b)
    with shard.store.transaction() as tx:
        again = [make_verdict(one, model_version="test-2", severity=("fire",))
                 for one in (*texts, other)]  # fmt: skip
        again[0] = replace(again[0], polarity=Polarity.UNSURE)
        assert tx.save_verdicts([MentionId(one) for one in (*texts, other)], again, NOW) == [a, b]
        waiting = [mention.mention_id for mention, _ in tx.pending_verdicts(shard.shard_id, 9)]

    assert waiting == [texts[1], other]
    assert shard.members() == {b: {texts[0]}}
    check(shard)
    with shard.store.transaction() as tx:  # no complaint any more: it leaves whoever placed it
        tx.save_verdicts([MentionId(texts[0])], [], NOW)
    assert shard.members() == {}
    assert stored(shard.store) == recounted(shard.store)


# --- names and marks ----------------------------------------------------------------------------


def test_a_name_holds_until_it_is_given_back(both):
    shard = both
    shard.open("a")
    a = shard.id("a")

    first = do(shard.store, "rename_cluster", a, "  滤芯 漏水 ").events[0]
    second = do(shard.store, "rename_cluster", a, "第三批滤芯漏水").events[0]

    assert (first.was, first.note, second.was) == ("第三批次滤芯漏水", "滤芯 漏水", "滤芯 漏水")
    assert (shard.row(a).label, shard.row(a).named_by) == ("第三批滤芯漏水", WHO)
    with pytest.raises(EditRefusedError, match="先撤销那一条"):
        undo(shard, first.event_no)
    undo(shard, second.event_no)
    assert (shard.row(a).label, shard.row(a).named_by) == ("滤芯 漏水", WHO)

    back = do(shard.store, "rename_cluster", a, "").events[0]
    assert (shard.row(a).label, shard.row(a).named_by) == ("第三批次滤芯漏水", "")
    with pytest.raises(EditRefusedError, match="本来就是程序取的"):
        do(shard.store, "rename_cluster", a, " ")
    undo(shard, back.event_no)
    assert (shard.row(a).label, shard.row(a).named_by) == ("滤芯 漏水", WHO)
    undo(shard, first.event_no)
    assert (shard.row(a).label, shard.row(a).named_by) == ("第三批次滤芯漏水", "")
    with pytest.raises(EditRefusedError, match="最多 60 个"):
        do(shard.store, "rename_cluster", a, "漏" * 61)
    assert {row["kind"] for row in shard.journal()} == {"open", "rename", "undo"}


def test_pins_and_pairs_are_set_once_and_taken_back(shard):
    shard.open("a")
    shard.open("b")
    a, b = shard.id("a"), shard.id("b")

    pin = do(shard.store, "pin_cluster", a).events[0]
    assert shard.row(a).pinned
    with pytest.raises(EditRefusedError, match="已经固定"):
        do(shard.store, "pin_cluster", a)
    undo(shard, pin.event_no)
    assert not shard.row(a).pinned
    with pytest.raises(EditRefusedError, match="没有固定"):
        do(shard.store, "pin_cluster", a, pinned=False)

    apart = do(shard.store, "set_apart", a, b, note="一个漏水一个漏电").events[0]
    with pytest.raises(EditRefusedError, match="已经标为不合并"):
        do(shard.store, "set_apart", b, a)
    undo(shard, apart.event_no)
    with pytest.raises(EditRefusedError, match="没有标为不合并"):
        do(shard.store, "bring_together", a, b)
    with pytest.raises(EditRefusedError, match="撤销本身不能再撤销"):
        undo(shard, shard.journal()[-1]["event_no"])
    with pytest.raises(EditRefusedError, match="没有第 999 条"):
        undo(shard, 999)
    check(shard)


def test_a_cold_cluster_that_gets_members_lives_and_is_no_longer_looked_up(shard):
    shard.open("a", 2)
    [other] = shard.open("b", 1)
    a, b = shard.id("a"), shard.id("b")
    cold = replace(shard.row(a), state="cold")
    shard.save(clusters=(cold,), cold={a: (1, 2, 3)})

    do(shard.store, "merge_clusters", a, b)

    assert (shard.row(a).state, shard.row(a).blob) == ("live", b"")
    assert rows(shard.store, "cold_feature") == []
    assert other in shard.members()[ClusterId(a)]
    check(shard)


def test_names_hold_nothing_that_acts_on_a_page_or_a_terminal(shard):
    shard.open("a", 2)
    hostile = shard.join(shard.id("a"), title="\x1b[2J\u202e漏水\x07\u200b", text="滤芯")

    edit = do(shard.store, "split_cluster", shard.id("a"), hostile)
    do(shard.store, "rename_cluster", shard.id("a"), "\u202e\x1b[31m退款\ud800\ue000 难\u200d")

    assert [shard.row(one).label for one in edit.clusters] == ["[31m退款 难", "[2J漏水"]
    with pytest.raises(EditRefusedError, match="shows nothing"):
        do(shard.store, "rename_cluster", shard.id("a"), "\u200b\u202e")
