"""Nothing depends on where a batch ends, also right after people changed who is in a cluster."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from classify.cluster_blob import unpack
from classify.cluster_rules import Rules
from classify.evaluation_clusters import mentions_of
from classify.recall import Ledger
from storage.records import Cluster, MentionId
from tests.classify.ledger import gather_all, items_of, new_ledger, restore, restore_state
from tests.classify.test_clustering import HEAT, LEAK, stale
from tests.crash.gathering import TIGHT
from tests.eval.complaints import complaints
from tests.make import NOW, make_verdict

RULES = Rules(keep_clusters=0, single_window_days=14)


def left_alone() -> tuple[Ledger, Cluster]:
    """Two complaints in one cluster; a person has just taken the first of them away."""
    ledger, changes = gather_all(items_of(LEAK[1:]), RULES)
    cluster = ledger.clusters[changes.assignments[0].cluster_id]
    assert cluster.size == 2
    _, other = gather_all(items_of([HEAT], first_id=9), RULES)
    ledger.place(changes.assignments[0].mention_id, other.assignments[0].cluster_id)
    return ledger, replace(cluster, size=1, blob=b"")


def test_what_is_made_anew_and_cold_in_one_batch_is_named_by_who_is_left() -> None:
    ledger, cluster = left_alone()
    ledger.clusters[cluster.cluster_id] = cluster
    state = stale(ledger, cluster.cluster_id)
    later = items_of([HEAT], first_id=50, start=NOW + timedelta(days=30))

    at_once = restore_state(state, RULES).gather(later, NOW, ledger)
    named = restore_state(state, RULES).gather([], NOW, ledger)

    [cold] = [one for one in at_once.clusters if one.cluster_id == cluster.cluster_id]
    [live] = named.clusters
    assert cold.state == "cold"
    assert cold.label == live.label
    assert cold.label != ""


def test_an_alias_is_called_alike_whatever_batch_it_was_opened_in() -> None:
    rows = sorted(complaints(7, issues=20), key=lambda row: row["time"])[:80]
    items = [(one, make_verdict(one.mention_id)) for one in mentions_of(rows)]
    names = []
    for size in (1, 3, len(items)):
        ledger, told = new_ledger(), {}
        for start in range(0, len(items), size):
            some = items[start : start + size]
            changes = restore(ledger, TIGHT).gather(some, NOW, ledger)
            ledger.save(changes, some)
            # as save_gathering keeps the name of what comes without one
            told |= {one.cluster_id: one.label for one in changes.clusters if one.label}
            told |= {one.cluster_id: told.get(one.cluster_id, "") for one in changes.clusters}
        assert any(one.state == "alias" for one in ledger.clusters.values())
        names.append(told)

    assert names[0] == names[1] == names[2]


def test_who_is_judged_again_holds_nobody_back_from_going_cold() -> None:
    items = items_of([LEAK[0], HEAT, "门店说没有这个型号"])
    ledger, changes = gather_all(items, RULES)
    leak = changes.assignments[0].cluster_id
    ledger.clusters[leak] = replace(ledger.clusters[leak], size=0)  # its only text waits again
    state = ledger.state()
    state = replace(state, recent=state.recent[1:])
    later = items_of(["快递把机器摔坏了不肯赔"], first_id=60, start=NOW + timedelta(days=15))

    journals = []
    for borders in ([2], [1, 2]):
        shard, rows, first = restore_state(state, RULES), [], 0
        for last in borders:
            some = [items[0], *later][first:last]
            rows += shard.gather(some, NOW, ledger).events
            first = last
        journals.append([(one.kind, one.cluster_id) for one in rows])

    assert journals[0] == journals[1]


def test_a_cluster_that_comes_back_among_many_that_came_writes_over_nobody() -> None:
    chance = random.Random(5)
    told = ["".join(chr(0x4E00 + chance.randrange(6000)) for _ in range(8)) for _ in range(1010)]
    late = {"start": NOW + timedelta(days=20), "step": timedelta(seconds=1)}
    items = [
        *items_of([LEAK[0]]),
        *items_of([*told, LEAK[1]], first_id=100, **late),
        *items_of(
            ["今天说点别的", "客服电话打不通"], first_id=5000, start=NOW + timedelta(days=21)
        ),
    ]
    ledger, _ = gather_all(items, RULES)

    for record in ledger.clusters.values():
        if record.state == "live":
            owner = unpack(record.blob).exemplars[0].mention_id
            assert ledger.homes[MentionId(owner)] == record.cluster_id
