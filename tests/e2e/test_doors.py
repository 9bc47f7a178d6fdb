"""The other doors in a real browser: reporting from a shop, adding by hand, importing a table."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundswell.doors import make_key
from tests.console.test_imports import ROWS
from tests.console.world import PASSWORD, World, journey
from tests.e2e.conftest import Opens
from tests.groundswell.tables import write_xlsx

pytestmark = pytest.mark.e2e
SIZES = pytest.mark.parametrize("size", ["phone", "desk"])
TEXT = "顾客说昨晚烧水时养生壶底座冒烟，插座也黑了，要求退货"


def shop_link(world: World) -> str:
    now = datetime.now(UTC)
    key = make_key(
        world.store,
        "reporter",
        "徐汇旗舰店",
        by="admin",
        now=now,
        region="上海",
        channel="internal",
    )
    return f"{world.url}/r/{key}"


def test_a_shop_reports_with_a_photo_in_five_steps(
    world: World, visit: Opens, tmp_path: Path
) -> None:
    seen = visit(world.url, "phone")
    photo = tmp_path / "photo.png"
    seen.page.set_viewport_size({"width": 3000, "height": 2200})
    seen.page.goto(
        "data:text/html,<body style='background:repeating-linear-gradient(33deg,red,blue 7px)'>"
    )
    seen.page.screenshot(path=photo)  # a large real picture
    seen.page.set_viewport_size({"width": 360, "height": 740})
    began = time.monotonic()
    seen.page.goto(shop_link(world))  # 1: the code is scanned
    seen.shot("report")
    assert seen.overflow() == 0
    for chip in seen.page.locator(".chips label").all():
        box = chip.bounding_box()
        assert box is not None
        assert box["height"] >= 44  # what a thumb hits
    seen.page.get_by_role("radio", name="伤到人、起火冒烟").check()  # 2
    seen.page.select_option("[name=product]", index=1)  # 3
    seen.page.fill("[name=text]", TEXT)
    seen.page.set_input_files("[name=photo]", photo)  # 4
    seen.page.wait_for_selector("button.huge:not([disabled])")
    seen.shot("report-filled")
    seen.page.get_by_role("button", name="发送").click()  # 5
    seen.page.wait_for_selector("text=已收到")
    seen.shot("report-done")

    assert time.monotonic() - began < 60
    with world.store.read() as queries:
        [row] = queries.table_rows("mention")
        [(_, kind, size)] = queries.attachments(row["mention_pk"])
    assert seen.page.locator(".report-number").inner_text() == str(row["mention_pk"])
    assert (row["channel"], row["region"], row["author"]) == ("internal", "上海", "徐汇旗舰店")
    assert kind == "image/jpeg"  # made small on the phone
    assert size < photo.stat().st_size


@SIZES
@pytest.mark.parametrize("dark", [False, True])
def test_every_door_fits_its_window(
    world: World, visit: Opens, size: str, dark: bool, tmp_path: Path
) -> None:
    seen = visit(world.url, size, dark=dark)
    mark = "-dark" if dark else ""
    seen.page.goto(shop_link(world))
    assert seen.overflow() == 0
    seen.shot(f"report{mark}")
    seen.log_in("linxiao", PASSWORD)
    for name, path in {"add": "/add", "import": "/import", "reporters": "/reporters"}.items():
        seen.page.goto(world.url + path)
        assert seen.overflow() == 0, name
        assert seen.page.locator("h1").count() == 1, name
        seen.shot(f"{name}{mark}")
    seen.page.goto(f"{world.url}/reporters")
    seen.page.fill("[name=name]:not([type=hidden])", "静安店")
    seen.page.get_by_role("button", name="生成二维码").click()
    seen.page.wait_for_selector(".qr svg")
    assert seen.overflow() == 0
    seen.shot(f"reporter-made{mark}")
    seen.page.goto(f"{world.url}/import")
    seen.page.set_input_files("[name=file]", write_xlsx(tmp_path / "周报.xlsx", {"明细": ROWS}))
    seen.page.get_by_role("button", name="上传并查看各列").click()
    seen.page.wait_for_selector("text=每一列当作什么")
    assert seen.overflow() == 0
    seen.shot(f"import-columns{mark}")
    seen.page.get_by_role("button", name="开始导入").click()
    seen.page.wait_for_selector("text=导入完成")
    assert seen.overflow() == 0
    seen.shot(f"import-done{mark}")


def test_the_qr_code_on_the_poster_is_the_link(world: World, visit: Opens) -> None:
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/reporters")
    seen.page.fill("[name=name]:not([type=hidden])", "静安店")
    seen.page.get_by_role("button", name="生成二维码").click()
    link = seen.page.locator(".link-once code").inner_text()
    seen.page.emulate_media(media="print")
    assert seen.page.locator("header.top").is_hidden()
    assert seen.page.locator(".link-once").is_hidden()
    seen.shot("poster-print")
    seen.page.goto(link)
    seen.page.wait_for_selector("text=静安店")


@SIZES
def test_a_person_adds_what_they_read_and_sees_what_it_matched(
    world: World, visit: Opens, size: str
) -> None:
    seen = visit(world.url, size)
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/add")
    seen.page.fill("[name=text]", "群里说澜禾养生壶 K2 底座冒烟，好几个人都遇到了")
    seen.page.fill("[name=source]", "微信群")
    seen.page.get_by_text("只有我们").click()
    seen.page.get_by_role("button", name="保存").click()
    seen.page.wait_for_selector("text=正在判断")
    with world.store.transaction() as tx:
        journey(world.store).understand(tx, world.clock.now())
    seen.page.wait_for_selector("text=提到 澜禾")
    assert seen.overflow() == 0
    seen.shot("add-done")
    with world.store.read() as queries:
        [row] = queries.table_rows("mention")
    assert row["channel"] == "internal"


def test_the_bookmarklet_opens_the_form_filled_in_from_another_site(
    world: World, visit: Opens
) -> None:
    seen = visit(world.url, "desk")
    seen.log_in("linxiao", PASSWORD)
    seen.page.goto(f"{world.url}/add")
    code = seen.page.locator("a.drag").get_attribute("href")
    assert code is not None
    assert code.startswith("javascript:")
    # The same server under another name is another site: our cookie does not come along.
    other = world.url.replace("127.0.0.1", "localhost")
    seen.url = f"http://{urlsplit(world.url).hostname}"  # both names may be asked
    world_url, page = world.url, seen.page
    seen.said.clear()
    page.goto(f"{other}/login")
    page.evaluate(
        "document.title = '养生壶冒烟 - 某论坛'; getSelection().selectAllChildren(document.body)"
    )
    with page.context.expect_page() as opened:
        page.evaluate(re.sub(r"^javascript:", "", code))
    form = opened.value
    form.wait_for_selector("[name=text]")

    assert form.url.startswith(f"{world_url}/add")
    assert form.input_value("[name=title]") == "养生壶冒烟 - 某论坛"
    assert form.input_value("[name=url]") == f"{other}/login"
    assert "用户名" in form.input_value("[name=text]")
    with world.store.read() as queries:
        assert queries.table_rows("mention") == []
    seen.said[:] = [line for line in seen.said if "localhost" not in line]


def test_the_whole_report_works_without_scripts(world: World, visit: Opens) -> None:
    seen = visit(world.url, "phone")
    browser = seen.page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(shop_link(world))
    page.get_by_role("radio", name="坏了、质量不行").check()
    page.select_option("[name=product]", index=1)
    page.fill("[name=text]", TEXT)
    page.get_by_role("button", name="发送").click()
    page.wait_for_selector("text=已收到")
    context.close()
