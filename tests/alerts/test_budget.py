"""A person's alert budget: what is over it waits for one summary, what is grave never does."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.budget import day_end, day_start, use_of
from alerts.storm import Storm
from config.schema import Project
from storage.records import (
    Backlog,
    Budget,
    ChannelId,
    DeliveryClass,
    IncidentId,
    Intent,
    Level,
    OwnerId,
    Plan,
    Summary,
    Waiting,
)
from storage.store import Store
from tests.alerts.people import make_project
from tests.alerts.test_storm import BOT, notice
from tests.make import NOW

LIN = OwnerId("lin")


def company(budget: int = 3) -> Project:
    return make_project(
        owners=[
            {
                "id": "lin",
                "name": "林晓",
                "channels": ["bot", "mail"],
                "email": "lin@yunque.example",
                "alert_budget": budget,
            }
        ],
        routes=[],
        fallback=["lin"],
    )


def plan(*intents: Intent, heard: int = 0) -> Plan:
    due = sorted(intents, key=lambda one: -one.level)
    backlog = Backlog(
        due=tuple(Waiting(intent=one, code="舆-1") for one in due),
        heard={LIN: heard},
        read_at=NOW,
    )
    budgets = {BOT: Budget(per_minute=60), ChannelId("mail"): Budget()}
    return Storm(company(), budgets, lambda one: f"https://d/{one}").plan(backlog, NOW, 50)


def only(decided: Plan) -> Summary:
    [summary] = decided.summaries
    return summary


def test_over_budget_one_yellow_waits_for_a_summary_and_red_passes() -> None:
    yellow, red = notice(1), notice(2, level=Level.RED)
    decided = plan(yellow, red, heard=3)

    assert decided.take == (red.intent_id,)
    summary = only(decided)
    assert summary.members == (yellow.intent_id,)
    assert summary.reason == "over_budget"
    assert NOW < summary.intent.due_at <= NOW + timedelta(hours=4)
    assert "预算（3 条）" in summary.intent.body


def test_the_budget_is_used_up_within_one_pass() -> None:
    decided = plan(notice(1), notice(2), heard=2)

    assert len(decided.take) == 1
    assert len(only(decided).members) == 1
    assert plan(notice(1), heard=0).summaries == ()


def test_the_store_counts_what_somebody_was_sent_today(store: Store) -> None:
    project = company(budget=2)
    owner = project.owners[0]
    starts = {LIN: day_start(owner, NOW)}
    assert starts[LIN] <= NOW < day_end(owner, NOW)
    with store.transaction() as tx:
        # the same notice on two devices of one person is one message
        tx.add_intents([
            notice(1, incident_id=None, kind="summary"),
            notice(2, incident_id=None, kind="digest"),
        ])  # fmt: skip
    for intent in store.claim_intents(NOW, 9, 60.0):
        begun = store.start_delivery(intent, NOW)
        assert not hasattr(begun, "seconds")

        done = replace(begun, outcome=DeliveryClass.OK, ended_at=NOW)
        assert store.finish_delivery(intent, done, intent.status.__class__.SENT)
    seen = []
    with store.transaction() as tx:
        tx.add_intents([notice(3, incident_id=None, kind="summary")])
    store.claim_intents(NOW, 9, 60.0, plan=lambda b: seen.append(b) or Plan(), day_starts=starts)
    assert seen[0].heard == {LIN: 1}
    with store.read() as queries:
        [heard] = queries.heard_by(LIN, starts[LIN], NOW + timedelta(seconds=1))
    assert heard.kind == "summary"


def test_use_names_by_which_rules_a_budget_is_used_up() -> None:
    owner = company(budget=2).owners[0]
    one, two = IncidentId("a"), IncidentId("b")
    heard = [(NOW - timedelta(days=3), one), (NOW, one), (NOW, two)]
    used = use_of(owner, heard, {one: ("score",), two: ("score", "spike_page")}, NOW)
    assert (used.today, used.week, used.is_over) == (2, 3, True)
    assert used.rules == (("score", 2), ("spike_page", 1))


@settings(max_examples=int(os.environ.get("GROUNDSWELL_EXAMPLES", "20")), deadline=None)
@given(
    levels=st.lists(
        st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]), max_size=9
    ),
    heard=st.integers(0, 6),
)
def test_nothing_is_dropped_and_nothing_grave_waits_for_a_budget(
    levels: list[Level], heard: int
) -> None:
    crowd = [notice(n, level=level) for n, level in enumerate(levels)]
    decided = plan(*crowd, heard=heard)
    told = [one for summary in decided.summaries for one in summary.members]
    assert sorted([*decided.take, *decided.put_off, *told]) == sorted(o.intent_id for o in crowd)
    by_id = {one.intent_id: one for one in crowd}
    spent = [one for one in decided.summaries if one.reason == "over_budget"]
    assert all(by_id[m].level < Level.ORANGE for one in spent for m in one.members)
    mild = [one for one in decided.take if by_id[one].level < Level.ORANGE]
    grave = len(decided.take) - len(mild)
    assert len(mild) <= max(0, 3 - heard - grave) or not mild
