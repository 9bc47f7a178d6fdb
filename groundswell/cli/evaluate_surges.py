"""What `eval surges` reads and prints: dated rows of a file, and the scoreboard as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.errors import GroundswellError
from groundswell.cli.output import table

_KINDS = ("spike", "step", "viral", "ramp")
_HEADER = ("setting", "background", "phi", "false alarms", *_KINDS)
_FIRST_ROW = 2  # the header is line 1


@dataclass(frozen=True, slots=True)
class DatedColumns:
    """Where a file says when, and of whom; `group` "" takes all rows for one stream."""

    time: str
    group: str
    tz: str


def read_dated(path: Path, columns: DatedColumns) -> Iterator[tuple[str, datetime]]:
    """Give group and instant of each row.

    Errors: GroundswellError for a column or a zone that is not there, and for a time that is none.
    """
    from classify.evaluation import read_csv

    try:
        zone = ZoneInfo(columns.tz)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise GroundswellError(
            f"reading {path.name}: no time zone {columns.tz!r}; expected a name like Asia/Shanghai"
        ) from error
    needed = [columns.time, *([columns.group] if columns.group else [])]
    for number, row in enumerate(read_csv(path, needed), start=_FIRST_ROW):
        try:
            at = datetime.fromisoformat(row[columns.time].strip())
        except ValueError as error:
            raise GroundswellError(
                f"{path.name}:{number}: {row[columns.time]!r} in column {columns.time!r} is no "
                "time; expected one like 2026-03-01 08:30"
            ) from error
        group = row[columns.group] if columns.group else ""
        yield group, at if at.tzinfo else at.replace(tzinfo=zone)


def board(figures: Mapping[str, Any]) -> list[str]:
    """Return the scoreboard as lines: averages beside their marks, then each rate."""
    drawn = f"{figures['streams']} streams a cell, {figures['days']} days, seed {figures['seed']}"
    lines = [
        f"{drawn}; events of fewer than {figures['min_authors']} authors are left out",
        "share found (95 % interval) mark ok/below, median delay in hours; averages over the rates",
        *table(_HEADER, (_mean_row(row) for row in figures["means"])),
    ]
    if figures["slow_bursts"]:
        lines += ["", "bursts of an hour, for which the design states no mark"]
        lines += table(_HEADER, (_mean_row(row) for row in figures["slow_bursts"]))
    for rate, band in figures["bands"].items():
        lines += ["", f"{rate} posts an hour: page, clean, all events: {_band(band)}"]
        lines += table(_HEADER, (_cell_row(cell) for cell in band["cells"]))
    return lines


def _band(band: Mapping[str, Any]) -> str:
    return (
        f"found {_share(band['pod'])}, delay {_figure(band['delay_h_median'])} h "
        f"(90 %: {_figure(band['delay_h_p90'])} h), posts seen {_figure(band['posts_seen_median'])}"
        f", false alarms {band['false_alarms_per_cluster_month']:g} a cluster-month, precision "
        f"{_share(band['precision'])}, NAB score {_figure(band['nab_score'])}"
    )


def _mean_row(row: Mapping[str, Any]) -> list[str]:
    said = f"{row['false_alarms_per_cluster_month']:g} ({row['false_alarms_low']:g}"
    said += f"-{row['false_alarms_high']:g})"
    if row["false_alarms_mark"] is not None:
        said += f" {row['false_alarms_mark']:g} {_verdict(row['false_alarms_pass'])}"
    return [row["setting"], row["background"], f"{row['phi']:g}", said, *map(_found, _events(row))]


def _cell_row(cell: Mapping[str, Any]) -> list[str]:
    false = f"{cell['false_alarms_per_cluster_month']:g}"
    return [
        cell["setting"], cell["background"], f"{cell['phi']:g}", false, *map(_found, _events(cell))
    ]  # fmt: skip


def _events(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row[kind] for kind in _KINDS]


def _found(event: Mapping[str, Any]) -> str:
    if event["pod"] is None:
        return "-"
    said = f"{event['pod']:.2f} ({event['pod_low']:.2f}-{event['pod_high']:.2f})"
    if event.get("mark") is not None:
        said += f" {event['mark']:.2f} {_verdict(event['pass'])}"
    return f"{said}, {_figure(event['delay_h_median'])} h, out {event['left_out']:.0%}"


def _verdict(passes: bool) -> str:
    return "ok" if passes else "below"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
