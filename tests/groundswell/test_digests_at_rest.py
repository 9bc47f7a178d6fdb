"""Digests that rest on days off: the next one covers all since the last, exactly once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from config.schema import Owner, Project, WorkCalendar
from groundswell.digests import Digests, covered, due_day
from groundswell.links import SignedLinks
from storage.records import OwnerId
from storage.store import Store

DAY = timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
OWNER = Owner(id="zhoulan", name="周岚", channels=("hook",), digest_on="workdays")
CALENDAR = WorkCalendar()


@pytest.fixture
def digests(sqlite_url: str):
    store = Store(sqlite_url)
    project = Project(owners=(OWNER,))
    yield Digests(store=store, project=project, links=SignedLinks("http://c.test", "key"))
    store.close()


def at(day: date, hour: int = 9, minute: int = 5) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def ranges(digests: Digests, days: list[date]) -> list[tuple[datetime, datetime]]:
    with digests.store.read() as queries:
        return [covered(queries, OWNER, day, CALENDAR) for day in days]


def test_one_digest_after_the_holiday_covers_all_of_it(digests: Digests) -> None:
    days = [date(2026, 9, 28) + n * DAY for n in range(15)]

    sent = [day for day in days if digests.write_due(at(day)) + digests.write_due(at(day, 10))]

    # National Day rests from Thursday 1 to Wednesday 7; Saturday the 10th is worked for it
    assert [day.day for day in sent] == [28, 29, 30, 8, 9, 10, 12]
    found = ranges(digests, sent)
    assert all(first[1] == second[0] for first, second in pairwise(found))
    assert found[3] == (at(date(2026, 9, 30), 9, 0), at(date(2026, 10, 8), 9, 0))
    with digests.store.read() as queries:
        said = {one.created_at: one.subject for one in queries.intents(None, 20)}
    assert said[at(date(2026, 10, 8))].startswith("10月8日日报（9月30日 09:00 以来）：")
    assert "以来" not in said[at(date(2026, 10, 9))]


def test_working_day_that_was_missed_is_told_of_by_the_next(digests: Digests) -> None:
    assert digests.write_due(at(date(2026, 11, 16))) == 1
    assert digests.write_due(at(date(2026, 11, 17), 22)) == 0  # down until it was too late

    assert digests.write_due(at(date(2026, 11, 18))) == 1

    [found] = ranges(digests, [date(2026, 11, 18)])
    assert found == (at(date(2026, 11, 16), 9, 0), at(date(2026, 11, 18), 9, 0))


def test_first_digest_looks_back_to_the_working_day_before(digests: Digests) -> None:
    [found] = ranges(digests, [date(2026, 10, 8)])

    assert found[0] == at(date(2026, 9, 30), 9, 0)


def test_one_that_was_sent_early_leaves_no_gap(digests: Digests) -> None:
    assert digests.send(OWNER, date(2026, 11, 19), at(date(2026, 11, 19), 7, 30))

    [found] = ranges(digests, [date(2026, 11, 20)])

    assert found[0] == at(date(2026, 11, 19), 7, 30)


def test_who_wants_one_every_day_gets_it(digests: Digests) -> None:
    everyday = OWNER.model_copy(update={"id": OwnerId("chen"), "digest_on": "all"})
    saturday = date(2026, 11, 21)

    assert due_day(everyday, at(saturday), CALENDAR) == saturday
    assert due_day(OWNER, at(saturday), CALENDAR) is None
    with digests.store.read() as queries:
        since, until = covered(queries, everyday, saturday, CALENDAR)
    assert until - since == DAY


def test_digest_says_in_which_event_its_day_lies(digests: Digests) -> None:
    digest = digests.compose(OWNER, date(2026, 11, 11), now=at(date(2026, 11, 11)))

    assert digest.note == "今天在「双11」期间（10月20日至11月12日）"
    assert "今天在「双11」期间" in digests.text(digest)
    assert "今天在「双11」期间" in digests.html(digest)
    assert digests.compose(OWNER, date(2026, 11, 13), now=at(date(2026, 11, 13))).note == ""
