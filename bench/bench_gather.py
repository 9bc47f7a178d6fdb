"""Gathering end to end: speed by length of text, names that stay, replay, merges, labels, drift.

Reads the labelled data from $GROUNDSWELL_DATA as bench_clusters does; the generated set always
runs. Times are CPU time of one core. `--limit N` takes the first N rows of each set (default
6,000), `--parts` names what to run.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.bench_clusters import rows_of
from classify.cluster_agreement import agreement, shares_of
from classify.cluster_rules import Rules
from classify.clustering import Shard
from classify.evaluation_clusters import mentions_of, run_clusters, time_of, verdict_of
from classify.recall import Ledger
from classify.segment import segment
from classify.text import rewrite
from classify.vectors import Background
from storage.records import BrandId, ClusterId, Mention, MentionId, ShardChanges, ShardId, Verdict
from tests.eval.complaints import complaints

Row = dict[str, str]
Item = tuple[Mention, Verdict]
LENGTHS = (15, 60, 200, 600)
STREAMS = ("complaints_same_issue_dev", "covid_weibo_hashtag_stream_early")
SHOWN = 80  # characters of a text in a list
PURE, LEAST = 0.8, 3  # of a cluster's rows with one label; rows of a cluster that is named


def sets(limit: int, names: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    yield "generated", complaints(0)
    for name in names:
        rows = list(rows_of(name, limit))
        if rows:
            yield name, rows
        else:
            print(f"{name}: absent")


def items_of(rows: Sequence[Row]) -> list[Item]:
    return [(mention, verdict_of(mention)) for mention in mentions_of(rows)]


def restored(ledger: Ledger, language: str = "zh") -> Shard:
    return Shard.restore(ledger.state(), Rules(), Background.load(language), segment=segment)


def new_ledger() -> Ledger:
    return Ledger(ShardId("bench/zh"), BrandId("bench"))


# --- speed --------------------------------------------------------------------------------------


def print_speed(limit: int) -> None:
    texts = [row["text"] for _, rows in sets(limit, STREAMS) for row in rows]
    long = " ".join(texts)
    print("\nend to end: normalise, gate, segment, assign, record; one shard")
    print("characters  mentions  mentions/s")
    for length in LENGTHS:
        starts = range(0, len(long) - length, max(length, len(long) // limit))
        rows = [{"text": long[at : at + length], "label": ""} for at in starts][:limit]
        run = run_clusters(rows, Rules())
        print(f"{length:10}{len(rows):10,}{len(rows) / run.seconds:12,.0f}", flush=True)


# --- names that stay ----------------------------------------------------------------------------


@dataclass
class Churn:
    """Mentions whose cluster has another id today than when they came."""

    mentions: int = 0
    changed: set[MentionId] = field(default_factory=set)
    unexplained: int = 0
    by_day: Counter[str] = field(default_factory=Counter)
    there_by_day: dict[str, int] = field(default_factory=dict)


def churn(rows: Sequence[Row]) -> Churn:
    ledger, found = new_ledger(), Churn()
    shard = restored(ledger)
    for mention, verdict in items_of(rows):
        day = f"{mention.observed_at:%Y-%m-%d}"
        changes = shard.gather([(mention, verdict)], mention.observed_at, ledger)
        moved, unexplained = moved_by(changes, ledger)
        found.unexplained += unexplained
        found.changed.update(moved)
        found.by_day[day] += len(moved)
        ledger.save(changes, [(mention, verdict)])
        found.mentions += 1
        found.there_by_day[day] = found.mentions
    return found


def moved_by(changes: ShardChanges, ledger: Ledger) -> tuple[list[MentionId], int]:
    """Return the mentions that change their cluster, and how many of them without a row."""
    said: set[tuple[str, ClusterId]] = {
        (event.kind, event.other_id) for event in changes.events if event.other_id is not None
    }
    moved: list[MentionId] = []
    unexplained = 0
    for cluster in changes.clusters:
        if cluster.alias_of is None:
            continue
        members = [one for one, home in ledger.homes.items() if home == cluster.cluster_id]
        moved += members
        unexplained += len(members) * (("merge", cluster.cluster_id) not in said)
    for move in changes.moves:
        if ledger.homes.get(move.mention_id) != move.cluster_id:
            moved.append(move.mention_id)
            unexplained += ("split", move.cluster_id) not in said
    return moved, unexplained


def print_churn(limit: int) -> None:
    print("\nnames that stay: mentions whose cluster has another id than when they came")
    for name, rows in sets(limit, STREAMS):
        ordered = sorted(rows, key=lambda row: str(time_of(row.get("time") or "")))
        found = churn(ordered)
        days = [found.by_day[day] / there for day, there in found.there_by_day.items()]
        print(
            f"{name:34} {found.mentions:7,} mentions, {len(days)} days: in all "
            f"{len(found.changed) / found.mentions:.2%}, a day {sum(days) / len(days):.2%}, worst "
            f"{max(days):.2%}; without a row in the journal {found.unexplained}",
            flush=True,
        )


# --- replay and restart -------------------------------------------------------------------------


def digest(items: Sequence[Item], seed: int | None) -> str:
    """Return a digest of all that is stored; with a seed restarted at random borders."""
    ledger, chance = new_ledger(), random.Random(seed)
    shard = restored(ledger)
    told = hashlib.sha256()
    first = 0
    while first < len(items):
        last = first + (100 if seed is None else chance.randint(1, 300))
        batch = items[first:last]
        for one in batch:  # a clock that batches do not move
            changes = shard.gather([one], one[0].observed_at, ledger)
            ledger.save(changes, [one])
            told.update(repr((changes.assignments, changes.events, changes.moves)).encode())
        if seed is not None:
            shard = restored(ledger)
        first = last
    told.update(repr(sorted(ledger.clusters.items())).encode())
    return told.hexdigest()[:16]


def print_replay(limit: int) -> None:
    print("\nreplay twice, and restarted at random borders")
    for name, rows in sets(min(limit, 3000), STREAMS):
        items = items_of(rows)
        found = [digest(items, seed) for seed in (None, None, 1, 2)]
        print(
            f"{name:34} {'identical' if len(set(found)) == 1 else 'DIFFERENT'} {found}", flush=True
        )


# --- merges -------------------------------------------------------------------------------------


def wrong_merges(rows: Sequence[Row]) -> tuple[int, int, float]:
    """Return merges, those that joined clusters of mostly different issues, and the share of pairs.

    The share is of pairs of mentions that merges put together: those of different issues.
    """
    ledger = new_ledger()
    shard = restored(ledger, "en" if rows[0]["text"].isascii() else "zh")
    labels: dict[MentionId, str] = {}
    merges = wrong = pairs = wrong_pairs = 0
    for row, item in zip(rows, items_of(rows), strict=True):
        changes = shard.gather([item], item[0].observed_at, ledger)
        labels[item[0].mention_id] = row["label"]
        ledger.save(replace(changes, clusters=(), moves=()), [item])
        for event in changes.events:
            if event.kind == "merge" and event.other_id is not None:
                left, right = held(ledger, labels, (event.cluster_id, event.other_id))
                merges += 1
                wrong += left.most_common(1)[0][0] != right.most_common(1)[0][0]
                every = left.total() * right.total()
                pairs += every
                wrong_pairs += every - sum(left[one] * right[one] for one in left)
        ledger.save(replace(changes, assignments=()), [item])
    return merges, wrong, wrong_pairs / max(1, pairs)


def held(
    ledger: Ledger, labels: Mapping[MentionId, str], ids: tuple[ClusterId, ClusterId]
) -> tuple[Counter[str], Counter[str]]:
    """Return the labels that two clusters hold."""
    found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for mention_id, home in ledger.homes.items():
        if home in ids:
            found[ids.index(home)][labels[mention_id]] += 1
    return found


def print_merges(limit: int) -> None:
    print("\nmerges of clusters of mostly different issues")
    names = ("complaints_same_issue_dev", "mstream_news", "mstream_tweets")
    for name, rows in sets(limit, names):
        merges, wrong, pairs = wrong_merges(rows)
        print(
            f"{name:34} {wrong} of {merges} merges ({wrong / max(1, merges):.1%}),"
            f" {pairs:.1%} of the pairs they put together",
            flush=True,
        )


# --- labels -------------------------------------------------------------------------------------


def pairs_of(text: str) -> set[str]:
    plain = "".join(character for character in text if character.isalnum()).lower()
    return {plain[at : at + 2] for at in range(len(plain) - 1)}


def share_said(wanted: str, said: str) -> float:
    pairs = pairs_of(wanted)
    return len(pairs & pairs_of(said)) / len(pairs) if pairs else 1.0


@dataclass
class Naming:
    """How much of the hashtag names and faces say, and how often a name changes."""

    clusters: int
    label: float
    whole: float  # label, the representative's beginning, keywords
    face: float
    first: float
    longest: float
    whole_face: float
    updates: int
    changed: int


def naming(rows: Sequence[Row]) -> Naming:
    from classify.vectors import split_fields

    ledger = new_ledger()
    shard = restored(ledger)
    items = items_of(rows)
    updates = changed = 0
    for item in items:
        changes = shard.gather([item], item[0].observed_at, ledger)
        for one in changes.clusters:
            before = ledger.clusters.get(one.cluster_id)
            if before is not None and before.size > 1 and one.state == "live":
                updates += 1
                changed += before.label != one.label
        ledger.save(changes, [item])
    members: dict[ClusterId, list[int]] = defaultdict(list)
    for number, (mention, _) in enumerate(items):
        members[ledger.homes[mention.mention_id]].append(number)
    told: list[tuple[float, ...]] = []
    for cluster_id, numbers in sorted(members.items()):
        tag, count = Counter(rows[n]["label"] for n in numbers).most_common(1)[0]
        if len(numbers) < LEAST or count < PURE * len(numbers):
            continue
        one = ledger.clusters[cluster_id]
        texts = [rows[n]["text"] for n in numbers]
        face = next((m.text for m, _ in items if m.mention_id == one.representative_id), texts[0])
        headline = split_fields("", rewrite(face)).title
        whole = " ".join((one.label, headline, *one.keywords))
        shown = [text[:SHOWN] for text in (face, texts[0], max(texts, key=len))]
        said = (one.label, whole, *shown, face)
        told.append(tuple(share_said(tag, text) for text in said))
    means = [sum(column) / len(told) for column in zip(*told, strict=True)]
    return Naming(len(told), *means, updates, changed)  # type: ignore[call-arg]


def print_labels(limit: int) -> None:
    rows = list(rows_of("weibo_incident_headlines_dev", limit))
    if not rows:
        print("\nweibo_incident_headlines_dev: absent")
        return
    one = naming(rows)
    kept = 1 - one.changed / max(1, one.updates)
    print(
        f"\nnames: recall of the hashtag's pairs of characters over {one.clusters} pure clusters\n"
        f"label {one.label:.3f}, label + headline + keywords {one.whole:.3f} (goal .34)\n"
        f"first {SHOWN} characters of the representative {one.face:.3f} (goal .51), of the first "
        f"text {one.first:.3f}, of the longest {one.longest:.3f}; representative uncut "
        f"{one.whole_face:.3f}\nnames kept in {kept:.1%} of {one.updates:,} updates (goal 90 %)"
    )


# --- order and drift ----------------------------------------------------------------------------


def print_order(limit: int) -> None:
    print("\nBCubed F1 with the rows of each hour shuffled (goal: within .01)")
    for name, rows in sets(limit, ("complaints_same_issue_dev", "weibo_incident_headlines_dev")):
        found = [bcubed(rows)]
        for seed in range(3):
            chance = random.Random(seed)
            keys = [(str(time_of(row.get("time") or ""))[:13], chance.random()) for row in rows]
            order = sorted(range(len(rows)), key=keys.__getitem__)
            found.append(bcubed([rows[n] for n in order]))
        worst = max(abs(one - found[0]) for one in found[1:])
        print(f"{name:34} {found[0]:.4f}, worst change {worst:.4f}", flush=True)


def bcubed(rows: Sequence[Row]) -> float:
    run = run_clusters(rows, Rules())
    return agreement(run.clusters, [row["label"] for row in rows]).bcubed_f1


def print_drift(limit: int) -> None:
    news, told = (list(rows_of(name, limit)) for name in ("mstream_news", STREAMS[0]))
    if not (news and told):
        print("\ndrift: the sets are absent")
        return
    print("\ndrift: one shard reads news, then complaints; the complaints are scored")
    plain = [{"text": row["text"], "label": row["label"]} for row in told]
    for name, before in (
        ("complaints alone", []),
        ("after half of the news", news[: len(news) // 2]),
    ):
        rows = [*({"text": r["text"], "label": r["label"]} for r in before), *plain]
        ledger = new_ledger()
        shard = restored(ledger)
        items = items_of(rows)
        for item in items:
            ledger.save(shard.gather([item], item[0].observed_at, ledger), [item])
        found = [str(ledger.homes[item[0].mention_id]) for item in items[len(before) :]]
        truth = [row["label"] for row in plain]
        score, match, _ = shares_of(found, truth).figures()
        print(f"{name:34} BCubed {score:.4f}, best match {match:.4f}", flush=True)


PARTS: dict[str, Callable[[int], None]] = {
    "speed": print_speed,
    "churn": print_churn,
    "replay": print_replay,
    "merges": print_merges,
    "labels": print_labels,
    "order": print_order,
    "drift": print_drift,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--parts", default=",".join(PARTS))
    asked = parser.parse_args()
    for name in asked.parts.split(","):
        PARTS[name](asked.limit)


if __name__ == "__main__":
    main()
