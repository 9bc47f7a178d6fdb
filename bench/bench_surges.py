"""What no detector can beat, and what one judgement costs: the frame of docs/adr/0029.

    python -m bench.bench_surges --streams 600

The oracle is told what the detector must guess: rate, season, burstiness, the event's length and
size. It scans with the likelihood ratio of the event and is set to a number of false alarms; what
it misses cannot be found at that number.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.baseline import Floats
from alerts.scoreboard import GRACE, MIN_AUTHORS
from alerts.simulation import (
    BACKGROUNDS,
    BIN,
    LEAD,
    PHIS,
    RATES,
    Event,
    Streams,
    make_event,
    make_streams,
    with_event,
)
from alerts.surge import detect
from config.schema import SurgeRules
from storage.records import BrandId, Cluster, ClusterId, Evidence, HourCount, ShardId

EVENTS = {"spike": (3, 11.0), "step": (24, 5.0)}  # hours, and times the usual rate
FALSE = (0.005, 0.01, 0.02, 0.04, 0.08)  # false alarms a cluster-month
_NONE = -99.0  # fewer people than any detector may fire on
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


def scan(streams: Streams, hours: int, times: float) -> Floats:
    """Return the log-likelihood ratio of an event in the window that ends with each bin."""
    from scipy.special import gammaln

    x, means = streams.bins, streams.means
    if streams.phi > 1.0:
        size = np.maximum(means / (streams.phi - 1.0), 1e-9)
        ratio = gammaln(x + times * size) - gammaln(times * size) - gammaln(x + size)
        ratio += gammaln(size) - (times - 1.0) * size * np.log(streams.phi)
    else:
        ratio = x * np.log(times) - (times - 1.0) * means
    width = hours * BIN
    sums = np.cumsum(np.pad(ratio, ((0, 0), (1, 0))), axis=-1)
    posts = np.cumsum(np.pad(x, ((0, 0), (1, 0))), axis=-1)
    found = np.full(x.shape, _NONE)
    enough = posts[:, width:] - posts[:, :-width] >= MIN_AUTHORS
    found[:, width - 1 :] = np.where(enough, sums[:, width:] - sums[:, :-width], _NONE)
    return found[:, LEAD:]


def oracle(phi: float, kind: str, streams: int, seed: int = 7) -> list[list[float]]:
    """Return the share of events found at each number of false alarms, per rate."""
    chance = np.random.default_rng(seed)
    quiet = make_streams(chance, phi, BACKGROUNDS[0], streams)
    event = make_event(chance, quiet, kind)
    loud = with_event(quiet, event)
    highest = scan(quiet, *EVENTS[kind]).max(-1).reshape(len(RATES), streams)
    seen = scan(loud, *EVENTS[kind])
    found = []
    for number in range(len(RATES)):
        rows = range(number * streams, (number + 1) * streams)
        best = np.array([_best(seen, loud, event, row) for row in rows])
        best = best[~np.isnan(best)]
        limits = np.quantile(highest[number], [1.0 - false for false in FALSE])
        found.append([float((best > limit).mean()) if best.size else 0.0 for limit in limits])
    return found


def _best(seen: Floats, streams: Streams, event: Event, row: int) -> float:
    first, last = int(event.first[row]), int(event.last[row])
    if streams.bins[row, LEAD + first : LEAD + last + 1].sum() < MIN_AUTHORS:
        return float("nan")
    return float(seen[row, first : last + 1 + GRACE * BIN].max())


def judgement_ms(posts: int, brand: int, rounds: int = 100) -> float:
    """Return the median CPU time of one judgement of a cluster, in ms."""
    chance = np.random.default_rng(3)
    evidence = Evidence(
        cluster=Cluster(cluster_id=ClusterId("a"), shard_id=ShardId(""), brand_id=BrandId("b")),
        hours=_hours(chance, posts),
        brand_hours=_hours(chance, brand),
        brand_clusters=12,
        brand_first_at=NOW - timedelta(days=60),
        live_authors=tuple((NOW - timedelta(minutes=30 * n), f"{n}") for n in range(25)),
        watch_authors=tuple((NOW - timedelta(minutes=30 * n), f"{n}") for n in range(25)),
    )
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        detect(evidence, SurgeRules(), NOW)
        times.append(time.thread_time() - start)
    return 1000 * float(np.median(times))


def _hours(chance: np.random.Generator, posts: int) -> tuple[HourCount, ...]:
    drawn = chance.poisson(posts / (35 * 24), 35 * 24)
    return tuple(
        HourCount(
            hour=NOW - timedelta(hours=35 * 24 - hour), mentions=n, authors=n, texts=n, live=n,
            watch=n,
        )
        for hour, n in enumerate(drawn.tolist())
        if n
    )  # fmt: skip


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=600)
    wanted = parser.parse_args()
    for posts, brand in ((40, 900), (700, 2400), (8000, 12000)):
        print(f"one judgement, {posts} posts in 35 days: {judgement_ms(posts, brand):.2f} ms")
    print("oracle, clean: share found at false alarms a cluster-month of", *FALSE)
    for phi in PHIS:
        for kind in EVENTS:
            for rate, shares in zip(RATES, oracle(phi, kind, wanted.streams), strict=True):
                print(f"phi {phi:g} {kind} {rate:g}/h:", *(f"{share:.2f}" for share in shares))


if __name__ == "__main__":
    main()
