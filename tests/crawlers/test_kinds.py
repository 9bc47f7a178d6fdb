"""Each kind of source through the shipped collector, against a real server."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import pytest

from config.keywords import expanded
from config.load import load_source
from config.schema import Brand
from crawlers.readers import read_link
from storage.records import DetailLink, FetchCause, SourceHealth, SourceId
from tests.crawlers.conftest import NOW, make_source
from tests.site.pages import Item, detail_page, list_page, rss
from tests.site.server import Reply

JSON = {"Content-Type": "application/json"}
LANHE = Brand.model_validate(
    {
        "id": "lanhe",
        "name": "澜禾",
        "aliases": ["LANHE"],
        "products": [{"id": "k2", "name": "澜禾K2电饭煲", "aliases": ["澜禾 K2"]}],
    }
)


def posts(*numbers):
    return [
        {
            "id": 1000 + number,
            "title": f"澜禾电饭煲第{number}次跳闸",
            "html": f"<p>用了{number}天就跳闸&nbsp;了</p><p>客服说等通知</p>",
            "user": {"nick": f"用户{number}"},
            "created": int((NOW - timedelta(hours=number)).timestamp() * 1000),
            "stats": {"likes": 12000 + number},
        }
        for number in numbers
    ]


def api(site, path, **given):
    rules = {
        "kind": "json_api",
        "start": site.url + path,
        "platform": "投诉网",
        "list": {
            "item": "jmes:data.list",
            "fields": {
                "native_id": "jmes:id",
                "url": "jmes:join('', ['/post/', to_string(id)])",
                "title": "jmes:title",
                "text": "jmes:html",
                "author": "jmes:user.nick",
                "published": "jmes:created",
                "likes": "jmes:stats.likes",
            },
        },
    }
    return make_source(**{**rules, **given})


def answer(*numbers, **more):
    return json.dumps({"code": 0, "data": {"list": posts(*numbers), **more}}, ensure_ascii=False)


def test_items_of_an_api_become_mentions(collect, site, frontier):
    site.set("/api", answer(1, 2), JSON)

    collect(api(site, "/api"))

    first = frontier.mentions["1001"]
    assert len(frontier.kept) == 2
    assert (first.title, first.text) == ("澜禾电饭煲第1次跳闸", "用了1天就跳闸 了\n客服说等通知")
    assert (first.author, first.likes, first.platform) == ("用户1", 12001, "投诉网")
    assert first.published_at == NOW - timedelta(hours=1)
    assert first.url == f"{site.url}/post/1001"


def test_api_is_followed_by_page_until_it_is_empty(collect, site, frontier):
    for page, numbers in enumerate([(1, 2), (3, 4), ()], start=1):
        site.set(f"/api?p={page}&size=2", answer(*numbers), JSON)

    collect(api(site, "/api?p={page}&size=2", pages={"max": 9}))

    assert len(frontier.kept) == 4
    assert [hit.path for hit in site.hits[1:]] == [f"/api?p={n}&size=2" for n in (1, 2, 3)]
    assert frontier.states["one"].health is SourceHealth.OK


def test_api_is_followed_by_offset(collect, site, frontier):
    for offset in (0, 20):
        site.set(f"/api?from={offset}", answer(offset + 1, offset + 2), JSON)
    site.set("/api?from=40", answer(), JSON)

    collect(api(site, "/api?from={offset}", pages={"max": 9, "step": 20}))

    assert sorted(frontier.mentions) == ["1001", "1002", "1021", "1022"]


def test_api_is_followed_by_cursor_until_it_repeats(collect, site, frontier):
    site.set("/api?after=", answer(1, 2, next="a/b+c="), JSON)
    site.set("/api?after=a%2Fb%2Bc%3D", answer(3, 4, next="zz"), JSON)
    site.set("/api?after=zz", answer(5, next="zz"), JSON)

    collect(api(site, "/api?after={cursor}", pages={"max": 9, "next": "jmes:data.next"}))

    assert len(frontier.kept) == 5
    assert len(site.hits) == 4  # robots.txt and three pages, none twice


def test_api_may_name_the_address_of_its_next_page(collect, site, frontier):
    site.set("/api", answer(1, next="/api/2"), JSON)
    site.set("/api/2", answer(2, next=None), JSON)

    collect(api(site, "/api", pages={"max": 9, "next": "jmes:data.next"}))

    assert len(frontier.kept) == 2


def test_details_of_an_api_may_be_json_too(collect, site, frontier):
    site.set("/api", answer(1, 2), JSON)
    for number in (1, 2):
        body = {"data": {"body": f"<p>第{number}次跳闸的经过</p>", "reads": "1.2万"}}
        site.set(f"/api/post/{1000 + number}", json.dumps(body), JSON)
    source = api(
        site,
        "/api",
        list={
            "item": "jmes:data.list",
            "fields": {
                "url": f"jmes:join('', ['{site.url}/api/post/', to_string(id)])",
                "title": "jmes:title",
                "published": "jmes:created",
            },
        },
        detail={"fields": {"text": "jmes:data.body", "views": "jmes:data.reads"}},
    )

    collect(source)

    first = frontier.mentions[f"{site.url}/api/post/1001"]
    assert (first.title, first.text, first.views) == (
        "澜禾电饭煲第1次跳闸",
        "第1次跳闸的经过",
        12000,
    )
    assert first.published_at == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        ("", FetchCause.EMPTY, "空内容"),
        ("<html><body>系统维护</body></html>", FetchCause.UNREADABLE, "返回的是网页"),
        ("<html><body>请先登录</body></html>", FetchCause.LOGIN, "登录"),
        ("{'a': 1}", FetchCause.UNREADABLE, "JSON 格式有误"),
        ('{"data": NaN}', FetchCause.UNREADABLE, "NaN"),
        ('{"data": 1e999}', FetchCause.UNREADABLE, "超出范围"),
        ('{"data": {"list": [], "list": [1]}}', FetchCause.UNREADABLE, "出现两次"),
        ("[" * 100_000, FetchCause.UNREADABLE, "嵌套"),
        ("[" * 300 + "]" * 300, FetchCause.UNREADABLE, "嵌套"),
        ('{"data": ' + "9" * 5000 + "}", FetchCause.UNREADABLE, "JSON 格式有误"),
        ('{"data": {"list": []}}', FetchCause.EMPTY, "没有任何条目"),
        ('{"data": {"items": []}}', FetchCause.LAYOUT, "可能已改版"),
        ('{"data": {"list": "none"}}', FetchCause.LAYOUT, "字段 title"),
        ('{"error": "token expired"}', FetchCause.LAYOUT, "可能已改版"),
    ],
)
def test_answer_that_is_none_is_named(collect, site, frontier, body, cause, said):
    site.set("/api", body, JSON)

    collect(api(site, "/api"))

    event = frontier.events[-1]
    assert (event.outcome, said in event.text) == (cause.value, True), event.text
    assert frontier.kept == []


def test_a_word_of_every_brand_is_searched_for_in_the_sites_charset(collect, site, frontier):
    asked = []

    def search(hit):
        words = parse_qs(urlsplit(hit.path).query, encoding="gbk")["q"]
        asked.append(words[0])
        items = [Item(path=f"/p/{len(asked)}", title=f"{words[0]}跳闸", text="还没修好")]
        return Reply(body=list_page(items, encoding="gbk"), headers={"Content-Type": "text/html"})

    site.answer("/s", search)
    for number in (1, 2, 3, 4):
        site.set(f"/p/{number}", detail_page(Item(path="", title="跳闸", text=f"第{number}家")))
    source = make_source(
        kind="search",
        start=site.url + "/s?q={keyword}",
        keywords={"charset": "gbk", "max": 3},
        list={
            "item": "css:ul.list > li",
            "fields": {"url": "css:a::attr(href)", "title": "css:a::text"},
        },
        detail={"fields": {"text": "css:.content"}},
    )

    collect(expanded(source, [LANHE]))

    assert asked == ["澜禾", "LANHE", "澜禾K2电饭煲"]
    assert site.hits[1].path == "/s?q=%C0%BD%BA%CC"
    assert unquote_to_bytes("%C0%BD%BA%CC").decode("gbk") == "澜禾"
    assert len(frontier.kept) == 3


def test_search_reads_a_feed_where_nothing_says_how_to_read_a_list(collect, site, frontier):
    items = [Item(path="/n/1", title="澜禾回应召回", text="称正在核实", published=NOW)]
    site.set("/feed?q=%E6%BE%9C%E7%A6%BE", rss(site.url, items))
    site.set("/feed?q=LANHE", rss(site.url, []))
    source = make_source(kind="search", start=site.url + "/feed?q={keyword}", keywords={"max": 2})

    collect(expanded(source, [LANHE]))

    # a word that nothing is found for is no failure
    assert [raw.title for raw in frontier.kept] == ["澜禾回应召回"]
    assert frontier.states["one"].health is SourceHealth.OK


def test_items_that_name_no_brand_are_left_out_and_counted(collect, site, frontier):
    items = [
        Item(path="/n/1", title="ＬＡＮＨＥ电饭煲召回", text="市场监管总局通告", published=NOW),
        Item(path="/n/2", title="天气预报", text="明天有雨", published=NOW),
        Item(path="/n/3", title="小家電瑕疵", text="瀾禾電子鍋跳電", published=NOW),
    ]
    site.set("/feed.xml", rss(site.url, items))
    source = make_source(
        kind="feed", start=site.url + "/feed.xml", keywords={"mode": "filter"}, lang="auto"
    )

    collect(expanded(source, [LANHE]))

    assert {raw.title for raw in frontier.kept} == {"ＬＡＮＨＥ电饭煲召回", "小家電瑕疵"}
    assert frontier.polls[-1].event.items == 3


def test_comments_below_an_article_are_mentions_of_their_own(collect, site, frontier):
    article = Item(path="/a/1", title="电饭煲使用体验", text="澜禾K2用了一周", author="小满")
    comments = [
        ("c1", "阿成", "我的跳闸了，别买"),
        ("c2", "小米", "还行"),
        ("c3", "", ""),
    ]
    below = "".join(
        f'<li class="comment" data-id="{name}"><b>{who}</b><p>{said}</p><i>3分钟前</i></li>'
        for name, who, said in comments
    )
    site.set("/list", list_page([article]))
    site.set("/a/1", detail_page(article).replace(b"</body>", f"<ul>{below}</ul></body>".encode()))
    source = make_source(
        kind="list_detail",
        start=site.url + "/list",
        list={"item": "css:ul.list > li", "fields": {"url": "css:a::attr(href)"}},
        detail={
            "fields": {"title": "css:h1::text", "text": "css:.content"},
            "comments": {
                "item": "css:li.comment",
                "fields": {
                    "native_id": "css:::attr(data-id)",
                    "author": "css:b::text",
                    "text": "css:p",
                    "published": "css:i::text",
                },
            },
        },
    )

    collect(source)

    first, *replies = frontier.kept
    assert (first.title, first.parent_url) == ("电饭煲使用体验", "")
    assert [(raw.author, raw.text) for raw in replies] == [
        ("阿成", "我的跳闸了，别买"),
        ("小米", "还行"),
    ]
    assert {raw.parent_url for raw in replies} == {f"{site.url}/a/1"}
    assert replies[0].native_id == f"{site.url}/a/1#c1"
    assert replies[0].published_at == NOW - timedelta(minutes=3)


def test_known_comment_is_read_again_without_the_article_above_it():
    source = make_source(
        kind="list_detail",
        start="https://a.example.cn/list",
        list={"item": "css:li", "fields": {"url": "css:a::attr(href)"}},
        detail={
            "fields": {"title": "css:h1::text", "text": "css:.content"},
            "comments": {
                "item": "css:li.comment",
                "fields": {"native_id": "css:::attr(id)", "text": "css:p", "likes": "css:em"},
            },
        },
    )
    article = detail_page(Item(path="", title="电饭煲使用体验", text="澜禾K2用了一周"))
    below = '<li class="comment" id="c1"><p>跳闸</p><em>31</em></li>'.encode()
    link = DetailLink(
        url_hash="figures",
        source_id=SourceId("one"),
        url="https://a.example.cn/a/1",
        listed={"native_id": "https://a.example.cn/a/1#c1", "author": "阿成"},
        kind="figures",
    )

    parsed = read_link(article.replace(b"</body>", below), link.url, "", source, link, now=NOW)

    assert [(raw.native_id, raw.text, raw.likes) for raw in parsed.raws] == [
        ("https://a.example.cn/a/1#c1", "跳闸", 31)
    ]


def test_lines_of_a_hot_search_list_are_no_mentions(collect, site, frontier):
    words = [{"word": "澜禾召回", "heat": "312万", "pos": 4}, {"word": "降温", "heat": 90}]
    site.set("/hot", json.dumps({"data": words}), JSON)
    source = make_source(
        kind="json_api",
        role="hot_search",
        platform="微博",
        start=site.url + "/hot",
        list={
            "item": "jmes:data",
            "fields": {"title": "jmes:word", "heat": "jmes:heat", "rank": "jmes:pos"},
        },
        expect={"required": ["title"]},
    )

    collect(source)

    lines = [(line.title, line.rank, line.heat) for line in frontier.polls[-1].hot]
    assert lines == [("澜禾召回", 4, 3120000.0), ("降温", 2, 90.0)]
    assert frontier.kept == []
    assert frontier.states["one"].health is SourceHealth.OK


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ("<ttl>90</ttl>", 5400),
        ("<ttl>soon</ttl>", 0),
        ("<ttl>99999</ttl>", 86400),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 3600),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            21600,
        ),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 0),
        ("<skipHours><hour>3</hour></skipHours>", 0),
    ],
)
def test_feed_says_how_often_it_wants_to_be_asked(collect, site, frontier, head, seconds):
    space = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    body = rss(site.url, [Item(path="/1", title="标题", text="正文", published=NOW)]).decode()
    body = body.replace("<rss ", f"<rss {space} ").replace("<title>", f"{head}<title>", 1)
    site.set("/feed.xml", body)

    collect(make_source(kind="feed", start=site.url + "/feed.xml"))

    assert frontier.polls[-1].hint_s == seconds


def test_entry_without_a_link_is_known_by_its_guid_on_any_host(collect, site, frontier):
    def serve(path, guid):
        site.set(
            path,
            "<rss version='2.0'><channel><title>x</title><item><title>公告</title>"
            f"<guid isPermaLink='false'>{guid}</guid><description>正文</description></item>"
            "</channel></rss>",
        )

    serve("/feed.xml", "tag:bbs.example.cn,2026:77")
    source = make_source(kind="feed", start=site.url + "/feed.xml")
    collect(source)

    assert list(frontier.mentions) == ["one/tag:bbs.example.cn,2026:77"]


def test_entry_without_link_and_guid_is_known_by_title_and_day(collect, site, frontier, clock):
    def serve(text):
        site.set(
            "/feed.xml",
            "<rss version='2.0'><channel><title>x</title><item><title>停电公告</title>"
            f"<pubDate>Wed, 18 Nov 2026 08:00:00 +0800</pubDate><description>{text}</description>"
            "</item></channel></rss>",
        )

    source = make_source(kind="feed", start=site.url + "/feed.xml")
    serve("今晚停电")
    collect(source)
    serve("今晚停电，改为明晚")
    clock.pass_time(minutes=20)

    collect(source)

    assert list(frontier.mentions) == ["one/2026-11-18/停电公告"]
    assert frontier.kept[0].text == "今晚停电，改为明晚"


def test_new_list_with_details_takes_less_than_25_lines_of_yaml(collect, site, frontier):
    path = Path(__file__).parents[1] / "config" / "kinds" / "list_detail.yaml"
    items = [
        Item(
            path=f"/a/{number}",
            title=f"澜禾电饭煲第{number}次跳闸",
            text=f"用了{number}天就跳闸，客服说等通知，一直没有人联系我。",
            author=f"用户{number}",
            published=NOW - timedelta(hours=number),
        )
        for number in (1, 2, 3, 4)
    ]
    site.set("/list?p=1", list_page(items[:2] * 2))
    site.set("/list?p=2", list_page(items[2:] * 2))
    site.set("/list?p=3", list_page([]))
    for item in items:
        site.set(item.path, detail_page(item))

    collect(load_source(path, environ={"SITE": site.url}))

    raw = frontier.mentions[f"{site.url}/a/3"]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 25
    assert len(frontier.kept) == 4
    assert (raw.title, raw.text, raw.author) == (items[2].title, items[2].text, "用户3")
    assert raw.published_at == items[2].published
    assert frontier.states["complaints"].health is SourceHealth.OK
