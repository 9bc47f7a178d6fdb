"""What everything is called by, and why an item may leave the journey."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NewType

BrandId = NewType("BrandId", str)
SourceId = NewType("SourceId", str)
OwnerId = NewType("OwnerId", str)
ChannelId = NewType("ChannelId", str)
ItemKey = NewType("ItemKey", str)
MentionId = NewType("MentionId", int)
ShardId = NewType("ShardId", str)  # "<brand>/<language>"
ClusterId = NewType("ClusterId", str)
IncidentId = NewType("IncidentId", str)
IntentId = NewType("IntentId", str)

Json = Mapping[str, Any]

# The talk about a whole brand is graded like one more cluster, of this id and the brand's.
BRAND_PREFIX = "brand:"


class Outcome(StrEnum):
    """Why an item left the journey; each item is counted once per stage with one of these."""

    KEPT = "kept"
    REVISED = "revised"
    DUPLICATE = "duplicate"  # the same item was seen before, unchanged
    UNREADABLE = "unreadable"
    NO_BRAND = "no_brand"
    NOT_NEGATIVE = "not_negative"
    QUARANTINED = "quarantined"
    GATHERED = "gathered"
    OFFICIAL = "official"  # the brand's own words: an answer, kept beside the mentions
    HOT_ENTRY = "hot_entry"  # a line of a hot-search list: kept as a ranking
    NOISE = "noise"  # an advert, a job, a lottery ...: kept and marked, not gathered
    OUT_OF_SCOPE = "out_of_scope"  # names no brand that its source is filtered by


NO_OWNER = OwnerId("")
"""Where nobody is named."""

NO_BRAND = BrandId("")
"""Where all brands are meant."""
