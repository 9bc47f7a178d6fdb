"""A run that was killed leaves what an unbroken run leaves: row by row, message by message.

Columns that may differ stand in tests/crash/runs.py with their reasons. GROUNDSWELL_CRASH=all kills
around every single commit and send, which takes minutes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from storage.records import DeliveryClass, IncidentState, IntentStatus, Level
from tests.crash.runs import Left, comparable, delays, repeats, run_through
from tests.crash.world import LOOKS, STEP, World

pytestmark = pytest.mark.crash

STEPS = ("collect", "classify", "cluster", "alert", "deliver", "send")
_CHAIN = 14  # deaths of one run: each costs a start of the child


def test_a_run_killed_in_every_step_leaves_the_rows_of_an_unbroken_run(
    database_url: str, world: World, tmp_path: Path
) -> None:
    unbroken = run_through(database_url, world, tmp_path)
    _assert_is_the_story(unbroken)

    for points in _chains(unbroken.trail):
        killed = run_through(database_url, world, tmp_path, points)

        _assert_same_rows(killed, unbroken, points)
        _assert_messages(killed, unbroken, points)


def _chains(trail: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the points at which to die, in the order in which they come, some to a run."""
    chosen = _every if os.environ.get("GROUNDSWELL_CRASH") == "all" else _some
    points: dict[tuple[int, bool], str] = {}  # one death where a commit belongs to two steps
    for step in STEPS:
        places = [place for place, done in enumerate(trail) if step in done]
        for n, side in chosen(step, len(places)):
            points[places[n], side == "after"] = f"{step}:{n + 1}:{side}"
    assert {step for place, _ in points for step in trail[place]} == set(STEPS)
    ordered = [point for _, point in sorted(points.items())]
    return [ordered[start : start + _CHAIN] for start in range(0, len(ordered), _CHAIN)]


def _every(_step: str, times: int) -> list[tuple[int, str]]:
    return [(n, side) for n in range(times) for side in ("before", "after")]


def _some(step: str, times: int) -> list[tuple[int, str]]:
    """Return just before the first and the last time, and just after a middle one.

    Of sending one is enough: each death there leaves several messages in doubt.
    """
    if step == "send":
        return [(times // 2, "after")]
    if step == "deliver":
        return [(times // 3, "before")]
    return [(0, "before"), (times // 2, "after"), (times - 1, "before")]


def _assert_is_the_story(left: Left) -> None:
    """The run that all others are held against read everything and did something in every step."""
    troubles = [row["text"] for row in left.tables["fetch_event"] if row["outcome"] != "ok"]
    assert not troubles
    done = Counter(step for steps in left.trail for step in steps)
    assert min(done[step] for step in STEPS) >= 3
    assert len(left.tables["mention"]) == 45
    assert len(left.tables["detail_link"]) == 17
    assert {row["kind"] for row in left.tables["cluster_event"]} == {"open", "cold"}
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
    late = delays(killed, unbroken)
    assert min(late) >= timedelta(0)
    # each death holds a message back by a look; a dozen in a row push it into the next step
    most = (timedelta(0), LOOKS[1], LOOKS[2])[deaths] if deaths < 3 else STEP + LOOKS[-1]
    assert max(late) <= most
    for earlier in repeats(killed).values():
        assert len(earlier) <= deaths
        assert {row["outcome"] for row in earlier} == {DeliveryClass.AMBIGUOUS}
