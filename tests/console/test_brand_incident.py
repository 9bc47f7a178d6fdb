"""The pages of an incident that is about a whole brand: shown like any other, without a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.incidents import on_grade
from storage.records import ClusterId, Incident, Level
from tests.console.world import CLUSTER, World
from tests.make import make_grade, make_surge

WHOLE = ClusterId("brand:lanhe")


@pytest.fixture
def brand_incident(world: World, incident: Incident) -> Incident:
    """What regrading raises when the whole brand rises, beside the incident of one cluster."""
    del incident
    now = world.clock.now()
    with world.store.transaction() as tx:
        heard = tx.evidence(CLUSTER, now).live_authors
        evidence = replace(tx.evidence(WHOLE, now), live_authors=heard, watch_authors=heard)
        surge = make_surge(scope="brand")
        change = on_grade(
            None,
            evidence,
            make_grade(Level.YELLOW, surge=surge, at=now),
            world.project,
            now,
            samples=tx.queries.cluster_mentions(WHOLE, 3),
            links=world.links,
        )
        assert change is not None
        tx.save_change(change)
    return change.incident


def test_it_is_shown_and_told_like_any_other(world: World, brand_incident: Incident) -> None:
    client = world.client("linxiao")
    page = client.get(f"/incidents/{brand_incident.code}")
    with world.store.read() as queries:
        bodies = [
            one.body for one in queries.intents() if one.incident_id == brand_incident.incident_id
        ]

    assert page.status_code == 200
    assert "整体负面声量上升" in page.text
    assert "看整个聚类" not in page.text
    assert brand_incident.title in client.get("/incidents").text
    assert client.get("/clusters/brand:lanhe").status_code in {200, 404}
    assert client.get("/clusters/brand:nie").status_code == 404
    assert bodies
    assert all("整体负面声量上升" in body for body in bodies)
