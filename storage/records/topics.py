"""What people are unhappy about over a week: coarser than clusters, slower than incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage.records.clusters import Cluster
from storage.records.ids import BrandId, ClusterId, MentionId


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicCluster:
    """One cluster with what it gathered in a window, and in the window of equal length before.

    `issue_class` and `sub_class` are those most of its mentions have ("" none). Copies are
    mentions whose text was there already.
    """

    cluster: Cluster
    issue_class: str = ""
    sub_class: str = ""
    mentions: int = 0
    texts: int = 0
    negative: int = 0  # mentions that are surely so; the others are unsure
    authors: frozenset[str] = frozenset()
    mentions_before: int = 0
    authors_before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSample:
    """A mention that stands for a topic, with where it can be read."""

    mention_id: MentionId
    cluster_id: ClusterId
    text: str  # its beginning, one line
    url: str
    platform: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Clusters about alike things, of one issue class of one brand, the heaviest first.

    `topic_id` is the id of one of its first clusters and stays from day to day. `authors` are
    distinct over all clusters. `direction`: "new", "up", "down" or "steady" against the window
    before, by authors. `label` and `keywords` are people's words.
    """

    topic_id: ClusterId
    brand_id: BrandId
    issue_class: str
    sub_class: str
    label: str
    keywords: tuple[str, ...]
    clusters: tuple[ClusterId, ...]
    labels: tuple[str, ...]  # of the clusters, in their order
    mentions: int
    authors: int
    texts: int
    negative: int
    mentions_before: int
    authors_before: int
    direction: str
    representative_ids: tuple[MentionId, ...] = ()
    samples: tuple[TopicSample, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether most of its mentions are not surely complaints."""
        return 2 * self.negative < self.mentions

    @property
    def copies_share(self) -> float:
        """The share of mentions that repeat a text."""
        return 1 - self.texts / self.mentions if self.mentions else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRest:
    """What stands alone in an issue class: single mentions that are like no other."""

    issue_class: str
    mentions: int
    authors: int
    mentions_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandTopics:
    """The topics of one brand in [since, until), most authors first, and the rest by class.

    `last_on` is the last local day of it, by which the console shows the same week.
    """

    brand_id: BrandId
    name: str
    since: datetime
    until: datetime
    last_on: date
    topics: tuple[Topic, ...] = ()
    rest: tuple[TopicRest, ...] = ()
    authors: int = 0  # distinct over all of it
    mentions: int = 0
    mentions_before: int = 0
    competitor: bool = False
