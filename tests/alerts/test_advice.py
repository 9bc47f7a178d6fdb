"""Which threshold would have spared most false alarms, and what a rehearsal says to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta

from alerts.advice import Candidate, candidates, changed
from alerts.digest_ledger import budget_lines, ledger_items
from alerts.ledger import Alarm, Verdict
from groundswell.ledger import overspent
from groundswell.suggesting import (
    Tried,
    command_of,
    last_suggestion,
    suggest,
    week_of,
    weekly_lines,
)
from storage.records import BrandId, DigestFacts, IncidentId, Level, OwnerId
from storage.store import Store
from tests.alerts.people import make_project
from tests.make import NOW

PROJECT = make_project()


def alarm(score: float, verdict: Verdict, n: int = 0, level: Level = Level.YELLOW) -> Alarm:
    return Alarm(
        incident_id=IncidentId(f"i{score}{n}"),
        code=f"舆-{score:g}{n}",
        title="云雀·漏水",
        brand_id=BrandId("yunque"),
        issue_class="质量",
        route_id="quality",
        began_at=NOW,
        level=level,
        score=score,
        rules=("score",),
        values={"score": score},
        verdict=verdict,
    )


ALARMS = [
    *(alarm(41 + n, "false", n) for n in range(4)),
    alarm(47, "true"),
    alarm(55, "false"),
    alarm(52, "undecided"),
]


def test_a_threshold_goes_as_far_as_the_false_ones_below_every_true_one() -> None:
    [best, *_] = candidates(ALARMS, PROJECT)
    assert (best.setting, best.old, best.new) == ("levels.yellow.score", 40, 45)
    assert (best.avoided, best.kept, best.lowest) == (4, 1, 47)
    other = changed(PROJECT, best)
    assert other.levels.yellow.score == 45
    assert other.levels.orange == PROJECT.levels.orange
    assert command_of(best).endswith("--set levels.yellow.score=45")


def test_two_false_alarms_are_too_few_and_undecided_ones_bound_it() -> None:
    assert candidates(ALARMS[:2], PROJECT) == []
    held = [*ALARMS[:4], alarm(40.5, "undecided")]
    assert candidates(held, PROJECT) == []


def test_people_of_a_surge_are_a_threshold_too() -> None:
    crowd = [
        replace(alarm(30, "false", n), rules=("spike_page",), values={"spike_page": 6.0})
        for n in range(3)
    ]
    [best] = candidates(crowd, PROJECT)
    assert (best.setting, best.new, best.avoided) == ("settings.surge.min_authors", 7, 3)
    assert changed(PROJECT, best).settings.surge.min_authors == 7


def tried(**fields: object) -> Tried:
    values: dict[str, object] = {
        "days": 28.0,
        "before": 3.5,
        "after": 2.0,
        "missed": (),
        "lowered": 4,
        "missed_true": (),
        "delayed": 1,
        "longest": 5400.0,
    }
    return Tried(**(values | fields))


def test_only_what_a_rehearsal_confirms_is_suggested() -> None:
    seen: list[Candidate] = []
    found = suggest(ALARMS, PROJECT, NOW, lambda one: seen.append(one) or tried())
    assert found.setting == "levels.yellow.score"
    assert "3.5 → 2.0" in found.lines[-1]
    assert "最多 1.5 小时" in found.lines[-1]
    refused = suggest(ALARMS, PROJECT, NOW, lambda _: tried(missed_true=("舆-1",)))
    assert (refused.setting, refused.command) == ("", "")
    assert "没有哪一项" in refused.lines[-1]
    assert len(seen) == 1


def test_leads_read_it_once_a_week(store: Store) -> None:
    monday = date(2026, 11, 16)
    project = make_project()
    zone = project.settings.zone
    with store.transaction() as tx:
        said = {"at": NOW.isoformat(), "week": week_of(project, NOW), "lines": ["一句话"]}
        tx.set_meta("ledger_suggestion", json.dumps(said))
    cut = datetime(2026, 11, 15, 9, tzinfo=zone)
    with store.read() as queries:
        last = last_suggestion(queries)
        assert last is not None
        assert last.lines == ("一句话",)
        assert weekly_lines(queries, project, cut, monday) == ("一句话",)
        later = cut + timedelta(days=1)
        assert weekly_lines(queries, project, later, monday + timedelta(days=1)) == ()
        # after a holiday the first digest of the week says it, whatever its day
        assert weekly_lines(queries, project, cut, monday + timedelta(days=3)) == ("一句话",)
        assert overspent(queries, project, NOW) == ()
    facts = DigestFacts(
        day=monday,
        since=cut,
        until=later,
        advice=("一句话",),
        budgets=((OwnerId("lin"), "林晓 4/3"),),
    )
    assert [one.path for one in ledger_items(facts, sees_all=True)] == ["/ledger"]
    assert ledger_items(facts, sees_all=False) == ()
    assert budget_lines(facts, OwnerId("lin"), sees_all=False) == (("通知预算用完", "林晓 4/3"),)
    assert budget_lines(facts, OwnerId("zhao"), sees_all=False) == ()
