from datetime import timedelta

from storage.records import RawMention, SourceId
from tests.console.world import World, add_sources


def test_the_page_needs_a_login(world: World):
    answer = world.client().get("/coverage")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_the_page_names_every_platform_and_what_to_do(world: World):
    add_sources(world)
    page = world.client("boss").get("/coverage").text

    for name in ("微博", "热搜", "小红书", "视频号", "12315", "应用商店", "汽车之家"):
        assert f">{name}</h3>" in page
    assert "没有看到" in page
    assert "groundswell source add rsshub-weibo-keyword" in page
    assert 'href="/sources/jiefang-micro"' in page
    assert "页面要求登录后查看" in page
    assert 'aria-current="page">覆盖' in page


def test_names_that_came_from_outside_are_escaped(world: World):
    now = world.clock.now()
    raw = RawMention(
        source_id=SourceId("push:<b>商</b>"),
        platform="<script>alert(1)</script>",
        native_id="1",
        text="壶盖裂了。",
        observed_at=now,
        published_at=now - timedelta(hours=1),
    )
    with world.store.transaction() as tx:
        tx.keep([raw], now)
    page = world.client("boss").get("/coverage").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>商" not in page
