from __future__ import annotations

import struct
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


def test_a_cluster_of_one_takes_a_quarter_of_a_kilobyte() -> None:
    assert len(pack(packed(1, centroid=False))) < 250


def test_a_cluster_knows_when_it_was_reshaped() -> None:
    before = replace(packed(), reshaped=1_760_000_123.5)

    assert unpack(pack(before)).reshaped == 1_760_000_123.5
    assert unpack(pack(packed())).reshaped == 0.0


@pytest.mark.parametrize("cut", [0, 1, 30, 200])
def test_a_blob_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(StoreError, match="reading a cluster's state"):
        unpack(pack(packed())[:cut])


def test_a_blob_of_format_1_is_read() -> None:
    ids = np.array([3, 9, 3 + (1 << 24)], dtype="<u4")
    weights = np.array([0.5, 0.25, 1.0])
    old = (
        struct.pack("<BQQdIB", 1, 7, 8, 9.5, 2, 1)
        + struct.pack("<qHBH", 41, 60, 3, 3)
        + ids.tobytes()
        + weights.astype("<f2").tobytes()
        + struct.pack("<H", 6)
        + "漏水".encode()
        + struct.pack("<H", 3)
        + ids.tobytes()
        + weights.astype("<f4").tobytes()
    )

    found = unpack(old)

    assert (found.opened_seq, found.last_seq, found.touched, found.labelled_size) == (7, 8, 9.5, 2)
    [exemplar] = found.exemplars
    assert (exemplar.mention_id, exemplar.member) == (41, Member(60, True, True))
    assert dict(zip(exemplar.vector.ids, exemplar.vector.weights, strict=True)) == {3: 1.0, 9: 0.25}
    assert found.centroid is not None
    assert found.centroid.weights.tolist() == [1.5, 0.25]
    assert pack(unpack(pack(found))) == pack(found)
