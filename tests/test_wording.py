"""What is said about people or blame: every such line was read by somebody, and none states guilt.

The lines stand in golden/wording.txt: texts of the program and of its pages in which somebody is
said to have done, not done or answered for something. A new or changed one fails here until it is
read and the file is written anew with GROUNDSWELL_GOLDEN=1.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "wording.txt"  # rewritten with GROUNDSWELL_GOLDEN=1
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Who did, did not do, or answers for something: what a sentence about people or blame is made of.
_ABOUT = re.compile(
    "责任|归因|起因|原因|造成|导致|过错|过失|失误|违|误报|不归我管|退回|交接|锁定|不接受|拒绝|"
    "没有确认|尚未确认|无人确认|没有人确认|没有进展|没有回应|没有答复|超过时限|超时|逾期|"
    "踢皮球|推诿|批次问题|认定|结论|澄清|谣|水军|转发者|投诉人|联系不上|转错|发错|代行|代班"
)
# Words by which a text would itself say who is guilty, or call people names.
_NEVER = re.compile(
    "甩锅|推卸|推诿|失职|渎职|玩忽|罪|肇事|元凶|祸首|罪魁|活该|刁民|恶意投诉|碰瓷|讹|敲诈|"
    "骗子|黑心|无良|造谣者|黑粉|喷子|闹事|无理取闹|难缠|是他的错|他的责任|是你的错|怪你|怪他"
)
# Where the program reads such words in what other people wrote, and says nothing itself.
_READS = (
    "classify/",
    "config/library/",
    "config/data/",
    "crawlers/",
    "storage/",
)


def test_every_line_about_people_or_blame_was_read() -> None:
    found = "".join(f"{line}\n" for line in sorted(set(_lines_about())))
    if os.environ.get("GROUNDSWELL_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(found, encoding="utf-8")

    assert found == GOLDEN.read_text(encoding="utf-8")


def test_no_text_states_guilt() -> None:
    said = [f"{place}: {text}" for place, text in _texts() if _NEVER.search(text)]

    assert said == []


def test_a_sentence_that_states_guilt_would_be_found() -> None:
    assert _NEVER.search("售后失职，客户投诉")
    assert _ABOUT.search("两次交接都退回了，三位责任人已锁定")
    assert any("误报" in text for _, text in _texts())


def _lines_about() -> Iterator[str]:
    for place, text in _texts():
        if _ABOUT.search(text):
            yield f"{place}: {' '.join(text.split())}"


@cache
def _texts() -> tuple[tuple[str, str], ...]:
    """Return every Chinese text that the program may show, with the file it stands in."""
    return tuple(_found())


def _found() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob("*/**/*.py")):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith(("alerts/", "groundswell/", "config/")) and not _is_read(place):
            yield from ((place, text) for text in _literals(path))
    pages = [*ROOT.glob("groundswell/**/*.html"), *ROOT.glob("config/*.yaml")]
    for path in sorted(pages):
        for line in path.read_text(encoding="utf-8").splitlines():
            said = re.sub(r"\{#.*?#\}|<!--.*?-->|^\s*#.*", "", line)
            shown = re.sub(r"\{\{.*?\}\}", "{}", re.sub(r"<[^>]*>|\{%.*?%\}", " ", said)).strip()
            if _CHINESE.search(shown):
                yield path.relative_to(ROOT).as_posix(), shown


def _is_read(place: str) -> bool:
    return place.startswith(_READS)


def _literals(path: Path) -> Iterator[str]:
    """Give the texts of a module less its docstrings; what is filled in stands as {}."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
        if isinstance(node, ast.Expr):  # a docstring
            parts.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "{}"
                for one in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            text = node.value
        else:
            continue
        if _CHINESE.search(text):
            yield text
