"""Rehearsals on their page and in the API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from lxml import html

from groundswell.doors import READ, make_key
from groundswell.rehearsal import rehearse
from groundswell.rehearsal_lines import save
from groundswell.rehearsal_trial import with_values
from storage.store import Store
from tests.console.test_markup import PAYLOADS, assert_harmless
from tests.console.world import Stage, World, build


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    store = Store(sqlite_url)
    world = build(store, stage)
    yield world
    world.close()
    store.close()


def tree_of(text: str):
    return html.fromstring(text)


def test_a_rehearsal_runs_in_the_background_and_its_result_is_read(world: World) -> None:
    client = world.client("linxiao")
    form = tree_of(client.get("/rules").text)
    csrf = form.cssselect("[name=csrf]")[0].get("value")
    said = {"csrf": csrf, "days": "²", "values": "levels.yellow.score=45"}  # no number: a week

    assert client.post("/rules", data=said).status_code in {200, 303}
    ends = time.monotonic() + 30
    while not (found := tree_of(client.get("/rules").text).cssselect(".result")):
        assert time.monotonic() < ends, "the rehearsal does not end"
        time.sleep(0.05)
    [link] = found[0].cssselect("a")
    assert link.text_content() == "levels.yellow.score=45"
    result = tree_of(client.get(link.get("href")).text).text_content()
    assert "levels.yellow.score：40.0 → 45.0" in result
    key = make_key(world.store, READ, "reader", by="test", now=world.clock.now())
    answer = client.get(
        "/api/v1/rehearsals/last", headers={"Authorization": f"Bearer {key}"}
    ).json()
    assert answer["title"] == "levels.yellow.score=45"
    assert answer["same_config"] is False


def test_what_cannot_be_set_is_said_and_nothing_runs(world: World) -> None:
    client = world.client("linxiao")
    csrf = tree_of(client.get("/rules").text).cssselect("[name=csrf]")[0].get("value")

    said = {"csrf": csrf, "values": "levels.yelow.score=45"}
    reply = client.post("/rules", data=said)

    assert "did you mean" in reply.text
    assert "还没有预演过" in reply.text


def test_titles_of_results_do_no_harm(world: World) -> None:
    now = world.clock.now()
    project = world.project
    found = rehearse(
        project, world.store, with_values(project, []), since=now - timedelta(days=1), until=now
    )
    save(world.store, found, PAYLOADS[0], "linxiao", now)

    assert_harmless(world.client("linxiao").get("/rules").text)
