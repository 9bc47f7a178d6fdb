"""App-store reviews through the shipped collector, in both published forms."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from crawlers.readers import first_page, starts
from crawlers.reviews import parse_reviews
from storage.records import FetchCause, SourceHealth
from tests.crawlers.conftest import NOW, make_source

APP = {"id": "1234567890", "country": "cn", "pages": 3}


def label(text):
    return {"label": text}


def review(number, *, stars=1, text="更新后闪退，客服不理人"):
    return {
        "author": {"name": label(f"用户{number}"), "uri": label("https://x.example.cn/u")},
        "updated": label((NOW - timedelta(hours=number)).isoformat()),
        "im:rating": label(str(stars)),
        "im:version": label("3.2.1"),
        "id": label(str(9000 + number)),
        "title": label(f"第{number}次闪退"),
        "content": {"label": f"{text}\n第{number}天", "attributes": {"type": "text"}},
        "link": {"attributes": {"rel": "related", "href": "https://apps.example.cn/review?id=1"}},
        "im:voteSum": label("4"),
        "im:voteCount": label("7"),
    }


def page(*entries):
    app = {
        "im:name": label("澜禾智家"),
        "id": label("https://apps.example.cn/1"),
        "title": label("澜禾智家 - 澜禾电器"),
    }
    return json.dumps({"feed": {"title": label("iTunes 商店"), "entry": [app, *entries]}})


def atom(*numbers):
    entries = "".join(
        f"<entry><updated>{(NOW - timedelta(hours=n)).isoformat()}</updated><id>{9000 + n}</id>"
        f"<title>第{n}次闪退</title><content type='text'>更新后闪退，客服不理人\n第{n}天</content>"
        "<im:voteSum>4</im:voteSum><im:voteCount>7</im:voteCount><im:rating>1</im:rating>"
        "<im:version>3.2.1</im:version>"
        f"<author><name>用户{n}</name><uri>https://x.example.cn/u</uri></author>"
        "<link rel='related' href='https://apps.example.cn/review?id=1'/>"
        "<content type='html'>&lt;table&gt;&lt;tr&gt;&lt;td&gt;x&lt;/td&gt;&lt;/tr&gt;</content></entry>"
        for n in numbers
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns:im="http://itunes.apple.com/rss" '
        'xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>iTunes</title>'
        "<entry><id>https://apps.example.cn/1</id><title>澜禾智家</title><im:name>澜禾智家</im:name>"
        f"</entry>{entries}</feed>"
    )


def source(site, path="/reviews/{page}", **given):
    rules = {"kind": "app_reviews", "app": APP, "start": site.url + path}
    return make_source(**{**rules, **given})


def test_reviews_of_all_pages_become_mentions(collect, site, frontier):
    site.set("/reviews/1", page(review(1), review(2, stars=5)))
    site.set("/reviews/2", page(review(3)))
    site.set("/reviews/3", json.dumps({"feed": {"title": label("x")}}))

    collect(source(site))

    first = frontier.mentions["9001"]
    assert len(frontier.kept) == 3
    assert (first.title, first.text) == ("第1次闪退", "更新后闪退，客服不理人\n第1天")
    assert (first.author, first.rating, first.platform) == ("用户1", 1.0, "应用商店")
    assert (first.likes, first.published_at) == (4, NOW - timedelta(hours=1))
    # the link leads to the shop and is the same for every review
    assert (first.url, first.canonical_url) == ("https://apps.example.cn/review?id=1", "")
    assert "3.2.1" not in first.text
    assert frontier.states["one"].health is SourceHealth.OK


def test_atom_and_json_of_the_same_reviews_give_the_same_mentions(collect, site, frontier):
    site.set("/json", page(review(1), review(2)))
    site.set("/atom", atom(1, 2))
    collect(source(site, "/json"))
    said = dict(frontier.mentions)

    collect(source(site, "/atom", id="two"))

    now = {
        key: (raw.title, raw.text, raw.rating, raw.author, raw.published_at)
        for key, raw in frontier.mentions.items()
    }
    before = {
        key: (raw.title, raw.text, raw.rating, raw.author, raw.published_at)
        for key, raw in said.items()
    }
    assert now == before
    assert len(now) == 2


def test_single_review_stands_without_a_list(site):
    body = json.dumps({"feed": {"entry": review(1)}}).encode()

    parsed = parse_reviews(body, "https://a.example.cn/", "", source(site), NOW, trace=True)

    assert [raw.native_id for raw in parsed.raws] == ["9001"]
    assert dict(parsed.rows[0].readings)["version"].value == "3.2.1"


def test_address_is_built_from_the_app():
    rules = make_source(kind="app_reviews", app=APP)

    address = first_page(rules, starts(rules)[0])

    assert address == (
        "https://itunes.apple.com/cn/rss/customerreviews/page=1/id=1234567890/"
        "sortby=mostrecent/json"
    )


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        ("", FetchCause.EMPTY, "空内容"),
        ("{}", FetchCause.UNREADABLE, "缺少 feed"),
        ('{"feed": []}', FetchCause.UNREADABLE, "缺少 feed"),
        ('{"feed": {"entry": [null, 3, "x", {"im:rating": 5}]}}', FetchCause.EMPTY, "没有任何评论"),
        ("<html>应用详情</html>", FetchCause.UNREADABLE, "请核对应用编号"),
        (
            '<!DOCTYPE f [<!ENTITY a "b">]><feed><entry>&a;</entry></feed>',
            FetchCause.UNREADABLE,
            "实体",
        ),
        ("<feed>" + "<entry>" * 9000, FetchCause.UNREADABLE, "嵌套"),
        (page(), FetchCause.EMPTY, "没有任何评论"),
    ],
)
def test_what_is_no_review_feed_is_named(collect, site, frontier, body, cause, said):
    site.set("/reviews/1", body)

    collect(source(site))

    event = frontier.events[-1]
    assert (event.outcome, said in event.text) == (cause.value, True), event.text
