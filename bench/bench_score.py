"""How fast mentions are matched, scored and classed on one core; raw rjieba is the limit.

Run as `python bench/bench_score.py`; prints a table. Texts are made up of 60 characters each.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from classify.adapting import Adaptation  # noqa: E402
from classify.adapting_words import Words  # noqa: E402
from classify.analyst import Analyst  # noqa: E402
from classify.features import HASH_BITS  # noqa: E402
from classify.issues import IssueClassifier  # noqa: E402
from classify.matching import BrandMatcher  # noqa: E402
from classify.segment import segment  # noqa: E402
from classify.sentiment import ScoreItem, Scorer  # noqa: E402
from classify.severity import severity  # noqa: E402
from classify.text import normalise  # noqa: E402
from config.schema import Brand, Settings  # noqa: E402
from storage.records import ItemKey, Mention, MentionId, SourceId  # noqa: E402

MENTIONS = 10_000
PARTS = (
    "云杉的吹风机",
    "刚买一周就有焦味",
    "客服让等七天",
    "打了三次电话没人理",
    "物流倒是挺快",
    "颜色也好看",
    "孩子差点被烫到",
    "想退货又说过了时间",
    "同事那台也一样",
    "不知道是不是同一批",
)


def texts() -> list[str]:
    """Different texts of 60 characters, each naming the brand."""
    made = []
    for number in range(MENTIONS):
        order = [PARTS[0], *(PARTS[1 + (number * step) % 9] for step in (1, 2, 4, 5, 7, 8))]
        made.append(f"{number},{','.join(order)},{'再说一次' * 9}"[:60])
    return made


def main() -> None:
    made = texts()
    matcher = BrandMatcher([Brand(id="yunshan", name="云杉"), Brand(id="qingci", name="青瓷")])
    scorer, issues = Scorer.load(), IssueClassifier.load()
    analyst = Analyst(matcher, scorer, issues, Settings())
    fit = words_of_a_source()
    at = datetime(2026, 3, 1, tzinfo=UTC)
    mentions = [
        Mention(
            mention_id=MentionId(number),
            item_key=ItemKey(str(number)),
            source_id=SourceId("bench"),
            platform="bench",
            title="",
            text=text,
            published_at=at,
            observed_at=at,
        )
        for number, text in enumerate(made)
    ]
    steps: list[tuple[str, Callable[[], object]]] = [
        ("rjieba alone (the limit)", lambda: [segment(text) for text in made]),
        ("normalise", lambda: [normalise(text) for text in made]),
        ("match", lambda: [matcher.match("", text, "", "") for text in made]),
        ("score", lambda: scorer.log_odds_many([ScoreItem(text=text) for text in made])),
        ("score with words", lambda: scorer.score_many([ScoreItem(text=text) for text in made])),
        (
            "score, adapted to the source",
            lambda: scorer.score_many([ScoreItem(text=text, adaptation=fit) for text in made]),
        ),
        ("class", lambda: issues.classify_many(made)),
        ("grave facts", lambda: [severity(text) for text in made]),
        (
            "match + score + class (batches of 100)",
            lambda: [
                analyst.judge_many(mentions[start : start + 100])
                for start in range(0, len(mentions), 100)
            ],
        ),
    ]
    print(f"{'step':42}{'mentions/s':>12}{'µs each':>10}")
    for name, step in steps:
        step()
        started = time.process_time()
        step()
        each = (time.process_time() - started) / len(made)
        print(f"{name:42}{1 / each:12,.0f}{each * 1e6:10.1f}")
    print(f"{'start-up (import, load, first score)':42}{start_up_s():11.2f}s")
    print(f"{'peak resident memory':42}{peak_mb():10.0f} MiB")
    for size in (500, 5_000, 50_000):
        long_item = ScoreItem(text="".join(made)[:size])
        started = time.process_time()
        for _ in range(20):
            scorer.score_many([long_item])
        print(
            f"{f'one text of {size:,} characters':42}{(time.process_time() - started) * 50:9.2f}ms"
        )


def words_of_a_source() -> Adaptation:
    """Return an adaptation of usual size: 40,000 n-grams, of a source of 6,000 texts."""
    chance = np.random.default_rng(0)
    buckets = np.unique(chance.integers(0, 1 << HASH_BITS, 40_000)).astype(np.int32)
    weights = chance.normal(0, 0.2, len(buckets)).astype(np.float32)
    return Adaptation(shift=-0.5, words=Words(buckets, weights, 0.0), n=6_000, version=1)


def start_up_s() -> float:
    code = (
        "from classify.sentiment import *; from classify.issues import *; IssueClassifier.load();"
        "Scorer.load().score_many([ScoreItem(text='好')])"
    )
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - started


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
