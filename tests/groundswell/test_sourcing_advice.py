"""What an engineer reads of changed rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from config.keywords import expanded
from config.schema import Brand, SourceConfig
from crawlers import changeover
from crawlers.schedule import config_digest
from groundswell.sourcing_advice import change_of
from storage.records import SourceHealth, SourceId, SourceState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BRANDS = [Brand(id="lanhe", name="澜禾", aliases=("Lanhe",))]


def search(title: str) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "id": "found",
            "name": "搜索",
            "kind": "search",
            "start": "https://a.cn/s?q={keyword}",
            "keywords": {},
            "list": {"item": "css:li", "fields": {"url": "css:a::attr(href)", "title": title}},
        }
    )


def well(source: SourceConfig) -> SourceState:
    filled = expanded(source, BRANDS)
    return SourceState(
        source_id=SourceId("found"),
        config_digest=config_digest(filled),
        health=SourceHealth.OK,
        polls=9,
        good_polls=9,
        last_ok_at=NOW,
        trial=changeover.kept_rules(filled),
    )


def test_unchanged_rules_are_not_spoken_of():
    source = search("css:a::text")

    assert change_of(well(source), source, BRANDS) == ""


def test_changed_rules_of_a_search_are_said_to_be_on_trial():
    changed = search("css:b::text")
    state = changeover.begin(well(search("css:a::text")), expanded(changed, BRANDS), NOW)

    assert "正在试跑，已比较 0/3 次" in change_of(state, changed, BRANDS)


def test_rules_that_were_sent_back_are_said_to_be_with_the_reason():
    source = search("css:a::text")
    state = well(source)
    state = replace(state, trial={**state.trial, "why": "字段 title 只有 0%"})

    assert "已退回" in change_of(state, source, BRANDS)
    assert "字段 title 只有 0%" in change_of(state, source, BRANDS)
