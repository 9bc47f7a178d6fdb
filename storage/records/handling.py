"""From the alert to solved: complainants, three owners, cards, trials, launches, customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from storage.records.ids import NO_BRAND, NO_OWNER, BrandId, IncidentId, Json, MentionId, OwnerId


class Contact(StrEnum):
    """How far the service has come with one complainant."""

    WAITING = "waiting"
    CONTACTED = "contacted"
    OFFERED = "offered"
    SOLVED = "solved"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return {
            "waiting": "未联系",
            "contacted": "已联系",
            "offered": "已给方案",
            "solved": "已解决",
            "refused": "不接受",
            "unreachable": "联系不上",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complainant:
    """One person who complains within an incident: an author on a platform, or a ticket.

    `at`, `by`, `channel` and `text` are of the last move; all of them stand in the incident's
    log. None in an instant means unknown, never "at once".
    """

    incident_id: IncidentId
    complainant_id: str
    platform: str = ""
    author: str = ""
    ticket: str = ""
    url: str = ""  # of the first post
    posted_at: datetime | None = None  # of the first post
    state: Contact = Contact.WAITING
    assigned_to: OwnerId = NO_OWNER
    at: datetime | None = None
    by: str = ""
    channel: str = ""
    text: str = ""
    responded_at: datetime | None = None  # when somebody first reached, or tried to reach, him
    seq: int = 0  # of the event that moved it last; 0: no event names it yet
    # what the clusters of today say of him; no column of `complainant` holds it
    found_at: datetime | None = None  # when his first post was taken in
    answered_at: datetime | None = None  # when the brand answered a post of his in public
    is_repost: bool = False  # he passed on what somebody else wrote
    is_harmed: bool = False  # his posts state bodily harm or another grave fact
    is_here: bool = True  # False: no post of his is in a cluster of the incident (any more)
    mention_id: MentionId | None = None  # his first post

    @property
    def first_response_at(self) -> datetime | None:
        """When he first got an answer, from a person or in public; None: not yet."""
        known = [at for at in (self.responded_at, self.answered_at) if at is not None]
        return min(known, default=None)

    @property
    def has_left(self) -> bool:
        """Whether his posts were split or corrected away after somebody had moved him."""
        return not self.is_here and bool(self.url or self.posted_at)


class ConfirmKind(StrEnum):
    """On whose word an incident is closed. They are counted apart and never summed."""

    CUSTOMER = "customer"
    SHARE = "share"
    SURVEY = "survey"
    CLARIFICATION = "clarification"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return {
            "customer": "投诉人确认",
            "share": "按比例确认",
            "survey": "回访调查确认",
            "clarification": "澄清后平息",
        }[self.value]


class TriangleRole(StrEnum):
    """The three who answer for a grave incident together (铁三角)."""

    CUSTOMER = "customer"
    SOLUTION = "solution"
    DELIVERY = "delivery"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return {
            "customer": "客户关系责任人",
            "solution": "解决方案责任人",
            "delivery": "交付维护责任人",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who answers for one of the three roles, and to whom it is being handed over.

    Until the other accepts, `owner_id` answers.
    """

    role: TriangleRole
    owner_id: OwnerId
    since: datetime
    offered_to: OwnerId = NO_OWNER
    offered_by: str = ""
    offered_at: datetime | None = None
    reason: str = ""
    answer_by: datetime | None = None  # without an answer until then it comes back
    offer: int = 0  # number of the event that offered it
    function: str = ""  # by which it was named, while its first holder has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One offer of a role to somebody else, and what came of it.

    `answer` is "" while nobody answered, else "accepted", "declined", "unanswered" (the time was
    over) or "withdrawn" (the three were made to stay meanwhile).
    """

    offer: int  # number of the event that offered it
    role: TriangleRole
    giver: OwnerId
    receiver: OwnerId
    by: str  # who offered it
    at: datetime
    reason: str
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    said: str = ""

    @property
    def came_back(self) -> bool:
        """Whether it came back: declined, or not answered in time."""
        return self.answer in {"declined", "unanswered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Failed parts that are called back to be looked at (收回故障件)."""

    wanted: int
    received: int = 0
    analysed: int = 0
    verdict: str = ""  # "batch" or "no_batch"; "" while nobody knows
    signal: str = ""  # the batch signal that asked for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What was learnt from a closed incident: cause, fix, and the reply that worked."""

    card_id: str
    incident_id: IncidentId
    epoch: int
    code: str
    brand_id: BrandId
    product: str
    issue_class: str
    fingerprint: str
    title: str
    cause: str
    fix: str
    reply: str
    reply_url: str
    closed_how: str
    words: tuple[str, ...]  # by which similar troubles are found
    created_at: datetime
    by: str
    edited_at: datetime | None = None
    edited_by: str = ""
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedReply:
    """An answer that may be given as it stands (口径库, FAQ)."""

    reply_id: str
    brand_id: BrandId
    product: str
    question: str
    answer: str
    approved_by: str
    approved_at: datetime
    until: date | None = None  # the last day on which it may be given
    origin: str = ""  # a launch, a card, a file
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """That a trial went live: by whom, and what it had shown until then."""

    trial_id: str
    at: datetime
    by: str
    since: datetime
    alerts: int
    incidents: int
    false_alarms: int
    judged: int  # incidents that people called true or false; precision is unknown without any
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """Something that makes people talk, known beforehand: a sale, a launch, a price rise."""

    event_id: str
    name: str
    kind: str
    starts: date
    ends: date  # the last day
    brand_id: BrandId = NO_BRAND  # "": all brands
    note: str = ""
    added_by: str = ""
    added_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer of the imported list, by one of the keys that he is recognised by.

    `key` is a keyed digest: no name or number of a customer stands in the table.
    """

    key: str
    kind: str  # "author", "number", "contact"
    tier: str
    imported_at: datetime
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionCustomer:
    """By what a mention is known to be a customer's: a keyed digest, or a tier that was said."""

    mention_id: MentionId
    kind: str  # "number", "contact"; "said": by whoever took it in
    key: str = ""
    tier: str = ""  # of "said"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """How many units of a product were sold on one day."""

    brand_id: BrandId
    product: str
    day: date
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One round of the engine, or one act of a person, so that it can be rehearsed.

    `kind`: "gather", "regrade", "remind", "understand", "act", "label", "edit", "silence",
    "silence_end", "clock_jump", "checkpoint". A gather put the members `first_seq` to `last_seq` of
    its shard into clusters. `data` is what the round went by beside members, where that changed
    (storage.passes).
    """

    pass_no: int
    kind: str
    at: datetime
    shard_id: str = ""
    first_seq: int = 0
    last_seq: int = 0
    rules: str = ""  # digest of the configuration that judged
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalVerdicts:
    """What people found of one kind of batch signal: it was the batch, it was not, not known."""

    kind: str
    true: int
    false: int
    undecided: int
