import pytest

from tests.console.test_brands import fill
from tests.console.world import PASSWORD, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_a_rule_is_tried_in_the_browser(world: World, visit: Opens, size: str) -> None:
    fill(world)
    seen = visit(world.url, size)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/brands")
    assert seen.overflow() == 0
    seen.shot("brands")

    seen.page.locator('main a[href="/brands/lanhe"]').click()
    seen.page.wait_for_selector("text=出现了但不算")
    assert seen.overflow() == 0
    seen.shot("brand")

    rule = seen.page.locator("textarea[name=rule]")
    rule.fill(rule.input_value().replace("- 蓝禾农场\n", ""))
    seen.page.get_by_role("button", name="预览").click()
    seen.page.wait_for_selector("#tried h3:has-text('新命中 1 条')")
    assert seen.overflow() == 0
    seen.shot("brand-tried")
