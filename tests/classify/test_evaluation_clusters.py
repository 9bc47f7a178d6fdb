from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from classify.evaluation_clusters import (
    agreement,
    evaluate_clusters,
    evaluate_duplicates,
    mentions_of,
    percentile,
)
from tests.eval.complaints import complaints

KEYS = {
    "n", "clusters", "bcubed_precision", "bcubed_recall", "bcubed_f1", "v_measure", "ari",
    "docs_per_s", "p99_assign_ms", "peak_rss_mb",
}  # fmt: skip


def test_the_same_clusters_under_other_names_agree_wholly() -> None:
    found = agreement(["a", "a", "b", "c"], ["x", "x", "y", "z"])

    assert (found.bcubed_f1, found.v_measure, found.ari, found.best_match_f1) == (1, 1, 1, 1)


def test_one_cluster_for_all_has_full_recall_and_no_agreement_beyond_chance() -> None:
    found = agreement(["a"] * 4, ["x", "x", "y", "y"])

    assert found.bcubed_recall == 1
    assert found.bcubed_precision == 0.5
    assert found.ari == 0
    assert found.v_measure == 0


def test_figures_equal_those_of_scikit_learn_and_of_the_definition() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    chance = random.Random(4)
    found = [str(chance.randint(0, 20)) for _ in range(300)]
    truth = [str(int(one) // 2 if chance.random() < 0.7 else 99) for one in found]
    figures = agreement(found, truth)

    def share(mine: list[str], other: list[str]) -> float:
        """BCubed precision by its definition, quadratic."""
        each = []
        for i in range(300):
            together = [j for j in range(300) if mine[j] == mine[i]]
            each.append(sum(other[j] == other[i] for j in together) / len(together))
        return sum(each) / 300

    assert figures.ari == pytest.approx(metrics.adjusted_rand_score(truth, found))
    assert figures.v_measure == pytest.approx(metrics.v_measure_score(truth, found))
    assert figures.bcubed_precision == pytest.approx(share(found, truth))
    assert figures.bcubed_recall == pytest.approx(share(truth, found))


def test_no_rows_give_figures_of_nothing() -> None:
    assert evaluate_clusters([])["n"] == 0
    assert evaluate_duplicates([])["f1"] == 0.0


def test_the_keys_are_those_that_people_script_against() -> None:
    assert evaluate_clusters(complaints(1, issues=5)).keys() >= KEYS
    assert evaluate_duplicates([{"text": "漏水", "text2": "漏水", "label": "1"}]) == {
        "n": 1,
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
    }


def test_a_row_without_a_readable_time_follows_the_last_one() -> None:
    rows = [
        {"text": "一", "time": "2020-03-01 08:00:00"},
        {"text": "二", "time": "不详"},
        {"text": "三", "time": "2020/03/02"},
        {"text": "四"},
    ]
    times = [mention.published_at for mention in mentions_of(rows)]

    assert times[0] == datetime(2020, 3, 1, 8, tzinfo=UTC)
    assert times == sorted(times)


def test_two_passes_over_the_same_rows_give_the_same_clusters() -> None:
    rows = complaints(3, issues=20)
    first, second = evaluate_clusters(rows), evaluate_clusters(rows)

    assert {k: first[k] for k in ("clusters", "ari")} == {k: second[k] for k in ("clusters", "ari")}


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.99) == 0.0
