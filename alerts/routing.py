"""Who hears of what: the project's routes and a cluster's traits in, the people and why out.

Ids in routes may be people, duty rosters or functions. Choices keep them as they are written, so
that whoever fires a step later asks again who answers for them then (`reachable`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerts.duty import Passed, Turn, turn_of
from alerts.launch_routes import by_launch, launch_of_route
from alerts.presence import absence, is_away, members, name_of, usable_channels, wakers
from config.schema import Project, Route
from storage.records import OwnerId

__all__ = [
    "RouteChoice",
    "RouteStep",
    "Traits",
    "absence",
    "choose",
    "explain_route",
    "fallback_line",
    "find_route",
    "is_away",
    "last_resort",
    "matching",
    "name_of",
    "reachable",
    "route_traits",
    "standing",
    "unmet",
    "usable_channels",
    "wakers",
]

CONDITIONS = (
    ("brand", "品牌"),
    ("product", "产品"),
    ("issue", "问题类别"),
    ("region", "地区"),
    ("platform", "平台"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChoice:
    """The people for one kind of trouble, and in words why these. `route` None: fallback only.

    `owner_id` is a person; `named` is the id that stands for him in the route, which may be a
    roster's or a function's, and which later rounds of the ladder go by. `also`, `chain` and
    `fallback` are as written. `held`: fallback people hold it until somebody is named its owner.
    Further codes: "duty_gap" (the roster has nobody), "function_empty" (the function names nobody)
    and "nobody" (no one in the project can be told).
    """

    route: Route | None
    owner_id: OwnerId  # "" when the project names nobody who can be told
    also: tuple[OwnerId, ...]
    chain: tuple[OwnerId, ...]
    fallback: tuple[OwnerId, ...]
    code: str  # "matched", "no_route", "owner_missing", "owner_unreachable", "owner_away" ...
    reason: str
    named: OwnerId
    held: bool

    @property
    def route_id(self) -> str:
        """The route's id, "fallback" when none matched."""
        return self.route.id if self.route else "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStep:
    """One line of an explanation. `id` is the route's, or "fallback"."""

    kind: Literal["passed_over", "matched", "by_class", "also", "chain", "fallback"]
    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What routes ask about: every set may be empty, then it is unknown."""

    brand: frozenset[str]
    product: frozenset[str]
    issue: frozenset[str]
    region: frozenset[str]
    platform: frozenset[str]
    issue_class: str = ""  # the main one of `issue`
    regions: tuple[str, ...] = ()  # `region`, the most frequent first
    main_product: str = ""  # of `product`, the one most is said about


def reachable(
    project: Project, named: Iterable[str], now: datetime, *, regions: Sequence[str] = ()
) -> tuple[OwnerId, ...]:
    """Return the people who answer for these ids now, in order, each once.

    For a roster the one on duty, for a function who fills it in these regions, for a person on
    leave the first of his stand-ins who is there.
    """
    answering = (turn_of(project, one, now, regions).owner_ids for one in named)
    return tuple(dict.fromkeys(owner_id for owner_ids in answering for owner_id in owner_ids))


def standing(
    project: Project, named: Iterable[str], now: datetime, *, regions: Sequence[str] = ()
) -> dict[OwnerId, str]:
    """Return who answers now for an id that is not his own, and in words to him why."""
    named = tuple(named)
    found: dict[OwnerId, str] = {}
    for one in named:
        turn = turn_of(project, one, now, regions)
        for owner_id in turn.owner_ids:
            if owner_id in named or owner_id in found:
                continue
            if turn.by in {"function", "filled_in"}:
                found[owner_id] = _of_function(project, one, turn)
            elif turn.by != "stand_in":
                found[owner_id] = f"你此刻在{name_of(project, one)}当班。"
            else:
                found[owner_id] = f"{'、'.join(passed_words(project, turn.passed))}，由你代班。"
    return found


def last_resort(project: Project, fallback: Iterable[str], now: datetime) -> tuple[OwnerId, ...]:
    """Return who hears of it when nobody else can: never empty while anybody has a channel.

    The fallback people who are there, else those of them who are away but have a channel (a
    message on a holiday beats none), else anybody with a channel.
    """
    named = tuple(fallback) or project.fallback
    present = reachable(project, named, now)
    if present:
        return present
    everybody = tuple(owner.id for owner in project.owners)
    for group in (_people_named(project, named), everybody):
        told = tuple(
            OwnerId(owner_id)
            for owner_id in dict.fromkeys(group)
            if absence(project, owner_id, now) in {"", "owner_away"}
        )
        if told:
            return told[:1] if group is everybody else told
    return ()


def fallback_line(project: Project) -> tuple[OwnerId, ...]:
    """Return everybody whom the fallback names, in order; of a roster or function all its people.

    The order does not change with the hour, so that a line may be walked once and never back.
    """
    return tuple(OwnerId(owner_id) for owner_id in _people_named(project, project.fallback))


def _people_named(project: Project, named: Iterable[str]) -> tuple[str, ...]:
    found = (one for name in named for one in people_of(project, name))
    return tuple(dict.fromkeys(found))


def people_of(project: Project, named: str) -> tuple[str, ...]:
    """Return every person whom an id may stand for at some hour, in order, stand-ins last.

    The stand-ins of a function are among them, those of a person are not.
    """
    found: dict[str, None] = {}
    asked: set[str] = set()
    waiting = [named]
    while waiting:
        one = waiting.pop()
        if one in asked:
            continue
        asked.add(one)
        duty, function = project.duty(one), project.function(one)
        if project.owner(one) is None and duty is not None:
            found |= dict.fromkeys(members(duty))
        elif project.owner(one) is None and function is not None:
            waiting.extend(reversed((*function.own, *function.stand_in)))
        else:
            found[one] = None
    return tuple(found)


def find_route(
    project: Project,
    *,
    brand_id: str,
    issue_class: str,
    further: Iterable[str] = (),
    products: Iterable[str] = (),
    regions: Iterable[str] = (),
    platforms: Iterable[str] = (),
    now: datetime,
) -> RouteChoice:
    """Choose the first route that matches, and the first of its people who can be told.

    `further` are the other classes and the sub-classes of what happened: a route may name any.

    The owner comes first, then the chain, then the fallback: nobody's trouble goes unheard.
    """
    traits = route_traits(
        project,
        brand_id=brand_id,
        issue_class=issue_class,
        further=further,
        products=products,
        regions=regions,
        platforms=platforms,
    )
    return choose(project, matching(project, traits, now), now, regions=traits.regions)


def route_traits(
    project: Project,
    *,
    brand_id: str,
    issue_class: str,
    further: Iterable[str] = (),
    products: Iterable[str] = (),
    regions: Iterable[str] = (),
    platforms: Iterable[str] = (),
) -> Traits:
    """Return what routes are asked about; a product goes by its id and by its name."""
    products, regions = tuple(products), tuple(regions)
    named = set(products)
    brand = project.brand(brand_id)
    for product in brand.products if brand else ():
        if named & {product.id, product.name, *product.aliases}:
            named |= {product.id, product.name}  # a route may use either
    return Traits(
        brand=frozenset({brand_id}),
        product=frozenset(named),
        issue=frozenset({issue_class, *further}),
        region=frozenset(regions),
        platform=frozenset(platforms),
        issue_class=issue_class,
        regions=regions,
        main_product=next(iter(products), ""),
    )


def matching(project: Project, traits: Traits, now: datetime) -> Route | None:
    """Return the first route that matches, None when only the fallback is left.

    While its product is launched, a general route goes through the launch's representatives.
    """
    route = next((route for route in project.routes if not unmet(route, traits)), None)
    return by_launch(project, route, traits.main_product, now)


def choose(
    project: Project, route: Route | None, now: datetime, *, regions: Sequence[str] = ()
) -> RouteChoice:
    """Choose the people of one route, or of the fallback when there is no route."""
    resort = last_resort(project, project.fallback, now)
    fallback = tuple(OwnerId(one) for one in project.fallback) or resort
    if route is None:
        owner_id = next(iter(resort), OwnerId(""))
        code = "no_route" if owner_id else "nobody"
        return RouteChoice(
            route=None,
            owner_id=owner_id,
            also=_others(fallback, owner_id),
            chain=(),
            fallback=fallback,
            code=code,
            reason=_no_route(project, owner_id),
            named=owner_id,
            held=True,
        )
    turn = turn_of(project, route.owner, now, regions)
    named = reachable(project, (route.owner, *route.chain), now, regions=regions)
    owner_id = next(iter(named or resort), OwnerId(""))
    return RouteChoice(
        route=route,
        owner_id=owner_id,
        also=_others(route.also, owner_id),
        chain=_others(route.chain, owner_id),
        fallback=fallback,
        code=_code(project, route, turn) if owner_id else "nobody",
        reason=_reason(project, route, turn, owner_id, held=not named),
        named=OwnerId(route.owner) if turn.owner_ids else owner_id,
        held=not named,
    )


def _others(named: Sequence[str], owner_id: str) -> tuple[OwnerId, ...]:
    return tuple(OwnerId(one) for one in named if one != owner_id)


def _code(project: Project, route: Route, turn: Turn) -> str:
    if turn.passed:
        return turn.passed[0].code
    if turn.owner_ids:
        return "matched"
    return "duty_gap" if project.duty(route.owner) else "function_empty"


def explain_route(project: Project, traits: Traits, now: datetime) -> list[RouteStep]:
    """Say line by line which routes were passed over and why, which one holds and who is told."""
    steps = []
    for route in project.routes:
        missed = unmet(route, traits)
        if not missed:
            break
        text = f"路由 {route.id} 不匹配：{missed}"
        steps.append(RouteStep(kind="passed_over", id=route.id, text=text))
    choice = choose(project, matching(project, traits, now), now, regions=traits.regions)
    steps.append(RouteStep(kind="matched", id=choice.route_id, text=choice.reason))
    wanted = choice.route.issue if choice.route else ()
    if wanted and traits.issue_class not in wanted:
        by_class = "、".join(name for name in wanted if name in traits.issue)
        text = f"路由 {choice.route_id} 按兼属类别或子类匹配：{by_class}"
        steps.append(RouteStep(kind="by_class", id=choice.route_id, text=text))
    lines: tuple[tuple[Literal["also", "chain", "fallback"], str, Sequence[OwnerId]], ...] = (
        ("also", "黄色及以上同时知会", choice.also),
        ("chain", "无人确认时依次升级到", choice.chain),
        ("fallback", "最后兜底", choice.fallback),
    )
    for kind, label, named in lines:
        if named:
            told = " → ".join(answering(project, one, now, traits.regions) for one in named)
            steps.append(RouteStep(kind=kind, id=choice.route_id, text=f"{label}：{told}"))
    return steps


def unmet(route: Route, traits: Traits) -> str:
    """Return the first condition that keeps a route from matching, "" when it matches."""
    for name, zh in CONDITIONS:
        wanted: tuple[str, ...] = getattr(route, name)
        found: frozenset[str] = getattr(traits, name)
        if wanted and not found & set(wanted):
            seen = "、".join(sorted(found - {""})) or "未知"
            return f"要求{zh}为 {'、'.join(wanted)}，实际为 {seen}"
    return ""


# --- in words ------------------------------------------------------------------------------------

_ABSENT = {
    "owner_missing": "配置中没有此人",
    "owner_unreachable": "没有可用渠道",
    "owner_away": "休假中",
}


def answering(project: Project, named: str, now: datetime, regions: Sequence[str] = ()) -> str:
    """Return an id's name and who answers for it at this instant: "售后夜班（此刻 周宁）"."""
    turn, name = turn_of(project, named, now, regions), name_of(project, named)
    passed = list(passed_words(project, turn.passed))
    if turn.by == "person":
        return name
    told = name_of(project, turn.owner_ids[0]) if turn.owner_ids else ""
    if project.duty(named):
        parts = [*passed, f"此刻 {told}" if told else "此刻无人当班，跳过"]
        return f"{name}（{'，'.join(parts)}）"
    if _is_function(project, named):
        here = [f"此刻 {told}"] if turn.by == "function" else [_filled_in(project, named, turn)]
        return f"{name}（{'，'.join([*passed, *here])}）"
    said = _ABSENT[turn.passed[0].code]
    further = "".join(f"，{one}" for one in passed[1:])
    return f"{name}（{said}{further}，{f'由{told}代班' if told else '跳过'}）"


def _is_function(project: Project, named: str) -> bool:
    return project.owner(named) is None and project.function(named) is not None


def _filled_in(project: Project, named: str, turn: Turn) -> str:
    """Say what stands in for a function: "公关没有人，由销售代行，此刻 沈宁"."""
    function = project.function(named)
    who = "没有人" if function is None or not function.own else "此刻没有人"
    if not turn.owner_ids:
        return f"{who}，也没有人代行，跳过"
    told, via = name_of(project, turn.owner_ids[0]), name_of(project, turn.via)
    return f"{who}，由{via}代行" + ("" if told == via else f"，此刻 {told}")


def _of_function(project: Project, named: str, turn: Turn) -> str:
    """Say to a person by which function he is told."""
    name = name_of(project, named)
    if turn.by == "function":
        return f"你代表{name}。"
    function = project.function(named)
    why = "没有人" if function is None or not function.own else "此刻没有人"
    return f"{name}{why}，由{name_of(project, turn.via)}代行，轮到你。"


def passed_words(project: Project, passed: Iterable[Passed]) -> Iterator[str]:
    """Yield a phrase for each person who was passed over: "周宁休假中"."""
    for one in passed:
        yield f"{name_of(project, one.owner_id)}{_ABSENT[one.code]}"


def _no_route(project: Project, owner_id: str) -> str:
    if not owner_id:
        return _NOBODY
    return f"没有路由匹配，按兜底名单由{name_of(project, owner_id)}先接住，等待指派负责人"


_NOBODY = "没有任何人有可用的通知渠道，请检查 owners、channels 和 fallback"


def _called(project: Project, route: Route) -> str:
    """Return what a reason calls a route: one that a launch goes through is no line of a file."""
    plan = launch_of_route(project, route.id)
    return f"上市 {plan.id} 的服务代表" if plan else f"路由 {route.id}"


def _reason(project: Project, route: Route, turn: Turn, owner_id: str, *, held: bool) -> str:
    """Say why this person: the route, who should have been, and what stood in the way."""
    if not owner_id:
        return _NOBODY
    told, wanted = name_of(project, owner_id), name_of(project, route.owner)
    duty = project.duty(route.owner)
    rather = f"按兜底名单由{told}先接住，等待指派负责人" if held else f"改由{told}负责"
    if _is_function(project, route.owner):
        return f"按{_called(project, route)}，{_reason_of_function(project, route, turn, rather)}"
    if not turn.passed:
        if not turn.owner_ids:
            return f"按{_called(project, route)} 应由{wanted}负责，但值班表此刻无人当班，{rather}"
        by = f"{wanted}轮到的" if duty else ""
        return f"按{_called(project, route)}，由{by}{told}负责"
    first = turn.passed[0]
    if turn.owner_ids:
        rather = f"由{told}代班" if turn.by == "stand_in" else f"由{told}当班负责"
    whom = f"{wanted}的{name_of(project, first.owner_id)}" if duty else wanted
    return f"按{_called(project, route)} 应由{whom}负责，但{_WHY_NOT[first.code]}，{rather}"


def _reason_of_function(project: Project, route: Route, turn: Turn, rather: str) -> str:
    name = name_of(project, route.owner)
    passed = "".join(f"{one}，" for one in passed_words(project, turn.passed))
    if turn.by == "function":
        return f"{passed}由{name}的{name_of(project, turn.owner_ids[0])}负责"
    if not turn.owner_ids:
        return f"应由{name}负责，但{passed}{name}此刻没有人，也没有人代行，{rather}"
    return f"{passed}{name}{_filled_in(project, route.owner, turn)}负责"


_WHY_NOT = {
    "owner_missing": "配置里已没有此人",
    "owner_unreachable": "没有可用的通知渠道",
    "owner_away": "当前休假",
}
