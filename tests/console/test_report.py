"""A shop's report: from the QR code to the incident, and what strangers may not do with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from groundswell.console.pages.report import masked_contact
from groundswell.doors import make_key, revoke_key
from groundswell.doors_photos import PHOTO_LIMIT, checked_photo
from tests.console.pictures import jpeg, png, webp
from tests.console.world import World, csrf_of


def link_for(world: World, name: str = "徐汇旗舰店", region: str = "上海") -> str:
    key = make_key(
        world.store,
        "reporter",
        name,
        by="admin",
        now=datetime.now(UTC),
        region=region,
        channel="internal",
    )
    return f"/r/{key}"


def form_of(client: httpx.Client, link: str, **changes: str) -> dict[str, str]:
    page = client.get(link)
    assert page.status_code == 200, page.text
    once = re.search(r'name="once" value="([0-9a-f]{32})"', page.text)
    assert once
    return {
        "once": once[1],
        "issue": "hurt",
        "product": "lanhe/yangshenghu-k2",
        "text": "顾客说昨晚烧水时养生壶底座冒烟，插座也黑了，要求退货并赔偿",
        "contact": "13812345678",
        **changes,
    }


def send(client: httpx.Client, link: str, form: dict[str, str], *photos: bytes) -> httpx.Response:
    files: list[Any] = [
        ("photo", (f"p{n}.jpg", body, "image/jpeg")) for n, body in enumerate(photos)
    ]
    return client.post(link, data=form, files=files or [("photo", ("", b"", "image/jpeg"))])


def stored(world: World, name: str = "mention") -> list[dict[str, Any]]:
    with world.store.read() as queries:
        return queries.table_rows(name)


def test_a_report_becomes_an_internal_mention_with_a_number(world: World) -> None:
    client, link = world.client(), link_for(world)
    reply = send(client, link, form_of(client, link), jpeg(), png(b"where"), webp())

    assert reply.status_code == 200
    [row] = stored(world)
    assert f'class="report-number">{row["mention_pk"]}<' in reply.text
    assert (row["channel"], row["platform"], row["region"]) == ("internal", "门店上报", "上海")
    assert (row["author"], row["parent_url"], row["url"]) == ("徐汇旗舰店", "", "")
    assert row["title"].startswith("澜禾")
    assert row["title"].endswith("：伤到人、起火冒烟")
    assert "13812345678" not in str(row)
    assert "尾号5678" in row["text"]
    assert row["history"] is False
    pictures = stored(world, "attachment")
    assert [one["media_type"] for one in pictures] == ["image/jpeg", "image/png", "image/webp"]
    assert not any(b"31.2304N" in one["body"] or b"where" in one["body"] for one in pictures)
    [line] = [row for row in stored(world, "audit") if row["action"] == "mention_added"]
    assert (line["actor"], line["detail"]) == ("reporter:徐汇旗舰店", "kept photos=3")


def test_a_second_press_of_the_button_is_the_same_report(world: World) -> None:
    client, link = world.client(), link_for(world)
    form = form_of(client, link)
    numbers = {
        re.search(r'report-number">(\d+)', send(client, link, form).text)[1] for _ in range(3)
    }  # type: ignore[index]

    assert len(numbers) == 1
    assert len(stored(world)) == 1


BAD_REPORTS: list[tuple[dict[str, str], list[bytes], str]] = [
    ({"issue": ""}, [], "先点一下"),
    ({"issue": "../x"}, [], "先点一下"),
    ({"text": "  "}, [], "写一句"),
    ({"text": "长" * 2001}, [], "最多写 2000 字"),
    ({"product": "hemu/"}, [], "选择是哪个产品"),
    ({}, [b"GIF89a"], "只收 JPG"),
    ({}, [b"<svg onload=alert(1)>"], "只收 JPG"),
    ({}, [jpeg()[:60]], "不完整"),
    ({}, [jpeg(size=PHOTO_LIMIT + 400)], "最大 5 MB"),
    ({}, [png()] * 4, "最多 3 张"),
    ({}, [png()] * 6, "最多 3 张"),
]


def test_what_is_missing_is_asked_for_and_what_was_written_stays(world: World) -> None:
    client = world.client()
    links = [link_for(world, name) for name in ("徐汇店", "静安店")]  # one may send 10 times
    for n, (changes, photos, said) in enumerate(BAD_REPORTS):
        link = links[n % 2]
        reply = send(client, link, form_of(client, link, **changes), *photos)

        assert reply.status_code == 400, said
        assert said in reply.text
        if "text" not in changes and len(photos) < 5:
            assert "插座也黑了" in reply.text
    assert stored(world) == []


def test_what_strangers_write_is_text_and_never_markup(world: World) -> None:
    client, link = world.client(), link_for(world)
    evil = '"><script>alert(1)</script>\x00</textarea>顾客说坏了'
    reply = send(client, link, form_of(client, link, text=evil, issue=""))
    assert "<script>alert" not in reply.text
    assert send(client, link, form_of(client, link, text=evil)).status_code == 200
    [row] = stored(world)
    reader = world.client("linxiao")
    page = reader.get(f"/mentions/{row['mention_pk']}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_a_dead_link_is_said_to_be_dead(world: World) -> None:
    client, link = world.client(), link_for(world)
    form = form_of(client, link)
    revoke_key(world.store, "reporter", "徐汇旗舰店", by="admin", now=datetime.now(UTC))
    for path in (link, "/r/nothing", f"/r/{'x' * 100}"):
        assert client.get(path).status_code == 410
        assert send(client, path, form).status_code == 410
    assert stored(world) == []


def test_a_push_key_is_no_link(world: World) -> None:
    key = make_key(world.store, "push", "系统", by="admin", now=datetime.now(UTC))
    assert world.client().get(f"/r/{key}").status_code == 410


def test_a_link_that_sends_too_often_has_to_wait(world: World) -> None:
    client, link = world.client(), link_for(world)
    form = form_of(client, link)
    codes = [send(client, link, form | {"once": f"{n:032x}"}).status_code for n in range(12)]

    assert codes[:10] == [200] * 10
    assert codes[-1] == 429
    late = send(client, link, form)
    assert int(late.headers["retry-after"]) > 0


def test_a_form_on_another_site_cannot_send(world: World) -> None:
    client, link = world.client(), link_for(world)
    form = form_of(client, link)
    reply = client.post(link, data=form, headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert client.post(link, content=b"x" * (17 * 1024 * 1024)).status_code == 413


def test_pictures_are_for_people_who_are_logged_in_and_never_run(world: World) -> None:
    client, link = world.client(), link_for(world)
    send(client, link, form_of(client, link), jpeg())
    [row] = stored(world)
    path = f"/mentions/{row['mention_pk']}/photos/1"
    assert client.get(path).status_code == 303
    reader = world.client("boss")
    reply = reader.get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.content.startswith(b"\xff\xd8")
    assert path in reader.get(f"/mentions/{row['mention_pk']}").text
    assert reader.get(path.replace("/1", "/2")).status_code == 404
    assert reader.get("/mentions/999999999999999999999/photos/1").status_code == 404


def test_links_are_made_renewed_and_ended_in_the_console(world: World) -> None:
    client = world.client("linxiao")
    csrf = csrf_of(client.get("/reporters").text)
    made = client.post("/reporters", data={"csrf": csrf, "name": "静安店", "region": "上海"})
    assert made.status_code == 200
    assert "<svg" in made.text
    assert made.headers["cache-control"] == "no-store"
    found = re.search(r"<code>(http[^<]+)</code>", made.text)
    assert found
    first = found[1]
    assert world.client().get(first).status_code == 200
    assert client.post("/reporters", data={"csrf": csrf, "name": "静安店"}).status_code == 400
    assert first.rpartition("/")[2] not in client.get("/reporters").text
    again = client.post("/reporters", data={"csrf": csrf, "name": "静安店", "renew": "1"})
    assert again.status_code == 200
    assert world.client().get(first).status_code == 410
    assert (
        client.post("/reporters/revoke", data={"csrf": csrf, "name": "静安店"}).status_code == 303
    )
    assert "已停用" in client.get("/reporters").text


def test_only_those_who_look_after_shops_make_links(world: World) -> None:
    world.add_user("pr", "pr")
    assert world.client("pr").get("/reporters").status_code == 403
    assert world.client("boss").get("/reporters").status_code == 403
    names = ["", "  ", "x" * 61, "a\u202eb"]
    client = world.client("linxiao")
    csrf = csrf_of(client.get("/reporters").text)
    for name in names:
        assert client.post("/reporters", data={"csrf": csrf, "name": name}).status_code == 400


def test_half_a_character_in_a_form_is_no_crash(world: World) -> None:
    link = link_for(world)
    client = world.client()
    fields = {"issue": "nothing", "text": "+2AA-"}  # utf-7 for a lone surrogate
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x; charset=utf-7"}
    reply = client.post(link, content=f"{parts}--x--\r\n".encode(), headers=headers)
    assert reply.status_code == 400
    assert "请先点一下" in reply.text


def test_a_contact_is_kept_by_its_end_only() -> None:
    assert masked_contact("138 1234 5678") == "尾号5678"
    assert masked_contact("wx_li") == "尾号i"
    assert masked_contact("  ") == ""


def test_a_picture_keeps_which_way_is_up_and_nothing_else_of_exif() -> None:
    bare = checked_photo(jpeg(orientation=6)).body
    assert b"Exif\0\0MM\0*" in bare
    assert b"31.2304N" not in bare
    assert b"Exif" not in checked_photo(jpeg(orientation=1)).body
    assert checked_photo(jpeg() + b"<script>").body.endswith(b"\xff\xd9")
    twice = checked_photo(bare)
    assert twice.body == bare


def test_what_phones_put_behind_a_picture_goes_with_its_place() -> None:
    film = b"\0\0\0\x18ftypmp42" + b"+31.2304+121.4737/" + b"\xff\xd9" + b"x" * 50 + b"\xff\xd9"
    listed = b"\xff\xe2\x00\x08MPF\0II"
    whole = jpeg(orientation=1)
    second = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x01\xff\x00\xff\xd3\x02"
    said = b"\xff\xfe\x00\x0a31.2304N"
    progressive = whole[:2] + listed + whole[2:-2] + said + second + b"\xff\xd9"
    for one in (whole, progressive):
        bare = checked_photo(one + film + one).body
        assert b"31.2304" not in bare
        assert b"MPF" not in bare
        assert bare.count(b"\xff\xd9") == 1
        assert checked_photo(bare).body == bare
    assert checked_photo(progressive).body.endswith(second + b"\xff\xd9")
    private = png().replace(b"\0\0\0\0IEND", b"\0\0\0\x08caBX31.2304Ncrc!\0\0\0\0IEND")
    assert checked_photo(private).body == png()


@pytest.mark.parametrize(
    "bomb",
    [
        jpeg().replace(
            b"\xff\xda", b"\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\0\xff\xda", 1
        ),
        png().replace(b"\0\0\0\x01" * 2, b"\0\0\xea\x60" * 2, 1),
        webp().replace(b"\x0a\0\0\0\x08" + b"\0" * 9, b"\x0a\0\0\0\x08\0\0\0" + b"\xff\x3f\0" * 2),
        webp().replace(b"\x2f\0\0\0\0", b"\x2f\xff\xff\xff\x0f"),
    ],
    ids=["jpeg", "png", "webp", "lossless"],
)
def test_a_picture_that_unpacks_to_gigabytes_is_refused(bomb: bytes) -> None:
    with pytest.raises(ValueError, match="百万像素"):
        checked_photo(bomb)


@pytest.mark.parametrize("whole", [jpeg(), png(b"x"), webp()])
def test_half_a_picture_is_refused_wherever_it_was_cut(whole: bytes) -> None:
    for end in range(12, len(whole) - 1):
        with pytest.raises(ValueError, match="照片"):
            checked_photo(whole[:end])


def test_a_token_that_has_run_out_is_dead(world: World) -> None:
    key = make_key(
        world.store,
        "reporter",
        "临时店",
        by="a",
        now=datetime.now(UTC),
        lasts=timedelta(seconds=-1),
    )
    assert world.client().get(f"/r/{key}").status_code == 410
