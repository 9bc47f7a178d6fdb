"""Hours are seen, seen late, or lost; downtime counts, and what was caught up does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Project, SourceConfig
from storage.completeness import HourPolls, blind_hours, hours_between, judge_hours
from storage.records import BrandId, Completeness, FetchCause
from storage.store import Store
from tests.make import NOW, make_fetch_event, make_source_state

HOUR = timedelta(hours=1)
OK, DOWN, GAP = HourPolls(answered=4), HourPolls(failed=4), HourPolls(answered=4, gaps=1)
START = NOW.replace(minute=0, second=0, microsecond=0) - 12 * HOUR


def judge(*polls: HourPolls | None, patience: timedelta = HOUR) -> str:
    """Say of each hour from START on how it was seen: s, l(ate) or L(ost), - for left out."""
    known = {START + n * HOUR: polled for n, polled in enumerate(polls) if polled}
    hours = [START + n * HOUR for n in range(len(polls))]
    sights = judge_hours(hours, known, START + len(polls) * HOUR, patience)
    letters = {"seen": "s", "late": "l", "lost": "L"}
    return "".join(letters[sights[hour]] if hour in sights else "-" for hour in hours)


@pytest.mark.parametrize(
    ("polls", "sights"),
    [
        ((OK, OK, OK), "sss"),
        ((None, OK, OK), "-ss"),  # it was not there yet
        ((OK, DOWN, OK), "sls"),  # the next answer still knew an item
        ((OK, DOWN, GAP), "sLs"),  # it did not
        ((OK, DOWN, DOWN), "sLL"),  # nobody knows yet
        ((OK, None, OK), "sss"),  # an hour without a poll, as planned
        ((OK, None, None, None, OK), "sllls"),  # the program was down, all of it caught up
        ((OK, None, None, None, GAP), "sLLLs"),
        ((OK, None, None, None), "sLLL"),
        ((OK, DOWN, GAP, HourPolls(answered=4, backfills=1)), "slss"),  # walked over at night
        ((OK, HourPolls(answered=4, backfills=1), DOWN, GAP), "ssLs"),  # walked over too early
        ((DOWN, DOWN, OK), "lls"),  # its first hours
    ],
)
def test_hours_are_judged(polls: tuple[HourPolls | None, ...], sights: str) -> None:
    assert judge(*polls) == sights


def test_a_source_that_is_asked_twice_a_day_is_not_blind_in_between() -> None:
    polls = (OK, *[None] * 10, OK)

    assert judge(*polls, patience=12 * HOUR) == "s" * 12
    assert judge(OK, *[None] * 10, patience=12 * HOUR) == "s" * 11
    assert judge(OK, *[None] * 10, patience=3 * HOUR) == "s" + "L" * 10


@given(st.lists(st.sampled_from([OK, DOWN, GAP, None]), max_size=24))
def test_an_hour_in_which_a_poll_answered_was_seen_and_a_failed_one_never(
    polls: list[HourPolls | None],
) -> None:
    for polled, sight in zip(polls, judge(*polls), strict=True):
        if polled is not None:
            assert sight == "s" if polled.answered else sight in "lL"


@given(st.integers(0, 3_000_000), st.integers(0, 100_000))
def test_the_hours_of_a_range_cover_it(offset: int, seconds: int) -> None:
    begins = NOW + timedelta(seconds=offset)
    ends = begins + timedelta(seconds=seconds)
    hours = hours_between(begins, ends)

    assert len(set(hours)) == len(hours)
    if ends > begins:
        assert hours[0] <= begins
        assert hours[-1] < ends <= hours[-1] + HOUR


def source(name: str, **given: object) -> SourceConfig:
    rules = {"id": name, "name": f"信源{name}", "kind": "feed", "start": f"https://{name}.test/f"}
    return SourceConfig.model_validate(rules | given)


def project(*sources: SourceConfig) -> Project:
    brands = [{"id": "lanhe", "name": "澜禾"}, {"id": "hemu", "name": "禾沐", "competitor": True}]
    return Project.model_validate({"brands": brands}).model_copy(update={"sources": sources})


def polled(store: Store, name: str, hours: Iterable[int], **given: object) -> None:
    """Let a source be polled so many hours ago."""
    with store.transaction() as tx:
        for hour in hours:
            tx.add_fetch_event(
                make_fetch_event(name, at=START + (12 - hour) * HOUR, **given)  # type: ignore[arg-type]
            )


def known(store: Store, *names: str, **given: object) -> None:
    with store.transaction() as tx:
        for name in names:
            tx.save_source(
                make_source_state(name, first_polled_at=START, interval_s=900.0, **given)  # type: ignore[arg-type]
            )


def read(store: Store, plan: Project) -> Completeness:
    with store.read() as queries:
        return queries.completeness(plan, START, START + 12 * HOUR, START + 12 * HOUR)


def test_completeness_is_told_per_brand_and_hour(store: Store) -> None:
    known(store, "all", "mine", "named", cause=FetchCause.LAYOUT)
    polled(store, "all", range(12, 0, -1))
    polled(store, "mine", [12, 11, 10, 9, 8, 7, 6])
    polled(store, "mine", [5, 4, 3, 2, 1], outcome="layout changed")
    polled(store, "named", range(12, 0, -1))
    plan = project(
        source("all"),
        source("mine", brands=["lanhe"]),
        source("named", keywords={"brands": ["hemu"]}),
        source("never polled"[:5]),
        source("off", enabled=False),
    )

    found = read(store, plan)
    covers = {one.source_id: one for one in found.sources}
    lanhe, hemu = BrandId("lanhe"), BrandId("hemu")
    assert set(covers) == {"all", "mine", "named"}
    assert {name: one.brands for name, one in covers.items()} == {
        "all": (lanhe, hemu), "mine": (lanhe,), "named": (hemu,),
    }  # fmt: skip
    assert len(covers["mine"].lost) == 5
    assert covers["mine"].cause == "layout changed"
    assert (found.share(lanhe, START), found.share(lanhe, START + 11 * HOUR)) == (1.0, 0.5)
    assert found.share(hemu, START + 11 * HOUR) == 1.0
    assert found.of_brand(lanhe) == pytest.approx(19 / 24)
    assert found.of_brand(BrandId("nobody")) is None


def test_hours_of_downtime_are_lost_until_they_are_caught_up(store: Store) -> None:
    known(store, "one")
    plan = project(source("one", schedule={"every": "15m", "max": "30m"}))
    polled(store, "one", [12, 11])
    down = read(store, plan)
    polled(store, "one", [2, 1])
    back = read(store, plan)

    assert len(down.sources[0].lost) == 10
    assert down.sources[0].cause == "not_running"
    assert (len(back.sources[0].lost), len(back.sources[0].late)) == (0, 8)


def test_a_gap_is_lost_until_a_night_walks_over_it(store: Store) -> None:
    known(store, "one")
    plan = project(source("one"))
    polled(store, "one", [12])
    polled(store, "one", [11, 10, 9], outcome="slow")
    polled(store, "one", [8], gap=True)
    lost = read(store, plan)
    polled(store, "one", [4], kind="backfill")
    walked = read(store, plan)

    assert len(lost.sources[0].lost) >= 3
    assert lost.sources[0].lost[:3] == (START + HOUR, START + 2 * HOUR, START + 3 * HOUR)
    assert walked.sources[0].late[:3] == lost.sources[0].lost[:3]


def test_detail_pages_say_nothing_of_a_list(store: Store) -> None:
    known(store, "one")
    polled(store, "one", [12])
    polled(store, "one", range(11, 0, -1), outcome="blocked")
    polled(store, "one", range(11, 0, -1), kind="detail")

    assert len(read(store, project(source("one"))).sources[0].lost) == 11


def test_detection_is_blind_in_the_same_hours(store: Store) -> None:
    known(store, "one", "two")
    polled(store, "one", [12, 11, 10, 2, 1])
    polled(store, "two", [12, 11, 10, 9, 1])
    polled(store, "two", [5, 4], outcome="blocked")
    with store.look() as connection:
        blind = blind_hours(connection, START, START + 12 * HOUR)
    found = read(store, project(source("one"), source("two")))
    missed = [set(one.lost) | set(one.late) for one in found.sources]

    assert set(blind) == set.intersection(*missed)
    assert blind == tuple(START + n * HOUR for n in range(4, 10))
