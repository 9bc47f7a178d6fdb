"""Review in a real browser: five answers by keyboard, five by thumb, and the figures change."""

from __future__ import annotations

import re

import pytest

from storage.records import Incident
from tests.console.world import CLUSTER, PASSWORD, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e
# What each answer leaves of the cluster: only a complaint about the brand stays in it.
ANSWERS = (
    ("1", "负面"),
    ("2", "非负面"),
    ("3", "正面"),
    ("4", "不是这个品牌"),
    ("5", "广告或噪声"),
)


def members(world: World) -> int:
    with world.store.read() as queries:
        return len(queries.cluster_mentions(CLUSTER, 100))


def test_five_answers_by_keyboard_change_the_cluster(
    world: World, incident: Incident, visit: Opens
) -> None:
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    before = members(world)
    seen.page.goto(f"{world.url}/incidents/{incident.incident_id}")
    assert f"{before} 种说法" in seen.page.inner_text("main")
    seen.page.goto(f"{world.url}/labels")
    seen.shot("labels")
    assert seen.overflow() == 0
    for key, word in ANSWERS:
        with seen.page.expect_navigation(url=re.compile(r"/labels\?done=\d+")):
            seen.page.keyboard.press(key)
        assert f"已记为：{word}" in seen.page.inner_text("[role=status]")

    assert seen.page.inner_text("#mine") == "5"
    assert members(world) == before - 4
    seen.page.goto(f"{world.url}/incidents/{incident.incident_id}")
    assert f"{before - 4} 种说法" in seen.page.inner_text("main")
    seen.shot("labels-incident-buttons")


def test_class_skip_and_undo_have_keys(world: World, incident: Incident, visit: Opens) -> None:
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/labels")
    first = seen.page.locator("[name=mention]").input_value()
    seen.page.keyboard.press("s")
    seen.page.wait_for_function(f"document.querySelector('[name=mention]').value !== '{first}'")
    second = seen.page.locator("[name=mention]").input_value()

    seen.page.keyboard.press("c")
    seen.page.select_option("[name=issue]", "物流配送")
    seen.shot("labels-class")
    with seen.page.expect_navigation(url=re.compile(r"done=")):
        seen.page.keyboard.press("1")
    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(second))
    assert (verdict.issue_class, verdict.negative) == ("物流配送", 1.0)

    with seen.page.expect_navigation(url=re.compile(r"undone=1")):
        seen.page.keyboard.press("u")
    assert seen.page.locator("[name=mention]").input_value() == second
    with world.store.read() as queries:
        [verdict] = queries.verdicts(int(second))
    assert verdict.model_version == "test-1"


def test_five_answers_by_thumb_on_a_phone(world: World, incident: Incident, visit: Opens) -> None:
    seen = visit(world.url, "phone", touch=True)
    seen.log_in("linxiao", PASSWORD)
    before = members(world)
    seen.page.goto(f"{world.url}/labels")
    seen.shot("labels")
    assert seen.overflow() == 0
    for button in seen.page.locator(".keys button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44  # what a thumb hits
    for key, word in ANSWERS:
        with seen.page.expect_navigation(url=re.compile(r"/labels\?done=\d+")):
            seen.page.locator(f"button[data-key='{key}']").tap()
        assert f"已记为：{word}" in seen.page.inner_text("[role=status]")

    assert members(world) == before - 4


def test_many_at_once_fit_their_window(world: World, incident: Incident, visit: Opens) -> None:
    for size in ("phone", "desk"):
        seen = visit(world.url, size)
        seen.log_in("linxiao", PASSWORD)
        seen.page.goto(f"{world.url}/labels/incidents/{incident.incident_id}")
        seen.page.get_by_label("全选").check()
        ticked = seen.page.locator("input[name^=m]:checked").count()
        seen.shot("labels-many")
        assert seen.overflow() == 0
        assert ticked == members(world)


def test_the_mention_page_has_its_buttons(world: World, incident: Incident, visit: Opens) -> None:
    with world.store.read() as queries:
        [(mention, _), *_] = queries.cluster_mentions(CLUSTER, 1)
    for size in ("phone", "desk"):
        seen = visit(world.url, size)
        seen.log_in("linxiao", PASSWORD)
        seen.page.goto(f"{world.url}/mentions/{mention.mention_id}")
        seen.page.locator(".correct summary").first.click()
        seen.page.get_by_role("button", name="非负面").click()
        seen.page.wait_for_selector("text=复核记录")
        seen.shot("labels-mention")
        assert seen.overflow() == 0
