"""Labelled rows in, figures of clustering and of near-duplicates out; nothing prints."""

from __future__ import annotations

import math
import re
import resource
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from classify.cluster_agreement import Agreement, agreement, harmonic
from classify.cluster_rules import Kind, Rules
from classify.cluster_story import Story
from classify.clustering import Shard
from classify.duplicates import find_in_pair
from classify.recall import Ledger
from classify.segment import segment
from classify.vectors import Background, language_of
from storage.records import (
    BrandId,
    ItemKey,
    Mention,
    MentionId,
    Polarity,
    ShardChanges,
    ShardId,
    SourceId,
    Verdict,
)

__all__ = ["Agreement", "agreement", "evaluate_clusters", "evaluate_duplicates"]

_START = datetime(2020, 1, 1, tzinfo=UTC)  # of files without a time column
_TOLD_EVERY = 100  # rows, of progress
_EARLY = 100  # one in so many rows may lie before the picture
_NEXT = 20  # rows by whose times a row's own is believed
_FIRST_YEAR, _LAST_YEAR = 1990, 2100  # nothing that is gathered was said before or will be after
_EPOCH = re.compile(r"(\d{9,10})(?:\d{3}|\.\d+)?")  # seconds, or with milliseconds
_WRITTEN = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2}))?)?"
)
Items = tuple[tuple[Mention, Verdict], ...]


def time_of(text: str) -> datetime | None:
    """Read a time as files write it: ISO, 2020/3/1 8:05, 2020年3月1日, seconds since 1970.

    Without a zone it is taken as UTC. None for what is no time of the years 1990 to 2100.
    """
    plain = text.strip()
    try:
        found = _EPOCH.fullmatch(plain)
        if found is not None:
            return _within(datetime.fromtimestamp(int(found[1]), UTC))
        return _within(datetime.fromisoformat(plain))
    except (ValueError, OverflowError):
        pass
    written = _WRITTEN.match(plain)
    if written is None:
        return None
    numbers = [int(one or 0) for one in written.groups()]
    try:
        return _within(datetime(*numbers, tzinfo=UTC))  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def _within(at: datetime) -> datetime | None:
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _came(times: Sequence[datetime], number: int) -> datetime:
    """When a row was there to be read: its time, but no later than most of the next twenty.

    One row with a date of the next century would else age everything before it.
    """
    after = times[number + 1 : number + 1 + _NEXT] or times[number:]
    return min(times[number], sorted(after)[len(after) // 2])


def mentions_of(rows: Sequence[Mapping[str, str]]) -> list[Mention]:
    """Turn rows into mentions, in row order; rows without a readable time follow the last one."""
    times: list[datetime] = []
    for row in rows:
        before = times[-1] if times else _START
        times.append(time_of(row.get("time") or "") or before + timedelta(seconds=1))
    came = _START
    mentions = []
    for number, row in enumerate(rows):
        came = _came(times, number) if not number else max(came, _came(times, number))
        mentions.append(
            Mention(
                mention_id=MentionId(number + 1),
                item_key=ItemKey(f"row:{number}"),
                source_id=SourceId("evaluation"),
                platform="",
                title=row.get("title") or "",
                text=row["text"],
                published_at=times[number],
                observed_at=came,
            )
        )
    return mentions


def verdict_of(mention: Mention) -> Verdict:
    """Return what understanding says of a row of a labelled file."""
    return Verdict(
        mention_id=mention.mention_id,
        brand_id=BrandId("evaluation"),
        model_version="",
        negative=1.0,
        polarity=Polarity.NEGATIVE,
        issue_class="",
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over a file: final cluster per row, CPU seconds, and CPU ms of each mention."""

    clusters: list[str]
    seconds: float
    assign_ms: Sequence[float]
    events: Mapping[str, int] = field(default_factory=dict)  # by kind: open, merge, reopen, split


@dataclass(slots=True)
class _Pass:
    """The shards of one pass over a file, and what they did."""

    rules: Rules
    story: Story | None
    shards: dict[str, tuple[Shard, Ledger]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    def of(self, name: str) -> tuple[Shard, Ledger]:
        if name not in self.shards:
            self.shards[name] = _new_shard(name, self.rules)
        return self.shards[name]

    def keep(self, ledger: Ledger, changes: ShardChanges, items: Items) -> None:
        """Save what happened, less what only a restart reads: 200,000 rows are gathered too."""
        clusters = tuple(
            replace(one, blob=b"") if one.state == "live" else one for one in changes.clusters
        )
        ledger.save(replace(changes, clusters=clusters, events=(), snapshot=None), items)
        self.events.update(event.kind for event in changes.events)
        if self.story is None:
            return
        for event in changes.events:
            self.story.tell(event)
        for one in changes.assignments:
            self.story.arrive(items[0][0].observed_at, one.cluster_id)
        self.story.labels.update((one.cluster_id, one.label) for one in changes.clusters)


def run_clusters(
    rows: Sequence[Mapping[str, str]],
    rules: Rules,
    *,
    advance: Callable[[int], object] | None = None,
    pictured: Callable[[Story], object] | None = None,
) -> Run:
    """Gather rows in their order, one shard per (entity, language), as the product does.

    `advance` hears of every hundred rows, `pictured` is given the story of the run at its end.
    """
    mentions = mentions_of(rows)
    story = _story_of(mentions) if pictured is not None else None
    doing = _Pass(rules, story)
    names: list[str] = []
    spent = array("d")
    started = time.process_time()
    for number, (row, mention) in enumerate(zip(rows, mentions, strict=True), 1):
        name = f"{row.get('entity') or 'all'}/{language_of(mention.title + mention.text)}"
        shard, ledger = doing.of(name)
        items = ((mention, verdict_of(mention)),)
        at = time.thread_time()
        changes = shard.gather(items, mention.observed_at, ledger)
        spent.append((time.thread_time() - at) * 1000)
        doing.keep(ledger, changes, items)
        names.append(name)
        if advance is not None and number % _TOLD_EVERY == 0:
            advance(_TOLD_EVERY)
    seconds = time.process_time() - started
    found = [
        str(doing.shards[name][1].homes[one.mention_id])
        for name, one in zip(names, mentions, strict=True)
    ]
    if story is not None and pictured is not None:
        story.finish()
        pictured(story)
    return Run(found, seconds, spent, doing.events)


def _story_of(mentions: Sequence[Mention]) -> Story:
    times = [one.observed_at for one in mentions] or [_START]
    first = times[len(times) // _EARLY]
    # A handful of rows from years before would push all others to the edge of the picture.
    if (times[-1] - first) * 2 > times[-1] - times[0]:
        first = times[0]
    return Story(first, times[-1])


def _new_shard(name: str, rules: Rules) -> tuple[Shard, Ledger]:
    brand, _, language = name.rpartition("/")
    ledger = Ledger(ShardId(name), BrandId(brand))
    shard = Shard.restore(ledger.state(), rules, Background.load(language), segment=segment)
    return shard, ledger


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def peak_rss_mb() -> float:
    """Return this process's peak resident memory in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def evaluate_clusters(
    rows: Sequence[Mapping[str, str]],
    kind: Kind = "auto",
    *,
    advance: Callable[[int], object] | None = None,
    pictured: Callable[[Story], object] | None = None,
) -> dict[str, float | int]:
    """Gather `text[,title][,time][,entity]` rows in one pass and compare with `label`.

    Rows arrive in file order; frequencies are those of the rows before; defaults as shipped.
    `docs_per_s` and `p99_assign_ms` are CPU time of one core, from raw text to stored record.
    """
    run = run_clusters(rows, Rules(kind=kind), advance=advance, pictured=pictured)
    figures = agreement(run.clusters, [row["label"].strip() for row in rows])
    largest = max(Counter(run.clusters).values(), default=0)
    return {
        "n": len(rows),
        "clusters": figures.clusters,
        "bcubed_precision": round(figures.bcubed_precision, 4),
        "bcubed_recall": round(figures.bcubed_recall, 4),
        "bcubed_f1": round(figures.bcubed_f1, 4),
        "v_measure": round(figures.v_measure, 4),
        "ari": round(figures.ari, 4),
        "best_match_f1": round(figures.best_match_f1, 4),
        "largest_cluster_share": round(largest / len(rows), 4) if rows else 0.0,
        "merged": run.events.get("merge", 0),
        "split": run.events.get("split", 0),
        "reopened": run.events.get("reopen", 0),
        "docs_per_s": round(len(rows) / run.seconds, 1) if run.seconds else 0.0,
        "p99_assign_ms": round(percentile(run.assign_ms, 0.99), 3),
        "peak_rss_mb": round(peak_rss_mb(), 1),
    }


def evaluate_duplicates(
    rows: Sequence[Mapping[str, str]], *, advance: Callable[[int], object] | None = None
) -> dict[str, float | int]:
    """Decide for each `text,text2` whether one copies the other and compare with `label` (1 = yes).

    The gate is the product's: exact key, else candidates by shared small hashes, then containment.
    """
    true_yes = found = right = 0
    for number, row in enumerate(rows, 1):
        if advance is not None and number % _TOLD_EVERY == 0:
            advance(_TOLD_EVERY)
        is_same = row["label"].strip() in {"1", "1.0"}
        says = find_in_pair(row["text"], row["text2"])
        true_yes += is_same
        found += says
        right += is_same and says
    precision = right / found if found else 0.0
    recall = right / true_yes if true_yes else 0.0
    return {
        "n": len(rows),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(harmonic(precision, recall), 4),
    }
