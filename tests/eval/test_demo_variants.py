"""The demo proves something: 20 tellings of a crisis and of the same days without one.

Everything runs at the shipped default thresholds through the unmodified pipeline, in the story's
own time. The figures are printed; run with -s to see them.
"""

from __future__ import annotations

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.load import example_dir, load
from config.schema import Project
from groundswell import wiring
from groundswell.demo.story import Item, Place, Story, Variant
from groundswell.replay import Replayed, replay_mentions
from storage.records import Level, RawMention, SourceId

SEEDS = range(20)
FLOOR_FOUND = 18  # of 20 reach yellow or above
DAY = date(2026, 11, 19)
WATCHED = timedelta(hours=8)  # from the story's start: the crisis gathers within the first four
SOURCES: dict[Place, str] = {
    "news": "zaochao-news",
    "micro": "jiefang-micro",
    "reviews": "haowu-reviews",
    "tousu": "jing-tousu",
    "bbs": "tingyu-bbs",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one telling came to: the gravest level with and without the crisis, and when."""

    seed: int
    product: str
    level: Level
    after_min: int
    incidents: int
    quiet_level: Level
    quiet_messages: int


def raw_of(item: Item, project: Project) -> RawMention:
    """Turn an item into the mention that a crawl of its source would bring."""
    source = project.source(SOURCES[item.place])
    assert source is not None
    return RawMention(
        source_id=SourceId(source.id),
        platform=source.platform,
        tier=source.tier,
        title=item.title,
        text=item.text,
        author=item.author,
        native_id=f"{item.place}-{item.published_at:%Y%m%d}-{item.number}",
        published_at=item.published_at,
        observed_at=item.published_at,
        reposts=item.reposts,
        rating=item.rating,
    )


def tell(seed: int, directory: str) -> Told:
    """Run one telling twice, with and without its crisis, over the same history."""
    project = load(example_dir())
    start = Variant(seed).start_on(DAY)
    loud = Story(start, Variant(seed)).items(start + WATCHED)
    silent = Story(start, Variant(seed, crisis=False)).items(start + WATCHED)
    past = [raw_of(item, project) for item in silent if item.published_at < start]
    base = Path(directory) / f"{seed}.db"
    _replay(project, base, past, start)
    ends = []
    for name, items in (("loud", loud), ("silent", silent)):
        copy = base.with_name(f"{seed}-{name}.db")
        shutil.copy(base, copy)
        live = [raw_of(item, project) for item in items if item.published_at >= start]
        ends.append(_replay(project, copy, live, start))
    found, quiet = ends
    gravest = max(found.incidents, key=lambda one: one.level, default=None)
    return Told(
        seed=seed,
        product=Variant(seed).plan().defect.id,
        level=gravest.level if gravest else Level.NONE,
        after_min=int((gravest.opened_at - start).total_seconds() / 60) if gravest else -1,
        incidents=len(found.incidents),
        quiet_level=max((one.level for one in quiet.incidents), default=Level.NONE),
        quiet_messages=len(quiet.messages),
    )


def _replay(project: Project, path: Path, rows: list[RawMention], start: object) -> Replayed:
    store = wiring.open_store(f"sqlite:///{path}")
    try:
        return replay_mentions(
            project,
            store,
            rows,
            history_until=start,  # type: ignore[arg-type]
            quiet_after=timedelta(0),
        )
    finally:
        store.close()


@pytest.mark.quality
def test_shipped_thresholds_find_the_crises_and_leave_everyday_talk_alone(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=2, mp_context=context) as pool:
        told = list(pool.map(tell, SEEDS, [str(tmp_path)] * len(SEEDS)))

    for one in told:
        print(
            f"seed {one.seed:2} {one.product:12} {one.level.name:6} after {one.after_min:3} min, "
            f"{one.incidents} incidents; quiet: {one.quiet_level.name}, "
            f"{one.quiet_messages} messages"
        )
    found = sum(one.level >= Level.YELLOW for one in told)
    loud_quiet_days = sum(one.quiet_level >= Level.ORANGE for one in told)
    print(f"found {found} of {len(told)}; quiet tellings with orange or red: {loud_quiet_days}")
    assert found >= FLOOR_FOUND
    assert loud_quiet_days == 0
