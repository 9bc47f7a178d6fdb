"""Who hears of what: the project's routes and a cluster's traits in, the people and why out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.schema import Channel, Owner, Project, Route
from storage.records import OwnerId

_CONDITIONS = (
    ("brand", "品牌"),
    ("product", "产品"),
    ("issue", "问题类别"),
    ("region", "地区"),
    ("platform", "平台"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChoice:
    """The people for one kind of trouble, and in words why these. `route` None: fallback only."""

    route: Route | None
    owner_id: OwnerId  # "" when the project names nobody who can be told
    also: tuple[OwnerId, ...]
    chain: tuple[OwnerId, ...]
    fallback: tuple[OwnerId, ...]
    code: str  # "matched", "no_route", "owner_missing", "owner_unreachable", "owner_away", "nobody"
    reason: str

    @property
    def route_id(self) -> str:
        """The route's id, "fallback" when none matched."""
        return self.route.id if self.route else "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    brand: frozenset[str]
    product: frozenset[str]
    issue: frozenset[str]
    region: frozenset[str]
    platform: frozenset[str]


def usable_channels(owner: Owner, project: Project) -> tuple[Channel, ...]:
    """Return the owner's channels that exist and that can reach him, in his order."""
    found = (project.channel(channel_id) for channel_id in owner.channels)
    return tuple(
        channel for channel in found if channel and (channel.kind != "email" or owner.email)
    )


def is_away(owner: Owner, now: datetime) -> bool:
    """Say whether the owner's own day at this instant lies in one of his absences."""
    today = now.astimezone(owner.zone).date()
    return any(first <= today <= last for first, last in owner.away)


def absence(project: Project, owner_id: str, now: datetime) -> str:
    """Return why this person cannot be told now: "" when he can, else a code of RouteChoice."""
    owner = project.owner(owner_id)
    if owner is None:
        return "owner_missing"
    if not usable_channels(owner, project):
        return "owner_unreachable"
    return "owner_away" if is_away(owner, now) else ""


def reachable(project: Project, owner_ids: Iterable[str], now: datetime) -> tuple[OwnerId, ...]:
    """Return those of these people who can be told now, in order, each once."""
    present = (owner_id for owner_id in owner_ids if not absence(project, owner_id, now))
    return tuple(OwnerId(owner_id) for owner_id in dict.fromkeys(present))


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
    for group in (named, everybody):
        told = tuple(
            OwnerId(owner_id)
            for owner_id in dict.fromkeys(group)
            if absence(project, owner_id, now) in {"", "owner_away"}
        )
        if told:
            return told if group is named else told[:1]
    return ()


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
    traits = _traits(
        project,
        brand_id,
        issue_class=issue_class,
        further=further,
        products=products,
        regions=regions,
        platforms=platforms,
    )
    return choose(project, next((r for r in project.routes if not _unmet(r, traits)), None), now)


def choose(project: Project, route: Route | None, now: datetime) -> RouteChoice:
    """Choose the people of one route, or of the fallback when there is no route."""
    fallback = last_resort(project, project.fallback, now)
    if route is None:
        owner_id = fallback[0] if fallback else OwnerId("")
        code = "no_route" if fallback else "nobody"
        return RouteChoice(
            route=None,
            owner_id=owner_id,
            also=fallback[1:],
            chain=(),
            fallback=fallback,
            code=code,
            reason=_words(project, code, "", "", owner_id),
        )
    candidates = (route.owner, *route.chain, *fallback)
    owner_id = next(iter(reachable(project, candidates, now)), None) or next(
        iter(fallback), OwnerId("")
    )
    code = absence(project, route.owner, now) or "matched"
    if not owner_id:
        code = "nobody"
    return RouteChoice(
        route=route,
        owner_id=owner_id,
        also=tuple(OwnerId(other) for other in route.also if other != owner_id),
        chain=tuple(OwnerId(other) for other in route.chain if other != owner_id),
        fallback=fallback,
        code=code,
        reason=_words(project, code, route.id, route.owner, owner_id),
    )


def explain_route(
    project: Project,
    *,
    brand_id: str,
    issue_class: str,
    further: Iterable[str] = (),
    products: Iterable[str] = (),
    regions: Iterable[str] = (),
    platforms: Iterable[str] = (),
    now: datetime,
) -> list[str]:
    """Say line by line which routes were passed over and why, which one holds and who is told."""
    products, regions, platforms = tuple(products), tuple(regions), tuple(platforms)
    further = tuple(further)
    traits = _traits(
        project,
        brand_id,
        issue_class=issue_class,
        further=further,
        products=products,
        regions=regions,
        platforms=platforms,
    )
    choice = find_route(
        project,
        brand_id=brand_id,
        issue_class=issue_class,
        further=further,
        products=products,
        regions=regions,
        platforms=platforms,
        now=now,
    )
    lines = []
    for route in project.routes:
        unmet = _unmet(route, traits)
        if not unmet:
            break
        lines.append(f"路由 {route.id} 不匹配：{unmet}")
    lines.append(choice.reason)
    if choice.route and choice.route.issue and issue_class not in choice.route.issue:
        named = [name for name in further if name in choice.route.issue]
        lines.append(f"路由 {choice.route_id} 按兼属类别或子类匹配：{'、'.join(named)}")
    lines.extend(_people(project, "黄色及以上同时知会", choice.also, now))
    lines.extend(_people(project, "无人确认时依次升级到", choice.chain, now))
    lines.extend(_people(project, "最后兜底", choice.fallback, now))
    return lines


def lint_routes(project: Project) -> list[str]:
    """Return what is wrong with the routes as they stand, in words; empty when all is well."""
    return [
        *_shadowed(project.routes),
        *_unreachable_people(project),
        *_unnamed_people(project),
        *_uncovered_brands(project),
    ]


def _traits(
    project: Project,
    brand_id: str,
    *,
    issue_class: str,
    further: Iterable[str],
    products: Iterable[str],
    regions: Iterable[str],
    platforms: Iterable[str],
) -> _Traits:
    named = set(products)
    brand = project.brand(brand_id)
    for product in brand.products if brand else ():
        if named & {product.id, product.name, *product.aliases}:
            named |= {product.id, product.name}  # a route may use either
    return _Traits(
        brand=frozenset({brand_id}),
        product=frozenset(named),
        issue=frozenset({issue_class, *further}),
        region=frozenset(regions),
        platform=frozenset(platforms),
    )


def _unmet(route: Route, traits: _Traits) -> str:
    """Return the first condition that keeps a route from matching, "" when it matches."""
    for name, zh in _CONDITIONS:
        wanted: tuple[str, ...] = getattr(route, name)
        found: frozenset[str] = getattr(traits, name)
        if wanted and not found & set(wanted):
            seen = "、".join(sorted(found - {""})) or "未知"
            return f"要求{zh}为 {'、'.join(wanted)}，实际为 {seen}"
    return ""


def name_of(project: Project, owner_id: str) -> str:
    """Return a person's name, or the id when nobody of that id is known (any more)."""
    owner = project.owner(owner_id)
    return owner.name if owner else owner_id


def _words(project: Project, code: str, route_id: str, wanted: str, owner_id: str) -> str:
    told = name_of(project, owner_id)
    who = name_of(project, wanted)
    match code:
        case "matched":
            return f"按路由 {route_id}，由{told}负责"
        case "no_route":
            return f"没有路由匹配，按兜底名单由{told}先接住"
        case "owner_missing":
            return f"按路由 {route_id} 应由 {wanted} 负责，但配置里已没有此人，改由{told}负责"
        case "owner_unreachable":
            return f"按路由 {route_id} 应由{who}负责，但没有可用的通知渠道，改由{told}负责"
        case "owner_away":
            return f"按路由 {route_id} 应由{who}负责，但当前休假，改由{told}负责"
        case _:
            return "没有任何人有可用的通知渠道，请检查 owners、channels 和 fallback"


_ABSENT = {
    "owner_missing": "（配置中没有此人，跳过）",
    "owner_unreachable": "（没有可用渠道，跳过）",
    "owner_away": "（休假中，跳过）",
    "": "",
}


def _people(
    project: Project, label: str, owner_ids: Sequence[OwnerId], now: datetime
) -> Iterator[str]:
    if owner_ids:
        named = (
            name_of(project, owner_id) + _ABSENT[absence(project, owner_id, now)]
            for owner_id in owner_ids
        )
        yield f"{label}：{' → '.join(named)}"


def _shadowed(routes: Sequence[Route]) -> Iterator[str]:
    for i, route in enumerate(routes):
        for earlier in routes[:i]:
            if _covers(earlier, route):
                yield (
                    f"路由 {route.id} 永远轮不到：前面的 {earlier.id} 已包含它的全部条件，"
                    "请调整顺序或删去"
                )
                break


def _covers(earlier: Route, later: Route) -> bool:
    """Say whether everything that matches `later` matches `earlier` already."""
    for name, _ in _CONDITIONS:
        wide: tuple[str, ...] = getattr(earlier, name)
        narrow: tuple[str, ...] = getattr(later, name)
        if wide and not (narrow and set(narrow) <= set(wide)):
            return False
    return True


def _unreachable_people(project: Project) -> Iterator[str]:
    named = [
        (f"路由 {route.id}", (route.owner, *route.also, *route.chain)) for route in project.routes
    ]
    for place, owner_ids in [*named, ("fallback", project.fallback)]:
        for owner_id in dict.fromkeys(owner_ids):
            owner = project.owner(owner_id)
            if owner is None:
                yield f"{place} 提到的 {owner_id} 不在 owners 里"
            elif not usable_channels(owner, project):
                yield f"{place} 提到的{owner.name}（{owner_id}）没有可用渠道，永远收不到通知"
    if not project.fallback:
        yield "没有设置 fallback：没人匹配时将无人兜底"


def _unnamed_people(project: Project) -> Iterator[str]:
    named = set(project.fallback)
    for route in project.routes:
        named |= {route.owner, *route.also, *route.chain}
    for owner in project.owners:
        if owner.id not in named and owner.digest_at is None:
            yield f"{owner.name}（{owner.id}）不在任何路由和兜底名单里，也不收日报"


def _uncovered_brands(project: Project) -> Iterator[str]:
    for brand in project.brands:
        if not any(not route.brand or brand.id in route.brand for route in project.routes):
            yield f"品牌 {brand.name}（{brand.id}）没有任何路由，出了事只会通知兜底名单"
