"""Why somebody is told: every kind of message there is, its name in the outbox and its urgency."""

from __future__ import annotations

from enum import StrEnum

from storage.records import Level


class Occasion(StrEnum):
    """Why somebody is told; the value is also part of the intent's id and names its template."""

    NOTICE = "notice"
    LEVEL_UP = "level_up"
    ESCALATION = "escalation"
    LEASE_WARNING = "lease_warning"  # an acknowledge soon ends unless there is a word of progress
    LEASE = "lease"
    UNMUTED = "unmuted"
    UNSHELVED = "unshelved"  # a known trouble passed its day or its number of people
    ASSIGNED = "assigned"
    TASK = "task"  # somebody was given a task
    TASK_WARNING = "task_warning"  # 30 % of its time is left
    TASK_DUE = "task_due"
    TASK_OVER = "task_over"  # overdue: brought up with the next in order
    FIRST_WARNING = "first_warning"  # first answers to complainants come to be late
    FIRST_OVER = "first_over"
    REACT_WARNING = "react_warning"  # 30 % of the time to react is left
    REACT_OVER = "react_over"
    SOLVE_WARNING = "solve_warning"
    SOLVE_OVER = "solve_over"
    REOPENED = "reopened"
    REJECTED = "rejected"
    CONFIRM = "confirm"
    CLOSING = "closing"
    TRIANGLE = "triangle"  # somebody is one of the three who answer for it
    HANDOVER = "handover"  # somebody is asked to take such a role over
    HANDOVER_SAID = "handover_said"  # what he answered
    LOCKED = "locked"  # the three stay, and management is told

    @property
    def intent_kind(self) -> str:
        """The kind under which the outbox keeps it."""
        return _INTENT_KINDS.get(self, str(self))

    def urgency(self, level: Level) -> Level:
        """How urgent such a message is: what only asks or reports waits like a blue one."""
        return Level.BLUE if self in _CALM else level

    @property
    def asks_to_acknowledge(self) -> bool:
        """Whether it asks for an acknowledge while nobody has the incident in hand."""
        return self not in _CALM and self not in _OF_WORK


_CALM = frozenset({Occasion.CONFIRM, Occasion.CLOSING})
_OF_WORK = frozenset(
    {
        Occasion.TASK,  # as urgent as its incident, whose due time it goes by
        Occasion.TASK_WARNING,
        Occasion.TASK_DUE,
        Occasion.TASK_OVER,
        Occasion.LEASE_WARNING,
        Occasion.FIRST_WARNING,
        Occasion.FIRST_OVER,
        Occasion.REACT_WARNING,
        Occasion.REACT_OVER,
        Occasion.SOLVE_WARNING,
        Occasion.SOLVE_OVER,
        Occasion.TRIANGLE,
        Occasion.HANDOVER,
        Occasion.HANDOVER_SAID,
        Occasion.LOCKED,
    }
)
_INTENT_KINDS = {
    Occasion.LEASE: "escalation",
    Occasion.LEASE_WARNING: "service",
    Occasion.UNMUTED: "notice",
    Occasion.UNSHELVED: "notice",
    Occasion.ASSIGNED: "notice",
    Occasion.TASK: "task",
    Occasion.TASK_WARNING: "task",
    Occasion.TASK_DUE: "task",
    Occasion.TASK_OVER: "task",
    Occasion.FIRST_WARNING: "service",
    Occasion.FIRST_OVER: "service",
    Occasion.REACT_WARNING: "service",
    Occasion.REACT_OVER: "service",
    Occasion.SOLVE_WARNING: "service",
    Occasion.SOLVE_OVER: "service",
    Occasion.REJECTED: "reopened",
    Occasion.HANDOVER_SAID: "handover",
    Occasion.LOCKED: "triangle",
}
