from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.article import main_text
from crawlers.gate import page_names_any

STORY = "上个月在门店买的澜禾净水机，装上之后一直漏水，地板都泡坏了。"
REPLY = "打电话给售后，对方先说水压太高，后来又说已经过了保修期。"
MENU = "".join(
    f"<a href='/{name}'>{name}</a> | " for name in ["首页", "新闻", "财经", "汽车", "家居", "论坛"]
)


def page(body: str, head: str = "") -> str:
    return f"<html><head><title>净水机漏水没人管 - 河口网</title>{head}</head><body>{MENU}{body}</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>净水机漏水没人管</h1><p>{STORY}</p><p>{REPLY}</p>",
        f"<table><tr><td><font>{STORY}<br><br>{REPLY}</font></td></tr></table>",
        f"<div class='x1'><div>{STORY}</div><div>{REPLY}</div></div>",
        f"<P>{STORY}<P>{REPLY}",
    ],
)
def test_text_is_found_however_it_is_marked_up(body):
    assert main_text(page(body), "").text == f"{STORY}\n{REPLY}"


def test_first_post_of_a_thread_is_the_text_and_gives_the_date():
    posts = "".join(
        f"<div class='post'><div>路人{n}</div><div>发表于 2026-11-{n:02d} 09:00</div><div>{text}</div></div>"
        for n, text in enumerate((STORY, REPLY, REPLY, REPLY), start=3)
    )

    found = main_text(page(f"<h1>净水机漏水没人管</h1>{posts}"), "")

    assert found.text == STORY
    assert found.published == "2026-11-03 09:00"


def test_a_thread_whose_posts_are_named_replies_is_read_all_the_same():
    posts = "".join(
        f"<div class='reply'><b>路人{n}</b><i>{n}楼</i><div>{text}</div></div>"
        for n, text in enumerate((STORY, REPLY, REPLY, REPLY), start=1)
    )

    assert STORY in main_text(page(f"<h1>净水机漏水没人管</h1>{posts}"), "").text


def test_comments_below_a_text_are_left_out_and_date_nothing():
    said = "".join(
        f"<li><b>路人{n}</b><span>2026-10-0{n} 10:00</span><div>{REPLY}</div></li>"
        for n in range(1, 8)
    )

    found = main_text(
        page(f"<h1>净水机漏水没人管</h1><div><p>{STORY}</p><p>{STORY}</p></div><ul>{said}</ul>"), ""
    )

    assert found.text == f"{STORY}\n{STORY}"
    assert found.published == ""


@pytest.mark.parametrize(
    "script",
    [
        (
            '<script type="application/ld+json">{"@type":"NewsArticle","headline":"净水机漏水没人管",'
            '"datePublished":"2026-11-03","articleBody":"%s"}</script>'
        ),
        (
            '<script id="__NEXT_DATA__" type="application/json">{"props":{"news":{"title":"净水机漏水没人管",'
            '"publishTime":"2026-11-03","content":"<p>%s</p>"}}}</script>'
        ),
        (
            '<script>window.__INITIAL_STATE__={"a":undefined,"note":{"title":"净水机漏水没人管",'
            '"time":"2026-11-03","desc":"%s"}};(function(){})()</script>'
        ),
    ],
)
def test_a_page_that_is_all_data_is_read_out_of_it(script):
    found = main_text(
        f"<html><head><title>净水机漏水没人管</title></head><body>{script % (STORY + REPLY)}", ""
    )

    assert (found.title, found.text) == ("净水机漏水没人管", STORY + REPLY)
    assert found.published == "2026-11-03"


def test_author_origin_and_date_stand_near_the_headline():
    body = (
        "<h1>净水机漏水没人管</h1><div>2026-11-03 08:15 来源：北城晚报 作者：尤文</div>"
        f"<div><p>{STORY}</p><p>{REPLY}</p></div>"
    )

    found = main_text(page(body), "")

    assert (found.author, found.source, found.published) == ("尤文", "北城晚报", "2026-11-03 08:15")


@pytest.mark.parametrize(
    "around",
    [
        "<ul><li><a href='/1'>油价调整</a> 2026-11-01</li><li><a href='/2'>冷空气</a> 2026-11-02</li></ul>",
        "<p>版权所有 © 2003-2026 河口网</p>",
        "<div>注册时间：2019-01-01</div>",
    ],
)
def test_a_date_that_belongs_to_something_else_is_not_the_article_s(around):
    body = f"<h1>净水机漏水没人管</h1><div><p>{STORY}</p><p>{REPLY}</p></div><div>{around}</div>"

    assert main_text(page(body), "https://a.example.cn/2026/0301/1.html").published == ""


def test_page_without_a_watched_name_is_answered_with_its_fast_text():
    body = f"<nav>{MENU}</nav><h1>净水机漏水没人管</h1><p>{STORY}</p><p>{REPLY}</p>"

    named = main_text(page(body), "", names=("澜禾",))
    unnamed = main_text(page(body), "", names=("禾沐",))

    assert named == main_text(page(body), "")
    assert STORY in unnamed.text
    assert (unnamed.title, unnamed.published) == ("", "")


@pytest.mark.parametrize(
    "html",
    [
        "<p>澜<b>禾</b>",
        "<p>瀾禾",
        "<p>&#28572;&#31166;",
        '<script>a={"t":"\\u6f9c\\u79be"}</script>',
        "<p>ＬanHe",
    ],
)
def test_a_name_is_seen_however_a_page_writes_it(html):
    assert page_names_any(html, ("澜禾", "lanhe"))
    assert not page_names_any("<p>别的牌子", ("澜禾", "lanhe"))


@settings(deadline=None)  # the first example loads libraries
@given(st.text(alphabet="<>/divpatrtd 澜禾。，2026-11:&;#'\"=\0\n", max_size=300))
def test_any_markup_gives_an_article(html):
    main_text(html, "")


@pytest.mark.parametrize(
    "html",
    [
        "<div>好" * 60_000,
        "<b>" * 100_000,
        "<li>2026-11-03 好，" * 20_000,
        "<b>好</b>" * 100_000,
        f"<h1>净水机漏水没人管</h1><p>{STORY * 3}</p>"
        + f"<div class='comment'><b>路人</b>10:00<p>{REPLY}</p></div>" * 3000,
        f"<h1>净水机漏水没人管</h1><p>{STORY * 3}</p>"
        + f"<div><h3>网友评论</h3><p>{REPLY}</p></div>" * 3000,
    ],
    ids=["divs", "bold", "items", "wide", "comments", "headings"],
)
def test_markup_made_to_be_slow_still_gives_an_answer(html):
    main_text(html, "")
