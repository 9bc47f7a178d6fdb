"""How fast the negative score is beside two open libraries, in one run on the same texts.

Run as `python -m bench peers`; they come with the extra `bench`. Speed only: how well each
of them tells negative from not is in classify/models/MODEL_CARD.md and in docs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.bench_score import texts  # noqa: E402
from classify.sentiment import ScoreItem, Scorer  # noqa: E402

SHARE_OF_SNOWNLP, SHARE_OF_PYSENTI = 60.0, 3.0  # what we want to be faster by


def snownlp_scorer() -> Callable[[Sequence[str]], object]:
    from snownlp import SnowNLP

    return lambda batch: [SnowNLP(text).sentiments for text in batch]


def pysenti_scorer() -> Callable[[Sequence[str]], object]:
    from pysenti import ModelClassifier

    model = ModelClassifier()
    return lambda batch: [model.classify(text) for text in batch]


def our_scorer() -> Callable[[Sequence[str]], object]:
    scorer = Scorer.load()
    return lambda batch: scorer.log_odds_many([ScoreItem(text=text) for text in batch])


def per_second(score: Callable[[Sequence[str]], object], batch: Sequence[str]) -> float:
    """Return texts per second of processor time, the best of three runs after a warm-up."""
    score(batch[: len(batch) // 10])
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        score(batch)
        best = min(best, time.process_time() - started)
    return len(batch) / best


def main() -> None:
    short = texts()
    mixed = [(short[n] * 4)[:size] for n, size in enumerate([15, 30, 60, 60, 120, 200] * 1500)]
    try:
        peers = {"SnowNLP": (snownlp_scorer(), 200), "pysenti": (pysenti_scorer(), 3000)}
    except ImportError as error:
        print(f"not measured: {error.name} is not installed; pip install -e '.[bench]'")
        return
    ours = our_scorer()
    print(f"{'texts':>22}{'ours/s':>12}{'SnowNLP/s':>12}{'ratio':>8}{'pysenti/s':>12}{'ratio':>8}")
    for name, made in (("60 characters", short), ("15 to 200 characters", mixed)):
        own = per_second(ours, made)
        speeds = [per_second(score, made[:count]) for score, count in peers.values()]
        cells = "".join(f"{speed:12,.0f}{own / speed:8.1f}" for speed in speeds)
        print(f"{name:>22}{own:12,.0f}{cells}")
    print(f"wanted: {SHARE_OF_SNOWNLP:g} × SnowNLP, {SHARE_OF_PYSENTI:g} × pysenti")


if __name__ == "__main__":
    main()
