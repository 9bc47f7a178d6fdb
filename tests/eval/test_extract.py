"""Floors under the extraction without selectors, over made-up pages in the manner of many sites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawlers.evaluation import evaluate_extract
from tests.eval.extract import sites_dev, sites_hard, sites_held
from tests.eval.extract.build import write

FLOORS = json.loads((Path(__file__).parent / "floors.json").read_text("utf-8"))["extract"]


def test_pages_are_made_in_the_manner_of_many_sites() -> None:
    sites = {site.__name__ for part in (sites_dev, sites_hard, sites_held) for site in part.SITES}

    assert len(sites) >= 48


@pytest.mark.quality
@pytest.mark.parametrize("part", ["dev", "held"])
def test_extraction_stays_above_its_floor(part: str, tmp_path: Path) -> None:
    floor = FLOORS[part]
    write(tmp_path, part)

    found = evaluate_extract(tmp_path, with_pages=True)

    weak = [row for row in found["pages"] if row["f1"] < 0.8 or row["day"] != row["day_found"]]
    assert found["n"] == floor["n"]
    assert found["f1_mean"] >= floor["f1_mean"], weak
    assert found["share_over_08"] >= floor["share_over_08"], weak
    assert found["date_right"] >= floor["date_right"], weak
    assert found["date_false"] <= floor["date_false"], weak
