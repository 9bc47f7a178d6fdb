from collections.abc import Iterator

import pytest

from crawlers.parsing import ParsingPool
from tests.console.test_sources import LIST, Seen, end, keep_page, open_console
from tests.console.world import PASSWORD, Stage, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def pool() -> Iterator[ParsingPool]:
    pool = ParsingPool(1)
    yield pool
    end(pool)


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_an_engineer_mends_a_source_in_the_browser(
    world: World, stage: Stage, pool: ParsingPool, visit: Opens, size: str
) -> None:
    world.add_user("gong", "engineer")
    seen_live = Seen([])
    open_console(world, stage, world.project, pool, seen_live)
    hostile = "<script>document.title='taken'</script>" + LIST.replace(
        'class="title"', 'class="t2"'
    )
    keep_page(world.store, "bad", hostile.encode(), world.clock.now())
    keep_page(world.store, "good", LIST.encode(), world.clock.now())
    seen = visit(world.url, size)
    seen.log_in("gong", PASSWORD)
    seen.page.goto(f"{world.url}/sources/jing-tousu")
    seen.page.wait_for_selector("text=怎么办")
    assert seen.overflow() == 0
    seen.shot("source-ill")

    seen.page.get_by_role("link", name="上次的坏页").click()
    seen.page.wait_for_selector("pre.raw")
    assert "taken" not in seen.page.title()
    assert seen.overflow() == 0
    seen.shot("source-bad-page")

    seen.page.get_by_role("link", name="拿它试规则").click()
    assert seen.page.locator("[name=where][value=bad]").is_checked()
    seen.page.get_by_role("button", name="试抓").click()
    seen.page.wait_for_selector("h1:has-text('预期未满足')")
    assert seen.overflow() == 0
    seen.shot("source-try-bad")

    seen.page.locator("summary:has-text('改规则试试')").click()
    rules = seen.page.locator("textarea[name=rules]")
    rules.fill(rules.input_value().replace("a.title", "a.t2"))
    seen.page.get_by_role("button", name="试抓").click()
    seen.page.wait_for_selector("text=没有变差")
    assert seen.page.locator(".tried-items > li").count() == 2
    assert seen.overflow() == 0
    seen.shot("source-try-mended")

    seen.page.goto(f"{world.url}/sources/jing-tousu/try")
    seen.page.get_by_role("button", name="试抓").click()
    seen.page.wait_for_selector("#result h1:has-text('正常')")
    assert seen_live.asked == [("jing-tousu", None)]
    assert seen.overflow() == 0
    seen.shot("source-try-live")
