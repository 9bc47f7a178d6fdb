"""What is wrong with routes, rosters and leave as they stand: a project and an instant in.

Out: findings in words. All of it loads and runs; but somebody would not hear of something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.duty import AHEAD, gaps, turn_of
from alerts.functions import first_holder, function_name
from alerts.presence import members, name_of, usable_channels, waking_channels
from alerts.routing import CONDITIONS, answering, people_of
from config.people_checks import ring
from config.people_schema import WAKING_KINDS
from config.schema import ISSUE_CLASSES, Brand, Owner, Project, Route
from storage.records import TriangleRole

_CLASSES_NAMED = 3
_SPANS_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFinding:
    """One thing that is wrong: a stable code, the id it is about, and words for people."""

    code: str
    where: str
    text: str


def lint_routes(project: Project, now: datetime) -> list[RouteFinding]:
    """Return what is wrong with the routes as they stand; empty when all is well.

    Rosters and leave are looked over for the four weeks from `now` on.
    """
    return [
        *_shadowed(project.routes),
        *_unreachable_people(project),
        *_empty_functions(project),
        *_unnamed_people(project),
        *_uncovered_brands(project),
        *_uncovered_classes(project),
        *_rosters(project, now),
        *_rings(project),
        *_away(project, now),
        *_nobody_wakes(project),
    ]


def _shadowed(routes: Sequence[Route]) -> Iterator[RouteFinding]:
    for i, route in enumerate(routes):
        for earlier in routes[:i]:
            if _takes_all(earlier, route):
                text = (
                    f"路由 {route.id} 永远轮不到：前面的 {earlier.id} 已包含它的全部条件，"
                    "请调整顺序或删去"
                )
                yield RouteFinding(code="shadowed", where=route.id, text=text)
                break


def _takes_all(earlier: Route, later: Route) -> bool:
    """Say whether everything that matches `later` matches `earlier` already."""
    for name, _ in CONDITIONS:
        wide: tuple[str, ...] = getattr(earlier, name)
        narrow: tuple[str, ...] = getattr(later, name)
        if wide and not (narrow and set(narrow) <= set(wide)):
            return False
    return True


def _places(project: Project) -> list[tuple[str, tuple[str, ...]]]:
    """Return where people are named, and whom each place names."""
    return [
        *((f"路由 {route.id}", _of_route(route)) for route in project.routes),
        *((f"值班表 {duty.id}", members(duty)) for duty in project.duties),
        *((f"部门 {one.title}", (*one.own, *one.stand_in)) for one in project.functions),
        *((f"{owner.name}（{owner.id}）的代班", owner.stand_in) for owner in project.owners),
        ("fallback", project.fallback),
    ]


def _of_route(route: Route) -> tuple[str, ...]:
    return tuple(dict.fromkeys((route.owner, *route.also, *route.chain)))


def _unreachable_people(project: Project) -> Iterator[RouteFinding]:
    for place, named in _places(project):
        for one in dict.fromkeys(named):
            owner = project.owner(one)
            if owner is None:
                if project.duty(one) is None and project.function(one) is None:
                    text = f"{place} 提到的 {one} 不在 owners、duties 和 functions 里"
                    yield RouteFinding(code="unknown", where=one, text=text)
            elif not usable_channels(owner, project):
                text = f"{place} 提到的{owner.name}（{one}）没有可用渠道，永远收不到通知"
                yield RouteFinding(code="unreachable", where=one, text=text)
    if not project.fallback:
        text = "没有设置 fallback：没人匹配时将无人兜底"
        yield RouteFinding(code="no_fallback", where="fallback", text=text)


def _empty_functions(project: Project) -> Iterator[RouteFinding]:
    """Find functions that nobody fills at any hour: what comes to them falls to the fallback."""
    for one in project.functions:
        people = (project.owner(owner_id) for owner_id in people_of(project, one.id))
        if not any(owner and usable_channels(owner, project) for owner in people):
            text = (
                f"部门 {one.title}（{one.id}）没有人，也没有代行的部门，轮到它时由兜底名单先接住；"
                "写上 team，或者 stand_in"
            )
            yield RouteFinding(code="function_empty", where=one.id, text=text)


def stand_in_notes(project: Project, now: datetime) -> list[str]:
    """Return what stands in for what at this instant, and who speaks and answers by default.

    Nothing of it is wrong; people should know it before it is needed.
    """
    notes = []
    for one in project.functions:
        turn = turn_of(project, one.id, now)
        if turn.by == "filled_in":
            notes.append(answering(project, one.id, now))
    if not project.functions:
        return notes
    for role in TriangleRole:
        wanted = getattr(project.triangle, role.value)
        if not first_holder(project, wanted, now)[1]:
            named = "、".join(function_name(project, name) for name in wanted)
            notes.append(f"{role.zh}应由{named}担任，此刻没有人，由事件的负责人兼任")
    rules = project.settings.speakers
    for about, function in (("产品质量", rules.product_quality), ("其余", rules.otherwise)):
        if project.function(function) is None:
            name = function_name(project, function)
            notes.append(f"{about}的对外口径应由{name}负责，functions 里没有{name}，按兜底名单")
    return notes


def _unnamed_people(project: Project) -> Iterator[RouteFinding]:
    named = {one for _, place in _places(project) for one in place}
    for owner in project.owners:
        if owner.id not in named and owner.digest_at is None:
            text = f"{owner.name}（{owner.id}）不在任何路由、值班表和兜底名单里，也不收日报"
            yield RouteFinding(code="unnamed", where=owner.id, text=text)
    for duty in project.duties:
        if duty.id not in named:
            text = f"值班表 {duty.name}（{duty.id}）没有任何路由和兜底名单提到，排了也没人会被通知"
            yield RouteFinding(code="unnamed", where=duty.id, text=text)


def _uncovered_brands(project: Project) -> Iterator[RouteFinding]:
    for brand in project.brands:
        if not _routes_of(project, brand):
            text = f"品牌 {brand.name}（{brand.id}）没有任何路由，出了事只会通知兜底名单"
            yield RouteFinding(code="uncovered_brand", where=brand.id, text=text)


def _routes_of(project: Project, brand: Brand) -> list[Route]:
    return [route for route in project.routes if not route.brand or brand.id in route.brand]


def _uncovered_classes(project: Project) -> Iterator[RouteFinding]:
    """Find classes of issues that no route takes whatever the product, the region, the platform."""
    own = [rule.name for rule in project.issues if not rule.under]
    for brand in project.brands:
        routes = _routes_of(project, brand)
        wide = [one for one in routes if not (one.product or one.region or one.platform)]
        if not routes or any(not route.issue for route in wide):
            continue
        taken = {name for route in wide for name in route.issue}
        left = [name for name in (*ISSUE_CLASSES, *own) if name not in taken]
        if left:
            more = f" 等 {len(left)} 类" if len(left) > _CLASSES_NAMED else ""
            text = (
                f"品牌 {brand.name}（{brand.id}）的 {'、'.join(left[:_CLASSES_NAMED])}{more}问题"
                "不一定有路由，可能只通知兜底名单；在最后加一条不写条件的路由"
            )
            yield RouteFinding(code="uncovered_class", where=brand.id, text=text)


def _rosters(project: Project, now: datetime) -> Iterator[RouteFinding]:
    for duty in project.duties:
        found = gaps(duty, project, now)
        if not found:
            continue
        spans = [
            f"{slot.starts.astimezone(duty.zone):%m-%d %H:%M} 至 "
            f"{slot.ends.astimezone(duty.zone):%m-%d %H:%M}"
            for slot in found[:_SPANS_NAMED]
        ]
        hours = sum((slot.ends - slot.starts).total_seconds() for slot in found) / 3600
        more = f" 等 {len(found)} 段" if len(found) > _SPANS_NAMED else ""
        text = (
            f"值班表 {duty.name}（{duty.id}）四周内有 {hours:g} 小时无人当班："
            f"{'、'.join(spans)}{more}；这些时候由兜底名单先接住"
        )
        yield RouteFinding(code="gap", where=duty.id, text=text)


def _rings(project: Project) -> Iterator[RouteFinding]:
    after = {owner.id: list(owner.stand_in) for owner in project.owners}
    reported: set[str] = set()
    for owner in project.owners:
        path = ring(owner.id, after)
        if path and not reported & set(path):
            reported.update(path)
            text = f"代班绕成一圈：{' → '.join(name_of(project, one) for one in path)}"
            yield RouteFinding(code="ring", where=owner.id, text=text)


def _away(project: Project, now: datetime) -> Iterator[RouteFinding]:
    """Find people whom a route names, who will be away and whom nobody stands in for."""
    named = {one for route in project.routes for one in _of_route(route)}
    for owner in project.owners:
        leave = next(_leaves(owner, now), None)
        if owner.id in named and leave and not owner.stand_in:
            first, last = leave
            text = (
                f"{owner.name}（{owner.id}）{first:%m-%d} 至 {last:%m-%d} 休假，没有写代班人 "
                "stand_in，期间通知会越过他"
            )
            yield RouteFinding(code="no_stand_in", where=owner.id, text=text)


def _leaves(owner: Owner, now: datetime) -> Iterator[tuple[date, date]]:
    today = now.astimezone(owner.zone).date()
    horizon = today + timedelta(days=AHEAD.days)
    return ((first, last) for first, last in owner.away if first <= horizon and last >= today)


def _nobody_wakes(project: Project) -> Iterator[RouteFinding]:
    """Find routes in which an orange or red at night rings nobody's telephone."""
    if not any(channel.kind in WAKING_KINDS for channel in project.channels):
        text = (
            "没有短信或电话通道（sms、voice）：橙色、红色在夜里只发消息，叫不醒人 "
            "(no channel rings: a red at 03:00 wakes nobody)"
        )
        yield RouteFinding(code="nobody_wakes", where="channels", text=text)
        return
    for route in project.routes:
        people = [one for named in _of_route(route) for one in people_of(project, named)]
        owners = (project.owner(one) for one in people)
        if not any(owner and waking_channels(owner, project) for owner in owners):
            text = f"路由 {route.id} 的负责人和升级链里，没有一个人能被短信或电话叫醒（wake_by）"
            yield RouteFinding(code="nobody_wakes", where=route.id, text=text)
