"""The command line: commands grouped by noun, heavy imports inside them."""

from __future__ import annotations

import sys

from config.errors import ConfigError, GroundswellError


def main() -> None:
    """Run the command line; exit 0 done, 1 work failed, 2 usage or configuration error.

    A traceback is shown only with --debug, which must therefore be looked for before anything else.
    """
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    from groundswell.cli.app import build

    try:
        build()()
    except GroundswellError as error:
        if debug:
            raise
        sys.stderr.write(f"{error}\n")
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(0)
