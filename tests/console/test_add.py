"""Adding a mention by hand: what is kept, what is asked for again, and what a link may not do."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.console.pictures import png
from tests.console.world import World, csrf_of, journey

TEXT = "群里说澜禾养生壶 K2 底座冒烟，客服让自己寄回去，好几个人都遇到了"


def send(client: httpx.Client, *photos: bytes, **changes: str) -> httpx.Response:
    page = client.get("/add")
    once = re.search(r'name="once" value="([0-9a-f]+)"', page.text)
    assert once
    form = {
        "csrf": csrf_of(page.text),
        "once": once[1],
        "text": TEXT,
        "source": "微信群",
        "published_at": "2026-11-20T11:30",
        "channel": "internal",
        **changes,
    }
    files: list[Any] = [("photo", ("p.png", body, "image/png")) for body in photos]
    return client.post("/add", data=form, files=files or [("photo", ("", b"", "image/png"))])


def stored(world: World) -> list[dict[str, Any]]:
    with world.store.read() as queries:
        return queries.table_rows("mention")


def test_what_a_person_saw_is_kept_and_then_shown_as_it_was_understood(world: World) -> None:
    client = world.client("linxiao")
    reply = send(client, png(), author="阿青", region="上海", title="底座冒烟")

    assert reply.status_code == 303
    [row] = stored(world)
    assert reply.headers["location"] == f"/add?done={row['mention_pk']}"
    assert (row["platform"], row["channel"], row["author"]) == ("微信群", "internal", "阿青")
    assert row["source_id"] == "by hand:linxiao"
    assert row["published_at"].isoformat() == "2026-11-20T03:30:00+00:00"
    waiting = client.get(reply.headers["location"])
    assert "正在判断" in waiting.text
    with world.store.transaction() as tx:
        journey(world.store).understand(tx, world.clock.now())
    judged = client.get(reply.headers["location"], headers={"HX-Request": "true"})
    assert "提到 <strong>澜禾</strong>" in judged.text
    assert "<html" not in judged.text
    page = client.get(f"/mentions/{row['mention_pk']}").text
    assert f"/mentions/{row['mention_pk']}/photos/1" in page
    assert "手工添加：林晓" in page
    assert "by hand" not in page


def test_what_is_wrong_is_named_at_its_field_and_the_input_stays(world: World) -> None:
    client = world.client("linxiao")
    for changes, said in (
        ({"text": " "}, "请写正文"),
        ({"url": "javascript:alert(1)"}, "链接要以"),
        ({"published_at": "某天"}, "时间读不出来"),
        ({"published_at": "2027-01-01T00:00"}, "时间读不出来"),
        ({"source": "长" * 101}, "最多 100 字"),
        ({"channel": "everyone"}, "请选择渠道"),
    ):
        reply = send(client, **{"author": "要留下的作者", **changes})
        assert reply.status_code == 400, changes
        assert said in reply.text, changes
        assert "要留下的作者" in reply.text
        assert 'aria-invalid="true"' in reply.text or "channel" in changes
    too_many = send(client, *[png()] * 4)
    assert "照片最多 3 张" in too_many.text
    assert TEXT[:10] in too_many.text
    assert "只收 JPG" in send(client, b"GIF89a").text
    assert stored(world) == []


def test_a_second_press_and_a_known_address_make_no_second_mention(world: World) -> None:
    client = world.client("linxiao")
    url = "https://bbs.example/t/9"
    first = send(client, url=url)
    again = send(client, url=url + "?spm=a.b")

    assert again.headers["location"] == first.headers["location"] + "&known=1"
    assert "没有重复保存" in client.get(again.headers["location"]).text
    assert len(stored(world)) == 1


def test_two_posts_of_one_page_are_two_mentions(world: World) -> None:
    client = world.client("linxiao")
    url = "https://bbs.example/t/9"
    send(client, url=url)
    second = "楼上的一样，我买的澜禾养生壶也漏水，退货还要自己出运费"
    send(client, url=url, text=second)
    send(client, url=url, text=second)

    rows = stored(world)
    assert len(rows) == 2
    assert rows[1]["parent_url"] == "https://bbs.example/t/9"
    assert rows[0]["revision"] == 0


def test_the_address_fills_the_form_in_and_stores_nothing(world: World) -> None:
    client = world.client("linxiao")
    evil = '"><script>alert(1)</script>'
    query = {"url": "https://x.example/1", "title": evil, "text": evil + TEXT, "channel": evil}
    page = client.get("/add", params=query)

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "https://x.example/1" in page.text
    assert TEXT in page.text
    assert stored(world) == []
    assert "getSelection" in page.text
    assert client.get("/add", params={"done": "x"}).status_code == 404
    assert client.get("/add", params={"done": "9" * 30}).status_code == 404


def test_the_form_needs_its_token_and_a_right_to_act(world: World) -> None:
    client = world.client("linxiao")
    assert client.post("/add", data={"text": TEXT}).status_code == 403
    boss = world.client("boss")
    assert "只读账号不能录入" in boss.get("/add").text
    assert boss.post("/add", data={"text": TEXT}).status_code == 403
    assert world.client().post("/add", data={"text": TEXT}).status_code == 401
    assert stored(world) == []
