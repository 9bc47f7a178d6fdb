"""How sure a share is."""

from __future__ import annotations

from math import sqrt

_Z = 1.959963984540054  # 95 %, two-sided


def wilson(hits: int, n: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a share of `n` (Wilson 1927); (None, None) when there is none.

    In closed form: to import scipy for it costs 300 ms of start-up.
    """
    if not n:
        return None, None
    centre = (hits + _Z * _Z / 2) / (n + _Z * _Z)
    half = _Z * sqrt(hits * (n - hits) / n + _Z * _Z / 4) / (n + _Z * _Z)
    return max(0.0, centre - half), min(1.0, centre + half)
