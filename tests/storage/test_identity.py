from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from storage.identity import author_key, item_key, text_hash
from storage.records import SourceId
from tests.make import NOW, make_raw


def test_native_id_comes_before_the_url():
    raw = make_raw(native_id="49871", platform="weibo")

    assert item_key(raw) == "id:weibo:49871"


def test_canonical_url_is_the_identity_without_an_id():
    assert item_key(make_raw(7)) == "url:https://tousu.example/post/7"


def test_the_source_is_no_part_of_the_identity():
    for raw in (make_raw(7), make_raw(native_id="1")):
        assert item_key(raw) == item_key(replace(raw, source_id=SourceId("other")))


def test_an_id_without_a_platform_belongs_to_its_source():
    keys = {item_key(make_raw(native_id="1", platform="", source_id=SourceId(s))) for s in "ab"}

    assert len(keys) == 2


def test_a_colon_in_the_platform_cannot_make_two_ids_one():
    assert item_key(make_raw(platform="a:b", native_id="c")) != item_key(
        make_raw(platform="a", native_id="b:c")
    )


def _bare(**fields):
    return make_raw(url="", canonical_url="", **fields)


def test_without_id_and_url_the_text_is_the_identity():
    shanghai = timezone(timedelta(hours=8))
    raw = _bare()
    same = replace(
        raw, published_at=raw.published_at.astimezone(shanghai), observed_at=NOW + timedelta(days=1)
    )

    assert item_key(raw) == item_key(same)
    assert item_key(raw) != item_key(replace(raw, author="别人"))
    assert item_key(raw) != item_key(replace(raw, text=raw.text + "！"))
    assert item_key(raw) != item_key(replace(raw, published_at=NOW - timedelta(days=3)))


def test_equal_rows_of_one_file_are_told_apart_by_their_ordinal():
    assert len({item_key(_bare(ordinal=n)) for n in range(3)}) == 3


def test_an_unknown_time_does_not_make_a_new_item_at_each_import():
    first = _bare(published_at=None)
    again = replace(first, observed_at=NOW + timedelta(days=1))
    stood_in = replace(again, published_at=again.observed_at)

    assert item_key(first) == item_key(again) == item_key(stood_in)


def test_long_urls_fit_into_an_index():
    long = make_raw(canonical_url="https://tousu.example/" + "a" * 5000)
    other = make_raw(canonical_url="https://tousu.example/" + "a" * 4999 + "b")

    assert len(item_key(long)) < 500
    assert item_key(long) != item_key(other)


@given(st.text(), st.text(), st.text())
def test_any_text_gets_a_key_that_can_be_stored(native_id, text, author):
    for raw in (make_raw(native_id=native_id), _bare(text=text, author=author)):
        assert item_key(raw).encode()


def test_an_unknown_author_has_no_key():
    assert author_key("weibo", "  ") == ""
    assert author_key("weibo", "阿云") == "weibo:阿云"
    assert author_key("tousu", "阿云") != author_key("weibo", "阿云")


def test_text_hash_fits_a_signed_column_and_keeps_title_apart():
    assert -(2**63) <= text_hash("a", "b") < 2**63
    assert text_hash("a", "b") != text_hash("", "ab")
