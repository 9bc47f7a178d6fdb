"""The shape of a project's configuration: what is watched, who answers, how often.

In: plain values read from YAML. Out: frozen models. Checks that need more than one entry (dangling
references, duplicate ids) live in `config.load`, which knows file and line.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator

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
from config.calendar_schema import EventCalendar
from config.channel_schema import (
    AppriseChannel,
    Channel,
    DingtalkBotChannel,
    EmailChannel,
    FeishuAppChannel,
    FeishuBotChannel,
    SlackChannel,
    SmsChannel,
    TextLimits,
    VoiceChannel,
    WebhookChannel,
    WecomAppChannel,
    WecomBotChannel,
    address_of,
    text_limits,
)
from config.cluster_schema import ClusterSettings
from config.confirm_schema import ConfirmRules
from config.function_schema import Function, Speakers, Triangle
from config.launch_schema import Faq, LaunchPlan, Readiness
from config.level_schema import LaunchRules, LevelRules, Levels, SurgeRules
from config.people_schema import Duty, Hours, Owner, Rotation, Route, Shift
from config.service_schema import (
    HeartbeatRules,
    LevelTimes,
    MaintenanceWindow,
    Matcher,
    ServiceTier,
    Templates,
    WorkCalendar,
)
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
from config.task_schema import TaskSettings
from config.tier_schema import TIERS, CustomerTier
from config.trial_schema import Trial
from config.values import (
    ISSUE_CLASSES,
    SUB_CLASSES,
    ClockTime,
    Duration,
    Identifier,
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
    "AppriseChannel",
    "Brand",
    "BrandExample",
    "BrandThresholds",
    "Channel",
    "ClockTime",
    "ConsoleRules",
    "CustomerTier",
    "DetailRules",
    "DingtalkBotChannel",
    "Duration",
    "Duty",
    "EmailChannel",
    "ErrorCost",
    "EventCalendar",
    "Exclusions",
    "Expectations",
    "Faq",
    "FeishuAppChannel",
    "FeishuBotChannel",
    "FetchRules",
    "FieldRule",
    "Function",
    "HeartbeatRules",
    "Hours",
    "Identifier",
    "IssueRule",
    "LaunchPlan",
    "LaunchRules",
    "LevelName",
    "LevelRules",
    "LevelTimes",
    "Levels",
    "ListRules",
    "MaintenanceWindow",
    "Matcher",
    "MediaOutlet",
    "Model",
    "OfficialAccount",
    "Owner",
    "PageRules",
    "ProductLine",
    "Project",
    "Readiness",
    "Rotation",
    "Route",
    "ScheduleRules",
    "Secret",
    "SecretRef",
    "ServiceTier",
    "Settings",
    "Shift",
    "SlackChannel",
    "SmsChannel",
    "SourceConfig",
    "Speakers",
    "SurgeRules",
    "TaskSettings",
    "Templates",
    "TextLimits",
    "ThreadRules",
    "Timezone",
    "Trial",
    "Triangle",
    "UrlRules",
    "VaultRules",
    "VoiceChannel",
    "WebhookChannel",
    "WecomAppChannel",
    "WecomBotChannel",
    "Words",
    "WorkCalendar",
    "address_of",
    "json_schema",
    "text_limits",
]


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
    confirm_addresses: bool = True  # nobody is written to where no code came back
    console: ConsoleRules = ConsoleRules()
    surge: SurgeRules = SurgeRules()
    launch: LaunchRules = LaunchRules()
    calendar: WorkCalendar = WorkCalendar()
    heartbeat: HeartbeatRules = HeartbeatRules()
    vault: VaultRules = VaultRules()
    clusters: ClusterSettings = ClusterSettings()
    speakers: Speakers = Speakers()
    confirm: ConfirmRules = ConfirmRules()
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
    launches: tuple[LaunchPlan, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    owners: tuple[Owner, ...] = ()
    channels: tuple[Channel, ...] = ()
    routes: tuple[Route, ...] = ()
    fallback: Words = ()
    duties: tuple[Duty, ...] = ()
    functions: tuple[Function, ...] = ()
    triangle: Triangle = Triangle()
    services: tuple[ServiceTier, ...] = ()
    tiers: tuple[CustomerTier, ...] = ()
    calendar: EventCalendar = EventCalendar()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    trials: tuple[Trial, ...] = ()
    templates: Templates = Field(default_factory=dict)
    tasks: TaskSettings = TaskSettings()
    media: tuple[MediaOutlet, ...] = ()
    issues: tuple[IssueRule, ...] = ()

    def owner(self, owner_id: str) -> Owner | None:
        """Return the owner with this id, None when there is none (any more)."""
        return next((owner for owner in self.owners if owner.id == owner_id), None)

    def duty(self, duty_id: str) -> Duty | None:
        """Return the duty roster with this id, None when there is none (any more)."""
        return next((duty for duty in self.duties if duty.id == duty_id), None)

    def function(self, function_id: str) -> Function | None:
        """Return the function with this id, None when the project has none of it (any more)."""
        return next((one for one in self.functions if one.id == function_id), None)

    def service(self, service_id: str | None) -> ServiceTier | None:
        """Return the service tier with this id, None when there is none (any more)."""
        return next((tier for tier in self.services if tier.id == service_id), None)

    @property
    def customer_tiers(self) -> tuple[CustomerTier, ...]:
        """The tiers of customers, the lowest first."""
        return self.tiers or TIERS

    @property
    def default_tier(self) -> CustomerTier:
        """The tier of people of whom nothing is known."""
        tiers = self.customer_tiers
        return next((one for one in tiers if one.default), tiers[0])

    def tier(self, tier_id: str) -> CustomerTier | None:
        """Return the tier of customers with this id, None when there is none (any more)."""
        return next((one for one in self.customer_tiers if one.id == tier_id), None)

    def brand(self, brand_id: str) -> Brand | None:
        """Return the brand with this id, None when there is none (any more)."""
        return next((brand for brand in self.brands if brand.id == brand_id), None)

    def brand_of_product(self, product_id: str) -> Brand | None:
        """Return the brand that has this product, None when none has it (any more)."""
        lines = ((line.id, brand) for brand in self.brands for line in brand.products)
        return next((brand for line_id, brand in lines if line_id == product_id), None)

    def launch(self, launch_id: str) -> LaunchPlan | None:
        """Return the launch with this id, None when there is none (any more)."""
        return next((plan for plan in self.launches if plan.id == launch_id), None)

    def launch_of(self, product_id: str) -> LaunchPlan | None:
        """Return the launch of this product, None when it has none."""
        return next((plan for plan in self.launches if plan.product == product_id), None)

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
    # a key that is called "default" has a schema there, and schemas have a title
    is_value = isinstance(default, dict) and "title" not in default
    if iso_duration or seconds_per_request or is_value:
        del node["default"]
    for item in node.values():
        _write_as_people_do(item)
