"""Functions of a company: who fills 公关, 服务, 销售 … and who stands in where nobody does.

In: plain values read from YAML. Out: frozen models. Their ids stand wherever a route names a
person; who answers for one is looked up when something is said (alerts/functions.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from config.values import Identifier, IssueNames, Model, Words

FUNCTIONS: Mapping[str, str] = {
    "pr": "公关",
    "service": "服务",
    "sales": "销售",
    "dealer": "大区经销商",
    "quality": "品质研发",
    "legal": "法务",
    "management": "管理层",
}
"""Functions that the program knows by id, and what they are called; a company may add its own."""


class Function(Model):
    """A function of the company: who fills it, in order, and who stands in when none of them can.

    First the team of the incident's region, then the team, then the lead; where none of them can be
    told, what stands in, in order. A function without anybody at all is filled by what stands in.
    """

    id: Identifier
    name: str = ""  # not given: the name of the known function
    team: Words = ()  # owners or duties
    lead: Identifier | None = None  # told when nobody of the team can be
    regions: Mapping[str, Words] = Field(default_factory=dict)  # region -> owners or duties
    stand_in: Words = ()  # functions, owners or duties

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or FUNCTIONS.get(self.id, self.id)

    @property
    def own(self) -> tuple[str, ...]:
        """Everybody who fills it anywhere: the team, the lead, and the teams of regions."""
        regional = [one for team in self.regions.values() for one in team]
        lead = [self.lead] if self.lead else []
        return tuple(dict.fromkeys((*self.team, *lead, *regional)))

    def line(self, regions: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return who fills it for an incident of these regions, in order."""
        regional = [one for region in regions for one in self.regions.get(region, ())]
        lead = [self.lead] if self.lead else []
        return tuple(dict.fromkeys((*regional, *self.team, *lead)))


class Triangle(Model):
    """Which function gives each of the three owners of a grave incident (铁三角).

    Of several the first that has somebody. Source of the defaults: service practice, where service
    holds the customer, quality the cause, and the dealer of the region the delivery.
    """

    customer: Words = ("service",)
    solution: Words = ("quality",)
    delivery: Words = ("dealer", "service")


class Speakers(Model):
    """Who speaks in public: about the quality of products one function, about all else another.

    `product_quality` goes to sales by default, as service practice has it; `classes` are the
    classes of trouble that count as such.
    """

    product_quality: Identifier = "sales"
    otherwise: Identifier = "pr"
    classes: IssueNames = ("产品质量", "功能与体验")
