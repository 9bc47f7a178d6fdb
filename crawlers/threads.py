"""Bytes of a page of a forum thread go in, its posts come out, and where the thread goes on.

Every post is a mention of its own: the first one stands for the thread (its address, its title),
the others answer it (`parent_url`). A thread is read page by page through the frontier; its last
page is visited again while somebody still writes there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from config.schema import SourceConfig, ThreadRules
from crawlers.canonical import canonical_url
from crawlers.causes import Failure, wall_of
from crawlers.extract import Page, Reading, read_field, select
from crawlers.gathering import in_scope, link_key
from crawlers.json_pages import JsonPage
from crawlers.mentions import Item, LinkParsed, Parsed, Row, unmet_expectations
from crawlers.pages import next_address, open_page, read_item
from crawlers.replies import make_reply, own_name, reply_of
from storage.records import DetailLink, FetchCause, RawMention, SourceId

MAX_POSTS = 500  # of one page
# A thread that the configuration names is watched for good, if rarely once it has gone quiet.
_QUIET_REVISIT = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class _Posts:
    """What one page of a thread holds, while it is read post by post.

    `about` says that the thread is in scope, and so are its replies; `first` is what tells its
    first post apart, `newest_at` the newest date among its posts.
    """

    source: SourceConfig
    link: DetailLink
    page_url: str
    now: datetime
    title: str
    about: bool
    raws: dict[str, RawMention] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)
    found: int = 0
    left_out: int = 0
    out_of_scope: int = 0
    first: str = ""
    newest_at: datetime | None = None

    @property
    def thread_url(self) -> str:
        """The address of the thread's first page."""
        return str(self.link.listed.get("thread") or self.link.url)

    def add(self, item: Item, readings: Mapping[str, Reading]) -> None:
        """Take the next post of the page."""
        self.found += 1
        self.first = self.first or own_name(item)
        opens = self.link.page == 1 and self.found == 1
        item.fields["title"] = self.title if opens else ""
        if opens:
            item.url = self.thread_url
        for name in readings:
            has = item.published_at if name == "published" else item.fields.get(name)
            # the title stands beside the posts, and a post has the page's address if no other
            self.filled[name] += bool(has) or name in {"url", "title"}
        self.rows.append(item.row(readings))
        self.problems += item.problems
        if item.published_at is not None:
            self.newest_at = max(self.newest_at or item.published_at, item.published_at)
        if item.is_empty:  # deleted, or hidden from visitors
            self.left_out += 1
        else:
            self._keep(self._mention(item, opens=opens), opens=opens)

    def _keep(self, raw: RawMention, *, opens: bool) -> None:
        fits = in_scope(self.source, raw.title, raw.text)
        self.about = self.about or (opens and fits)
        if self.about or fits:
            self.raws.setdefault(raw.native_id or raw.url, raw)
        else:
            self.out_of_scope += 1

    def _mention(self, item: Item, *, opens: bool) -> RawMention:
        history = self._is_history(item)
        if opens:
            # The first post is the thread: what other sources link to is its address.
            item.fields["native_id"] = ""
            return item.mention(history=history)
        under = canonical_url(self.thread_url, self.source.url)
        return make_reply(item, under=under, page_url=self.page_url, history=history)

    def _is_history(self, item: Item) -> bool:
        """Return whether a post was there when the source was new; later ones are news."""
        found_at = self.link.found_at
        if not self.link.history or found_at is None:
            return self.link.history
        if item.published_at is not None:
            return item.published_at <= found_at
        return self.now - found_at < _rules(self.source).revisit


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
    onward = _onward(page, source, link, posts)
    again_at = None
    if posts.found and (not onward or _counts_pages(link)):
        again_at = _again_at(rules, link, posts.newest_at, now)
    return LinkParsed(
        raws=tuple(posts.raws.values()),
        links=onward,
        again_at=again_at,
        out_of_scope=posts.out_of_scope,
        failure=None if posts.found else _no_posts(rules, decoded.text),
        problems=tuple(posts.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=tuple(posts.rows) if trace else (),
    )


def parse_post_again(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
) -> LinkParsed:
    """Read one known post again, on whichever page of its thread it stands. Nothing else is read.

    `link.listed` has what is known of the mention: its address ("thread") and its native id.
    """
    native = reply_of(link)
    thread_url = native.rpartition("#")[0] or str(link.listed.get("thread") or link.url)
    is_first_page = canonical_url(link.url, source.url) == canonical_url(thread_url, source.url)
    listed = {"thread": thread_url, "about": True}
    if not native:
        listed["title"] = str(link.listed.get("title", ""))
    page = replace(link, listed=listed, page=1 if is_first_page else 2)
    parsed = parse_thread(body, url, http_charset, source, page, now=now)
    # The first post has the thread's own id, if any, and answers nothing.
    raws = tuple(
        raw for raw in parsed.raws if (raw.native_id == native if native else not raw.parent_url)
    )
    return replace(parsed, raws=raws, links=(), again_at=None)


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
    onward = _onward(page, source, link, posts)
    named = [raw.native_id or raw.url for raw in posts.raws.values()]
    return Parsed(
        raws=tuple(posts.raws.values()),
        links=onward,
        keys=(*(link_key("id", name) for name in named), *(found.url_hash for found in onward)),
        items=posts.found,
        unreadable=posts.left_out,
        out_of_scope=posts.out_of_scope,
        problems=tuple(posts.problems),
        unmet=unmet_expectations(source, posts.found, posts.filled),
        failure=None if posts.found else _no_posts(rules, decoded.text),
        filled=posts.filled,
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=tuple(posts.rows) if trace else (),
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
    title = _title(page, rules, link)
    posts = _Posts(
        source=source,
        link=link,
        page_url=page.url,
        now=now,
        title=title,
        about=bool(link.listed.get("about")) or in_scope(source, title, ""),
    )
    for part in select(page, rules.post)[:MAX_POSTS]:
        posts.add(*read_item(page, part, rules.fields, source, now))
    return posts


def _title(page: Page | JsonPage, rules: ThreadRules, link: DetailLink) -> str:
    """Return the thread's title: it stands beside the posts, on the whole page."""
    rule = rules.fields.get("title")
    found = read_field(page, page.root, "title", rule).value if rule is not None else ""
    return str(link.listed.get("title") or "") or found


def _onward(
    page: Page | JsonPage, source: SourceConfig, link: DetailLink, posts: _Posts
) -> tuple[DetailLink, ...]:
    """Return the link of the following page, if there is (or may be) one."""
    rules = _rules(source)
    if link.page >= rules.max_pages or not posts.found:
        return ()
    turn = link.listed.get("turn", 0)
    template = str(link.listed.get("template") or "")
    url = next_address(page, rules.next) if rules.next else ""
    if template and not rules.next:
        url = template.replace("{page}", str(source.pages.first + link.page))
        # More posts on this page are a reason to look for the next one again.
        turn = f"{turn}/{posts.found}"
    if not url or url == link.url:
        return ()
    following = replace(
        link,
        url_hash=_key(url, turn),
        url=url,
        listed=_carried(link, posts, template),
        attempts=0,
        due_at=None,
        page=link.page + 1,
    )
    return (following,)


def _carried(link: DetailLink, posts: _Posts, template: str) -> dict[str, object]:
    """Return what the next page of a thread has to know of those before it."""
    carried: dict[str, object] = {"thread": posts.thread_url, "first": posts.first}
    known = {"title": posts.title, "about": posts.about, "template": template}
    carried.update({name: value for name, value in known.items() if value})
    if "turn" in link.listed:
        carried["turn"] = link.listed["turn"]
    return carried


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
