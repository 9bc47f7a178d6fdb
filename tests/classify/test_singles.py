from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.name_table import NameTable
from classify.singles import CHUNK, Single, Singles
from storage.records import ClusterId

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def cluster_id(seed: int, size: int = 8) -> ClusterId:
    chance = random.Random(seed)
    return ClusterId("lanhe-" + "".join(chance.choice(LETTERS) for _ in range(size)))


def single(singles: Singles, seed: int) -> Single:
    name = singles.encode(cluster_id(seed))
    assert name is not None
    return Single(name, seed, seed + 1, float(seed), seed * 1000, seed % 500, seed % 4, 9)


def words(seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    chance = np.random.default_rng(seed)
    size = int(chance.integers(0, 65))
    ids = np.sort(chance.choice(1 << 24, size, replace=False)).astype(np.uint32)
    return ids | np.uint32(200 << 24)


@given(st.lists(st.integers(0, 1200), max_size=600, unique=True))
@settings(max_examples=5, deadline=None)
def test_what_was_put_and_not_removed_is_found_as_it_was(gone: list[int]) -> None:
    singles = Singles()
    for n in range(2 * CHUNK):
        singles.put(2 * n, single(singles, n), words(n))
    removed = {n for n in gone if n < 2 * CHUNK}
    for n in sorted(removed, key=lambda n: n * 7919 % 1201):
        singles.remove(2 * n)

    assert len(singles) == 2 * CHUNK - len(removed)
    for n in range(0, 2 * CHUNK, 11):
        assert (singles.find(cluster_id(n)) is None) == (n in removed)
        assert (2 * n in singles) == (n not in removed)
        if n not in removed:
            one, held = singles.get(2 * n)
            assert one == single(singles, n)
            assert held.tolist() == words(n).tolist()
    kept = [n for n in range(2 * CHUNK) if n not in removed]
    oldest = singles.oldest()
    assert oldest == ((2 * kept[0], float(kept[0]), kept[0] + 1) if kept else None)


def test_memory_does_not_grow_with_what_came_and_went() -> None:
    singles = Singles()
    sizes = []
    for n in range(6 * CHUNK):
        singles.put(n, single(singles, n), words(n % 97))
        if n >= CHUNK:
            singles.remove(n - CHUNK)
        if n % CHUNK == CHUNK - 1:
            sizes.append(singles.nbytes)

    assert max(sizes[2:]) <= 1.02 * min(sizes[2:])


def test_ids_are_kept_as_numbers_only_where_nothing_is_lost() -> None:
    names = NameTable()
    for seed, size in ((1, 8), (2, 12)):
        number = names.encode(cluster_id(seed, size))
        assert number is not None
        assert names.decode(number) == cluster_id(seed, size)

    for other in (
        "hemu-" + "a" * 8, "lanhe-aaaa", "lanhe-aaaa0189", "lanhe-aa_aaaaa", "lanhe-AAAAAAAA",
        "lanhe-" + "a" * 16, "",
    ):  # fmt: skip
        assert names.encode(ClusterId(other)) is None
