"""What became of alarms: the last word counts, the rest is undecided and never counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.command import Command, IllegalMove
from alerts.false_alarms import FalseAlarm, name_of, reason_in
from alerts.incidents import on_command, on_grade
from alerts.ledger import Alarm, alarms_of, by_person, by_rule, precision_of, wilson
from storage.records import Change, Incident, IncidentEvent, Level
from tests.alerts.people import make_project
from tests.make import NOW, make_evidence, make_grade

PROJECT = make_project()


class Log:
    """One incident and its whole log, moved on by commands."""

    def __init__(self) -> None:
        live = tuple((NOW - timedelta(minutes=n), f"tousu:人{n}") for n in range(12, 0, -1))
        evidence = make_evidence(authors=12, live_authors=live, watch_authors=live)
        change = on_grade(None, evidence, make_grade(level=Level.YELLOW), PROJECT, NOW)
        assert change is not None
        self.events: list[IncidentEvent] = []
        self.incident: Incident = change.incident
        self._take(change)

    def _take(self, change: Change) -> None:
        self.incident = change.incident
        self.events += change.events

    def do(self, name: str, **fields: Any) -> Log:
        command = Command(**({"name": name, "actor": "lin", "text": "说明"} | fields))
        at = NOW + timedelta(minutes=len(self.events))
        self._take(on_command(self.incident, command, PROJECT, at))
        return self

    def alarms(self) -> list[Alarm]:
        return alarms_of(self.incident, self.events)


def test_handled_is_true_dismissed_is_false_and_the_rest_is_undecided() -> None:
    [true] = Log().do("ack").do("handled").alarms()
    [false] = Log().do("dismiss", how="marketing", text="同一段文案").alarms()
    [open_] = Log().do("ack").alarms()

    assert (true.verdict, false.verdict, open_.verdict) == ("true", "false", "undecided")
    assert false.dismissal is not None
    assert false.dismissal.reason is FalseAlarm.MARKETING
    assert (false.dismissal.by, false.dismissal.text) == ("lin", "同一段文案")
    found = precision_of("all", [true, false, open_])
    assert (found.true, found.false, found.undecided, found.n, found.value) == (1, 1, 1, 2, 0.5)


def test_opening_it_again_corrects_the_ledger() -> None:
    log = Log().do("dismiss", how="not_ours").do("reopen", text="是我们的产品")
    [alarm] = log.alarms()
    assert alarm.verdict == "undecided"
    assert alarm.dismissal is None
    assert alarm.dismissals[0].withdrawn_at is not None

    [alarm] = log.do("ack").do("handled").alarms()
    assert (alarm.verdict, len(alarm.dismissals)) == ("true", 1)


def test_what_comes_back_after_the_customer_confirmed_is_another_alarm() -> None:
    log = Log().do("ack").do("handled").do("confirm", text="回访认可").do("reopen", text="又来了")
    first, second = log.do("dismiss", how="duplicate", text="旧帖翻出来").alarms()
    assert (first.verdict, second.verdict) == ("true", "false")
    assert first.began_at < second.began_at


def test_rules_and_people_are_counted_apart() -> None:
    [alarm] = Log().do("dismiss").alarms()
    assert alarm.level is Level.YELLOW
    assert alarm.rules
    [*rules] = by_rule([alarm])
    assert {one.name for one in rules} == set(alarm.rules)
    assert {one.name for one in by_person([alarm])} == set(alarm.told)
    assert all((one.true, one.false, one.value) == (0, 1, 0.0) for one in rules)


def test_a_reason_nobody_knows_is_refused_with_all_of_them() -> None:
    with pytest.raises(IllegalMove, match=r"not_ours（与本品牌无关）.*other（其他）"):
        Log().do("dismiss", how="keine")
    with pytest.raises(IllegalMove, match="误报的理由"):
        Log().do("dismiss", how="test", text=" ")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # by hand from Wilson's formula with z = 1.959964
    [(0, 1, 0.0, 0.7935), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 0) == (None, None)


def test_a_reason_is_known_by_what_a_chat_begins_with() -> None:
    assert reason_in("与本品牌无关，同名的餐馆") is FalseAlarm.NOT_OURS
    assert reason_in("旧闻") is FalseAlarm.OTHER
    assert (name_of("test"), name_of("gone"), name_of(None)) == ("测试内容", "", "")
