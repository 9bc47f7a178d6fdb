"""How long a source may be silent is learned from its own months."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from crawlers.rhythm import allowed_silence, observed
from tests.crawlers.conftest import NOW


def learned_from(arrivals: list[datetime]) -> dict[str, object]:
    learned: dict[str, object] = {}
    for at in arrivals:
        learned = dict(observed(learned, 1, at, at))
    return learned


def test_nothing_is_allowed_or_forbidden_before_two_weeks_are_known() -> None:
    daily = [NOW + timedelta(hours=8 * n) for n in range(39)]

    assert allowed_silence(learned_from(daily)) is None
    assert allowed_silence(learned_from([NOW + timedelta(days=2 * n) for n in range(8)])) is None


def test_a_busy_source_may_be_silent_for_four_nights_length() -> None:
    day = [timedelta(minutes=15 * n) for n in range(64)]  # 16 hours awake, 8 asleep
    arrivals = [NOW + timedelta(days=n) + at for n in range(20) for at in day]

    allowed = allowed_silence(learned_from(arrivals))

    assert allowed is not None
    assert timedelta(hours=32) <= allowed <= timedelta(hours=34)


def test_an_office_may_be_on_holiday() -> None:
    days = [NOW + timedelta(days=n) for n in range(60)]
    office = [day for day in days if day.weekday() < 5]

    allowed = allowed_silence(learned_from(office))

    assert allowed is not None
    assert timedelta(days=10) <= allowed <= timedelta(days=14)


def test_arrivals_at_random_never_alarm_in_ten_years() -> None:
    alarms = 0
    for seed in range(12):
        chance = random.Random(seed)
        mean = chance.choice([2.0, 9.0, 30.0])
        learned: dict[str, object] = {}
        at = NOW
        while at < NOW + timedelta(days=300):
            gap = timedelta(hours=chance.expovariate(1 / mean))
            allowed = allowed_silence(learned)
            alarms += allowed is not None and gap > allowed
            at += gap
            learned = dict(observed(learned, 1, at, at))

    assert alarms == 0


def test_polls_without_news_change_nothing_but_what_is_newest() -> None:
    learned = learned_from([NOW, NOW + timedelta(hours=1)])

    assert observed(learned, 0, None, NOW + timedelta(days=3)) == learned
    assert len(learned["days"]) == 1  # type: ignore[arg-type]
