"""What a picture of a run shows, and that it is a picture whatever the texts say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

from classify.cluster_plot import picture
from classify.cluster_story import Story
from classify.evaluation_clusters import evaluate_clusters
from storage.records import ClusterEvent, ClusterId
from tests.eval.complaints import complaints
from tests.make import NOW

HEATER, KETTLE, BATCH = (ClusterId(f"lanhe-{name}") for name in ("heater", "kettle", "batch"))
SVG = "{http://www.w3.org/2000/svg}"


def event(kind: str, day: float, cluster_id: ClusterId, other: ClusterId | None = None):
    return ClusterEvent(
        cluster_id=cluster_id, kind=kind, at=NOW + timedelta(days=day), other_id=other
    )


def story_of_a_merge() -> Story:
    story = Story(NOW, NOW + timedelta(days=9))
    for day in range(6):
        for one in (HEATER, KETTLE):
            if not day:
                story.tell(event("open", day, one))
            story.arrive(NOW + timedelta(days=day), one)
    story.tell(event("merge", 6, HEATER, KETTLE))
    story.arrive(NOW + timedelta(days=7), HEATER)
    story.tell(event("split", 8, HEATER, BATCH))
    story.arrive(NOW + timedelta(days=8.5), BATCH)
    story.arrive(NOW + timedelta(days=8.5), BATCH)
    story.finish()
    story.labels |= {HEATER: "充电器接口发热", KETTLE: "充电口烫手", BATCH: "第三批次发热"}
    return story


def test_what_merged_or_split_stands_below_its_cluster() -> None:
    story = story_of_a_merge()

    assert story.groups(5) == [(HEATER, [KETTLE, BATCH])]
    assert sum(story.merges) == 1
    assert (story.live[0], story.live[story.bin_of(NOW + timedelta(days=5))]) == (2, 2)
    assert story.live[-1] == 2  # two merged, one came out
    assert story.singles[-1] == 0


def test_a_merge_that_was_taken_back_is_none() -> None:
    story = story_of_a_merge()
    merged = replace(event("merge", 8.6, HEATER, BATCH), event_no=7)
    story.tell(merged)
    assert story.home_of(BATCH) == HEATER
    story.tell(replace(event("undo", 8.8, HEATER, BATCH), event_no=8, undoes=7))
    story.tell(replace(event("undo", 8.9, HEATER, KETTLE), event_no=9, undoes=3))  # from before
    story.finish()

    assert story.home_of(BATCH) == BATCH
    assert story.live[-1] == 2
    assert [join.kind for join in story.joins] == ["merge", "split", "merge", "split"]


def test_counts_from_before_lift_the_whole_line() -> None:
    story = Story(NOW, NOW + timedelta(days=1), sizes={KETTLE: 1})
    story.arrive(NOW, KETTLE)
    story.tell(event("open", 0.5, HEATER))
    story.arrive(NOW + timedelta(days=0.5), HEATER)
    story.finish(live=41, singles=30)

    assert (story.live[0], story.live[-1]) == (40, 41)
    assert (story.singles[0], story.singles[-1]) == (29, 30)


def test_a_picture_holds_labels_sizes_and_joins() -> None:
    svg = picture(story_of_a_merge(), "澜禾 · 9 天")
    root = ET.fromstring(svg)
    said = " ".join(root.itertext())

    assert "充电器接口发热" in said
    assert "└ 充电口烫手" in said
    assert len(root.findall(f"{SVG}path[@class='j']")) == 2  # the legend's and the merge's
    assert len(root.findall(f"{SVG}path[@class='j d']")) == 2
    assert "prefers-color-scheme:dark" in svg


def test_texts_of_the_web_are_data() -> None:
    story = story_of_a_merge()
    story.labels[HEATER] = "</text><script>alert(1)</script>\x00\ud800\u202e & 发热"

    svg = picture(story, 'a "title" <b>')

    assert "<script" not in svg
    assert ET.fromstring(svg).find(f"{SVG}title").text == 'a "title" <b>'
    assert svg.encode()


def test_nothing_and_one_mention_are_pictures_too() -> None:
    pictures: list[str] = []
    for rows in ([], [{"text": "漏水", "label": "1"}]):
        evaluate_clusters(rows, pictured=lambda told: pictures.append(picture(told, "x")))

    assert all(ET.fromstring(one) is not None for one in pictures)


def test_a_full_picture_is_small_enough_for_a_page() -> None:
    story = Story(NOW, NOW + timedelta(days=96))
    for n in range(400):
        one = ClusterId(f"lanhe-{n:03}")
        story.tell(event("open", 0, one))
        story.labels[one] = "充电器接口发热冒烟" * 4
        for day in range(96):
            for _ in range(n % 7 + 1):
                story.arrive(NOW + timedelta(days=day + 0.5), one)
        if n % 2:
            story.tell(event("merge", 96, ClusterId(f"lanhe-{n - 1:03}"), one))
    story.finish()

    assert len(picture(story, "满", largest=60).encode()) < 300_000


def test_a_run_tells_its_own_story() -> None:
    told: list[Story] = []
    rows = complaints(2, issues=12)
    figures = evaluate_clusters(rows, pictured=told.append)

    assert sum(told[0].size_of(one) for one in told[0].arrivals) == len(rows)
    assert told[0].live[-1] == figures["clusters"]
    assert sum(told[0].merges) == figures["merged"]
