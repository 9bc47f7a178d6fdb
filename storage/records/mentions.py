"""What is collected and what is understood of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.records.ids import (
    BrandId,
    ItemKey,
    Json,
    MentionId,
    SourceId,
)


class SourceHealth(StrEnum):
    """The health of a source; the cause stands beside it in plain words."""

    NEW = "new"
    OK = "ok"
    DEGRADED = "degraded"
    QUARANTINED = "quarantined"


class FetchCause(StrEnum):
    """Why a poll did not bring what was expected."""

    NONE = ""
    BLOCKED = "blocked"
    LOGIN = "login needed"
    CAPTCHA = "captcha"
    LAYOUT = "layout changed"
    EMPTY = "empty"
    SLOW = "slow"
    GONE = "gone"
    ROBOTS = "robots"
    NETWORK = "network here"
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"
    SERVER = "server error"
    REFUSED = "address refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is remembered of one source between two polls."""

    source_id: SourceId
    config_digest: str = ""
    health: SourceHealth = SourceHealth.NEW
    cause: FetchCause = FetchCause.NONE
    cause_text: str = ""
    failures: int = 0  # polls in a row that failed
    polls: int = 0
    items: int = 0  # mentions kept over the life of the source
    first_polled_at: datetime | None = None
    last_poll_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_item_at: datetime | None = None
    next_poll_at: datetime | None = None
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    seen: tuple[str, ...] = ()  # url hashes of the items last listed, newest first (at most 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchEvent:
    """One poll of one source, or one detail page."""

    source_id: SourceId
    at: datetime
    url: str
    outcome: str  # "ok", "unchanged" or a FetchCause
    http_status: int | None = None
    size_bytes: int = 0
    duration_ms: int = 0
    items: int = 0
    new_items: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMention:
    """What a source or an import says, before it has an identity of ours.

    `url` is what a person clicks, `canonical_url` what identity is made of ("" when there is none).
    `ordinal` tells equal rows of one file apart (0 for the first).
    """

    source_id: SourceId
    text: str
    observed_at: datetime
    published_at: datetime | None = None
    title: str = ""
    url: str = ""
    canonical_url: str = ""
    native_id: str = ""
    platform: str = ""
    author: str = ""
    lang: str = "zh"
    region: str = ""
    channel: str = "public"  # "internal" feeds clusters, never public spread
    tier: str = ""  # media tier of the source: "", "trade", "provincial", "central" ...
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    views: int | None = None
    rating: float | None = None
    ordinal: int = 0
    history: bool = False  # true: feeds baselines, never pages


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailLink:
    """A detail page that a list page named and that is still to be fetched."""

    url_hash: str
    source_id: SourceId
    url: str
    listed: Json = field(default_factory=dict)  # fields already known from the list
    attempts: int = 0
    found_at: datetime | None = None
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One thing somebody said, with an identity that does not depend on which source found it."""

    mention_id: MentionId
    item_key: ItemKey
    source_id: SourceId
    platform: str
    title: str
    text: str
    published_at: datetime
    observed_at: datetime
    url: str = ""
    author: str = ""
    author_key: str = ""  # "" when the author is unknown
    lang: str = "zh"
    region: str = ""
    channel: str = "public"
    tier: str = ""
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    views: int | None = None
    rating: float | None = None
    revision: int = 0
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandHit:
    """One place where a brand is named. `start`/`end` count characters of `field`."""

    brand_id: BrandId
    alias: str
    field: str  # "title" or "text"
    start: int
    end: int
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word or cue and its exact share in the score's log-odds (positive: more negative)."""

    text: str
    weight: float


class Polarity(StrEnum):
    """Where a score lies against the thresholds of the unsure band."""

    NEGATIVE = "negative"
    UNSURE = "unsure"
    NOT_NEGATIVE = "not_negative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How negative one mention is towards one brand, and about what. `negative` in [0, 1]."""

    mention_id: MentionId
    brand_id: BrandId
    model_version: str
    negative: float
    polarity: Polarity
    issue_class: str
    terms: tuple[Term, ...] = ()
    hits: tuple[BrandHit, ...] = ()
    severity: tuple[str, ...] = ()  # e.g. "injury", "fire", "child", "death", "data_leak"
    products: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()  # families of trouble: what is wrong with the thing
    lang: str = "zh"
