import pytest

from tests.console.week import bring_week
from tests.console.world import PASSWORD, World
from tests.e2e.conftest import Opens

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("size", "dark"), [("phone", True), ("desk", False)])
def test_the_week_fits_its_window_and_leads_to_what_was_said(
    world: World, visit: Opens, size: str, dark: bool
) -> None:
    bring_week(world.store, world.clock.now())
    seen = visit(world.url, size, dark=dark)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/topics")

    assert seen.overflow() == 0
    first = seen.page.locator(".topic").first
    assert "净水器接口处漏水" in first.inner_text()
    first.locator("summary").click()
    assert first.locator(".topic-clusters a").count() == 2
    assert seen.overflow() == 0
    seen.shot(f"topics{'-dark' if dark else ''}")
    seen.page.get_by_text("前一周").first.click()
    seen.page.wait_for_url("**/topics?day=*")
    assert seen.page.locator("h1").count() == 1
