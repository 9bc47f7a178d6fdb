from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.baseline import HISTORY_HOURS, dispersion_in_slots
from alerts.scoreboard import Tally, alarms, evaluate_surges, figures
from alerts.simulation import (
    BACKGROUNDS,
    EVENTS,
    LEAD,
    RATES,
    SLOW_BURSTS,
    make_event,
    make_streams,
    run,
    with_event,
)
from alerts.surge import detect
from config.schema import SurgeRules
from storage.records import HourCount, Pulse
from tests.make import make_evidence

RULES = SurgeRules()
CLEAN = ((2.0, BACKGROUNDS[0]),)
START = datetime(1970, 1, 1, tzinfo=UTC)  # hour 0 of a simulated stream


@pytest.fixture(scope="module")
def board():
    return evaluate_surges(seed=2, streams=2, worlds=CLEAN)


def counted(hours):
    return tuple(
        HourCount(
            hour=START + timedelta(hours=int(hour)),
            mentions=int(n),
            authors=int(n),
            texts=int(n),
            live=int(n),
            watch=int(n),
        )
        for hour, n in enumerate(hours)
        if n
    )


def evidence_at(streams, row, day, place):
    """What the store would say of a simulated stream at the end of one bin."""
    now_hours = HISTORY_HOURS + 24 * day + (place + 1) / 6
    now = START + timedelta(hours=now_hours)
    whole = int(now_hours)
    first_bin = 6 * HISTORY_HOURS - LEAD
    last = HISTORY_HOURS + 24 * (day + 1) - 48
    authors = []
    for back in range(min(7 * 144 - 1, LEAD + 144 * day + place)):
        end = now - timedelta(minutes=10 * back)
        n = streams.bins[row, int(6 * now_hours + 0.5) - first_bin - back - 1]
        authors += [(end - timedelta(minutes=5), f"{back}/{i}") for i in range(int(n))]
    hourly = streams.hourly[row, : whole + 1].copy()
    return make_evidence(
        hours=counted(hourly),
        brand_hours=counted(streams.brand[: whole + 1]),
        brand_clusters=20,
        brand_first_at=START - timedelta(days=400),
        first_at=START - timedelta(days=400),
        live_authors=tuple(sorted(authors)),
        watch_authors=tuple(sorted(authors)),
        pulse=Pulse(slots=tuple(int(n) for n in streams.slots[6 * (last - 120) : 6 * last])),
    ), now


def test_the_simulation_fires_where_the_product_fires():
    """The first bin of a fire must fire in `detect`, and a quiet day before it must not."""
    chance = np.random.default_rng(11)
    quiet = make_streams(chance, 1.0, BACKGROUNDS[0], 3)
    loud = with_event(quiet, make_event(chance, quiet, "step"))
    fires = run(loud, RULES, range(8, 13))

    compared = 0
    for row in range(len(loud.rates)):
        hits = np.flatnonzero(fires.fired["page"][row])
        if not hits.size:
            continue
        place = int(hits[0])
        evidence, now = evidence_at(loud, row, place // 144, place % 144)
        assert detect(evidence, RULES, now).setting == "page"
        before = 9 * 144 + place % 144  # the event begins on the eleventh day
        evidence, now = evidence_at(loud, row, before // 144, before % 144)
        assert detect(evidence, RULES, now).kind == "none"
        compared += 1
    assert compared >= 6


def test_streams_have_the_mean_and_the_burstiness_they_were_asked_for():
    streams = make_streams(np.random.default_rng(5), 2.0, BACKGROUNDS[0], 40)
    busy = slice(3 * 40, None)  # ten posts an hour

    rate = streams.bins[busy].mean() * 6
    spread = ((streams.bins - streams.means)[busy] ** 2).mean() / streams.means[busy].mean()

    assert rate == pytest.approx(10, rel=0.05)
    assert spread == pytest.approx(2, rel=0.05)
    np.testing.assert_array_equal(
        streams.hourly[:, HISTORY_HOURS:].sum(-1), streams.bins[:, LEAD:].sum(-1)
    )


def test_an_event_adds_posts_only_while_it_lasts():
    chance = np.random.default_rng(6)
    quiet = make_streams(chance, 1.0, BACKGROUNDS[0], 2)
    event = make_event(chance, quiet, "viral")

    for row in range(len(quiet.rates)):
        outside = np.ones(event.extra.shape[-1], dtype=bool)
        outside[event.first[row] : event.last[row] + 1] = False
        assert event.extra[row, outside].sum() == 0
        assert event.extra[row].sum() > 200


def test_an_alarm_needs_a_silent_day_or_a_doubled_count():
    fired = np.zeros(30 * 144, dtype=bool)
    daily = np.full(fired.size, 10.0)
    fired[[10, 50, 150, 160, 3000]] = True

    assert alarms(fired, daily) == 2

    daily[160] = 25.0
    assert alarms(fired, daily) == 3


def test_the_same_seed_gives_the_same_figures_and_another_does_not(board):
    assert evaluate_surges(seed=2, streams=2, worlds=CLEAN) == board
    assert evaluate_surges(seed=3, streams=1, worlds=CLEAN)["means"] != board["means"]


def test_the_scoreboard_has_the_promised_keys_for_every_rate(board):
    assert set(board["bands"]) == {f"{rate:g}" for rate in RATES}
    for band in board["bands"].values():
        assert {
            "false_alarms_per_cluster_month",
            "pod",
            "delay_h_median",
            "delay_h_p90",
            "posts_seen_median",
            "left_out",
            "precision",
            "nab_score",
        } <= set(band)
        assert len(band["cells"]) == 2
        assert all(set(EVENTS) <= set(cell) for cell in band["cells"])


def test_each_average_stands_beside_the_mark_it_is_held_against(board):
    [page] = [row for row in board["means"] if row["setting"] == "page"]

    assert page["false_alarms_mark"] == 0.018
    assert page["spike"]["mark"] == 0.75
    assert page["viral"]["pass"] == (page["viral"]["pod_high"] >= 1.0)
    assert page["spike"]["pod_low"] <= page["spike"]["pod"] <= page["spike"]["pod_high"]


def test_a_score_is_nought_for_silence_and_full_for_all_found_at_once():
    silent, perfect = Tally(drawn=5, counted=5), Tally(5, 5, [0.1] * 5, [5] * 5, early=5.0)

    assert figures(silent, 0.0)["nab_score"] == 0.0
    assert figures(perfect, 0.0)["nab_score"] == 100.0
    assert figures(perfect, 0.03)["nab_score"] == pytest.approx(94.5)
    assert figures(perfect, 0.03)["precision"] == pytest.approx(0.5)


def test_slow_bursts_have_the_same_hours_and_other_minutes():
    chance = np.random.default_rng(5)
    fast = make_streams(chance, 2.0, BACKGROUNDS[0], 1)
    slow = make_streams(chance, 2.0, SLOW_BURSTS, 1)

    assert dispersion_in_slots(fast.slots) == pytest.approx(2.0, abs=0.1)
    assert dispersion_in_slots(slow.slots) == pytest.approx(1.0, abs=0.1)
    hourly = slow.brand[: 11 * 168].reshape(-1, 168)
    assert hourly.var(0, ddof=1).sum() / hourly.mean(0).sum() == pytest.approx(2.0, abs=0.3)
