"""What is collected and what is understood of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.records.ids import (
    BrandId,
    IncidentId,
    ItemKey,
    Json,
    MentionId,
    SourceId,
)
from storage.records.understanding import Fact, Noise


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
    # Per start address: [etag, last_modified, body_hash]; moves only with a good poll.
    cursors: Json = field(default_factory=dict)
    validators_lie: bool = False  # a changed page came under an unchanged validator
    seen: tuple[str, ...] = ()  # url hashes of the items last listed, newest first (at most 300)
    interval_s: float = 0.0  # the adapted interval, 0 before the first poll
    hint_s: float = 0.0  # the shortest interval that the source itself asks for
    last_gap_at: datetime | None = None  # a poll in which every item was new: some may be missed
    last_backfill_at: datetime | None = None
    good_polls: int = 0  # in a row
    # The last 30 polls that were read, oldest first: {"items", "new", "fill": {field: share}, ...}.
    history: tuple[Json, ...] = ()
    # What was learned of its rhythm (crawlers.rhythm): {"gaps", "new_at", "newest_at", ...}.
    learned: Json = field(default_factory=dict)
    # What the maintainer was last told: {"health", "cause", "at", "since"}; empty: nothing open.
    notice: Json = field(default_factory=dict)
    # A changed configuration on trial beside its old version; empty: none (crawlers.changeover).
    trial: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What is remembered of one host, whichever source asks: when it may be asked again.

    `latency_ms` is a moving average (EWMA), `crawl_delay_s` what its robots.txt asks for.
    """

    host: str
    not_before: datetime | None = None
    reason: str = ""
    latency_ms: float = 0.0
    last_status: int | None = None
    failures: int = 0  # requests in a row that got no answer
    crawl_delay_s: float = 0.0
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchEvent:
    """One poll of one source, one detail page, or one part of a nightly walk ("backfill").

    `gap` says of a poll that it showed nothing known before: items may be missed.
    """

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
    kind: str = "poll"  # "poll", "detail" or "backfill"; counted per hour, not stored
    gap: bool = False  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMention:
    """What a source or an import says, before it has an identity of ours.

    `url` is what a person clicks, `canonical_url` what identity is made of ("" when there is none).
    `ordinal` tells equal rows of one file apart (0 for the first). `contact` is whom to call, as
    (kind, value): clear, so it goes into no table but sealed (groundswell.vault), and into no log.
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
    parent_url: str = ""  # canonical: what this answers or stands under (a thread, an article)
    contact: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    # who the customer is, as ("number" or "tier", value): kept as a keyed digest only
    customer: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailLink:
    """A page of a source that is still to be fetched, at `due_at` or at once.

    `kind`: "detail" (a page named by a list), "thread" (a page of posts, `page` counts from 1;
    visited again until `until`), "sitemap" (a file of an index), "figures" (a mention's page read
    again for its counters).
    """

    url_hash: str
    source_id: SourceId
    url: str
    listed: Json = field(default_factory=dict)  # fields already known from the list
    attempts: int = 0
    found_at: datetime | None = None
    history: bool = False
    kind: str = "detail"
    due_at: datetime | None = None
    until: datetime | None = None
    page: int = 1


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
    parent_url: str = ""
    gone_at: datetime | None = None  # when its page was found deleted


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


# Positive is called like negative at the shipped band's upper edge: as sure as a verdict must be.
POSITIVE_FROM = 0.65


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
    positive: float = 0.0
    noise: Noise = Noise.NONE
    also: tuple[str, ...] = ()  # further issue classes, most certain first
    sub_classes: tuple[str, ...] = ()  # "等备件", "反复维修" ...: what routes know
    facts: tuple[Fact, ...] = ()
    bias: float = 0.0  # log-odds of the score that no word explains: the model's own
    shift: float = 0.0  # log-odds that the source's adaptation added
    adaptation: int = 0  # its version, 0 for none
    corrected: tuple[str, ...] = ()  # kinds that people said; model_version is PERSON then
    base_version: str = ""  # of the verdict they corrected, "" when no model named this brand

    @property
    def is_positive(self) -> bool:
        """Whether it is surely positive."""
        return self.polarity is Polarity.NOT_NEGATIVE and self.positive >= POSITIVE_FROM

    @property
    def is_gathered(self) -> bool:
        """Whether its mention belongs into a cluster: negative or unsure, and a voice."""
        return self.polarity is not Polarity.NOT_NEGATIVE and not self.noise


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialPost:
    """What the brand itself said through one of its accounts."""

    item_key: ItemKey
    brand_id: BrandId
    source_id: SourceId
    platform: str
    author: str
    title: str
    text: str
    url: str
    published_at: datetime
    observed_at: datetime
    parent_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicResponse:
    """The brand answered in public: found with an official post, or said by a person (`actor`).

    It answers a mention, or an incident as a whole (`incident_id`, mention_id None).
    """

    at: datetime
    url: str
    actor: str
    mention_id: MentionId | None = None
    incident_id: IncidentId | None = None
    official_key: ItemKey | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotEntry:
    """A line of a hot-search list: where it stands now, where it stood at best."""

    source_id: SourceId
    platform: str
    title: str
    url: str = ""
    rank: int | None = None
    best_rank: int | None = None
    heat: float | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HotStanding:
    """Where a brand stands on hot-search lists, as seen from one cluster.

    `is_current`: it is on the list now, or was within the last two hours. `is_about`: the title
    says what the cluster is about, not just the brand.
    """

    platform: str
    title: str
    rank: int | None
    best_rank: int | None
    last_at: datetime
    is_current: bool
    is_about: bool
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The counters of a mention as its page showed them at one instant."""

    at: datetime
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A key for one door, kept as a digest: "push" (the API) or "reporter" (a dealer's form)."""

    token_hash: str
    kind: str
    name: str
    created_at: datetime
    created_by: str
    region: str = ""
    channel: str = "public"
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A picture that came with a mention; `sha256` of `body`."""

    mention_id: MentionId
    n: int
    media_type: str
    sha256: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """How the columns of an export become ours, saved under a name.

    `headers` are the file's, by which the mapping is found again; `columns` maps theirs to ours.
    """

    name: str
    headers: tuple[str, ...]
    columns: Json
    source: str = ""
    tz: str = "Asia/Shanghai"
    channel: str = "public"
    saved_at: datetime | None = None
    saved_by: str = ""
