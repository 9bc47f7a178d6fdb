"""When a digest is due, and that each is written once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from config.schema import Owner, Project
from groundswell.digests import Digests, day_range, due_day
from groundswell.links import SignedLinks
from storage.store import Store

ZONES = ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Europe/London", "Australia/Lord_Howe")


def owner(zone: str = "Asia/Shanghai", digest_at: str | None = "09:00") -> Owner:
    return Owner(id="zhoulan", name="周岚", timezone=zone, channels=("hook",), digest_at=digest_at)


def test_a_digest_is_due_from_its_local_time_on() -> None:
    before = datetime(2026, 3, 10, 0, 59, tzinfo=UTC)  # 08:59 in Shanghai

    assert due_day(owner(), before) is None
    assert due_day(owner(), before + timedelta(minutes=1)) == date(2026, 3, 10)


def test_an_owner_without_a_digest_time_gets_none() -> None:
    assert due_day(owner(digest_at=None), datetime(2026, 3, 10, 4, tzinfo=UTC)) is None


@given(
    st.sampled_from(ZONES),
    st.dates(date(2020, 1, 1), date(2029, 12, 31)),
    st.sampled_from(["00:00", "02:30", "09:00", "23:59", "24:00"]),
)
def test_the_ranges_of_following_days_meet_without_gap_or_overlap(
    zone: str, day: date, at: str
) -> None:
    reader = owner(zone, at)

    since, until = day_range(reader, day)

    assert day_range(reader, day + timedelta(days=1))[0] == until
    assert timedelta(hours=22) < until - since < timedelta(hours=26)
    assert until.astimezone(ZoneInfo(zone)).date() - day in (timedelta(0), timedelta(days=1))


def test_each_owner_gets_one_digest_a_day_however_often_one_asks(store: Store) -> None:
    project = Project(owners=(owner(),))
    digests = Digests(store=store, project=project, links=SignedLinks("http://c.test", "key"))
    now = datetime(2026, 3, 10, 1, 5, tzinfo=UTC)

    written = [digests.write_due(now + timedelta(minutes=minutes)) for minutes in (0, 1, 60)]

    assert written == [1, 0, 0]
    with store.read() as queries:
        [intent] = queries.intents(None, 10)
    assert (intent.kind, intent.recipient_id) == ("digest", "zhoulan")


def test_nothing_happened_still_arrives_as_a_digest(store: Store) -> None:
    project = Project(owners=(owner(),))
    digests = Digests(store=store, project=project, links=SignedLinks("http://c.test", "key"))
    now = datetime(2026, 3, 10, 1, 5, tzinfo=UTC)

    digest = digests.compose(project.owners[0], date(2026, 3, 10), now=now)

    assert digest.headline
    assert digest.completeness
    assert digests.text(digest)
    assert "<table" in digests.html(digest)
