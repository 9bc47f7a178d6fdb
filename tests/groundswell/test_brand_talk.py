"""What happens to all clusters of a brand at once, and what only looks like it.

The stress cases of surge detection on real databases: a crawl read twice, late posts, an outage and
its flood, a marketing day, a wave of the whole industry, an army that copies.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.schema import Brand, Owner, Project, Route, SourceConfig, WebhookChannel
from groundswell import wiring
from groundswell.judging import judge
from groundswell.pulses import PulseView
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.migrate import upgrade
from storage.records import ClusterId, Evidence, Grade, Incident, Level, MentionId, ShardId
from storage.store import Store
from tests.make import (
    make_assignment,
    make_cluster,
    make_fetch_event,
    make_raw,
    make_shard_changes,
    make_verdict,
)

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
OURS = tuple(f"lanhe-{letter * 8}" for letter in "abcdefghij")
THEIRS = tuple(f"hemu-{letter * 8}" for letter in "abcdefghij")
HOME = OURS[0]
WHOLE = "brand:lanhe"

Posts = list[tuple[str, datetime]]


def project() -> Project:
    return Project(
        brands=(
            Brand(id="lanhe", name="澜禾"),
            Brand(id="hemu", name="禾沐", competitor=True),
        ),
        sources=(
            SourceConfig(
                id="tousu", name="投诉站", kind="feed", start=("https://tousu.example/f",)
            ),
            SourceConfig(
                id="other",
                name="禾沐吧",
                kind="feed",
                start=("https://other.example/f",),
                brands=("hemu",),
            ),
        ),
        owners=(Owner(id="linxiao", name="林晓", channels=("hook",), digest_at=None),),
        channels=(WebhookChannel(id="hook", kind="webhook", url="https://hook.example/in"),),
        routes=(Route(id="all", owner="linxiao"),),
        fallback=("linxiao",),
    )


def month(clusters: tuple[str, ...], seed: int) -> Posts:
    """A month of a post a day in each cluster."""
    chance = np.random.default_rng(seed)
    return [
        (one, NOW - timedelta(hours=float(back)))
        for one in clusters
        for back in chance.uniform(30, 30 * 24, 30)
    ]


def rush(clusters: tuple[str, ...], people: int, hours: float, ended: float = 0.0) -> Posts:
    """So many people in each cluster, evenly over the hours that ended so long ago."""
    return [
        (one, NOW - timedelta(hours=ended + hours * (n + (place + 1) / 12) / people))
        for place, one in enumerate(clusters)
        for n in range(people)
    ]


@dataclass
class World:
    """Two brands in a real store, written without the models."""

    store: Store
    application: Application
    known: int = 0

    def tell(self, posts: Posts, *, again: bool = False, copy: bool = False) -> None:
        """Let a new person say something in each cluster named, at that time."""
        for brand in ("lanhe", "hemu"):
            some = [one for one in posts if one[0].startswith(brand)]
            if some:
                self._tell(brand, some, again=again, copy=copy)

    def _tell(self, brand: str, posts: Posts, *, again: bool, copy: bool) -> None:
        shard = ShardId(f"{brand}/zh")
        first = self.known - len(posts) if again else self.known
        self.known = first + len(posts)
        with self.store.transaction() as tx:
            raws = [
                make_raw(first + n, published_at=at, native_id=f"帖{first + n}")
                for n, (_, at) in enumerate(posts)
            ]
            new = [
                (MentionId(one), cluster)
                for (_, one), (cluster, _) in zip(tx.keep(raws, NOW), posts, strict=True)
            ]
            ids = [one for one, _ in new]
            verdicts = [make_verdict(one, brand_id=brand) for one in ids]
            tx.save_verdicts(ids, verdicts, NOW)
            items = tx.pending_verdicts(shard, len(ids))
            waiting = {mention.mention_id for mention, _ in items}
            root = ids[0] if copy else None
            tx.save_gathering(
                make_shard_changes(
                    shard_id=shard,
                    assignments=tuple(
                        make_assignment(
                            one,
                            cluster_id=ClusterId(cluster),
                            duplicate_of=root if one != root else None,
                        )
                        for one, cluster in new
                        if one in waiting
                    ),
                    clusters=tuple(
                        make_cluster(one, brand_id=brand, shard_id=shard)
                        for one in sorted({cluster for _, cluster in new})
                    ),
                ),
                items,
            )

    def regrade(self) -> list[Incident]:
        """Grade everything as it stands; return the incidents there are."""
        self.application.stages.regrade()
        with self.store.read() as queries:
            return queries.incidents()

    def judged(self, cluster: str = HOME) -> tuple[Evidence, Grade]:
        """Judge one cluster as the journey does."""
        with self.store.transaction() as tx:
            pulses = PulseView(self.application.project, tx.queries, NOW)
            seen = pulses.see(tx.evidence(ClusterId(cluster), NOW))
            return seen, judge(seen, None, None, self.application.project, NOW, pulses)


def open_world(url: str) -> World:
    store = Store(url)
    return World(store, wiring.wire(project(), store, SteppedClock(NOW)))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that holds an everyday month of both brands."""
    path = tmp_path_factory.mktemp("past") / "past.db"
    upgrade(f"sqlite:///{path}")
    world = open_world(f"sqlite:///{path}")
    world.tell(month(OURS, 3) + month(THEIRS, 4))
    world.store.close()
    return path


@pytest.fixture
def world(past: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copy(past, tmp_path / "now.db")
    found = open_world(f"sqlite:///{tmp_path / 'now.db'}")
    found.known = 100_000
    yield found
    found.store.close()


def test_an_everyday_month_raises_nothing(world: World) -> None:
    assert world.regrade() == []


def test_a_marketing_day_is_one_incident_of_the_whole_brand(world: World) -> None:
    world.tell(rush(OURS, 9, 14))
    [incident] = world.regrade()

    assert incident.cluster_id == WHOLE
    assert incident.level == Level.YELLOW
    assert incident.title == "澜禾·整体负面声量上升"
    assert incident.grade is not None
    assert (incident.grade.surge.scope, incident.grade.surge.lift) == ("brand", 1.0)
    _, grade = world.judged()
    assert (grade.surge.kind, grade.surge.reason) == ("none", "brand_lift")
    assert grade.surge.lift > 2
    assert any("同行没有同时上升" in reason.text for reason in grade.reasons)
    with world.store.read() as queries:
        [intent, *_] = queries.intents()
    assert "澜禾" in intent.body
    assert world.regrade() == [incident]


def test_a_wave_of_the_whole_industry_names_who_rose_with_it(world: World) -> None:
    world.tell(rush(OURS + THEIRS, 9, 14))
    [incident] = world.regrade()

    assert incident.cluster_id == WHOLE
    assert incident.grade is not None
    [wave] = [one for one in incident.grade.reasons if one.code == "industry_wave"]
    assert "禾沐" in wave.text
    _, grade = world.judged()
    assert grade.surge.reason == "industry_wave"


@pytest.mark.parametrize("troubled", [1, 3])
def test_a_crisis_is_no_excuse_of_itself(world: World, troubled: int) -> None:
    """Neither in one cluster nor in the three that one trouble may stand in."""
    world.tell(rush(OURS[:troubled], 14, 8))
    incidents = world.regrade()

    assert {one.cluster_id for one in incidents} == set(OURS[:troubled])
    assert {one.grade.surge.lift for one in incidents if one.grade} == {1.0}


def test_a_crisis_on_a_marketing_day_still_pages(world: World) -> None:
    world.tell(rush(OURS[1:], 9, 14) + rush((HOME,), 80, 10))
    _, grade = world.judged()

    assert grade.level >= Level.YELLOW
    assert grade.surge.setting == "page"
    assert grade.surge.lift > 2


def test_a_crawl_read_twice_changes_nothing(world: World) -> None:
    posts = rush((HOME,), 4, 3)
    world.tell(posts)
    before, _ = world.judged()
    world.tell(posts, again=True)
    after, grade = world.judged()

    assert after == before
    assert grade.surge.kind == "none"


@pytest.mark.parametrize("late", [1.0, 44.0])
def test_posts_that_arrive_late_fire_in_the_hour_they_were_written(
    world: World, late: float
) -> None:
    world.tell(rush((HOME,), 16, 3, ended=late))
    _, grade = world.judged()

    assert grade.surge.setting == "page"
    assert grade.surge.ended_at is not None
    assert abs(NOW - timedelta(hours=late) - grade.surge.ended_at) < timedelta(hours=3)


def test_an_outage_of_the_brands_own_source_and_its_flood_do_not_fire(world: World) -> None:
    """The other brand's source answered all the time; ours brings two days at once."""

    def poll(source: str, back: int, outcome: str) -> None:
        with world.store.transaction() as tx:
            at = NOW - timedelta(hours=back)
            tx.add_fetch_event(make_fetch_event(source, at=at, outcome=outcome))

    for back in range(72):
        poll("other", back, "ok")
        poll("tousu", back, "network here" if 1 <= back < 60 else "ok")
    world.tell(rush((HOME,), 7, 0.5))
    seen, grade = world.judged()
    blind = set(seen.blind_hours)

    assert len(blind) >= 58
    assert grade.surge.kind == "none"
    assert grade.surge.expected > 3


def test_an_army_that_copies_wakes_nobody(world: World) -> None:
    world.tell(rush((HOME,), 60, 2), copy=True)
    seen, grade = world.judged()

    assert len(seen.copiers) == 59
    assert grade.surge.setting == "watch"
    assert grade.level == Level.BLUE


def test_brands_are_counted_alike_on_both_databases(store: Store) -> None:
    count = 3
    world = World(store, wiring.wire(project(), store, SteppedClock(NOW)))
    at = NOW - timedelta(hours=1)
    world.tell([(OURS[n % 2], at + timedelta(minutes=9 * n)) for n in range(2 * count)])
    with store.read() as queries:
        slots = queries.brand_slots("lanhe", at, NOW)
        loud = queries.loudest_clusters("lanhe", at, NOW, ClusterId(OURS[1]))
        whole = queries.evidence(ClusterId(WHOLE), NOW)
        shown = queries.cluster_mentions(ClusterId(WHOLE), 2)

    expected = [0] * 6
    for n in range(2 * count):
        if n * 9 < 60:
            expected[n * 9 // 10] += 1
    assert slots == tuple(expected)
    assert loud == [OURS[0]]
    assert whole.watch_authors == ()
    assert len(shown) == 2


def test_a_brand_nobody_complained_about_is_no_cluster(store: Store) -> None:
    with store.read() as queries:
        assert queries.cluster(ClusterId("brand:niemand")) is None
