"""What people are asked first, and how right the model is as they see it: pure functions."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.label_stats import Share, figures, is_negative, suggestions
from groundswell.label_values import issue_names, read_value
from groundswell.labelling import (
    LOT,
    RANDOM_NEGATIVE,
    RANDOM_OTHER,
    Choice,
    choose,
    consequence,
    uncertainty,
)
from storage.records import WITHDRAWN, BrandId, Correction, MentionId, Noise, Polarity, SourceId
from storage.review import Candidate, Judged
from tests.console.world import example
from tests.make import make_mention, make_verdict

DAY = "2026-03-10"
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


def candidate(n: int, negative: float = 0.5, **fields) -> Candidate:
    polarity = (
        Polarity.NEGATIVE if negative >= 0.65
        else Polarity.UNSURE if negative >= 0.35 else Polarity.NOT_NEGATIVE
    )  # fmt: skip
    values = {
        "mention_id": MentionId(n), "brand_id": BrandId("lanhe"), "source_id": SourceId("tousu"),
        "issue_class": "产品质量", "negative": negative, "polarity": polarity,
    }  # fmt: skip
    return Candidate(**(values | fields))


def ask(candidates, n=20, day=DAY, copies=()) -> list[Choice]:
    def is_copy(mention_id, taken) -> bool:
        group = next((some for some in copies if mention_id in some), ())
        return any(other in group for other in taken)

    return choose(candidates, n, day=day, thresholds=lambda _: 0.5, is_copy=is_copy)


def by_choice(choices) -> list[int]:
    return [one.candidate.mention_id for one in choices if not LOT & {*one.reasons}]


@pytest.mark.parametrize(
    ("negative", "expected"), [(0.5, 1.0), (0.25, 0.5), (0.75, 0.5), (0.0, 0.0), (1.0, 0.0)]
)
def test_a_verdict_is_least_sure_on_its_threshold(negative, expected):
    assert uncertainty(negative, 0.5) == expected
    assert uncertainty(0.2, 0.2) == 1.0
    assert uncertainty(0.6, 0.2) == pytest.approx(0.5)


def test_the_least_sure_comes_first():
    found = [candidate(n, negative) for n, negative in enumerate((0.99, 0.52, 0.8, 0.5, 0.02))]

    choices = ask(found, n=4)

    assert by_choice(choices) == [3, 1, 2, 4]
    assert choices[0].reasons == ("near_threshold",)


def test_what_is_at_work_and_much_seen_comes_before_its_likes():
    plain, seen, at_work = (
        candidate(1), candidate(2, reach=1000), candidate(3, at_work=True, reach=1000),
    )  # fmt: skip

    choices = ask([plain, seen, at_work], n=3)

    assert by_choice(choices) == [3, 2, 1]
    assert choices[0].reasons == ("near_threshold", "open_incident", "high_reach")
    assert consequence(at_work) == 2.5
    assert consequence(plain) == 1.0


def test_what_was_edited_after_a_person_spoke_is_asked_again():
    choices = ask([candidate(1, 0.51), candidate(2, 1.0, outdated=True)], n=2)

    assert by_choice(choices) == [2, 1]
    assert choices[0].reasons == ("outdated",)


def test_an_advert_that_sounds_like_a_complaint_is_asked_about():
    choices = ask([candidate(1, 0.95, noise=Noise.ADVERT), candidate(2, 0.95)], n=2)

    assert by_choice(choices) == [1, 2]
    assert choices[0].reasons == ("noise_doubt",)


def test_copies_are_asked_about_once():
    found = [candidate(n, 0.5 + n / 100) for n in range(6)]

    assert by_choice(ask(found, n=4, copies=[(0, 1, 2), (3, 4)])) == [0, 3, 5]


def test_sources_brands_and_classes_take_turns():
    many = [candidate(n, 0.5, source_id=SourceId("loud")) for n in range(20)]
    others = [
        candidate(100 + n, 0.42, source_id=SourceId(f"quiet{n}"), issue_class=f"类{n}",
                  brand_id=BrandId("hemu"))
        for n in range(3)
    ]  # fmt: skip

    first = by_choice(ask([*many, *others], n=4))

    assert sum(n >= 100 for n in first) >= 2


def test_every_tenth_place_is_drawn_by_lot_in_turn():
    found = [candidate(n, 0.9 if n % 2 else 0.05) for n in range(400)]

    choices = ask(found, n=40)

    drawn = [place for place, one in enumerate(choices, 1) if LOT & {*one.reasons}]
    assert drawn == [10, 20, 30, 40]
    kinds = Counter(choices[place - 1].reasons[0] for place in drawn)
    assert kinds == {RANDOM_NEGATIVE: 2, RANDOM_OTHER: 2}


def test_the_lot_is_fair():
    """Over many days each negative mention is drawn about as often as any other one."""
    found = [candidate(n, 0.9) for n in range(20)]
    drawn = Counter(
        one.candidate.mention_id
        for day in range(600)
        for one in ask(found, n=10, day=f"day {day}")
        if LOT & {*one.reasons}
    )

    # on half of the days the turn is of those that are not negative: there are none here
    expected = drawn.total() / 20
    chi_square = sum((drawn[n] - expected) ** 2 / expected for n in range(20))
    assert drawn.total() >= 290
    assert chi_square < 43.8  # 99.9 % of chi-square with 19 degrees of freedom


_negative = st.floats(0, 1, allow_nan=False)
_pool = st.lists(
    st.builds(
        lambda n, negative, source, work: candidate(
            n, negative, source_id=SourceId(source), at_work=work
        ),
        st.integers(1, 60), _negative, st.sampled_from(["a", "b"]), st.booleans(),
    ),
    max_size=40,
    unique_by=lambda one: one.mention_id,
)  # fmt: skip


@given(_pool, st.integers(1, 30), st.randoms(use_true_random=False))
def test_the_order_is_of_the_day_and_not_of_the_database(pool, n, chance: random.Random):
    choices = ask(pool, n=n)
    shuffled = list(pool)
    chance.shuffle(shuffled)

    assert ask(shuffled, n=n) == choices
    ids = [one.candidate.mention_id for one in choices]
    assert len(ids) == len(set(ids)) == min(n, len(pool))
    assert all(one.reasons for one in choices)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("polarity", "负面", "negative"), ("polarity", " 中性 ", "not_negative"),
        ("polarity", "撤销", WITHDRAWN), ("noise", "广告", "advert"), ("noise", "none", ""),
        ("issue", "售后维修", "售后维修"), ("issue", "售后维修/等备件", "售后维修/等备件"), ("issue", "等备件", "售后维修/等备件"),
        ("brand", "禾沐", "hemu"), ("brand", "无关", ""), ("brand", "是", "lanhe"),
        ("severity", "fire", "fire=yes"), ("severity", "fire=没有", "fire=no"),
        ("severity", "fire=withdrawn", f"fire={WITHDRAWN}"),
    ],
)  # fmt: skip
def test_values_are_read_as_people_write_them(kind, text, value):
    assert read_value(example(), kind, text, "lanhe") == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("polarity", "bad"), ("issue", "没有"), ("issue", "售后维修/"), ("issue", "物流配送/等备件"), ("brand", "nobody"),
     ("severity", "flood"), ("severity", "fire=perhaps"), ("severity", WITHDRAWN),
     ("noise", "spam"), ("mood", "x")],
)  # fmt: skip
def test_what_no_value_is_says_what_was_expected(kind, text):
    with pytest.raises(ValueError, match="expected"):
        read_value(example(), kind, text)


def test_sub_classes_stand_with_their_class():
    names = issue_names(example())

    assert names[0] == "产品质量"
    assert names[names.index("售后维修") + 1] == "售后维修/等备件"


# --- figures -------------------------------------------------------------------------------------


def judged(n: int, negative: float, said: dict[str, str], asked: str = "", **mention) -> Judged:
    polarity = Polarity.NEGATIVE if negative >= 0.65 else Polarity.NOT_NEGATIVE
    words = {
        kind: Correction(
            correction_no=n, mention_id=MentionId(n), brand_id=BrandId("lanhe"), kind=kind,
            value=value, was="", actor="linxiao", door="cli", at=NOW, asked=asked,
        )
        for kind, value in said.items()
    }  # fmt: skip
    return Judged(
        mention=make_mention(n, **mention),
        brand_id=BrandId("lanhe"),
        base=make_verdict(n, brand_id=BrandId("lanhe"), negative=negative, polarity=polarity),
        said=words,
    )


def test_wilsons_interval():
    share = Share(hits=9, n=10)

    assert share.share == 0.9
    assert share.interval == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert Share(hits=0, n=0).share is None
    assert Share(hits=0, n=0).interval == (0.0, 1.0)


def test_precision_counts_only_what_people_spoke_about():
    rows = [
        judged(1, 0.9, {"polarity": "negative"}, RANDOM_NEGATIVE),
        judged(2, 0.9, {"polarity": "positive"}),
        judged(3, 0.9, {"brand": ""}),
        judged(4, 0.9, {"noise": "advert"}, RANDOM_NEGATIVE),
        judged(5, 0.1, {"polarity": "negative"}, RANDOM_OTHER),
        judged(6, 0.1, {"polarity": "not_negative"}),
        judged(7, 0.9, {"issue": "物流配送"}),
    ]

    every, tousu = figures(rows)

    assert (every.source_id, tousu.source_id, every.labels) == ("", "tousu", 6)
    assert every.precision == Share(hits=1, n=4)
    assert every.precision_by_lot == Share(hits=1, n=2)
    assert every.missed == Share(hits=1, n=2)
    assert every.missed_by_lot == Share(hits=1, n=1)
    assert is_negative(rows[6]) is None


def test_an_author_who_never_means_the_brand_is_suggested_and_no_other():
    strangers = [
        judged(n, 0.9, {"brand": ""}, author="澜禾路便民", url=f"https://bbs.example/road/{n}")
        for n in range(5)
    ]
    mixed = [judged(n, 0.9, {"brand": ""}, author="李雷", url="") for n in range(10, 15)]
    mixed.append(judged(15, 0.9, {"polarity": "negative"}, author="李雷", url=""))
    few = [judged(n, 0.9, {"brand": ""}, author="韩梅梅", url="") for n in range(20, 24)]

    found = suggestions([*strangers, *mixed, *few])

    assert [(one.field, one.value, one.n) for one in found] == [
        ("exclude.authors", "澜禾路便民", 5),
        ("exclude.urls", "bbs.example/road/", 5),
    ]
    assert "5 条里有 5 条都不是说品牌 lanhe" in found[0].text
