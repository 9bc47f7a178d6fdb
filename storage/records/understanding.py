"""What understanding finds besides the score, and what people and models make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from storage.records.ids import BrandId, Json, MentionId, SourceId

if TYPE_CHECKING:
    from storage.records.mentions import Mention

PERSON = "person"  # the model_version of a verdict that people corrected
WITHDRAWN = "~withdrawn"  # the value of a correction that takes earlier ones back


class Noise(StrEnum):
    """Why a mention is no voice of a customer; the empty one (false) is none of them.

    What is noise is kept, and left out of clusters and baselines. One text from many mouths is no
    noise but a matter of Voices.
    """

    NONE = ""
    ADVERT = "advert"
    RECRUITING = "recruiting"
    LOTTERY = "lottery"
    SECOND_HAND = "second_hand"
    HIJACK = "hijack"  # the brand's name only draws eyes to something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something concrete that a mention states. `start`/`end` count characters of `field`.

    `kind`: "product", "model", "batch", "version", "symptom", "place", "shop", "order" (masked) or
    "amount" (yuan); read off these: "month" (of production) and "region" (a place, its city, its
    province). `value` is in one spelling, so that equal facts compare equal.
    """

    kind: str
    value: str
    field: str = "text"
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCount:
    """How many distinct authors complain of one combination; "" stands for any.

    With a `kind` and no `value` it counts those who state some value of that kind.
    """

    product: str
    kind: str
    value: str
    symptom: str
    authors: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSignal:
    """A symptom told more often of one product × batch (or region) than of everything else.

    The 2 × 2 table counts complaints: `both` tell the symptom of this group, `group` tell anything
    of it, `symptom_all` tell the symptom of any group, `all` tell anything. Ratios with their 95 %
    interval (prr, ror) and the shrunken ratio with its 5 % and 95 % bounds (ebgm, eb05, eb95).
    """

    brand_id: BrandId
    product: str
    kind: str  # what the group is: "batch", "month", "version", "region", "model" or "product"
    value: str
    symptom: str
    both: int
    group: int
    symptom_all: int
    all: int
    prr: float
    prr_low: float
    prr_high: float
    ror: float
    ror_low: float
    ror_high: float
    ebgm: float
    eb05: float
    first_at: datetime
    last_at: datetime
    eb95: float = 0.0
    name: str = ""  # the product as people call it
    samples: tuple[MentionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """Who stands behind the mentions of a cluster: the evidence of a water army, or its absence.

    Figures of the last 7 days. `new_authors`: of whom we know nothing written before them;
    `top_text`: mentions that carry the most copied text; `wave_authors`: distinct authors of it;
    `burst`: most mentions of it within ten minutes.
    """

    authors: int = 0
    new_authors: int = 0
    mentions: int = 0
    texts: int = 0
    top_text: int = 0
    wave_authors: int = 0
    burst: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAdaptation:
    """How far off one model's scores of an unlabelled source are: log-odds = raw + words + shift.

    Estimated from its last `n` texts; `share`: what it says of them is negative, in [0, 1].
    `delta` holds what the source's own words add, as `classify.adapting_words` packs it.
    """

    source_id: SourceId
    version: int
    model_version: str
    at: datetime
    n: int
    share: float
    shift: float
    delta: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person said a verdict should have been. `was` is what it said before.

    `kind`: "polarity" (negative, not_negative, positive), "issue" (class, or class/sub-class),
    "brand" (the id of the brand it is about, or "" for: not about this brand), "noise" or
    "severity" (fact=yes, fact=no). A value of WITHDRAWN takes back what was said of that kind.
    `door`: "console", "cli", "csv" or "api". `asked`: why the review queue asked, "" when it did
    not.
    """

    correction_no: int
    mention_id: MentionId
    brand_id: BrandId
    kind: str
    value: str
    was: str
    actor: str
    door: str
    at: datetime
    note: str = ""
    revision: int = 0
    asked: str = ""


class TrainingLabel(NamedTuple):
    """What people hold a mention to be; `mention` carries the text that they judged."""

    mention: Mention
    brand_id: BrandId
    value: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A mention that people are asked to look at. `state`: "open", "answered" or "skipped"."""

    day: str
    place: int
    mention_id: MentionId
    brand_id: BrandId
    reasons: tuple[str, ...]
    state: str = "open"
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEvent:
    """Something that happened to a set of weights.

    `kind`: "negative" or "issues". `action`: "trained", "refused", "promoted" or "rolled_back".
    """

    event_no: int
    kind: str
    version: str
    action: str
    actor: str
    at: datetime
    detail: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDay:
    """What the texts of a source were like on one day, as one model sees them.

    `histogram` counts raw log-odds of negative in the bins of `groundswell.drift`; `unsure_share`
    of texts fall into the unsure band, `unknown_share` of words have no weight in the model.
    """

    source_id: SourceId
    day: datetime  # its first instant
    model_version: str
    n: int
    histogram: tuple[int, ...]
    unsure_share: float
    unknown_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultEntry:
    """Clear personal data of a customer, sealed. Only `groundswell.vault` opens it."""

    entry_no: int
    mention_id: MentionId
    kind: str
    sealed: bytes
    key_id: str
    door: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What was said of one brand at one source within one hour, counted; `n` is without noise."""

    brand_id: BrandId
    source_id: SourceId
    platform: str
    hour: datetime
    n: int
    negative: int
    positive: int
    unsure: int
    rated: int  # of n, those that came with stars
    noise: int
