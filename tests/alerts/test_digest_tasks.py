"""Overdue tasks, shelved and emptied incidents in the digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.digest import compose, to_html, to_text
from alerts.digest_tasks import ENGLISH
from alerts.digest_tasks import TITLE as TASKS
from storage.records import (
    Digest,
    DigestFacts,
    Incident,
    IncidentState,
    OwnerId,
    Shelf,
    Task,
    TaskKind,
)
from tests.alerts.people import make_project
from tests.make import NOW, make_incident

PROJECT = make_project()


def task(number: int, owner: str, hours: float, **fields: object) -> Task:
    made = Task(
        task_id=f"t{number}",
        kind=TaskKind.FIX,
        title="逐台检测第三批次",
        owner_id=OwnerId(owner),
        due_at=NOW + timedelta(hours=hours),
        by="lin",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def digest(reader: str, *incidents: Incident) -> Digest:
    facts = DigestFacts(
        day=NOW.date(), since=NOW - timedelta(days=1), until=NOW, incidents=incidents
    )
    owner = PROJECT.owner(reader)
    assert owner is not None
    return compose(facts, owner, PROJECT.owners, NOW)


def test_overdue_tasks_are_listed_once_the_longest_overdue_first() -> None:
    tasks = (
        task(1, "wu", -1),
        task(2, "lin", -30),
        task(3, "lin", 5),
        task(4, "lin", -2, state="done"),
    )
    composed = digest("lin", make_incident(owner_id=OwnerId("lin"), tasks=tasks))

    [items] = [items for name, items in composed.sections if name == TASKS]
    assert [item.owner_id for item in items] == ["lin", "wu"]
    assert "林晓（您）" in items[0].text
    assert items[0].title == "排查整改：逐台检测第三批次"
    assert TASKS in to_text(composed, 4000, "https://desk.example")
    assert ENGLISH in to_html(composed, "https://desk.example")


def test_who_only_has_a_task_reads_of_it_alone() -> None:
    incident = make_incident(owner_id=OwnerId("lin"), tasks=(task(1, "wu", -1),), told=())

    sections = dict(digest("wu", incident).sections)

    assert list(sections) == [TASKS]
    assert TASKS not in dict(digest("zhao", replace(incident, tasks=())).sections)


def test_a_shelved_incident_is_not_overdue_and_says_until_when() -> None:
    shelf = Shelf(until=NOW + timedelta(days=2), authors=40, note="周五换新批次", by="lin")
    old = make_incident(
        owner_id=OwnerId("lin"), opened_at=NOW - timedelta(days=3), state=IncidentState.OPEN
    )

    [(name, _)] = digest("lin", old).sections
    [(calm, [item])] = digest("lin", replace(old, shelf=shelf)).sections

    assert name == "超时未确认"
    assert calm == "其他"
    assert "已知问题，搁置至 3月12日 12:00（周五换新批次）" in item.text


def test_an_emptied_incident_is_no_false_alarm_of_a_person() -> None:
    emptied = make_incident(
        owner_id=OwnerId("lin"),
        state=IncidentState.DISMISSED,
        dismissed_at=NOW,
        dismissed_by="system",
        dismissed_reason="判定更正后，聚类里没有剩下任何内容",
    )

    [(_, [item])] = digest("lin", emptied).sections

    assert item.text.startswith("判定更正后，聚类里没有剩下任何内容")
    assert "误报" not in item.text
