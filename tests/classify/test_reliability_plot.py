from __future__ import annotations

from xml.etree import ElementTree as ET

from classify.reliability_plot import reliability_svg

BINS = [
    {"said": 0.05, "was": 0.04, "n": 900},
    {"said": 0.5, "was": 0.4, "n": 100},
    {"said": 0.95, "was": 0.97, "n": 400},
]


def test_the_plot_is_an_svg_with_one_dot_per_bin() -> None:
    root = ET.fromstring(reliability_svg(BINS, "negative"))

    dots = [one for one in root.iter() if one.tag.endswith("circle")]
    assert len(dots) == len(BINS)
    assert float(dots[0].get("cy", "")) > float(dots[2].get("cy", ""))  # rarer stands lower
    assert float(dots[0].get("r", "")) > float(dots[1].get("r", ""))  # more rows, larger dot


def test_no_bins_are_an_empty_plot() -> None:
    assert "<circle" not in reliability_svg([], "negative")
