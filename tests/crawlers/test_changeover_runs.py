"""A changed source in the running collector: the real site, restarts in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storage.records import SourceHealth
from tests.crawlers.conftest import NOW, listing
from tests.site.pages import Item, detail_page, list_page

RULES = {
    "detail": None,
    "list": {
        "item": "css:ul.list > li",
        "fields": {"url": "css:a::attr(href)", "title": "css:a::text"},
    },
}
BETTER = {
    "list": {"item": "css:li", "fields": {"url": "css:a::attr(href)", "title": "css:li a::text"}}
}
WORSE = {"list": {"item": "css:li", "fields": {"url": "css:a::attr(href)", "title": "css:b::text"}}}


def serve(site, count: int) -> None:
    items = [
        Item(path=f"/a/{n}", title=f"晨光电饭煲第{n}次跳闸", text="跳闸", author="甲",
             published=NOW - timedelta(hours=n))
        for n in range(1, count)
    ]  # fmt: skip
    site.set("/list?p=1", list_page(items))


def run(collect, site, clock, source, polls: int) -> None:
    """Poll some times; each poll is a new collector, so that all is remembered in the frontier."""
    for n in range(polls):
        serve(site, 12 + n)
        collect(source)
        clock.pass_time(hours=2)


def test_changed_rules_that_read_as_well_take_over(collect, site, frontier, clock):
    old, new = listing(site, **RULES), listing(site, **{**RULES, **BETTER})
    run(collect, site, clock, old, 3)
    hits = len(site.hits)

    run(collect, site, clock, new, 3)

    state = frontier.states["one"]
    assert state.trial.get("digest") is None
    assert state.trial["kept"]["list"]["item"] == "css:li"
    assert state.health is SourceHealth.OK
    assert len(site.hits) - hits >= 6  # both versions were asked for


def test_changed_rules_that_read_worse_go_back_and_the_old_ones_go_on(
    collect, site, frontier, clock
):
    old, new = listing(site, **RULES), listing(site, **{**RULES, **WORSE})
    run(collect, site, clock, old, 3)

    run(collect, site, clock, new, 4)

    state = frontier.states["one"]
    assert "字段 title" in state.trial["why"]
    assert state.trial["kept"]["list"]["item"] == "css:ul.list > li"
    assert state.health is SourceHealth.OK
    assert {raw.text for raw in frontier.kept} >= {"晨光电饭煲第14次跳闸"}

    before = replace(state)
    hits = len(site.hits)
    run(collect, site, clock, new, 1)
    assert frontier.states["one"].trial == before.trial
    assert sum(hit.path == "/list?p=1" for hit in site.hits[hits:]) == 1  # it is not tried again


def test_changed_rules_that_lose_the_pages_behind_the_list_go_back(collect, site, frontier, clock):
    pages = {
        "list": RULES["list"],
        "detail": {"fields": {"text": "css:.content", "author": "css:.author::text"}},
    }
    broken = {**pages, "detail": {"fields": {"text": "css:.contentx", "author": "css:.author"}}}
    items = [
        Item(path=f"/a/{n}", title=f"晨光电饭煲第{n}次跳闸", text="煮饭时跳闸。", author="甲",
             published=NOW - timedelta(hours=n))
        for n in range(1, 6)
    ]  # fmt: skip
    site.set("/list?p=1", list_page(items))
    for item in items:
        site.set(item.path, detail_page(item))

    for rules in (pages, pages, broken, broken, broken, broken):
        collect(listing(site, **rules))
        clock.pass_time(hours=2)

    state = frontier.states["one"]
    assert "详情页" in state.trial["why"]
    assert state.trial["kept"]["detail"]["fields"]["text"]["sel"] == ["css:.content"]
    assert state.health is SourceHealth.OK
