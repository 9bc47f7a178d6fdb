"""A rehearsal as lines for people, and as a document for programs, which is also what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.schema import Project
from groundswell.rehearsal import Pair, Rehearsal, Seen, level_name
from storage.records import Json
from storage.store import Store

KEPT = 50  # results; each some kilobytes
_SHOWN = 30  # incidents of a kind that are listed
_VERDICTS = {"true": "客户侧已确认", "false": "误报", "": "未定"}


def document(found: Rehearsal, title: str) -> dict[str, Any]:
    """Return all of a rehearsal as JSON can hold it."""
    return {
        "title": title,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "exact_since": found.exact_since.isoformat() if found.exact_since else None,
        "same_config": found.is_same,
        "alerts_per_day": {
            day: {
                "before": found.alerts_before.get(day, 0),
                "after": found.alerts_after.get(day, 0),
            }
            for day in sorted({*found.alerts_before, *found.alerts_after})
        },
        "alerts_per_person": {
            who: {
                "before": found.people_before.get(who, 0),
                "after": found.people_after.get(who, 0),
            }
            for who in sorted({*found.people_before, *found.people_after})
        },
        "kept": [_pair(one) for one in found.kept],
        "missed": [_seen(one) for one in found.missed],
        "new": [_seen(one) for one in found.new],
        "delayed": [_pair(one) for one in found.delayed],
        "level_changed": [_pair(one) for one in found.moved],
        "false_alarms_avoided": len(found.false_avoided),
        "true_missed": len(found.true_missed),
        "differences": list(found.differences),
        "not_rehearsed": list(found.unrehearsed),
        "acts_dropped": found.dropped,
        "unlike": list(found.unlike),
        "mentions": found.mentions,
        "rounds": found.rounds,
        "seconds": round(found.took_s, 1),
    }


def _seen(one: Seen) -> dict[str, Any]:
    level = level_name(one.level)
    return asdict(one) | {"first_at": one.first_at.isoformat(), "level_name": level}


def _pair(one: Pair) -> dict[str, Any]:
    rehearsed = level_name(one.rehearsed.level)
    return _seen(one.real) | {"delay_s": one.delay_s, "level_rehearsed": rehearsed}


def save(store: Store, found: Rehearsal, title: str, by: str, now: datetime) -> Json:
    """Keep a result; the oldest go. Return the document."""
    said = document(found, title)
    with store.transaction() as tx:
        tx.save_rehearsal(f"{now:%Y%m%dT%H%M%S%f}", now, by, said)
        tx.drop_rehearsals(KEPT)
    return said


def lines(said: Json, project: Project) -> Iterator[str]:
    """Yield what a result says, for people. `said` is its document."""
    zone = project.settings.zone
    since, until = (datetime.fromisoformat(said[name]).astimezone(zone) for name in _RANGE)
    days = max(1.0, (until - since) / timedelta(days=1))
    yield f"预演 {since:%Y-%m-%d %H:%M} 到 {until:%Y-%m-%d %H:%M}：{said['title']}"
    yield f"{said['rounds']:,} 轮，聚类里 {said['mentions']:,} 条，用时 {said['seconds']:.1f} 秒"
    yield from _trust(said, zone)
    before, after = (
        sum(day[name] for day in said["alerts_per_day"].values()) for name in ("before", "after")
    )
    yield f"通知 alerts：{before} → {after}（每天 {before / days:.1f} → {after / days:.1f}）"
    names = {owner.id: owner.name for owner in project.owners}
    for who, n in said["alerts_per_person"].items():
        yield f"  {names.get(who, who)}　{n['before']} → {n['after']}"
    yield (
        f"事件 incidents：保留 kept {len(said['kept'])}，少了 missed {len(said['missed'])}"
        f"（其中误报 {said['false_alarms_avoided']}，属实 {said['true_missed']}），"
        f"新增 new {len(said['new'])}，推迟 delayed {len(said['delayed'])}，"
        f"等级变化 level changed {len(said['level_changed'])}"
    )
    yield from _listed("少了 missed", said["missed"], zone)
    yield from _listed("新增 new", said["new"], zone)
    for one in said["delayed"][:_SHOWN]:
        yield f"  推迟 delayed {_hours(one['delay_s'])}：{_named(one, zone)}"
    for one in said["level_changed"][:_SHOWN]:
        yield f"  等级 level {one['level_name']} → {one['level_rehearsed']}：{_named(one, zone)}"
    yield from (f"不同 changed　{line}" for line in said["differences"])
    yield from (f"未能预演 not rehearsed　{line}" for line in said["not_rehearsed"])
    yield from (f"与实际不符 unlike　{line}" for line in said["unlike"][:_SHOWN])


_RANGE = ("since", "until")


def _trust(said: Json, zone: ZoneInfo) -> Iterator[str]:
    exact = said["exact_since"]
    if exact is None:
        yield "这段时间没有记录评级轮次，按每十分钟一轮估算 (no rounds were noted: an estimate)"
    elif exact > said["since"]:
        at = datetime.fromisoformat(exact).astimezone(zone)
        yield f"{at:%Y-%m-%d %H:%M} 之前没有记录评级轮次，按每十分钟一轮估算 (estimated before)"
    if said["same_config"]:
        yield "与现用配置相同 (the present configuration)"
    else:
        yield "人的操作：事件还在的照原样发生；预演里新增的事件没有人处理过"
    if said["acts_dropped"]:
        yield f"有 {said['acts_dropped']} 次操作没有对象或不再适用，已略去 (acts dropped)"


def _listed(what: str, found: Sequence[Json], zone: ZoneInfo) -> Iterator[str]:
    for one in found[:_SHOWN]:
        yield f"  {what}：{_named(one, zone)}　{_VERDICTS[one['verdict']]}"
    if len(found) > _SHOWN:
        yield f"  {what}：另有 {len(found) - _SHOWN} 个"


def _named(one: Json, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(one["first_at"]).astimezone(zone)
    return f"{one['code']} {one['level_name']} {at:%m-%d %H:%M} {one['title']}"


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} 分钟" if minutes < 120 else f"{minutes / 60:.1f} 小时"
