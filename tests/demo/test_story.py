from datetime import UTC, date, datetime, timedelta

import pytest

from groundswell.demo.story import (
    HISTORY_DAYS,
    PLACES,
    ZONE,
    Item,
    Story,
    Variant,
    defects,
    template_count,
)

DAY = date(2026, 11, 20)


def tell(seed: int = 0, *, crisis: bool = True) -> Story:
    variant = Variant(seed, crisis)
    return Story(variant.start_on(DAY), variant)


def within_three_hours(story: Story) -> list[Item]:
    assert story.opens_at is not None
    return [
        item for item in story.crisis if item.published_at < story.opens_at + timedelta(hours=3)
    ]


def test_the_same_seed_tells_the_same_story() -> None:
    until = datetime(2026, 11, 22, tzinfo=UTC)
    assert tell(3).items(until) == tell(3).items(until)


def test_another_seed_tells_another_story() -> None:
    until = datetime(2026, 11, 22, tzinfo=UTC)
    assert tell(3).items(until) != tell(4).items(until)


def test_without_the_crisis_the_everyday_items_are_exactly_the_same() -> None:
    until = datetime(2026, 11, 22, tzinfo=UTC)
    everyday = [item for item in tell(5).items(until) if not item.crisis]
    assert everyday == tell(5, crisis=False).items(until)


def test_asking_in_steps_gives_what_asking_at_once_gives() -> None:
    until = datetime(2026, 11, 21, tzinfo=UTC)
    stepped = tell(1)
    for hours in range(0, 30, 7):
        stepped.items(stepped.start + timedelta(hours=hours))
    assert stepped.items(until) == tell(1).items(until)


def test_there_are_at_least_120_templates_of_our_own() -> None:
    assert template_count() >= 120


def test_there_are_at_least_four_defects_on_four_products() -> None:
    assert len(defects()) >= 4
    assert {defect.model for defect in defects()} == {"K2", "A5", "R3", "B7"}


def test_the_default_story_is_the_smoking_kettle_base() -> None:
    defect = Variant().plan().defect
    assert (defect.product, defect.model, defect.batch) == ("养生壶", "K2", "2610")


@pytest.mark.parametrize("seed", range(20))
def test_a_crisis_gathers_over_three_hours_from_25_to_40_authors(seed: int) -> None:
    story = tell(seed)
    told = within_three_hours(story)
    authors = {item.author for item in told if item.place != "news"}
    plan = Variant(seed).plan()
    assert 25 <= plan.authors <= 40
    assert plan.authors <= len(authors) <= plan.authors + plan.reposts
    assert len(authors) == len([item for item in told if item.place != "news"])
    assert story.opens_at is not None
    first_quarter = [i for i in told if i.published_at < story.opens_at + timedelta(minutes=15)]
    assert 1 <= len(first_quarter) <= 2
    assert len(told) / 2 > sum(
        item.published_at < story.opens_at + timedelta(minutes=90) for item in told
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_crisis_has_copies_and_one_article_and_starts_minutes_after_the_start(seed: int) -> None:
    story = tell(seed)
    assert story.opens_at is not None
    assert timedelta(minutes=5) <= story.opens_at - story.start <= timedelta(minutes=15)
    assert [item.place for item in story.crisis].count("news") == 1
    texts = [item.text for item in story.crisis if item.place == "micro"]
    assert any(other != text and other in text for text in texts for other in texts)


def test_variants_differ_in_product_hour_size_and_wording() -> None:
    plans = [Variant(seed).plan() for seed in range(20)]
    assert len({plan.defect.id for plan in plans}) == len(defects())
    assert len({plan.hour for plan in plans}) >= 8
    assert len({plan.authors for plan in plans}) >= 8
    # Seeds 0 and 6 tell of the same defect in other words.
    first, second = ({item.text for item in tell(seed).crisis} for seed in (0, 6))
    assert len(first & second) <= 3


def test_an_ordinary_day_brings_15_to_30_items_over_five_places() -> None:
    story = tell(crisis=False)
    since = story.start - timedelta(days=HISTORY_DAYS)
    items = story.items(story.start)
    per_day: dict[date, int] = {}
    for item in items:
        day = item.published_at.astimezone(ZONE).date()
        per_day[day] = per_day.get(day, 0) + 1
    full_days = [per_day[day] for day in sorted(per_day)[:-1]]
    assert len(full_days) == HISTORY_DAYS
    assert all(15 <= count <= 30 for count in full_days)
    assert {item.place for item in items} == set(PLACES)
    assert items[0].published_at >= since - timedelta(days=1)


def test_no_slot_is_left_open_in_any_text() -> None:
    for seed in range(12):
        for item in tell(seed).items(datetime(2026, 11, 24, tzinfo=UTC)):
            assert not set("{}[]|") & set(item.title + item.text), item


def test_page_numbers_are_unique_per_place_and_grow_with_time() -> None:
    items = tell(2).items(datetime(2026, 11, 22, tzinfo=UTC))
    for place in PLACES:
        numbers = [item.number for item in items if item.place == place]
        assert numbers == sorted(set(numbers))


def test_ordinary_days_never_tell_of_the_defect() -> None:
    words = [word for defect in defects() for word in defect.slots["neat"]]
    for item in tell(crisis=False).items(datetime(2026, 11, 22, tzinfo=UTC)):
        assert not any(word in item.title + item.text for word in words)
