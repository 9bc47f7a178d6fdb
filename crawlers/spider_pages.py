"""Pages of a source with a hand-written spider: the spider reads, its yield becomes the usual.

Runs in the parsing child only. Whatever a spider raises is a failure of its source with the line in
its text, nothing more.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from config.schema import SourceConfig
from config.spider_files import distrust, shipped_folder, split_name
from crawlers.canonical import canonical_url
from crawlers.causes import Failure, empty, unreadable
from crawlers.charset import Decoded, declared_charset, decode
from crawlers.extract import Reading
from crawlers.gathering import Gathering, link_key
from crawlers.mentions import Item, LinkParsed, Parsed, unmet_expectations
from crawlers.spiders.base import Again, Follow, Found, Next, Spider, SpiderPage
from storage.records import DetailLink, SourceId

_MAX_YIELDS = 2000  # of one page
_FIELDS = ("url", "title", "text", "author", "published")
# The first crawl of a source is over by then; what its pages show later is news.
_FIRST_READ = timedelta(hours=6)
_STEP = "spider_step"  # in DetailLink.listed, beside what the spider gave along


@dataclass(slots=True)
class _Read:
    """What a spider made of one page."""

    gathering: Gathering
    links: dict[str, DetailLink] = field(default_factory=dict)
    next_url: str = ""
    again: timedelta | None = None
    failure: Failure | None = None
    problems: list[str] = field(default_factory=list)


def parse_spider_page(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    now: datetime,
    *,
    history: bool = False,
    trace: bool = False,
) -> Parsed:
    """Let the spider read a start page."""
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    page = SpiderPage(url=url, text=decoded.text, source=source, now=now)
    read = _read(page, decoded, history=history, trace=trace)
    parsed = read.gathering.parsed(judged=False)
    items = parsed.items + len(read.links)
    failure = read.failure
    if failure is None and not items and source.expect.min_items:
        failure = empty(f"爬虫 {_name(source)} 没有在页面上找到任何内容")
    return replace(
        parsed,
        links=tuple(read.links.values()),
        keys=(*parsed.keys, *read.links),
        items=items,
        unmet=unmet_expectations(source, items, {}) if failure is None else (),
        problems=(*parsed.problems, *read.problems),
        failure=failure,
        next_url=read.next_url,
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def parse_spider_link(
    body: bytes,
    url: str,
    http_charset: str,
    source: SourceConfig,
    link: DetailLink,
    *,
    now: datetime,
    trace: bool = False,
) -> LinkParsed:
    """Let the spider read a page that it wanted to follow."""
    decoded = decode(body, http_charset, declared_charset(body), source.fetch.charset)
    given = {name: str(text) for name, text in link.listed.items() if name != _STEP}
    step = str(link.listed.get(_STEP, ""))
    page = SpiderPage(url=url, text=decoded.text, source=source, now=now, step=step, given=given)
    history = link.history and now - (link.found_at or now) < _FIRST_READ
    read = _read(page, decoded, history=history, trace=trace)
    parsed = read.gathering.parsed(judged=False)
    return LinkParsed(
        raws=parsed.raws,
        links=tuple(read.links.values()),
        again_at=None if read.again is None else now + max(read.again, source.schedule.min),
        out_of_scope=parsed.out_of_scope,
        failure=read.failure,
        problems=(*parsed.problems, *read.problems),
        charset=decoded.charset,
        charset_why=decoded.why,
        rows=parsed.rows,
    )


def _read(page: SpiderPage, decoded: Decoded, *, history: bool, trace: bool) -> _Read:
    source = page.source
    read = _Read(Gathering(source, page.now, _FIELDS, history=history, trace=trace))
    if not decoded.text.strip():
        read.failure = empty("页面返回了空内容")
        return read
    try:
        spider = _spider_class(source.spider or "")()
        for count, found in enumerate(spider.read(page)):
            if count == _MAX_YIELDS:
                read.problems.append(f"spider yields more than {_MAX_YIELDS} things, took those")
                break
            _take(read, found, page, history=history)
    # Strangers' code may raise anything, and it must only ever cost its own source.
    except Exception as error:  # noqa: BLE001
        read.failure = unreadable(_told(error, source))
    return read


def _take(read: _Read, found: object, page: SpiderPage, *, history: bool) -> None:
    source = page.source
    if isinstance(found, Found):
        _add(read.gathering, found, page)
    elif isinstance(found, Follow):
        link = _link(found, page, history=history)
        if link is None:
            read.problems.append(f"spider wants to follow {found.url[:80]!r}: no web address")
        else:
            read.links.setdefault(link.url_hash, link)
    elif isinstance(found, Next):
        item = Item(source=source, now=page.now)
        item.set_url(found.url, page.url)
        read.next_url = item.url
    elif isinstance(found, Again):
        read.again = found.after
    else:
        raise TypeError(f"yielded {type(found).__name__}, expected Found, Follow, Next or Again")


def _add(gathering: Gathering, found: Found, page: SpiderPage) -> None:
    fields = {name: str(text) for name, text in found.fields.items()}
    item = Item(source=page.source, now=page.now, fields=fields)
    item.set_url(found.url, page.url)
    item.set_date(fields.get("published", ""))
    readings = {name: Reading(text, 0, "spider") for name, text in fields.items()}
    before = len(gathering.raws)
    gathering.add(item, {"url": Reading(found.url, 0, "spider"), **readings})
    if found.parent_url and len(gathering.raws) > before:
        parent = canonical_url(found.parent_url, page.source.url)
        gathering.raws[-1] = replace(gathering.raws[-1], parent_url=parent)


def _link(found: Follow, page: SpiderPage, *, history: bool) -> DetailLink | None:
    item = Item(source=page.source, now=page.now)
    item.set_url(found.url, page.url)
    if not item.url:
        return None
    given: Mapping[str, str] = {name: str(text) for name, text in found.given.items()}
    return DetailLink(
        url_hash=link_key(canonical_url(item.url), found.step, found.version),
        source_id=SourceId(page.source.id),
        url=item.url,
        listed={**given, _STEP: found.step},
        found_at=page.now,
        history=history,
    )


def _name(source: SourceConfig) -> str:
    return (source.spider or "").rpartition("/")[2]


def _told(error: Exception, source: SourceConfig) -> str:
    """Say what went wrong, with the spider's own line where it is known."""
    path, _ = split_name(source.spider or "x.X")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    place = f"第 {lines[-1]} 行" if lines else ""
    return f"爬虫 {_name(source)} {place}出错：{type(error).__name__}: {str(error)[:120]}"


@cache
def _spider_class(name: str) -> type[Spider]:
    """Load a spider's class, once per process."""
    path, class_name = split_name(name)
    if path.parent != shipped_folder():
        trouble = distrust(path)
        if trouble:
            raise PermissionError(trouble)
    found: Any = getattr(_module(path), class_name, None)
    if not (isinstance(found, type) and issubclass(found, Spider)):
        raise TypeError(f"{class_name} is no crawlers.spiders.base.Spider")
    return found


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_groundswell_spider_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
