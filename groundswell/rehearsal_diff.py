"""What two configurations say differently, in words, and what of it a rehearsal cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from config.schema import Project

_UNSEEN = "存疑线降低了：当时判为非负面的提及没有进聚类，预演看不到"
_MOST = 60  # lines of differences; beyond that nobody reads them one by one
_ASIDE = ("sources", "templates")
# Addresses of people, or such that may hold a key; a result is kept, and everybody may read it.
_UNTOLD = {"database", "email", "mobile", "addresses", "url", "heartbeat"}
# What decides who is a member, of which cluster: verdicts and clusters are taken as they were.
_BRAND = ("aliases", "products", "exclude", "context", "competitor", "clusters", "ambiguous")


def differences(project: Project, other: Project) -> tuple[str, ...]:
    """Return one line for each value that differs: where, what it is, what it would be."""
    mine, theirs = _dump(project), _dump(other)
    lines = list(_unlike("", mine, theirs))
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"……另有 {len(lines) - _MOST} 处不同"]
    return tuple(lines)


def unrehearsed(project: Project, other: Project) -> tuple[str, ...]:
    """Return what differs and would need mentions to be judged or gathered anew."""
    found = []
    for brand in other.brands:
        mine = project.brand(brand.id)
        if mine is None:
            found.append(f"品牌 {brand.id} 是新增的：过去的提及没有按它判读过，预演里没有它的事件")
            continue
        before, after = mine.model_dump(mode="json"), brand.model_dump(mode="json")
        changed = [name for name in _BRAND if before.get(name) != after.get(name)]
        if changed:
            found.append(f"品牌 {brand.id} 的 {'、'.join(changed)} 不同：提及和聚类沿用原来的结果")
        low, high = mine.thresholds.unsure, brand.thresholds.unsure
        if (high or 1.0) < (low or 1.0) and high != low:
            found.append(f"品牌 {brand.id} 的{_UNSEEN}")
    if project.settings.clusters != other.settings.clusters:
        found.append("聚类设置不同：预演沿用原来的聚类")
    if project.settings.unsure_band[0] > other.settings.unsure_band[0]:
        found.append(_UNSEEN)
    mine_sources = [one.id for one in project.sources if one.enabled]
    if mine_sources != [one.id for one in other.sources if one.enabled]:
        found.append("信源不同：预演只用已经采集到的提及")
    return tuple(found)


def _dump(project: Project) -> Any:
    return project.model_dump(mode="json", exclude=set(_ASIDE))


def _unlike(where: str, mine: Any, theirs: Any) -> Iterator[str]:
    if mine == theirs:
        return
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for name in [*mine, *(one for one in theirs if one not in mine)]:
            place = f"{where}.{name}" if where else str(name)
            yield from _unlike(place, mine.get(name), theirs.get(name))
        return
    if _are_named(mine) and _are_named(theirs):
        before, after = ({one["id"]: one for one in some} for some in (mine, theirs))
        for name in [*before, *(one for one in after if one not in before)]:
            place = f"{where}.{name}"
            if name not in after:
                yield f"{place}：去掉了"
            elif name not in before:
                yield f"{place}：新增"
            else:
                yield from _unlike(place, before[name], after[name])
        return
    parts = where.split(".")
    if parts[0] == "channels" or _UNTOLD & {*parts[1:]}:
        yield f"{where}：不同"
        return
    yield f"{where}：{_shown(mine)} → {_shown(theirs)}"


def _are_named(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(one, Mapping) and "id" in one for one in value)
    )


def _shown(value: Any) -> str:
    if value is None:
        return "未设"
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
