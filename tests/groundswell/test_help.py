import re
from collections.abc import Iterator

import pytest
import typer

from groundswell.cli.app import build


def _paths(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _paths(command, (*path, name))
        else:
            yield (*path, name)


GROUP = typer.main.get_group(build())  # once: making some two hundred commands takes a while


@pytest.mark.parametrize("path", list(_paths(GROUP)), ids=" ".join)
def test_every_help_has_an_example_of_a_command_that_there_is(path, capsys):
    GROUP.main([*path, "--help"], prog_name="groundswell", standalone_mode=False)

    after = capsys.readouterr().out.partition("Example:")[2]
    commands = re.findall(r"^    groundswell( .*)?$", after, re.MULTILINE)
    assert commands
    for command in commands:
        words = command.split()
        group: object = GROUP
        while isinstance(group, typer.core.TyperGroup):
            group = group.commands[words.pop(0)]
