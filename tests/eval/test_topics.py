"""Floors of topics and of proposals to merge, over the dated posts where they are present."""

from __future__ import annotations

import pytest

from classify.evaluation import read_csv
from tests.eval.test_clusters import DATA
from tests.eval.topic_runs import Gathered, classes_of, gathered, kept_ids, proposal_figures
from tests.eval.topic_runs import topic_figures as figures_of

ROWS = 1000  # bench/bench_topics.py measures all of them
POSTS = DATA / "covid_weibo_hashtag_stream_early.csv"
pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def run() -> Gathered:
    if not POSTS.is_file():
        pytest.skip(f"no labelled data: {POSTS.name} is not in {DATA} (set GROUNDSWELL_DATA)")
    rows = [row for row in read_csv(POSTS, ["text", "label"]) if row["ontopic"] == "1"]
    return gathered([{**row, "text": row["text_nohashtag"]} for row in rows[:ROWS]])


def test_topics_agree_better_than_clusters_or_classes_and_none_swallows_the_rest(
    run: Gathered,
) -> None:
    classes = classes_of(run)
    found = figures_of(run, classes)
    print(found)

    topics, clusters, issue = (
        found[way] for way in ("topics", "clusters alone", "issue class alone")
    )
    assert topics["bcubed_f1"] >= max(0.52, clusters["bcubed_f1"] + 0.05, issue["bcubed_f1"])
    assert topics["ari"] >= 0.31
    assert topics["v_measure"] >= 0.84
    assert topics["largest"] <= 0.05
    assert kept_ids(run, classes, remember=True) >= 0.985


def test_words_alone_propose_pairs_of_which_half_are_right(run: Gathered) -> None:
    right, told = map(int, proposal_figures(run)["words"]["first 20"].split("/"))
    print(right, told)

    assert told >= 5
    assert right / told >= 0.5
