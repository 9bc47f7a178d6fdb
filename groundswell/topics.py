"""Topics of a week: what people are unhappy about, brand by brand, for digest, page and command.

In: the store's clusters of a window. Out: BrandTopics with samples that can be read; and, once a
day, what is remembered so that topics keep their ids.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from classify.topics import find_topics
from config.errors import ConfigError
from config.schema import ISSUE_CLASSES, Brand, Project
from storage.queries import Queries
from storage.records import (
    BrandId,
    BrandTopics,
    ClusterId,
    Mention,
    MentionId,
    Topic,
    TopicSample,
)
from storage.store import Store
from storage.topics import Window

log = logging.getLogger(__name__)

DAYS = 7
_GIST = 80  # characters of a sample; its page has the rest
_TOLD_ON = "topics_told_on"


def week_of(project: Project, day: date, days: int = DAYS) -> tuple[datetime, datetime]:
    """Return the instants between which the `days` local days that end with `day` lie."""
    zone = ZoneInfo(project.settings.timezone)
    start = datetime.combine(day - timedelta(days=days - 1), datetime.min.time(), zone)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    utc = ZoneInfo("UTC")
    return start.astimezone(utc), end.astimezone(utc)


def survey_topics(
    queries: Queries,
    project: Project,
    last_on: date,
    days: int = DAYS,
    brand: str | None = None,
    *,
    now: datetime | None = None,
) -> tuple[BrandTopics, ...]:
    """Return the topics of every brand, or of one, in the local days that end with `last_on`.

    They are compared with as many days before; of days that are not over at `now`, with the same
    part of those. Errors: ConfigError for a brand that is not configured.
    """
    if brand is not None and project.brand(brand) is None:
        known = ", ".join(one.id for one in project.brands)
        raise ConfigError(f'there is no brand "{brand}"; known: {known}')
    since, until = week_of(project, last_on, days)
    until = until if now is None else max(since, min(until, now))
    back = timedelta(days=days)
    return tuple(
        _of_brand(queries, one, last_on, (since - back, until - back), (since, until))
        for one in project.brands
        if brand in (None, one.id)
    )


def _of_brand(
    queries: Queries, brand: Brand, last_on: date, before: Window, now: Window
) -> BrandTopics:
    brand_id = BrandId(brand.id)
    found_in = queries.topic_clusters(brand_id, before, now)
    clusters = [replace(one, issue_class=one.issue_class or ISSUE_CLASSES[-1]) for one in found_in]
    found = find_topics(brand_id, clusters, now[0], queries.known_topics(brand_id))
    samples = queries.topic_samples([one for t in found.topics for one in t.representative_ids])
    homes = {
        one.cluster.representative_id: one.cluster.cluster_id
        for one in clusters
        if one.cluster.representative_id is not None
    }
    return BrandTopics(
        brand_id=brand_id,
        name=brand.name,
        since=now[0],
        until=now[1],
        last_on=last_on,
        topics=tuple(_with_samples(one, samples, homes) for one in found.topics),
        rest=found.rest,
        authors=len(frozenset[str]().union(*(one.authors for one in clusters))),
        mentions=sum(one.mentions for one in clusters),
        mentions_before=sum(one.mentions_before for one in clusters),
        competitor=brand.competitor,
    )


def _with_samples(
    topic: Topic, mentions: dict[MentionId, Mention], homes: dict[MentionId, ClusterId]
) -> Topic:
    known = [mentions[one] for one in topic.representative_ids if one in mentions]
    return replace(topic, samples=tuple(_sample(one, homes[one.mention_id]) for one in known))


def _sample(mention: Mention, cluster_id: ClusterId) -> TopicSample:
    line = " ".join((mention.title.strip() or mention.text).split())
    return TopicSample(
        mention_id=mention.mention_id,
        cluster_id=cluster_id,
        text=line if len(line) <= _GIST else f"{line[: _GIST - 1]}…",
        url=mention.url,
        platform=mention.platform,
        published_at=mention.published_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMemory:
    """Tells the week's topics over once a day, so that each cluster's topic is remembered."""

    store: Store
    project: Project

    def tick(self, now: datetime) -> bool:
        """Remember the topics of the week that ended yesterday; False when that is done."""
        today = now.astimezone(ZoneInfo(self.project.settings.timezone)).date()
        if self.store.meta(_TOLD_ON) == today.isoformat():
            return False
        with self.store.read() as queries:
            found = survey_topics(queries, self.project, today - timedelta(days=1))
        with self.store.transaction() as tx:
            for one in found:
                homes = {c: topic.topic_id for topic in one.topics for c in topic.clusters}
                tx.save_topics(one.brand_id, homes, now)
            tx.set_meta(_TOLD_ON, today.isoformat())
        log.info("topics day=%s topics=%d", today, sum(len(one.topics) for one in found))
        return True
