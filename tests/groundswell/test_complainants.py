"""Complainants with the real journey: who they are, how they are moved, and that figures sum."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from typer.testing import CliRunner

from alerts.complainants import counts_of, fold_people
from alerts.incidents import Command, IllegalMove, fold
from groundswell import wiring
from groundswell.cli.app import build
from groundswell.complainant_files import read_lines, workbook
from groundswell.complainants import TakenIn, take_file
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage import tables
from storage.complainant_checks import check_complainants
from storage.incident_checks import check_incidents
from storage.records import Complainant, Contact, Incident, IncidentId
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, project, take


@pytest.fixture(scope="module")
def wave(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which fourteen people complain about one thing; made once."""
    path = tmp_path_factory.mktemp("wave") / "wave.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    first_wave(wiring.wire(project(), store, SteppedClock(NOW)))
    store.close()
    return path


@pytest.fixture
def application(wave: Path, tmp_path: Path) -> Iterator[Application]:
    shutil.copy(wave, tmp_path / "groundswell.db")
    store = Store(f"sqlite:///{tmp_path / 'groundswell.db'}")
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


@pytest.fixture
def on_both(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


def first_wave(application: Application) -> Incident:
    raws = [complaint(number) for number in range(14)]
    take(application, [replace(raw, published_at=_minute_before(raw.published_at)) for raw in raws])
    return the_incident(application)


def the_incident(application: Application) -> Incident:
    with application.store.read() as queries:
        [incident] = queries.incidents()
    return incident


def _minute_before(at: datetime | None) -> datetime:
    """Posted before it was seen: a time not before the observation counts as unknown."""
    return (at or NOW) - timedelta(minutes=1)


def do(application: Application, incident: Incident, name: str, **fields) -> Incident:
    command = Command(**({"name": name, "actor": "linxiao"} | fields))
    return application.desk.act(incident.incident_id, command)


def people(application: Application, incident: Incident) -> list[Complainant]:
    with application.store.read() as queries:
        return queries.complainants(incident.incident_id)


def agrees(application: Application) -> None:
    assert check_incidents(application.store, fold) == []
    assert check_complainants(application.store, fold_people) == []


def test_authors_of_the_clusters_are_the_complainants_and_move_in_one_event(on_both) -> None:
    application = on_both
    incident = first_wave(application)

    found = people(application, incident)

    assert len(found) == 14
    assert {one.state for one in found} == {Contact.WAITING}
    assert all(one.posted_at and one.seq == 0 and one.is_here for one in found)
    posted = [one.posted_at for one in found if not one.is_repost]
    assert posted == sorted(posted)
    first = [one.complainant_id for one in found[:5]]
    at = NOW - timedelta(minutes=3)
    after = do(
        application, incident, "contact", who=tuple(first), how="contacted", channel="电话", at=at
    )
    assert after.seq == incident.seq + 1
    with application.store.read() as queries:
        [event] = queries.incident_events(incident.incident_id)[incident.seq :]
        counts = queries.complainant_counts(incident.incident_id)
        page = queries.complainants(incident.incident_id, [Contact.CONTACTED], limit=2, offset=1)
        assert len(queries.complainants_unanswered(incident.incident_id)) == 9
    assert (event.kind, len(event.data["people"])) == ("contacted", 5)
    assert counts == {Contact.WAITING: 9, Contact.CONTACTED: 5}
    assert [one.complainant_id for one in page] == first[1:3]
    assert {(one.at, one.by, one.channel, one.responded_at) for one in page} == {
        (at, "linxiao", "电话", at)
    }
    assert counts_of(people(application, incident)).reached == 5
    agrees(application)


def test_who_is_split_away_leaves_unless_somebody_moved_him(application) -> None:
    incident = the_incident(application)
    before = people(application, incident)
    moved, left = before[0], before[1]
    do(
        application,
        incident,
        "contact",
        who=(moved.complainant_id,),
        how="contacted",
        channel="私信",
    )
    gone = [int(one.mention_id or 0) for one in (moved, left)]
    with application.store.transaction() as tx:
        for mention_id in gone:
            tx.connection.execute(
                sa.delete(tables.mention_cluster).where(
                    tables.mention_cluster.c.mention_pk == mention_id
                )
            )

    after = {one.complainant_id: one for one in people(application, incident)}

    assert left.complainant_id not in after
    assert after[moved.complainant_id].has_left
    assert after[moved.complainant_id].state is Contact.CONTACTED
    assert len(after) == 13


def breaks_rows_and_finds_them(application: Application, incident: Incident) -> None:
    row = tables.complainant
    with application.store.transaction() as tx:
        tx.connection.execute(sa.update(row).values(state="offered"))
        stray = {column.name: "" for column in row.c} | {
            "incident_id": incident.incident_id, "complainant_id": "x:y", "state": "waiting",
            "posted_at": None, "at": None, "responded_at": None, "seq": 0,
        }  # fmt: skip
        tx.connection.execute(sa.insert(row), [stray])

    [fault] = check_complainants(application.store, fold_people, repair=True)

    assert (fault.kind, fault.seen) == ("people", "2 位")
    agrees(application)


def test_moves_need_what_shows_them_and_go_back_only_with_a_reason(application) -> None:
    incident = the_incident(application)
    one = people(application, incident)[0].complainant_id

    def move(how: str, **said) -> Contact:
        do(application, incident, "contact", who=(one,), how=how, **said)
        [found] = [p for p in people(application, incident) if p.complainant_id == one]
        return found.state

    refused = (
        ("contacted", {}, "渠道"),
        ("contacted", {"channel": "信鸽"}, "没有渠道"),
        ("contacted", {"channel": "电话", "at": NOW + timedelta(hours=1)}, "将来"),
        ("offered", {"channel": "电话"}, "依据"),
        ("unreachable", {"text": "没人接"}, "试过"),
        ("finished", {"text": "好了"}, "没有状态"),
    )
    for how, said, why in refused:
        with pytest.raises(IllegalMove, match=why):
            move(how, **said)
    with pytest.raises(IllegalMove, match="没有这些投诉人"):
        do(application, incident, "contact", who=(one, "nobody"), how="contacted", channel="电话")
    assert move("unreachable", channel="电话、私信", text="两次没有接") is Contact.UNREACHABLE
    assert move("contacted", channel="邮件") is Contact.CONTACTED
    assert move("refused", text="嫌补偿少") is Contact.REFUSED
    with pytest.raises(IllegalMove, match="依据"):
        move("offered")
    assert move("offered", text="改为全额退款，电话 13800138000") is Contact.OFFERED
    [stored] = [p for p in people(application, incident) if p.complainant_id == one]
    assert "13800138000" not in stored.text
    assert move("solved", text="退款到账") is Contact.SOLVED
    agrees(application)
    breaks_rows_and_finds_them(application, incident)


def test_a_solved_complainant_who_writes_again_is_waiting_again(application) -> None:
    incident = the_incident(application)
    do(application, incident, "ack")
    one = people(application, incident)[0]
    at = NOW - timedelta(minutes=1)
    do(application, incident, "contact", who=(one.complainant_id,), how="solved", channel="电话",
       text="换了滤芯座", at=at)  # fmt: skip
    later = NOW + timedelta(hours=2)
    application.clock.at = later
    number = int(one.author.removeprefix("用户"))
    again = complaint(
        number + 6, author=one.author, native_id="again", published_at=later - timedelta(minutes=5),
        observed_at=later,
    )  # fmt: skip
    take(application, [again])

    [after] = [p for p in people(application, incident) if p.complainant_id == one.complainant_id]
    with application.store.read() as queries:
        kinds = [event.kind for event in queries.incident_events(incident.incident_id)]
    assert kinds.count("complained_again") == 1
    assert (after.state, after.responded_at) == (Contact.WAITING, at)
    agrees(application)


def test_files_are_taken_row_by_row_and_twice_changes_nothing(application, tmp_path) -> None:
    incident = the_incident(application)
    found = people(application, incident)
    names = [one.complainant_id for one in found]
    rows = [
        "备注,状态,编号,随便一列,联系时间,渠道,工单,投诉人",
        f"补发了滤芯,已解决,{names[0]},x,2026-03-10 11:59,电话,,",
        f",,{names[1]},,,,,",
        f"没人接,联系不上,{names[2]},,,电话、私信,,",
        ",已解决,查无此人,,,电话,,",
        f",好了,{names[3]},,,电话,,",
        f"嫌少,不接受,{names[4]},,2026-13-40,电话,,",
        "=1+1,已联系,,,,电话,GD-7,",
        f"再来一次,已解决,{names[0]},,,电话,,",
        ",已联系,,,,电话,,13800138000",
    ]
    path = tmp_path / "回填.csv"
    path.write_bytes("\n".join(rows).encode("gb18030"))

    def take_in() -> TakenIn:
        lines, bad = read_lines(path, application.project.settings.zone)
        return take_file(application.desk, incident.code, lines, bad, "linxiao")

    taken = take_in()

    assert (taken.rows, taken.moved, taken.added, taken.unchanged) == (9, 2, 1, 1)
    said = "\n".join(taken.problems)
    for number, why in (
        (5, "没有编号"),
        (6, "没有状态"),
        (7, "联系时间"),
        (9, "同一位"),
        (10, "个人"),
    ):
        assert f"第 {number} 行" in said
        assert why in said
    with application.store.read() as queries:
        log = queries.incident_events(incident.incident_id)
    assert [event.kind for event in log[incident.seq :]] == ["people_imported"]
    again = take_in()
    assert (again.moved, again.added, again.unchanged) == (0, 0, 4)
    with application.store.read() as queries:
        assert queries.incident_events(incident.incident_id) == log
    # a workbook that is older than what people did since takes nothing back
    body = workbook(found, application.project.settings.zone)
    (tmp_path / "old.xlsx").write_bytes(body)
    lines, bad = read_lines(tmp_path / "old.xlsx", application.project.settings.zone)
    assert take_file(application.desk, incident.code, lines, bad, "linxiao").moved == 0
    agrees(application)


def test_a_workbook_holds_no_formula_and_locks_who_is_who() -> None:
    evil = Complainant(
        incident_id=IncidentId("x"),
        complainant_id="抖音:阿禾",
        author='=HYPERLINK("http://x.example")',
        url="@x",
        text="+1",
    )
    sheet = load_workbook(BytesIO(workbook([evil], project().settings.zone))).active

    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}
    heads = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.cell(2, heads["投诉人"]).value == evil.author
    assert sheet.cell(2, heads["编号"]).protection.locked
    assert not sheet.cell(2, heads["状态"]).protection.locked
    assert sheet.protection.sheet
    [states, _] = sheet.data_validations.dataValidation
    assert "联系不上" in states.formula1


def test_the_command_line_lists_moves_adds_and_takes_files(application, tmp_path) -> None:
    incident = the_incident(application)
    file = application.store.file
    assert file is not None
    [one, two, *_] = [p.complainant_id for p in people(application, incident)]
    shared = ["--database", f"sqlite:///{file}"]

    def run(*words: str) -> str:
        done = CliRunner().invoke(build(), [*shared, "incidents", *words])
        assert done.exit_code == 0, done.output
        return done.output

    moved = run("people", "move", incident.code, one, two, "--to", "contacted", "--channel", "电话")
    assert "14 位投诉人，2 已联系" in moved
    assert "15 位投诉人" in run("people", "add", incident.code, "GD-7")
    listed = json.loads(run("people", "list", incident.code, "--state", "contacted", "--json"))
    assert [p["complainant_id"] for p in listed["complainants"]] == [one, two]
    assert listed["counts"]["total"] == 15
    assert listed["first_response"]["unknown"] == 1  # the ticket: nobody knows since when he waits
    out = tmp_path / "people.xlsx"
    run("people", "export", incident.code, "--to", str(out))
    assert "没有变化 15 位" in run("people", "import", incident.code, str(out))
    agrees(application)
