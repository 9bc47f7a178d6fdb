"""Bytes of a page of a forum thread go in, its posts come out, and where the thread goes on.

Every post is a mention of its own: the first one stands for the thread (its address, its title),
the others answer it (`parent_url`). A thread is read page by page through the frontier; its last
page is visited again while somebody still writes there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.schema import SourceConfig, ThreadRules
from crawlers.canonical import canonical_url, url_hash
from crawlers.causes import Failure, wall_of
from crawlers.extract import Page, read_field, select
from crawlers.gathering import in_scope, link_key
from crawlers.json_pages import JsonPage
from crawlers.mentions import Item, LinkParsed, Parsed, Row, unmet_expectations
from crawlers.pages import next_address, open_page, read_item
from crawlers.replies import make_reply, own_name
from storage.records import DetailLink, FetchCause, RawMention, SourceId

MAX_POSTS = 500  # of one page
# A thread that the configuration names is watched for good, if rarely once it has gone quiet.
_QUIET_REVISIT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posts:
    """What one page of a thread holds. `newest_at` is the newest date among its posts."""

    raws: tuple[RawMention, ...] = ()
    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()
    found: int = 0
    left_out: int = 0
    out_of_scope: int = 0
    title: str = ""
    first: str = ""  # what tells its first post apart
    about: bool = False  # the thread is in scope, and so are its replies
    newest_at: datetime | None = None
    filled: dict[str, int] | None = None


def parse_thread(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
    trace: bool = False,
) -> LinkParsed:
    """Read a page of a thread that a link led to.

    With a further page the link's work is done and the next page's begins; the last page is due
    again every `revisit` while its newest post is younger than `watch`.
    """
    rules = _rules(source)
    decoded, page, failure = open_page(body, url, http_charset, source, [rules.post])
    if page is None:
        return LinkParsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    posts = _read_posts(page, source, link, now)
    if _counts_pages(link) and posts.first and posts.first == link.listed.get("first"):
        # Beyond its end a forum shows the last page once more.
        return LinkParsed(charset=decoded.charset, charset_why=decoded.why)
    onward = _onward(page, source, link, posts, now)
    again_at = None
    if posts.found and (not onward or _counts_pages(link)):
        again_at = _again_at(rules, link, posts.newest_at, now)
    return LinkParsed(
        raws=posts.raws,
        links=onward,
        again_at=again_at,
        out_of_scope=posts.out_of_scope,
        failure=None if posts.found else _no_posts(rules, decoded.text),
        problems=posts.problems,
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=posts.rows if trace else (),
    )


def parse_thread_start(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Read the first page of a thread that the configuration itself names (no `list`)."""
    rules = _rules(source)
    decoded, page, failure = open_page(body, url, http_charset, source, [rules.post])
    if page is None:
        return Parsed(failure=failure, charset=decoded.charset, charset_why=decoded.why)
    link = DetailLink(
        url_hash="",
        source_id=SourceId(source.id),
        url=url,
        found_at=now,
        history=history,
        kind="thread",
        listed={"thread": url, "template": _template_of(source, url)},
    )
    posts = _read_posts(page, source, link, now)
    onward = _onward(page, source, link, posts, now)
    filled = posts.filled or {}
    return Parsed(
        raws=posts.raws,
        links=onward,
        keys=(
            *(url_hash(raw.native_id or raw.url, source.url) for raw in posts.raws),
            *(found.url_hash for found in onward),
        ),
        items=posts.found,
        unreadable=posts.left_out,
        out_of_scope=posts.out_of_scope,
        problems=posts.problems,
        unmet=unmet_expectations(source, posts.found, filled),
        failure=None if posts.found else _no_posts(rules, decoded.text),
        filled=filled,
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=posts.rows if trace else (),
    )


def thread_link(link: DetailLink, source: SourceConfig) -> DetailLink:
    """Make the link to a thread's first page of what a list says of it.

    The date in a list is that of the last reply: a thread that wakes up after it was given up
    becomes another link, once per `watch`.
    """
    watch_s = max(_rules(source).watch.total_seconds(), 1.0)
    last = link.listed.get("published_at")
    turn = int(datetime.fromisoformat(str(last)).timestamp() // watch_s) if last else 0
    listed = {"thread": link.url, "title": link.listed.get("title", ""), "turn": turn}
    return replace(link, kind="thread", url_hash=_key(link.url, turn), listed=listed)


def _rules(source: SourceConfig) -> ThreadRules:
    assert source.thread is not None  # the schema sees to it
    return source.thread


def _key(url: str, turn: object) -> str:
    return link_key("thread", canonical_url(url) or url, str(turn))


def _read_posts(
    page: Page | JsonPage, source: SourceConfig, link: DetailLink, now: datetime
) -> _Posts:
    rules = _rules(source)
    thread_url = str(link.listed.get("thread") or link.url)
    title = _title(page, rules, link)
    found = select(page, rules.post)[:MAX_POSTS]
    raws: dict[str, RawMention] = {}
    items: list[Item] = []
    rows: list[Row] = []
    filled = dict.fromkeys(rules.fields, 0)
    about = bool(link.listed.get("about")) or in_scope(source, title, "")
    out_of_scope, first = 0, ""
    for place, part in enumerate(found):
        item, readings = read_item(page, part, rules.fields, source, now)
        item.fields["title"] = ""
        first = first or own_name(item)
        is_first = link.page == 1 and place == 0
        if is_first:
            item.fields["title"], item.url = title, thread_url
        # what a page gives once, a missing post (deleted, hidden) does not repeat
        for name in filled:
            has = item.published_at if name == "published" else item.fields.get(name)
            filled[name] += bool(has) or name in {"url", "title"}
        items.append(item)
        rows.append(item.row(readings))
        if item.is_empty:
            continue
        raw = _mention(item, thread_url, page.url, link, is_first=is_first)
        about = about or (is_first and in_scope(source, raw.title, raw.text))
        if about or in_scope(source, raw.title, raw.text):
            raws.setdefault(raw.native_id or raw.url, raw)
        else:
            out_of_scope += 1
    dates = [item.published_at for item in items if item.published_at is not None]
    return _Posts(
        raws=tuple(raws.values()),
        rows=tuple(rows),
        problems=tuple(problem for item in items for problem in item.problems),
        found=len(found),
        left_out=sum(item.is_empty for item in items),
        out_of_scope=out_of_scope,
        title=title,
        first=first,
        about=about,
        newest_at=max(dates, default=None),
        filled=filled,
    )


def _mention(
    item: Item, thread_url: str, page_url: str, link: DetailLink, *, is_first: bool
) -> RawMention:
    if is_first:
        # The first post is the thread: what other sources link to is its address.
        item.fields["native_id"] = ""
        return item.mention(history=link.history)
    under = canonical_url(thread_url, item.source.url)
    return make_reply(item, under=under, page_url=page_url, history=link.history)


def _title(page: Page | JsonPage, rules: ThreadRules, link: DetailLink) -> str:
    """Return the thread's title: it stands beside the posts, on the whole page."""
    rule = rules.fields.get("title")
    found = read_field(page, page.root, "title", rule).value if rule is not None else ""
    return str(link.listed.get("title") or "") or found


def _onward(
    page: Page | JsonPage, source: SourceConfig, link: DetailLink, posts: _Posts, now: datetime
) -> tuple[DetailLink, ...]:
    """Return the link of the following page, if there is (or may be) one."""
    rules = _rules(source)
    if link.page >= rules.max_pages or not posts.found:
        return ()
    turn = link.listed.get("turn", 0)
    template = str(link.listed.get("template") or "")
    if rules.next:
        url = next_address(page, rules.next)
    elif template:
        url = template.replace("{page}", str(source.pages.first + link.page))
        # More posts on this page are a reason to look for the next one again.
        turn = f"{turn}/{posts.found}"
    else:
        url = ""
    if not url or url == link.url:
        return ()
    listed = {
        "thread": link.listed.get("thread") or link.url,
        "title": posts.title,
        "turn": link.listed.get("turn"),
        "about": posts.about,
        "template": template,
        "first": posts.first,
    }
    following = replace(
        link,
        url_hash=_key(url, turn),
        url=url,
        listed={
            name: value
            for name, value in listed.items()
            if value or (name == "turn" and value is not None)
        },
        attempts=0,
        found_at=now,
        due_at=None,
        page=link.page + 1,
    )
    return (following,)


def _counts_pages(link: DetailLink) -> bool:
    """Return whether the thread's pages are counted up: none of them then knows it is the last."""
    return bool(link.listed.get("template"))


def _template_of(source: SourceConfig, url: str) -> str:
    """Return the start template whose first page this is, "" when it counts no pages."""
    for start in source.start:
        if "{page}" in start and canonical_url(
            start.replace("{page}", str(source.pages.first))
        ) == canonical_url(url):
            return start
    return ""


def _again_at(
    rules: ThreadRules, link: DetailLink, newest_at: datetime | None, now: datetime
) -> datetime | None:
    """Return when a thread's last page is due again, None when it has gone quiet."""
    newest = newest_at or link.found_at or now
    if now - newest < rules.watch:
        return now + rules.revisit
    # without a list nobody would notice that it wakes up
    is_named = "turn" not in link.listed
    return now + max(rules.revisit, _QUIET_REVISIT) if is_named else None


def _no_posts(rules: ThreadRules, text: str) -> Failure:
    return wall_of(text) or Failure(
        cause=FetchCause.LAYOUT, text=f"选择器 {rules.post} 没有找到任何楼层，页面可能已改版"
    )
