"""Labelled rows or corrections in, samples to calibrate by out; and stories from the store.

What people said with their hands: of every cluster that somebody merged, split, moved from or kept
apart, the members of today are one issue. All other members of its shard stand beside them, so that
a threshold which joins strangers to them is seen; they are not judged themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge

from classify.cluster_calibration import Advice, Sample
from classify.cluster_story import Story
from classify.evaluation_clusters import mentions_of, verdict_of
from classify.vectors import language_of
from storage.queries import Queries
from storage.records import BrandId, ClusterEvent, ClusterId, ShardId

_Told = tuple[datetime, ClusterId | ClusterEvent]

MOST = 6000  # newest rows of a shard: a pass takes some seconds, and there are up to 40


def samples_of_rows(rows: Sequence[Mapping[str, str]], most: int = MOST) -> list[Sample]:
    """Return the newest rows of a labelled file, in file order; rows without a label stand by."""
    found = []
    for row, mention in zip(rows, mentions_of(rows), strict=True):
        language = language_of(mention.title + mention.text)
        label = row["label"].strip()
        found.append(
            Sample(
                shard_id=ShardId(f"{row.get('entity') or 'all'}/{language}"),
                mention=mention,
                verdict=verdict_of(mention),
                truth=label or f"row {mention.mention_id}",
                is_judged=bool(label),
            )
        )
    return found[-most:]


def samples_of_corrections(
    queries: Queries, brand_id: BrandId | None, most: int = MOST
) -> list[Sample]:
    """Return the members of every shard in which people corrected clusters, newest `most` each."""
    return [
        Sample(
            shard_id=shard_id,
            mention=one.mention,
            verdict=one.verdict,
            truth=one.assignment.cluster_id,
            is_judged=one.assignment.cluster_id in corrected,
        )
        for shard_id, corrected in sorted(queries.corrected_clusters(brand_id).items())
        for one in queries.shard_members(shard_id, most)
    ]


def scores_of(advices: Sequence[Advice]) -> dict[str, float]:
    """Return the settings that should change, as they stand in a file."""
    return {one.setting: one.advised for one in advices if one.pays}


def stored_story(
    queries: Queries,
    brand_id: BrandId | None,
    since: datetime,
    until: datetime,
    advance: Callable[[int], object] = lambda _: None,
) -> Story:
    """Return what became of the clusters between two instants; nothing is kept of a mention."""
    story = Story(since, until, sizes=queries.cluster_sizes(brand_id, since))
    arrivals: Iterator[_Told] = iter(queries.cluster_arrivals(brand_id, since, until))
    events: Iterator[_Told] = (
        (event.at, event) for event in queries.cluster_journal(brand_id, since, until)
    )
    both = merge(arrivals, events, key=lambda pair: pair[0])
    for number, (at, what) in enumerate(both, 1):
        _tell(story, at, what)
        if number % 1000 == 0:
            advance(1000)
    story.finish(*queries.live_counts(brand_id))
    story.labels.update(queries.cluster_labels(sorted(story.arrivals)))
    return story


def _tell(story: Story, at: datetime, what: ClusterId | ClusterEvent) -> None:
    if isinstance(what, ClusterEvent):
        story.tell(what)
    else:
        story.arrive(at, what)
