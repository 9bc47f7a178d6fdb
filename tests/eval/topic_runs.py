"""Labelled rows in; the topics and the proposals that the product makes of them, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from classify.cluster_agreement import agreement
from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.evaluation_clusters import mentions_of, verdict_of
from classify.issues import IssueClassifier
from classify.proposing import Candidate, Near, propose, reading_of, shortlist
from classify.recall import Ledger
from classify.segment import segment
from classify.sentence_meanings import SentenceMeanings
from classify.topics import find_topics
from classify.vectors import Background
from storage.records import (
    BrandId,
    Cluster,
    ClusterId,
    Mention,
    MergeProposal,
    ShardId,
    TopicCluster,
)

BRAND = BrandId("dev")
_BATCH = 100
Row = Mapping[str, str]


@dataclass(frozen=True)
class Gathered:
    """Rows as the product gathers them: mentions, the cluster each is in, the clusters."""

    mentions: Sequence[Mention]
    homes: Sequence[ClusterId]
    truth: Sequence[str]
    clusters: Mapping[ClusterId, Cluster]

    def members(self) -> dict[ClusterId, list[int]]:
        found: dict[ClusterId, list[int]] = {}
        for place, home in enumerate(self.homes):
            found.setdefault(home, []).append(place)
        return found


def gathered(rows: Sequence[Row]) -> Gathered:
    """Gather rows of one language in one shard."""
    mentions = mentions_of(rows)
    ledger = Ledger(ShardId("dev/zh"), BRAND)
    shard = Shard.restore(ledger.state(), Rules(), Background.load("zh"), segment=segment)
    for start in range(0, len(mentions), _BATCH):
        items = [(one, verdict_of(one)) for one in mentions[start : start + _BATCH]]
        ledger.save(shard.gather(items, items[-1][0].observed_at, ledger), items)
    homes = [ledger.homes[one.mention_id] for one in mentions]
    return Gathered(mentions, homes, [row["label"] for row in rows], dict(ledger.clusters))


def classes_of(run: Gathered) -> dict[ClusterId, str]:
    """Return the issue class that most texts of each cluster have."""
    judged = IssueClassifier.load().classify_many([f"{m.title} {m.text}" for m in run.mentions])
    return {
        home: Counter(judged[place] for place in places).most_common(1)[0][0]
        for home, places in run.members().items()
    }


def topic_clusters(
    run: Gathered,
    classes: Mapping[ClusterId, str],
    before: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[TopicCluster]:
    """Return the clusters of a window; every mention is an author of its own."""
    found = []
    for home, places in run.members().items():
        at = [run.mentions[place].published_at for place in places]
        now = [p for p, t in zip(places, at, strict=True) if _within(t, since, until)]
        then = [p for p, t in zip(places, at, strict=True) if before and _within(t, before, since)]
        if now or then:
            found.append(
                TopicCluster(
                    cluster=run.clusters[home],
                    issue_class=classes[home],
                    mentions=len(now),
                    texts=len(now),
                    authors=frozenset(map(str, now)),
                    mentions_before=len(then),
                    authors_before=frozenset(map(str, then)),
                )
            )
    return found


def _within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since <= at) and (until is None or at < until)


def topic_figures(run: Gathered, classes: Mapping[ClusterId, str]) -> dict[str, dict[str, float]]:
    """Compare with the labels: clusters alone, issue classes alone, topics."""
    grouping = find_topics(BRAND, topic_clusters(run, classes), run.mentions[0].published_at)
    topic_of = {one: topic.topic_id for topic in grouping.topics for one in topic.clusters}
    several = {
        one for topic in grouping.topics if len(topic.clusters) > 1 for one in topic.clusters
    }
    ways = {
        "clusters alone": [str(home) for home in run.homes],
        "issue class alone": [classes[home] for home in run.homes],
        "topics": [str(topic_of.get(home, home)) for home in run.homes],
    }
    figures = {}
    for name, found in ways.items():
        one = agreement(found, run.truth)
        figures[name] = {
            "groups": one.clusters,
            "bcubed_precision": round(one.bcubed_precision, 3),
            "bcubed_recall": round(one.bcubed_recall, 3),
            "bcubed_f1": round(one.bcubed_f1, 3),
            "v_measure": round(one.v_measure, 3),
            "ari": round(one.ari, 3),
            "largest": round(Counter(found).most_common(1)[0][1] / len(found), 3),
        }
    grouped = sum(home in several for home in run.homes) / len(run.homes)
    figures["topics"]["in topics of 2+ clusters"] = round(grouped, 3)
    return figures


def kept_ids(run: Gathered, classes: Mapping[ClusterId, str], *, remember: bool) -> float:
    """Return the share of clusters that are in the topic of the day before, week after week."""
    days = sorted({one.published_at.date() for one in run.mentions})
    known: dict[ClusterId, ClusterId] = {}
    yesterday: dict[ClusterId, ClusterId] = {}
    same = both = 0
    for day in days[7:]:
        since = _midnight(day - timedelta(days=6), run)
        week = timedelta(days=7)
        clusters = topic_clusters(run, classes, since - week, since, since + week)
        found = find_topics(BRAND, clusters, since, known if remember else None)
        today = {one: topic.topic_id for topic in found.topics for one in topic.clusters}
        both += sum(one in yesterday for one in today)
        same += sum(yesterday.get(one) == topic for one, topic in today.items())
        known |= today
        yesterday = today
    return same / both if both else 1.0


def _midnight(day: date, run: Gathered) -> datetime:
    return datetime.combine(day, time(), run.mentions[0].published_at.tzinfo)


def proposal_figures(
    run: Gathered, model: SentenceMeanings | None = None
) -> dict[str, dict[str, str]]:
    """Say how many of the first proposals are right: both clusters mostly of one label."""
    labels = {
        home: Counter(run.truth[place] for place in places).most_common(1)[0][0]
        for home, places in run.members().items()
    }
    by_id = {int(one.mention_id): one for one in run.mentions}
    candidates = []
    for home in sorted(labels):
        cluster = run.clusters[home]
        face = by_id.get(int(cluster.representative_id or 0))
        candidates.append(
            Candidate(
                cluster=cluster, title=face.title if face else "", text=face.text if face else ""
            )
        )
    near = shortlist(candidates, frozenset())
    now = run.mentions[-1].published_at
    ways = {"words": propose(candidates, near, now)}
    if model is not None:
        meanings = model.read(_readings(candidates, near))
        ways["meanings"] = propose(candidates, near, now, meanings)
    return {name: _right(found, labels) for name, found in ways.items()}


def _readings(candidates: Sequence[Candidate], near: Sequence[Near]) -> list[str]:
    places = {place for pair in near for place in (pair.first, pair.second)}
    return [reading_of(candidates[place]) for place in sorted(places)]


def _right(proposals: Sequence[MergeProposal], labels: Mapping[ClusterId, str]) -> dict[str, str]:
    hits = [labels[one.first_id] == labels[one.second_id] for one in proposals]

    def share(n: int) -> str:
        told = hits[:n]
        return f"{sum(told)}/{len(told)}"

    return {"first 20": share(20), "first 50": share(50), "all": share(len(hits))}
