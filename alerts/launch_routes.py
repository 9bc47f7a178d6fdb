"""服务代表: who hears first of a product in its launch, before the route that takes everything.

In: the route that matches, the product in question, the day. Out: the same route, or one that
begins with the launch's representatives and goes on with its people. What a route names an issue or
a product for (safety, rumours) stays with the people who were named for it.
"""

from __future__ import annotations

from datetime import date, datetime

from config.launch_schema import LaunchPlan
from config.schema import Project, Route

_PREFIX = "launch-"


def by_launch(project: Project, route: Route | None, product: str, now: datetime) -> Route | None:
    """Return the route to take about a product: through its launch where the route is general.

    `product` is an id, a name or an alias. On the day after the launch the general route holds.
    """
    if route is not None and (route.issue or route.product):
        return route
    plan = _plan_of(project, product, today_of(project, now))
    return route if plan is None else _through(plan, route)


def route_named(project: Project, route_id: str, now: datetime) -> Route | None:
    """Return the route of this id as it stands now; None for the fallback and for what is gone.

    A launch that is over leaves its general route; one that is gone leaves the fallback.
    """
    if found := next((route for route in project.routes if route.id == route_id), None):
        return found
    plan = next((one for one in project.launches if _id(one) == route_id), None)
    if plan is None:
        return None
    general = next((route for route in project.routes if _is_general(route, plan)), None)
    return by_launch(project, general, plan.product, now)


def launch_of_route(project: Project, route_id: str) -> LaunchPlan | None:
    """Return the launch that a route goes through, None for an ordinary route."""
    return next((one for one in project.launches if _id(one) == route_id), None)


def today_of(project: Project, now: datetime) -> date:
    """Return the project's local day."""
    return now.astimezone(project.settings.zone).date()


def _plan_of(project: Project, product: str, today: date) -> LaunchPlan | None:
    for plan in project.launches:
        brand = project.brand(plan.brand)
        lines = brand.products if brand else ()
        line = next((one for one in lines if one.id == plan.product), None)
        called = (line.id, line.name, *line.aliases) if line else ()
        if product in called and plan.representatives:
            return plan if plan.holds(today, project.settings.launch.months) else None
    return None


def _through(plan: LaunchPlan, route: Route | None) -> Route:
    first, *rest = plan.representatives
    chain = (*rest, route.owner, *route.chain) if route else rest
    return Route(
        id=_id(plan),
        brand=(plan.brand,),
        product=(plan.product,),
        owner=first,
        chain=tuple(dict.fromkeys(one for one in chain if one != first)),
        also=route.also if route else (),
        service=route.service if route else None,
    )


def _is_general(route: Route, plan: LaunchPlan) -> bool:
    asks = route.issue or route.product or route.region or route.platform
    return not asks and (not route.brand or plan.brand in route.brand)


def _id(plan: LaunchPlan) -> str:
    return f"{_PREFIX}{plan.id}"[:63]  # as long as an id may be
