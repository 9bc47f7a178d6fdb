from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.segment import segment
from classify.text import rewrite
from classify.vectors import (
    HEAVIEST,
    Background,
    Frequencies,
    Tokens,
    hash_token,
    ids_of,
    language_of,
    split_fields,
    weigh,
)
from config.errors import StoreError

BODY = "买了三个月，滤芯接口就漏水，客服推脱了两周都没有上门。"


def test_a_given_title_leads_and_is_not_repeated_by_the_body() -> None:
    fields = split_fields("净水器漏水", "净水器漏水。" + BODY)

    assert (fields.title, fields.body) == ("净水器漏水", BODY)
    assert fields.is_complaint


def test_a_headline_in_brackets_leads_a_post() -> None:
    fields = split_fields("", "转发【净水器大面积漏水】" + BODY)

    assert fields.title == "净水器大面积漏水"
    assert fields.has_title
    assert not fields.is_complaint


def test_a_first_line_of_its_own_is_a_title() -> None:
    fields = split_fields("", "净水器漏水没人管\n" + BODY)

    assert fields.title == "净水器漏水没人管"
    assert fields.is_complaint


def test_a_bare_chinese_line_is_a_complaint_and_an_english_one_a_post() -> None:
    assert split_fields("", "云雀净水器滤芯漏水4S店不管").is_complaint
    assert not split_fields("", "water filter leaks again").is_complaint


def test_a_long_post_leads_with_its_first_sentence() -> None:
    first = "今天又被云雀净水器气到了真的不想再忍"
    fields = split_fields("", f"{first}!{BODY}{BODY}{BODY}")

    assert fields.title == first
    assert not fields.has_title


def test_very_short_texts_keep_single_characters() -> None:
    tokens = Tokens(segment)

    assert hash_token("差") in tokens.count(split_fields("", "真差"))
    assert hash_token("差") not in tokens.count(split_fields("", BODY + "真差"))


def test_a_hashtag_is_a_feature_as_a_whole() -> None:
    tokens = Tokens(segment)
    chinese = tokens.count(split_fields("", f"#净水器 漏水#{BODY}#净水器 漏水#"))
    english = tokens.count(split_fields("", "my filter leaks again #LeakGate #2".lower()))

    assert chinese[hash_token("#净水器漏水")] == pytest.approx(2.0)
    assert hash_token("#leakgate") in english
    assert hash_token("#2") not in english


def test_english_words_are_parted_by_spaces() -> None:
    counts = Tokens(segment).count(split_fields("", "filter leaks again"))

    assert {hash_token(word) for word in ("filter", "leaks", "again")} <= counts.keys()
    assert language_of("filter leaks") == "en"
    assert language_of("filter漏水") == "zh"


def test_feature_ids_are_the_same_in_every_version() -> None:
    assert hash_token("漏水") == 1616659


def test_a_vector_is_of_length_one_sorted_and_exact_in_half_precision() -> None:
    frequencies = Frequencies(Background.empty())
    vector = weigh(Tokens(segment).count(split_fields("漏水", BODY * 8)), frequencies.idf)

    assert len(vector) <= HEAVIEST
    assert np.all(np.diff(vector.ids.astype(np.int64)) > 0)
    assert float((vector.weights**2).sum()) == pytest.approx(1.0, abs=2e-3)
    assert np.array_equal(vector.weights, vector.weights.astype(np.float16).astype(np.float32))


def test_troubles_take_their_share_whatever_words_stand_beside_them() -> None:
    frequencies = Frequencies(Background.empty())
    vector = weigh(
        Tokens(segment).count(split_fields("漏水", BODY)), frequencies.idf, ["净水器×漏水"]
    )

    share = vector.weights[vector.ids == hash_token("trouble:净水器×漏水")] ** 2
    assert float(share[0]) == pytest.approx(0.35, abs=5e-3)


def test_a_feature_in_many_clusters_weighs_less() -> None:
    frequencies = Frequencies(Background.empty())
    common, rare = np.array([7], dtype=np.uint32), np.array([8], dtype=np.uint32)
    for _ in range(20):
        frequencies.add(common)

    assert frequencies.idf(rare)[0] > 3 * frequencies.idf(common)[0]


def test_everyday_words_are_damped_and_names_are_not() -> None:
    frequencies = Frequencies(Background.load("zh"))
    ids = np.array([hash_token("可以"), hash_token("云雀净水器")], dtype=np.uint32)
    frequencies.add(np.array([1], dtype=np.uint32))

    everyday, name = frequencies.idf(ids)

    assert everyday < 0.9 * name


def test_counts_survive_storage_exactly() -> None:
    before, after = Frequencies(Background.empty()), Frequencies(Background.empty())
    chance = np.random.default_rng(5)
    for _ in range(50):
        before.add(np.unique(chance.integers(1, 1 << 32, 40, dtype=np.uint32)))
    after.load(before.dump())

    assert np.array_equal(before.counts, after.counts)
    assert before.documents == after.documents


def test_counts_of_another_format_are_refused() -> None:
    frequencies = Frequencies(Background.empty())

    with pytest.raises(StoreError, match="format 9"):
        frequencies.load(b"\x09" + frequencies.dump()[1:])


@given(st.text(), st.text())
@settings(max_examples=80, deadline=None)
def test_any_title_and_text_become_a_vector(title: str, text: str) -> None:
    fields = split_fields(rewrite(title), rewrite(text))
    counts = Tokens(segment).count(fields)
    vector = weigh(counts, Frequencies(Background.load("zh")).idf)

    assert len(vector) <= HEAVIEST
    assert len(ids_of(counts)) == len(counts)
    assert np.isfinite(vector.weights).all()
