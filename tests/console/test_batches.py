"""The block on the incident page that shows which batch stands out, and why."""

from __future__ import annotations

from dataclasses import replace

from storage import tables
from storage.facts import write_facts
from storage.records import Fact
from tests.console.world import World, raise_incident, verdict_on


def test_the_incident_page_shows_the_block(world: World) -> None:
    incident = raise_incident(world, 24)
    with world.store.read() as queries:
        members = [one for one, _ in queries.cluster_mentions(incident.cluster_id, 30)]
    assert len(members) >= 20
    bad, other = Fact(kind="batch", value="KQ7731"), Fact(kind="batch", value="KQ1015")
    smoke, noise = Fact(kind="symptom", value="冒烟起火"), Fact(kind="symptom", value="异响抖动")
    verdicts = [
        replace(verdict_on(one), facts=(bad, smoke) if n < 7 else (other, noise))
        for n, one in enumerate(members)
    ]
    with world.store.write() as connection:
        write_facts(connection, [one.mention_id for one in members], verdicts)
        connection.execute(
            tables.cluster_fact.insert(),
            {
                "cluster_id": incident.cluster_id,
                "kind": "symptom",
                "value": "冒烟起火",
                "author_key": "x",
                "n": 7,
                "n_watch": 7,
            },
        )

    page = world.client("linxiao").get(f"/incidents/{incident.incident_id}").text

    assert 'id="batches"' in page
    assert "「养生壶 K2」KQ7731 批次：冒烟起火 7 起" in page
    assert f'href="/mentions/{members[0].mention_id}"' in page
