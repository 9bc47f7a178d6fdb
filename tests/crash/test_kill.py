"""A run that was killed leaves what an unbroken run leaves: row by row, message by message.

Columns that may differ stand in tests/crash/runs.py with their reasons. GROUNDSWELL_CRASH=all kills
around every single commit and send, which takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage.records import DeliveryClass, IncidentState, IntentStatus, Level
from tests.crash.runs import Left, comparable, repeats, run_through
from tests.crash.world import World

pytestmark = pytest.mark.crash

STEPS = ("collect", "classify", "cluster", "alert", "deliver", "send")
_CHAIN = 12  # deaths of one run: each costs a start of the child


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_run_killed_in_every_step_leaves_the_rows_of_an_unbroken_run(
    side: str, database_url: str, world: World, tmp_path: Path
) -> None:
    unbroken = run_through(database_url, world, tmp_path)
    _assert_is_the_story(unbroken)

    for points in _chains(unbroken.trail, side):
        killed = run_through(database_url, world, tmp_path, points)

        _assert_same_rows(killed, unbroken, points)
        _assert_messages(killed, unbroken, points)


def _chains(trail: Sequence[str], side: str) -> list[list[str]]:
    """Return the points at which to die, in the order in which they come, some to a run."""
    everything = os.environ.get("GROUNDSWELL_CRASH") == "all"
    points: list[tuple[int, str]] = []
    for step in STEPS:
        places = [position for position, done in enumerate(trail) if done == step]
        chosen = range(len(places)) if everything else _some(len(places), step, side)
        points += [(places[n], f"{step}:{n + 1}:{side}") for n in chosen]
    ordered = [point for _, point in sorted(points)]
    return [ordered[start : start + _CHAIN] for start in range(0, len(ordered), _CHAIN)]


def _some(times: int, step: str, side: str) -> list[int]:
    """Return the first and the last time before the commit, a middle one after it.

    Messages are begun and sent side by side, so their deaths are few: one each.
    """
    if step in {"deliver", "send"}:
        return [times // 2]
    return [0, times - 1] if side == "before" else [times // 2]


def _assert_is_the_story(left: Left) -> None:
    """The run that all others are held against read everything and did something in every step."""
    troubles = [row["text"] for row in left.tables["fetch_event"] if row["outcome"] != "ok"]
    assert not troubles
    assert {step: left.trail.count(step) >= 3 for step in STEPS} == dict.fromkeys(STEPS, True)
    assert len(left.tables["mention"]) == 45
    assert len(left.tables["detail_link"]) == 17
    gravest = max(left.tables["incident"], key=lambda row: row["level"])
    assert (gravest["level"], gravest["state"]) == (Level.ORANGE, IncidentState.OPEN)
    kinds = {row["kind"] for row in left.tables["incident_event"]}
    assert {"raised", "grown", "escalated"} <= kinds
    assert {row["status"] for row in left.tables["intent"]} == {IntentStatus.SENT}
    assert len(left.messages) == len(left.tables["intent"]) == len(left.tables["delivery"])
    assert not repeats(left)


def _assert_same_rows(killed: Left, unbroken: Left, points: Sequence[str]) -> None:
    repeated = set(repeats(killed))
    found, expected = comparable(killed, repeated), comparable(unbroken, repeated)
    for name, rows in expected.items():
        assert found[name] == rows, f"table {name} differs after deaths at {points}"


def _assert_messages(killed: Left, unbroken: Left, points: Sequence[str]) -> None:
    """Nothing lost; what came twice came under its key, byte for byte; no needless repeats."""
    deaths = sum(point.startswith(("deliver", "send")) for point in points)
    assert set(killed.messages) == set(unbroken.messages)
    for key, bodies in killed.messages.items():
        assert set(bodies) == set(unbroken.messages[key])
        assert len(bodies) <= 1 + deaths
    for earlier in repeats(killed).values():
        assert len(earlier) <= deaths
        assert {row["outcome"] for row in earlier} == {DeliveryClass.AMBIGUOUS}
