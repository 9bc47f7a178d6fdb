"""The shape of a source: where it stands, how it is read, how often, what a good answer is.

In: plain values read from one YAML file. Out: frozen models. What needs more than the models (do
selectors compile, is an address public, does a brand exist) is checked in `config.source_checks`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from config.values import (
    ClockTime,
    Duration,
    Identifier,
    MediaTier,
    Model,
    SecondsPerRequest,
    Secret,
    Size,
    Timezone,
    Words,
)

SourceKind = Literal[
    "feed",
    "list_detail",
    "json_api",
    "search",
    "sitemap",
    "app_reviews",
    "forum_thread",
    "spider",
]


class FieldRule(Model):
    """How one field is read from a page: selectors tried in order, then a pattern, then a type."""

    sel: Words
    re: str | None = None  # RE2 syntax; the first group (else the whole match) is the value
    optional: bool = False
    tz: Timezone | None = None
    type: Literal["text", "float", "int"] = "text"

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"sel": value}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show editors the short form (a selector or a list of them) beside the long one."""
        long_form = handler.resolve_ref_schema(handler(core_schema))
        short_form = long_form["properties"]["sel"]["anyOf"]
        return {"anyOf": [*short_form, long_form]}


class ListRules(Model):
    """Where the items of a page stand (`css: xpath: jmes:`) and what is read of each."""

    item: str
    fields: dict[str, FieldRule]


class DetailRules(Model):
    """What is read from a detail page. `content: auto` finds the main text by itself.

    `comments` are mentions of their own below the page's text.
    """

    content: Literal["auto", "selectors"] = "selectors"
    fields: dict[str, FieldRule] = Field(default_factory=dict)
    comments: ListRules | None = None


class ThreadRules(Model):
    """How the posts of a forum thread are read; each post is a mention of its own.

    A thread is visited again every `revisit` while its newest post is younger than `watch`.
    """

    post: str
    fields: dict[str, FieldRule]
    next: str | None = None
    max_pages: int = Field(default=20, ge=1, le=200)
    revisit: Duration = timedelta(hours=2)
    watch: Duration = timedelta(days=3)


class SitemapRules(Model):
    """Which pages of a sitemap are read: addresses by pattern, and only fresh ones."""

    include: Words = ()  # re2:PATTERN; empty: all
    exclude: Words = ()
    max_age: Duration = timedelta(days=3)
    max_files: int = Field(default=20, ge=1, le=500)  # sitemaps of an index that are opened


class AppRules(Model):
    """An app in a store that publishes its customers' reviews."""

    store: Literal["apple"] = "apple"
    id: str = Field(pattern=r"^[0-9]{3,12}$")
    country: str = Field(default="cn", pattern=r"^[a-z]{2}$")
    pages: int = Field(default=3, ge=1, le=10)


class KeywordRules(Model):
    """What `{keyword}` stands for: a request per name of each brand, or per word.

    Without `brands` and `words` it is every watched brand that is no competitor. With
    `mode: filter` nothing is filled in and items that name none are left out after reading.
    """

    brands: Words = ()
    words: Words = ()
    charset: str = "utf-8"
    max: int = Field(default=20, ge=1, le=200)
    mode: Literal["search", "filter"] = "search"


class PageRules(Model):
    """How far a list is followed. `next` finds the next address, or a cursor for `{cursor}`."""

    first: int = Field(default=1, ge=0)
    step: int = Field(default=1, ge=1, le=1000)
    max: int = Field(default=1, ge=1, le=100)
    next: str | None = None
    stop_when_seen: int = Field(default=10, ge=1)
    backfill: int = Field(default=0, ge=0, le=1000)  # pages walked once a night, 0: none


class UrlRules(Model):
    """How URLs of this source become canonical."""

    drop_params: Words = ()
    keep_fragment: bool = False
    id_from: str | None = None  # re2:PATTERN; the first group is the native id


class FetchRules(Model):
    """Politeness and limits towards the source's host."""

    rate: SecondsPerRequest = 5.0
    concurrency: int = Field(default=1, ge=1, le=8)
    timeout: Duration = timedelta(seconds=30)
    max_bytes: Size = 10 * 1024 * 1024
    charset: str = "auto"
    robots: Literal["obey", "ignore"] = "obey"
    headers: dict[str, str] = Field(default_factory=dict)
    render: Literal["none", "browser"] = "none"
    wait_for: str | None = None  # css: of what a rendered page must show before it is read


class QuietHours(Model):
    """A daily window in the source's time zone in which it is not asked; may run over midnight."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime


class ScheduleRules(Model):
    """How often the source is polled.

    `adaptive` moves the interval between `min` and four times `every` with how much is new.
    """

    every: Duration = timedelta(minutes=15)
    min: Duration = timedelta(minutes=1)
    max: Duration = timedelta(days=1)
    adaptive: bool = True
    quiet_hours: QuietHours | None = None
    backfill_at: ClockTime = "03:30"

    @model_validator(mode="after")
    def _ordered(self) -> ScheduleRules:
        if not self.min <= self.every <= self.max:
            raise ValueError("every must lie between min and max")
        return self


class Expectations(Model):
    """The health contract: what a good poll looks like.

    `max_silence: auto` learns from the source's own rhythm how long it may bring nothing new.
    """

    min_items: int = Field(default=1, ge=0)
    required: Words = ("url", "title")
    max_silence: Duration | Literal["auto"] | None = "auto"
    max_age: Duration | None = None  # of the newest item that has a date


class SourceConfig(Model):
    """One source: how it is reached and read."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    id: Identifier
    name: str
    kind: SourceKind
    role: Literal["mentions", "official", "hot_search"] = "mentions"
    enabled: bool = True
    platform: str = ""
    tier: MediaTier = ""
    lang: Literal["zh", "zh-Hant", "en", "auto"] = "zh"
    region: str = ""
    channel: Literal["public", "internal"] = "public"
    brands: Words = ()  # whom this source serves; empty: every brand
    start: Words = ()
    app: AppRules | None = None
    keywords: KeywordRules | None = None
    sitemap: SitemapRules | None = None
    pages: PageRules = PageRules()
    list: ListRules | None = None
    detail: DetailRules | None = None
    thread: ThreadRules | None = None
    spider: str | None = None  # module.Class of a hand-written spider
    url: UrlRules = UrlRules()
    fetch: FetchRules = FetchRules()
    schedule: ScheduleRules = ScheduleRules()
    expect: Expectations = Expectations()
    secrets: dict[str, Secret] = Field(default_factory=dict)
    secrets_expire: dict[str, date] = Field(default_factory=dict)
    tz: Timezone = "Asia/Shanghai"
    maintainer: Identifier | None = None  # the owner who is told when it breaks
    verified: Literal["never"] | date | None = None  # when `source probe` last succeeded
    needs: Words = ()  # what the user must bring: "rsshub", "login", "api key" ...
    terms: str = ""  # what the operator's terms and robots.txt say, for people

    @model_validator(mode="before")
    @classmethod
    def _known_platform(cls, value: object) -> object:
        """Name the platform of reviews: all the world calls it so, and coverage looks for it."""
        if isinstance(value, dict) and value.get("kind") == "app_reviews":
            return {"platform": "应用商店", **value}
        return value

    @model_validator(mode="after")
    def _complete(self) -> SourceConfig:
        for section, kinds in _SECTIONS.items():
            value = getattr(self, section)
            if value is None and self.kind in kinds["needed"]:
                raise ValueError(f'kind "{self.kind}" needs a "{section}" section')
            if value is not None and self.kind not in kinds["needed"] | kinds["allowed"]:
                raise ValueError(f'kind "{self.kind}" takes no "{section}" section')
        if not self.start and self.kind != "app_reviews" and "start" not in self.model_fields_set:
            raise ValueError(f'kind "{self.kind}" needs "start", an address or more')
        return self


# Which sections each kind needs and which it may have besides.
_SECTIONS: dict[str, dict[str, frozenset[str]]] = {
    "list": {
        "needed": frozenset({"list_detail", "json_api"}),
        "allowed": frozenset({"search", "forum_thread"}),
    },
    "detail": {
        "needed": frozenset(),
        "allowed": frozenset({"feed", "list_detail", "json_api", "search", "sitemap"}),
    },
    "thread": {"needed": frozenset({"forum_thread"}), "allowed": frozenset()},
    "sitemap": {"needed": frozenset(), "allowed": frozenset({"sitemap"})},
    "app": {"needed": frozenset({"app_reviews"}), "allowed": frozenset()},
    "keywords": {
        "needed": frozenset(),
        "allowed": frozenset(
            {"feed", "list_detail", "json_api", "search", "sitemap", "forum_thread", "app_reviews"}
        ),
    },
    "spider": {"needed": frozenset({"spider"}), "allowed": frozenset()},
}
