"""Tasks with teeth: whose and until when, evidence, rounds while overdue, parts called back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents import IllegalMove, absorb, fold, on_grade
from alerts.regrouping import join_incidents
from alerts.task_defaults import RECALL, signal_key, suggestions
from alerts.task_evidence import GROUNDS, NEEDED, has_evidence
from alerts.task_rounds import ladder, next_word
from alerts.tasks import overdue
from alerts.timers import on_timers
from storage.records import (
    ClusterId,
    Incident,
    IncidentId,
    IncidentState,
    Level,
    Task,
    TaskKind,
)
from tests.alerts.people import make_project
from tests.alerts.tasking import (
    DONE,
    EXAMPLES,
    FRIDAY,
    FUNCTIONS,
    HOUR,
    LINKS,
    PROJECT,
    SEEN,
    SIGNAL,
    act,
    armed,
    fire,
    given_task,
    raised,
    rounds_of,
    told,
)
from tests.make import NOW, make_grade

# --- whose, and until when ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "owner", "function", "hours"),
    [
        (TaskKind.GUIDE, "zhao", "pr", 2),
        (TaskKind.FIX, "wu", "quality", 48),
        (TaskKind.SOLVE, "lin", "service", 48),
        (TaskKind.CLARIFY, "zhao", "pr", 5),
        (TaskKind.CONTAIN, "zhao", "pr", 4),
    ],
)
def test_a_kind_has_its_function_and_the_levels_time(
    kind: TaskKind, owner: str, function: str, hours: int
) -> None:
    incident = replace(raised(), issue_class="售后服务")
    change = given_task(incident, kind)
    [task] = change.incident.tasks

    assert (task.owner_id, task.function) == (owner, function)
    assert task.due_at == NOW + timedelta(hours=hours)
    assert told(change) == ([] if owner == "lin" else [owner])
    assert armed(change).due_at == NOW + timedelta(hours=hours) * 0.7  # one reminder: 30 % left


def test_a_statement_about_quality_is_sales() -> None:
    [task] = given_task(replace(raised(), issue_class="产品质量"), TaskKind.CLARIFY).incident.tasks
    assert (task.function, task.owner_id) == ("sales", "wu")


def test_without_functions_a_task_is_the_incidents_owners() -> None:
    [task] = given_task(raised(project=make_project()), project=make_project()).incident.tasks
    assert (task.owner_id, task.function) == ("lin", "")


def test_a_due_time_counts_service_hours() -> None:
    tier = {"id": "office", "hours": "5x8"}
    routes = [{"id": "all", "owner": "lin", "chain": ["chen"], "service": "office"}]
    project = make_project(functions=FUNCTIONS, services=[tier], routes=routes)
    [task] = given_task(raised(project=project), TaskKind.GUIDE, project=project).incident.tasks

    # NOW is 10 March 2026, 12:00 in Shanghai; two hours of work later it is 14:00
    assert task.due_at == NOW + 2 * HOUR
    [late] = given_task(raised(project=project), TaskKind.FIX, project=project).incident.tasks
    assert late.due_at > NOW + timedelta(days=5)  # 48 hours of work are more than five days


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task_kind": None}, "needs a kind"),
        ({"until": NOW}, "due time in the future"),
        ({"owner_id": "nobody"}, "no owner 'nobody'"),
        ({"owner_id": "legal"}, "no owner 'legal'"),
        ({"text": "  "}, "what is to be done"),
        ({"text": "请人批量举报这些帖子"}, "no task for mass reports"),
        ({"text": "有 偿删帖"}, "no task for mass reports"),
        ({"counts": {"received": 3}}, "counts.wanted"),
    ],
)
def test_a_task_that_lacks_something_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(IllegalMove, match=said):
        given_task(raised(), **fields)


def test_a_level_asks_for_tasks_until_they_are_given() -> None:
    asked = {level: suggestions(raised(level), PROJECT, NOW) for level in Level if level}
    assert [len(asked[level]) for level in Level if level] == [1, 2, 4, 5]
    assert asked[Level.RED][-1].reason.startswith("红级")

    incident = given_task(raised(), TaskKind.SOLVE).incident
    first, *rest = suggestions(incident, PROJECT, NOW, signals=(SIGNAL,))
    assert (first.title, first.signal, first.wanted) == (RECALL, signal_key(SIGNAL), 5)
    assert TaskKind.SOLVE not in {one.kind for one in rest}
    dropped = act(incident, "task_drop", task_id="t1", text="已换人").incident
    assert TaskKind.SOLVE in {one.kind for one in suggestions(dropped, PROJECT, NOW)}
    mild = suggestions(raised(Level.YELLOW), PROJECT, NOW, signals=(SIGNAL,))
    assert not any(one.wanted for one in mild)


# --- done, with evidence --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(TaskKind))
def test_done_needs_the_evidence_of_its_kind(kind: TaskKind) -> None:
    incident = given_task(raised(), kind).incident
    with pytest.raises(IllegalMove, match=NEEDED[kind][:4]):
        act(incident, "task_done", task_id="t1", text="做完了")

    done = act(incident, "task_done", task_id="t1", **DONE[kind])
    [task] = done.incident.tasks

    assert task.state == "done"
    assert has_evidence(task)
    assert not has_evidence(replace(task, note="", url="", receipt="", solved=0))
    assert next_word(task) is None
    assert "task" in done.cancel_timers
    assert not act(done.incident, "task_done", task_id="t1", text="又按了一次").events


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (TaskKind.GUIDE, {"url": "javascript:alert(1)"}, "expected a web address"),
        (TaskKind.CLARIFY, {"url": "https://a b.example"}, "expected a web address"),
        (TaskKind.FIX, {"text": "原因：；措施：换新"}, "lacks cause and measure"),
        (TaskKind.SOLVE, {"counts": {"solved": 0}}, "counts.solved"),
        (TaskKind.CONTAIN, {"receipt": "A1"}, "needs its platform"),
        (TaskKind.CONTAIN, {"receipt": "A1", "channel": "微博"}, "no legal ground ''"),
        (TaskKind.CONTAIN, {"receipt": "A1", "channel": "微博", "how": "x"}, "defamation"),
    ],
)
def test_evidence_that_is_none_is_refused(
    kind: TaskKind, fields: dict[str, Any], said: str
) -> None:
    incident = given_task(raised(), kind).incident
    with pytest.raises(IllegalMove, match=said):
        act(incident, "task_done", task_id="t1", **({"text": "做完了"} | fields))


def test_a_post_is_reported_once() -> None:
    incident = given_task(
        given_task(raised(), TaskKind.CONTAIN).incident, TaskKind.CONTAIN
    ).incident
    done = act(incident, "task_done", task_id="t1", **DONE[TaskKind.CONTAIN]).incident

    assert done.tasks[0].receipt == "微博 WB20260308-17"
    assert GROUNDS["privacy"] in done.tasks[0].note
    with pytest.raises(IllegalMove, match="already reported in task t1"):
        act(done, "task_done", task_id="t2", **DONE[TaskKind.CONTAIN])


# --- overdue --------------------------------------------------------------------------------------


def test_an_overdue_task_goes_up_like_an_alert_that_nobody_acknowledges() -> None:
    change = given_task(raised(), owner_id="quality", until=FRIDAY)
    [task] = change.incident.tasks
    warned, due, *further = rounds_of(change)

    assert [event.kind for event in warned.events] == ["task_warned"]
    assert "还剩" in warned.intents[0].body
    assert [told(one) for one in (warned, due)] == [["wu"], ["wu"]]
    # the lead of the function (in the chain, too), the incident's owner; orange goes round twice
    assert [told(one) for one in further] == [["chen"], ["lin"], ["wu"], ["chen"], ["lin"], ["sun"]]
    order = ladder(change.incident, task, PROJECT)
    assert len(further) + 1 == len(order)
    assert order[:2] == (("wu",), ("chen",))
    assert order[-1] == ("management",)
    assert told(further[-1]) == ["sun"]
    times = [one.events[0].at for one in (due, *further)]
    assert times[0] == FRIDAY
    assert {late - early for early, late in pairwise(times)} == {timedelta(minutes=10)}
    last = further[-1].incident
    assert (last.tasks[0].rounds, next_word(last.tasks[0])) == (len(order), None)
    assert overdue(last.tasks, FRIDAY + HOUR) == [last.tasks[0]]


def test_rounds_missed_in_an_outage_become_one_message_each() -> None:
    change = given_task(raised(), owner_id="quality", until=FRIDAY)
    whole = fire(change, at=FRIDAY + timedelta(hours=9))

    assert [event.kind for event in whole.events] == ["task_overdue"]
    assert sorted(told(whole)) == ["chen", "lin", "sun", "wu"]
    assert len(whole.intents) == 4
    assert not any(one.kind == "task" and one.status == "pending" for one in whole.timers)
    assert "已超期 9 小时" in whole.intents[0].body


def test_work_on_an_overdue_task_gives_one_more_step() -> None:
    due = fire(fire(given_task(raised(), owner_id="wu", until=FRIDAY)))
    later = FRIDAY + timedelta(minutes=6)
    for name in ("task_move", "draft"):
        moved = act(due.incident, name, later, task_id="t1", text="第二批样件到了")
        assert armed(moved).due_at == later + timedelta(minutes=10)
        assert moved.incident.tasks[0].rounds == 1
        assert told(moved) == []
    done = act(due.incident, "task_drop", later, task_id="t1", text="已由经销商处理")
    assert not on_timers(done.incident, [armed(due)], PROJECT, FRIDAY + HOUR, links=LINKS).events


def test_two_tasks_that_are_due_at_once_are_one_message() -> None:
    change = given_task(raised(), owner_id="wu", until=FRIDAY)
    change = given_task(change.incident, TaskKind.CLARIFY, owner_id="wu", until=FRIDAY)
    both = fire(fire(change))

    assert [event.kind for event in both.events] == ["task_due", "task_due"]
    assert told(both) == ["wu"]
    assert len(both.intents) == 1
    assert all(kind in both.intents[0].body for kind in ("排查整改", "澄清回应"))


def test_after_the_closing_a_task_waits_for_working_hours_and_blues_pace() -> None:
    change = given_task(raised(), owner_id="wu", until=FRIDAY)
    ended = change.incident
    ended = act(ended, "ack").incident
    ended = act(ended, "handled", text="已换新").incident
    shut = replace(ended, state=IncidentState.CLOSED)
    due = on_timers(shut, [armed(change)], PROJECT, FRIDAY, links=LINKS)

    assert due.intents[0].level is Level.BLUE
    assert armed(due).due_at - FRIDAY == timedelta(hours=8)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    level=st.sampled_from([level for level in Level if level]),
    waits=st.lists(st.sampled_from([0, 1, 9, 31, 600, 5000]), max_size=12),
    acts=st.lists(st.sampled_from(["", "task_move", "extend", "grade", "task_done"]), max_size=12),
)
def test_rounds_are_bounded_and_what_is_overdue_is_never_silent(
    level: Level, waits: list[int], acts: list[str]
) -> None:
    change = given_task(raised(level), owner_id="quality")
    incident, events, now, pending = change.incident, list(change.events), NOW, armed(change)
    longest = 0
    for minutes, name in zip(waits, acts, strict=False):
        now += timedelta(minutes=minutes)
        made = []
        if pending and pending.due_at <= now:
            made.append(on_timers(incident, [pending], PROJECT, now, links=LINKS))
            incident = made[-1].incident
        if (
            name
            and incident.tasks[0].state == "open"
            and not (name == "extend" and incident.tasks[0].extended)
        ):
            said = DONE[TaskKind.FIX] if name == "task_done" else {"text": "等样件"}
            said |= {"level": Level.BLUE} if name == "grade" else {}
            made.append(act(incident, name, now, task_id="t1", **said))
            incident = made[-1].incident
        events += [event for one in made for event in one.events]
        for one in made:
            waiting = [t for t in one.timers if t.kind == "task" and t.status == "pending"]
            if waiting or "task" in one.cancel_timers:
                pending = waiting[0] if waiting else None
            names = [intent.recipient_id for intent in one.intents]
            assert len(set(names)) == len(names), "one message per person and act"
            # a level that falls in the same step leaves more rounds than its own ladder has
            longest = max(longest, len(ladder(one.incident, one.incident.tasks[0], PROJECT)))
        [task] = incident.tasks
        order = ladder(incident, task, PROJECT)
        assert task.rounds <= longest
        late = task.state == "open" and task.due_at <= now
        assert not late or task.rounds > 0, "overdue and nobody was told"
        assert not late or pending or task.rounds >= len(order)
        assert task.state != "done" or has_evidence(task)
    assert replace(fold([*raising(level), *events]), seq=incident.seq) == incident


def raising(level: Level) -> list[Any]:
    change = on_grade(None, SEEN, make_grade(level), PROJECT, NOW, links=LINKS)
    assert change is not None
    return list(change.events)


# --- more time, once ------------------------------------------------------------------------------


def test_an_acknowledge_is_extended_once_and_anew_after_the_next() -> None:
    acked = act(raised(), "ack").incident
    longer = act(acked, "extend", text="等检测报告").incident

    assert acked.lease_until is not None
    assert longer.lease_until == acked.lease_until + HOUR
    assert not act(longer, "extend", text="等检测报告").events  # pressed twice
    with pytest.raises(IllegalMove, match="extended once"):
        act(longer, "extend", text="再等等")
    later = act(longer, "note", NOW + timedelta(minutes=5), text="报告在路上").incident
    assert later.lease_until == longer.lease_until, "work never shortens"
    again = act(later, "ack", NOW + HOUR, actor="chen").incident
    assert again.extended == ""
    assert act(again, "extend", NOW + HOUR, text="再等等").events
    with pytest.raises(IllegalMove, match="no acknowledge to extend"):
        act(raised(), "extend", text="等等")


def test_a_tasks_time_is_extended_once() -> None:
    due = fire(fire(given_task(raised(), owner_id="wu", until=FRIDAY)))
    at = FRIDAY + timedelta(minutes=3)
    with pytest.raises(IllegalMove, match="must be later"):
        act(due.incident, "extend", at, task_id="t1", text="等样件", until=at)
    longer = act(due.incident, "extend", at, task_id="t1", text="等样件")
    [task] = longer.incident.tasks

    assert task.due_at == at + timedelta(hours=48)
    assert (task.rounds, task.extended) == (0, "等样件")
    assert armed(longer).due_at < task.due_at
    with pytest.raises(IllegalMove, match="extended once only"):
        act(longer.incident, "extend", at, task_id="t1", text="还要等")


# --- merges ---------------------------------------------------------------------------------------


def other_of(incident: Incident) -> Incident:
    return replace(
        incident, incident_id=IncidentId("yunque-b"), code="舆-BBBB", cluster_id=ClusterId("b")
    )


def test_the_tasks_of_a_merged_incident_go_on_in_the_other() -> None:
    change = given_task(raised(), owner_id="quality", until=FRIDAY)
    done = given_task(change.incident, TaskKind.GUIDE).incident
    done = act(done, "task_done", task_id="t2", **DONE[TaskKind.GUIDE]).incident
    into = given_task(other_of(raised()), TaskKind.SOLVE).incident

    merged = act(done, "merge", into=into, text="同一件事")
    survivor = absorb(into, merged.incident, "lin", PROJECT, NOW)

    assert [task.state for task in merged.incident.tasks] == ["moved", "done"]
    assert "task" in merged.cancel_timers
    assert not any(one.kind == "task" for one in merged.timers)
    assert [task.task_id for task in survivor.incident.tasks] == ["t1", "t2"]
    moved = survivor.incident.tasks[1]
    assert (moved.owner_id, moved.function, moved.due_at) == ("wu", "quality", FRIDAY)
    assert armed(survivor).due_at <= moved.due_at
    assert told(survivor) == []


def test_the_tasks_follow_when_clusters_become_one() -> None:
    first = raised()
    second = given_task(other_of(raised(Level.YELLOW)), owner_id="wu", until=FRIDAY).incident
    merged, survivor = join_incidents(
        [first, second],
        first.cluster_id,
        second.cluster_id,
        unheard={},
        actor="system",
        project=PROJECT,
        now=NOW + HOUR,
    )
    assert merged.incident.tasks[0].state == "moved"
    assert [task.owner_id for task in survivor.incident.tasks] == ["wu"]
    assert armed(survivor)


# --- what the program never does ------------------------------------------------------------------


def test_nothing_but_crawlers_and_channels_can_reach_the_web() -> None:
    """No code path of tasks, drafts or the desk posts anything anywhere: it has no client."""
    root = Path(__file__).parents[2]
    found = set()
    for package in ("alerts", "config", "storage", "classify", "groundswell", "crawlers"):
        for file in (root / package).rglob("*.py"):
            named = file.relative_to(root).as_posix()
            if named.startswith(("crawlers/", "alerts/channels/")):
                continue
            if CLIENTS.search(file.read_text(encoding="utf-8")):
                found.add(named)
    assert found <= set(READERS), f"may not reach the web, or say here why: {found - set(READERS)}"


CLIENTS = re.compile(
    r"^\s*(?:import|from) (?:httpx|httpcore|aiohttp|requests|urllib3|http\.client|urllib\.request"
    r"|smtplib|websockets|config\.guarded|alerts\.channels\.http)\b"
    r"|\bguarded_client\b|\bmake_client\b|^\s*from urllib import request",
    re.MULTILINE,
)
# What reaches the web besides crawlers and message channels, and why none of it posts to a platform.
READERS = {
    "config/net.py": "makes the guarded client for the others",
    "config/guarded.py": "is the guarded client",
    "groundswell/watchdog.py": "asks for the dead man's switch's address, with nothing in it",
    "groundswell/inbound/connecting.py": "keeps providers' long connections to read answers",
    "groundswell/inbound/dingtalk.py": "asks the provider for that connection's address",
    "groundswell/inbound/feishu.py": "asks the provider for that connection's address",
    "groundswell/inbound/listening.py": "keeps those connections",
}


def test_a_draft_is_kept_and_sent_nowhere() -> None:
    acked = act(raised(), "ack").incident
    kept = act(acked, "draft", NOW + timedelta(minutes=9), text="我们正在逐台检测")

    assert [event.kind for event in kept.events] == ["drafted"]
    assert kept.intents == ()
    assert kept.incident.lease_until == NOW + timedelta(minutes=69)  # it is progress
    with pytest.raises(IllegalMove, match="no task 't7'"):
        act(acked, "draft", text="草稿", task_id="t7")


def a_task(**fields: Any) -> Task:
    return replace(given_task(raised()).incident.tasks[0], **fields)


def test_a_task_from_before_is_brought_up_at_its_due_time() -> None:
    old = a_task(next_at=None, given_at=None)
    assert next_word(old) == old.due_at
    assert next_word(replace(old, rounds=3)) is None
