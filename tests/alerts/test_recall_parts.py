"""收回故障件: parts called back for a batch signal, their counts, and the verdict."""

from __future__ import annotations

import pytest

from alerts.incidents import IllegalMove
from alerts.task_defaults import RECALL, signal_key
from alerts.task_evidence import has_evidence
from storage.records import Incident, OwnerId, TaskKind
from tests.alerts.tasking import (
    SIGNAL,
    act,
    raised,
)
from tests.make import make_evidence


def recalled() -> Incident:
    return act(raised(), "task", task_kind=TaskKind.FIX, text=RECALL, counts={"wanted": 5}).incident


def test_a_batch_signal_calls_parts_back() -> None:
    [task] = recalled().tasks

    assert task.title == "收回故障件：「云雀净水器Q3」2026-03 批次，漏水"
    assert task.units is not None
    assert task.units.signal == "yunque|q3|batch|2026-03|漏水"
    assert task.owner_id == OwnerId("wu")
    with pytest.raises(IllegalMove, match="is about this signal"):
        act(recalled(), "task", task_kind=TaskKind.FIX, text=RECALL, counts={"wanted": 5})
    with pytest.raises(IllegalMove, match="no batch signal"):
        act(raised(), "task", task_kind=TaskKind.FIX, text=RECALL, counts={"wanted": 5},
            evidence=make_evidence())  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "counts: wanted"),
        ({"lost": 1}, "counts: wanted"),
        ({"received": 2}, "fewer parts need a reason"),
        ({"received": 9}, "more received than wanted"),
        ({"analysed": 4}, "no more parts can be analysed"),
        ({"wanted": 0}, "counts: 1 to"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts: dict[str, int], said: str) -> None:
    at_work = act(recalled(), "units", task_id="t1", counts={"received": 3, "analysed": 1}).incident
    with pytest.raises(IllegalMove, match=said):
        act(at_work, "units", task_id="t1", counts=counts)


def test_counts_go_down_or_over_with_a_reason() -> None:
    some = act(recalled(), "units", task_id="t1", counts={"received": 3}).incident
    less = act(some, "units", task_id="t1", counts={"received": 2}, text="一件是别的型号").incident
    more = act(less, "units", task_id="t1", counts={"received": 7}, text="门店多寄了两件").incident
    assert more.tasks[0].units is not None
    assert more.tasks[0].units.received == 7
    assert not act(more, "units", task_id="t1", counts={"received": 7}).events


def test_a_verdict_needs_a_part_and_ends_nothing_by_itself() -> None:
    incident = recalled()
    with pytest.raises(IllegalMove, match="no part was analysed"):
        act(incident, "verdict", task_id="t1", how="batch", text="阀芯")
    looked = act(incident, "units", task_id="t1", counts={"received": 3, "analysed": 2}).incident
    with pytest.raises(IllegalMove, match="lacks the verdict"):
        act(looked, "task_done", task_id="t1", text="看完了")
    with pytest.raises(IllegalMove, match="no_batch"):
        act(looked, "verdict", task_id="t1", how="maybe", text="阀芯")

    said = act(looked, "verdict", task_id="t1", how="batch", text="两件阀芯同一模具")
    done = act(said.incident, "task_done", task_id="t1", text="供应商换模").incident

    assert said.events[0].data["signal"] == signal_key(SIGNAL)
    assert said.incident.tasks[0].state == "open"
    assert has_evidence(done.tasks[0])
    other = act(done, "verdict", task_id="t1", how="no_batch", text="第三件来自别的批次").incident
    assert other.tasks[0].units is not None
    assert other.tasks[0].units.verdict == "no_batch"
    with pytest.raises(IllegalMove, match="one part at least"):
        act(said.incident, "units", task_id="t1", counts={"analysed": 0}, text="看错了")
