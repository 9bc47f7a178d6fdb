from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.index import BUCKETS, Probe, Rows, Vector, are_missing, leaders


def vector_of(weights: dict[int, float]) -> Vector:
    ids = sorted(weights)
    return Vector(
        np.array(ids, dtype=np.uint32), np.array([weights[i] for i in ids], dtype=np.float32)
    )


# Ids from a small range of places, so that many fall on the same one.
crowded = st.dictionaries(
    st.builds(lambda place, row: 1 + place + row * BUCKETS, st.integers(0, 40), st.integers(0, 30)),
    st.integers(1, 64).map(lambda n: n / 64),
    max_size=300,
)


@given(crowded, st.lists(crowded.map(lambda one: dict(list(one.items())[:50])), max_size=5))
@settings(max_examples=40, deadline=None)
def test_products_with_rows_are_exact_even_where_ids_collide(
    left: dict[int, float], others: list[dict[int, float]]
) -> None:
    scratch = np.zeros(BUCKETS, dtype=np.uint8)
    rows = Rows(50, np.float16)
    places = [rows.put(vector_of(one)) for one in others]
    if not places:
        return

    found = Probe(vector_of(left), scratch).dots(*rows.take(places))

    expected = [sum(left.get(i, 0.0) * w for i, w in one.items()) for one in others]
    assert np.allclose(found, expected, rtol=1e-5)
    assert not scratch.any()


def test_a_row_given_back_is_used_again_without_old_features() -> None:
    rows = Rows(4, np.float32)
    first = rows.put(vector_of({1: 0.5, 2: 0.5, 3: 0.5}))
    rows.drop(first)
    second = rows.put(vector_of({9: 1.0}))

    assert first == second
    assert rows.get(second).ids.tolist() == [9]


def test_leaders_are_those_with_most_votes_and_their_equals() -> None:
    slots, votes = np.array([3, 5, 8, 9]), np.array([0.5, 0.25, 0.75, 0.5])

    assert leaders(slots, votes, 2) == [(3, 0.5), (8, 0.75), (9, 0.5)]
    assert leaders(slots, votes, 9) == [(3, 0.5), (5, 0.25), (8, 0.75), (9, 0.5)]


def test_missing_ids_are_those_not_among_the_others() -> None:
    ids = np.array([5, 1, 9], dtype=np.uint32)

    assert are_missing(ids, np.array([1, 5], dtype=np.uint32)).tolist() == [False, False, True]
    assert are_missing(ids, np.array([], dtype=np.uint32)).all()
