"""Growth is of people: who wrote first when, not how much was written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.errors import StoreError
from storage.growing import authors_of, doubling_hours, windows
from storage.instants import hour_of
from storage.records import ClusterId
from tests.make import NOW
from tests.storage.test_hours import CLUSTERS, Teller

HOUR = timedelta(hours=1)
LAST = hour_of(NOW)


def hours_ago(*numbers):
    return [LAST - n * HOUR for n in numbers]


def test_windows_are_whole_hours_that_end_with_this_one():
    before, since, end = windows(NOW)

    assert (end - since, since - before) == (24 * HOUR, 24 * HOUR)
    assert end - HOUR <= NOW < end


def test_one_author_who_posts_fifty_times_is_one():
    wrote = [(LAST - n * HOUR / 10, "甲") for n in range(50)]

    assert authors_of(wrote, *windows(NOW)[1:]) == 1
    assert doubling_hours([LAST], 1, NOW) is None


def test_the_doubling_time_is_the_age_of_the_half():
    newcomers = hours_ago(*range(50, 40, -1), *range(12, 2, -1))  # 10 came later than 13 hours ago

    assert doubling_hours(newcomers, 20, NOW) == pytest.approx(11.5 + (NOW - LAST) / HOUR)


def test_an_exponential_curve_gives_its_own_doubling_time():
    curve = [40 * 2 ** (-n / 8) for n in range(24 * 7)]  # newcomers by hours ago; T = 8
    newcomers = [at for n, many in enumerate(curve) for at in hours_ago(*[n] * round(many))]

    full = LAST + timedelta(minutes=59)  # the hour that is nearly over
    assert doubling_hours(newcomers, len(newcomers), full) == pytest.approx(8, abs=1)


def test_few_people_or_a_silent_day_say_nothing():
    assert doubling_hours(hours_ago(*range(9)), 9, NOW) is None
    assert doubling_hours(hours_ago(*range(25, 45)), 20, NOW) is None


def test_what_took_longer_than_a_week_does_not_double():
    newcomers = hours_ago(*range(9))

    assert doubling_hours(newcomers, 40, NOW) is None  # 31 were there before the week


def test_all_in_one_hour_is_said_as_short_as_an_hour_can_tell():
    assert doubling_hours(hours_ago(*[0] * 30), 30, LAST) == 0.5


def test_a_date_ahead_of_the_clock_is_not_believed():
    ahead = [LAST + 3 * HOUR] * 5

    assert doubling_hours([*hours_ago(*range(20)), *ahead], 20, NOW) == doubling_hours(
        hours_ago(*range(20)), 20, NOW
    )


POST = {"cluster": 0, "hours_ago": 0, "author": "", "copies": False, "unsure": False,
        "history": False, "severity": (), "channel": "public", "reposts": None}  # fmt: skip


@pytest.fixture
def told(store):
    """Cluster A grows from 12 people to 24, B is one author, copies and old posts."""
    teller = Teller(store)
    people = [{"author": f"a{n}", "hours_ago": 40} for n in range(12)]
    people += [{"author": f"b{n}", "hours_ago": 3} for n in range(12)]
    teller.gather([POST | one for one in people])
    many = [{"author": "甲"}] * 5 + [{"copies": True}] * 3
    many += [{"history": True, "hours_ago": 900, "unsure": True, "author": "乙"}]
    many += [{"hours_ago": -30, "author": "丁", "channel": "internal"}]
    teller.gather([POST | {"cluster": 1} | one for one in many])
    return store


def test_growth_tells_people_from_posts_and_copies(told):
    with told.read() as queries:
        growth, other = (queries.growth(one, NOW) for one in CLUSTERS[:2])
        with pytest.raises(StoreError, match="no cluster 'nobody'"):
            queries.growth(ClusterId("nobody"), NOW)

    assert (growth.authors, growth.authors_24h, growth.authors_before_24h) == (24, 12, 12)
    assert growth.doubling_h == pytest.approx(2.5 + (NOW - LAST) / HOUR, abs=1)
    assert (other.mentions, other.texts, other.copies) == (10, 7, 3)
    assert (other.authors, other.authors_24h, other.doubling_h) == (4, 2, None)
    assert (other.negative, other.platforms, other.copy_share) == (9, 1, 0.3)
    assert sum(hour.mentions for hour in other.hours) == 8  # the last 72 hours, none ahead
    assert (other.first_at, other.last_at) == (other.first_at, max(other.last_at, NOW))


def test_what_grows_comes_first_and_what_is_silent_not_at_all(told):
    with told.read() as queries:
        lines = queries.growing(NOW)
        none = queries.growing(NOW + timedelta(days=30))
        other_brand = queries.growing(NOW, brand_id="hemu")

    assert [line.cluster.cluster_id for line in lines] == [CLUSTERS[1], CLUSTERS[0]]
    assert [(line.authors_24h, line.authors_before_24h) for line in lines] == [(2, 0), (12, 12)]
    assert {line.incident_code for line in lines} == {""}
    assert none == other_brand == []
