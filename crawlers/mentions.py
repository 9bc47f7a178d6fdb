"""Field texts of one item go in, a RawMention comes out: the same way for feeds and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from config.schema import SourceConfig
from crawlers.canonical import canonical_url, native_id
from crawlers.causes import Failure
from crawlers.dates import parse_date
from crawlers.extract import Reading, read_number
from storage.records import DetailLink, HotEntry, RawMention, SourceId

# Clocks of servers differ by minutes; an hour ahead is a mistake (a wrong zone, a planned post).
_FUTURE = timedelta(hours=1)
_CJK_SHARE = 0.1  # of the letters; below it a text of a `lang: auto` source counts as English


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one item was read, for people: each field with its text and the rung that hit."""

    url: str
    canonical_url: str
    readings: tuple[tuple[str, Reading], ...]
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What one feed or list page holds.

    `keys` are the url hashes of all items: first those of `raws` or `links`, in their order, which
    is the page's. `items` counts what stood on the page, `unreadable` what was left out of it,
    `out_of_scope` what names none of the words of `keywords.mode: filter`; `unmet` are the
    expectations that it does not meet.
    """

    raws: tuple[RawMention, ...] = ()
    links: tuple[DetailLink, ...] = ()
    keys: tuple[str, ...] = ()
    items: int = 0
    unreadable: int = 0
    out_of_scope: int = 0
    problems: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    failure: Failure | None = None
    next_url: str = ""
    next_cursor: str = ""  # fills {cursor} in the start address
    hint_s: float = 0.0  # how often the page itself asks to be read at most (ttl, sy:update)
    filled: Mapping[str, int] = field(default_factory=dict)  # per field, items that have it
    quality: Mapping[str, int] = field(default_factory=dict)  # sums: see crawlers.quality
    hot: tuple[HotEntry, ...] = ()  # lines of a source whose role is hot_search
    charset: str = ""
    charset_why: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParsed:
    """What one page that a link led to holds: a detail page, a page of a thread, a file of a map.

    `raws` are its mentions (one for a detail page, with its comments behind it), `links` what is to
    be fetched besides, `again_at` when this very page is to be visited again, `out_of_scope` counts
    what was left out because it names none of the words of `keywords.mode: filter`.
    """

    raws: tuple[RawMention, ...] = ()
    links: tuple[DetailLink, ...] = ()
    out_of_scope: int = 0
    again_at: datetime | None = None
    failure: Failure | None = None
    problems: tuple[str, ...] = ()
    charset: str = ""
    charset_why: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(slots=True, kw_only=True)
class Item:
    """One item while it is read. Texts in `fields`; `published_at` is settled by `set_date`."""

    source: SourceConfig
    now: datetime
    fields: dict[str, str] = field(default_factory=dict)
    url: str = ""
    published_at: datetime | None = None
    has_own_page: bool = True  # else `url` leads to something bigger and is nobody's identity
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What stands for the item in a sentence."""
        return self.fields.get("title", "")[:30] or self.url or "(no title)"

    def set_url(self, written: str, base: str) -> None:
        """Take the item's link, made absolute; anything but http(s) is not a link."""
        try:
            url = urljoin(base, written.strip()) if written.strip() else ""
            fits = urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).hostname)
        except ValueError:
            url, fits = written, False
        if url and not fits:
            self.problems.append(f'"{self.name}": {written[:80]!r} is not a web address')
        self.url = url if fits else ""

    def set_date(self, written: str, zone: str | None = None) -> None:
        """Take the item's date; an unreadable one is left out, one in the future is clamped."""
        if not written:
            return
        found = parse_date(written, self.now, ZoneInfo(zone or self.source.tz))
        if found is None:
            self.problems.append(f'"{self.name}": {written[:60]!r} is not a date that we can read')
            return
        if found > self.now + _FUTURE:
            self.problems.append(
                f'"{self.name}": published {written[:60]!r} lies in the future, taken as now'
            )
            found = self.now
        self.published_at = found

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say: neither title nor text."""
        return not (self.fields.get("title") or self.fields.get("text"))

    def mention(self, *, history: bool) -> RawMention:
        """Make the record. A headline without a text becomes the text."""
        fields, source = self.fields, self.source
        title, text = fields.get("title", ""), fields.get("text", "")
        return RawMention(
            source_id=SourceId(source.id),
            title=title if text else "",
            text=text or title,
            url=self.url,
            canonical_url=canonical_url(self.url, source.url) if self.has_own_page else "",
            native_id=fields.get("native_id", "") or native_id(self.url, source.url),
            observed_at=self.now,
            published_at=self.published_at,
            platform=source.platform,
            author=fields.get("author", ""),
            lang=_language(source.lang, title + text),
            region=fields.get("region", "") or source.region,
            channel=source.channel,
            tier=source.tier,
            reposts=_count(fields.get("reposts", "")),
            comments=_count(fields.get("comments", "")),
            likes=_count(fields.get("likes", "")),
            views=_count(fields.get("views", "")),
            rating=read_number(fields.get("rating", "")),
            history=history,
        )

    def listed(self) -> dict[str, str]:
        """Return what the list already says, for the time when the detail page is read."""
        known = {name: text for name, text in self.fields.items() if text}
        known.pop("url", None)
        known.pop("published", None)  # "3 minutes ago" means something only now
        if self.published_at is not None:
            known["published_at"] = self.published_at.isoformat()
        return known

    def row(self, readings: Mapping[str, Reading]) -> Row:
        """Return how the item was read."""
        return Row(
            url=self.url,
            canonical_url=canonical_url(self.url, self.source.url),
            readings=tuple(readings.items()),
            published_at=self.published_at,
        )


def unmet_expectations(
    source: SourceConfig, items: int, filled: Mapping[str, int]
) -> tuple[str, ...]:
    """Compare one page with the health contract: enough items, required fields mostly filled.

    `filled` counts, per field that this page can fill at all, the items that have it. A field
    missing in more than one item of five is called missing: single odd items stand in every list,
    and in a short one they are more than that.
    A search may find nothing for one word: how many items it brings is judged over all its words.
    """
    unmet = []
    if items < source.expect.min_items and source.kind != "search":
        unmet.append(f"只找到 {items} 条，预期至少 {source.expect.min_items} 条")
    unmet += [
        f"字段 {name} 只在 {filled[name]}/{items} 条中找到"
        for name in source.expect.required
        if name in filled and _is_missing(items - filled[name], items)
    ]
    return tuple(unmet)


def _is_missing(without: int, items: int) -> bool:
    return without > 0.2 * items and (without > 1 or items == 1)


def read_listed_date(listed: Mapping[str, object]) -> datetime | None:
    """Return the date that a list gave for a detail page."""
    written = listed.get("published_at")
    return datetime.fromisoformat(str(written)).astimezone(UTC) if written else None


def _count(text: str) -> int | None:
    number = read_number(text)
    return None if number is None else int(number)


def _language(configured: str, text: str) -> str:
    if configured != "auto":
        return configured
    letters = [char for char in text if char.isalpha()]
    chinese = sum("\u3400" <= char <= "\u9fff" for char in letters)
    return "zh" if not letters or chinese >= _CJK_SHARE * len(letters) else "en"
