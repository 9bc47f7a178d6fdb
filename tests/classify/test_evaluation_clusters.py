from __future__ import annotations

import random
from datetime import UTC, date, datetime

import pytest

from classify.evaluation_clusters import (
    agreement,
    evaluate_clusters,
    evaluate_duplicates,
    mentions_of,
    percentile,
    time_of,
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


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2020-03-01T08:05:00+08:00", 0), ("2020/3/1 8:05", 8), ("2020年3月1日 8时05分", 8),
        ("2020.03.01", 0), ("1583049900", 8), ("1583049900123", 8), ("20200301", 0),
    ],
)  # fmt: skip
def test_times_are_read_as_files_write_them(text: str, hour: int) -> None:
    found = time_of(text)

    assert found is not None
    assert found.astimezone(UTC).date() == date(2020, 3, 1)
    assert found.astimezone(UTC).hour == hour


@pytest.mark.parametrize("text", ["", "nan", "刚刚", "0001-01-01", "9999-12-31", "2020-13-45", "7"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert time_of(text) is None


def test_one_date_of_the_next_century_ages_nothing() -> None:
    days = [f"2020-03-{day:02}" for day in range(1, 28)]
    days[12] = "2090-01-01"
    came = [one.observed_at for one in mentions_of([{"text": "一", "time": day} for day in days])]

    assert came == sorted(came)
    assert max(came) < datetime(2020, 4, 1, tzinfo=UTC)


def test_progress_is_told_and_the_largest_cluster_is_named() -> None:
    told: list[int] = []
    rows = [{"text": "净水器滤芯漏水没人管", "label": str(n)} for n in range(200)]
    figures = evaluate_clusters(rows, advance=told.append)

    assert told == [100, 100]
    assert (figures["clusters"], figures["largest_cluster_share"]) == (1, 1.0)
    assert (figures["merged"], figures["split"], figures["reopened"]) == (0, 0, 0)
