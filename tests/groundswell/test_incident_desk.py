"""Incidents with the real journey: relapses, codes, recalls, the log against its fold."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from alerts.incidents import Command, IllegalMove, codes_of, fold, on_command
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.cluster_desk import ClusterDesk
from groundswell.hot import HotLists
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage import tables
from storage.incident_checks import check_incidents
from storage.records import ClusterId, Incident, IncidentState, Level, RawMention, TaskKind
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take

LATER = NOW + timedelta(days=40)
ROOMS = ("主卧", "次卧", "书房", "阳光房", "地下室")


@pytest.fixture
def application(sqlite_url: str) -> Iterator[Application]:
    """On SQLite; what asks the database in a way of its own runs on both below."""
    store = Store(sqlite_url)
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


@pytest.fixture
def on_both(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


def leak(n: int) -> RawMention:
    """The same trouble forty days later, told by other people in other words."""
    text = (
        f"师傅，云雀这机子漏水啊，{ROOMS[n % 5]}地面泡了一大片，物业上门看了{n}回，"
        "楼下邻居也来敲门要赔偿"
    )
    at = LATER - timedelta(minutes=3 * n)
    return complaint(300 + n, text=text, published_at=at, observed_at=LATER)


def first_wave(application: Application) -> Incident:
    take(application, [complaint(n) for n in range(14)])
    [incident] = incidents(application)
    return incident


def second_wave(application: Application) -> None:
    application.clock.at = LATER
    take(application, [leak(n) for n in range(14)])


def incidents(application: Application) -> list[Incident]:
    with application.store.read() as queries:
        return queries.incidents(order="newest")


def do(application: Application, incident: Incident, name: str, **fields) -> Incident:
    command = Command(**({"name": name, "actor": "linxiao", "text": "换了滤芯座"} | fields))
    return application.desk.act(incident.incident_id, command)


def close(application: Application, incident: Incident) -> None:
    for name, text in (
        ("ack", ""),
        ("handled", "第三批次滤芯座换新"),
        ("confirm", "客户回访认可"),
    ):
        do(application, incident, name, text=text)


def kinds(application: Application, incident: Incident) -> list[str]:
    with application.store.read() as queries:
        return [event.kind for event in queries.incident_events(incident.incident_id)]


def agrees(application: Application) -> None:
    assert check_incidents(application.store, fold) == []


def test_a_closed_trouble_comes_back_in_a_new_cluster_with_what_was_known(on_both) -> None:
    application = on_both
    before = first_wave(application)
    close(application, before)

    second_wave(application)

    [after] = incidents(application)
    assert (after.incident_id, after.state, after.epoch) == (
        before.incident_id,
        IncidentState.OPEN,
        2,
    )
    assert after.cluster_id != before.cluster_id
    assert after.relapse is not None
    assert (after.relapse.cause, after.relapse.said) == ("第三批次滤芯座换新", "客户回访认可")
    assert after.relapse.owner_id == before.owner_id
    assert (after.opened_at, after.waiting_since) == (NOW, LATER)
    with application.store.transaction() as tx:
        assert set(tx.clusters_of(after.incident_id)) == {before.cluster_id, after.cluster_id}
        assert tx.incident_of(before.cluster_id) == after
    with application.store.read() as queries:
        [last, *_] = queries.intents()
    assert "同类问题再次出现" in last.body
    agrees(application)

    second_wave(application)  # P5: fed again, and time has passed
    application.stages.regrade()
    assert incidents(application) == [after]


def test_an_act_waits_for_the_engine_and_is_done_all_the_same(on_both) -> None:
    application = on_both
    raised = first_wave(application)
    engine = Command(name="note", actor="zhoulan", text="引擎此刻也在写")
    with ThreadPoolExecutor(1) as pool, application.store.transaction() as tx:
        tx.save_change(on_command(raised, engine, application.project, NOW))
        acked = pool.submit(do, application, raised, "ack")
        assert wait([acked], timeout=0.5).not_done  # it has read, or waits for its turn
        tx.connection.commit()
        assert acked.result(timeout=20).acknowledged_by == "linxiao"

    assert kinds(application, raised) == ["raised", "noted", "acknowledged"]
    agrees(application)


def test_a_dismissed_trouble_does_not_relapse(application) -> None:
    before = first_wave(application)
    do(application, before, "dismiss")

    second_wave(application)

    newest, oldest = incidents(application)
    assert (oldest.incident_id, oldest.state) == (before.incident_id, IncidentState.DISMISSED)
    assert newest.relapse is None
    agrees(application)


def test_a_trouble_whose_cluster_a_person_split_does_not_relapse(application) -> None:
    before = first_wave(application)
    close(application, before)
    with application.store.read() as queries:
        members = [int(m.mention_id) for m, _ in queries.cluster_mentions(before.cluster_id, 3)]
    desk = ClusterDesk(
        application.store, application.project, HotLists(application.project), application.links
    )
    desk.split(before.cluster_id, members, "zhoulan", NOW)

    second_wave(application)

    assert all(one.relapse is None for one in incidents(application))
    agrees(application)


def test_after_half_a_year_it_is_a_new_trouble(application) -> None:
    before = first_wave(application)
    application.clock.at = LATER - timedelta(days=181)
    close(application, before)

    second_wave(application)

    assert len(incidents(application)) == 2
    assert all(one.relapse is None for one in incidents(application))


def test_a_code_in_use_is_made_longer(application) -> None:
    take(application, [complaint(n) for n in range(3)])  # too few to raise; their cluster is known
    with application.store.read() as queries:
        [cluster_id] = queries.mention_cluster(1)
    [short, longer, *_] = codes_of(cluster_id)
    other = first_wave_of_another(application)
    with application.store.write() as connection:
        connection.execute(sa.update(tables.incident).values(code=short))
    take(application, [complaint(n) for n in range(3, 14)])

    raised = next(one for one in incidents(application) if one.incident_id != other.incident_id)
    assert raised.code == longer
    assert longer.startswith(short)


def first_wave_of_another(application: Application) -> Incident:
    take(application, [unreachable(n) for n in range(14)])
    [incident] = incidents(application)
    return incident


def unreachable(n: int) -> RawMention:
    text = f"云雀客服电话打不通，第{n}次了，等了{n * 7}分钟，气死人"
    return complaint(200 + n, text=text)


def two_troubles(application: Application) -> tuple[Incident, Incident]:
    leaks = first_wave(application)
    take(application, [unreachable(n) for n in range(14)])
    [calls] = (one for one in incidents(application) if one.incident_id != leaks.incident_id)
    return leaks, calls


def merged(application: Application) -> tuple[Incident, Incident]:
    leaks, calls = two_troubles(application)
    desk = ClusterDesk(
        application.store, application.project, HotLists(application.project), application.links
    )
    desk.merge(leaks.cluster_id, calls.cluster_id, "zhoulan", NOW)
    [kept] = (one for one in incidents(application) if one.at_work)
    [ended] = (one for one in incidents(application) if not one.at_work)
    return kept, ended


def test_what_one_cluster_has_become_is_not_split_into_two_open_incidents(application) -> None:
    kept, ended = merged(application)

    with pytest.raises(IllegalMove, match=kept.code):
        do(application, ended, "split")

    assert kinds(application, ended)[-1] == "merged"
    agrees(application)


def test_undoing_a_merge_calls_its_rise_back_without_a_word(application) -> None:
    before = first_wave(application)
    hurt = "云雀烧水壶把手断了，开水浇在脚背上烫伤起泡，去医院换药第{}次，厂家还没有人联系我"
    take(application, [complaint(400 + n, text=hurt.format(n)) for n in range(2)])
    with application.store.read() as queries:
        [burns] = queries.mention_cluster(15)
    desk = ClusterDesk(
        application.store, application.project, HotLists(application.project), application.links
    )

    done = desk.merge(before.cluster_id, burns, "zhoulan", NOW)
    risen = stands(application, before)
    sent = messages_of(application, before)
    desk.undo(done.events[0].event_no, "zhoulan", NOW + timedelta(hours=1))

    after = stands(application, before)
    assert (before.level, risen.level, after.level) == (Level.YELLOW, Level.ORANGE, Level.YELLOW)
    assert kinds(application, after)[-1] == "level_recalled"
    assert messages_of(application, before) == sent
    agrees(application)


def stands(application: Application, incident: Incident) -> Incident:
    with application.store.read() as queries:
        found = queries.incident(incident.incident_id)
    assert found is not None
    return found


def messages_of(application: Application, incident: Incident) -> int:
    with application.store.read() as queries:
        return len(queries.incident_intents(incident.incident_id))


def test_a_person_sets_the_level_and_the_program_keeps_it(application) -> None:
    before = first_wave(application)

    do(application, before, "grade", level=Level(before.level - 1), text="同一批客户")
    application.clock.at = NOW + timedelta(minutes=30)
    application.stages.regrade()

    [after] = incidents(application)
    assert after.level == before.level - 1
    assert (after.level_by, after.level_reason) == ("linxiao", "同一批客户")
    given_back = do(application, after, "grade", level=None, text="")
    assert (given_back.level, given_back.level_by) == (before.level, "")
    agrees(application)


def test_a_changed_row_is_found_and_written_anew_from_its_log(sqlite_url) -> None:
    def run(*arguments):
        return CliRunner().invoke(build(), ["--database", sqlite_url, "db", "check", *arguments])

    store = Store(sqlite_url)
    application = wiring.wire(project(), store, SteppedClock(NOW))
    before = first_wave(application)
    query = sa.select(tables.incident.c.document)
    with store.write() as connection:
        document = dict(connection.scalar(query)) | {"title": "别的事", "level": 4}
        connection.execute(sa.update(tables.incident).values(document=document))

    wrong = run("--json")
    repaired = run("--repair")
    [after] = incidents(application)
    store.close()

    [fault] = json.loads(wrong.stdout)["faults"]
    assert (fault["kind"], fault["where"], fault["seen"]) == ("fold", before.code, "level、title")
    assert repaired.exit_code == 0
    assert after == before


def test_two_open_incidents_on_one_cluster_are_found(application) -> None:
    store = application.store
    leaks, calls = two_troubles(application)
    with store.write() as connection:
        link = {"cluster_id": ClusterId(leaks.cluster_id), "incident_id": calls.incident_id}
        connection.execute(sa.insert(tables.incident_cluster).values(link))

    [fault] = check_incidents(store, fold)

    assert (fault.kind, fault.where) == ("two_open", leaks.cluster_id)
    assert leaks.code in fault.seen
    assert calls.code in fault.seen


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run on a machine whose own time zone is another than the project's."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_acts_with_several_values_are_reached_from_the_command_line(application) -> None:
    url = str(application.store.url)
    code = first_wave(application).code

    def run(*arguments: str) -> dict[str, Any]:
        line = ["--database", url, "incidents", *arguments, "--by", "zhoulan", "--json"]
        done = CliRunner().invoke(build(), line)
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)["incident"]

    due = "2099-01-01 18:00"
    run("task", code, "--kind", "fix", "--title", "逐台检测", "--due", due)
    done = run("task-done", code, "t1", "--cause", "批次偏差", "--measure", "查完 40 台")
    run("task", code, "--kind", "solve", "--title", "逐位联系")
    run("task-move", code, "t2", "--note", "联系了一半")
    run("draft", code, "--text", "我们正在逐位联系", "--task", "t2")
    more = run("extend", code, "--task", "t2", "--reason", "两位出差")
    asked = CliRunner().invoke(
        build(), ["--database", url, "incidents", "tasks", "suggest", code, "--json"]
    )
    parts = CliRunner().invoke(
        build(), ["--database", url, "incidents", "recall-parts", code, "--wanted", "5"]
    )
    assert more["tasks"][1]["extended"] == "两位出差"
    kinds = {one["kind"] for one in json.loads(asked.stdout)["suggestions"]}
    assert TaskKind.SOLVE.value not in kinds
    assert parts.exit_code != 0, "there is no batch signal here"
    assert "no batch signal" in str(parts.exception)
    low = run("grade", code, "blue", "--reason", "同一批客户")
    shelf = run("shelve", code, "--until", due, "--note", "周五换新", "--authors", "99")
    shown = CliRunner().invoke(build(), ["--database", url, "incidents", "show", code])

    assert (done["tasks"][0]["kind"], done["tasks"][0]["state"]) == ("排查整改", "done")
    assert (low["level"], low["level_by"]) == ("blue", "zhoulan")
    assert shelf["shelf"]["authors"] == 99
    assert "规则版本 rule  grade-4" in shown.output
    assert "任务 task t1  done  排查整改" in shown.output
    assert re.search(r"投诉人 complainants: \d+ 位投诉人，0 已联系，0 已解决", shown.output)
    assert "到 01-01 18:00 或 99 位作者" in shown.output, "in the project's time zone, as given"
    with application.store.read() as queries:
        acts = [row["action"] for row in queries.table_rows("audit")]
    assert {"task", "task_done", "grade", "shelve"} <= set(acts)
