from __future__ import annotations

import pytest

from groundswell.cli.output import harmless


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("漏水　3 条", "漏水　3 条"),
        ("一行\n两行\t列", "一行\n两行\t列"),
        ("\x1b]0;我的终端\x07\x1b[2J", "�]0;我的终端��[2J"),
        ("\u202e倒着\u2066写", "�倒着�写"),
        ("半个\ud83d", "半个�"),
        ("👨\u200d👩", "👨\u200d👩"),
    ],
)
def test_what_came_off_the_web_does_nothing_to_a_terminal(line, shown):
    assert harmless(line) == shown
