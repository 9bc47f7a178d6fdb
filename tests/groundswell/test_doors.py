"""Internal doors and the crisis: they make a cluster and an incident, and never public spread."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from config.load import example_dir, load
from config.schema import Project
from groundswell import wiring
from groundswell.doors import Doors, make_key
from groundswell.importing_values import Reading, read_row
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.records import AccessToken, Evidence, RawMention
from storage.store import Store

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SHOPS = ("徐汇店", "静安店", "浦东店", "虹口店", "闵行店", "长宁店", "杨浦店", "宝山店")
WAYS = (
    "顾客说昨晚烧水时底座冒烟，插座也黑了，要求退货赔偿",
    "顾客拿回来的养生壶底座烧黑了，一股焦糊味，客服一直推脱",
    "底座冒烟把台面烫坏了，顾客非常生气，要求退款",
    "顾客反映烧水十分钟底座就冒烟，吓坏了孩子，投诉要说法",
)


@cache
def example() -> Project:
    return load(example_dir(), environ={})


@pytest.fixture
def application(store: Store) -> Application:
    return wiring.wire(example(), store, SteppedClock(NOW))


def shop(store: Store, name: str) -> AccessToken:
    make_key(store, "reporter", name, by="admin", now=NOW, region="上海", channel="internal")
    with store.read() as queries:
        return next(token for token in queries.tokens("reporter") if token.name == name)


def report(token: AccessToken, n: int) -> RawMention:
    reading = Reading(
        now=NOW,
        zone=example().owners[0].zone,
        source="门店上报",
        source_id=f"report:{token.name}",
        channel=token.channel,
        region=token.region,
    )
    row = {
        "id": f"{token.name}-{n}",
        "title": "澜禾养生壶 K2：伤到人、起火冒烟",
        "text": WAYS[n % len(WAYS)],
        "author": token.name,
        "published_at": (NOW - timedelta(minutes=3 * n)).isoformat(),
    }
    return read_row(row, reading)


def take_reports(application: Application, shops: tuple[str, ...] = SHOPS) -> None:
    doors = Doors(store=application.store, keep=application.journey.keep_each)
    for n, name in enumerate(shops):
        token = shop(application.store, name)
        doors.take_one(report(token, n), [], f"reporter:{name}", token=token, at=NOW)
    application.stages.drain()


def evidence_of_the_incident(application: Application) -> Evidence:
    with application.store.read() as queries:
        [incident] = queries.incidents()
        return queries.evidence(incident.cluster_id, NOW)


def test_reports_of_several_shops_become_one_incident(application: Application) -> None:
    take_reports(application)
    evidence = evidence_of_the_incident(application)

    assert evidence.mentions == evidence.authors == len(SHOPS)
    assert evidence.regions == ("上海",)


def test_internal_mentions_are_no_public_spread(application: Application) -> None:
    take_reports(application)
    inside = evidence_of_the_incident(application)
    assert (inside.platforms, inside.tiers, inside.reposts, inside.views) == ((), (), None, None)

    token = shop(application.store, "公开")
    public = replace(
        report(token, 1),
        native_id="weibo-1",
        platform="微博",
        channel="public",
        author="阿青",
        reposts=120,
        views=45_000,
    )
    hotline = replace(public, native_id="400-1", platform="400热线", channel="internal")
    with application.store.transaction() as tx:
        application.journey.keep(tx, [public, hotline], NOW)
    application.stages.drain()
    both = evidence_of_the_incident(application)

    assert both.mentions == len(SHOPS) + 2
    assert both.platforms == ("微博",)
    assert (both.reposts, both.views) == (120, 45_000)


def test_what_internal_rows_say_of_their_reach_never_makes_a_score(
    application: Application,
) -> None:
    """The same complaints as tickets with huge counters grade no higher than without any."""
    take_reports(application)
    with application.store.read() as queries:
        [before] = queries.incidents()
    token = shop(application.store, "系统")
    loud = [
        replace(
            report(token, n),
            native_id=f"{name}-{n}",
            author=name,
            reposts=99_999,
            views=10**9,
        )
        for n, name in enumerate(SHOPS)
    ]
    with application.store.transaction() as tx:
        application.journey.keep(tx, loud, NOW)
    application.stages.drain()
    evidence = evidence_of_the_incident(application)
    with application.store.read() as queries:
        [after] = queries.incidents()

    assert (evidence.reposts, evidence.views) == (None, None)
    assert after.level == before.level
