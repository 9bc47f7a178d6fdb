from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.schema import SourceConfig
from crawlers.feeds import parse_feed
from tests.crawlers.hostile_feeds import COSTLY, ENCODINGS, Hostile

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 18, tzinfo=UTC)


def test_there_are_sixteen_hostile_encodings():
    assert len({feed.name for feed in ENCODINGS}) == 16


@pytest.mark.parametrize("feed", ENCODINGS, ids=lambda feed: feed.name)
def test_a_feed_that_lies_about_its_bytes_is_read_right(feed: Hostile):
    source = SourceConfig(id="hostile", name="敌意", kind="feed", start=("https://a.example.cn/f",))

    found = parse_feed(feed.body, "https://a.example.cn/f", feed.http, source, NOW)

    assert found.failure is None
    assert found.raws[0].title == feed.title
    assert feed.has in found.raws[0].text


def test_no_feed_costs_two_seconds_or_a_hundred_megabytes():
    run = subprocess.run(
        [sys.executable, "-m", "tests.crawlers.hostile_feeds"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    taken = {line["name"]: line for line in map(json.loads, run.stdout.splitlines())}

    assert set(taken) == set(COSTLY)  # whatever broke its fork printed nothing
    assert [line for line in taken.values() if line["cpu_s"] > 2 or line["extra_mb"] > 100] == []
