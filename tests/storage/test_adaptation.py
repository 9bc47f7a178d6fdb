"""What is kept of how sources are put right, and which texts and scores it is estimated from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.records import Noise, Polarity, SourceAdaptation, SourceId
from storage.store import Store
from tests.make import BRAND, NOW, make_raw, make_verdict

DAY = timedelta(days=1)
FORUM = make_raw(1).source_id


def version(number: int, **changes: object) -> SourceAdaptation:
    values: dict[str, object] = {
        "source_id": FORUM, "version": number, "model_version": "m", "at": NOW, "n": 60,
        "share": 0.25, "shift": -0.75, "delta": None,
    }  # fmt: skip
    return SourceAdaptation(**values | changes)  # type: ignore[arg-type]


def save(store: Store, *versions: SourceAdaptation) -> None:
    with store.transaction() as tx:
        for one in versions:
            tx.save_adaptation(one)


def judge(store: Store, n: int, **verdict: object) -> list[int]:
    """Take in and judge n more mentions, all alike."""
    with store.transaction() as tx:
        before = tx.queries.counts()["mention"]
        tx.keep([make_raw(before + i + 1) for i in range(n)], NOW)
        ids = [mention.mention_id for mention in tx.pending_mentions(n)]
        tx.save_verdicts(ids, [make_verdict(one, **verdict) for one in ids], NOW)
    return [int(one) for one in ids]


def test_the_newest_version_is_at_work_and_earlier_ones_stay(store: Store) -> None:
    first, second = version(1, delta=b"\x01\x00words"), version(2, shift=-0.5)
    other = version(1, source_id=SourceId("another"))

    save(store, first, second, other)

    with store.read() as queries:
        assert queries.adaptations() == [other, second]
        assert queries.adaptation(FORUM, 1) == first
        assert queries.adaptation(FORUM, 3) is None
        assert queries.last_adaptation_version(FORUM) == 2
        assert queries.last_adaptation_version(SourceId("unknown")) == 0


def test_a_version_that_is_still_right_is_confirmed_not_doubled(store: Store) -> None:
    save(store, version(1), version(2))

    with store.transaction() as tx:
        tx.confirm_adaptation(FORUM, NOW + DAY, 75)

    with store.read() as queries:
        assert queries.adaptations() == [version(2, at=NOW + DAY, n=75)]
        assert queries.adaptation(FORUM, 1) == version(1)


def test_only_replaced_versions_are_dropped_and_only_old_ones(store: Store) -> None:
    save(store, version(1), version(2, at=NOW + DAY), version(3, at=NOW + 2 * DAY))

    with store.transaction() as tx:
        assert tx.drop_adaptations(NOW + timedelta(hours=1)) == 1
        assert tx.drop_adaptations(NOW + 9 * DAY) == 1

    with store.read() as queries:
        assert [one.version for one in queries.adaptations()] == [3]


def test_what_is_learned_from_is_judged_recent_and_no_noise(store: Store) -> None:
    ids = judge(store, 3)
    judge(store, 2, noise=Noise.ADVERT)
    with store.transaction() as tx:
        tx.keep([make_raw(90)], NOW)  # nobody has read it yet

    with store.read() as queries:
        assert [m.mention_id for m in queries.judged_mentions(FORUM, NOW - DAY, 10)] == ids
        assert [m.mention_id for m in queries.judged_mentions(FORUM, NOW - DAY, 2)] == ids[1:]
        assert queries.judged_mentions(SourceId("unknown"), NOW - DAY, 10) == []
        assert queries.judged_mentions(FORUM, NOW + DAY, 10) == []
        assert queries.count_judged(FORUM, NOW - DAY, 10) == 3
        assert queries.count_judged(FORUM, NOW - DAY, 2) == 2
        assert queries.judged_sources(NOW - DAY) == [FORUM]
        assert queries.judged_sources(NOW + DAY) == []


def test_unsure_verdicts_are_counted_by_source(store: Store) -> None:
    judge(store, 3, polarity=Polarity.NEGATIVE)
    judge(store, 1, polarity=Polarity.UNSURE)

    with store.read() as queries:
        assert queries.unsure_shares(NOW - DAY) == {FORUM: (4, 1)}
        assert queries.unsure_shares(NOW + DAY) == {}


def test_scores_of_a_brand_are_found_by_rank(store: Store) -> None:
    for score in (0.2, 0.9, 0.6):
        judge(store, 1, negative=score)

    with store.read() as queries:
        found = [queries.score_at_rank(BRAND, NOW - DAY, rank) for rank in (1, 2, 3, 4)]
        assert found == [pytest.approx(0.9), pytest.approx(0.6), pytest.approx(0.2), None]
        assert queries.first_spoken_of(BRAND, NOW - DAY) is not None
        assert queries.first_spoken_of(BRAND, NOW + DAY) is None
