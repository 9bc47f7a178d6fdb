"""What is judged, worked on and said: surge, grade, incident, message, digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum

from storage.records.clusters import (
    Cluster,
)
from storage.records.growth import Growth, HourCount, Pulse
from storage.records.handling import (
    CalendarEvent,
    Complainant,
    Contact,
    Handover,
    Seat,
    SignalVerdicts,
    Units,
)
from storage.records.ids import (
    BRAND_PREFIX,
    NO_OWNER,
    BrandId,
    ChannelId,
    ClusterId,
    IncidentId,
    IntentId,
    Json,
    MentionId,
    OwnerId,
    SourceId,
)
from storage.records.launches import Borrowed, LaunchBrief
from storage.records.mentions import HotStanding
from storage.records.serving import Meter, Service
from storage.records.topics import BrandTopics
from storage.records.understanding import BatchSignal, Voices


class Level(IntEnum):
    """Crisis level. The value orders them; NONE means nothing is raised."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4

    @property
    def zh(self) -> str:
        """The one-character Chinese name (蓝 黄 橙 红), "" for NONE."""
        return "无蓝黄橙红"[self.value] if self.value else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that grading may know of one cluster at one instant.

    `live_authors`/`watch_authors` list, oldest first, (first published_at in the last 7 days,
    author key): distinct counts over any window are taken from them, because distinct counts do not
    add up over hours. `None` in a counter means unknown, never zero.
    """

    cluster: Cluster
    hours: tuple[HourCount, ...] = ()  # oldest first, only hours that hold something
    brand_hours: tuple[HourCount, ...] = ()
    brand_clusters: int = 1  # live clusters of the brand, for the prior rate
    brand_first_at: datetime | None = None
    live_authors: tuple[tuple[datetime, str], ...] = ()
    watch_authors: tuple[tuple[datetime, str], ...] = ()
    mentions: int = 0
    authors: int = 0
    public_authors: int | None = None  # of them those who spoke in public; None: not told apart
    texts: int = 0
    platforms: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    issue_classes: tuple[tuple[str, int], ...] = ()  # most frequent first
    also_classes: tuple[tuple[str, int], ...] = ()  # further classes, mentions that have them
    sub_classes: tuple[tuple[str, int], ...] = ()  # "等备件" ..., mentions that have them
    severity: tuple[tuple[str, int], ...] = ()  # fact, distinct authors who state it
    symptoms: tuple[tuple[str, int], ...] = ()  # family of trouble, mentions; most frequent first
    reposts: int | None = None
    views: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    samples: tuple[MentionId, ...] = ()  # representative first, originals before copies
    blind_hours: tuple[datetime, ...] = ()  # hours in which no source of the brand answered
    batches: tuple[BatchSignal, ...] = ()  # of its products and symptoms, strongest first
    voices: Voices = field(default_factory=Voices)
    growth: Growth | None = None  # read where somebody is told of it; grading does not need it
    # Hot-search lists are matched outside the store. `hot_blind` says why nothing is known of them:
    # "not_connected" (no such source) or "no_answer" (none answered of late); "" when it is known.
    hot: HotStanding | None = None
    hot_blind: str = "not_connected"
    # Authors whose every mention of the last 7 days here repeats somebody's text.
    copiers: frozenset[str] = frozenset()
    pulse: Pulse | None = None  # of its brand; read where detection may need it
    borrowed: Borrowed | None = None  # from a sister, while its product is launched

    @property
    def is_brand(self) -> bool:
        """Whether this is about a whole brand, not about one cluster of it."""
        return self.cluster.cluster_id.startswith(BRAND_PREFIX)

    @property
    def hot_known(self) -> bool:
        """Whether a hot-search list was read lately, so that absence from it means something."""
        return not self.hot_blind

    @property
    def hot_rank(self) -> int | None:
        """The rank on a hot-search list now; None when it is on none, or the rank is unknown."""
        return self.hot.rank if self.hot is not None and self.hot.is_current else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """Observed against expected. `kind` is "none", "spike" or "ramp"; `setting` "watch"/"page"."""

    kind: str
    setting: str
    window_hours: int
    observed: int
    expected: float
    p_value: float
    ratio: float
    threshold: float  # the smallest count that would have fired
    reason: str  # named: "spike_page", "below_min_authors", "not_unusual", "brand_lift" ...
    baseline_days: float = 0.0
    ended_at: datetime | None = None  # where the window ends; late posts may complete an older one
    scope: str = "cluster"  # "brand": the talk about a whole brand
    lift: float = 1.0  # how many times as much as usual the brand's other talk was; in `expected`


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One named ground for a grade, with the figure behind it and a sentence for people.

    `level` is what this ground asks for by itself; NONE when it only gives points or explains.
    """

    code: str
    text: str
    value: float | None = None
    points: float = 0.0
    level: Level = Level.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """How serious, why, and what would have kept it quiet. `score` in [0, 100]."""

    level: Level
    score: float
    reasons: tuple[Reason, ...]
    surge: Surge
    rule_version: str
    at: datetime
    quiet_if: str = ""


class TaskKind(StrEnum):
    """What service practice does about an incident (后台任务清单)."""

    GUIDE = "舆论引导"
    FIX = "排查整改"
    SOLVE = "解决问题"
    CLARIFY = "澄清回应"
    CONTAIN = "传播控制"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing somebody has to do about an incident, by when."""

    task_id: str
    kind: TaskKind
    title: str
    owner_id: OwnerId
    due_at: datetime
    by: str  # who set it
    state: str = "open"  # "open", "done", "dropped" or "moved" (to the incident merged into)
    ended_at: datetime | None = None
    ended_by: str = ""
    note: str = ""
    function: str = ""  # the function that it was given to, when it was
    url: str = ""  # of what was published, or of the platform's receipt
    extended: str = ""  # why its time was extended, once
    rounds: int = 0  # how often its being overdue was brought to somebody
    units: Units | None = None  # for "收回故障件"
    given_at: datetime | None = None  # None of tasks that were given before this was kept
    next_at: datetime | None = None  # when it is brought up next; None: never, or at `due_at`
    receipt: str = ""  # the number that a platform gave to a lawful report
    solved: int = 0  # complainants who were helped


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A known trouble: mentions join silently until a day or a number of people is passed."""

    until: datetime
    authors: int  # so many distinct authors in all bring it back
    note: str  # what is known and when it will be solved
    by: str
    harmed: int = 0  # authors who stated bodily harm at the time; one more brings it back at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapse:
    """What is known from the last time, when a closed trouble comes back in a new cluster."""

    closed_at: datetime
    cause: str  # what was done about it
    said: str  # what the customer's side said when it confirmed
    owner_id: OwnerId
    cluster_id: ClusterId  # what was said then


class IncidentState(StrEnum):
    """States of the incident machine; muted, dormant and level are attributes, not states."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    HANDLED = "handled"
    CLOSED = "closed"
    MERGED = "merged"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Whom to tell when nobody acknowledged `after_s` seconds after the notice of this epoch."""

    after_s: int
    owner_ids: tuple[OwnerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The frozen escalation policy of an incident: a later config change does not alter it."""

    route_id: str
    owner_id: OwnerId
    also: tuple[OwnerId, ...]
    steps: tuple[EscalationStep, ...]
    ack_lease_s: int
    fallback: tuple[OwnerId, ...]
    reason: str = ""
    service: Service | None = None  # the service promised; None: the level's times alone
    held: bool = False  # by fallback people, until somebody is named its owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What people work on. Always equal to the fold of its events."""

    incident_id: IncidentId
    code: str  # short human code, e.g. "舆-7F3K"
    brand_id: BrandId
    cluster_id: ClusterId
    state: IncidentState
    epoch: int
    level: Level
    title: str
    issue_class: str
    owner_id: OwnerId
    policy: Policy
    grade: Grade | None
    opened_at: datetime
    updated_at: datetime
    seq: int  # number of the last event
    step: int = 0  # highest escalation step reached in this epoch
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    lease_until: datetime | None = None
    reminded_of: datetime | None = None  # the end of an acknowledge that its holder was told of
    handled_at: datetime | None = None
    handled_by: str = ""
    handled_note: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    closed_evidence: str = ""
    dismissed_at: datetime | None = None  # by a person, or by the program when nothing was left
    dismissed_by: str = ""
    muted_until: datetime | None = None
    dormant: bool = False
    merged_into: IncidentId | None = None
    dismissed_reason: str = ""
    told: tuple[OwnerId, ...] = ()
    authors: int = 0  # distinct authors and platforms as last noted; growth is measured from them
    platforms: tuple[str, ...] = ()
    below_since: datetime | None = None  # since when the score lies under the hysteresis band
    reminders: int = 0  # confirmations asked for in this epoch
    fingerprint: str = ""  # brand, product and kind of trouble: by it a relapse is recognised
    tasks: tuple[Task, ...] = ()
    shelf: Shelf | None = None
    level_by: str = ""  # who set the level by hand; "" while the program grades
    level_reason: str = ""
    meter: Meter | None = None  # what of the service's limits is used; None without a service
    muted_by: str = ""  # the silence or maintenance window that holds it; "" by its own command
    silenced: tuple[OwnerId, ...] = ()  # who would have been told meanwhile
    level_grounds: tuple[Reason, ...] = ()  # what stood when it was set; only more may raise it
    relapse: Relapse | None = None
    returned_at: datetime | None = None  # when it last came back after its end
    closed_how: str = ""  # a ConfirmKind
    first_warned_at: datetime | None = None  # when it was said that first answers come to be late
    first_over_at: datetime | None = None  # and that some are
    triangle: tuple[Seat, ...] = ()  # orange and red: who answers for what
    bounces: int = 0  # handovers that came back
    handovers: tuple[Handover, ...] = ()  # of this epoch, in order
    locked_at: datetime | None = None  # when the three were made to stay
    extended: str = ""  # why the time of this acknowledge was extended, once
    declined: tuple[OwnerId, ...] = ()  # who said in this epoch that it is not theirs
    trial_id: str = ""  # what it was last told of went to the reviewer of this trial
    tier: str = ""  # the highest tier among its complainants
    tier_why: str = ""

    @property
    def waiting_since(self) -> datetime:
        """When this round of it began: what lay between an end and a return was no waiting."""
        return self.returned_at or self.opened_at

    @property
    def was_emptied(self) -> bool:
        """Whether the program ended it because corrections left nothing of it."""
        return self.state is IncidentState.DISMISSED and self.dismissed_by == "system"

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, closed or dismissed: what was written before does not bring it back."""
        return self.closed_at or self.dismissed_at

    @property
    def unhandled(self) -> bool:
        """Whether it still waits for somebody to deal with it."""
        return self.state in {IncidentState.OPEN, IncidentState.ACKNOWLEDGED}

    @property
    def at_work(self) -> bool:
        """Whether it has not ended: what is counted meanwhile is part of it, not of normality."""
        return self.unhandled or self.state is IncidentState.HANDLED


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """One row of the append-only log. `source_event_id` makes feeding it twice harmless."""

    incident_id: IncidentId
    seq: int
    kind: str
    at: datetime
    actor: str
    epoch: int
    data: Json = field(default_factory=dict)
    source_event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A due act as a row; the scheduler only ticks. Unique per (incident, epoch, kind, step)."""

    incident_id: IncidentId
    epoch: int
    # "step", "ack", "lease_warn", "confirm", "mute", "react_warn", "react", "solve_warn", "solve",
    # "shelf", "task" (its step: the task's number), "handover", "handover_warn" (the offer's);
    # see alerts.timers
    kind: str
    step: int
    due_at: datetime
    status: str = "pending"  # "pending", "done" or "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button of a message: where the platform has none, the text holds its link."""

    name: str  # the command: "ack", "dismiss", "assign", "silence"
    label: str
    url: str


class IntentStatus(StrEnum):
    """The life of an outbox row."""

    PENDING = "pending"
    LEASED = "leased"
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What must be said to whom: stored with the state change that caused it, sent afterwards.

    `intent_id` is the idempotency key; `body` is rendered once so that a re-send is byte-identical.
    `fence` must match when an outcome is stored.
    """

    intent_id: IntentId
    incident_id: IncidentId | None
    epoch: int
    kind: str  # "notice", "escalation", "level_up", "reopened", "confirm", "closing", "digest" ...
    step: int
    recipient_id: OwnerId
    channel_id: ChannelId
    level: Level
    subject: str
    body: str  # text/markdown for chat channels and the plain part of a mail
    created_at: datetime
    due_at: datetime
    deadline_at: datetime | None = None
    html: str = ""
    actions: tuple[Action, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)  # for texts a provider keeps (SMS)
    status: IntentStatus = IntentStatus.PENDING
    attempts: int = 0
    fence: int = 0
    reason: str = ""
    fallback_of: IntentId | None = None
    trial_id: str = ""  # written on trial: its reader is the reviewer
    meant_for: OwnerId = NO_OWNER  # who would have been told


class DeliveryClass(StrEnum):
    """What an attempt came to; it alone decides what happens next."""

    OK = "ok"
    RETRY = "retry"
    THROTTLED = "throttled"
    PERMANENT = "permanent"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to send one intent, written before the send and completed after it."""

    intent_id: IntentId
    n: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: DeliveryClass | None = None
    http_status: int | None = None
    provider_code: str = ""
    provider_message_id: str = ""
    retry_after_s: float | None = None
    size_bytes: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All that one act does to one incident: written in one transaction, or not at all."""

    incident: Incident
    events: tuple[IncidentEvent, ...]
    timers: tuple[Timer, ...] = ()
    cancel_timers: tuple[str, ...] = ()  # kinds of pending timers that end with this act
    intents: tuple[Intent, ...] = ()
    cancel_intents: str = ""  # reason; "" leaves unsent intents alone
    reason: str = ""
    complainants: tuple[Complainant, ...] = ()  # as these events leave them

    @property
    def kept_intents(self) -> tuple[str, ...]:
        """The kinds of unsent messages that stay whatever is cancelled.

        Who was made one of the three, or is asked to take a role over, is to know it also when
        somebody acknowledged meanwhile. With the incident's end, and with the offer, it ends.
        """
        if not self.incident.at_work or not self.incident.triangle:
            return ()
        asked = any(seat.offered_to for seat in self.incident.triangle)
        return ("triangle", "handover") if asked else ("triangle",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGap:
    """A source that was blind for a while: the digest's completeness line is made of these."""

    source_id: SourceId
    name: str
    cause: str
    blind_hours: float  # never seen
    last_ok_at: datetime | None = None
    late_hours: float = 0.0  # seen afterwards, with nothing missed


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestFacts:
    """Everything a digest may say about one day, gathered before anything is worded."""

    day: date
    since: datetime
    until: datetime
    incidents: tuple[Incident, ...] = ()  # open ones and those that ended within the range
    events: tuple[IncidentEvent, ...] = ()  # of the range
    # per incident: mentions, distinct authors, mentions within the range
    counts: Mapping[IncidentId, tuple[int, int, int]] = field(default_factory=dict)
    # per incident: its complainants by state; left out where nobody complains
    people: Mapping[IncidentId, Mapping[Contact, int]] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    mentions: int = 0
    negative: int = 0
    positive: int = 0
    unsure: int = 0
    noise: int = 0  # adverts, jobs, lotteries ...: in `mentions`, in none of the three
    gaps: tuple[SourceGap, ...] = ()
    sources: int = 0
    late: tuple[SourceGap, ...] = ()  # sources that were interrupted, all of it caught up
    shares: tuple[tuple[str, float], ...] = ()  # per brand name, the share of hours that was seen
    missing: tuple[str, ...] = ()  # platforms that were never connected
    undelivered: int = 0
    would_have_been: tuple[str, ...] = ()  # incidents that history would have raised
    signals: tuple[BatchSignal, ...] = ()  # batches that stand out since this day
    drifted: tuple[str, ...] = ()  # names of sources whose texts have changed lastingly
    topics: tuple[BrandTopics, ...] = ()  # of the seven days that end with this one
    verdicts: tuple[SignalVerdicts, ...] = ()  # what became of batch signals until now
    late_tasks: tuple[Incident, ...] = ()  # ended before the range, with open tasks overdue
    calendar: tuple[CalendarEvent, ...] = ()  # that touch the range
    tiers: Mapping[str, str] = field(default_factory=dict)  # names of customer tiers by id
    launches: tuple[LaunchBrief, ...] = ()  # that run, or ended with this day
    advice: tuple[str, ...] = ()  # of the ledger, once a week
    # in words, who was over his alert budget on the day before
    budgets: tuple[tuple[OwnerId, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One line of a digest."""

    incident_id: IncidentId | None
    code: str
    level: Level
    title: str
    text: str
    owner_id: OwnerId | None = None
    path: str = ""  # of the console's page that shows it, where it is no incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A worded digest for one person: sections in reading order."""

    day: date
    owner_id: OwnerId
    headline: str
    sections: tuple[tuple[str, tuple[DigestItem, ...]], ...]
    completeness: str
    numbers: tuple[tuple[str, str], ...] = ()
    note: str = ""  # below the headline: what else the day is


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who may log in to the console. `password_hash` says its own scheme.

    `permissions` are what the role does not say, a blank between ("customer_contact").
    """

    name: str
    password_hash: str
    role: str
    must_change: bool = False
    permissions: str = ""

    def may(self, permission: str) -> bool:
        """Whether this person was given a permission; a read-only account has none."""
        return self.role != "readonly" and permission in self.permissions.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login. Only a digest of the token is kept."""

    token_hash: str
    user: str
    expires_at: datetime
    csrf: str
