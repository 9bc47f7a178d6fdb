"""Pages in the manner of other sites, kept apart: extraction is measured on them, never fitted."""

from __future__ import annotations

import json

from tests.eval.extract.clutter import Clutter
from tests.eval.extract.page import Page, made
from tests.eval.extract.stories import Story


def amp(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!doctype html><html amp lang="zh-cmn-Hans"><head><meta charset="utf-8"><title>{s.title} - 掌上快报</title><link rel="canonical" href="https://www.example.cn/a/1.html"><style amp-boilerplate>body{{animation:none}}</style>
<script type="application/ld+json">{{"@context":"http://schema.org","@type":"NewsArticle","mainEntityOfPage":"https://www.example.cn/a/1.html","headline":"{s.title}","datePublished":"2026-11-02T14:05:00+08:00","author":{{"@type":"Organization","name":"掌上快报"}}}}</script></head>
<body><amp-sidebar id="s">{c.items(8)}</amp-sidebar><header><a>掌上快报</a></header><article><h1>{s.title}</h1><p class="meta"><span>掌上快报</span> <time>11-02 14:05</time></p><amp-img src="1.jpg" alt="配图"></amp-img><div class="content">{text}</div></article><section class="recommend"><h2>猜你喜欢</h2>{c.items(7)}</section><amp-ad type="x"></amp-ad>{c.foot("掌上快报")}</body></html>""",
        "2026-11-02 14:05",
    )


def microdata(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title} « 慢生活研究所</title></head><body><div id="sidebar"><h3>近期文章</h3>{c.items(8, dated=True)}<h3>近期评论</h3>{c.items(4)}<h3>归档</h3><ul><li>2026年十月</li><li>2026年九月</li></ul></div>
<div itemscope itemtype="http://schema.org/BlogPosting" class="post"><h2 itemprop="headline">{s.title}</h2><div class="by">由 <span itemprop="author">苏禾</span> 发布于 <meta itemprop="datePublished" content="2026-10-21T20:18:00+08:00">10 月 21 日</div><div itemprop="articleBody">{text}</div><div class="lic">本文采用知识共享署名许可协议，转载请注明出处</div></div><div id="comments"><h3>5 条评论</h3>{c.comment_list(5)}</div>{c.foot()}</body></html>""",
        "2026-10-21 20:18",
    )


def coder_blog(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{s.title}-码农客栈</title><meta name="description" content="文章浏览阅读1.2k次，点赞3次。{s.paragraphs[0][:60]}"></head><body><div id="toolbar">{c.nav(8, "")}</div><div class="main_father"><div class="container"><main><div class="blog-content-box"><div class="article-header"><h1 class="title-article">{s.title}</h1><div class="article-info-box"><span class="article-type-img">原创</span><a class="follow-nickName">半夜磨咖啡</a><span class="time">已于&nbsp;2026-09-30 11:02:13&nbsp;修改</span><span class="read-count">阅读量1.2k</span></div><div class="up-time">于&nbsp;2026-09-29 23:40:55&nbsp;首次发布</div></div><article class="baidu_pl"><div id="article_content" class="article_content clearfix"><div id="content_views" class="markdown_views prism">{text}</div></div></article></div><div class="recommend-box">{"".join(f'<div class="recommend-item-box"><a><div class="title">{h}</div></a><div class="desc">{h}，{c.comments(1)[0][2]}。</div><span>{c.day()}</span></div>' for h in c.heads(6))}</div><div class="comment-box">{c.comment_list(3)}</div></main><aside>{c.items(6)}<div>分类专栏</div></aside></div></div>{c.foot()}</body></html>""",
        "2026-09-29 23:40",
    )


def template_cms(s: Story, c: Clutter) -> Page:
    text = "<br />\r\n&nbsp;&nbsp;&nbsp; ".join(s.paragraphs)
    return made(
        s,
        f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"><title>{s.title}_北城资讯网</title>{c.style()}{c.script()}</head><body><div class="header"><div class="navbox">{c.nav(14)}</div></div><div class="place"><strong>当前位置:</strong> <a>主页</a>&gt;<a>新闻</a>&gt;</div>
<div class="pleft"><div class="viewbox"><div class="title"><h2>{s.title}</h2></div><div class="info"><small>时间:</small>2011-07-19 09:37<small>来源:</small>北城资讯网 <small>作者:</small>佚名 <small>点击:</small><script src="/plus/count.php"></script>次</div><div class="intro">{s.paragraphs[0][:60]}...</div><div class="content"><table width='100%' border='0'><tr><td>{text}<br /></td></tr></table></div><div class="dede_pages"><ul class="pagelist"></ul></div><div class="newdigg">顶一下 (12) 92.31% 踩一下 (1) 7.69%</div><div class="context"><ul><li>上一篇：<a>{c.heads(1)[0]}</a></li><li>下一篇：<a>{c.heads(1)[0]}</a></li></ul></div></div><div class="mt1">最新评论 {c.comment_list(2)}</div></div><div class="pright"><dl><dt>推荐内容</dt><dd>{c.items(8)}</dd></dl><dl><dt>热点内容</dt><dd>{c.items(8)}</dd></dl></div>{c.foot("北城资讯网")}</body></html>""",
        "2011-07-19 09:37",
        "gb18030",
    )


def taiwan_daily(s: Story, c: Clutter) -> Page:
    paras = [f"<p>{p}</p>" for p in s.paragraphs]
    paras.insert(1, '<p class="before_ir">请继续往下阅读...</p>')
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh-Hant-TW"><head><meta charset="utf-8"><title>{s.title} - 生活 - 自在时报电子报</title><meta property="og:title" content="{s.title} - 生活 - 自在时报电子报"><meta name="pubdate" content="2026-11-01T05:30:00+08:00"></head><body><div class="ltnheader">{c.nav(14, "")}</div><section class="content"><div class="breadcrumbs">首页 &gt; 生活</div><div class="whitecon articlebody" itemprop="articleBody"><h1>{s.title}</h1><div class="text boxTitle boxText"><span class="time">2026/11/01 05:30</span><div class="photo"><img><p>自在时报资料照</p></div>{"".join(paras)}<p class="appE1121">不用抽 不用抢 现在用APP看新闻 保证天天中奖 点我下载APP 按我看活动办法</p></div></div><div class="related">{c.items(6)}</div></section><div class="side">热门新闻{c.items(8)}</div>{c.foot("自在时报")}</body></html>""",
        "2026-11-01 05:30",
        traditional=True,
    )


def gov_zoom(s: Story, c: Clutter) -> Page:
    s = Story(s.title, (*s.paragraphs, "缺陷产品管理办公室", "2026年8月14日"))
    text = "".join(f"<p>　　{p}</p>" for p in s.paragraphs[:-2]) + "".join(
        f'<p align="right">{p}</p>' for p in s.paragraphs[-2:]
    )
    return made(
        s,
        f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>{s.title}</title></head><body><table width="1000" align="center"><tr><td>{c.nav(9)}</td></tr></table><table width="1000" align="center" class="bt"><tr><td class="title">{s.title}</td></tr><tr><td align="center">中央政府门户网站　www.example.cn　　2026年08月14日 17时10分　　　来源：监管总署网站</td></tr><tr><td class="p1"><div id="zoom"><ucapcontent>{text}</ucapcontent></div></td></tr><tr><td align="right">【<a>E-mail推荐</a>】 责任编辑：舒朗</td></tr><tr><td><b>相关链接</b><table>{c.rows(4)}</table></td></tr></table><div align=center>版权所有：政府门户网站 网站标识码 0000000001</div></body></html>""",
        "2026-08-14 17:10",
    )


def telnet_board(s: Story, c: Clutter) -> Page:
    text = "<br>".join(s.paragraphs)
    head = "发信人: nightcoffee (磨咖啡), 信区: Consumer<br>标&nbsp;&nbsp;题: {t}<br>发信站: 听雨站 (Wed Sep 21 23:10:42 2011), 站内<br>"
    replies = "".join(
        f'<table class="article"><tr class="a-head"><td class="a-left"><span class="a-u-name">{u}</span></td><td><samp>{n}楼</samp></td></tr><tr class="a-body"><td class="a-left"></td><td class="a-content"><p>发信人: {u}, 信区: Consumer<br>{t}<br><br>【 在 nightcoffee 的大作中提到: 】<br>: {s.paragraphs[0][:36]}<br>: ...................</p></td></tr></table>'
        for n, (u, _, t) in enumerate(c.comments(4), start=1)
    )
    return made(
        s,
        f"""<html><head><meta charset="gbk"><title>{s.title}-听雨社区</title></head><body><div class="b-head"><span>文章主题：{s.title}</span></div><div class="b-content corner"><a name="a0"></a><table class="article"><tr class="a-head"><td class="a-left"><span class="a-u-name"><a>nightcoffee</a></span></td><td><ul class="a-func"><li>回复</li><li>转寄</li></ul><samp class="ico-pos-index">楼主</samp></td></tr><tr class="a-body"><td class="a-left">身份: 用户<br>文章: 120<br>积分: 3012</td><td class="a-content"><p>{head.format(t=s.title)}<br>{text}<br>--<br>※ 来源:·听雨站·[FROM: 10.0.0.*]</p></td></tr></table>{replies}</div><div class="page">1 2 3 &gt;&gt;</div></body></html>""",
        "2011-09-21 23:10",
        "gb18030",
    )


def post_bar(s: Story, c: Clutter) -> Page:
    def floor(n: int, u: str, at: str, body: str) -> str:
        return f"""<div class="l_post j_l_post l_post_bright" data-field="{{}}"><div class="d_author"><ul class="p_author"><li class="d_name"><a class="p_author_name">{u}</a></li><li class="d_badge">{n + 4}</li></ul></div><div class="d_post_content_main"><div class="p_content"><cc><div id="post_content_{n}77" class="d_post_content j_d_post_content clearfix">            {body}</div></cc></div><div class="core_reply"><div class="post-tail-wrap"><span class="tail-info">来自Android客户端</span><span class="tail-info">{n}楼</span><span class="tail-info">{at}</span></div></div></div></div>"""

    posts = floor(1, "豆腐脑咸党", "2026-10-30 22:08", "<br>".join(s.paragraphs)) + "".join(
        floor(n, u, at, t) for n, (u, at, t) in enumerate(c.comments(7), start=2)
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="UTF-8"><title>{s.title}【维权吧】_某度贴吧</title></head><body><div class="head_inner">{c.nav(10, "")}</div><div class="card_top"><a>维权吧</a> 关注：120,331 贴子：3,301,122</div><div class="core_title_wrap_bright"><h3 class="core_title_txt" title="{s.title}">{s.title}</h3><ul class="core_title_btns"><li>只看楼主</li><li>收藏</li><li>回复</li></ul></div><div id="j_p_postlist" class="p_postlist">{posts}</div><div class="right_section"><div>贴吧热议榜</div>{c.items(10)}</div><div>发表回复 贴吧页面意见反馈 违规贴吧举报反馈通道</div></body></html>""",
        "2026-10-30 22:08",
    )


def group_topic(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    replies = "".join(
        f'<li class="clearfix comment-item reply-item"><div class="user-face"><img></div><div class="reply-doc content"><div class="bg-img-green"><h4><a>{u}</a> <span class="pubtime">{at}</span></h4></div><p class="reply-content">{t}</p><div class="operation_div"><a>回应</a></div></div></li>'
        for u, at, t in c.comments(6)
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}</title><script type="application/ld+json">{{"@context":"http://schema.org","@type":"DiscussionForumPosting","name":"{s.title}","headline":"{s.title}","text":"{s.paragraphs[0][:50]}","dateCreated":"2026-10-25T19:22:10","commentCount":"6"}}</script></head><body><div id="db-global-nav">{c.nav(8, "")}</div><div id="content"><div class="grid-16-8 clearfix"><div class="article"><h1>{s.title}</h1><div class="topic-content clearfix"><div class="user-face"><img></div><div class="topic-doc"><h3><span class="from">来自: <a>一只柚子</a></span> <span class="create-time color-green">2026-10-25 19:22:10</span></h3><div id="link-report"><div class="topic-content"><div class="topic-richtext"><div class="rich-content topic-richtext">{text}</div></div></div></div></div></div><div class="sns-bar"><a>赞</a><a>收藏</a><a>转发</a></div><ul class="topic-reply" id="comments">{replies}</ul></div><div class="aside"><h2>最新讨论 · · · · · ·</h2>{c.items(8)}</div></div></div>{c.foot()}</body></html>""",
        "2026-10-25 19:22",
    )


def car_complaints(s: Story, c: Clutter) -> Page:
    body = "".join(s.paragraphs)
    s = Story(s.title, (body,))
    return made(
        s,
        f"""<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312" /><title>{s.title}-车质先锋网</title></head><body><div class="top">{c.nav(10)}</div><div class="dh">首页 > 汽车投诉 > 正文</div><div class="jbqk"><h2>基本情况</h2><ul><li>投诉编号：【1173】</li><li>投诉品牌：飞筝</li><li>投诉车系：飞筝S3</li><li>购买时间：2026-09-28</li><li>典型问题：发动机：故障灯亮</li><li>所在地区：河口</li></ul></div><div class="tsnr"><h1>{s.title}</h1><p>{body}</p></div><div class="tshf"><h3>回复内容</h3><p>经与车主沟通，配件已经到店，问题正在处理之中。</p><span>回复时间：2026-10-20</span></div><div class="tssj">投诉时间：2026-10-12 09:48</div><div class="rightbox"><h3>投诉排行</h3>{c.items(10)}</div>{c.foot("车质先锋网")}</body></html>""",
        "2026-10-12 09:48",
        "gb18030",
    )


def all_data(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    data = {
        "docData": {
            "title": s.title,
            "newsTime": "2026-11-16 11:20:31",
            "source": "河口热线",
            "contentData": {"contentList": [{"type": "text", "data": text}]},
        },
        "hotNews": [{"title": h, "newsTime": "2026-11-17 08:00:00"} for h in c.heads(5)],
    }
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{s.title}_某凤网</title><meta name="og:time " content="2026年11月16日 11:20:31"><script>var allData = {json.dumps(data, ensure_ascii=False)};var adKeys=[];</script></head><body><div id="root"><div class="index_top">{c.nav(12, "")}</div><div class="index_leftContent"><h1 class="index_title">{s.title}</h1><div class="index_timeBref"><a>2026年11月16日 11:20:31</a><span>来自：河口热线</span></div><div class="index_smallFont index_main_content"><div class="index_text">{text}</div><span class="index_end"></span></div><div class="index_share">67人参与 12评论</div><h3>推荐阅读</h3>{c.items(6)}</div><div class="index_right">{c.items(10)}</div></div>{c.foot()}</body></html>""",
        "2026-11-16 11:20",
    )


def split_date(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>　　{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="publishdate" content="2026-10-19"/><title>{s.title}-某华网</title></head><body><div class="domPc">{c.nav(11, "")}<div class="header domPC"><div class="header-top clearfix"><div class="header-cont clearfix"><div class="header-time left"><span class="year"><em>2026</em></span><span class="day"><em>10</em>/<em>19</em></span><span class="time">08:45:12</span></div><div class="source">来源：某华每日电讯</div><div class="head-line clearfix"><h1><span class="title">{s.title}</span></h1></div></div></div></div><div class="main clearfix"><div class="main-left left"><div id="detail"><span id="detailContent">{text}</span><div id="articleEdit"><span class="tiyi1"><a>【纠错】</a></span><span class="editor"> 【责任编辑:王小可】 </span></div></div></div><div class="main-right right"><div class="columBox hotList"><h3>热榜</h3>{c.items(8)}</div></div></div></div><div class="adv domMob">阅读下一篇：{c.heads(1)[0]}</div>{c.foot("某华网")}</body></html>""",
        "2026-10-19 08:45",
    )


def broadcaster(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs[:3])
    s = Story(s.title, s.paragraphs[:3])
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}_新闻频道_河口台</title></head><body><div class="nav">{c.nav(13)}</div><div class="vspace"></div><div id="page_body"><div class="tit_area"><h1>{s.title}</h1><div class="info">来源：河口广播电视台 | 2026年10月06日 20:11:02</div></div><div class="video"><div id="player">您的浏览器版本过低，请升级后观看视频</div></div><div class="content_area" id="content_area">{text}</div><div class="zebian">编辑：吴晓 责任编辑：刘亮</div><div class="col_w300"><h3>精彩视频</h3>{"".join(f'<div class="v"><span>0{n}:12</span><a>{h}</a></div>' for n, h in enumerate(c.heads(9)))}</div></div>{c.foot("河口台")}</body></html>""",
        "2026-10-06 20:11",
    )


def e_paper(s: Story, c: Clutter) -> Page:
    text = "".join(f"<P>　　{p}</P>" for p in s.paragraphs)
    return made(
        s,
        f"""<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"><title>河口日报数字报-{s.title}</title></head><body><table><tr><td>{c.nav(4)}</td></tr><tr><td><strong>第A05版：民生</strong> 2026年11月17日 星期二 <a>上一版</a> <a>下一版</a></td></tr><tr><td><map>{"".join(f'<area title="{h}">' for h in c.heads(4))}</map><table>{c.rows(5)}</table></td><td><table><tr class="bt1"><td>{s.title}</td></tr><tr class="bt2"><td></td></tr></table><div id="ozoom"><founder-content>{text}</founder-content></div></td></tr></table><p>河口日报社版权所有，未经许可不得转载</p></body></html>""",
        "2026-11-17 00:00",
    )


def word_press(s: Story, c: Clutter) -> Page:
    text = "\n".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh-CN"><head><meta charset="UTF-8"><title>{s.title} &#8211; 河边杂记</title><meta name="generator" content="WordPress 6.5"></head><body class="single"><header class="site-header"><a>河边杂记</a><nav>{c.nav(5, "")}</nav></header><div id="primary" class="content-area"><main id="main"><article id="post-311" class="post hentry"><header class="entry-header"><h1 class="entry-title">{s.title}</h1><div class="entry-meta"><span class="posted-on">发布于<a rel="bookmark"><time class="entry-date published" datetime="2026-08-30T21:15:00+08:00">2026年8月30日</time><time class="updated" datetime="2026-09-02T09:00:00+08:00">2026年9月2日</time></a></span><span class="byline">由<span class="author vcard">河边老杜</span></span></div></header><div class="entry-content">{text}<div class="yarpp-related"><h3>相关文章：</h3><ol><li>{c.heads(1)[0]}</li><li>{c.heads(1)[0]}</li></ol></div></div><footer class="entry-footer">分类：<a>生活</a> 标签：<a>消费</a></footer></article><nav class="post-navigation">上一篇 下一篇</nav><div id="comments" class="comments-area"><h2>《{s.title}》有4条评论</h2>{c.comment_list(4)}<p>您的邮箱地址不会被公开。 必填项已用 * 标注</p></div></main></div><aside id="secondary"><h2>近期文章</h2>{c.items(5)}</aside><footer>自豪地采用WordPress</footer></body></html>""",
        "2026-08-30 21:15",
    )


def static_blog(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html lang="zh-Hans"><head><meta charset="utf-8"><title>{s.title} | 静水</title><meta property="article:published_time" content="2026-07-11T02:00:00.000Z"></head><body><div id="menu-outer">{c.nav(5, "")}</div><main class="main"><article class="post-content"><h1>{s.title}</h1><div class="post-meta"><span>2026-07-11</span><span>更新于 2026-07-15</span><span>本文字数：1.1k</span></div><div class="post-body">{text}</div><div class="reward">打赏</div><div class="post-copyright">本文作者：静水 本文链接：https://example.cn/p/1 版权声明：转载请注明出处！</div></article></main><footer>© 2018 – 2026 静水 由 Hexo 强力驱动 | 主题 – NexT</footer></body></html>""",
        "2026-07-11 10:00",
    )


def car_forum(s: Story, c: Clutter) -> Page:
    def floor(u: str, at: str, body: str) -> str:
        return f"""<div class="clearfix contstxt outer-section"><div class="conleft"><a>{u}</a><ul><li>精华：0帖</li><li>帖子：12帖</li><li>注册：2019年3月1日</li><li>爱车：飞筝S3</li></ul></div><div class="conright"><div class="plr26 rtopcon">发表于 <span xname="date">{at}</span> 来自 飞筝论坛</div><div class="conttxt"><div class="w740">{body}</div></div></div></div>"""

    first = "".join(f'<div class="tz-paragraph">{p}</div>' for p in s.paragraphs)
    posts = floor("北纬三十度", "2026-10-07 20:33:14", first) + "".join(
        floor(u, at, f'<div class="yy_reply_cont">{t}</div>') for u, at, t in c.comments(8)
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="gb2312"><title>{s.title}_飞筝论坛_车友之家</title></head><body>{c.script()}<div class="topbar">{c.nav(10, "")}</div><div id="F0"><div class="maxtitle">{s.title}</div><div class="consnav">浏览量：3021 回复：8</div></div><div id="maxwrap-reply">{posts}</div><div class="pages">1 2 3</div>{c.foot()}</body></html>""",
        "2026-10-07 20:33",
        "gb18030",
    )


def state_note(s: Story, c: Clutter) -> Page:
    body = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    data = json.dumps(
        {
            "readInfo": {
                "id": 311,
                "title": s.title,
                "publish_time": 1792310400,
                "content": body,
                "author": {"name": "修表匠"},
                "stats": {"view": 9},
            },
            "recommend": [{"title": h, "summary": h * 2} for h in c.heads(5)],
        },
        ensure_ascii=False,
    ).replace("<", "\\u003C")
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title} - 哔站专栏</title></head><body><div id="app"></div><script>window.__INITIAL_STATE__={data};(function(){{var s;(s=document.currentScript).parentNode.removeChild(s);}}());</script></body></html>""",
        "2026-10-18 16:00",
    )


def hongkong_release(s: Story, c: Clutter) -> Page:
    text = "<br><br>\n　　".join(s.paragraphs)
    s = Story(s.title, (*s.paragraphs, "完"))
    return made(
        s,
        f"""<html><head><title>{s.title}</title></head><body><table width=600><tr><td>{c.nav(3)}</td></tr><tr><td><font size=4><b>{s.title}</b></font></td></tr><tr><td><hr></td></tr><tr><td><span id="pressrelease">　　{text}<br><br>完</span></td></tr><tr><td><br>２００３年９月１２日（星期五）<br></td></tr><tr><td><img src=home.gif> 即日新闻 <img> 昔日新闻</td></tr></table></body></html>""",
        "2003-09-12 00:00",
        "big5hkscs",
        traditional=True,
    )


def university(s: Story, c: Clutter) -> Page:
    text = "".join(f'<p style="text-indent: 2em;">{p}</p>' for p in s.paragraphs)
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title}-后勤保障部</title><meta name="pageType" content="3"></head><body><div class="top">{c.nav(8, "")}</div><div class="position">当前位置: <a>首页</a> >> <a>通知公告</a> >> 正文</div><form name="_newscontent_fromname"><div><h1 align="center">{s.title}</h1><div align="center">发布时间：2026-06-05&nbsp;&nbsp;发布者：后勤办&nbsp;&nbsp;浏览次数：<span>120</span></div><div id="vsb_content"><div class="v_news_content">{text}</div></div><div>附件【<a>附表.xlsx</a>】已下载<span>3</span>次</div><div align="right"><p>上一条：{c.heads(1)[0]}</p><p>下一条：{c.heads(1)[0]}</p></div></div></form>{c.foot()}</body></html>""",
        "2026-06-05 00:00",
    )


def personal_page(s: Story, c: Clutter) -> Page:
    text = "<p>　　".join(s.paragraphs)
    return made(
        s,
        f"""<html><head><title>{s.title}</title></head><body bgcolor="#FFFFCC" background="bg.gif"><center><font size=6 color=red face=隶书>{s.title}</font></center><hr><blockquote><p>　　{text}</blockquote><hr><center><a href=index.htm>回主页</a> | <a href=gb.htm>签名留言</a><br>您是第 <img src=counter.cgi> 位访客<br>本站建于1999年5月1日 最佳分辨率800*600</center></body></html>""",
        "",
        "gb18030",
    )


def product_page(s: Story, c: Clutter) -> Page:
    text = "".join(
        f'<section class="blk"><div class="txt">{p}</div></section>' for p in s.paragraphs
    )
    return made(
        s,
        f"""<!doctype html><html><head><meta charset="utf-8"><title>{s.title}-禾沐官网</title></head><body><header class="g-hd"><ul>{"".join(f"<li>{x}</li>" for x in ("首页", "产品中心", "服务支持", "新闻动态", "加入我们"))}</ul></header><div class="banner"></div><div class="g-bd"><div class="ttl">{s.title}</div>{text}</div><div class="more"><h4>更多动态</h4>{c.items(6, dated=True)}</div><footer class="g-ft">服务热线 400-000-0000 © 禾沐 2012-2026</footer></body></html>""",
        "",
    )


def wap(s: Story, c: Clutter) -> Page:
    text = "<br/>".join(s.paragraphs)
    return made(
        s,
        f"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//WAPFORUM//DTD XHTML Mobile 1.0//EN"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{s.title}</title></head><body>{c.nav(6)}<br/>【{s.title}】<br/>06-18 12:20 手机报<br/>{text}<br/>------<br/>.热门推荐<br/>{"<br/>".join(f"<a>{h}</a>" for h in c.heads(6))}<br/><a>返回首页</a></body></html>""",
        "month-day 06-18 12:20",
    )


def hot_list_heavy(s: Story, c: Clutter) -> Page:
    text = "".join(f"<p>{p}</p>" for p in s.paragraphs)
    return made(
        s,
        f"""<html><head><meta charset="utf-8"><title>{s.title}--中原民生网</title></head><body>{"".join(f'<div class="blk{n}"><h3>{x}</h3>{c.items(12, dated=True)}</div>' for n, x in enumerate(("头条", "要闻", "评论")))}<table><tr><td class="title">{s.title}</td></tr><tr><td class="sub">www.example.cn　2026/10/11 09:06　来源:中原晚报　手机看新闻</td></tr><tr><td class="text">{text}</td></tr></table>{"".join(f'<div class="blk{n}"><h3>{x}</h3>{c.items(12, dated=True)}</div>' for n, x in enumerate(("图片", "排行", "社区")))}{c.foot()}</body></html>""",
        "2026-10-11 09:06",
    )


def finance(s: Story, c: Clutter) -> Page:
    text = "".join(
        f"<p>　　{p.replace('企业', '<a href=/q/><span>企业</span></a>')}</p>" for p in s.paragraphs
    )
    return made(
        s,
        f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{s.title} _ 东圆财富网</title></head><body><div class="topnav">{c.nav(16, "")}</div><div class="quote">沪指 3,301.2 +0.61% 深指 11,020.3 -0.12%</div><div class="main"><div class="contentwrap"><div class="title">{s.title}</div><div class="infos"><div class="item">2026年10月28日 07:52</div><div class="item">来源： 消费日报</div><div class="item">编辑：东圆财富网</div><div class="item">浏览 3.1万</div></div><div class="txtinfos" id="ContentBody"><div class="abstract"><div class="summary">摘要</div><div class="txt">{s.paragraphs[0][:50]}</div></div>{text}<p class="em_media">（文章来源：消费日报）</p><p class="res-edit">责任编辑：77</p></div><div class="statement">郑重声明：东圆财富发布此内容旨在传播更多信息，与本站立场无关，不构成投资建议。据此操作，风险自担。</div></div><div class="sideright"><h3>点击排行</h3>{c.items(10)}</div></div>{c.foot()}</body></html>""",
        "2026-10-28 07:52",
    )


def undated_help(s: Story, c: Clutter) -> Page:
    text = "".join(f"<div>{p}</div>" for p in s.paragraphs)
    return made(
        s,
        f"""<!doctype html><html><head><meta charset="utf-8"><title>{s.title}</title><link rel="canonical" href="https://help.example.cn/2019/0304/88.html"></head><body><div class="hd">{c.nav(10, "")}</div><div class="bd"><div class="crumb">帮助中心 / 常见问题</div><h1>{s.title}</h1><div class="rich">{text}</div><div class="feedback">没有解决？<a>联系客服</a></div></div><div class="rel"><h3>其他用户还在看</h3>{c.items(6, dated=True)}</div><div class="cm">{c.comment_list(3)}</div><div class="ft">© 2015-2026 青橘科技</div></body></html>""",
        "",
    )


SITES = (
    amp,
    microdata,
    coder_blog,
    template_cms,
    taiwan_daily,
    gov_zoom,
    telnet_board,
    post_bar,
    group_topic,
    car_complaints,
    all_data,
    split_date,
    broadcaster,
    e_paper,
    word_press,
    static_blog,
    car_forum,
    state_note,
    hongkong_release,
    university,
    personal_page,
    product_page,
    wap,
    hot_list_heavy,
    finance,
    undated_help,
)
