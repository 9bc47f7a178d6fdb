"""The block on the incident page that shows which batch stands out, and why."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from storage import tables
from storage.facts import write_facts
from storage.records import Fact
from tests.console.world import World, csrf_of, raise_incident, verdict_on


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

    # one press from the signal to the task; its counts and its verdict stand beside it
    assert "收回故障件" in page
    client = world.client("linxiao")
    path = f"/incidents/{incident.incident_id}"

    def press(name: str, **fields: str) -> str:
        csrf = csrf_of(client.get(path).text)
        reply = client.post(f"{path}/{name}", data={"csrf": csrf, "once": name} | fields)
        return (
            client.get(reply.headers["location"]).text if reply.status_code == 303 else reply.text
        )

    signal = re.search(r'name="how" value="([^"]*KQ7731[^"]*)"', page)
    assert signal
    how = html.unescape(signal[1])
    given = press("task", kind="排查整改", text="收回故障件", how=how, wanted="5")
    assert "收回故障件：「养生壶 K2」KQ7731 批次，冒烟起火" in given
    assert "要收回 5 件" in given
    assert 'name="how" value="' not in given.partition('id="batches"')[0].partition("建议任务")[2]
    assert "还没有分析过一件" in press("verdict", task="t1", how="batch", text="阀芯")
    assert "已分析 2 件" in press("units", task="t1", wanted="5", received="3", analysed="2")
    assert "是批次问题" in press("verdict", task="t1", how="batch", text="同一模具", once="v2")
