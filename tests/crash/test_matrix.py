"""A slice of the crash matrix: every point and fault, both databases; and a judge that can say no.

GROUNDSWELL_CRASH_TRIALS sets the trials of each database; `make bench-crash` runs all of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.crash.matrix.plan import PASSES, Fault, Point, Trial, trials
from tests.crash.matrix.planted import FLAWS
from tests.crash.matrix.run import Matrix

pytestmark = pytest.mark.crash

TRIALS = int(os.environ.get("GROUNDSWELL_CRASH_TRIALS", "100"))
# Where each wrong engine must be caught, and what it must be caught at.
_CAUGHT = {
    "commit, then send": (Point.COMMITTED, "lost"),
    "send, then commit": (Point.IN_TX, "duplicates"),
    "no doubt after a death": (Point.BYTES_OUT, "duplicates"),
    "sent before sending": (Point.BEFORE_SEND, "lost"),
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def matrix(request: pytest.FixtureRequest) -> Iterator[Matrix]:
    """Trials on one database."""
    admin = request.getfixturevalue("postgres_admin") if request.param == "postgres" else None
    with Matrix(admin) as opened:
        yield opened


def test_plan_covers_every_point_and_fault_and_pass() -> None:
    planned = list(trials(TRIALS, databases=["sqlite"]))

    for what in ("point", "fault", "nth"):
        counted = Counter(getattr(trial, what) for trial in planned)
        assert len(counted) == len({"point": Point, "fault": Fault, "nth": PASSES}[what])
    all_cells = len(Point) * len(Fault) * len(PASSES)
    whole = {(t.point, t.fault, t.nth) for t in trials(all_cells, databases=["sqlite"])}
    assert len(whole) == all_cells


def test_nothing_is_lost_and_nothing_is_said_twice(matrix: Matrix) -> None:
    died = 0
    for trial in trials(TRIALS, databases=[matrix.databases[-1]]):
        outcome = matrix.run(trial)

        assert not outcome.errors, f"{trial}\n{outcome.errors}"
        assert not outcome.sentence.breaches, f"{trial}\n" + "\n".join(outcome.sentence.breaches)
        assert outcome.sentence.extra <= outcome.sentence.ambiguous
        died += outcome.killed

    assert died == TRIALS


@pytest.mark.parametrize("flaw", FLAWS)
def test_judge_catches_engines_that_do_it_wrong(matrix: Matrix, flaw: str) -> None:
    point, breach = _CAUGHT[flaw]
    trial = Trial(point=point, nth="1st", fault=Fault.SLOW, database=matrix.databases[-1], seed=4)

    unbroken = matrix.run(trial, flaw=flaw, dies=False)
    killed = matrix.run(trial, flaw=flaw)

    assert killed.killed
    assert not getattr(unbroken.sentence, breach)
    assert getattr(killed.sentence, breach)
