from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classify.features import HASH_BITS, extract, shingles

texts = st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=30), max_size=6)


def features(batch: list[str], row: int) -> list[tuple[int, int, int]]:
    spans = extract(batch)
    mine = spans.row == row
    return sorted(
        zip(
            spans.start[mine].tolist(),
            spans.end[mine].tolist(),
            spans.bucket[mine].tolist(),
            strict=True,
        )
    )


@given(texts)
def test_a_text_has_the_same_features_in_any_company(batch: list[str]) -> None:
    for row, text in enumerate(batch):
        assert features(batch, row) == features([text], 0)


def test_the_same_words_fall_into_the_same_bucket_wherever_they_stand() -> None:
    spans = extract(["很差很差"])
    at = {
        (start, end): set(spans.bucket[(spans.start == start) & (spans.end == end)].tolist())
        for start, end in ((0, 2), (2, 4))
    }

    assert at[0, 2] & at[2, 4]  # the run of two characters; words may be cut differently


def test_features_lie_within_their_text() -> None:
    batch = ["", "a", "质量不错,下次再来"]
    spans = extract(batch)
    lengths = np.array([len(text) for text in batch])

    assert (spans.start < spans.end).all()
    assert (spans.end <= lengths[spans.row]).all()
    assert (spans.bucket >= 0).all()
    assert (spans.bucket < 1 << HASH_BITS).all()


def test_no_text_and_empty_texts_have_no_features() -> None:
    assert len(extract([]).row) == 0
    assert len(extract(["", ""]).row) == 0


def test_hashing_is_the_same_on_every_machine() -> None:
    spans = extract(["服务态度差"])

    assert spans.bucket[:5].tolist() == [4045713, 3003403, 2661755, 1626446, 3210259]


def test_shingles_come_row_by_row() -> None:
    rows, keys = shingles(["abcdef", "xabcde"], 5)

    assert rows.tolist() == [0, 0, 1, 1]
    assert keys[0] == keys[3]
