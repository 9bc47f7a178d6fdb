"""People's edits of clusters with the real journey: incidents follow, nobody is paged twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.incidents import Command, CommandName
from config.errors import GroundswellError
from groundswell import wiring
from groundswell.cluster_desk import ClusterDesk, Edited
from groundswell.hot import HotLists
from groundswell.regrouping import follow
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.checking import check_clusters
from storage.records import (
    BrandId,
    ClusterEvent,
    ClusterId,
    Incident,
    IncidentState,
    Level,
    MergeProposal,
    ShardChanges,
)
from storage.store import Store
from tests.groundswell.test_label_desk import check_sizes
from tests.groundswell.test_pipeline import NOW, complaint, project, take

WHO = "zhoulan"


@pytest.fixture
def sqlite_store(sqlite_url: str):
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture
def application(sqlite_store: Store) -> Application:
    return wiring.wire(project(), sqlite_store, SteppedClock(NOW))


def desk_of(application: Application) -> ClusterDesk:
    parts = application.project, HotLists(application.project), application.links
    return ClusterDesk(application.store, *parts)


def unreachable(n: int):
    """One of many about the hotline, which is another trouble."""
    text = f"云雀客服电话打不通，第{n}次了，等了{n * 7}分钟，气死人"
    return complaint(200 + n, text=text)


def two_troubles(application: Application) -> tuple[ClusterId, ClusterId]:
    """Fourteen leaks and fourteen calls in vain: two clusters with an incident each."""
    take(application, [complaint(n) for n in range(14)])
    take(application, [unreachable(n) for n in range(14)])
    assert len(incidents(application)) == 2
    with application.store.read() as queries:
        [leaks], [calls] = queries.mention_cluster(1), queries.mention_cluster(15)
    return leaks, calls


def incidents(application: Application) -> list[Incident]:
    with application.store.read() as queries:
        return queries.incidents()


def incident_of(application: Application, cluster_id: str) -> Incident:
    with application.store.transaction() as tx:
        found = tx.incident_of(ClusterId(cluster_id))
    assert found is not None
    return found


def messages(application: Application) -> list[tuple[str, str]]:
    with application.store.read() as queries:
        return [(one.kind, one.status) for one in queries.intents()]


def pending_timers(application: Application, incident_id: str) -> list[str]:
    with application.store.read() as queries:
        rows = queries.table_rows("timer")
    return [r["kind"] for r in rows if r["incident_id"] == incident_id and r["status"] == "pending"]


def members(application: Application, cluster_id: str) -> list[int]:
    with application.store.read() as queries:
        found = queries.cluster_mentions(ClusterId(cluster_id), 1000)
    return sorted(int(mention.mention_id) for mention, _ in found)


def act(application: Application, incident: Incident, name: CommandName, text: str = "") -> None:
    application.desk.act(incident.incident_id, Command(name=name, actor="linxiao", text=text))


def test_after_a_merge_one_incident_goes_on_and_nobody_is_paged_for_it(application):
    leaks, calls = two_troubles(application)
    before, sent = [incident_of(application, one) for one in (leaks, calls)], messages(application)
    desk = desk_of(application)

    done = desk.merge(calls, leaks, WHO, NOW, "同一批机器")

    now = {one.incident_id: one for one in incidents(application)}
    kept = next(one for one in now.values() if one.at_work)
    [ended] = (one for one in now.values() if not one.at_work)
    assert (ended.state, ended.merged_into) == (IncidentState.MERGED, kept.incident_id)
    assert kept.level >= max(one.level for one in before)
    assert incident_of(application, calls) == incident_of(application, leaks) == kept
    assert pending_timers(application, ended.incident_id) == []
    fresh = messages(application)[len(sent) :]
    assert len(fresh) == int(kept.level > max(one.level for one in before))
    assert {one.incident_id for one in done.incidents} == set(now)
    with application.store.read() as queries:
        kinds = [
            {event.kind for event in queries.incident_events(one.incident_id)}
            for one in (kept, ended)
        ]
        lines = [row for row in queries.audits() if row["action"].startswith("cluster_")]
    assert "absorbed" in kinds[0]
    assert "merged" in kinds[1]
    assert [(row["actor"], row["action"], row["target"]) for row in lines] == [
        (WHO, "cluster_merge", leaks)
    ]
    assert lines[0]["detail"].endswith("同一批机器")
    check_all(application)


def check_all(application: Application) -> None:
    """Ask the program's own check: sizes, counts, aliases, places and journal."""
    assert check_clusters(application.store, NOW) == []


def test_an_undone_merge_lets_both_incidents_go_on_as_they_stood(application):
    leaks, calls = two_troubles(application)
    first, second = incident_of(application, leaks), incident_of(application, calls)
    act(application, second, CommandName.ACK)
    sent = messages(application)
    desk = desk_of(application)
    merged = desk.merge(leaks, calls, WHO, NOW)
    told = messages(application)[len(sent) :]
    ended = next(one for one in incidents(application) if not one.at_work)

    desk.undo(merged.events[0].event_no, WHO, NOW)

    after = incident_of(application, leaks), incident_of(application, calls)
    assert [one.incident_id for one in after] == [first.incident_id, second.incident_id]
    assert [one.state for one in after] == [IncidentState.OPEN, IncidentState.ACKNOWLEDGED]
    assert after[1].acknowledged_by == "linxiao"
    assert all(one.merged_into is None for one in after)
    assert messages(application)[len(sent) :] == told  # the undoing tells nobody
    assert pending_timers(application, ended.incident_id) == (
        ["ack", "lease_warn"] if ended.incident_id == second.incident_id else ["step"]
    )
    with application.store.read() as queries:
        assert queries.cluster(calls).cluster_id == calls
    check_all(application)

    again = desk.together(leaks, calls, WHO, NOW)
    assert again.incidents == ()
    desk.merge(leaks, calls, WHO, NOW)
    assert sum(one.at_work for one in incidents(application)) == 1


def test_who_never_heard_is_told_after_the_undoing(application):
    leaks, calls = two_troubles(application)
    desk = desk_of(application)
    merged = desk.merge(leaks, calls, WHO, NOW)  # cancels what was about to be sent of one
    ended = next(one for one in incidents(application) if not one.at_work)
    sent = messages(application)

    desk.undo(merged.events[0].event_no, WHO, NOW)

    with application.store.read() as queries:
        told = [(one.kind, one.status) for one, _ in queries.incident_intents(ended.incident_id)]
    assert told == [("notice", "cancelled"), ("reopened", "pending")]
    assert len(messages(application)) == len(sent) + 1


def test_several_rows_are_taken_back_together_or_not_at_all(application):
    leaks, calls = two_troubles(application)
    desk, moved = desk_of(application), members(application, calls)[:3]
    rows = [event.event_no for event in desk.move(moved, leaks, WHO, NOW).events]

    with pytest.raises(GroundswellError):
        desk.undo([*rows, 1], WHO, NOW)
    assert len(members(application, leaks)) == 17
    desk.undo(rows, WHO, NOW)

    assert len(members(application, leaks)) == 14
    check_all(application)


def split_half(application: Application, cluster_id: ClusterId) -> Edited:
    ids = members(application, cluster_id)
    return desk_of(application).split(cluster_id, ids[: len(ids) // 2], WHO, NOW, "另一个型号")


def test_a_split_raises_its_own_incident_without_another_page(application):
    take(application, [complaint(n) for n in range(28)])
    [before] = incidents(application)
    sent = messages(application)

    done = split_half(application, before.cluster_id)

    source, part = done.clusters
    assert source == before.cluster_id
    raised = incident_of(application, part)
    assert raised.incident_id != before.incident_id
    with application.store.read() as queries:
        [event] = [
            one for one in queries.incident_events(raised.incident_id) if one.kind == "raised"
        ]
    assert event.data["came_from"] == before.incident_id
    assert event.data["text"] == f"从事件 {before.code} 里拆分出来"
    assert raised.level <= before.level
    assert messages(application) == sent  # who hears of it has heard of it
    assert pending_timers(application, raised.incident_id) == ["step"]  # and is still waited for
    check_all(application)

    desk_of(application).undo(done.events[0].event_no, WHO, NOW)

    [kept] = [one for one in incidents(application) if one.at_work]
    assert incident_of(application, part) == kept
    assert messages(application) == sent
    check_all(application)


def test_who_is_on_the_trouble_stays_on_what_is_split_off(application):
    take(application, [complaint(n) for n in range(28)])
    [before] = incidents(application)
    act(application, before, CommandName.ACK)
    sent = messages(application)

    _, part = split_half(application, before.cluster_id).clusters

    raised = incident_of(application, part)
    assert (raised.state, raised.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "linxiao")
    assert messages(application) == sent
    assert pending_timers(application, raised.incident_id) == ["ack", "lease_warn"]


def test_what_was_closed_is_not_raised_again_by_splitting_it(application):
    take(application, [complaint(n) for n in range(28)])
    [before] = incidents(application)
    act(application, before, CommandName.ACK)
    act(application, before, CommandName.HANDLED, "已换货")
    act(application, before, CommandName.CONFIRM, "客户来电确认")
    sent = messages(application)

    done = split_half(application, before.cluster_id)
    application.clock.at = NOW + timedelta(hours=1)
    application.stages.regrade()

    assert [one.state for one in incidents(application)] == [IncidentState.CLOSED]
    assert messages(application) == sent
    assert done.incidents == ()


def test_automatic_merges_join_incidents_by_the_same_code(application):
    leaks, calls = two_troubles(application)
    with application.store.transaction() as tx:
        alias = replace(tx.queries.cluster(calls), state="alias", alias_of=leaks, blob=b"")
        event = ClusterEvent(cluster_id=leaks, kind="merge", at=NOW, other_id=calls)
        changes = ShardChanges(shard_id=alias.shard_id, clusters=(alias,), events=(event,))
        tx.save_gathering(changes, [])
        follow(tx, changes.events, application.project, application.links, NOW)
    number = journal(application)[-1]["event_no"]

    assert sum(one.at_work for one in incidents(application)) == 1
    desk_of(application).undo(number, WHO, NOW)
    assert sum(one.at_work for one in incidents(application)) == 2


def journal(application: Application) -> list[dict]:
    with application.store.read() as queries:
        return sorted(queries.table_rows("cluster_event"), key=lambda row: row["event_no"])


def test_a_move_that_empties_a_cluster_ends_its_incident_by_name(application):
    leaks, calls = two_troubles(application)
    moved = members(application, calls)

    desk_of(application).move(moved, leaks, WHO, NOW)

    assert members(application, calls) == []
    after = incident_of(application, calls)
    assert (after.state, after.dismissed_by) == (IncidentState.DISMISSED, "system")
    assert after.closed_at is None
    assert pending_timers(application, after.incident_id) == []

    desk_of(application).move(moved, calls, WHO, NOW + timedelta(minutes=5))

    back = incident_of(application, calls)
    assert (back.incident_id, back.state) == (after.incident_id, IncidentState.OPEN)
    check_all(application)


def test_what_a_cluster_got_by_moves_is_not_paged_again(application):
    take(application, [complaint(n) for n in range(28)])
    take(application, [unreachable(1)])
    [before] = incidents(application)
    [other] = {
        row["cluster_id"] for row in journal(application) if row["cluster_id"] != before.cluster_id
    }
    sent = messages(application)

    desk_of(application).move(members(application, before.cluster_id)[:14], other, WHO, NOW)

    raised = incident_of(application, other)
    assert raised.level > Level.NONE
    assert messages(application) == sent


# --- what runs beside it ------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_running_clusterer_goes_on_from_what_people_made_of_it(store, elsewhere):
    application = wiring.wire(project(), store, SteppedClock(NOW))
    leaks, calls = two_troubles(application)
    beside = wiring.wire(project(), Store(store_url(store)), SteppedClock(NOW))
    desk = desk_of(beside if elsewhere else application)
    merged = desk.merge(leaks, calls, WHO, NOW)

    again = [replace(unreachable(n), native_id=f"again-{n}", author=f"又{n}") for n in range(3)]
    take(application, again)  # copies of what the absorbed cluster had brought

    assert len(members(application, leaks)) == 31
    desk.undo(merged.events[0].event_no, WHO, NOW)
    take(application, [unreachable(n) for n in range(20, 24)] + [complaint(30)])
    beside.store.close()

    assert len(members(application, leaks)) == 15
    assert len(members(application, calls)) == 21
    check_all(application)
    assert [row["kind"] for row in journal(application)].count("merge") == 1


def store_url(store: Store) -> str:
    return store._url.render_as_string(hide_password=False)


def test_a_name_that_a_person_gave_outlives_the_program(application):
    take(application, [complaint(n) for n in range(6)])
    cluster_id = journal(application)[0]["cluster_id"]
    desk = desk_of(application)
    desk.rename(cluster_id, "滤芯接口漏水", WHO, NOW)

    take(application, [complaint(n) for n in range(6, 20)])

    with application.store.read() as queries:
        cluster = queries.cluster(cluster_id)
    assert (cluster.label, cluster.named_by, cluster.size) == ("滤芯接口漏水", WHO, 20)
    desk.rename(cluster_id, "", WHO, NOW)
    take(application, [complaint(30)])
    with application.store.read() as queries:
        assert queries.cluster(cluster_id).label not in {"", "滤芯接口漏水"}


def test_a_refusal_changes_nothing_and_says_what_to_do(application):
    take(application, [complaint(n) for n in range(3)])
    before = journal(application)

    with pytest.raises(GroundswellError, match="groundswell cluster list"):
        desk_of(application).merge("yunque-nobody", before[0]["cluster_id"], WHO, NOW)

    assert journal(application) == before
    check_sizes(application.store)


@pytest.mark.parametrize("accepted", [True, False])
def test_an_edit_settles_the_proposal_of_its_pair_wherever_it_is_made(application, accepted):
    leaks, calls = two_troubles(application)
    first, second = sorted((leaks, calls))
    pair = MergeProposal(
        brand_id=BrandId("yunque"),
        first_id=first,
        second_id=second,
        score=0.8,
        why="同一产品",
        at=NOW,
    )
    with application.store.transaction() as tx:
        tx.add_proposals([pair])
    desk = desk_of(application)

    (desk.merge if accepted else desk.apart)(calls, leaks, WHO, NOW)

    with application.store.read() as queries:
        [settled] = queries.proposals(state="accepted" if accepted else "refused")
        assert queries.proposals() == []
    assert (settled.decided_by, settled.decided_at) == (WHO, NOW)
