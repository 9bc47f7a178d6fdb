"""Which lines of a page are its text: the subtree that outweighs its clutter, trimmed at the ends.

Constants were fitted on the development half of tests/eval/extract (docs/adr/0013-extraction.md).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from crawlers.article_lines import Line, Lines

_SENTENCE = re.compile(r"[，。！？；：、,;!?…“”「」]")
# Lines that speak about the page, not about the matter.
_BOILER = re.compile(
    r"版权所有|版權所有|copyright|©|all rights reserved|许可证|備案|备案号|ICP[备備]|公网安备|"
    r"举报电话|"
    r"^[【\[(（]?\s*(?:责任)?(?:编辑|編輯|责编|责任编辑)\s*[:：]|^分享(?:到|至)|^(?:上|下)一(?:篇|条|页|頁|版)|"
    r"^(?:相关|推荐|热门|延伸|更多|猜你|最新|近期|精彩|热点)(?:阅读|新闻|文章|推荐|评论|主题|喜欢|资讯|链接|"
    r"博文|图集|动态|讨论|内容|專題|专题|閱讀|新聞)|阅读原文|閱讀原文|点击进入|点击查看|返回(?:首页|列表|顶部|上一页)|"
    r"打印(?:本页)?|关闭窗口|关闭本页|扫一扫|扫码|长按(?:识别|二维码)|关注(?:该)?公众号|powered by|"
    r"(?:转载|轉載|引用).{0,10}(?:注明|註明|授权|授權|禁止)|(?:不代表|与).{0,8}(?:本站|平台|本网).{0,6}(?:立场|观点|无关)|"
    r"(?:文章|本文|信息|消息|新闻|新聞)?来源\s*[:：].{0,30}$|^作者\s*[:：].{0,20}$|^关键[词字]\s*[:：]|^标签\s*[:：]|"
    r"登录.{0,4}注册|发表(?:评论|回复)|我要(?:评论|投诉)|网友评论|只看(?:该作者|楼主)|本帖最后由|"
    r"请(?:继续往下|先登录)|請繼續往下|下载\s*APP|下載\s*APP|^阅读\s*[(（:：]?\s*[\d.]+|"
    r"^发信人|^标\s*题\s*[:：]|^发信站|※ 来源|^--$|^附件[:：【]",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"(?:19|20)?\d{2}\s*[-./年]\s*\d{1,2}\s*[-./月]\s*\d{1,2}|\d{1,2}[-/月]\d{1,2}日?\s+\d{1,2}:\d{2}"
    r"|\d+\s*(?:分钟|小时|天|分鐘|小時)前|昨天|前天|刚刚"
)
# "积分：880", "注册：2003-5-6": what a box says about a member or a product.
_FIGURE = re.compile(r"^[\u4e00-\u9fff]{2,5}\s*[:：]\s*[^，。！？]{0,16}$")
_SIGNED_DAY = re.compile(r"^[\d〇○零一二三四五六七八九十]{2,4}年.{1,3}月.{1,3}日$")
_FULL_STOPS = re.compile(r"[。！？，]")
# Headings of what follows a text.
_ZONE = re.compile(
    r"^(?:网友|最新|热门|精彩|全部|用户|读者|发表)?(?:评论|留言|跟帖|跟贴|回帖|點評|熱門留言|留言板)"
    r"\s*[(（:：]?\s*\d*\s*条?[)）]?$"
    r"|^(?:相关|相關|推荐|推薦|热门|熱門|延伸|最新|更多|近期|往期|精彩|热点|今日)"
    r"(?:阅读|閱讀|新闻|新聞|文章|主题|资讯|链接|博文|图集|视频|专题|报道|报导|推荐|讨论|排行)\s*[:：]?$"
    r"|^(?:猜你喜欢|热榜|大家都在看|点击排行|新闻排行|友情链接|作者的其他文章|看了又看|排行榜)$"
)
_HEADING_TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "p", "div", "dt"})
_MIN_POINTS = 20  # characters of a notice that consists of points
_FLOOR = re.compile(r"\d+\s*[楼樓#]|沙发|板凳|楼主|樓主")
_KNOWN = re.compile(
    r"(?:^|\s)(?:js_content|artibody|trs_editor|trs_ueditor|view trs_\w+|ucap-content|ucapcontent|"
    r"ozoom|vsb_content\w*|v_news_content|postmessage_\d+|read_tpc|read_0|post_content_\d+|"
    r"mp-editor|post_body|endtext|cnt-main-article-qq|articlecontnet|articledetailcontent|"
    r"entry-content|articalcontent|blog_content|content_views|rich_media_content|contentbody|"
    r"article-content__editor|wb_editor_iframe_new|richtext|detailcontent|d_post_content|"
    r"t_f|tpc_content|articlebody|article_body|article-body|post-body|post__body|article__content|"
    r"syl-article-base|newstext|news_txt|zhengwen|article-text|main_content|content_area|conttxt|"
    r"zoom|bbs-content|t_msgfont|postbody|cnblogs_post_body|blogpost-body|doc_txt|p_content|"
    r"article-detail|articletext|contenttext|news-content|newscontent|article_txt|"
    r"topic-richtext|note-content|note-text|opus-module-content|read-content|article-holder)"
    r"(?:\s|$)",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"(?:^|[\s_-])(?:comments?|cmt|pinglun|reply|replies|discuss|related?|relevant|recommends?|"
    r"recommended|guess|yarpp|hot|rank|ranking|footer?|friendlink)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MIN_TEXT = 60  # weight of the shortest text that something else may follow
_RECORD_TAGS = frozenset({"div", "table", "li", "article", "section", "dl"})
_MIN_BODY = 40  # weight below which a known container is a caption or an empty frame
_DESCEND = 0.85  # a child with this share of its parent's weight stands for it
_KNOWN_SHARE = 0.35  # a known container must hold this share of the page's best subtree


def weight(line: Line) -> float:
    """Say what a line adds to a subtree: its unlinked characters if it reads like a sentence."""
    chars = line.chars
    plain = chars - line.linked
    if line.around:
        return -min(plain, 12.0)
    if line.linked * 2 >= chars:
        return -(6 + 0.3 * line.linked)
    if _is_boiler(line):
        return -20.0
    reads = _SENTENCE.search(line.text) is not None and not _FIGURE.match(line.text)
    if reads:
        return plain * (1.0 if plain >= 16 else 0.5)
    return plain * 0.5 if plain >= 30 else -3.0


@dataclass(frozen=True, slots=True)
class Body:
    """Where the text stands: its first line, the line behind its last, and the post it is in.

    `post` is the span of the first post of a thread; (0, 0) on other pages.
    """

    first: int = 0
    behind: int = 0
    post: tuple[int, int] = (0, 0)


def find_body(page: Lines, headline: int = -1) -> Body:
    """Return where the text of a page stands; an empty span when there is none.

    `headline` is the number of the headline's line, -1 for unknown. Lines in between that are
    clutter are left out by `is_text`.
    """
    _mark_before(page, headline)
    _mark_around(page, headline)
    post = _settle_records(page, headline)
    weights = [weight(line) for line in page.lines]
    whole = _run(weights, 0, len(weights))
    if whole.weight <= 0:
        whole, weights, post = _without_names(page, headline)
    if whole.weight <= 0:
        return _short_points(page, headline)
    known = _known_container(page, weights, whole.weight)
    if known is not None:
        first, behind = page.spans[_descended(page, weights, known)]
    else:
        root = _descended(page, weights, page.root)
        first, behind = _trimmed(page.lines, weights, *page.spans[root])
    if first <= headline < min(behind, first + 8):
        first = headline + 1
    first = _behind_byline(page.lines, first, behind)
    return Body(*_without_edges(page.lines, first, behind), post)


def is_text(line: Line) -> bool:
    """Return whether a line between first and last belongs to the text."""
    if line.around:
        return False
    if line.linked * 5 >= line.chars * 4:
        return False
    return not _is_boiler(line)


def _is_boiler(line: Line) -> bool:
    """Return whether a line speaks about the page; a long sentence never does."""
    limit = 40 if line.text.endswith(("。", "！", "？", "”", "…")) else 100
    return line.chars < limit and _BOILER.search(line.text) is not None


def _mark_around(page: Lines, headline: int) -> None:
    """Mark lines whose element is named like clutter, unless it holds most of the page's text.

    What comes after a text that follows the headline may even be most of the page.
    """
    gains = [max(weight(line), 0.0) for line in page.lines]
    total = sum(gains)
    heads = _zone_heads(page)
    elements = {*page.around, *_headed(page, heads)}
    at, earlier = max(headline, 0), 0.0
    for element in sorted(elements, key=page.spans.__getitem__):
        start, behind = page.spans[element]
        while at < start:
            earlier += 0.0 if page.lines[at].around else gains[at]
            at += 1
        has_text = (
            0 <= headline < start
            and earlier >= _MIN_TEXT
            and (_is_said(element) or start in heads or start - 1 in heads)
        )
        lines = range(start, behind)
        fresh = sum(gains[number] for number in lines if not page.lines[number].around)
        if has_text or fresh * 2 <= total:
            for number in lines:
                page.lines[number].around = True


def _without_names(page: Lines, headline: int) -> tuple[_Run, list[float], tuple[int, int]]:
    """Weigh again without regard to the names of boxes: here the very posts are named "reply"."""
    for line in page.lines:
        line.around = False
    _mark_before(page, headline)
    post = _settle_records(page, headline)
    weights = [weight(line) for line in page.lines]
    return _run(weights, 0, len(weights)), weights, post


def _zone_heads(page: Lines) -> set[int]:
    return {
        number
        for number, line in enumerate(page.lines)
        if len(line.text) <= 14 and _ZONE.search(line.text)
    }


def _is_said(element: Any) -> bool:
    """Return whether a box is named for comments or other articles, as no part of a text is."""
    return _SAID.search(f"{element.get('class') or ''} {element.get('id') or ''}") is not None


def _headed(page: Lines, heads: set[int]) -> Iterator[Any]:
    """Yield boxes that open with a heading such as 网友评论, and what follows such a heading."""
    if not heads:
        return
    for element, (first, behind) in page.spans.items():
        if first not in heads:
            continue
        if behind - first > 1:
            yield element
        elif element.tag in _HEADING_TAGS and (follower := element.getnext()) is not None:
            yield element
            if follower in page.spans:
                yield follower


def _mark_before(page: Lines, headline: int) -> None:
    """Mark what stands before the headline, when enough stands behind it."""
    if headline <= 0:
        return
    title = _squeezed(page.lines[headline].text)
    behind, whole = _plus(page.lines[headline:]), _plus(page.lines)
    is_heading = page.lines[headline].tag in {"h1", "h2", "h3"}
    if behind >= max(_MIN_BODY, (0.15 if is_heading else 0.5) * whole):
        for line in page.lines[:headline]:
            line.around = True
    for line in page.lines[headline + 1 :]:
        squeezed = _squeezed(line.text)
        if title in squeezed and len(squeezed) <= len(title) + 12:
            line.around = True  # said again, on a reply or for small screens


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _settle_records(page: Lines, headline: int) -> tuple[int, int]:
    """Tell a thread from comments: of posts in a row keep the first, of comments none.

    Returns the span of the first post of a thread, (0, 0) when the page is none.
    """
    post = (0, 0)
    sums = [0.0, *accumulate(max(weight(line), 0.0) for line in page.lines)]
    for records in list(_record_groups(page)):
        before = page.spans[records[0]][0]
        spans = [page.spans[record] for record in records]
        in_records = sum(sums[behind] - sums[first] for first, behind in spans)
        follows = 0 <= headline < before
        earlier = sums[before] - (sums[headline] if follows else 0.0)
        limit = _MIN_TEXT if follows else max(_MIN_TEXT, 0.1 * in_records)
        is_thread = in_records > 0 and earlier < limit
        if is_thread:
            post = spans[0]
        for record in records[1:] if is_thread else records:
            for line in page.of(record):
                line.around = True
    return post


def _short_points(page: Lines, headline: int) -> Body:
    """Take the plain lines behind the headline, where no line reads like a sentence."""
    if headline < 0:
        return Body()
    first = behind = headline + 1
    while behind < len(page.lines) and _is_plain(page.lines[behind]):
        behind += 1
    first, behind = _without_edges(page.lines, first, behind)
    chars = sum(line.chars for line in page.lines[first:behind])
    return Body(first, behind) if chars >= _MIN_POINTS else Body()


def _plus(lines: Iterable[Line]) -> float:
    return sum(max(weight(line), 0) for line in lines)


def _record_groups(page: Lines) -> Iterator[list[Any]]:
    """Yield children of one parent that look alike and each carry a date or a floor number."""
    groups: dict[tuple[Any, str, str], list[Any]] = defaultdict(list)
    for element in page.spans:
        if element.tag in _RECORD_TAGS:
            parent = element.getparent()
            if parent is not None:
                named = re.sub(r"\d+", "", element.get("class") or "")
                groups[parent, element.tag, named].append(element)
    for members in groups.values():
        if len(members) < 3:
            continue
        members.sort(key=lambda member: page.spans[member][0])
        stamped = [_is_stamped(page.of(member)) for member in members]
        if sum(stamped) < 3:
            continue
        # A table of its own for the headline or the page numbers looks like a post, unstamped.
        first, last = stamped.index(True), len(stamped) - stamped[::-1].index(True)
        if sum(stamped) * 10 >= (last - first) * 8:
            yield members[first:last]


def _is_stamped(lines: list[Line]) -> bool:
    if len(lines) < 2:
        return False
    return any(
        len(line.text) <= 60 and (_DAY.search(line.text) or _FLOOR.search(line.text))
        for line in lines
    )


class _Run(NamedTuple):
    """The lines of greatest weight in a row: their weight, the first, the one behind the last."""

    weight: float
    first: int
    behind: int


def _run(weights: list[float], first: int, behind: int) -> _Run:
    best = _Run(0.0, first, first)
    total, start = 0.0, first
    for at in range(first, behind):
        total += weights[at]
        if total > best.weight:
            best = _Run(total, start, at + 1)
        if total <= 0:
            total, start = 0.0, at + 1
    return best


def _descended(page: Lines, weights: list[float], element: Any) -> Any:
    """Go down while one child holds nearly all of the weight."""
    share = _run(weights, *page.spans[element]).weight
    while True:
        inner = [
            (_run(weights, *page.spans[child]).weight, child)
            for child in element
            if child in page.spans
        ]
        heavy = max(inner, key=itemgetter(0), default=None)
        if heavy is None or heavy[0] < _DESCEND * share:
            return element
        share, element = heavy


def _known_container(page: Lines, weights: list[float], whole: float) -> Any:
    least = max(_MIN_BODY, _KNOWN_SHARE * whole)
    for element, span in sorted(page.spans.items(), key=lambda item: item[1][0]):
        if element.tag in {"html", "body"} or not _is_known(element):
            continue
        if _run(weights, *span).weight >= least:
            return element
    return None


def _is_known(element: Any) -> bool:
    if element.get("itemprop") in {"articleBody", "text"} or element.tag == "ucapcontent":
        return True
    named = f"{element.get('class') or ''} {element.get('id') or ''}"
    return len(named) > 1 and _KNOWN.search(named) is not None


def _without_edges(lines: list[Line], first: int, behind: int) -> tuple[int, int]:
    while first < behind and (not is_text(lines[first]) or _is_byline(lines[first])):
        first += 1
    while behind > first and not is_text(lines[behind - 1]):
        behind -= 1
    return first, behind


def _trimmed(lines: list[Line], weights: list[float], first: int, behind: int) -> tuple[int, int]:
    """Cut a span down to its run of greatest weight; short plain lines at its ends stay."""
    _, low, high = run = _run(weights, first, behind)
    while high < behind and high - run.behind < 3 and _is_plain(lines[high]):
        high += 1
    return _without_edges(lines, low, high)


def _behind_byline(lines: list[Line], first: int, behind: int) -> int:
    """Return the first line behind the one with date and origin, if that opens the text."""
    for number in range(first, min(first + 4, behind - 1)):
        line = lines[number]
        if _is_byline(line) and not _SIGNED_DAY.match(line.text):
            return number + 1
        if len(line.text) > 60 or line.text.endswith("。"):
            break
    return first


def _is_byline(line: Line) -> bool:
    """Return whether a line is the one with date and origin that stands above a text."""
    if len(line.text) > 80 or line.text.endswith(("。", "！", "？", "”")):
        return False
    return _DAY.search(line.text) is not None and len(_FULL_STOPS.findall(line.text)) == 0


def _is_plain(line: Line) -> bool:
    """Return whether a line at an end may belong to the text: no link, no figure, no byline."""
    if line.linked or not is_text(line) or _FIGURE.match(line.text):
        return False
    return not _is_byline(line) or _SIGNED_DAY.match(line.text) is not None
