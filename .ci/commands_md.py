"""Write docs/commands.md from the help texts themselves, so that it cannot drift.

Run as `python .ci/commands_md.py`; with --check it writes nothing and ends with 1 when the page
is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "commands.md"
HEAD = """# Commands

Made from the help texts by `python .ci/commands_md.py`; `make check` says when it is out of date.
Every command takes `--config DIR` (default: `GROUNDSWELL_CONFIG`, else the project folder it is
run in, else the packaged example) and `--json` (one JSON document on stdout, everything else on
stderr). Exit 0 done, 1 work failed, 2 usage or configuration error. `--debug` shows a traceback.
"""


def commands() -> Iterator[list[str]]:
    """Yield the path of every command, groups before their members."""
    import typer

    from groundswell.cli.app import build

    def walk(command: object, path: list[str]) -> Iterator[list[str]]:
        members = getattr(command, "commands", None)
        if path:
            yield path
        for name, member in (members or {}).items():
            yield from walk(member, [*path, name])

    yield from walk(typer.main.get_command(build()), [])


def page() -> str:
    """Return the whole page."""
    import typer.testing
    from typer.testing import CliRunner

    from groundswell.cli.app import build

    # the tree of two hundred commands is made once: a sixth of a second for each of them
    typer.testing._get_command = cache(typer.main.get_command)  # noqa: SLF001
    runner = CliRunner(env={"COLUMNS": "96", "TERMINAL_WIDTH": "96"})
    parts = [HEAD]
    for path in commands():
        shown = runner.invoke(build(), [*path, "--help"], prog_name="groundswell")
        assert shown.exit_code == 0, (path, shown.output)
        text = "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
        parts.append(f"{'#' * (len(path) + 1)} groundswell {' '.join(path)}\n\n```\n{text}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    made = page()
    if "--check" not in sys.argv:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == made:
        return 0
    print("docs/commands.md is out of date: run python .ci/commands_md.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
