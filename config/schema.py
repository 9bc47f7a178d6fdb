"""The shape of a project's configuration: what is watched, who answers, how often.

In: plain values read from YAML. Out: frozen models. Checks that need more than one entry (dangling
references, duplicate ids) live in `config.load`, which knows file and line.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from config.brand_schema import (
    AmbiguousName,
    Brand,
    BrandExample,
    BrandThresholds,
    ErrorCost,
    Exclusions,
    OfficialAccount,
    ProductLine,
)
from config.cluster_schema import ClusterSettings
from config.source_schema import (
    DetailRules,
    Expectations,
    FetchRules,
    FieldRule,
    ListRules,
    PageRules,
    ScheduleRules,
    SourceConfig,
    ThreadRules,
    UrlRules,
)
from config.values import (
    ISSUE_CLASSES,
    SUB_CLASSES,
    ClockTime,
    Duration,
    Identifier,
    IssueNames,
    LevelName,
    MediaTier,
    Model,
    Secret,
    SecretRef,
    Timezone,
    Words,
)

__all__ = [
    "ISSUE_CLASSES",
    "SUB_CLASSES",
    "AmbiguousName",
    "Brand",
    "BrandExample",
    "BrandThresholds",
    "Channel",
    "ClockTime",
    "ConsoleRules",
    "DetailRules",
    "Duration",
    "EmailChannel",
    "ErrorCost",
    "Exclusions",
    "Expectations",
    "FetchRules",
    "FieldRule",
    "Hours",
    "Identifier",
    "IssueRule",
    "LevelName",
    "LevelRules",
    "Levels",
    "ListRules",
    "MediaOutlet",
    "Model",
    "OfficialAccount",
    "Owner",
    "PageRules",
    "ProductLine",
    "Project",
    "Route",
    "ScheduleRules",
    "Secret",
    "SecretRef",
    "Settings",
    "SourceConfig",
    "SurgeRules",
    "ThreadRules",
    "Timezone",
    "UrlRules",
    "VaultRules",
    "WebhookChannel",
    "WecomBotChannel",
    "Words",
    "json_schema",
]

# --- people ----------------------------------------------------------------------------------


class Hours(Model):
    """A daily window in the owner's time zone; it may run over midnight."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
    )


class EmailChannel(Model):
    """A mail server; the recipient is the owner's address."""

    id: Identifier
    kind: Literal["email"]
    host: str
    port: int = Field(default=465, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "tls"
    username: str = ""
    password: Secret | None = None
    sender: str


class WebhookChannel(Model):
    """A signed JSON webhook (HMAC-SHA256, Idempotency-Key)."""

    id: Identifier
    kind: Literal["webhook"]
    url: str
    secret: Secret | None = None


class WecomBotChannel(Model):
    """A WeCom (企业微信) group bot; `key` is the bot's secret."""

    id: Identifier
    kind: Literal["wecom_bot"]
    key: Secret
    url: str = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    mention_all_from: LevelName = "orange"


Channel = Annotated[EmailChannel | WebhookChannel | WecomBotChannel, Field(discriminator="kind")]


class Owner(Model):
    """A person who is told and who acts. `channels` in order: the first, then the fallbacks."""

    id: Identifier
    name: str
    role: Literal["service", "pr", "lead", "engineer", "legal", "executive", "admin"] = "service"
    timezone: Timezone = "Asia/Shanghai"
    working_hours: Hours | None = None
    quiet_hours: Hours | None = None
    channels: Words
    email: str | None = None
    digest_at: ClockTime | None = "09:00"
    away: tuple[tuple[date, date], ...] = ()  # inclusive day ranges

    @property
    def zone(self) -> ZoneInfo:
        """The owner's time zone."""
        return ZoneInfo(self.timezone)


class Route(Model):
    """Who hears of what: first match wins. Empty conditions match everything."""

    id: Identifier
    brand: Words = ()
    product: Words = ()
    issue: IssueNames = ()
    region: Words = ()
    platform: Words = ()
    owner: Identifier
    also: Words = ()  # told at once from yellow up
    chain: Words = ()  # told one after the other when nobody acknowledges


class LevelRules(Model):
    """One crisis level: where it starts and how long people have (alerting.md section 4)."""

    score: float = Field(ge=0, le=100)
    ack_within: Duration
    step_every: Duration
    loops: int = Field(default=1, ge=1, le=5)
    held_in_quiet_hours: bool = False


class Levels(Model):
    """The four levels. Thresholds and times after alerting.md section 4."""

    blue: LevelRules = LevelRules(
        score=20,
        ack_within=timedelta(hours=4),
        step_every=timedelta(hours=8),
        held_in_quiet_hours=True,
    )
    yellow: LevelRules = LevelRules(
        score=40,
        ack_within=timedelta(minutes=30),
        step_every=timedelta(minutes=30),
        held_in_quiet_hours=True,
    )
    orange: LevelRules = LevelRules(
        score=60,
        ack_within=timedelta(minutes=15),
        step_every=timedelta(minutes=10),
        loops=2,
    )
    red: LevelRules = LevelRules(
        score=80,
        ack_within=timedelta(minutes=5),
        step_every=timedelta(minutes=5),
        loops=3,
    )

    @model_validator(mode="after")
    def _ordered(self) -> Levels:
        scores = [self.blue.score, self.yellow.score, self.orange.score, self.red.score]
        if scores != sorted(scores) or len(set(scores)) != len(scores):
            raise ValueError(f"scores must rise from blue to red, got {scores}")
        return self

    def named(self, name: LevelName) -> LevelRules:
        """Return the rules of one level by its name."""
        rules: LevelRules = getattr(self, name)
        return rules


class SurgeRules(Model):
    """When a count is unusual. Defaults after alerting.md 3.2, measured there."""

    watch_alpha: float = Field(default=1e-5, gt=0, lt=1)
    watch_ratio: float = Field(default=2.0, ge=1)
    page_alpha: float = Field(default=1e-6, gt=0, lt=1)
    page_ratio: float = Field(default=3.0, ge=1)
    min_authors: int = Field(default=5, ge=1)
    ramp_watch: float = Field(default=6.0, gt=0)
    ramp_page: float = Field(default=8.0, gt=0)


class ConsoleRules(Model):
    """Where the console listens and how links to it are written."""

    host: str = "127.0.0.1"
    port: int = Field(default=8790, ge=0, le=65535)  # 0: any free one
    base_url: str | None = None

    @property
    def address(self) -> str:
        """Where links lead, without a slash at its end: as configured, else where it listens."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")


class MediaOutlet(Model):
    """Who speaks with how much weight: a medium or a large account, by host or by author."""

    name: str
    tier: MediaTier
    hosts: Words = ()  # "news.example.cn"; its subdomains count as well
    authors: Words = ()  # display names, as "platform:name" or just the name


class IssueRule(Model):
    """A class or sub-class of the project's own, found by its words.

    `under`: the class it belongs to, which a mention that has it then has as well; "" makes it a
    class of its own. Routes may name it.
    """

    name: str
    under: str = ""
    words: Words
    not_: Words = Field(default=(), alias="not")


class VaultRules(Model):
    """Where clear personal data of customers may be kept, sealed, and for how long.

    Without a key nothing is kept: what was masked is gone.
    """

    key: Secret | None = None
    keep_days: int = Field(default=180, ge=1, le=3650)


class Settings(Model):
    """Project-wide settings."""

    name: str = "groundswell"
    timezone: Timezone = "Asia/Shanghai"
    database: str | None = None
    history_after: Duration = timedelta(hours=72)
    allow_private: Words = ()  # exact host:port that may be reached although it is private
    unsure_band: tuple[float, float] = (0.35, 0.65)
    mask_personal_data: bool = True
    pseudonymise_authors: bool = False
    raw_page_days: int = Field(default=7, ge=0)
    demo: bool = False
    console: ConsoleRules = ConsoleRules()
    surge: SurgeRules = SurgeRules()
    vault: VaultRules = VaultRules()
    clusters: ClusterSettings = ClusterSettings()
    user_agent: str = "Groundswell/0.1"

    @property
    def zone(self) -> ZoneInfo:
        """The project's time zone."""
        return ZoneInfo(self.timezone)

    @field_validator("unsure_band")
    @classmethod
    def _band(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1] < 1:
            raise ValueError(f"expected 0 < low <= high < 1, got {value}")
        return value


class Project(Model):
    """A whole configuration, checked."""

    settings: Settings = Settings()
    levels: Levels = Levels()
    brands: tuple[Brand, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    owners: tuple[Owner, ...] = ()
    channels: tuple[Channel, ...] = ()
    routes: tuple[Route, ...] = ()
    fallback: Words = ()
    media: tuple[MediaOutlet, ...] = ()
    issues: tuple[IssueRule, ...] = ()

    def owner(self, owner_id: str) -> Owner | None:
        """Return the owner with this id, None when there is none (any more)."""
        return next((owner for owner in self.owners if owner.id == owner_id), None)

    def brand(self, brand_id: str) -> Brand | None:
        """Return the brand with this id, None when there is none (any more)."""
        return next((brand for brand in self.brands if brand.id == brand_id), None)

    def source(self, source_id: str) -> SourceConfig | None:
        """Return the source with this id, None when there is none (any more)."""
        return next((source for source in self.sources if source.id == source_id), None)

    def channel(self, channel_id: str) -> Channel | None:
        """Return the channel with this id, None when there is none (any more)."""
        return next((item for item in self.channels if item.id == channel_id), None)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that lets an editor complete one kind of file."""
    schema = model.model_json_schema(by_alias=True)
    _write_as_people_do(schema)
    return schema


def _write_as_people_do(node: object) -> None:
    """Drop defaults that the schema itself would refuse ("PT30S" for "30s", 5.0 for "1/5s")."""
    if isinstance(node, list):
        for item in node:
            _write_as_people_do(item)
    if not isinstance(node, dict):
        return
    default = node.get("default")
    iso_duration = isinstance(default, str) and re.fullmatch(r"-?P[0-9DTHMS.]+", default)
    seconds_per_request = node.get("type") == "string" and isinstance(default, float)
    if iso_duration or seconds_per_request or isinstance(default, dict):
        del node["default"]
    for item in node.values():
        _write_as_people_do(item)
