"""What is known of single hosts: where a page's identity stands, and what other addresses it has.

Only what is certain: an id that the site gives once and shows under several addresses. Everything
else is left to the rules for any host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class HostRule:
    """Addresses that match `host` and `path` are written as `to`, with the parameters of `keep`.

    `to` is host and path with the groups of `path` (named or numbered); "" leaves both.
    `keep` names the parameters that make up the page's identity, the only ones to stay; `needs`
    one that must be there for the rule to hold.
    """

    host: str
    path: str
    to: str = ""
    keep: tuple[str, ...] = ()
    needs: str = ""


_163_ID = r"(?P<id>[0-9A-Z]{16})"
_QQ_ID = r"(?P<id>20\d{6}[A-Z][0-9A-Z]{7})"
_RULES = (
    HostRule(r"mp\.weixin\.qq\.com", r"/s/[\w-]+", ""),
    HostRule(r"mp\.weixin\.qq\.com", r"/s", "", ("__biz", "mid", "idx", "sn"), "mid"),
    HostRule(r"(?:www\.)?weibo\.com", r"/\d+/(?P<mid>[0-9A-Za-z]{8,16})/?", "m.weibo.cn/status/"),
    HostRule(r"(?:www\.)?weibo\.com", r"/detail/(?P<mid>\d{16})/?", "m.weibo.cn/status/"),
    HostRule(
        r"m\.weibo\.(?:cn|com)",
        r"/(?:status|detail|\d+)/(?P<mid>[0-9A-Za-z]{8,16})/?",
        "m.weibo.cn/status/",
    ),
    HostRule(
        r"(?:card\.)?weibo\.com",
        r"/(?:ttarticle/p|article/m)/show",
        "weibo.com/ttarticle/p/show",
        ("id",),
        "id",
    ),
    HostRule(
        r"(?:www\.)?xiaohongshu\.com",
        r"/(?:explore|discovery/item)/(?P<id>[0-9a-f]{24})/?",
        r"www.xiaohongshu.com/explore/\g<id>",
    ),
    HostRule(
        r"(?:www\.|m\.)?(?:ies)?douyin\.com",
        r"/(?:share/)?(?P<kind>video|note)/(?P<id>\d{15,21})/?",
        r"www.douyin.com/\g<kind>/\g<id>",
    ),
    HostRule(r"(?:www|live)\.kuaishou\.com", r"/short-video/\w+/?"),
    HostRule(
        r"(?:www\.|m\.)?bilibili\.com",
        r"/video/(?P<id>(?:BV|av)\w+)/?",
        r"www.bilibili.com/video/\g<id>",
        ("p",),
    ),
    HostRule(
        r"(?:www\.|m\.)?bilibili\.com",
        r"/(?:read/(?:cv|mobile/)(?P<id>\d+))/?",
        r"www.bilibili.com/read/cv\g<id>",
    ),
    HostRule(
        r"t\.bilibili\.com|(?:www\.|m\.)?bilibili\.com",
        r"(?:/opus|/dynamic)?/(?P<id>\d{17,20})/?",
        r"www.bilibili.com/opus/\g<id>",
    ),
    HostRule(
        r"(?:www\.)?zhihu\.com",
        r"/(?:question/\d+/answer|answer|tardis/(?:zm|bd|sogou)/ans)/(?P<id>\d+)/?",
        r"www.zhihu.com/answer/\g<id>",
    ),
    HostRule(r"(?:www\.)?zhihu\.com", r"/question/(?P<id>\d+)/?", r"www.zhihu.com/question/\g<id>"),
    HostRule(r"zhuanlan\.zhihu\.com", r"/p/(?P<id>\d+)/?", r"zhuanlan.zhihu.com/p/\g<id>"),
    HostRule(
        r"(?:www\.)?zhihu\.com",
        r"/tardis/(?:zm|bd|sogou)/art/(?P<id>\d+)/?",
        r"zhuanlan.zhihu.com/p/\g<id>",
    ),
    HostRule(
        r"(?:www\.|m\.)?toutiao\.com",
        r"/(?:article/|group/|item/|[ai])(?P<id>\d{16,20})/?",
        r"www.toutiao.com/article/\g<id>",
    ),
    HostRule(
        r"(?:www\.|m\.)?toutiao\.com",
        r"/(?P<kind>w|video)/(?P<id>\d{16,20})/?",
        r"www.toutiao.com/\g<kind>/\g<id>",
    ),
    HostRule(r"(?:www|m|3g)\.sohu\.com", r"/a/(?P<id>\d+_\d+)/?", r"www.sohu.com/a/\g<id>"),
    HostRule(
        r"(?:[\w-]+\.)*163\.com",
        rf"/(?:dy/article|(?:\w+/)?article|\w+/a|v2/article/detail|\d\d/\d{{4}}/\d\d)/{_163_ID}(?:_0)?\.html",
        r"www.163.com/article/\g<id>.html",
    ),
    HostRule(
        r"(?:[\w-]+\.)*sina\.(?:com\.)?cn",
        r"/(?:.*/)?(?:doc|detail)-(?P<id>i[a-z]{6,8}\d{6,8})(?:\.d)?\.s?html",
        r"news.sina.com.cn/doc-\g<id>.shtml",
    ),
    HostRule(
        r"tousu\.sina\.(?:com\.)?cn",
        r"/complaint/view/(?P<id>\d+)/?",
        r"tousu.sina.com.cn/complaint/view/\g<id>/",
    ),
    HostRule(
        r"(?:new|news|view\.inews|xw)\.qq\.com",
        rf"/(?:rain/a|omn/(?:\d{{8}}|author)|omn|a|k|cmsid)/{_QQ_ID}(?:\.html)?/?",
        r"news.qq.com/rain/a/\g<id>",
    ),
    HostRule(
        r"(?:www\.|m\.)?36kr\.com",
        r"/(?P<kind>p|newsflashes|video)/(?P<id>\d+)(?:\.html)?/?",
        r"36kr.com/\g<kind>/\g<id>",
    ),
    HostRule(r"baijiahao\.baidu\.com", r"/s", "", ("id",), "id"),
    HostRule(
        r"tieba\.baidu\.com", r"/p/(?P<id>\d+)/?", r"tieba.baidu.com/p/\g<id>", ("pn", "see_lz")
    ),
    HostRule(r"zhidao\.baidu\.com", r"/question/\d+\.html"),
    HostRule(
        r"(?:item|a\.m)\.taobao\.com",
        r"/(?:item\.htm|i\d+\.htm)",
        "item.taobao.com/item.htm",
        ("id",),
        "id",
    ),
    HostRule(
        r"h5\.m\.taobao\.com", r"/awp/core/detail\.htm", "item.taobao.com/item.htm", ("id",), "id"
    ),
    HostRule(
        r"detail\.(?:m\.)?tmall\.com", r"/item\.htm", "detail.tmall.com/item.htm", ("id",), "id"
    ),
    HostRule(
        r"item\.(?:m\.)?jd\.com", r"/(?:product/)?(?P<id>\d+)\.html", r"item.jd.com/\g<id>.html"
    ),
    HostRule(
        r"mobile\.(?:yangkeduo|pinduoduo)\.com",
        r"/goods\d?\.html",
        "mobile.yangkeduo.com/goods.html",
        ("goods_id",),
        "goods_id",
    ),
    HostRule(
        r"(?:www|m)\.douban\.com",
        r"/group/topic/(?P<id>\d+)/?",
        r"www.douban.com/group/topic/\g<id>/",
        ("start",),
    ),
    HostRule(r"(?:www|m)\.smzdm\.com", r"/p/(?P<id>\d+)/?", r"www.smzdm.com/p/\g<id>/"),
    HostRule(r"post\.(?:m\.)?smzdm\.com", r"/p/(?P<id>\w+)/?", r"post.smzdm.com/p/\g<id>/"),
    HostRule(
        r"(?:[\w-]+\.)*ifeng\.com", r"/c/(?:s/)?(?P<id>[0-9A-Za-z]{11})", r"news.ifeng.com/c/\g<id>"
    ),
    HostRule(
        r"(?:www|m)\.thepaper\.cn",
        r"/newsDetail_forward_(?P<id>\d+)",
        r"www.thepaper.cn/newsDetail_forward_\g<id>",
    ),
    HostRule(
        r"(?:www|m)\.huxiu\.com",
        r"/article/(?P<id>\d+)\.html",
        r"www.huxiu.com/article/\g<id>.html",
    ),
    HostRule(r"blog\.csdn\.net", r"/[\w-]+/article/details/(?P<id>\d+)"),
    HostRule(r"(?:www\.|m\.)?youtube\.com", r"/watch", "www.youtube.com/watch", ("v",), "v"),
)
_COMPILED = tuple((re.compile(rule.host), re.compile(rule.path), rule) for rule in _RULES)

# Pages that only lead on, with the parameter in which the target stands, readable.
_LEADS_ON = {
    "link.zhihu.com": "target",
    "link.csdn.net": "target",
    "link.juejin.cn": "target",
    "link.jianshu.com": "t",
    "www.jianshu.com/go-wild": "url",
    "weibo.cn/sinaurl": "u",
    "www.weibo.cn/sinaurl": "u",
    "weibo.com/sinaurl": "u",
    "passport.weibo.com/visitor/visitor": "url",
    "www.douban.com/link2/": "url",
    "c.pc.qq.com/middlem.html": "pfurl",
    "c.pc.qq.com/pc.html": "url",
    "c.pc.qq.com/ios.html": "url",
    "c.pc.qq.com/android.html": "url",
    "mail.qq.com/cgi-bin/mail_spam": "url",
    "www.toutiao.com/search/jump": "url",
    "sspai.com/link": "target",
    "gitee.com/link": "target",
    "www.oschina.net/action/GoToLink": "url",
    "xie.infoq.cn/link": "target",
    "afdian.com/link": "target",
    "developer.aliyun.com/redirect": "target",
    "cloud.tencent.com/developer/tools/blog-entry": "target",
    "steamcommunity.com/linkfilter/": "u",
    "www.google.com/url": "q",
    "l.facebook.com/l.php": "u",
}
_AMP_CACHE = re.compile(r"/(?:c|v|a)/(s/)?([\w.-]+\.[a-z]{2,}(?:/.*)?)")
_DISCUZ_PATH = re.compile(r"(?P<dir>/(?:[^/]+/)*)thread-(?P<tid>\d+)-(?P<page>\d+)-\d+\.html")
_DISCUZ_QUERY = re.compile(r"(?P<dir>/(?:[^/]+/)*)(?:forum|viewthread)\.php")


def unwrapped(url: str) -> str:
    """Return the address that a page leads on to, when it stands in the URL as it is; else "".

    What is only a token there (www.baidu.com/link, t.cn) would have to be fetched.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    if host.endswith(".cdn.ampproject.org") or (
        host == "www.google.com" and parts.path.startswith("/amp/s/")
    ):
        found = _AMP_CACHE.fullmatch(parts.path.replace("/amp/s/", "/c/s/", 1))
        rest = f"?{parts.query}" if parts.query else ""
        return f"https://{found[2]}{rest}" if found else ""
    name = _LEADS_ON.get(host) if parts.path in {"", "/"} else None
    name = name or _LEADS_ON.get(host + parts.path)
    if name is None:
        return ""
    target = dict(parse_qsl(parts.query)).get(name, "")
    if "%3a%2f%2f" in target[:16].lower():  # escaped twice on its way through an application
        target = unquote(target)
    return target if target.lower().startswith(("http://", "https://")) else ""


def at_home(parts: SplitResult) -> SplitResult:
    """Write an address of a known host in the one form that its page is known by."""
    host = parts.hostname or ""
    for hosts, paths, rule in _COMPILED:
        if not hosts.fullmatch(host):
            continue
        found = paths.fullmatch(parts.path)
        query = parse_qsl(parts.query)
        if found is None or (rule.needs and rule.needs not in dict(query)):
            continue
        return _written(parts, found, rule, query)
    return _discuz(_modal(parts))


def _written(
    parts: SplitResult, found: re.Match[str], rule: HostRule, query: list[tuple[str, str]]
) -> SplitResult:
    netloc, path = parts.netloc, parts.path
    if rule.to.endswith("/status/"):
        netloc, path = "m.weibo.cn", f"/status/{_weibo_number(found['mid'])}"
    elif rule.to:
        netloc, _, path = found.expand(rule.to).partition("/")
        path = f"/{path}"
    elif not rule.keep:
        path = path.rstrip("/") or "/"
    # The first page of a thread or video is the page itself.
    firsts = {("p", "1"), ("pn", "1"), ("start", "0"), ("see_lz", "0")}
    kept = [pair for pair in query if pair[0] in rule.keep and pair not in firsts]
    return SplitResult(parts.scheme, netloc, path, urlencode(kept), "")


def _weibo_number(mid: str) -> str:
    """Return the number of a post whose address has it in base 62: seven digits per four signs."""
    if mid.isdigit() and len(mid) == 16:
        return mid
    groups = []
    while mid:
        mid, group = mid[:-4], mid[-4:]
        value = 0
        for sign in group:
            value = value * 62 + _BASE62.index(sign)
        groups.append(f"{value:07d}")
    return "".join(reversed(groups)).lstrip("0")


def _modal(parts: SplitResult) -> SplitResult:
    """Read the video that stands open above a list of the short-video site."""
    if (parts.hostname or "") != "www.douyin.com":
        return parts
    number = dict(parse_qsl(parts.query)).get("modal_id", "")
    if not re.fullmatch(r"\d{15,21}", number):
        return parts
    return parts._replace(path=f"/video/{number}", query="", fragment="")


def _discuz(parts: SplitResult) -> SplitResult:
    """Write a thread of Discuz!, on whatever host, in its short form without the way back."""
    found = _DISCUZ_PATH.fullmatch(parts.path)
    if found and not parts.query:
        return parts._replace(path=_thread(found["dir"], found["tid"], found["page"]))
    found = _DISCUZ_QUERY.fullmatch(parts.path)
    query = dict(parse_qsl(parts.query))
    tid, page = query.get("tid", ""), query.get("page", "1")
    is_thread = query.get("mod", "viewthread") == "viewthread" and tid.isdigit() and page.isdigit()
    if found is None or not is_thread:
        return parts
    if set(query) - {"mod", "tid", "page", "extra", "highlight", "fromuid", "mobile"}:
        return parts  # "only this author" and the like are other pages
    return parts._replace(path=_thread(found["dir"], tid, page), query="")


def _thread(folder: str, tid: str, page: str) -> str:
    return f"{folder}thread-{tid}-{page}-1.html"
