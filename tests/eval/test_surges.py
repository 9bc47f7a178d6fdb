"""Surge detection does not fall below what was measured (docs/adr/0029).

A small seeded slice of `groundswell eval surges`: the figures of 1,000 streams are there. Here the
same streams are drawn each time, so that a floor can lie close below what they give.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.scoreboard import evaluate_surges
from alerts.simulation import BACKGROUNDS
from alerts.surge_replay import evaluate_streams
from config.errors import GroundswellError

CLEAN = BACKGROUNDS[0]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def board():
    """Bursty streams, the harder kind: figures of 12 a rate, averaged over the rates."""
    found = evaluate_surges(seed=7, streams=12, worlds=((2.0, CLEAN),))
    [page] = [row for row in found["means"] if row["setting"] == "page"]
    return page, found["bands"]


def test_false_alarms_stay_rare(board):
    page, _ = board

    assert page["false_alarms_per_cluster_month"] <= 0.05


def test_events_are_found(board):
    page, bands = board

    assert page["spike"]["pod"] >= 0.65
    assert page["step"]["pod"] >= 0.72
    assert page["viral"]["pod"] == 1.0
    assert page["ramp"]["pod"] >= 0.97
    assert min(bands[rate]["pod"] for rate in ("2", "10")) >= 0.96


def test_events_are_found_in_time(board):
    page, _ = board

    assert page["spike"]["delay_h_median"] <= 2.3
    assert page["step"]["delay_h_median"] <= 11
    assert page["viral"]["delay_h_median"] <= 16


def stream(name, rate, days, seed):
    chance = np.random.default_rng(seed)
    hours = np.sort(chance.uniform(0, 24 * days, chance.poisson(rate * 24 * days)))
    return [(name, START + timedelta(hours=float(hour))) for hour in hours]


def test_a_files_own_bursts_are_put_into_its_other_streams():
    posts = [one for n in range(3) for one in stream(f"牌子{n}", 0.05, 60, n)]
    posts += [("牌子0", START + timedelta(days=50, minutes=7 * n)) for n in range(20)]
    found = evaluate_streams(posts, bursts=4, seed=3)

    assert (found["groups_judged"], found["spread_over_days"]) == (3, False)
    assert found["cluster_months"] == pytest.approx(3.2, abs=0.1)
    assert found["page"]["alarms"] >= 1
    assert found["page"]["events"] == 4
    assert found["page"]["pod"] is not None


def test_bursts_of_another_file_are_found_soon():
    posts = stream("澜禾", 0.05, 60, 1)
    loud = [("热点", START + timedelta(minutes=6 * n)) for n in range(40)]
    found = evaluate_streams(posts, burst_posts=loud, bursts=5, seed=3)

    assert found["page"]["pod"] == 1.0
    assert found["page"]["delay_h_p90"] < 2


def test_dates_without_a_time_are_spread_over_their_day():
    posts = [("澜禾", START + timedelta(days=n)) for n in range(60)]
    found = evaluate_streams(posts, bursts=0)

    assert found["spread_over_days"]
    assert found["page"]["alarms"] == 0


def test_a_file_too_short_for_a_baseline_says_so():
    with pytest.raises(GroundswellError, match="no group has 20 dated posts"):
        evaluate_streams(stream("澜禾", 1.0, 10, 1))
