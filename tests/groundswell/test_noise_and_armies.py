"""Adverts never raise anything; an army is named one, and people who suffer are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.voices import judge_voices
from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.records import IncidentState, Noise, Outcome, RawMention
from storage.store import Store
from tests.groundswell.test_pipeline import NOW, complaint, outcomes, project, take

ORDERS = (
    "云雀净水器就是垃圾，漏水漏得满地都是，谁买谁后悔，大家快转发让更多人看到这个黑心牌子！",
    "看清楚云雀净水器的真面目，滤芯全是漏水的次品，客服只会推脱，坚决抵制，见一次骂一次！",
    "云雀净水器漏水还不给退，这种无良商家必须曝光到底，所有人都别再上当受骗了！",
)
ADVERT = (
    "云雀净水器官方授权店限时特惠，到手价1299，前50名下单送滤芯一支，正品保证，上门安装优惠，"
    "咨询热线请看主页，漏水包赔，点击链接立即抢购！第{n}批现货秒发"
)


@pytest.fixture
def application(store: Store) -> Application:
    """A program that has watched the brand for a month."""
    application = wiring.wire(project(), store, SteppedClock(NOW))
    long_ago = NOW - timedelta(days=30)
    take(application, [replace(complaint(n), published_at=long_ago) for n in range(300, 303)])
    return application


def _judged(application: Application) -> str:
    with application.store.read() as queries:
        [incident, *_] = [
            one for one in queries.incidents() if one.state is not IncidentState.MERGED
        ]
        return judge_voices(queries.evidence(incident.cluster_id, NOW), NOW).reason


def _army() -> list[RawMention]:
    return [
        replace(
            complaint(n),
            text=ORDERS[n % 3],
            author=f"新号{n}",
            published_at=NOW - timedelta(seconds=6 * n),
        )
        for n in range(200)
    ]


def _people() -> list[RawMention]:
    return [replace(complaint(n), published_at=NOW - timedelta(minutes=9 * n)) for n in range(60)]


@pytest.mark.parametrize(("raws", "reason"), [(_army(), "wave"), (_people(), "organic")])
def test_an_army_is_named_and_people_are_not(
    application: Application, raws: Sequence[RawMention], reason: str
) -> None:
    take(application, raws)

    assert _judged(application) == reason


def test_adverts_are_kept_marked_and_raise_nothing(application: Application) -> None:
    with application.store.read() as queries:
        before = {name: queries.table_rows(name) for name in ("cluster", "brand_hour")}
    adverts = [
        replace(complaint(n), native_id=f"ad-{n}", text=ADVERT.format(n=n)) for n in range(30)
    ]
    take(application, adverts)
    application.stages.regrade()

    with application.store.read() as queries:
        after = {name: queries.table_rows(name) for name in ("cluster", "brand_hour")}
        marked = [row["noise"] for row in queries.table_rows("verdict")]
        assert queries.incidents() == []
    assert before == after
    assert marked.count(Noise.ADVERT) == 30
    counted = outcomes(application)
    left = counted.get(("understand", Outcome.NOISE), 0)
    assert left + counted.get(("understand", Outcome.NOT_NEGATIVE), 0) == 30
