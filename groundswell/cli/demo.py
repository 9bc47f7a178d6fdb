"""groundswell demo: the main job on the example project, with a bundled site and faster time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.output import example


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="See it work: a local site, an invented brand, a crisis in compressed time. 演示。\n\n"
        "The unmodified main job on the example project, in its own database marked 演示数据. "
        "Ctrl-C stops it; the next start goes on where it stopped."
        + example("groundswell demo", "groundswell demo --fresh --seed 3")
    )(demo)


def demo(
    seed: Annotated[int, typer.Option(help="which telling: product, hour, size, wording")] = 0,
    rate: Annotated[
        float, typer.Option(help="how many times faster time runs", min=1, max=600)
    ] = 120,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="the same everyday talk without a crisis")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="forget an earlier demo and begin anew")
    ] = False,
    directory: Annotated[Path, typer.Option("--dir", help="where the demo's database lies")] = Path(
        "var"
    ),
    port: Annotated[int, typer.Option(help="console port (0: any free one)")] = 8790,
    site_port: Annotated[int, typer.Option(help="port of the local site (0: any free one)")] = 8791,
    stop_after: Annotated[
        float | None, typer.Option(help="end by itself after this many seconds", hidden=False)
    ] = None,
) -> None:
    """Serve the local site, run the main job on it and show where to look."""
    import logging

    from groundswell.demo.play import Telling, play
    from groundswell.log import set_up

    set_up(logging.WARNING)  # what happens is told as a story, not as a log
    play(
        Telling(
            seed=seed,
            rate=rate,
            crisis=not quiet,
            fresh=fresh,
            directory=directory,
            port=port,
            site_port=site_port,
            stop_after_s=stop_after,
        )
    )
