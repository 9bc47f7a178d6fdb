"""Lifelike list pages, feeds and API answers of invented sites, and ways to break or calm them.

In: a layout and how much there is to say. Out: bytes as a site would send them. A mutation takes
the text of a page and gives another; `BROKEN` must be noticed, `BENIGN` must not.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_WHAT = ("空气炸锅", "净水器", "扫地机", "电饭煲", "吹风机", "加湿器", "洗碗机", "破壁机")
_TROUBLE = (
    "用了三天就不加热", "一直漏水没人管", "充不进电客服推脱", "异响越来越大", "发货拖了两周",
    "退款迟迟不到账", "售后说要自费检测", "说明书和实物不符", "边角有划痕", "夜里自己启动",
)  # fmt: skip
_WHO = ("阿岚", "小满", "老周", "木子", "橙子", "南风", "一只鹿", "长安客")


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One thing that somebody wrote."""

    n: int
    title: str
    author: str
    at: datetime
    replies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to build a page, and the source rules that read it."""

    name: str
    rules: dict[str, Any]
    write: Callable[[list[Post], datetime], str]
    shown: int = 20  # items on the page
    kind: str = "html"
    charset: str = "utf-8"
    keep: dict[str, str] = field(default_factory=dict)


def posts(seed: int, until: datetime, every: timedelta, count: int) -> list[Post]:
    """Return the last `count` posts up to an instant, newest first; the same for the same past."""
    last = int(until.timestamp() // every.total_seconds())
    made = []
    for n in range(last, last - count, -1):
        chance = random.Random(f"{seed}/{n}")
        at = datetime.fromtimestamp(n * every.total_seconds(), SHANGHAI)
        title = f"澜禾{chance.choice(_WHAT)}{chance.choice(_TROUBLE)}"
        if chance.random() < 0.4:
            title += "，" + chance.choice(_TROUBLE)
        made.append(
            Post(n=n, title=title, author=chance.choice(_WHO), at=at, replies=chance.randrange(99))
        )
    return made


# --- layouts -------------------------------------------------------------------------------------

_NAV = '<div class="nav"><a href="/">首页</a><a href="/login">登录</a><a href="/reg">注册</a></div>'


def _shell(title: str, body: str) -> str:
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body>{_NAV}{body}<div class=foot>© 示例网</div></body></html>"
    )


def _complaints(found: list[Post], now: datetime) -> str:
    del now
    rows = "".join(
        f'<li class="item"><a class="t" href="/c/{p.n}.html">{p.title}</a>'
        f'<span class="who">{p.author}</span><span class="when">{p.at:%Y-%m-%d %H:%M}</span></li>'
        for p in found
    )
    return _shell("投诉大厅", f'<ul class="list">{rows}</ul>')


def _forum(found: list[Post], now: datetime) -> str:
    del now
    rows = "".join(
        f'<tbody id="normalthread_{p.n}"><tr><th class="common">'
        f'<a href="thread-{p.n}-1-1.html" class="s xst">{p.title}</a></th>'
        f'<td class="by"><cite><a href="space-uid-{p.n % 97}.html">{p.author}</a></cite>'
        f"<em><span>{p.at.year}-{p.at.month}-{p.at.day} {p.at:%H:%M}</span></em></td>"
        f'<td class="num">{p.replies}</td></tr></tbody>'
        for p in found
    )
    return _shell("家电论坛", f'<table id="threadlist">{rows}</table>')


def _gazette(found: list[Post], now: datetime) -> str:
    del now
    rows = "".join(
        f'<tr><td width="80%">·<a href="/art/{p.at:%Y}/{p.at:%m}/art_{p.n}.html" title="{p.title}">'
        f"{p.title}</a></td><td>[{p.at:%Y-%m-%d}]</td></tr>"
        for p in found
    )
    page = _shell("消费提示", f'<table class="newslist">{rows}</table>')
    return page.replace("utf-8", "gb2312", 1)


def _cards(found: list[Post], now: datetime) -> str:
    def ago(at: datetime) -> str:
        minutes = int((now - at).total_seconds() // 60)
        if minutes < 60:
            return f"{max(1, minutes)}分钟前"
        return f"{minutes // 60}小时前" if minutes < 1440 else f"{at.month}月{at.day}日"

    rows = "".join(
        f'<div class="card" data-id="{p.n}"><h3>{p.title}</h3><p class="meta">'
        f'<span class="author">{p.author}</span> · <time>{ago(p.at)}</time></p>'
        f'<a class="more" href="/p/{p.n}?from=list">查看</a><i>{p.replies} 赞</i></div>'
        for p in found
    )
    return _shell("好物社区", f'<main id="feed">{rows}</main>')


def _rss(found: list[Post], now: datetime) -> str:
    rows = "".join(
        f"<item><title>{p.title}</title><link>https://news.test/a/{p.n}</link>"
        f"<guid>https://news.test/a/{p.n}</guid><author>{p.author}</author>"
        f"<description>{p.title}。记者从消费者处获悉，{p.title}。</description>"
        f"<pubDate>{p.at:%a, %d %b %Y %H:%M:%S} +0800</pubDate></item>"
        for p in found
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>家电新闻</title>'
        f"<lastBuildDate>{now:%a, %d %b %Y %H:%M:%S} +0800</lastBuildDate>{rows}</channel></rss>"
    )


def _atom(found: list[Post], now: datetime) -> str:
    rows = "".join(
        f"<entry><title>{p.title}</title><id>tag:b.test,2026:{p.n}</id>"
        f'<link href="https://b.test/p/{p.n}"/><updated>{p.at.isoformat()}</updated>'
        f"<author><name>{p.author}</name></author><summary>{p.title}，求助。</summary></entry>"
        for p in found
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>博客</title><updated>{now.isoformat()}</updated>{rows}</feed>"
    )


def _api(found: list[Post], now: datetime) -> str:
    del now
    rows = [
        {"id": p.n, "title": p.title, "user": {"name": p.author}, "ctime": int(p.at.timestamp()),
         "url": f"https://api.test/d/{p.n}", "reply": p.replies, "text": f"{p.title}，求处理。"}
        for p in found
    ]  # fmt: skip
    return json.dumps({"code": 0, "msg": "ok", "data": {"list": rows}}, ensure_ascii=False)


def _rules(kind: str, **more: Any) -> dict[str, Any]:
    return {"id": "bench", "name": "信源", "kind": kind, "start": "https://site.test/list", **more}


def _list(item: str, **fields: Any) -> dict[str, Any]:
    return _rules("list_detail", list={"item": item, "fields": fields})


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="投诉列表", write=_complaints,
        rules=_list("css:ul.list > li.item", url="css:a.t::attr(href)", title="css:a.t::text",
                    author="css:.who::text", published="css:.when::text"),
    ),
    Layout(
        name="论坛主题表", write=_forum, shown=30,
        rules=_list("css:#threadlist tbody", url="css:a.xst::attr(href)", title="css:a.xst::text",
                    author="css:.by cite a::text", published="css:.by em span::text"),
    ),
    Layout(
        name="政务旧表格", write=_gazette, shown=15, charset="gbk",
        rules=_list("css:table.newslist tr", url="css:a::attr(href)", title="css:a::text",
                    published={"sel": "css:td:nth-child(2)::text", "re": "(\\d{4}-\\d{2}-\\d{2})"}),
    ),
    Layout(
        name="卡片流", write=_cards, shown=12,
        rules=_list("css:#feed .card", url="css:a.more::attr(href)",
                    title=["css:h3::text", "css:h2::text"],
                    author="css:.author::text", published="css:time::text"),
    ),
    Layout(name="RSS", write=_rss, shown=25, kind="xml", rules=_rules("feed")),
    Layout(name="Atom", write=_atom, shown=10, kind="xml", rules=_rules("feed")),
    Layout(
        name="接口", write=_api, kind="json",
        rules=_rules("json_api", list={"item": "jmes:data.list", "fields": {
            "url": "jmes:url", "title": "jmes:title", "text": "jmes:text",
            "author": "jmes:user.name", "published": "jmes:ctime"}}),
    ),
)  # fmt: skip


# --- ways to break a page ------------------------------------------------------------------------

Mutation = Callable[[str, Layout, random.Random], str]


def _replace(old: str, new: str) -> Mutation:
    return lambda page, *_: page.replace(old, new)


def _sub(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Mutation:
    return lambda page, *_: re.sub(pattern, new, page, flags=re.DOTALL)


def _whole(text: str) -> Mutation:
    return lambda *_: text


def _half_without(pattern: str, new: str) -> Mutation:
    """Damage every other match."""

    def mutate(page: str, layout: Layout, chance: random.Random) -> str:
        del layout, chance
        count = iter(range(100_000))
        return re.sub(
            pattern, lambda m: m[0] if next(count) % 2 else m.expand(new), page, flags=re.DOTALL
        )

    return mutate


def _wrong_charset(right: str, wrong: str) -> Mutation:
    return lambda page, *_: page.encode(right, "replace").decode(wrong, "replace")


def _rows(layout: Layout) -> str:
    """Return the pattern of one item of a layout."""
    return {
        "投诉列表": r"<li class=\"item\">.*?</li>",
        "论坛主题表": r"<tbody.*?</tbody>",
        "政务旧表格": r"<tr>.*?</tr>",
        "卡片流": r"<div class=\"card\".*?</div>",
        "RSS": r"<item>.*?</item>",
        "Atom": r"<entry>.*?</entry>",
    }.get(layout.name, "")


def edit_rows(page: str, layout: Layout, change: Callable[[list[Any]], list[Any]]) -> str:
    """Return a page with its items rearranged, dropped or doubled."""
    if layout.kind == "json":
        answer = json.loads(page)
        answer["data"]["list"] = change(answer["data"]["list"])
        return json.dumps(answer, ensure_ascii=False)
    pattern = re.compile(_rows(layout), re.DOTALL)
    found = pattern.findall(page)
    start, end = page.index(found[0]), page.rindex(found[-1]) + len(found[-1])
    return page[:start] + "".join(change(found)) + page[end:]


def _keep_only(count: int) -> Mutation:
    return lambda page, layout, *_: edit_rows(page, layout, lambda rows: rows[:count])


LOGIN = _shell("登录", "<h1>账号登录</h1><input type=password><p>登录后查看更多</p>")
CAPTCHA = _shell("安全验证", "<p>请按住滑块，拖动到最右边完成验证</p>")
UPKEEP = _shell("系统维护", "<h1>系统维护中</h1><p>请稍后再来</p>")
BLOCKED = _shell("访问受限", "<p>您的 IP 访问过于频繁，已被限制</p>")
EMPTY = "<!doctype html><html><head></head><body></body></html>"
SPA = (
    '<!doctype html><html><body><div id="root"></div><script src="/app.js"></script></body></html>'
)

_ANY: dict[str, Mutation] = {
    "换成登录页": _whole(LOGIN), "换成验证页": _whole(CAPTCHA), "换成维护页": _whole(UPKEEP),
    "换成拦截页": _whole(BLOCKED), "换成空页": _whole(EMPTY), "换成空壳应用": _whole(SPA),
    "没有内容": _whole(""), "截断在头部": lambda page, *_: page[:150],
    "UTF-8 当 GBK 读": _wrong_charset("utf-8", "gb18030"),
    "UTF-8 当拉丁读": _wrong_charset("utf-8", "latin-1"),
    "GBK 当拉丁读": _wrong_charset("gb18030", "latin-1"),
    "汉字成问号": lambda page, *_: re.sub(r"[\u4e00-\u9fff]", "?", page),
    "只剩两条": _keep_only(2), "一条不剩": _keep_only(0),
}  # fmt: skip
_SPECIFIC: dict[str, dict[str, Mutation]] = {
    "投诉列表": {
        "列表改名": _replace('class="list"', 'class="list-v2"'),
        "条目改名": _replace('class="item"', 'class="row"'),
        "标题链接改名": _replace('class="t"', 'class="title-link"'),
        "日期改名": _replace('class="when"', 'class="date"'),
        "作者改名": _replace('class="who"', 'class="nick"'),
        "容器换标签": lambda page, *_: page.replace("<ul", "<div").replace("</ul", "</div"),
        "标题移到属性": _sub(r'(<a class="t"[^>]+)>([^<]+)', r'\1 title="\2">'),
        "标题成栏目名": _sub(r'(<a class="t"[^>]+>)[^<]+', r"\1消费投诉"),
        "标题成作者名": _sub(r'(<a class="t"[^>]+>)[^<]+(</a><[^>]+>)([^<]+)', r"\1\3\2\3"),
        "标题带全文": _sub(r'(<a class="t"[^>]+>)([^<]+)', r"\1\2\2\2\2，\2\2\2"),
        "链接都到首页": _sub(r'href="/c/\d+\.html"', 'href="/"'),
        "链接到作者": _sub(r"/c/(\d+)\.html", r"/user/home/\1/"),
        "链接成脚本": _sub(r'href="/c/(\d+)\.html"', r'href="javascript:open(\1)"'),
        "日期格式变": _sub(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d)", r"\3.\2,\1 @"),
        "日期成时间戳文字": _sub(r"(\d{4}-\d\d-\d\d \d\d:\d\d)", "更新时间见详情"),
        "日期成注册日": _sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2019-03-02 08:00"),
        "日期到未来": _sub(r"2026-", "2031-"),
        "一半没标题": _half_without(r'(<a class="t"[^>]+>)[^<]+', r"\1"),
        "一半没链接": _half_without(r' href="/c/\d+\.html"', ""),
        "一半没日期": _half_without(r'<span class="when">[^<]+', '<span class="when">'),
    },
    "论坛主题表": {
        "表格改名": _replace("threadlist", "thread_list"),
        "标题改名": _replace("xst", "xsubject"),
        "作者列改名": _replace('class="by"', 'class="author"'),
        "时间去标签": _sub(r"<em><span>([^<]+)</span></em>", r"<em>\1</em>"),
        "tbody 没了": _sub(r"</?tbody[^>]*>", ""),
        "标题成版块": _sub(r'(class="s xst">)[^<]+', r"\1家电维权"),
        "标题成数字": _sub(r'(class="s xst">)[^<]+', r"\g<1>12"),
        "链接到空间": _sub(r"thread-(\d+)-1-1\.html", r"home.php?mod=space&uid=\1"),
        "链接相同": _sub(r"thread-\d+-1-1\.html", "forum.php"),
        "链接没了": _sub(r' href="thread-[^"]+"', ""),
        "日期格式变": _sub(r"<span>(\d+)-(\d+)-(\d+) ([\d:]+)</span>", r"<span>\1q\2w\3</span>"),
        "日期空": _sub(r"<em><span>[^<]+", "<em><span>"),
        "作者空": _sub(r"<cite><a[^>]+>[^<]+", "<cite><a>"),
        "一半没标题": _half_without(r'(class="s xst">)[^<]+', r"\1"),
        "日期很旧": _sub(r"<span>\d+-\d+-\d+ [\d:]+", "<span>2012-1-1 10:00"),
    },
    "政务旧表格": {
        "表格改名": _replace("newslist", "list_box"),
        "行变列表": lambda page, *_: page.replace("<tr>", "<li>").replace("</tr>", "</li>"),
        "标题只在属性": _sub(r'(title="[^"]+">)[^<]+', r"\1"),
        "标题都一样": _sub(r'(title="[^"]+">)[^<]+', r"\1查看详情"),
        "链接都一样": _sub(r"/art/\d+/\d+/art_\d+\.html", "/index.html"),
        "日期去括号换序": _sub(r"\[(\d{4})-(\d\d)-(\d\d)\]", r"\3/\2"),
        "日期没了": _sub(r"\[[\d-]+\]", ""),
        "日期列前移": _sub(r'(<td width="80%">.*?</td>)(<td>\[[\d-]+\]</td>)', r"\2\1"),
        "一半没标题": _half_without(r'(title="[^"]+">)[^<]+', r"\1"),
        "链接换站": _sub(r"/art/\d+/\d+/art_(\d+)\.html", r"https://login.test/sso/\1"),
    },
    "卡片流": {
        "容器改名": _replace('id="feed"', 'id="app"'),
        "卡片改哈希名": _replace('class="card"', 'class="card_x7Yq"'),
        "链接没类": _replace('class="more"', 'class="x"'),
        "标题成 h4": lambda page, *_: page.replace("h3>", "h4>"),
        "标题空": _sub(r"<h3>[^<]+", "<h3>"),
        "标题成占位": _sub(r"<h3>[^<]+", "<h3>加载中"),
        "作者改名": _replace('class="author"', 'class="nick"'),
        "时间成绝对怪格式": _sub(r"<time>[^<]+", "<time>丙午年冬月"),
        "时间标签没了": _sub(r"<time>[^<]+</time>", ""),
        "链接都到下载页": _sub(r"/p/\d+\?from=list", "/download"),
        "链接到话题": _sub(r"/p/(\d+)\?from=list", r"/topic/hot/\1/all"),
        "标题成点赞数": _sub(r"<h3>[^<]+", "<h3>99 赞"),
        "一半没链接": _half_without(r' href="/p/[^"]+"', ""),
    },
    "RSS": {
        "标题空": _sub(r"(<item><title>)[^<]+", r"\1"),
        "标题都一样": _sub(r"(<item><title>)[^<]+", r"\1澜禾资讯"),
        "链接和标识都一样": _sub(r"https://news\.test/a/\d+", "https://news.test/"),
        "链接没了": _sub(r"<link>https://news\.test/a/\d+</link><guid>[^<]+</guid>", ""),
        "日期没了": _sub(r"<pubDate>[^<]+</pubDate>", ""),
        "日期读不懂": _sub(r"<pubDate>[^<]+", "<pubDate>刚刚更新哦"),
        "日期到未来": _sub(r"(<pubDate>\w+, \d+ \w+ )2026", r"\g<1>2036"),
        "作者没了": _sub(r"<author>[^<]+</author>", ""),
        "没有正文": _sub(r"<description>[^<]+</description>", ""),
        "只剩频道": _sub(r"<item>.*</item>", ""),
        "成了 HTML": _whole(_shell("家电新闻", "<p>订阅服务已下线</p>")),
        "标题成摘要全文": _sub(r"(<item><title>)([^<]+)", r"\1\2\2\2\2\2\2，\2\2"),
    },
    "Atom": {
        "标题空": _sub(r"(<entry><title>)[^<]+", r"\1"),
        "标题都一样": _sub(r"(<entry><title>)[^<]+", r"\1无题"),
        "链接都一样": _sub(r'<link href="https://b\.test/p/\d+"/>', '<link href="https://b.test/"/>'),
        "日期没了": _sub(r"(</link>|/>)<updated>[^<]+</updated>", r"\1"),
        "作者没了": _sub(r"<author>.*?</author>", ""),
        "摘要没了": _sub(r"<summary>[^<]+</summary>", ""),
        "标签断了": lambda page, *_: page.replace("</title><id>", "<id", 20),
    },
    "接口": {
        "列表改名": _replace('"list"', '"items"'),
        "外层改名": _replace('"data"', '"result"'),
        "标题改名": _replace('"title"', '"subject"'),
        "链接改名": _replace('"url"', '"jump_url"'),
        "链接空": _sub(r'"url": "[^"]+"', '"url": ""'),
        "正文改名": _replace('"text"', '"content"'),
        "作者改平": _sub(r'"user": \{"name": ("[^"]+")\}', r'"user": \1'),
        "时间改名": _replace('"ctime"', '"create_time"'),
        "时间成文字": _sub(r'"ctime": \d+', '"ctime": "不久以前"'),
        "标题都一样": _sub(r'"title": "[^"]+"', '"title": "动态"'),
        "要登录": _whole('{"code":-101,"msg":"账号未登录"}'),
        "要验证": _whole('{"code":-352,"msg":"风控校验失败，请完成验证码"}'),
        "出错": _whole('{"code":500,"msg":"internal error"}'),
        "空列表": _sub(r'"list": \[.*\]', '"list": []'),
        "截断": lambda page, *_: page[: len(page) // 2],
        "一半没标题": _half_without(r'"title": "[^"]+"', '"title": ""'),
        "链接到用户": _sub(r"https://api\.test/d/(\d+)", r"https://api.test/user/\1/home"),
    },
}  # fmt: skip


def broken_ways(layout: Layout) -> dict[str, Mutation]:
    """Return the mutations of a layout that a person would call broken."""
    return {**_ANY, **_SPECIFIC[layout.name]}


# --- ways to be merely quiet or odd ---------------------------------------------------------------


def _rearranged(change: Callable[[list[Any], random.Random], list[Any]]) -> Mutation:
    return lambda page, layout, chance: edit_rows(page, layout, lambda rows: change(rows, chance))


def _shuffled(rows: list[Any], chance: random.Random) -> list[Any]:
    return chance.sample(rows, len(rows))


def _ads(page: str, layout: Layout, chance: random.Random) -> str:
    """Put two advertisements among the items, built like them but without date or author."""
    if layout.kind == "json":
        ad = {"id": 0, "title": "限时特惠", "text": "", "url": "https://ad.test/1", "user": None}
        return edit_rows(page, layout, lambda rows: [rows[0], ad, *rows[1:]])

    def insert(rows: list[str]) -> list[str]:
        dull = re.sub(
            r"<(span|time|em|cite|td|author|updated|pubDate)\b[^>]*>[^<]*</\1>", "", rows[0]
        )
        ad = re.sub(r"\d{5,}", "77", dull).replace("澜禾", "特惠")
        at = chance.randrange(1, len(rows))
        return [*rows[:at], ad, *rows[at:]]

    return edit_rows(page, layout, insert)


def _one_odd(page: str, layout: Layout, chance: random.Random) -> str:
    """Damage one item: no date in it, a title of one character."""

    def damage(rows: list[Any]) -> list[Any]:
        at = chance.randrange(len(rows))
        if layout.kind == "json":
            rows[at] = {**rows[at], "title": "顶", "ctime": None}
        else:
            rows[at] = re.sub(r"\d{4}-\d+-\d+[ T]?[\d:+]*", "", rows[at])
            rows[at] = re.sub(r">澜禾[^<]+<", ">顶<", rows[at])
        return rows

    return edit_rows(page, layout, damage)


def _english(page: str, layout: Layout, chance: random.Random) -> str:
    """Let three items be in English."""

    def change(rows: list[Any]) -> list[Any]:
        for at in chance.sample(range(len(rows)), min(3, len(rows))):
            if layout.kind == "json":
                rows[at] = {**rows[at], "title": "Lanhe air fryer stopped heating", "text": "Help"}
            else:
                rows[at] = re.sub(r">澜禾[^<]+<", ">Lanhe air fryer stopped heating<", rows[at])
        return rows

    return edit_rows(page, layout, change)


BENIGN: dict[str, Mutation] = {
    "原样": lambda page, *_: page,
    "条目少了四成": _rearranged(lambda rows, *_: rows[: max(1, len(rows) * 6 // 10)]),
    "条目少了一半": _rearranged(lambda rows, *_: rows[: max(1, len(rows) // 2)]),
    "顺序打乱": _rearranged(_shuffled),
    "置顶旧帖": _rearranged(lambda rows, *_: [rows[-1], *rows]),
    "插入广告": _ads,
    "一条异常": _one_odd,
    "几条英文": _english,
    "页脚改了": _replace("© 示例网", "© 示例网 · 新版首页 · 请登录后体验验证码登录"),
    "多了样式": _replace("<body>", '<body class="theme-dark"><style>.a{color:red}</style>'),
    "条目翻倍": _rearranged(lambda rows, *_: rows + rows[: len(rows) // 2]),
}
