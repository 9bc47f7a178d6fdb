from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.index import BUCKETS, Vector
from classify.postings import PostingIndex, places_of

# Some gaps need one step, some several; a few lists grow long enough to change in place.
ordinals = st.one_of(
    st.integers(0, 40), st.integers(65_500, 65_600), st.integers(0, 400).map(lambda n: n * 50_000)
)
changes = st.lists(
    st.tuples(st.booleans(), ordinals, st.sets(st.integers(1, 6), min_size=1, max_size=6)),
    max_size=60,
)


def vector_of(weights: dict[int, float]) -> Vector:
    ids = sorted(weights)
    return Vector(
        np.array(ids, dtype=np.uint32), np.array([weights[i] for i in ids], dtype=np.float32)
    )


def places(ids: set[int]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return places_of(np.array(sorted(ids), dtype=np.uint32))


@given(changes)
@settings(max_examples=40, deadline=None)
def test_lists_hold_what_was_added_and_not_removed(
    changes: list[tuple[bool, int, set[int]]],
) -> None:
    index = PostingIndex()
    held: dict[int, set[int]] = {}
    for adds, ordinal, ids in changes:
        before = held.setdefault(ordinal, set())
        if adds:
            index.add(ordinal, places(ids))
            before |= ids
        else:
            index.remove(ordinal, places(before & ids))
            before -= ids

    for one in range(1, 7):
        found, votes = index.vote(vector_of({one: 0.5}), 0.0)
        assert found.tolist() == sorted(o for o, ids in held.items() if one in ids)
        assert set(votes.tolist()) <= {0.25}


def test_a_list_that_grew_long_changes_in_place_alike() -> None:
    index = PostingIndex()
    ids = places({7})
    for ordinal in range(0, 6000, 2):
        index.add(ordinal, ids)
    for ordinal in (0, 2998, 5998):
        index.remove(ordinal, ids)
    index.add(1, ids)
    index.add(3001, ids)

    found, _ = index.vote(vector_of({7: 1.0}), 0.0)
    kept = sorted({*range(0, 6000, 2), 1, 3001} - {0, 2998, 5998})
    assert found.tolist() == kept
    assert index.nbytes > 2 * len(kept)


def test_votes_sum_the_squares_of_shared_features() -> None:
    index = PostingIndex()
    index.add(0, places({11, 12}))
    index.add(1, places({12, 13}))

    found, votes = index.vote(vector_of({11: 0.5, 12: 0.25, 14: 0.5}), 0.0)

    assert found.tolist() == [0, 1]
    assert votes.tolist() == [0.3125, 0.0625]


def test_features_that_share_a_bucket_vote_with_both_weights() -> None:
    index = PostingIndex()
    index.add(0, places({11}))

    _, votes = index.vote(vector_of({11: 0.5, 11 + BUCKETS: 0.25}), 0.0)

    assert votes.tolist() == [0.3125]


def test_votes_are_the_same_however_far_apart_clusters_lie() -> None:
    near, far = PostingIndex(), PostingIndex()
    for n in range(5):
        ids = places({*range(n + 1, n + 4)})
        near.add(n, ids)
        far.add(n * 1_000_003, ids)
    vector = vector_of({n: 1 / (n + 2) for n in range(1, 9)})

    one, two = near.vote(vector, 0.01), far.vote(vector, 0.01)

    assert (one[0] * 1_000_003).tolist() == two[0].tolist()
    assert one[1].tolist() == two[1].tolist()
