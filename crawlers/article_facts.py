"""Title, author, origin and date of an article: out of the head of a page and the lines near it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from crawlers.article_lines import Line, Lines

_SEPARATOR = re.compile(
    r"\s*(?:[_|｜»«]|\s[-–—·]+\s|\s?--+\s?|(?<=[^\x00-\x7f])-(?=[^\x00-\x7f]))\s*"
)
_BRACKETS = re.compile(r"【[^】]{1,12}】$|[(（][^)）]{1,12}[)）]$")
_DATE_METAS = (
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "publishdate",
    "pubdate",
    "publish_date",
    "publish-date",
    "datepublished",
    "date.available",
    "weibo: article:create_at",
    "og:release_date",
    "dc.date.issued",
    "dcterms.created",
    "bytedance:published_time",
    "og:time",
    "date",
)
_CLOCK = (
    r"(?:\s*(?:T|日)?\s*(?:凌晨|上午|中午|下午|晚上|晚间)?\s*\d{1,2}\s*[:：时點点]\s*\d{1,2}"
    r"(?:\s*[:：分]\s*\d{1,2}秒?)?分?)"
)
_FULL = re.compile(
    r"(?<!\d)(?:19|20)\d{2}\s*(?:年|[-/.])\s*\d{1,2}\s*(?:月|[-/.])\s*\d{1,2}(?!\d)\s*[日号號]?"
    rf"(?:\s*[(（]?\s*(?:星期|周|週)[一二三四五六日天]\s*[)）]?)?{_CLOCK}?(?:\s*(?:Z|[+-]\d\d:?\d\d))?"
    r"|(?:民國|民国)\s*\d{2,3}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日"
)
_ENGLISH = re.compile(
    r"(?:[A-Z][a-z]{2},?\s+)?(?:[A-Z][a-z]{2}\s+\d{1,2}\s+\d{2}:\d{2}:\d{2}\s+(?:[A-Z]{3}\s+)?\d{4}"
    r"|\d{1,2}\s+[A-Z][a-z]{2,8}\s+\d{4}(?:\s+\d{2}:\d{2}(?::\d{2})?)?)"
)
_SHORT = re.compile(
    rf"(?<![\d.:/-])\d{{1,2}}\s*(?:月\s*\d{{1,2}}\s*[日号號]|[-/]\s*\d{{1,2}}(?=\s+\d)){_CLOCK}?"
    rf"|(?:今天|昨天|前天){_CLOCK}|(?<!\d)\d{{1,2}}\s*(?:分钟|小时|天|分鐘|小時)前|刚刚|剛剛"
)
_LABEL = re.compile(
    r"(?:发布|发表|發布|發表|投诉|投訴|刊登|发帖|提问|首次发布|创建|上传|添加|录入|更新|撰写)"
    r"(?:时间|日期|時間|于|於|在)?\s*[:：]?|^\s*(?:时间|日期|時間)\s*[:：]|发信站|Posted"
)
_NOT_IT = re.compile(
    r"注册|登录|登陆|最后回复|上次|今天是|今日是|现在时间|当前时间|北京时间|生产日期|成文日期|截止|"
    r"有效期|开播|版权|copyright|©|GMT|processed|修改|编辑于|更新于|updated",
    re.IGNORECASE,
)
_SCRIPTED = re.compile(
    r"""(?:^|[\s,{;.'"])(?:var ct|ori_?create_?time|create_?time|publish_?time|pub_?time|"""
    r"""pub_?date|publish_?date|news_?time|article_?time)['"]?\s*[:=]\s*['"]?"""
    r"""(1\d{9}(?:\d{3})?|20\d{2}[-/年]\d{1,2}[-/月]\d{1,2}[^'",;<]{0,12})""",
    re.IGNORECASE,
)
_MAX_SCRIPT = 500_000
_ORIGIN = re.compile(
    r"(?:来源|來源|出处|来自|稿源|信息来源|文章来源|消息来源|稿件来源)\s*[:：]\s*"
    r"([^\s|,，;；:：【\[(（]{2,24})"
)
_AUTHOR = re.compile(
    r"(?:^|[\s|│　(（])(?:作者|记者|記者|撰文|文|发布者|發布者|楼主|发帖人|发信人|编译)"
    r"\s*[:：/／]\s*"
    r"([^\s|,，;；:：/／()（）\[\]【】\d]{2,12})"
)
_AUTHOR_LABEL = re.compile(r"^(?:作者|記者|记者|文|发布者|發布者)\s*[:：/／]\s*")
_STOPS = re.compile(r"[。！？，]")
_CLOCKED = re.compile(r"\d{1,2}[:：时點点]\s*\d{2}")
_HEADINGS = frozenset({"h1", "h2", "h3"})
_MAX_TITLE = 120
_NEAR = 14  # lines between headline and text in the most cluttered head seen hold a dozen


class Head:
    """The metadata in a page's head, read once."""

    def __init__(self, root: Any) -> None:
        self.metas: dict[str, str] = {}
        for meta in root.iter("meta"):
            name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
            content = (meta.get("content") or "").strip()
            if name and content:
                self.metas.setdefault(name.strip().lower(), content)
        titles = root.xpath("//title//text()")
        self.title = " ".join("".join(titles[:5]).split())

    def first(self, *names: str) -> str:
        """Return the first meta of these names that has content."""
        return next((self.metas[name] for name in names if name in self.metas), "")


def find_headline(page: Lines, head: Head) -> int:
    """Return the first line that repeats most of the page's <title>, -1 when none does."""
    whole = head.first("og:title", "twitter:title", "articletitle") or head.title
    wanted, core = _squeezed(f"{whole} {head.title}"), _squeezed(shortened(whole))
    for number, line in enumerate(page.lines):
        squeezed = _squeezed(line.text)
        if line.linked * 2 > line.chars and line.tag not in _HEADINGS:
            continue  # a list of articles may hold this one, too
        if len(squeezed) >= max(4, 0.6 * len(core)) and squeezed in wanted:
            return number
        # "贴子主题：..." with the title behind it
        if len(core) >= 6 and core in squeezed and len(squeezed) <= len(core) + 10:
            return number
    first_rank = [
        number for number, line in enumerate(page.lines) if line.tag == "h1" and line.chars >= 6
    ]
    return first_rank[0] if len(first_rank) == 1 else -1


def find_title(page: Lines, head: Head, first: int, given: str = "") -> tuple[str, int]:
    """Return the headline and the number of its line, -1 when it stands in no line.

    The line before the text that repeats a part of <title> is the headline; a heading or the
    shortened <title> stand in for it. `given` is a title that data of the page names.
    """
    whole = given or head.first("og:title", "twitter:title", "articletitle") or head.title
    wanted = _squeezed(f"{whole} {head.title}")
    best, place = "", -1
    for number, line in enumerate(page.lines[: first + 4]):
        squeezed = _squeezed(line.text)
        if len(squeezed) < 4 or len(line.text) > _MAX_TITLE or squeezed not in wanted:
            continue
        better = len(squeezed) - len(_squeezed(best))
        if better > 0 or (better == 0 and number < first and line.tag in _HEADINGS):
            best, place = line.text, number
    if place >= 0 and len(_squeezed(best)) * 3 >= len(_squeezed(shortened(whole))):
        return best, place
    if whole:
        return shortened(whole), place
    for number, line in enumerate(page.lines[: first + 2]):
        if line.tag in _HEADINGS and not line.around and len(line.text) <= _MAX_TITLE:
            return line.text, number
    return "", -1


def shortened(title: str) -> str:
    """Cut the names of sites and sections off a <title>."""
    parts = [part.strip() for part in _SEPARATOR.split(title) if part.strip()]
    if not parts:
        return title.strip()
    best = parts[0]
    if len(best) < 6:  # "港报 - 一家三口被划伤": the site comes first
        best = max(parts, key=len)
    return _BRACKETS.sub("", best).strip() or best


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def head_date(root: Any, head: Head) -> str:
    """Return the date of publishing that the page's own markup names, "" for none."""
    found = head.first(*_DATE_METAS)
    if re.search(r"\d{4}\D?\d", found):
        return found
    for element in root.xpath("//*[@itemprop='datePublished'][not(ancestor::aside)]")[:1]:
        return str(element.get("content") or element.get("datetime") or element.text or "").strip()
    stamped = root.get("data-publishtime")
    return str(stamped or "")


def post_date(lines: list[Line]) -> str:
    """Return the date that the first post of a thread shows, before its text or below it."""
    told = [line for line in lines if len(line.text) <= 120 and _may_date(line)]
    told.sort(key=lambda line: not _LABEL.search(line.text))
    return next(
        filter(None, (line.stamp or _labelled(line.text) or _dated(line.text) for line in told)), ""
    )


def near_date(page: Lines, headline: int, first: int, behind: int) -> str:
    """Return the date that stands between headline and text, or close to them; "" for none.

    A date elsewhere belongs to something else: lists, comments, the masthead's today.
    """
    lines = page.lines
    known = 0 <= headline < first
    top = headline if known else max(0, first - _NEAR)
    near = [line for line in lines[max(top, first - 3 * _NEAR) : first] if _may_date(line)]
    above = [line for line in lines[max(0, top - 4) : top] if _may_date(line)]
    if not known:  # nothing says where the lists end: only a label or a time of day is trusted
        near = [line for line in near if _LABEL.search(line.text) or _CLOCKED.search(line.text)]
        above = []
    after = list(takewhile(lambda line: not line.around, lines[behind : behind + 6]))
    marked = [line for line in after if line.stamp or _LABEL.search(line.text)]
    for line in _candidates(near, above, marked):
        found = line.stamp or _labelled(line.text) or _dated(line.text)
        if found:
            return found
    joined = _joined(" ".join(line.text for line in (*above, *near) if len(line.text) <= 24))
    return joined or _signed(lines[max(first, behind - 2) : behind + 2])


def _candidates(near: list[Line], above: list[Line], marked: list[Line]) -> Iterator[Line]:
    """Yield lines that could say a date: labelled ones first, then the nearest to the text."""
    short = [line for line in (*near, *above, *marked) if len(line.text) <= 200]
    yield from (line for line in short if _LABEL.search(line.text))
    yield from (line for line in near if len(line.text) <= 200)
    yield from (line for line in (*reversed(above), *marked) if len(line.text) <= 200)


def _signed(lines: list[Line]) -> str:
    """Read the date under which an office signs: a line of its own at the end of the text."""
    for line in lines:
        if len(line.text) <= 30 and not line.linked and not _NOT_IT.search(line.text):
            found = _FULL.match(unicodedata.normalize("NFKC", line.text).strip(" ("))
            if found and len(found[0]) * 2 >= len(line.text):
                return found[0].strip()
    return ""


def script_date(scripts: list[str]) -> str:
    """Return the moment that the page's scripts name for it, "" when they name several days."""
    found = [match[1] for script in scripts for match in _SCRIPTED.finditer(script[:_MAX_SCRIPT])]
    return found[0] if len({_day(text) for text in found}) == 1 else ""


def _day(text: str) -> tuple[int, ...]:
    if text.isdigit():
        # All of China keeps one time, eight hours ahead.
        moment = datetime.fromtimestamp(int(text[:10]), UTC) + timedelta(hours=8)
        return moment.year, moment.month, moment.day
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def finer(coarse: str, shown: str) -> str:
    """Return the shown date when it names the same day as the head's and the time besides."""
    if re.search(r"\d:\d|\d{10}", coarse) or not re.search(r"\d[:：时]\d", shown):
        return coarse
    return shown if _FULL.search(shown) and _day(coarse) == _day(shown) else coarse


def is_relative(text: str) -> bool:
    """Return whether a date is told from the moment of reading ("2小时前")."""
    return bool(text) and not re.search(r"\d{4}|\d{1,2}[-/月]\d", text)


def _labelled(text: str) -> str:
    for label in _LABEL.finditer(text):
        rest = text[label.end() : label.end() + 40]
        before = text[max(0, label.start() - 26) : label.start()]
        for part in (rest, before):
            found = _FULL.search(part) or _ENGLISH.search(part) or _SHORT.search(part)
            if found and not _NOT_IT.search(text[max(0, label.start() - 4) : label.end()]):
                return found[0].strip()
    return ""


def _dated(text: str) -> str:
    for pattern in (_FULL, _ENGLISH, _SHORT):
        for found in pattern.finditer(text):
            around = text[max(0, found.start() - 8) : found.end() + 4]
            if not _NOT_IT.search(around):
                return found[0].strip()
    return ""


def _joined(text: str) -> str:
    """Read a date whose year, day and time stand in boxes of their own: "2026 10/19 08:45"."""
    found = re.search(
        r"(?<!\d)((?:19|20)\d{2})\s*年?\s+(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?(?:\s+(\d{1,2}:\d{2}(?::\d{2})?))?",
        text,
    )
    if found is None:
        return ""
    return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d} {found[4] or ''}".strip()


def _may_date(line: Line) -> bool:
    """Return whether a line may say when the article was published: no list, no sentence."""
    if line.linked * 10 >= line.chars * 9 and line.chars > 24:
        return False
    if line.linked >= 10 and line.tag in {"li", "dd"}:
        return False
    return len(_STOPS.findall(line.text)) == 0 or _LABEL.search(line.text) is not None


def find_origin(page: Lines, headline: int, first: int, behind: int) -> str:
    """Return the medium that the page names as its source (来源), "" for none."""
    for text in _by_lines(page, headline, first, behind):
        found = _ORIGIN.search(text)
        if found:
            return found[1]
    return ""


def find_author(page: Lines, head: Head, headline: int, first: int, behind: int) -> str:
    """Return who wrote it: the author line near the headline, else the head's author."""
    for text in _by_lines(page, headline, first, behind):
        found = _AUTHOR.search(text)
        if found:
            return found[1]
    return clean_author(head.first("author", "article:author", "og:article:author"))


def clean_author(text: str) -> str:
    """Return a name without its label; an address is no name."""
    cleaned = _AUTHOR_LABEL.sub("", " ".join(text.split()))
    return "" if cleaned.startswith("http") or len(cleaned) > 60 else cleaned


def _by_lines(page: Lines, headline: int, first: int, behind: int) -> Iterator[str]:
    top = headline if 0 <= headline < first else max(0, first - _NEAR)
    for line in (*page.lines[max(0, top - 2) : first], *page.lines[behind : behind + 4]):
        if len(line.text) <= 200 and not (line.around and line.linked):
            yield line.text
