"""上市爬坡期: a product in its first months is watched more closely.

In: project, evidence and the instant. Out: what is tightened, and until when; None for products
that are old or whose day of launch nobody wrote down.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime

from alerts.subject import product_of
from config.schema import Project, SurgeRules
from storage.records import Evidence, Reason


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
    ends_on = months_after(line.launched, rules.months)
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


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later, the month's last day where it has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
