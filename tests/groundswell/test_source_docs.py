"""What docs/sources.zh-CN.md says is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from config.load import load_source
from config.source_schema import SourceKind
from groundswell.sourcing_advice import ADVICE
from storage.records import FetchCause

PAGE = (Path(__file__).parents[2] / "docs/sources.zh-CN.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.split("\n", 1)[0])
def test_every_example_is_a_source_of_at_most_25_lines(snippet: str, tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    path.write_text(snippet, encoding="utf-8")

    source = load_source(path, environ={})

    assert source.name
    assert snippet.count("\n") <= 25


def test_every_kind_without_code_has_an_example() -> None:
    shown = set(re.findall(r"^kind: (\w+)", "\n".join(SNIPPETS), re.MULTILINE))

    assert shown == set(get_args(SourceKind)) - {"spider"}
    assert "kind: spider" in PAGE


@pytest.mark.parametrize("cause", [cause for cause in FetchCause if cause])
def test_every_cause_has_a_line_and_advice(cause: FetchCause) -> None:
    assert re.search(rf"^\| [^|]*{re.escape(cause.value)} \|", PAGE, re.MULTILINE)
    assert ADVICE[cause]
