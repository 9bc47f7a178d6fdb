"""More pages of the development half: each is hard for one reason, named in its docstring."""

from __future__ import annotations

from tests.eval.extract.clutter import Clutter
from tests.eval.extract.page import Page, made
from tests.eval.extract.stories import DEV, Story


def _ps(s: Story) -> str:
    return "".join(f"<p>{p}</p>" for p in s.paragraphs)


def many_comments(s: Story, c: Clutter) -> Page:
    """Thirty long comments without dates under a text of two paragraphs, no names of classes."""
    s = Story(s.title, s.paragraphs[:2])
    said = "".join(
        f"<div><b>{u}</b><div>{t}，{x}。{c.comments(1)[0][2]}！</div><a>回复</a></div>"
        for _ in range(5)
        for (u, _, t), x in zip(c.comments(6), c.heads(6), strict=True)
    )
    return made(
        s,
        f"<html><head><title>{s.title}-河口热线</title><meta charset=utf-8></head><body><div>{c.nav(15)}</div><div><h1>{s.title}</h1><div>2015-04-02 09:10:33　来源：河口热线</div><div>{_ps(s)}</div></div><div><h3>网友评论</h3>{said}</div><div>{c.items(12)}</div>{c.foot()}</body></html>",
        "2015-04-02 09:10",
    )


def excerpts(s: Story, c: Clutter) -> Page:
    """Ten other articles below, each with an excerpt that is no link and a date."""
    others = "".join(
        f'<div class="it"><h4><a>{h}</a></h4><p>{DEV[n % 14].paragraphs[0]}...</p><em>{c.day()}</em></div>'
        for n, h in enumerate(c.heads(10))
    )
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title}|民生|河口网</title></head><body>{c.nav(10)}<div class="lft"><div class="hd1">{s.title}</div><div class="hd2">河口网 2017-12-08 16:20:15</div><div class="bdy">{_ps(s)}</div></div><div class="oth">{others}</div><div class="rgt">{c.items(10)}</div>{c.foot()}</body></html>',
        "2017-12-08 16:20",
    )


def table_forum(s: Story, c: Clutter) -> Page:
    """An ASP forum of 2005: a table per post, a short first post, longer replies."""
    s = Story(s.title, s.paragraphs[:1])

    def post(u: str, at: str, body: str) -> str:
        return f"<table width=98% border=1 cellspacing=0><tr><td width=150 rowspan=2 valign=top><b>{u}</b><br>等级：侠客<br>文章：120<br>积分：880<br>注册：2003-5-6</td><td height=20>发贴心情 {s.title if at.startswith('2005-8-1 ') else ''}</td></tr><tr><td valign=top>{body}</td></tr><tr><td>{at}</td><td>编辑 引用 回复 IP：已记录</td></tr></table>"

    body = post("路人甲", "2005-8-1 21:03:00", s.paragraphs[0]) + "".join(
        post(u, f"2005-8-{n} 10:22:00", DEV[n].paragraphs[1] + t)
        for n, (u, _, t) in enumerate(c.comments(6), start=2)
    )
    return made(
        s,
        f"<HTML><HEAD><TITLE>河口社区--{s.title}</TITLE><META http-equiv=Content-Type content='text/html; charset=gb2312'></HEAD><BODY><TABLE width=98%><TR><TD>{c.nav(6)}</TD></TR></TABLE><TABLE width=98%><TR><TD>您是本帖的第 312 个阅读者</TD><TD>* 贴子主题：{s.title}</TD></TR></TABLE>{body}<TABLE><TR><TD>页次：1/1页 本主题贴数7</TD></TR></TABLE><center>Powered By 河口社区 2003-2005</center></BODY></HTML>",
        "2005-08-01 21:03",
        "gb18030",
    )


def sections(s: Story, c: Clutter) -> Page:
    """A text in boxes that are siblings, with headings between them and pictures of their own."""
    heads = ("一、事情的经过", "二、商家的说法", "三、接下来怎么办")
    parts = [s.paragraphs[n::3] for n in range(3)]
    flat = [x for h, p in zip(heads, parts, strict=True) for x in (h, *p)]
    boxes = "".join(
        f'<div class="box"><h2>{h}</h2><img src=1.jpg>{"".join(f"<p>{x}</p>" for x in p)}</div>'
        for h, p in zip(heads, parts, strict=True)
    )
    return made(
        Story(s.title, tuple(flat)),
        f'<html><head><meta charset="utf-8"><title>{s.title}_深度_半岛</title></head><body><div>{c.nav(9)}</div><h1>{s.title}</h1><p class="i">2019年05月20日 10:00 半岛</p>{boxes}<div class="z">{c.items(8)}</div>{c.foot()}</body></html>',
        "2019-05-20 10:00",
    )


def full_of_links(s: Story, c: Clutter) -> Page:
    """Every noun is a link, as keyword plug-ins leave it."""
    paras = "".join(
        "<p>"
        + p.replace("消费者", "<a href=/k>消费者</a>")
        .replace("记者", "<a href=/k>记者</a>")
        .replace("客服", "<a href=/k>客服</a>")
        .replace("，", "，<a href=/z>")
        .replace("。", "</a>。", 1)
        + "</a></p>"
        for p in s.paragraphs
    )
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title} - 百事通</title></head><body><div>{c.nav(9)}</div><div id=w><h1>{s.title}</h1><div>更新时间：2016-02-29 14:05:00 来源：互联网</div>{paras}</div><div>{c.items(14)}</div>{c.foot()}</body></html>',
        "2016-02-29 14:05",
    )


def bare_list(s: Story, c: Clutter) -> Page:
    """A notice that is a list of short points without full stops, undated."""
    points = (
        "购买凭证或者电子发票的截图",
        "产品正面以及铭牌的照片",
        "故障出现时拍摄的视频",
        "与商家沟通的聊天记录",
        "收货人姓名和联系电话",
        "银行卡开户行和账号后四位",
        "如果有人受伤 请附上诊断证明",
        "委托他人办理的 请附上委托书",
    )
    s = Story("申请售后需要准备的材料", points)
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title}-服务中心</title></head><body><div class=t>{c.nav(12)}</div><div class=m><h1>{s.title}</h1><ol>{"".join(f"<li>{x}</li>" for x in points)}</ol></div><div class=r><h3>公告</h3>{c.items(6, dated=True)}</div>{c.foot()}</body></html>',
        "",
    )


def long_sidebar(s: Story, c: Clutter) -> Page:
    """The house rules beside the text are longer than the text."""
    s = Story(s.title, s.paragraphs[:2])
    rules = "本社区倡导理性表达，请勿发布涉及他人隐私的内容；" * 6
    about = (
        "河口热线创办于二〇〇二年，是本地最大的生活消费类网站，为三百万用户提供资讯、交友与团购服务，欢迎广大商家前来洽谈合作。"
        * 3
    )
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title}</title></head><body><table><tr><td width=200><b>社区公告</b><br>{rules}<br><br><b>关于我们</b><br>{about}</td><td><h2>{s.title}</h2><small>作者：路人甲 时间：2014-09-09 12:12:12</small><br><br>{"<br><br>".join(s.paragraphs)}</td></tr></table><p>{c.nav(9)}</p></body></html>',
        "2014-09-09 12:12",
    )


def doubled(s: Story, c: Clutter) -> Page:
    """Headline and origin stand twice, for large and for small screens; the text once."""
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title}-某民网</title><meta name="publishdate" content="2026-10-02"></head><body><div class="pc">{c.nav(14)}<div class="rm_txt"><h1>{s.title}</h1><div class="channel"><div class="col-1-1 fl">2026年10月02日06:13 | 来源：<a>某民网-某民日报</a></div><div class="col-1-2">小字号</div></div><div class="rm_txt_con">{_ps(s)}<p class="paper_num">《某民日报》（2026年10月02日 第 04 版）</p><div class="edit">(责编：白宇、卫嘉)</div></div></div><div class="rm_relevant"><h2>相关新闻</h2>{c.items(4)}</div></div><div class="mob"><h1>{s.title}</h1><p>2026-10-02 06:13 某民网</p></div>{c.foot()}</body></html>',
        "2026-10-02 06:13",
    )


def wide_thread(s: Story, c: Clutter) -> Page:
    """A thread whose posts differ in class, the first in a frame of its own; member data around."""
    first = f'<div class="main-post"><div class="user-card"><p>阿绿_1987</p><p>注册时间：2012-01-01</p><p>最后登录：2026-11-18</p></div><div class="cont"><div class="tm">2026-09-01 07:45</div><div class="tx">{"".join(f"<div>{p}</div>" for p in s.paragraphs)}</div></div></div>'
    posts = "".join(
        f'<li class="f{n}"><i>{n}楼</i><b>{u}</b><span>{at}</span><div>{t}，{h}。</div></li>'
        for n, ((u, at, t), h) in enumerate(zip(c.comments(12), c.heads(12), strict=True), start=2)
    )
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title}_河口车友</title></head><body><p>{c.nav(7)}</p><h1>{s.title}</h1>{first}<ul>{posts}</ul><div>{c.items(6)}</div>{c.foot()}</body></html>',
        "2026-09-01 07:45",
    )


def stamped_attribute(s: Story, c: Clutter) -> Page:
    """A thread that shows "3 天前" and keeps the instant in an attribute."""
    posts = "".join(
        f'<div id="post_{n}"><div class="authi"><em>发表于 <span title="2026-11-{n % 9 + 10} 09:11:05">{n % 5 + 1}&nbsp;天前</span></em></div><td class="t_f" id="postmessage_{n}">{t}</td></div>'
        for n, (_, _, t) in enumerate(c.comments(5), start=300)
    )
    return made(
        s,
        f'<html><head><meta charset="utf-8"><title>{s.title} - 听雨论坛 - Powered by Discuz!</title></head><body>{c.nav(6)}<span id="thread_subject">{s.title}</span><div id="postlist"><div id="post_1"><div class="authi"><em>发表于 <span title="2026-11-9 20:10:05">3&nbsp;天前</span></em></div><table><tr><td class="t_f" id="postmessage_1">{"<br>".join(s.paragraphs)}</td></tr></table></div>{posts}</div>{c.foot()}</body></html>',
        "2026-11-09 20:10",
    )


SITES = (
    many_comments,
    excerpts,
    table_forum,
    sections,
    full_of_links,
    bare_list,
    long_sidebar,
    doubled,
    wide_thread,
    stamped_attribute,
)
