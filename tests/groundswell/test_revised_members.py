"""A text is edited where it stands: its cluster and the shard of it go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage.store import Store
from tests.groundswell.test_cluster_desk import desk_of, two_troubles, unreachable
from tests.groundswell.test_pipeline import NOW, complaint, outcomes, project, take
from tests.storage.test_hours import recounted, stored

LONGER = "今天客服终于回电话，说滤芯要另外付钱，三百二十块，漏水泡坏的地板一分不赔，绝不罢休"
EDITED = {"observed_at": NOW + timedelta(hours=1)}


@pytest.fixture
def application(sqlite_url: str):
    store = Store(sqlite_url)
    yield wiring.wire(project(), store, SteppedClock(NOW))
    store.close()


def restarted(application: Application) -> Application:
    return wiring.wire(project(), application.store, SteppedClock(NOW))


def test_an_edited_text_that_a_person_placed_does_not_stop_its_shard(application):
    leaks, _ = two_troubles(application)
    desk_of(application).move([15], leaks, "zhoulan", NOW)
    edited = unreachable(0)
    take(application, [complaint(200, text=edited.text + LONGER, **EDITED)])
    take(application, [complaint(20)])

    again = restarted(application)
    take(again, [complaint(21), unreachable(21)])

    assert outcomes(again).get(("gather", "quarantined"), 0) == 0
    with again.store.read() as queries:
        assert queries.mention_cluster(15) == [leaks]
    assert stored(again.store) == recounted(again.store)


def test_an_edited_text_that_waits_to_be_read_does_not_stop_its_shard(application):
    two_troubles(application)
    with application.store.transaction() as tx:
        application.journey.keep(tx, [complaint(3, text=complaint(3).text + LONGER, **EDITED)], NOW)

    again = restarted(application)
    with again.store.transaction() as tx:  # a promotion put it behind others in the line
        state = tx.load_shard("yunque/zh", NOW)
    wiring.restorer(again.project)(state)

    assert len(state.recent) == 28
