from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import FieldRule
from crawlers.extract import (
    Page,
    fragment_text,
    html_text,
    main_text,
    read_field,
    read_number,
    select,
)

HTML = """<!doctype html><html><head>
<meta property="og:title" content="  电饭煲 跳闸 ">
<meta name="author" content="小满">
<script type="application/ld+json">{"@graph": [{"@type": "WebPage"},
  {"@type": "Article", "author": [{"name": "阿宁"}], "datePublished": "2026-11-03"}]}</script>
<script type="application/ld+json">{ broken </script></head>
<body><ul><li class="row"><a href="/a/1">第一条</a><b>12</b></li>
<li class="row"><a href="/a/2">第二条</a></li></ul>
<div class="content"><p>第一段</p>文字<b>加粗</b>结尾<script>var x</script><br>新行
<style>p{}</style><!-- 注释 --><p>第二段</p></div>
<span class="n">1.2万 阅读</span><span class="by">作者：清扬</span></body></html>"""
PAGE = Page(HTML, "https://a.cn/")


def rule(given):
    return FieldRule.model_validate(given)


@pytest.mark.parametrize(
    ("name", "given", "value", "rung"),
    [
        ("title", ["css:h1::text", "meta:og:title"], "电饭煲 跳闸", 1),
        ("author", "meta:author", "小满", 0),
        ("author", "jsonld:author.name", "阿宁", 0),
        ("published", "jsonld:datePublished", "2026-11-03", 0),
        ("author", {"sel": "css:.by::text", "re": "作者[:：](.+)"}, "清扬", 0),
        ("author", {"sel": ["css:.n::text", "css:.by"], "re": "作者[:：](.+)"}, "清扬", 1),
        ("text", "css:.content", "第一段\n文字加粗结尾\n新行\n第二段", 0),
        ("text", "xpath://div[@class='content']/p", "第一段\n第二段", 0),
        ("title", "css:li a::text", "第一条", 0),
        ("text", "css:li a::text", "第一条\n第二条", 0),
        ("url", "css:a::attr(href)", "/a/1", 0),
        ("region", "const:上海", "上海", 0),
        ("views", r"re2:class=.n.>([^<]+)", "1.2万 阅读", 0),
        ("title", ["css:.none", "xpath://nothing/text()"], "", -1),
    ],
)
def test_field_is_read_by_the_first_rung_that_hits(name, given, value, rung):
    reading = read_field(PAGE, PAGE.root, name, rule(given))

    assert (reading.value, reading.rung) == (value, rung)


def test_selectors_of_an_item_stay_within_it():
    first, second = select(PAGE, "css:li.row")

    assert read_field(PAGE, second, "title", rule("xpath://a/text()")).value == "第二条"
    assert read_field(PAGE, second, "likes", rule("css:b::text")).value == ""
    assert read_field(PAGE, first, "likes", rule("xpath:b/text()")).value == "12"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.2万 阅读", 12000),
        ("3,456 次", 3456),
        ("转发 10万+", 100000),
        ("2.5k", 2500),
        ("评分4.5", 4.5),
        ("1亿", 1e8),
        ("１２３", 123),
        ("没有", None),
        ("", None),
    ],
)
def test_amount_is_read_with_its_unit(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>一</p><p>二 &amp; 三</p>", "一\n二 & 三"),
        ("没有标签", "没有标签"),
        ("价格 &lt; 100", "价格 < 100"),
        ("一<br/>二", "一\n二"),
        ("<script>alert(1)</script>正文", "正文"),
        ("", ""),
    ],
)
def test_fragment_becomes_plain_text(html, text):
    assert fragment_text(html) == text


@given(st.text(max_size=200))
def test_any_fragment_becomes_text_without_control_characters(html):
    text = fragment_text(html)

    assert not any(char < " " and char != "\n" for char in text)


def test_deep_nesting_costs_little_time_and_no_crash():
    started = time.process_time()
    page = Page("<div>好" * 100_000, "https://a.cn/")

    assert html_text(page.root.root).startswith("好")
    assert time.process_time() - started < 2


def test_main_text_leaves_out_menus_and_footers():
    story = "上个月在门店买的净水机，装上之后一直漏水，地板都泡坏了。" * 3
    reply = "打电话给售后，对方先说水压太高，后来又说已经过了保修期。" * 3
    html = (
        "<html><head><title>净水机漏水没人管 - 某论坛</title></head><body>"
        "<nav><ul><li><a href='/'>首页</a></li><li><a href='/c'>投诉</a></li></ul></nav>"
        f"<article><h1>净水机漏水没人管</h1><p>{story}</p><p>{reply}</p></article>"
        "<footer>版权所有 联系我们</footer></body></html>"
    )

    article = main_text(html, "https://a.cn/1")

    assert article.text == f"{story}\n{reply}"
    assert article.title == "净水机漏水没人管"


def test_page_without_a_story_gives_an_empty_article():
    assert main_text("", "").text == ""
    assert main_text("<html></html>", "").text == ""
