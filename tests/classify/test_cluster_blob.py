from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classify.cluster_blob import Exemplar, Packed, pack, unpack
from classify.index import Vector
from classify.labels import Member
from config.errors import StoreError


def vector_of(seed: int, size: int) -> Vector:
    chance = np.random.default_rng(seed)
    ids = np.sort(chance.choice(1 << 20, size, replace=False) + 1).astype(np.uint32)
    return Vector(ids, chance.random(size).astype(np.float16).astype(np.float32))


def packed(exemplars: int = 3, *, centroid: bool = True) -> Packed:
    return Packed(
        opened_seq=7,
        last_seq=4_000_000_000,
        touched=1_760_000_000.25,
        labelled_size=4,
        exemplars=tuple(
            Exemplar(n, Member(60 + n, n % 2 == 0, n % 3 == 0), vector_of(n, 40 + n))
            for n in range(exemplars)
        ),
        centroid=vector_of(99, 200) if centroid else None,
    )


@pytest.mark.parametrize("centroid", [True, False])
def test_a_cluster_read_again_packs_to_the_same_bytes(centroid: bool) -> None:
    before = packed(centroid=centroid)

    assert pack(unpack(pack(before))) == pack(before)
    assert unpack(pack(before)).exemplars[2].member == before.exemplars[2].member


def test_a_cluster_of_one_takes_less_than_half_a_kilobyte() -> None:
    assert len(pack(packed(1, centroid=False))) < 450


def test_a_cluster_knows_when_it_was_reshaped() -> None:
    before = replace(packed(), reshaped=1_760_000_123.5)

    assert unpack(pack(before)).reshaped == 1_760_000_123.5
    assert unpack(pack(packed())).reshaped == 0.0


@pytest.mark.parametrize("cut", [0, 1, 30, 200])
def test_a_blob_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(StoreError, match="reading a cluster's state"):
        unpack(pack(packed())[:cut])
