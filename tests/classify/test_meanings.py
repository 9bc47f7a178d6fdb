from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from classify.features import HASH_BITS, whole_words, word_buckets
from classify.meanings import DIMENSIONS, Vectors, learn_meanings

SUBJECTS = ("水壶", "台灯", "雨伞", "书包", "键盘", "毛巾", "耳机", "枕头", "拖鞋", "风扇")
GOOD = ("结实", "省心", "舒服", "灵敏", "安静", "精致", "轻便", "好看", "耐用", "贴心")
BAD = ("漏水", "开裂", "生锈", "发霉", "掉漆", "变形", "断裂", "异味", "破损", "卡顿")
FILLED = ("真的", "特别", "确实", "一直", "总是", "非常", "感觉", "已经")


def texts() -> list[str]:
    """Short sentences in which good words stand with good words and bad with bad."""
    made = []
    for number in range(1200):
        words = GOOD if number % 2 else BAD
        one, other = words[number % 10], words[(number * 7 // 3) % 10]
        thing, filled = SUBJECTS[number % 10], FILLED[number % 8]
        made.append(f"{thing}{filled}{one},{other}")
    return made


def vector(meanings: Vectors, word: str) -> NDArray[np.float32]:
    found: NDArray[np.float32] = meanings[word_buckets([word])[0]].toarray().ravel()
    return found


def test_words_in_like_company_get_like_vectors() -> None:
    meanings = learn_meanings(texts())

    bad, good = (np.array([vector(meanings, word) for word in words]) for words in (BAD, GOOD))

    assert meanings.shape == (1 << HASH_BITS, DIMENSIONS)
    assert np.linalg.norm(bad[0]) == pytest.approx(1, abs=1e-3)
    assert (bad @ bad.T).mean() > (bad @ good.T).mean() + 0.05


def test_the_same_texts_give_the_same_vectors() -> None:
    one, other = learn_meanings(texts()), learn_meanings(texts())

    assert abs(one - other).max() == 0


def test_too_few_words_mean_nothing() -> None:
    assert learn_meanings(["好", "很好"]).nnz == 0
    assert learn_meanings([]).nnz == 0


def test_a_word_has_the_bucket_that_its_feature_has() -> None:
    spans = whole_words(["键盘漏水"])

    assert spans.bucket.tolist() == word_buckets(["键盘", "漏水"]).tolist()
