from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classify.index import Vector
from classify.packing import cut_ids, quantise, vector_of, words_of

weights = st.dictionaries(
    st.integers(1, (1 << 24) - 1), st.floats(2**-20, 1.0, width=32), max_size=64
)


def vector(weights: dict[int, float]) -> Vector:
    ids = sorted(weights)
    return Vector(
        np.array(ids, dtype=np.uint32), np.array([weights[i] for i in ids], dtype=np.float32)
    )


@given(weights)
def test_rounding_twice_changes_nothing_and_errs_by_half_a_step(weights: dict[int, float]) -> None:
    before = vector(weights)
    once = quantise(before)
    again = quantise(Vector(once.ids, once.weights))

    assert once.ids.tolist() == again.ids.tolist()
    assert once.weights.tolist() == again.weights.tolist()
    assert vector_of(*words_of(before)).weights.tolist() == once.weights.tolist()
    kept = dict(zip(once.ids.tolist(), once.weights.tolist(), strict=True))
    heaviest = max(weights.values(), default=0.0)
    for one, weight in weights.items():
        assert abs(kept.get(one, 0.0) - weight) <= heaviest / 250


def test_sums_of_products_are_exact_in_any_order() -> None:
    chance = np.random.default_rng(3)
    left, right = (
        quantise(vector({n + 1: float(w) for n, w in enumerate(chance.random(64) * 0.4 + 0.01)}))
        for _ in range(2)
    )
    products = left.weights * right.weights

    sums = {float(chance.permutation(products).sum(dtype=np.float32)) for _ in range(20)}
    assert len(sums) == 1


def test_longer_ids_are_cut_and_equal_ones_become_one() -> None:
    low, high = 77, 77 + (1 << 24)

    assert quantise(vector({low: 0.25, high: 0.5})).weights.tolist() == [0.5]
    assert cut_ids(vector({low: 0.25, high: 0.5, 3: 1.0})).ids.tolist() == [3, 77]
    assert cut_ids(vector({low: 0.25, high: 0.5, 3: 1.0})).weights.tolist() == [1.0, 0.75]
