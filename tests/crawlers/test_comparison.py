"""Two versions of a source on the same page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawlers.comparison import ROWS, compare
from crawlers.trial import read_pages, saved_page
from tests.crawlers.test_recording import ITEMS, source
from tests.site.pages import list_page

NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
FIELDS = {
    "url": "css:a::attr(href)",
    "title": "css:a::text",
    "published": {"sel": "css:.time::text", "optional": True},
}


def read(item: str = "css:ul.list > li", **fields):
    rules = source(list={"item": item, "fields": {**FIELDS, **fields}})
    page = saved_page(rules, list_page(ITEMS), None, NOW)
    return read_pages(rules, (page,), NOW, rows=ROWS)


def test_the_same_rules_are_no_worse():
    compared = compare(read(), read())

    assert (compared.exit_code, compared.worse, compared.changes) == (0, (), ())
    assert compared.counts["title"] == {"lost": 0, "gained": 0, "changed": 0, "same": 5}


def test_a_selector_that_finds_nothing_is_worse():
    compared = compare(read(), read(title="css:.headline::text"))

    assert compared.exit_code == 3
    assert compared.worse == (
        "字段 title 有 5 条读不到了",
        "新的未满足：字段 title 只在 0/5 条中找到",
    )
    assert {change.kind for change in compared.changes} == {"lost"}
    assert compared.changes[0].old == ITEMS[0].title


def test_fewer_items_are_worse_and_named():
    compared = compare(read(), read("css:ul.list > li:nth-child(odd)"))

    assert compared.exit_code == 3
    assert (compared.old_items, compared.new_items) == (5, 3)
    assert compared.lost == (ITEMS[1].title, ITEMS[3].title)


def test_a_field_more_is_no_loss():
    compared = compare(read(published={"sel": "css:.nothing", "optional": True}), read())

    assert compared.exit_code == 0
    assert compared.counts["date"]["gained"] == 5


def test_a_changed_value_is_shown_but_left_to_people():
    compared = compare(read(), read(title={"sel": "css:a::text", "re": "(.{4})"}))

    assert compared.exit_code == 0
    assert compared.counts["title"]["changed"] == 5
    assert (compared.changes[0].old, compared.changes[0].new) == (ITEMS[0].title, "澜禾破壁")


def test_a_page_that_cannot_be_read_any_more_is_worse():
    compared = compare(read(), read("css:ol.posts > li"))

    assert compared.exit_code == 3
    assert compared.worse[0].startswith("新版读不出")


def test_what_both_cannot_read_keeps_its_own_exit_code():
    compared = compare(read("css:ol.posts > li"), read("css:ol.items > li"))

    assert compared.exit_code == 3


@pytest.mark.parametrize("field", ["url", "title"])
def test_items_are_paired_without_an_address_too(field):
    fields = {name: rule for name, rule in FIELDS.items() if name != field}
    rules = source(list={"item": "css:ul.list > li", "fields": fields}, detail=None)
    page = saved_page(rules, list_page(ITEMS), None, NOW)

    compared = compare(read(), read_pages(rules, (page,), NOW, rows=ROWS))

    assert compared.lost == ()
    assert compared.counts[field]["lost"] == 5
