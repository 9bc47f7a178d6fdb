from datetime import timedelta

import pytest

from storage.records import RawMention, SourceId
from tests.console.world import PASSWORD, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e


def _bring(world: World) -> None:
    """An import of yesterday, a push that names two platforms, an import of long ago."""
    now = world.clock.now()
    brought = [("import:小红书", "小红书", 12, 20), ("push:数据商", "抖音", 5, 2)]
    brought += [("push:数据商", "视频号", 2, 3)]
    raws = [
        RawMention(
            source_id=SourceId(source_id),
            platform=platform,
            native_id=f"{platform}-{n}",
            text=f"第 {n} 位：养生壶的盖子合不上。",
            published_at=now - timedelta(hours=hours),
            observed_at=now - timedelta(hours=hours),
        )
        for source_id, platform, count, hours in brought
        for n in range(count)
    ]
    with world.store.transaction() as tx:
        tx.keep(raws, now)
        tx.count({("intake", SourceId("import:京东"), "new"): 9}, now - timedelta(days=16))


@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True])
def test_the_coverage_page_fits_its_window_and_reads_well(
    world: World, visit: Opens, size: str, dark: bool
) -> None:
    _bring(world)
    seen = visit(world.url, size, dark=dark)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/coverage")

    assert seen.overflow() == 0
    assert seen.page.locator("h1").count() == 1
    assert seen.page.locator(".cover").count() >= 24
    red_book = seen.page.locator(".cover", has=seen.page.locator("h3", has_text="小红书"))
    assert "看得到" in red_book.inner_text()
    assert "12 条" in red_book.inner_text()
    seen.shot(f"coverage{'-dark' if dark else ''}")
    red_book.locator("summary").click()
    assert "groundswell source add" in red_book.inner_text()
    assert seen.overflow() == 0
