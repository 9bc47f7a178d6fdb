"""Labelled rows in, figures of clustering and of near-duplicates out; nothing prints."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from classify.cluster_rules import Kind, Rules
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
    ShardId,
    SourceId,
    Verdict,
)

_START = datetime(2020, 1, 1, tzinfo=UTC)  # of files without a time column
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well found clusters agree with true ones."""

    clusters: int
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    v_measure: float
    ari: float
    best_match_f1: float  # macro, over true clusters of 2 or more


def _harmonic(left: float, right: float) -> float:
    return 2 * left * right / (left + right) if left + right else 0.0


def _entropy(sizes: Sequence[int], n: int) -> float:
    return -sum(size / n * math.log(size / n) for size in sizes)


def _pairs(size: int) -> float:
    return size * (size - 1) / 2


def agreement(found: Sequence[str], truth: Sequence[str]) -> Agreement:
    """Compare two labellings of the same rows; linear in rows.

    Source: BCubed (Bagga and Baldwin 1998), V-measure (Rosenberg and Hirschberg 2007, equal to NMI
    with the arithmetic mean), adjusted Rand index (Hubert and Arabie 1985).
    """
    n = len(found)
    if not n:
        return Agreement(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    in_found, in_truth = Counter(found), Counter(truth)
    joint = Counter(zip(found, truth, strict=True))
    precision = sum(v * v / in_found[f] for (f, _), v in joint.items()) / n
    recall = sum(v * v / in_truth[t] for (_, t), v in joint.items()) / n
    mutual = sum(
        v / n * math.log(v * n / (in_found[f] * in_truth[t])) for (f, t), v in joint.items()
    )
    entropies = _entropy(list(in_found.values()), n) + _entropy(list(in_truth.values()), n)
    both = sum(_pairs(v) for v in joint.values())
    left = sum(_pairs(v) for v in in_found.values())
    right = sum(_pairs(v) for v in in_truth.values())
    chance = left * right / _pairs(n) if n > 1 else 0.0
    room = (left + right) / 2 - chance
    best: dict[str, float] = {}
    for (f, t), v in joint.items():
        best[t] = max(best.get(t, 0.0), 2 * v / (in_found[f] + in_truth[t]))
    several = [best[t] for t, size in in_truth.items() if size > 1]
    return Agreement(
        clusters=len(in_found),
        bcubed_precision=precision,
        bcubed_recall=recall,
        bcubed_f1=_harmonic(precision, recall),
        v_measure=2 * mutual / entropies if entropies else 1.0,
        ari=(both - chance) / room if room else 1.0,
        best_match_f1=sum(several) / len(several) if several else 1.0,
    )


def _time_of(row: Mapping[str, str], previous: datetime) -> datetime:
    text = (row.get("time") or "").strip().replace("/", "-")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return previous + timedelta(seconds=1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def mentions_of(rows: Sequence[Mapping[str, str]]) -> list[Mention]:
    """Turn rows into mentions, in row order; rows without a readable time follow the last one."""
    mentions = []
    at = _START
    for number, row in enumerate(rows):
        at = _time_of(row, at)
        mentions.append(
            Mention(
                mention_id=MentionId(number + 1),
                item_key=ItemKey(f"row:{number}"),
                source_id=SourceId("evaluation"),
                platform="",
                title=row.get("title") or "",
                text=row["text"],
                published_at=at,
                observed_at=at,
            )
        )
    return mentions


def _verdict(mention: Mention) -> Verdict:
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
    assign_ms: list[float]


def run_clusters(rows: Sequence[Mapping[str, str]], rules: Rules) -> Run:
    """Gather rows in their order, one shard per (entity, language), as the product does."""
    mentions = mentions_of(rows)
    shards: dict[str, tuple[Shard, Ledger]] = {}
    names: list[str] = []
    spent: list[float] = []
    started = time.process_time()
    for row, mention in zip(rows, mentions, strict=True):
        name = f"{row.get('entity') or 'all'}/{language_of(mention.title + mention.text)}"
        if name not in shards:
            shards[name] = _new_shard(name, rules)
        shard, ledger = shards[name]
        items = ((mention, _verdict(mention)),)
        at = time.thread_time()
        changes = shard.gather(items, mention.observed_at, ledger)
        spent.append((time.thread_time() - at) * 1000)
        ledger.save(changes, items)
        names.append(name)
    seconds = time.process_time() - started
    found = [
        shards[name][1].homes[one.mention_id] for name, one in zip(names, mentions, strict=True)
    ]
    return Run([str(one) for one in found], seconds, spent)


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
    rows: Sequence[Mapping[str, str]], kind: Kind = "auto"
) -> dict[str, float | int]:
    """Gather `text[,title][,time]` rows in one pass and compare with `label`.

    Rows arrive in file order; frequencies are those of the rows before; defaults as shipped.
    `docs_per_s` and `p99_assign_ms` are CPU time of one core, from raw text to stored record.
    """
    run = run_clusters(rows, Rules(kind=kind))
    figures = agreement(run.clusters, [row["label"] for row in rows])
    return {
        "n": len(rows),
        "clusters": figures.clusters,
        "bcubed_precision": round(figures.bcubed_precision, 4),
        "bcubed_recall": round(figures.bcubed_recall, 4),
        "bcubed_f1": round(figures.bcubed_f1, 4),
        "v_measure": round(figures.v_measure, 4),
        "ari": round(figures.ari, 4),
        "best_match_f1": round(figures.best_match_f1, 4),
        "docs_per_s": round(len(rows) / run.seconds, 1) if run.seconds else 0.0,
        "p99_assign_ms": round(percentile(run.assign_ms, 0.99), 3),
        "peak_rss_mb": round(peak_rss_mb(), 1),
    }


def evaluate_duplicates(rows: Sequence[Mapping[str, str]]) -> dict[str, float | int]:
    """Decide for each `text,text2` whether one copies the other and compare with `label` (1 = yes).

    The gate is the product's: exact key, else candidates by shared small hashes, then containment.
    """
    true_yes = found = right = 0
    for row in rows:
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
        "f1": round(_harmonic(precision, recall), 4),
    }
