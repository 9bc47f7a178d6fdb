"""Clusters in a real browser: by thumb on a phone, by keyboard at a desk."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from storage.records import ClusterId
from storage.store import Store
from tests.console.cluster_world import SMOKE, SOCKET, Gathered, gather_example
from tests.console.world import PASSWORD, Stage, World, build
from tests.e2e.conftest import Opens, Visit

pytestmark = pytest.mark.e2e


@pytest.fixture
def made(sqlite_url: str, stage: Stage) -> Iterator[Gathered]:
    store = Store(sqlite_url)
    world = build(store, stage)
    yield gather_example(world)
    world.close()
    store.close()


def members(world: World, cluster_id: ClusterId) -> set[int]:
    with world.store.read() as queries:
        pairs = queries.cluster_mentions(cluster_id, 100)
    return {int(mention.mention_id) for mention, _ in pairs}


def go(seen: Visit, path: str) -> None:
    seen.page.goto(seen.url + path)


def test_a_phone_shows_every_page_and_merges_and_takes_back(made: Gathered, visit: Opens) -> None:
    world, ids = made.world, made.mentions[SMOKE]
    before = members(world, SMOKE)
    seen = visit(world.url, "phone", touch=True, dark=True)
    seen.log_in("linxiao", PASSWORD)
    go(seen, "/clusters?hours=168")
    shown = {
        "clusters": seen.page.url.removeprefix(seen.url),
        "cluster": f"/clusters/{SMOKE}",
        "cluster-copies": f"/clusters/{SMOKE}/copies/{ids[1]}",
        "cluster-move": f"/clusters/{SMOKE}/move?m{ids[-1]}=on",
        "cluster-choose": f"/clusters/{SOCKET}/merge",
        "cluster-compare": f"/clusters/{SOCKET}/merge?with={SMOKE}",
    }
    for name, path in shown.items():
        go(seen, path)
        seen.shot(f"{name}-dark")
        assert seen.overflow() == 0, name
    for button in seen.page.locator(".decide button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 40

    seen.page.get_by_role("button", name="是同一件事").tap()
    seen.page.wait_for_url(re.compile(rf"/clusters/{SMOKE}\?done=\d+"))
    assert len(members(world, SMOKE)) == len(before) + 2
    seen.shot("cluster-merged-dark")
    assert seen.overflow() == 0
    seen.page.locator("[role=status] button").tap()
    seen.page.wait_for_selector("text=已记下：撤销了")
    assert members(world, SMOKE) == before


def test_a_keyboard_chooses_layers_and_splits(made: Gathered, visit: Opens) -> None:
    world, ids = made.world, made.mentions[SMOKE]
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    page = seen.page
    go(seen, f"/clusters/{SMOKE}")
    bars = page.locator(".hours .mentions")
    assert bars.is_visible()
    page.focus("#layer-every")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert not bars.is_visible()
    assert page.locator(".hours .authors").is_visible()

    bar = page.locator(".picked")
    assert not bar.is_visible()  # nothing to do before something is chosen
    for one in ids[-2:]:
        page.focus(f"[name=m{one}]")
        page.keyboard.press("Space")
    assert "已选 2 条" in bar.inner_text()
    seen.shot("cluster-picked")
    page.focus(".picked button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/split\?"))
    page.fill("[name=note]", "说的是物流")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/clusters/{SMOKE}\?done=\d+"))
    assert "说的是物流" in page.inner_text("#journal")
    assert members(world, SMOKE).isdisjoint(int(one) for one in ids[-2:])
    page.click("[role=status] a")
    page.wait_for_selector("text=拆出来")
    seen.shot("cluster-part")

    go(seen, f"/clusters/{SMOKE}")
    page.get_by_label("选中这一页").check()
    assert page.locator("[form=pick][name^=m]:checked").count() == 12
    go(seen, "/clusters")
    page.keyboard.press("Tab")
    page.focus("[type=search]")
    page.keyboard.type("插口")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q="))
    assert page.locator(".clusters > li").count() == 1
    seen.shot("clusters")
    assert seen.overflow() == 0
