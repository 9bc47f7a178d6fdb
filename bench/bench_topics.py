"""Topics and proposals to merge: how well they agree with labels, how ids stay, what they cost.

Reads the labelled data from $GROUNDSWELL_DATA (default: shared/data beside the repository) and
says so where a set is absent. The sentence model is measured where the extra is installed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from classify.evaluation import read_csv
from classify.evaluation_clusters import peak_rss_mb
from classify.sentence_meanings import SentenceMeanings
from classify.topics import find_topics
from config.errors import ModelError
from storage.records import ClusterId
from tests.eval.topic_runs import (
    BRAND,
    Gathered,
    classes_of,
    gathered,
    kept_ids,
    proposal_figures,
    topic_clusters,
    topic_figures,
)

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GROUNDSWELL_DATA", ROOT.parent / "shared" / "data"))
POSTS = "covid_weibo_hashtag_stream_early"
PROPOSED = ("complaints_same_issue_dev", "weibo_incident_headlines_dev", POSTS)
MANY = 5_000  # clusters of one issue class in one week


def rows_of(name: str) -> list[Mapping[str, str]]:
    """Return the rows of a set; of the dated posts only those on their hashtag, without it."""
    path = DATA / f"{name}.csv"
    if not path.is_file():
        print(f"{name}: absent")
        return []
    rows = read_csv(path, ["text"])
    if name != POSTS:
        return [{**row, "label": row.get("topic") or row["label"]} for row in rows]
    return [{**row, "text": row["text_nohashtag"]} for row in rows if row["ontopic"] == "1"]


def agree(name: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Print how topics, clusters and classes agree with the labels."""
    run = gathered(rows)
    classes = classes_of(run)
    for way, figures in topic_figures(run, classes).items():
        print(f"{name:34} {way:18}", *(f"{key} {value}" for key, value in figures.items()))
    if name == POSTS:
        for remember in (False, True):
            kept = kept_ids(run, classes, remember=remember)
            print(f"  clusters in yesterday's topic, remembered {remember}: {kept:.4f}")


def cost(run: Gathered) -> None:
    """Print what a large week costs: clusters of a real run, repeated under other ids."""
    clusters = topic_clusters(run, dict.fromkeys(run.members(), "产品质量"))
    many = [
        replace(
            one, cluster=replace(one.cluster, cluster_id=ClusterId(f"{one.cluster.cluster_id}{n}"))
        )
        for n in range(1 + MANY // len(clusters))
        for one in clusters
    ][:MANY]
    started = time.process_time()
    found = find_topics(BRAND, many, run.mentions[0].published_at)
    spent = time.process_time() - started
    told = f"{len(many)} clusters of one class -> {len(found.topics)} topics"
    print(f"{told}: {spent:.2f} CPU s, peak {peak_rss_mb():.0f} MB")


def main() -> None:
    """Print all figures."""
    for name in (POSTS, "bdci2018_car", "thucnews_titles"):
        rows = rows_of(name)[:5000]
        if rows:
            agree(name, rows)
    try:
        model = SentenceMeanings()
    except ModelError as error:
        model = None
        print(error)
    for name in PROPOSED:
        rows = rows_of(name)
        if rows:
            for way, figures in proposal_figures(gathered(rows), model).items():
                print(f"{name:34} {way:10}", *(f"{k}: {v}" for k, v in figures.items()))
    rows = rows_of("bdci2018_car")[:6500]
    if rows:
        cost(gathered(rows))


if __name__ == "__main__":
    main()
