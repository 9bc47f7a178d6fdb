import json
import socket
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import feedparser
import httpx
import pytest
from lxml import html

from config.errors import GroundswellError
from groundswell.demo.site import DemoSite
from groundswell.demo.story import Story, Variant
from tests.demo.clocks import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock(Variant().start_on(date(2026, 11, 20)))


@pytest.fixture
def site(clock: HandClock) -> Iterator[DemoSite]:
    with DemoSite(Story(clock.now()), clock, people={"demo-linxiao": "林晓"}) as site:
        yield site


def get(site: DemoSite, path: str, **headers: str) -> httpx.Response:
    return httpx.get(site.url + path, headers=headers, trust_env=False)


def post(site: DemoSite, key: str, body: object) -> dict[str, object]:
    url = f"{site.url}/cgi-bin/webhook/send?key={key}"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer: dict[str, object] = httpx.post(url, content=content, trust_env=False).json()
    return answer


def markdown(text: str) -> dict[str, object]:
    return {"msgtype": "markdown", "markdown": {"content": text}}


@pytest.mark.parametrize("path", ["/news/feed.xml", "/micro/feed.atom", "/reviews/feed.xml"])
def test_feeds_are_well_formed_and_every_entry_has_its_page(site: DemoSite, path: str) -> None:
    reply = get(site, path)
    feed = feedparser.parse(reply.content, response_headers=dict(reply.headers))
    assert not feed.bozo, feed.get("bozo_exception")
    assert 25 <= len(feed.entries) <= 40
    for entry in feed.entries:
        assert entry.title
        assert entry.published_parsed
        assert entry.author
        assert "content" in entry or entry.summary
    page = httpx.get(feed.entries[0].link, trust_env=False)
    assert page.status_code == 200
    assert html.fromstring(page.text).cssselect(".content")


def test_a_first_poll_sees_about_200_old_entries(site: DemoSite) -> None:
    feeds = sum(
        len(feedparser.parse(get(site, path).content).entries)
        for path in ("/news/feed.xml", "/micro/feed.atom", "/reviews/feed.xml")
    )
    complaints = sum(
        len(html.fromstring(get(site, f"/tousu/list?p={n}").text).cssselect("ul.complaints > li"))
        for n in (1, 2, 3)
    )
    threads = sum(
        len(html.fromstring(get(site, f"/bbs/forum.php?p={n}").text).cssselect("tr.thread"))
        for n in (1, 2)
    )
    assert 180 <= feeds + complaints + threads <= 220


def test_a_feed_answers_304_until_something_is_published(site: DemoSite, clock: HandClock) -> None:
    first = get(site, "/micro/feed.atom")
    etag = first.headers["etag"]
    assert get(site, "/micro/feed.atom", **{"If-None-Match": etag}).status_code == 304
    clock.advance(hours=3)
    assert get(site, "/micro/feed.atom", **{"If-None-Match": etag}).status_code == 200


def test_nothing_is_served_before_it_is_published(site: DemoSite, clock: HandClock) -> None:
    crisis = next(item for item in site.story.crisis if item.place == "tousu")
    assert get(site, f"/tousu/{crisis.number}").status_code == 404
    clock.at = crisis.published_at
    assert get(site, f"/tousu/{crisis.number}").status_code == 200
    newest = html.fromstring(get(site, "/tousu/list").text).cssselect("a.title")[0]
    assert newest.get("href") == f"/tousu/{crisis.number}"


def test_complaint_pages_carry_what_the_example_source_selects(site: DemoSite) -> None:
    listed = html.fromstring(get(site, "/tousu/list?p=2").text).cssselect("ul.complaints > li")[0]
    link = listed.cssselect("a.title")[0]
    assert listed.cssselect("span.time")[0].text
    page = html.fromstring(get(site, link.get("href")).text)
    assert page.cssselect("h1")[0].text == link.text
    assert page.cssselect(".content")[0].text
    assert page.cssselect(".author")[0].text
    assert page.cssselect("time")[0].get("datetime").endswith("+08:00")


def test_forum_pages_are_gbk_and_say_dates_the_chinese_way(site: DemoSite) -> None:
    reply = get(site, "/bbs/forum.php?p=1")
    assert reply.headers["content-type"] == "text/html; charset=gbk"
    text = reply.content.decode("gbk")
    rows = html.fromstring(text).cssselect("table.threads tr.thread")
    dates = [row.cssselect(".date")[0].text for row in rows]
    assert any(date.startswith("昨天 ") for date in dates)
    assert dates[-1].startswith("2026-11-")
    link = rows[0].cssselect("a.subject")[0]
    thread = html.fromstring(get(site, link.get("href")).content.decode("gbk"))
    assert thread.cssselect("h1.subject")[0].text == link.text
    assert thread.cssselect("div.post-body")[0].text
    assert thread.cssselect(".poster")[0].text
    assert thread.cssselect(".posted")[0].text == dates[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "１", "9" * 300])
def test_an_odd_page_number_is_no_server_error(site: DemoSite, page: str) -> None:
    assert get(site, f"/tousu/list?p={page}").status_code == 200


def test_robots_txt_and_favicon_exist(site: DemoSite) -> None:
    assert "User-agent" in get(site, "/robots.txt").text
    assert get(site, "/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert get(site, "/").status_code == 200


def test_a_message_is_taken_and_shown_in_the_inbox(site: DemoSite) -> None:
    assert post(site, "demo-linxiao", markdown("**橙色** 养生壶")) == {"errcode": 0, "errmsg": "ok"}
    [message] = site.receiver.messages("demo-linxiao")
    assert message.content == "**橙色** 养生壶"
    page = get(site, "/inbox").text
    assert "林晓" in page
    assert "<strong>橙色</strong> 养生壶" in page


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        ("", markdown("x"), 93000),
        ("a/b", markdown("x"), 93000),
        ("k", {"msgtype": "video"}, 40008),
        ("k", {"msgtype": "text"}, 44004),
        ("k", {"msgtype": "text", "text": {"content": ""}}, 44004),
        ("k", {"msgtype": "text", "text": {"content": "字" * 700}}, 45002),
        ("k", b"not json", 47001),
        ("k", [1], 47001),
    ],
)
def test_a_bad_message_is_refused_with_the_providers_code(
    site: DemoSite, key: str, body: object, code: int
) -> None:
    assert post(site, key, body)["errcode"] == code
    assert site.receiver.messages(key) == []


def test_the_21st_message_of_a_minute_is_refused(site: DemoSite, clock: HandClock) -> None:
    codes = [post(site, "k", markdown(f"第 {n} 条"))["errcode"] for n in range(21)]
    assert codes == [0] * 20 + [45009]
    clock.advance(seconds=61)
    assert post(site, "k", markdown("下一分钟"))["errcode"] == 0


def test_what_was_received_is_there_again_after_a_restart(clock: HandClock, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox.jsonl"
    for n in range(2):
        with DemoSite(Story(clock.now()), clock, inbox=inbox) as site:
            assert len(site.receiver.messages("k")) == n
            post(site, "k", markdown(f"第 {n} 条"))
            clock.advance(minutes=2)
    with inbox.open("a", encoding="utf-8") as kept:
        kept.write('{"key": "k", "cont')  # killed in the middle of a line
    with DemoSite(Story(clock.now()), clock, inbox=inbox) as site:
        assert [m.content for m in site.receiver.messages("k")] == ["第 0 条", "第 1 条"]
        assert [m.number for m in site.receiver.messages("k")] == [1, 2]


def test_a_message_cannot_put_markup_of_its_own_into_the_inbox(site: DemoSite) -> None:
    hostile = [
        "<script>alert(1)</script>",
        "[点](javascript:alert(1))",
        '[点](https://a.example/"onmouseover="alert(1))',
        '<font color="warning"><img src=x onerror=alert(1)></font>',
        "> <b onclick=alert(1)>引用</b>",
        "`<svg onload=alert(1)>` **<i>粗</i>**",
    ]
    for text in hostile:
        post(site, "demo-linxiao", markdown(text))
    chat = html.fromstring(get(site, "/inbox").text).cssselect(".bubble .text")
    assert len(chat) == len(hostile)
    for text in chat:
        for element in text.iter():
            assert element.tag in {"div", "p", "a", "span", "strong", "code", "blockquote"}
            assert not any(name.startswith("on") for name in element.attrib)
            assert element.get("href", "https://").startswith("https://")


def test_pages_allow_no_foreign_script(site: DemoSite) -> None:
    assert get(site, "/inbox").headers["content-security-policy"] == "default-src 'self'"


def test_a_taken_port_is_a_clear_error(clock: HandClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GroundswellError, match=f"demo site on 127.0.0.1:{port}"):
            DemoSite(Story(clock.now()), clock, port=port).start()


def test_it_serves_again_after_a_stop(clock: HandClock) -> None:
    site = DemoSite(Story(clock.now()), clock)
    for _ in range(2):
        with site:
            assert get(site, "/robots.txt").status_code == 200
    site.stop()


def test_a_crisis_item_carries_no_sign_of_being_one(site: DemoSite, clock: HandClock) -> None:
    clock.advance(hours=5)
    pages = [get(site, path).text for path in ("/news/feed.xml", "/micro/feed.atom", "/tousu/list")]
    assert not any("crisis" in page for page in pages)
    assert site.story.opens_at is not None
    assert clock.now() - site.story.opens_at > timedelta(hours=4)
