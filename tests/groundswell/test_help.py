import re
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from groundswell.cli.app import build


def _paths(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _paths(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(_paths(typer.main.get_group(build()))), ids=" ".join)
def test_every_help_has_an_example_of_a_command_that_there_is(path):
    said = CliRunner().invoke(build(), [*path, "--help"]).stdout

    after = said.partition("Example:")[2]
    commands = re.findall(r"^    groundswell( .*)?$", after, re.MULTILINE)
    assert commands
    for command in commands:
        words = command.split()
        group: object = typer.main.get_group(build())
        while isinstance(group, typer.core.TyperGroup):
            group = group.commands[words.pop(0)]
