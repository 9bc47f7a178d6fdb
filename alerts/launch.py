"""上市爬坡期: a product in its first months is watched more closely.

In: project, evidence and the instant. Out: what is tightened, and until when; None for products
that are old or whose day of launch nobody wrote down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.baseline import COLD_HOURS, COLD_RATE
from alerts.subject import product_of
from config.launch_schema import LaunchPlan
from config.launch_schema import months_after as months_after  # noqa: PLC0414 - found here
from config.schema import Project, SurgeRules
from storage.records import Borrowed, Evidence, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A product under launch watch. `ends_on` is the first day on which it is an ordinary one."""

    product: str
    launched: date
    ends_on: date
    factor: float
    alpha_factor: float
    min_authors: int

    def tightened(self, rules: SurgeRules) -> SurgeRules:
        """Return the rules of a surge as the watch asks for them."""
        return rules.model_copy(
            update={
                "min_authors": min(rules.min_authors, self.min_authors),
                "watch_alpha": min(0.5, rules.watch_alpha * self.alpha_factor),
                "page_alpha": min(0.5, rules.page_alpha * self.alpha_factor),
                "watch_monthly": rules.watch_monthly * self.alpha_factor,
                "page_monthly": rules.page_monthly * self.alpha_factor,
            }
        )

    def reason(self, points: float) -> Reason:
        """Return the ground that names the watch and explains its end."""
        added = round(points * (self.factor - 1), 1)
        text = (
            f"上市爬坡期（{self.product} {self.launched.isoformat()} 上市，"
            f"{self.ends_on.isoformat()} 起恢复平常）：综合分乘 {self.factor:g}，"
            f"{self.min_authors} 位不同的人起就判断是否异常，判断也更灵敏"
        )
        return Reason(code="launch_watch", text=text, value=self.factor, points=added)


def launch_of(project: Project, evidence: Evidence, now: datetime) -> Launch | None:
    """Return the launch watch of the product that a cluster is about, if there is one today."""
    line, rules = product_of(project, evidence), project.settings.launch
    if line is None or line.launched is None:
        return None
    plan = project.launch_of(line.id)
    if plan is None:
        ends_on = months_after(line.launched, rules.months)
    else:
        ends_on = plan.last_day(rules.months) + timedelta(days=1)
    today = now.astimezone(project.settings.zone).date()
    if not line.launched <= today < ends_on:
        return None
    return Launch(
        product=line.name,
        launched=line.launched,
        ends_on=ends_on,
        factor=rules.factor,
        alpha_factor=rules.alpha_factor,
        min_authors=rules.min_authors,
    )


def fewest_authors(project: Project) -> int:
    """Return below how many authors no window can be unusual, whatever the product."""
    normal, launch = project.settings.surge.min_authors, project.settings.launch.min_authors
    has_launched = any(line.launched for brand in project.brands for line in brand.products)
    return min(normal, launch) if has_launched else normal


def plan_of(project: Project, evidence: Evidence, now: datetime) -> LaunchPlan | None:
    """Return the plan of the launch that a cluster's product is in today, if it has one."""
    line = product_of(project, evidence)
    plan = project.launch_of(line.id) if line is not None else None
    today = now.astimezone(project.settings.zone).date()
    if plan is None or not plan.holds(today, project.settings.launch.months):
        return None
    return plan


def borrow(
    project: Project,
    plan: LaunchPlan,
    now: datetime,
    *,
    authors: int,
    hours: float,
    clusters: int,
) -> Borrowed | None:
    """Return what a new product takes over from its sister; None where she has no history either.

    The sister's rate is shrunk to that of a cluster nobody knows (`COLD_RATE`), as a brand's is.
    Her share of the prior is `sister_days` / (`sister_days` + own days): half after that many days.
    """
    if not clusters or hours <= 0:
        return None
    rules, today = project.settings.launch, now.astimezone(project.settings.zone).date()
    own_days = max(0, (today - plan.launched).days)
    lines = (line for brand in project.brands for line in brand.products)
    name = next((line.name for line in lines if line.id == plan.sister), plan.sister)
    return Borrowed(
        product=plan.sister,
        name=name,
        rate=(authors + COLD_RATE * COLD_HOURS) / (hours + COLD_HOURS),
        weight=rules.sister_days / (rules.sister_days + own_days),
        clusters=clusters,
    )


def borrowed_reason(borrowed: Borrowed | None) -> Iterator[Reason]:
    """Yield the ground that names the sister whose rate passes for usual; it brings no points."""
    if borrowed is None:
        return
    text = (
        f"平常有多少借自姊妹产品 {borrowed.name}（baseline of {borrowed.name}）："
        f"它的 {borrowed.clusters} 个聚类每个一天约 {24 * borrowed.rate:.1f} 人，"
        f"占 {borrowed.weight:.0%}，本产品自己的日子越多占得越少"
    )
    yield Reason(code="launch_baseline", text=text, value=round(borrowed.weight, 3))
