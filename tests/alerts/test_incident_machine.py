"""Random histories of one trouble: properties P1, P5-P10, P12, P16 and P20 of alerting.md 2.5."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts.complainants import counts_of, fold_people
from alerts.confirming import closed_by
from alerts.incidents import (
    Command,
    CommandName,
    IllegalMove,
    Standing,
    allowed_commands,
    fold,
    on_command,
    on_grade,
    on_timer,
)
from alerts.task_evidence import has_evidence
from alerts.task_rounds import next_word
from storage.records import (
    Change,
    Complainant,
    ConfirmKind,
    Contact,
    Evidence,
    Incident,
    IncidentEvent,
    IncidentState,
    Intent,
    Level,
    Reason,
    TaskKind,
    Timer,
)
from tests.alerts.people import PlainLinks, make_project, owners
from tests.make import NOW, make_cluster, make_evidence, make_grade, make_surge

LINKS = PlainLinks()
OPEN = {IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.HANDLED}
LEVELS = (None, Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)
PEOPLE = ("lin", "zhao", "chen", "sun", "wu")


def is_possible(incident: Incident, name: CommandName) -> bool:
    """Say whether a command that the state allows lacks nothing else."""
    if name in {CommandName.TASK_DONE, CommandName.TASK_DROP}:
        return bool(incident.tasks)
    if name in {CommandName.TASK_MOVE, CommandName.EXTEND, CommandName.DRAFT}:
        return any(task.state == "open" for task in incident.tasks[-1:])
    if name in {CommandName.UNITS, CommandName.VERDICT}:
        return False  # there is no batch signal here
    if name in {CommandName.HANDOVER, CommandName.ACCEPT, CommandName.DECLINE, CommandName.UNLOCK}:
        return False  # they have a machine of their own (test_triangle.py)
    return name != CommandName.SHELVE or incident.level < Level.RED


COMPLAIN = tuple(f"tousu:人{n}" for n in range(5))
OF_PEOPLE = frozenset(
    {CommandName.CONTACT, CommandName.GIVE, CommandName.COMPLAINANTS, CommandName.CONFIRM}
)

# what these lack, or what they contradict, is refused
MAY_REFUSE = OF_PEOPLE | {
    CommandName.NOT_MINE,
    CommandName.HANDOVER,
    CommandName.ACCEPT,
    CommandName.DECLINE,
}


@dataclass
class Desk:
    """What a store would keep: it refuses what it has seen, like the real one."""

    incident: Incident | None = None
    events: list[IncidentEvent] = field(default_factory=list)
    timers: dict[tuple[int, str, int], Timer] = field(default_factory=dict)
    unsent: dict[str, Intent] = field(default_factory=dict)
    intents: list[Intent] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    people: dict[str, Complainant] = field(default_factory=dict)  # those whom the log names

    def save(self, change: Change) -> bool:
        fresh = [event.source_event_id for event in change.events]
        if any(key in self.keys for key in fresh):
            return False
        assert len(set(fresh)) == len(fresh)
        self.keys.update(fresh)
        for key, timer in self.timers.items():
            if timer.status == "pending" and timer.kind in change.cancel_timers:
                self.timers[key] = replace(timer, status="cancelled")
        for timer in change.timers:
            key = (timer.epoch, timer.kind, timer.step)
            if timer.status == "pending":
                assert key not in self.timers, f"timer {key} is armed twice"
            self.timers[key] = timer
        if change.cancel_intents:
            self.unsent.clear()
        ids = {intent.intent_id for intent in self.intents}
        for intent in change.intents:
            assert intent.intent_id not in ids, "two acts wrote the same message"
            ids.add(intent.intent_id)
            self.unsent[intent.intent_id] = intent
            self.intents.append(intent)
        self.events += change.events
        self.incident = change.incident
        self.people |= {one.complainant_id: one for one in change.complainants}
        return True

    def due(self, now: datetime) -> list[Timer]:
        waiting = [timer for timer in self.timers.values() if timer.status == "pending"]
        return sorted((timer for timer in waiting if timer.due_at <= now), key=lambda t: t.due_at)


class IncidentMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.project = make_project()
        self.desk = Desk()
        self.posts: list[tuple[datetime, str]] = []
        self.clusters = 0
        self.other = on_grade(
            None,
            make_evidence(cluster=make_cluster("yunque-other")),
            make_grade(),
            self.project,
            NOW,
        )

    # --- what may happen ---

    @rule(minutes=st.sampled_from([0, 1, 7, 20, 45, 180, 1440, 5760]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(n=st.integers(1, 6), minutes_old=st.sampled_from([0, 5, 60, 600, 4000]))
    def people_complain(self, n: int, minutes_old: int) -> None:
        at = self.now - timedelta(minutes=minutes_old)
        start = len(self.posts)
        self.posts += [(at, f"tousu:人{start + i}") for i in range(n)]

    @rule(
        level=st.sampled_from(list(Level)),
        score=st.sampled_from([0.0, 15.0, 30.0, 50.0, 70.0, 90.0]),
        page=st.booleans(),
    )
    def graded(self, level: Level, score: float, page: bool) -> None:
        surge = make_surge(
            kind="spike" if page else "none",
            observed=12 if page else 0,
            window_hours=1,
            expected=0.0 if page else 1.0,
            ratio=float("inf") if page else 0.0,
        )
        reasons = (Reason(code="score", text=f"综合分 {score:g}", value=score, level=level),)
        grade = make_grade(level, score=score, surge=surge, at=self.now, reasons=reasons)
        before = self.desk.incident
        evidence = self.evidence()
        change = on_grade(before, evidence, grade, self.project, self.now, links=LINKS)
        if change is None:
            return
        assert self.desk.save(change)
        assert not self.desk.save(change)  # P5: fed twice
        again = on_grade(self.desk.incident, evidence, grade, self.project, self.now, links=LINKS)
        assert again is None  # P5: the same grade says nothing new
        self.check_act(before, change)

    @rule(level=st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE]))
    @precondition(lambda self: self.desk.incident is not None)
    def a_new_cluster_tells_of_the_same(self, level: Level) -> None:
        closed = self.desk.incident
        assert closed is not None
        if closed.state is not IncidentState.CLOSED:
            return
        self.clusters += 1
        evidence = replace(self.evidence(), cluster=make_cluster(f"yunque-{self.clusters}"))
        grade = make_grade(level, at=self.now)
        change = on_grade(
            None, evidence, grade, self.project, self.now, links=LINKS, relapse_of=closed
        )
        if change is None:
            assert not evidence.live_authors
            return
        assert self.desk.save(change)
        assert not self.desk.save(change)
        assert change.incident.relapse is not None
        assert change.incident.relapse.said == closed.closed_evidence
        assert change.incident.cluster_id == evidence.cluster.cluster_id
        self.check_act(closed, change)

    @rule()
    @precondition(lambda self: self.desk.incident is not None)
    def corrections_leave_nothing_of_it(self) -> None:
        before = self.desk.incident
        assert before is not None
        if not before.at_work:
            return
        empty = replace(self.evidence(), mentions=0, live_authors=(), watch_authors=())
        grade = make_grade(Level.NONE, score=0.0, at=self.now)
        change = on_grade(
            before, empty, grade, self.project, self.now, links=LINKS, standing=Standing.EMPTY
        )
        assert change is not None
        assert self.desk.save(change)
        assert change.incident.was_emptied
        assert change.intents == ()
        assert self.desk.unsent == {}
        self.check_act(before, change)

    @rule(data=st.data(), actor=st.sampled_from(PEOPLE), hours=st.sampled_from([1, 30]))
    @precondition(lambda self: self.desk.incident is not None)
    def somebody_acts(self, data: st.DataObject, actor: str, hours: int) -> None:
        before = self.desk.incident
        assert before is not None
        names = [name for name in allowed_commands(before) if is_possible(before, name)]
        name = data.draw(st.sampled_from(names))
        assert self.other is not None
        command = Command(
            name=name,
            actor=actor,
            text="按流程处理",
            owner_id=data.draw(st.sampled_from(PEOPLE)),
            until=None if name == CommandName.EXTEND else self.now + timedelta(hours=hours),
            into=self.other.incident,
            counts={"solved": 3} if name == CommandName.TASK_DONE else {},
            level=data.draw(st.sampled_from(LEVELS)) if name == CommandName.GRADE else None,
            authors=len(self.posts) + 9,
            task_id=f"t{len(before.tasks)}",
            task_kind=TaskKind.SOLVE,
            command_id=f"c{len(self.desk.events)}",
        )
        if name in OF_PEOPLE:
            command = self.about_people(data, command)
        try:
            change = on_command(
                before,
                command,
                self.project,
                self.now,
                links=LINKS,
                complainants=self.complainants().values(),
            )
        except IllegalMove:
            assert name in MAY_REFUSE
            return
        if not change.events:
            return
        assert self.desk.save(change)
        assert not self.desk.save(change)
        self.check_act(before, change)

    def about_people(self, data: st.DataObject, command: Command) -> Command:
        """Name some complainants, and what became of them or on whose word it closes."""
        if command.name == CommandName.COMPLAINANTS:
            return replace(command, who=("GD-1001", "抖音:阿禾"))
        who = data.draw(st.lists(st.sampled_from(COMPLAIN), max_size=5, unique=True))
        if command.name == CommandName.CONFIRM:
            who = who[: data.draw(st.sampled_from([0, 0, 5]))]
            how = data.draw(st.sampled_from(["", "customer", "share", "survey"]))
            counts = {"asked": 9, "answered": 5, "agreed": data.draw(st.integers(3, 5))}
            return replace(command, who=tuple(who), how=how, counts=counts)
        how = data.draw(st.sampled_from([state.value for state in Contact]))
        channel = data.draw(st.sampled_from(["", "电话", "电话、私信"]))
        text = data.draw(st.sampled_from(["", "补发了滤芯"]))
        return replace(command, who=tuple(who), how=how, channel=channel, text=text)

    def complainants(self) -> dict[str, Complainant]:
        """All of the incident: five whom posts show, and whom the log names."""
        assert self.desk.incident is not None
        found = {
            name: Complainant(
                incident_id=self.desk.incident.incident_id,
                complainant_id=name,
                platform="tousu",
                posted_at=NOW,
                url=f"https://tousu.example/{name}",
            )
            for name in COMPLAIN
        }
        return found | self.desk.people

    @rule(name=st.sampled_from(["close", "confirm", "handled", "reject", "split", "ack", ""]))
    @precondition(lambda self: self.desk.incident is not None)
    def somebody_tries_what_is_not_allowed(self, name: str) -> None:
        incident = self.desk.incident
        assert incident is not None
        if name in allowed_commands(incident):
            return
        command = Command(name=name, actor="lin", text="直接关掉")
        with pytest.raises(IllegalMove) as refusal:
            on_command(incident, command, self.project, self.now)
        assert all(allowed in str(refusal.value) for allowed in allowed_commands(incident))

    @rule()
    @precondition(lambda self: self.desk.incident is not None)
    def timers_run(self) -> None:
        for timer in self.desk.due(self.now):
            before = self.desk.incident
            assert before is not None
            change = on_timer(before, timer, self.project, self.now, links=LINKS)
            self.desk.save(change)
            if change.events:
                assert not self.desk.save(change)
                self.check_act(before, change)
            twice = on_timer(change.incident, timer, self.project, self.now, links=LINKS)
            assert not twice.events

    @rule()
    def messages_leave(self) -> None:
        self.desk.unsent.clear()

    @rule(away=st.sampled_from(PEOPLE))
    def config_is_reloaded(self, away: str) -> None:
        today = self.now.date()
        span = [[(today - timedelta(days=3)).isoformat(), (today + timedelta(days=3)).isoformat()]]
        self.project = make_project(owners=owners(**{away: {"away": span}}))

    # --- what must hold ---

    def evidence(self) -> Evidence:
        week = self.now - timedelta(days=7)
        live = tuple(sorted(post for post in self.posts if post[0] > week))
        return make_evidence(authors=max(1, len(self.posts)), live_authors=live, watch_authors=live)

    def check_act(self, before: Incident | None, change: Change) -> None:
        after = change.incident
        kinds = [event.kind for event in change.events]
        if kinds[0] in {"raised", "reopened", "rejected", "split", "relapsed"}:
            assert change.intents, "P1: a raise tells somebody"
        if before is not None and after.epoch != before.epoch:
            assert after.epoch == before.epoch + 1
            assert kinds[0] in {"reopened", "rejected", "split", "relapsed"}
        if before is not None and after.state is IncidentState.CLOSED is not before.state:
            assert kinds == ["confirmed"], "P8"
            assert after.closed_evidence
            self.check_closing(ConfirmKind(after.closed_how), change.events[0].data)
        if (
            "reopened" in kinds and change.events[0].actor == "system"
        ):  # P9: only posts younger than the end bring it back
            assert before is not None
            assert before.ended_at is not None
            grace = timedelta(minutes=30)
            younger = sum(at > before.ended_at + grace for at, _ in self.posts)
            assert younger >= 3 or before.was_emptied
        if before is not None and before.shelf is not None and after.shelf is not None:
            said = {intent.kind for intent in change.intents}
            assert said <= {"task"} or kinds[0] == "assigned", "the shelf is silent"
        by_program = all(event.actor == "system" for event in change.events)
        if before is not None and before.level_by and by_program and after.epoch == before.epoch:
            assert after.level >= before.level, "the program never lowers what a person set"
            assert after.level == before.level or after.level_by == ""
        if before is not None and after.epoch == before.epoch:
            assert after.step >= before.step, "P10: steps never fall within an epoch"
            assert after.policy.steps[: before.step] == before.policy.steps[: before.step]
        quiet = before is not None and before.muted_until and before.muted_until > self.now
        if quiet and after.muted_until:  # P12: a silence that still holds lets nothing through
            told = [i for i in change.intents if i.kind not in {"confirm", "closing", "task"}]
            assert not told or kinds[0] == "assigned"
        if len(change.intents) > 1:
            pairs = [(intent.recipient_id, intent.channel_id) for intent in change.intents]
            assert len(set(pairs)) == len(pairs), "one act tells a person once on a channel"

    def check_closing(self, kind: ConfirmKind, data: Mapping[str, Any]) -> None:
        """See that it rests on what it says, recounted from those whom the log names."""
        counts = counts_of(self.complainants().values())
        since = self.desk.incident.returned_at if self.desk.incident else None
        if kind is ConfirmKind.CUSTOMER and since is None:
            assert counts.solved == counts.reachable, "P8"
        if kind is ConfirmKind.SHARE:
            assert data["solved"] >= 0.8 * data["reachable"] > 0, "P8"
            assert since or (data["solved"], data["reachable"]) == (counts.solved, counts.reachable)
        if kind is ConfirmKind.SURVEY:
            assert data["survey"]["agreed"] >= 0.8 * data["survey"]["answered"] > 0, "P8"
        if kind is not ConfirmKind.CUSTOMER:
            unsolved = {n for n, one in self.complainants().items() if one.state != "solved"}
            assert since or set(data["rest"]) == unsolved

    @invariant()
    def complainants_sum_and_have_their_evidence(self) -> None:
        if self.desk.incident is None:
            return
        rows = {name: replace(one, is_here=True) for name, one in self.desk.people.items()}
        assert fold_people(self.desk.events) == rows
        counts = counts_of(self.complainants().values())
        assert counts.total == len(self.complainants())
        assert counts.total == counts.waiting + counts.reached + counts.unreachable
        for one in self.desk.people.values():
            moved = one.state is not Contact.WAITING
            assert not moved or (one.at and one.by and one.responded_at and one.seq)
            assert not moved or one.state is Contact.CONTACTED or one.text
            assert one.state is not Contact.UNREACHABLE or one.channel
        closed = closed_by([self.desk.incident])
        assert sum(closed.values()) == (self.desk.incident.state is IncidentState.CLOSED)

    @invariant()
    def incident_is_the_fold_of_its_events(self) -> None:
        if self.desk.incident is not None:
            assert fold(self.desk.events) == self.desk.incident

    @invariant()
    def events_survive_json(self) -> None:
        if self.desk.events:
            last = self.desk.events[-1]
            read = json.loads(json.dumps(last.data, allow_nan=False))
            stored = [*self.desk.events[:-1], replace(last, data=read)]
            assert fold(stored) == self.desk.incident

    @invariant()
    def no_step_is_said_after_an_acknowledge(self) -> None:
        incident = self.desk.incident
        if incident is None or incident.state is not IncidentState.ACKNOWLEDGED:
            return
        pending = [t for t in self.desk.timers.values() if t.status == "pending"]
        assert not [timer for timer in pending if timer.kind == "step"], "P7"

    @invariant()
    def an_open_incident_is_never_forgotten(self) -> None:
        incident = self.desk.incident
        if incident is None or incident.state not in OPEN or incident.dormant:
            return
        pending = {t.kind for t in self.desk.timers.values() if t.status == "pending"}
        if incident.shelf is not None:
            assert "shelf" in pending
            assert not pending & {"step", "ack", "mute"}
            return
        end_of_ladder = incident.step >= len(incident.policy.steps)
        match incident.state:
            case IncidentState.OPEN:
                assert pending & {"step", "mute"} or end_of_ladder
            case IncidentState.ACKNOWLEDGED:
                assert "ack" in pending
            case _:
                assert "confirm" in pending

    @invariant()
    def ended_incidents_have_no_timers(self) -> None:
        incident = self.desk.incident
        if incident is not None and incident.state not in OPEN:
            pending = [t for t in self.desk.timers.values() if t.status == "pending"]
            assert not [timer for timer in pending if timer.kind != "task"]

    @invariant()
    def what_is_overdue_is_brought_up(self) -> None:
        incident = self.desk.incident
        if incident is None:
            return
        waiting = [task for task in incident.tasks if next_word(task) is not None]
        pending = [t for t in self.desk.timers.values() if t.status == "pending"]
        found = [timer.due_at for timer in pending if timer.kind == "task"]
        assert found == ([min(map(next_word, waiting))] if waiting else [])
        assert all(
            task.rounds
            for task in incident.tasks
            if next_word(task) is None and task.state == "open"
        ), "silent before its rounds"
        assert all(has_evidence(task) for task in incident.tasks if task.state == "done")


IncidentMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "30")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestIncidentMachine = IncidentMachine.TestCase
