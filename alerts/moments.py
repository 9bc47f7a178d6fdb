"""Instants and lengths of time as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def clock_words(instant: datetime, seen: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people at `seen` would say it: 10:30, 明日10:30 or 3月5日10:30."""
    local = instant.astimezone(zone)
    days = (local.date() - seen.astimezone(zone).date()).days
    day = {0: "", 1: "明日"}.get(days, f"{local.month}月{local.day}日")
    return f"{day}{local:%H:%M}"


def day_words(instant: datetime, seen: datetime, zone: ZoneInfo) -> str:
    """Return a day as people at `seen` would say it: 3月5日, with the year when it is another."""
    local = instant.astimezone(zone)
    year = "" if local.year == seen.astimezone(zone).year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日"


def duration_words(span: timedelta) -> str:
    """Return a length of time in days, hours and minutes, the two largest that are not zero."""
    minutes = max(0, round(span.total_seconds() / 60))
    parts = [
        (minutes // 1440, "天"),
        (minutes // 60 % 24, "小时"),
        (minutes % 60, "分钟"),
    ]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)[:24] or "不到 1 分钟"
