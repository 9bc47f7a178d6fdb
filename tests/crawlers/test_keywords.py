from __future__ import annotations

import pytest

from config.errors import ConfigError
from config.keywords import expanded, percent_encoded
from config.schema import Brand
from tests.crawlers.conftest import make_source
from tests.crawlers.test_kinds import LANHE

HEMU = Brand.model_validate({"id": "hemu", "name": "禾沐", "competitor": True})
START = "https://s.example.com/rss?q={keyword}"


def search(**keywords):
    return make_source(kind="search", start=START, keywords=keywords)


def words_of(source, brands=(LANHE, HEMU)):
    return list(expanded(source, brands).keywords.words)


def test_every_name_of_our_own_brands_is_asked_for_once():
    # 澜禾 K2 and LANHE are aliases; a name that is only spelt in other case is the same word
    twin = LANHE.model_copy(update={"aliases": ("LANHE", "lanhe", " 澜禾 ", "")})

    assert words_of(search(), [twin, HEMU]) == ["澜禾", "LANHE", "澜禾K2电饭煲", "澜禾 K2"]


def test_brands_may_be_named_competitors_too():
    assert words_of(search(brands=["hemu"])) == ["禾沐"]


def test_words_stand_alone_or_beside_named_brands():
    assert words_of(search(words=["电饭煲 跳闸"])) == ["电饭煲 跳闸"]
    assert words_of(search(words=["跳闸"], brands=["hemu"])) == ["禾沐", "跳闸"]


def test_so_many_words_are_asked_for_at_most():
    source = expanded(search(max=2), [LANHE])

    assert source.start == (
        "https://s.example.com/rss?q=%E6%BE%9C%E7%A6%BE",
        "https://s.example.com/rss?q=LANHE",
    )


def test_expanding_again_changes_nothing():
    for source in (search(), search(words=["跳闸"], max=1)):
        once = expanded(source, [LANHE, HEMU])

        assert expanded(once, [LANHE, HEMU]) == once


def test_addresses_without_the_word_are_asked_once():
    source = search().model_copy(update={"start": ("https://s.example.com/all", START)})

    assert len(expanded(source, [HEMU.model_copy(update={"competitor": False})]).start) == 2


def test_words_that_a_filter_looks_for_are_not_capped():
    source = make_source(
        kind="feed", start="https://s.example.com/rss", keywords={"mode": "filter", "max": 1}
    )

    assert len(expanded(source, [LANHE]).keywords.words) == 4
    assert expanded(source, [LANHE]).start == source.start


def test_word_that_stands_for_nothing_is_an_error():
    with pytest.raises(ConfigError, match="stands for nothing"):
        expanded(search(), [HEMU])


@pytest.mark.parametrize(
    ("word", "charset", "written"),
    [
        ("澜禾", "gbk", "%C0%BD%BA%CC"),
        ("a b&c={page}", "utf-8", "a%20b%26c%3D%7Bpage%7D"),
        ("澜", "big5", "%26%2328572%3B"),  # not in Big5: its number, as browsers send it
    ],
)
def test_word_is_written_as_a_form_in_that_charset_would(word, charset, written):
    assert percent_encoded(word, charset) == written
