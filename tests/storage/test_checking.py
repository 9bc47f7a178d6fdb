"""What is wrong in a database of clusters is found, named and put right."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import tables
from storage.checking import check_clusters
from storage.store import Store
from tests.make import NOW, SHARD, make_cluster, make_shard_changes
from tests.storage.test_hours import CLUSTERS, Teller, recounted, stored

A, B, C, D = CLUSTERS
POST = {"cluster": 0, "hours_ago": 1, "author": "甲", "copies": False, "unsure": False,
        "history": False, "severity": ("injury",), "channel": "public", "reposts": 7}  # fmt: skip


@pytest.fixture
def filled(store: Store) -> Store:
    """Three clusters with sound counts; B went into A."""
    teller = Teller(store)
    unlike = [{"copies": True}, {"author": ""}, {"channel": "internal"}, {"cluster": 1}]
    teller.gather([POST, *(POST | other for other in unlike), POST | {"cluster": 2}])
    teller.merge(1, 0)
    clusters = tuple(
        make_cluster(one, size=size, n_duplicates=copies, representative_id=None)
        for one, size, copies in ((A, 4, 1), (C, 1, 0), (D, 0, 0))
    )
    with store.transaction() as tx:
        tx.save_gathering(make_shard_changes(clusters=clusters), [])
    return store


def found(store: Store, *, repair: bool = False) -> list[tuple[str, str]]:
    return [(one.kind, one.where) for one in check_clusters(store, NOW, repair=repair)]


def change(store: Store, *statements: sa.Executable) -> None:
    with store.write() as connection:
        for statement in statements:
            connection.execute(statement)


def alias(cluster_id: str, target: str) -> sa.Update:
    table = tables.cluster
    is_it = table.c.cluster_id == cluster_id
    return sa.update(table).where(is_it).values(alias_of=target, state="alias")


def test_a_sound_database_has_no_faults_and_says_how_far_it_is(filled):
    steps = []

    assert check_clusters(filled, NOW, advance=lambda *at: steps.append(at)) == []
    assert steps == [(4, 4)]


def test_counts_that_differ_are_named_and_made_anew(filled):
    author, total, hour = tables.cluster_hour_author, tables.cluster_total, tables.cluster_hour
    stray = {"cluster_id": "nobody-1", "hour": NOW, "text_key": 5, "n": 2}
    change(
        filled,
        sa.update(author).where(author.c.cluster_id == A).values(n_live=author.c.n_live + 1),
        sa.delete(total).where(total.c.cluster_id == C),
        sa.update(hour).where(hour.c.cluster_id == C).values(authors=9),
        sa.insert(tables.cluster_hour_text).values(stray),
        sa.delete(tables.brand_hour),
    )

    faults = check_clusters(filled, NOW)
    assert [(one.kind, one.where) for one in faults] == [
        ("counts", "nobody-1"), ("counts", A), ("counts", C), ("brand_hours", "yunque"),
    ]  # fmt: skip
    assert faults[2].seen == "cluster_hour 1 行、cluster_total 1 行"
    assert all(one.repaired for one in check_clusters(filled, NOW, repair=True))
    assert found(filled) == []
    assert stored(filled) == recounted(filled)


def test_sizes_and_faces_follow_the_members(filled):
    table = tables.cluster
    is_it = table.c.cluster_id == A
    change(filled, sa.update(table).where(is_it).values(size=99, representative_id=6))

    assert found(filled, repair=True) == [("size", A), ("face", A)]
    assert found(filled) == []
    with filled.read() as queries:
        cluster = queries.cluster(A)
    assert (cluster.size, cluster.n_duplicates, cluster.blob) == (4, 1, b"")


def test_aliases_lead_straight_to_a_cluster_that_holds_their_members(filled):
    change(filled, alias(C, A), alias(B, C))

    assert found(filled, repair=True) == [("alias_steps", B), ("alias_members", C)]
    assert found(filled) == []
    with filled.read() as queries:
        assert queries.cluster(B).cluster_id == A
        assert queries.mention_cluster(6) == [A]
    assert stored(filled) == recounted(filled)


def test_a_ring_and_a_gap_in_the_journal_are_told_and_left(filled):
    event = tables.cluster_event
    rows = [
        {"event_no": n, "cluster_id": A, "kind": "open", "at": NOW, "actor": "system",
         "note": "", "was": ""}
        for n in (1, 3)
    ]  # fmt: skip
    change(filled, alias(D, B), alias(B, D), sa.insert(event).values(rows))

    assert found(filled, repair=True) == [
        ("journal_gap", ""), ("alias_ring", B), ("alias_ring", D),
    ]  # fmt: skip
    assert found(filled)[0] == ("journal_gap", "")


def test_mentions_that_stand_nowhere_are_gathered_again(filled):
    member, cluster, verdict = tables.mention_cluster, tables.cluster, tables.verdict
    change(
        filled,
        sa.update(member).where(member.c.duplicate_of == 1).values(duplicate_of=777),
        sa.delete(cluster).where(cluster.c.cluster_id == C),
        sa.update(verdict).where(verdict.c.mention_pk == 3).values(is_current=False),
    )

    kinds = {kind for kind, _ in found(filled, repair=True)}
    assert {"orphaned_copies", "no_cluster", "no_verdict"} <= kinds
    assert found(filled) == []
    with filled.transaction() as tx:
        assert [int(mention.mention_id) for mention, _ in tx.pending_verdicts(SHARD, 9)] == [2, 6]
        assert [int(mention.mention_id) for mention in tx.pending_mentions(9)] == [3]
        events = tx.queries.table_rows("cluster_event")
    assert {row["mention_id"] for row in events if row["kind"] == "retract"} == {2, 3, 6}
    assert stored(filled) == recounted(filled)


def test_a_state_that_cannot_be_read_is_made_anew_from_the_members(filled):
    table = tables.cluster
    broken = sa.update(table).where(table.c.cluster_id == A).values(blob=b"\x00broken")
    change(filled, broken)

    def faults(*, repair: bool = False) -> list[tuple[str, str]]:
        told = check_clusters(filled, NOW, repair=repair, is_readable=lambda b: b[0] != 0)
        return [(one.kind, one.where) for one in told]

    assert faults() == [("state", A)]
    assert faults(repair=True) == [("state", A)]
    assert faults() == []
    with filled.transaction() as tx:
        assert len(tx.load_shard(SHARD, NOW).members[A]) == 4
