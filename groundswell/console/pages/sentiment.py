"""How people speak of the brands: net sentiment by day, with what it rests on."""

from __future__ import annotations

from datetime import date, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from groundswell.console.base import Console
from groundswell.sentiment import BrandSentiment, survey_sentiment

_RANGES = (7, 30, 90)  # days
_WIDTH, _HEIGHT, _EDGE, _FOOT = 640, 120, 6, 16  # the dates stand in the foot


def page(console: Console, request: Request) -> Response:
    """Show a card per brand."""
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in {str(one) for one in _RANGES} else 30
    now = console.clock.now()
    with console.store.read() as queries:
        found = survey_sentiment(queries, console.project, now, days)
    today = now.astimezone(console.project.settings.zone).date()
    return console.page(
        request,
        "sentiment.html",
        found=found,
        days=days,
        ranges=_RANGES,
        charts={one.brand_id: chart(one, today, days) for one in found.brands},
    )


def chart(brand: BrandSentiment, today: date, days: int) -> Markup:
    """Draw the net sentiment of each day as a line in its band; days with few mentions are gaps."""
    known = {date.fromisoformat(one.key): one for one in brand.days if one.net is not None}
    if not known:
        return Markup("")
    runs: list[list[tuple[float, float, float, float]]] = [[]]
    for number in range(days):
        one = known.get(today - timedelta(days=days - 1 - number))
        if one is None or one.net is None or one.low is None or one.high is None:
            runs.append([])
            continue
        x = _EDGE + (number + 0.5) / days * (_WIDTH - 2 * _EDGE)
        runs[-1].append((x, _y(one.net), _y(one.low), _y(one.high)))
    parts = [
        Markup('<line class="zero" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            _WIDTH, _y(0), _y(0)
        )
    ]
    for run in filter(None, runs):
        band = [f"{x:.1f},{low:.1f}" for x, _, low, _ in run]
        band += [f"{x:.1f},{high:.1f}" for x, _, _, high in reversed(run)]
        line = " ".join(f"{x:.1f},{net:.1f}" for x, net, _, _ in run)
        parts.append(Markup('<polygon class="band" points="{}"/>').format(" ".join(band)))
        parts.append(Markup('<polyline points="{}"/>').format(line))
        parts += [
            Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(x, net)
            for x, net, _, _ in run
        ]
    first = today - timedelta(days=days - 1)
    marks = [(0, _y(1) + 8, "+1"), (0, _y(0) - 3, "0"), (0, _y(-1), "−1")]
    marks += [(0, _HEIGHT + _FOOT - 4, f"{first:%m-%d}")]
    text = Markup('<text x="{}" y="{:.1f}">{}</text>')
    parts += [text.format(x, y, said) for x, y, said in marks]
    end = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>')
    parts.append(end.format(_WIDTH, _HEIGHT + _FOOT - 4, f"{today:%m-%d}"))
    label = f"{brand.name}最近 {days} 天的净情感，{len(known)} 天有足够的提及"
    frame = Markup('<svg class="net" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return frame.format(_WIDTH, _HEIGHT + _FOOT, label, Markup("").join(parts))


def _y(net: float) -> float:
    return _EDGE + (1 - net) / 2 * (_HEIGHT - 2 * _EDGE)
