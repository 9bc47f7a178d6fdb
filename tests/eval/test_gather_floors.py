"""Floors of gathering that are no agreement with labels: names, faces, ids that stay, order.

bench/bench_gather.py measures more and over whole sets; what is cheap of it is held here.
"""

from __future__ import annotations

import random

import pytest

from bench.bench_gather import bcubed, churn, digest, items_of, naming
from tests.eval.complaints import complaints
from tests.eval.test_clusters import rows_of


def test_no_mention_changes_its_cluster_without_a_row_and_few_do() -> None:
    found = churn(complaints(0))
    a_day = [found.by_day[day] / there for day, there in found.there_by_day.items()]

    assert found.unexplained == 0
    assert sum(a_day) / len(a_day) <= 0.03


def test_restarting_at_any_border_changes_nothing() -> None:
    items = items_of(complaints(0))

    assert digest(items, 1) == digest(items, None)


def test_the_order_within_an_hour_hardly_matters() -> None:
    rows = complaints(1)
    chance = random.Random(3)
    keys = [(row["time"][:13], chance.random()) for row in rows]
    shuffled = [rows[n] for n in sorted(range(len(rows)), key=keys.__getitem__)]

    assert abs(bcubed(rows) - bcubed(shuffled)) <= 0.01


@pytest.mark.quality
def test_names_and_faces_tell_of_the_incident_and_stand_still() -> None:
    found = naming(rows_of("weibo_incident_headlines_dev"))
    print(found)

    assert found.clusters >= 40
    assert found.label >= 0.27
    assert found.whole >= 0.36
    assert found.face >= 0.49
    assert 1 - found.changed / found.updates >= 0.9
