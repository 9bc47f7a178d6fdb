"""What a model said and what was true in, a reliability plot out: plain SVG, no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SIDE, _EDGE = 300, 44  # of the square and of the room for labels, in pixels
_LARGEST, _SMALLEST = 9.0, 3.0  # radius of the fullest bin's dot, and of an empty one's


def reliability_svg(bins: Sequence[Mapping[str, float]], title: str) -> str:
    """Draw said against was, one dot per bin, larger where more rows are; the diagonal is ideal.

    `bins`: mappings of said, was (0 to 1) and n (rows).
    """
    size = _SIDE + 2 * _EDGE
    most = max((one["n"] for one in bins), default=1)
    points = [(_x(one["said"]), _y(one["was"]), one) for one in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}"'
            f' height="{size}" font-family="sans-serif" font-size="11" role="img"'
            f' aria-label="{title}">'
        ),
        f"<title>{title}</title>",
        f'<rect width="{size}" height="{size}" fill="#ffffff"/>',
        *(_grid_line(tenth / 10) for tenth in range(0, 11, 2)),
        (
            f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#9aa0a6"'
            ' stroke-dasharray="4 4"/>'
        ),
        f'<polyline points="{path}" fill="none" stroke="#1a56b0" stroke-width="1.5"/>',
        *(_dot(x, y, one, most) for x, y, one in points),
        f'<text x="{size / 2}" y="{size - 8}" text-anchor="middle">said</text>',
        (
            f'<text x="12" y="{size / 2}" text-anchor="middle"'
            f' transform="rotate(-90 12 {size / 2})">was</text>'
        ),
        f'<text x="{size / 2}" y="20" text-anchor="middle" font-size="13">{title}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(share: float) -> float:
    return _EDGE + share * _SIDE


def _y(share: float) -> float:
    return _EDGE + (1 - share) * _SIDE


def _grid_line(share: float) -> str:
    return (
        f'<path d="M{_x(share)} {_y(0)}V{_y(1)}M{_x(0)} {_y(share)}H{_x(1)}" stroke="#e3e6ea"/>'
        f'<text x="{_x(share)}" y="{_y(0) + 15}" text-anchor="middle">{share:g}</text>'
        f'<text x="{_x(0) - 6}" y="{_y(share) + 4}" text-anchor="end">{share:g}</text>'
    )


def _dot(x: float, y: float, one: Mapping[str, float], most: float) -> str:
    radius = _SMALLEST + (_LARGEST - _SMALLEST) * (one["n"] / most) ** 0.5
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1a56b0" fill-opacity="0.8">'
        f"<title>said {one['said']}, was {one['was']}, n {one['n']:g}</title></circle>"
    )
