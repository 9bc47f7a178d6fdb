"""Pages in the manner of sites that extraction was developed on. All of it is made up."""

from __future__ import annotations

import html
import json

from tests.eval.extract.clutter import Clutter
from tests.eval.extract.page import Page, made
from tests.eval.extract.stories import Story


def old_portal(s: Story, c: Clutter) -> Page:
    """A portal of 2008: tables, GBK, a date line of its own form, an ad inside the text."""
    paras = [f"<p>　　{p}</p>" for p in s.paragraphs]
    paras.insert(
        2,
        '<table align="left"><tr><td><div id="PublicRelation"><!--画中画广告--><a href="/ad/"><img src="ad.gif"></a></div></td></tr></table>',
    )
    return made(
        s,
        f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"><html><head>
<meta http-equiv="Content-type" content="text/html; charset=gb2312" /><title>{s.title}_新闻中心_澎湾网</title>
<meta name="keywords" content="{s.title}">{c.style()}{c.script()}</head><body>
<div id="wrap"><table width="950"><tr><td>{c.nav(20)}</td></tr></table>
<div class="path"><a href="/">新闻中心</a> &gt; <a href="/s/">社会新闻</a> &gt; <a>民生</a> &gt; 正文</div>
<div class="blkContainer"><h1 id="artibodyTitle">{s.title}</h1>
<div class="artInfo"><span id="art_source"><a href="http://paper.example.cn">http://www.example.cn</a></span>　<span id="pub_date">2008年11月06日10:42</span>　<span id="media_name"><a>河口晨报</a></span> <a href="/c">我要评论(<span>36</span>)</a></div>
<!-- 正文内容 begin --><div class="blkContainerSblkCon" id="artibody">{"".join(paras)}
</div><!-- 正文内容 end -->
<div class="blkLinks"><h2>相关专题</h2>{c.items(6)}</div></div>
<div class="side"><h3>新闻排行</h3>{c.items(10)}<h3>图片精选</h3>{c.items(5)}</div>
{c.share()}{c.foot("澎湾网")}</div></body></html>""",
        "2008-11-06 10:42",
        "gb18030",
    )


def nested_tables(s: Story, c: Clutter) -> Page:
    """A paper's site of 2004: five tables deep, br for paragraphs, GBK and no word about it."""
    text = "<br><br>\r\n　　".join(s.paragraphs)
    return made(
        s,
        f"""<html><head><title>{s.title}--社会--河口在线</title>{c.script()}</head><body bgcolor=#ffffff topmargin=0>
<table width=778 border=0 cellspacing=0><tr><td bgcolor=#990000><font color=white>{c.nav(14, " ")}</font></td></tr></table>
<table width=778><tr><td width=560 valign=top><table width="100%"><tr><td><a href=/>河口在线</a> >> <a href=/sh/>社会</a></td><td align=right>2004年6月17日 星期四</td></tr></table>
<table width=98% align=center><tr><td align=center><font size=5 color=#000080><b>{s.title}</b></font></td></tr>
<tr><td align=center><hr size=1><font size=2>2004年06月17日08:21　【字号 <a>大</a> <a>中</a> <a>小</a>】【<a>论坛</a>】【<a>打印</a>】【<a>关闭</a>】</font></td></tr>
<tr><td><table border=0 cellpadding=6><tr><td><font size=3 class=f14>　　{text}</font></td></tr><tr><td align=right>（责任编辑：尤文 ）</td></tr></table></td></tr></table>
<table width=98%><tr><td bgcolor=#eeeeee><b>相关新闻</b></td></tr><tr><td><table>{c.rows(6)}</table></td></tr></table></td>
<td width=218 valign=top bgcolor=#f5f5f5><b>今日要闻</b><table>{c.rows(10)}</table></td></tr></table>
<table width=778><tr><td align=center><font size=2>河口日报社主办 版权所有 未经授权请勿转载<br>Copyright 1999-2004 All Rights Reserved</font></td></tr></table></body></html>""",
        "2004-06-17 08:21",
        "gb18030",
    )


def discuz(s: Story, c: Clutter) -> Page:
    """A Discuz! X thread: the first post is the text, six replies follow, each with a date."""

    def post(number: int, user: str, at: str, body: str) -> str:
        return f"""<div id="post_{number}"><table id="pid{number}" class="plhin" cellspacing="0"><tr><td class="pls" rowspan="2"><div class="pi"><div class="authi"><a class="xw1">{user}</a></div></div>
<div class="tns xg2"><table><tr><th><p><a class="xi2">{number % 97}</a></p>主题</th><th><p><a>{number % 71}</a></p>帖子</th><td><p>{number}</p>积分</td></tr></table></div><p><em>中级会员</em></p></td>
<td class="plc"><div class="pi"><strong><a>{"楼主" if number == 100 else "沙发"}</a></strong><div class="pti"><div class="authi"><em id="authorposton{number}">发表于 {at}</em> <span class="pipe">|</span> <a rel="nofollow">只看该作者</a></div></div></div>
<div class="pct"><div class="pcb"><div class="t_fsz"><table cellspacing="0"><tr><td class="t_f" id="postmessage_{number}">{body}</td></tr></table></div></div></div></td></tr>
<tr><td class="plc plm"><div class="sign">签名：且行且珍惜，买东西记得看差评</div></td></tr><tr><td class="pls"></td><td class="plc"><div class="po hin"><em><a class="fastre">回复</a> <a>支持</a> <a>反对</a></em><a>举报</a></div></td></tr></table></div>"""

    body = (
        '<i class="pstatus"> 本帖最后由 阿绿_1987 于 2026-11-9 08:12 编辑 </i><br /><br />\r\n'
        + "<br />\r\n<br />\r\n".join(s.paragraphs)
    )
    posts = post(100, "阿绿_1987", "2026-11-8 21:17", body) + "".join(
        post(101 + n, u, at, t) for n, (u, at, t) in enumerate(c.comments(6))
    )
    return made(
        s,
        f"""<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><meta http-equiv="Content-Type" content="text/html; charset=gbk" />
<title>{s.title} - 家电维权 - 听雨论坛 - Powered by Discuz!</title><meta name="generator" content="Discuz! X3.4" /><meta name="description" content="{s.paragraphs[0][:40]} ,听雨论坛" />{c.style()}</head>
<body id="nv_forum" class="pg_viewthread"><div id="toptb"><a>设为首页</a><a>收藏本站</a></div><div id="hd">{c.nav(10, "")}</div><div id="pt" class="bm cl"><div class="z"><a>听雨论坛</a> <em>›</em> <a>家电维权</a> <em>›</em> <a>{s.title}</a></div></div>
<div id="ct" class="wp cl"><div id="pgt"><a id="newspecial">发新帖</a><div class="pg"><strong>1</strong><a>2</a><a class="nxt">下一页</a></div></div>
<div id="postlist" class="pl bm"><table><tr><td class="pls ptn pbn"><div class="hm"><span class="xg1">查看:</span> <span class="xi1">1204</span><span class="pipe">|</span><span class="xg1">回复:</span> <span>6</span></div></td>
<td class="plc ptm pbn vwthd"><h1 class="ts"><a>[求助]</a> <span id="thread_subject">{s.title}</span></h1></td></tr></table>{posts}</div>
<div id="f_pst" class="pl bm"><form><textarea></textarea><button>发表回复</button><p>您需要登录后才可以回帖 登录 | 立即注册</p></form></div></div>
<div id="ft"><p>Powered by Discuz! X3.4 © 2001-2023 听雨论坛</p><p>GMT+8, 2026-11-18 10:02 , Processed in 0.043 second(s), 12 queries .</p></div></body></html>""",
        "2026-11-08 21:17",
        "gb18030",
    )


def phpwind(s: Story, c: Clutter) -> Page:
    """A phpwind thread of 2009 with a first post and replies in the same markup."""

    def floor(n: int, user: str, at: str, body: str) -> str:
        return f"""<div class="t5 t2"><table cellspacing="0"><tr class="tr1"><th style="width:20%" rowspan="2"><b>{user}</b><div>级别: 新手上路</div><div>精华: 0</div><div>发帖: {n * 7}</div></th>
<th height="100%" class="r_one"><div class="tiptop"><a class="s3">{n}楼</a> <span class="gray">发表于: {at}</span> <a>小 中 大</a></div><div class="tpc_content"><h1 class="h1">{s.title if n == 0 else ""}</h1><div class="f14" id="read_{n}">{body}</div></div></th></tr></table></div>"""

    posts = floor(0, "江边的老周", "2009-03-12 19:40", "<br>".join(s.paragraphs))
    posts += "".join(
        floor(n, u, at.replace("2026", "2009"), t)
        for n, (u, at, t) in enumerate(c.comments(5), start=1)
    )
    return made(
        s,
        f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=gbk"><title>{s.title} - 业主之家 - Powered by phpwind</title>{c.style()}</head><body>
<div id="header">{c.nav(8)}</div><div id="breadcrumb">业主论坛 » 业主之家 » {s.title}</div><div class="t">本页主题: {s.title} 打印 | 加为IE收藏 | 复制链接</div>{posts}
<div class="bottom">Total 0.061(s) query 5, Time now is:03-18 10:11, Gzip enabled<br>Powered by PHPWind v7.3 Copyright © 2003-09 phpwind.com</div></body></html>""",
        "2009-03-12 19:40",
        "gb18030",
    )


def gov_trs(s: Story, c: Clutter) -> Page:
    """A government office on TRS: an index table, a style inside the text, who published when."""
    text = "".join(
        f'<p style="text-indent:2em"><span style="font-family:宋体">{p}</span></p>'
        for p in s.paragraphs
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="SiteName" content="青塘市市场监督管理局"><meta name="ArticleTitle" content="{s.title}"><meta name="PubDate" content="2026-10-29 16:05"><meta name="ContentSource" content="质量监督科">
<title>{s.title}-青塘市市场监督管理局</title>{c.style()}</head><body><div class="head">{c.nav(12, "")}</div><div class="weizhi">您现在所在的位置：<a>首页</a> > <a>政务公开</a> > <a>通知公告</a></div>
<table class="xxgk"><tr><td>索引号：</td><td>QT0023-2026-00117</td><td>主题分类：</td><td>产品质量监督</td></tr><tr><td>发文机关：</td><td>青塘市市场监督管理局</td><td>成文日期：</td><td>2026年10月27日</td></tr><tr><td>文号：</td><td>青市监通〔2026〕31号</td><td>有效性：</td><td>有效</td></tr></table>
<div class="article-tit"><h2>{s.title}</h2></div><div class="info"><span>发布日期：2026-10-29 16:05</span><span>来源：质量监督科</span><span>浏览次数：<i id="hits"></i></span><span>字体：[<a>大</a> <a>中</a> <a>小</a>]</span></div>
<div class="TRS_UEDITOR trs_paper_default"><style type="text/css">.TRS_Editor P{{line-height:2;font-size:12pt}}</style>{text}</div>
<div class="fj"><p>附件：<a href="P020261029.doc">不合格产品名单.doc</a></p></div><div class="dy"><a>【打印本页】</a><a>【关闭窗口】</a></div><div class="qr">扫一扫在手机打开当前页</div>
<div class="foot">主办：青塘市市场监督管理局 承办：局信息中心 网站标识码：0000000000 地址：青塘市人民路1号 建议使用1024*768以上分辨率</div></body></html>""",
        "2026-10-29 16:05",
    )


def spa_jsonld(s: Story, c: Clutter) -> Page:
    """A one-page application: what is shown is empty, the article stands in JSON-LD."""
    linked = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": s.title,
        "datePublished": "2026-11-12T09:31:00+08:00",
        "dateModified": "2026-11-13T10:00:00+08:00",
        "author": {"@type": "Person", "name": "乔安"},
        "publisher": {"@type": "Organization", "name": "前哨财经"},
        "articleBody": "\n".join(s.paragraphs),
    }
    return made(
        s,
        f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{s.title} | 前哨财经</title><meta property="og:title" content="{s.title}">
<script type="application/ld+json">{json.dumps(linked, ensure_ascii=False)}</script><link rel="stylesheet" href="/_a/app.9c1.css"></head><body><noscript>您需要启用 JavaScript 才能运行此应用</noscript><div id="app"></div><script src="/_a/chunk.2f.js"></script></body></html>""",
        "2026-11-12 09:31",
    )


def next_data(s: Story, c: Clutter) -> Page:
    """A Next.js page that carries its article in __NEXT_DATA__ and shows a skeleton."""
    data = {
        "props": {
            "pageProps": {
                "layout": {"menu": c.heads(8)},
                "article": {
                    "id": 88121,
                    "title": s.title,
                    "publishTime": "2026-11-14 07:45:00",
                    "author": {"name": "夏木"},
                    "content": "".join(f"<p>{p}</p>" for p in s.paragraphs),
                },
                "recommend": [
                    {
                        "title": t,
                        "summary": t + "，详情请看正文报道。",
                        "publishTime": "2026-11-15 12:00:00",
                    }
                    for t in c.heads(6)
                ],
            }
        },
        "page": "/news/[id]",
        "buildId": "kz91",
    }
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh"><head><meta charSet="utf-8"/><title>{s.title} - 新锐商业</title><meta name="viewport" content="width=device-width"/></head>
<body><div id="__next"><header><nav>{c.nav(6, "")}</nav></header><main><div class="skeleton"><div class="skeleton-line"></div><div class="skeleton-line"></div></div></main><footer>© 2026 新锐商业 | 用户协议 | 隐私政策</footer></div>
<script id="__NEXT_DATA__" type="application/json">{json.dumps(data, ensure_ascii=False).replace("</", "<" + chr(92) + "/")}</script></body></html>""",
        "2026-11-14 07:45",
    )


def initial_state(s: Story, c: Clutter) -> Page:
    """A note of a social platform: window.__INITIAL_STATE__ that is JavaScript, not JSON."""
    state = json.dumps(
        {
            "user": {"loggedIn": False},
            "note": {
                "noteDetailMap": {
                    "64a": {
                        "comments": [
                            {"content": t, "time": 1763000000000} for _, _, t in c.comments(4)
                        ],
                        "note": {
                            "title": s.title,
                            "desc": "\n".join(s.paragraphs),
                            "time": 1793953800000,
                            "user": {"nickname": "kiki在努力"},
                            "tagList": ["避雷"],
                        },
                    }
                }
            },
        },
        ensure_ascii=False,
    )
    state = state.replace('"loggedIn": false', '"loggedIn": false, "token": undefined')
    return made(
        s,
        f"""<!doctype html><html><head><meta charset="utf-8"><title>{s.title} - 青橘笔记</title><meta name="description" content="{s.paragraphs[0][:60]}"></head><body><div id="app"><div class="loading"></div></div>
<script>window.__INITIAL_STATE__={state}</script><script src="/v.js"></script></body></html>""",
        "2026-11-06 16:30",
    )


def public_account(s: Story, c: Clutter) -> Page:
    """An article of a public account: nested sections, a hidden body, the date in a script."""
    text = "".join(
        f'<section style="margin:0 8px"><section><p style="line-height:1.75em"><span style="font-size:15px;letter-spacing:1px">{p}</span></p><p><br></p></section></section>'
        for p in s.paragraphs
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><meta property="og:title" content="{s.title}" /><meta property="og:type" content="article" /><meta name="author" content="老秦" /><title></title>{c.style()}</head>
<body id="activity-detail" class="zh_CN mm_appmsg"><div id="js_article" class="rich_media"><div class="rich_media_inner"><div id="page-content" class="rich_media_area_primary"><div id="img-content"><h1 class="rich_media_title" id="activity-name">
{s.title}
</h1><div id="meta_content" class="rich_media_meta_list"><span class="rich_media_meta rich_media_meta_text">老秦</span><span class="rich_media_meta rich_media_meta_nickname" id="profileBt"><a id="js_name">河口生活圈</a></span><em id="publish_time" class="rich_media_meta rich_media_meta_text"></em></div>
<div class="rich_media_content" id="js_content" style="visibility: hidden;">{text}<p style="text-align:center"><img data-src="https://img.example.cn/640.png"></p></div>
<script>var first_sceen__time = (+new Date());</script></div></div><div class="rich_media_area_extra"><p>预览时标签不可点</p><p>微信扫一扫 关注该公众号</p><p>继续滑动看下一个</p><p>轻触阅读原文</p><div>向上滑动看下一个</div></div></div></div>
<script>var biz = "MzA3"; var ct = "1794009600"; var createTime = "2026-11-07 08:00"; var nickname = "河口生活圈";var msg_title = '{s.title}';</script></body></html>""",
        "2026-11-07 08:00",
    )


def feed_platform(s: Story, c: Clutter) -> Page:
    """A feed platform's article page with hashed class names and a video list beside it."""
    text = "".join(f'<p data-track="{n}">{p}</p>' for n, p in enumerate(s.paragraphs))
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}-今日快讯</title><meta name="description" content="{s.paragraphs[0][:80]}"></head><body><div class="tt-header">{c.nav(9, "")}</div><div class="main"><div class="left-sidebar"><div>评论 36</div><div>分享</div></div>
<div class="article-content"><h1>{s.title}</h1><div class="article-meta"><span>2026-11-15 18:26</span><span class="dot">·</span><span class="name"><a>都市热线</a></span></div><article class="syl-article-base tt-article-content syl-page-article">{text}</article></div>
<div class="tag"><a>维权</a><a>消费</a></div><div class="feed">{"".join(f'<div class="feed-card"><a class="title">{h}</a><div class="footer-bar"><span>{c.user()}</span> <span>{n}评论</span> <span>{n + 1}小时前</span></div></div>' for n, h in enumerate(c.heads(9), start=3))}</div></div>
<div class="right-sidebar"><h2>热榜</h2>{c.items(10)}</div>{c.foot("今日快讯")}</body></html>""",
        "2026-11-15 18:26",
    )


def media_platform(s: Story, c: Clutter) -> Page:
    """A portal's media platform: disclaimers at the end of the text are not text."""
    text = "".join(f"<p>{p}</p>\n" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"/><meta itemprop="datePublished" content="2026-11-10 12:33" /><meta property="og:title" content="{s.title}"/><title>{s.title}_消费者_记者_售后</title></head><body class="article-page"><header id="main-header">{c.nav(15, "")}</header>
<div class="wrapper-box"><div id="article-container"><div class="left main"><div class="text"><div class="text-title"><h1>{s.title}</h1><div class="article-info"><span class="time" id="news-time" data-val="1794285180000">2026-11-10 12:33</span> 来源: <a>河口都市报</a></div></div>
<article class="article" id="mp-editor">{text}<p><a class="backsohu">返回某狐，查看更多</a></p></article><div class="statement">平台声明：该文观点仅代表作者本人，本平台系信息发布平台，仅提供信息存储空间服务。</div><div class="bottom-relate-wrap"><span class="read-wrap">阅读 (<em>2034</em>)</span></div></div>
<div class="comment-wrap"><h2>网友评论</h2>{c.comment_list(4)}</div></div><div class="sidebar right"><h3>推荐阅读</h3>{c.items(10, dated=True)}</div></div></div>{c.foot()}</body></html>""",
        "2026-11-10 12:33",
    )


def mail_portal(s: Story, c: Clutter) -> Page:
    """A mail portal's news: the body opens with the date line, the editor's mark closes it."""
    text = "".join(f'<p id="{n}P">{p}</p>' for n, p in enumerate(s.paragraphs))
    return made(
        s,
        f"""<!DOCTYPE HTML><html id="ne_wrap" data-publishtime="2026-11-03 08:21:07"><head><meta charset="utf-8"><title>{s.title}|消费|维权|售后_某易新闻</title><meta property="article:published_time" content="2026-11-03T08:21:07+08:00"></head><body>{c.script()}<div class="N-nav-bottom">{c.nav(18, "")}</div>
<div class="container clearfix" id="container"><div class="post_main"><div class="post_crumb"><a>某易首页</a> &gt; <a>新闻中心</a> &gt; 正文</div><h1 class="post_title">{s.title}</h1><div class="post_info">2026-11-03 08:21:07　来源: <a>北城晚报</a>　<a>举报</a></div><div class="post_content" id="content"><div class="post_side"><div>分享至</div></div>
<div class="post_body"><p class="f_center"><img src="x.jpeg"><br></p>{text}</div><div class="post_author"><img src="end.png">本文来源：北城晚报　责任编辑：柯然_NN1024</div></div><div class="post_recommends"><h3>相关推荐</h3>{c.items(8)}</div><div class="tie-area"><h3>热门跟贴</h3>{c.comment_list(3)}</div></div><div class="post_area_side">{c.items(9)}</div></div>{c.foot()}</body></html>""",
        "2026-11-03 08:21",
    )


def answer_page(s: Story, c: Clutter) -> Page:
    """One answer of a question-and-answer site, with other answers cut short below it."""
    text = "".join(f'<p data-pid="{n}x">{p}</p>' for n, p in enumerate(s.paragraphs))
    more = "".join(
        f'<div class="List-item"><div class="AnswerItem"><div class="AuthorInfo"><meta itemprop="name" content="{u}"/>{u}</div><div class="RichContent is-collapsed"><div class="RichContent-inner"><span>{t}…</span><button>阅读全文</button></div></div><div class="ContentItem-time">发布于 {at}</div></div></div>'
        for u, at, t in c.comments(3)
    )
    return made(
        s,
        f"""<!doctype html><html lang="zh"><head><meta charSet="utf-8"/><title data-rh="true">{s.title} - 知答</title></head><body><div id="root"><header>{c.nav(5, "")}<button>登录</button></header><div class="QuestionPage" itemProp="mainEntity" itemscope="" itemType="http://schema.org/Question"><meta itemProp="dateCreated" content="2024-02-02T01:00:00.000Z"/><div class="QuestionHeader"><h1 class="QuestionHeader-title">{s.title}</h1><div class="QuestionHeader-footer"><button>关注问题</button><button>写回答</button></div></div>
<div class="Question-main"><div class="Card AnswerCard"><div class="ContentItem AnswerItem"><div class="ContentItem-meta"><div class="AuthorInfo"><span class="UserLink">修表匠</span><div>家电维修十五年</div></div><span>1,204 人赞同了该回答</span></div><div class="RichContent RichContent--unescapable"><div class="RichContent-inner"><span class="RichText ztext CopyrightRichText-richText" itemProp="text">{text}</span></div><div><div class="ContentItem-time"><a><span data-tooltip="发布于 2026-11-09 21:03">编辑于 2026-11-10 07:30</span></a></div></div><div class="ContentItem-actions"><button>赞同 1204</button><button>36 条评论</button><button>收藏</button></div></div></div></div>{more}</div>
<div class="Question-sideColumn"><div>关于作者</div><div>相关问题</div>{c.items(6)}</div></div></div></body></html>""",
        "2026-11-09 21:03",
    )


def old_blog(s: Story, c: Clutter) -> Page:
    """A blog host of 2012: time in brackets beside the headline, visitors and counters around."""
    text = "".join(f"<div><font face=宋体>{p}</font></div><div>&nbsp;</div>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"/><title>{s.title}_麦田里的风_某浪博客</title></head><body><div id="sinablogbody"><div class="bloghead"><h1 id="blogname"><a>麦田里的风的博客</a></h1><div class="blognav">{c.nav(5, "")}</div></div><div id="column_1"><div class="info_list"><p>博客等级：12</p><p>博客访问：36,120</p><p>关注人气：88</p></div><h3>相关博文</h3>{c.items(6)}<h3>访客</h3><p>加载中…</p></div>
<div id="column_2"><div id="articlebody" class="artical"><div class="articalTitle"><h2 id="t_5f" class="titName SG_txta">{s.title}</h2> <span class="time SG_txtc">(2012-03-05 22:41:09)</span></div><div class="articalTag"><table><tr><td><span>标签：</span><h3><a>杂谈</a></h3></td><td>分类：<a>生活</a></td></tr></table></div>
<div id="sina_keyword_ad_area2" class="articalContent newfont_family">{text}</div><div class="shareUp">分享：<a>喜欢</a> 0 赠金笔</div><div class="articalInfo">阅读<span>(1024)</span>┊ 评论 (3)┊ 收藏(0)┊转载(0) ┊ 举报</div><div class="articalfrontback"><div>前一篇：{c.heads(1)[0]}</div><div>后一篇：{c.heads(1)[0]}</div></div></div><div class="allComm"><h3>评论</h3>{c.comment_list(3)}</div></div></div>{c.foot()}</body></html>""",
        "2012-03-05 22:41",
    )


def long_post(s: Story, c: Clutter) -> Page:
    """A long post of a microblog: an editor frame without any semantic tag."""
    text = "".join(f'<p align="justify">{p}</p>' for p in s.paragraphs)
    return made(
        s,
        f"""<html><head><meta charset="utf-8"><title>{s.title}</title></head><body class="B_artical"><div class="WB_artical"><div class="main_toppic"></div><div class="main_editor"><div class="title">{s.title}</div><div class="authorinfo"><span class="writer"><em class="W_autocut">江边的老周</em></span><span class="time">11-11 20:15</span><span class="num">阅读：36万+</span></div><div class="preface">摘要：写给正在犹豫的人</div><div class="WB_editor_iframe_new" node-type="contentBody">{text}</div>
<div class="artical_add_box">以上内容版权归作者所有 <a>举报文章</a></div></div><div class="WB_feed_handle"><a>转发 12</a><a>评论 88</a><a>赞 301</a></div></div><div class="pl_article_recommend"><h4>作者的其他文章</h4>{c.items(5)}</div></body></html>""",
        "month-day 11-11 20:15",
    )


def complaint_board(s: Story, c: Clutter) -> Page:
    """A complaint platform: facts in a list, then what the consumer wrote, then the steps."""
    body = "".join(s.paragraphs)
    s = Story(s.title, (body,))
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}-鸣鼓投诉</title><meta name="description" content="{body[:90]}"></head><body><div class="head">{c.nav(6, "")}<a>我要投诉</a></div><div class="ts-detail-wrap"><h1 class="article">{s.title}</h1><div class="ts-q-user"><span class="u-name">匿名</span><span class="u-date">于2026年11月05日 13:20 发布</span></div>
<ul class="ts-q-list"><li><label>投诉编号：</label>17393021</li><li><label>投诉对象：</label><a>澜禾官方旗舰店</a></li><li><label>投诉问题：</label>虚假宣传，拒不退款</li><li><label>投诉要求：</label>退款 道歉</li><li><label>涉诉金额：</label>869元</li><li><label>投诉进度：</label>处理中</li></ul>
<div class="ts-reply-txt"><p>{body}</p></div><div class="ts-d-steps"><h3>投诉进程</h3><div class="u-item"><span>商家</span><span>2026-11-06 09:11</span><p>您好，已收到您的反馈，会尽快安排专人与您联系。</p></div><div class="u-item"><span>平台</span><span>2026-11-05 14:00</span><p>已通知商家处理</p></div></div></div><div class="side"><h3>热门投诉</h3>{c.items(8)}</div>{c.foot("鸣鼓投诉")}</body></html>""",
        "2026-11-05 13:20",
    )


def trade_news(s: Story, c: Clutter) -> Page:
    """A trade paper: rendered text with a relative date, the exact instant in the page's state."""
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    state = {
        "articleDetail": {
            "articleDetailData": {
                "data": {
                    "publishTime": 1794358860000,
                    "widgetTitle": s.title,
                    "widgetContent": text,
                }
            }
        },
        "recommend": [{"title": h, "publishTime": 1790000000000} for h in c.heads(4)],
    }
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="UTF-8"/><meta property="og:title" content="{s.title}-某氪"/><title>{s.title}-某氪</title></head><body><div id="app"><div class="kr-header">{c.nav(9, "")}</div><div class="kr-article"><div class="article-wrapper common-width"><h1 class="article-title margin-bottom-20 common-width">{s.title}</h1><div class="article-title-icon common-width margin-bottom-40"><a class="title-icon-item item-a">消费雷达</a><span class="title-icon-item item-time">·2小时前</span></div><div class="summary">一件小事背后，是整个行业的老毛病。</div>
<div class="common-width content articleDetailContent kr-rich-text-wrapper">{text}</div><div class="article-footer-txt"><p>本文由「消费雷达」原创出品，转载或内容合作请联系某氪官方。</p></div></div><div class="kr-recommend"><h4>下一篇</h4>{c.items(3)}</div><div class="comment">{c.comment_list(2)}</div></div></div><script>window.initialState={json.dumps(state, ensure_ascii=False)}</script></body></html>""",
        "2026-11-11 09:01",
    )


def taiwan_paper(s: Story, c: Clutter) -> Page:
    """A Taiwanese daily: traditional text, ads between paragraphs, "further reading" inside."""
    paras = [f"<p>{p}</p>" for p in s.paragraphs]
    paras.insert(2, '<div class="inline-ads"><div id="div-gpt-ad"></div></div>')
    paras.insert(
        4,
        f'<p><!--1--></p><figure class="article-content__image"><picture><img src="a.jpg"></picture><figcaption>示意圖。記者韓明／攝影</figcaption></figure><div class="article-content__related"><h3>延伸閱讀</h3><a>{c.heads(1)[0]}</a></div>',
    )
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh-Hant"><head><meta charset="utf-8"><title>{s.title} | 生活新聞 | 生活 | 聯晚新聞網</title><meta property="og:title" content="{s.title} | 生活新聞 | 生活 | 聯晚新聞網"><meta name="date.available" content="2026/11/13 09:30:00"><script type="application/ld+json">{json.dumps({"@type": "NewsArticle", "headline": s.title, "datePublished": "2026-11-13T09:30:00+08:00", "description": s.paragraphs[0][:60], "author": {"@type": "Person", "name": "聯晚／記者韓明"}}, ensure_ascii=False)}</script></head>
<body><nav>{c.nav(12, "")}</nav><main><article class="article-content"><h1 class="article-content__title">{s.title}</h1><section class="article-content__info"><div class="article-content__subinfo"><section class="authors"><time class="article-content__time">2026-11-13 09:30</time><span class="article-content__author">聯晚／ 記者<a>韓明</a>／台北即時報導</span></section></div></section><section class="article-content__editor">{"".join(paras)}</section><section class="keywords"><a>消費</a><a>客服</a></section></article><section class="discuss"><h2>熱門留言</h2>{c.comment_list(3)}</section></main><aside><h2>熱門文章</h2>{c.items(8, dated=True)}</aside>{c.foot("聯晚新聞網")}</body></html>""",
        "2026-11-13 09:30",
        traditional=True,
    )


def hongkong_table(s: Story, c: Clutter) -> Page:
    """A Hong Kong paper of 2006 in Big5, declared by nobody, text in one cell."""
    text = "<p>".join(s.paragraphs)
    return made(
        s,
        f"""<html><head><title>{s.title} - 港報</title>{c.style()}</head><body><table width="760"><tr><td colspan=3>{c.nav(9)}</td></tr><tr><td width=130 valign=top>{c.nav(8, "<br>")}</td><td valign=top><table width=100%><tr><td class=date>2006年10月20日　星期五</td></tr><tr><td class=headline><b>{s.title}</b></td></tr><tr><td class=newscontent><p>{text}</td></tr></table></td><td width=160 valign=top><table>{c.rows(8)}</table></td></tr></table><p align=center>港報有限公司版權所有 不得轉載</p></body></html>""",
        "2006-10-20 00:00",
        "big5hkscs",
        traditional=True,
    )


def press_wire(s: Story, c: Clutter) -> Page:
    """A press release wire: the place and date open the text, sources close it."""
    first = f"河口2026年11月4日 /某讯社/ -- {s.paragraphs[0]}"
    s = Story(s.title, (first, *s.paragraphs[1:]))
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title} -某讯社</title><meta property="article:published_time" content="2026-11-04 10:00"><meta name="description" content="{s.paragraphs[0][:60]}"></head><body><div class="top">{c.nav(8)}</div><div id="content-container"><h1 id="content-title">{s.title}</h1><div id="content-title-meta"><p class="provider">澜禾电器</p><p><span id="dateSection"><em>2026-11-04 10:00</em></span> <span>1204</span></p></div><div id="dvContent"><div id="dvContentBody">{"".join(f"<p>{p}</p>" for p in s.paragraphs)}</div></div><div class="source">消息来源：澜禾电器</div><div class="relate"><h3>相关股票</h3><p>LANHE:000</p><h3>相关新闻</h3>{c.items(5, dated=True)}</div></div>{c.foot()}</body></html>""",
        "2026-11-04 10:00",
    )


def recall_table(s: Story, c: Clutter) -> Page:
    """A recall notice with a table of models that belongs to its text."""
    cells = (
        "产品名称",
        "型号",
        "生产起止日期",
        "数量（台）",
        "电热水壶",
        "FL-1806",
        "2025年3月至2025年9月",
        "12840",
        "电热水壶",
        "FL-1807",
        "2025年5月至2025年8月",
        "3310",
    )
    table = (
        "<table border=1>"
        + "".join(
            "<tr>" + "".join(f"<td><p>{x}</p></td>" for x in cells[n : n + 4]) + "</tr>"
            for n in range(0, 12, 4)
        )
        + "</table>"
    )
    text = (
        "".join(f"<p>{p}</p>" for p in s.paragraphs[:3])
        + table
        + "".join(f"<p>{p}</p>" for p in s.paragraphs[3:])
    )
    whole = Story(s.title, (*s.paragraphs[:3], *cells, *s.paragraphs[3:]))
    return made(
        whole,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>缺陷产品管理中心 {s.title}</title></head><body><div class="header">{c.nav(7, "")}</div><div class="bread">当前位置：首页 &gt; 召回公告</div><div class="show_cont"><div class="show_tit">{s.title}</div><div class="show_xx">发布时间：2026-09-18　来源：缺陷产品管理中心　阅读：3021</div><div class="show_txt">{text}</div><div class="show_page"><p>上一篇：{c.heads(1)[0]}</p><p>下一篇：{c.heads(1)[0]}</p></div></div><div class="left_nav"><a>消费品召回</a><a>汽车召回</a><a>召回指南</a></div>{c.foot()}</body></html>""",
        "2026-09-18 00:00",
    )


def paged(s: Story, c: Clutter) -> Page:
    """Page one of three: the pager stands inside the text's box."""
    text = "".join(f"<p>　　{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"><title>{s.title}_家电频道_泡泡在线</title>{c.script()}</head><body><div class="nav">{c.nav(14, "")}</div><div class="position"><a>泡泡在线</a> &gt; <a>家电</a> &gt; 正文</div><div class="article_left"><h1>{s.title}</h1><div class="article_info">作者：毕小楠　出处：泡泡在线 原创　<span>2013-08-22 09:15</span>　<a>评论(12)</a></div><div class="article_content" id="article_content">{text}<div class="pagebar"><a>上一页</a><b>1</b><a>2</a><a>3</a><a>下一页</a><a>全文阅读</a></div></div><div class="article_tag">关键词：<a>家电</a> <a>维修</a></div><div class="hot"><h3>热门文章</h3>{c.items(8, dated=True)}</div></div>{c.foot()}</body></html>""",
        "2013-08-22 09:15",
        "gb18030",
    )


def short_notice(s: Story, c: Clutter) -> Page:
    """Two sentences amid a page of menus; no date anywhere but in lists and the copyright."""
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}_帮助中心</title></head><body><div class="top">{c.nav(20, "")}</div><div class="layout"><div class="menu"><h3>帮助分类</h3><ul><li>账户安全</li><li>充值提现</li><li>优惠活动</li><li>发票说明</li></ul></div><div class="cont"><h2>{s.title}</h2><div class="notice-body"><p>{s.paragraphs[0]}</p><p>{s.paragraphs[1]}</p></div><div class="helpful">以上内容对您有帮助吗？<a>有帮助</a><a>没帮助</a></div></div><div class="side"><h3>最新公告</h3>{c.items(8, dated=True)}</div></div>{c.foot()}</body></html>""",
        "",
    )


def picture_story(s: Story, c: Clutter) -> Page:
    """More pictures than text, each with a caption of its own."""
    text = "".join(
        f'<p style="text-align:center"><img src="{n}.jpg" alt="图{n}" width="600"></p><p>{p}</p>'
        for n, p in enumerate(s.paragraphs)
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title} - 图说河口 - 河口新闻网</title><meta name="publishdate" content="2026-10-08"></head><body><div class="nav">{c.nav(12)}</div><div class="main_l"><h1>{s.title}</h1><div class="laiyuan">2026-10-08 15:47:00 来源：河口新闻网 作者：卞青 编辑：蓝天</div><div class="zw">{text}</div><div class="gy"><h4>更多图集</h4>{"".join(f'<a><img src="t.jpg">{h}</a>' for h in c.heads(8))}</div></div><div class="main_r">{c.items(10)}</div>{c.foot()}</body></html>""",
        "2026-10-08 15:47",
    )


def breaks_only(s: Story, c: Clutter) -> Page:
    """A small site: the text is a div with line breaks, undated, the year only at the bottom."""
    text = "<br/><br/>".join(s.paragraphs)
    return made(
        s,
        f"""<html><head><meta charset="utf-8"><title>{s.title}</title></head><body><div id="menu"><a>回首页</a> <a>留言本</a> <a>友情链接</a></div><div id="main"><h3>{s.title}</h3><div id="txt">{text}</div><p><a>返回上一页</a></p></div><div id="links">友情链接：{c.nav(12, " ")}</div><div id="foot">© 2009-2026 一只柚子的小站 保留所有权利</div></body></html>""",
        "",
    )


def hashed_divs(s: Story, c: Clutter) -> Page:
    """No p, no meaning in class names, no date: what a bundler of 2026 leaves."""
    text = "".join(f'<div class="_3x9f">{p}</div>' for p in s.paragraphs)
    return made(
        s,
        f"""<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(s.title)} · 半岛</title></head><body><div class="_1a"><div class="_2b">{c.nav(8, "")}</div><div class="_7k"><div class="_9z">{s.title}</div><div class="_0p"><div class="_5t">{text}</div></div><div class="_6r"><div class="_6s">喜欢 301</div><div class="_6s">收藏</div><div class="_6s">分享</div></div><div class="_c1">{"".join(f'<div class="_c2"><div class="_c3">{u}</div><div class="_c4">{t}</div><div class="_c5">{at}</div></div>' for u, at, t in c.comments(5))}</div></div><div class="_8m">{"".join(f'<div class="_8n"><a>{h}</a></div>' for h in c.heads(10))}</div></div></body></html>""",
        "",
    )


SITES = (
    old_portal,
    nested_tables,
    discuz,
    phpwind,
    gov_trs,
    spa_jsonld,
    next_data,
    initial_state,
    public_account,
    feed_platform,
    media_platform,
    mail_portal,
    answer_page,
    old_blog,
    long_post,
    complaint_board,
    trade_news,
    taiwan_paper,
    hongkong_table,
    press_wire,
    recall_table,
    paged,
    short_notice,
    picture_story,
    breaks_only,
    hashed_divs,
)
