"""The thresholds and windows of gathering, and which of them holds for which form of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from classify.labels import Member
from classify.vectors import SHORT_TEXT, Fields
from config.cluster_schema import ClusterScores, ClusterSettings

Kind = Literal["auto", "complaint", "post"]

_SCORES = {
    "complaint_score": "complaint",
    "post_score": "post",
    "complaint_merge": "complaint_merge",
    "post_merge": "post_merge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Defaults were chosen on the dev sets: docs/adr/0008-gathering.md.

    `kind` "auto" takes the form of each text: title and body, or a bare title, is a complaint;
    everything else is a post.
    """

    kind: Kind = "auto"
    complaint_score: float = 0.32  # at least this joins a cluster
    post_score: float = 0.23
    complaint_merge: float = 0.45  # centroids at least this alike merge
    post_merge: float = 0.40
    short_margin: float = (
        0.15  # above the joining score, for texts under 15 characters without a trouble
    )
    single_margin: float = 0.05  # above the joining score, for a single taken in afterwards
    least_cohesion: float = 0.2  # mean cosine below which a cluster that doubled may be several
    window_days: float = 60.0
    single_window_days: float = 14.0
    keep_clusters: int = 10_000  # so many stay whatever their age: a quiet brand forgets nothing
    duplicate_window_days: float = 30.0
    duplicate_texts: int = 50_000

    @classmethod
    def of(cls, settings: ClusterSettings, brand: ClusterScores | None = None) -> Rules:
        """Return the defaults with what the project, and above it the brand, says otherwise."""
        given = {
            rule: score
            for rule, name in _SCORES.items()
            for one in (settings, brand)
            if one is not None and (score := getattr(one, name)) is not None
        }
        return cls(
            window_days=settings.window_days,
            single_window_days=settings.single_window_days,
            keep_clusters=settings.keep_clusters,
            **given,
        )

    def is_complaint(self, fields: Fields) -> bool:
        """Say which kind's thresholds hold for a text."""
        return fields.is_complaint if self.kind == "auto" else self.kind == "complaint"

    def least_score(self, *, is_complaint: bool, is_vague: bool = False) -> float:
        """Return the least score with which a mention joins a cluster.

        `is_vague`: it is very short and tells of no trouble of a product.
        """
        least = self.complaint_score if is_complaint else self.post_score
        return least + self.short_margin if is_vague else least

    def least_single(self, single: Member) -> float:
        """Return the least score with which a grown cluster takes in a single mention."""
        is_vague = single.length < SHORT_TEXT  # one that told of a trouble would have joined
        least = self.least_score(is_complaint=single.is_complaint, is_vague=is_vague)
        return least + self.single_margin

    def least_alike(self, members: Iterable[Member]) -> float:
        """Return the least cosine of the centroids of two clusters with these exemplars."""
        votes = [1 if member.is_complaint else -1 for member in members]
        return self.complaint_merge if sum(votes) > 0 else self.post_merge
