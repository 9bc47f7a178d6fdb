from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from config.errors import StoreError
from storage import tables
from storage.records import ClusterId, IncidentId, IncidentState, IntentStatus, Level
from tests.make import (
    BRAND,
    NOW,
    make_change,
    make_cluster,
    make_incident,
    make_incident_event,
    make_intent,
    make_shard_changes,
    make_timer,
)
from tests.storage.drive import gather, keep_and_judge, rows

A, B = ClusterId("yunque-aaaaaaaa"), ClusterId("yunque-bbbbbbbb")
INCIDENT = IncidentId("01TESTINCIDENT")


def save(store, change):
    with store.transaction() as tx:
        return tx.save_change(change)


def make_clusters(store, *clusters):
    with store.transaction() as tx:
        tx.save_gathering(make_shard_changes(clusters=clusters), [])


def next_change(before, kind, **fields):
    """Make the change of one more event; `fields` are the incident's new values."""
    after = replace(before, seq=before.seq + 1, **fields)
    event = make_incident_event(before.incident_id, seq=after.seq, kind=kind, epoch=after.epoch)
    return make_change(after, events=(event,), timers=(), intents=())


def test_a_change_is_written_whole(store):
    change = make_change()

    assert save(store, change) is True
    with store.read() as queries:
        assert queries.incident(INCIDENT) == change.incident
        assert queries.incident_events(INCIDENT) == list(change.events)
        assert queries.incident_intents(INCIDENT) == [(change.intents[0], ())]
    with store.transaction() as tx:
        assert tx.timers_due(INCIDENT, NOW + timedelta(hours=1)) == list(change.timers)


def test_the_same_change_twice_is_written_once(store):
    save(store, make_change())
    tables = ["incident", "incident_event", "timer", "intent", "incident_cluster", "counter"]
    before = [rows(store, table) for table in tables]

    assert save(store, make_change()) is False
    assert [rows(store, table) for table in tables] == before


def test_events_without_a_source_id_are_never_taken_for_known(store):
    save(store, make_change())
    first = next_change(make_incident(), "noted")
    second = next_change(first.incident, "noted")

    assert [save(store, change) for change in (first, second)] == [True, True]


def test_a_change_made_from_an_older_state_is_refused(store):
    save(store, make_change())
    save(store, next_change(make_incident(), "acknowledged", state=IncidentState.ACKNOWLEDGED))
    late = next_change(make_incident(), "noted")

    with pytest.raises(StoreError, match=r"event 2 of incident 舆-.*: somebody else changed it"):
        save(store, late)
    with store.read() as queries:
        assert [event.kind for event in queries.incident_events(INCIDENT)] == [
            "raised",
            "acknowledged",
        ]


def test_two_raises_of_one_incident_cannot_both_win(store):
    save(store, make_change())
    other = make_change(events=(make_incident_event(source_event_id="another"),))

    with pytest.raises(StoreError, match="somebody else changed it"):
        save(store, other)


def test_a_refused_change_leaves_nothing_of_the_transaction(store):
    save(store, make_change())
    late = replace(next_change(make_incident(seq=5), "noted"), intents=(make_intent("late"),))

    with pytest.raises(StoreError):
        save(store, late)
    assert [row["intent_id"] for row in rows(store, "intent")] == [f"{INCIDENT}-0"]


def test_timers_of_named_kinds_end_and_new_ones_take_their_place(store):
    save(store, make_change(timers=(make_timer(), make_timer(kind="confirm", step=1))))
    moved = make_timer(step=2, due_at=NOW + timedelta(hours=2))
    change = replace(
        next_change(make_incident(), "escalated"), cancel_timers=("step",), timers=(moved,)
    )
    save(store, change)

    status = {(row["kind"], row["step"]): row["status"] for row in rows(store, "timer")}
    assert status == {("step", 1): "cancelled", ("step", 2): "pending", ("confirm", 1): "pending"}
    with store.transaction() as tx:
        assert tx.timers_due(INCIDENT, NOW + timedelta(hours=3))[0] == make_timer(
            kind="confirm", step=1
        )


def test_a_timer_alone_can_be_ended_without_an_event(store):
    save(store, make_change())
    ended = make_change(
        events=(), timers=(replace(make_timer(), status="done"),), intents=(), reason="stale_timer"
    )

    assert save(store, ended) is True
    with store.transaction() as tx:
        assert tx.incidents_due(NOW + timedelta(days=1)) == []
        assert tx.incident(INCIDENT).seq == 1


def test_due_timers_come_longest_overdue_first(store):
    timers = tuple(make_timer(step=n, due_at=NOW - timedelta(minutes=n)) for n in (1, 3, 2))
    save(store, make_change(timers=timers))

    with store.transaction() as tx:
        due = tx.timers_due(INCIDENT, NOW - timedelta(minutes=2))
        assert [timer.step for timer in due] == [3, 2]
        assert tx.incidents_due(NOW - timedelta(minutes=2), 1) == [INCIDENT]


def test_unsent_messages_are_cancelled_with_the_reason_and_others_left(store):
    intents = tuple(
        make_intent(f"m{n}", status=status, recipient_id=f"p{n}")
        for n, status in enumerate(IntentStatus)
    )
    save(store, make_change(intents=intents))
    change = replace(
        next_change(make_incident(), "acknowledged"),
        cancel_intents="acknowledged",
        intents=(make_intent("m9"),),
    )
    save(store, change)

    after = {row["intent_id"]: (row["status"], row["reason"]) for row in rows(store, "intent")}
    cancelled = ("cancelled", "acknowledged")
    assert after == {
        "m0": cancelled, "m1": cancelled, "m2": cancelled, "m3": cancelled,
        "m4": ("sent", ""), "m5": ("dead", ""), "m6": ("cancelled", ""), "m9": ("pending", ""),
    }  # fmt: skip


def test_messages_are_put_into_the_outbox_once(store):
    with store.transaction() as tx:
        assert (
            tx.add_intents(
                [make_intent("d1", incident_id=None), make_intent("d2", incident_id=None)]
            )
            == 2
        )
        assert (
            tx.add_intents(
                [make_intent("d2", incident_id=None), make_intent("d3", incident_id=None)]
            )
            == 1
        )

    assert [row["intent_no"] for row in rows(store, "intent")] == [1, 2, 3]


# --- which incident a cluster belongs to -----------------------------------------------------


def test_a_cluster_nobody_raised_has_no_incident(store):
    make_clusters(store, make_cluster(A))

    with store.transaction() as tx:
        assert tx.incident_of(A) is None
        assert tx.incident_of(ClusterId("nowhere")) is None


def test_an_incident_follows_its_cluster_into_a_merge(store):
    make_clusters(store, make_cluster(A), make_cluster(B))
    save(store, make_change(make_incident(cluster_id=B)))
    make_clusters(store, make_cluster(B, state="alias", alias_of=A))

    with store.transaction() as tx:
        assert tx.incident_of(A).incident_id == INCIDENT
        assert tx.incident_of(B).incident_id == INCIDENT


def _raise(store, name, cluster_id, **fields):
    incident = make_incident(name, cluster_id=cluster_id, **fields)
    event = make_incident_event(name, source_event_id=name)
    save(store, make_change(incident, events=(event,), timers=(), intents=()))
    return incident


def test_the_newest_incident_of_a_cluster_is_its_incident(store):
    make_clusters(store, make_cluster(A))
    _raise(store, "old", A, state=IncidentState.DISMISSED, opened_at=NOW - timedelta(days=9))
    _raise(store, "new", A, state=IncidentState.CLOSED, opened_at=NOW - timedelta(days=2))

    with store.transaction() as tx:
        assert tx.incident_of(A).incident_id == "new"


def test_an_open_incident_comes_before_newer_ones_that_ended(store):
    make_clusters(store, make_cluster(A), make_cluster(B, state="alias", alias_of=A))
    _raise(store, "open", B, opened_at=NOW - timedelta(days=9))
    _raise(store, "closed", A, state=IncidentState.CLOSED)

    with store.transaction() as tx:
        assert tx.incident_of(A).incident_id == "open"


def test_a_merged_incident_leads_to_the_one_it_went_into(store):
    make_clusters(store, make_cluster(A), make_cluster(B))
    _raise(store, "target", B)
    _raise(store, "gone", A, state=IncidentState.MERGED, merged_into=IncidentId("target"))

    with store.transaction() as tx:
        assert tx.incident_of(A).incident_id == "target"


def test_incidents_that_merge_into_each_other_do_not_hang(store):
    make_clusters(store, make_cluster(A))
    _raise(store, "one", A, state=IncidentState.MERGED, merged_into=IncidentId("two"))
    _raise(store, "two", A, state=IncidentState.MERGED, merged_into=IncidentId("one"))

    with store.transaction() as tx:
        assert tx.incident_of(A) is not None


# --- finding and listing ---------------------------------------------------------------------


def test_an_incident_is_found_by_id_and_by_its_newest_code(store):
    _raise(store, "old", A, code="舆-7F3K", opened_at=NOW - timedelta(days=90))
    _raise(store, "new", B, code="舆-8G2M")
    with store.transaction() as tx:  # as programs before revision 0005 could give one out twice
        twice = sa.update(tables.incident).where(tables.incident.c.incident_id == "new")
        tx.connection.execute(twice.values(code="舆-7F3K"))

    with store.read() as queries:
        assert queries.incident("old").incident_id == "old"
        assert queries.incident("舆-7F3K").incident_id == "new"
        assert queries.incident("舆-0000") is None


def test_incidents_are_listed_by_state_gravest_first(store):
    _raise(store, "i1", A, level=Level.BLUE)
    _raise(store, "i2", A, level=Level.RED, opened_at=NOW - timedelta(days=3))
    _raise(store, "i3", A, level=Level.RED, state=IncidentState.CLOSED)

    with store.read() as queries:
        assert [i.incident_id for i in queries.incidents({IncidentState.OPEN})] == ["i2", "i1"]
        assert [i.incident_id for i in queries.incidents(order="newest")] == ["i1", "i3", "i2"]
        assert len(queries.incidents(limit=1, offset=1)) == 1


def test_what_history_would_have_raised_is_noted_once_per_cluster(store):
    with store.transaction() as tx:
        tx.note_would_have_been(A, BRAND, "黄：6 位作者", NOW)
        tx.note_would_have_been(A, BRAND, "橙：12 位作者", NOW + timedelta(minutes=5))

    with store.read() as queries:
        assert queries.would_have_been() == [(A, "橙：12 位作者", NOW)]


def test_active_clusters_are_those_that_moved_and_those_at_work(store):
    old = NOW - timedelta(days=9)
    keep_and_judge(store, 4)
    gather(
        store,
        {1: A, 2: A, 3: B},
        clusters=(
            make_cluster(A, last_at=NOW),
            make_cluster(B, last_at=NOW),
            make_cluster("yunque-cccccccc", last_at=old, state="cold"),
            make_cluster("yunque-dddddddd", last_at=NOW, state="alias", alias_of=A),
        ),
    )
    _raise(store, "open", ClusterId("yunque-cccccccc"))
    _raise(store, "ended", B, state=IncidentState.CLOSED)

    with store.read() as queries:
        since = NOW - timedelta(hours=48)
        assert queries.active_clusters(since) == [A, B, "yunque-cccccccc"]
        assert queries.active_clusters(since, 2) == [A, "yunque-cccccccc"]
        assert queries.active_clusters(NOW) == ["yunque-cccccccc"]
        assert queries.authors_between(A, since, NOW) == 2
