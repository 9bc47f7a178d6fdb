"""Tasks of an incident: whose they are and how long they take, when nobody says otherwise.

In: plain values read from YAML. Out: frozen models. What a task must show when it is done is not
configured: alerts/task_evidence.py.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from config.service_schema import LevelTimes
from config.values import Identifier, Model


def _times(blue: str, yellow: str, orange: str, red: str) -> LevelTimes:
    return LevelTimes.model_validate({"blue": blue, "yellow": yellow, "orange": orange, "red": red})


class TaskRules(Model):
    """One kind of task: the function that it goes to, and how long it may take at each level.

    Times are counted in the service hours of an incident whose route promises a service.
    `function` is one of `functions`; one that nobody fills leaves the task with the incident's
    owner.
    """

    function: Identifier | None = None
    due: LevelTimes

    @model_validator(mode="after")
    def _graver_is_sooner(self) -> TaskRules:
        times = [self.due.blue, self.due.yellow, self.due.orange, self.due.red]
        if times != sorted(times, reverse=True) or times[-1] <= timedelta(0):
            raise ValueError("due: expected times above zero that do not grow from blue to red")
        return self


class GuideRules(TaskRules):
    """舆论引导: an answer under the post itself.

    A public answer is due within four hours (alerting.md 4): orange has half of them, so that it
    can still be approved, red the one hour of a first report; blue has the customer's day.
    """

    function: Identifier | None = "pr"
    due: LevelTimes = _times("24h", "4h", "2h", "1h")


class FixRules(TaskRules):
    """排查整改: the cause found and the measure decided. As long as the default time to solve."""

    function: Identifier | None = "quality"
    due: LevelTimes = _times("7d", "72h", "48h", "24h")


class SolveRules(TaskRules):
    """解决问题: the complainants themselves. As long as the default time to solve."""

    function: Identifier | None = "service"
    due: LevelTimes = _times("7d", "72h", "48h", "24h")


class ClarifyRules(TaskRules):
    """澄清回应: an official statement.

    Red four hours and orange five, yellow and blue a day and two: 黄金4小时, and the 5, 24 and 48
    hours of 国办发〔2016〕61号 and its rules (alerting.md 4). Without a function who speaks in
    public about that class of trouble (`settings.speakers`).
    """

    due: LevelTimes = _times("48h", "24h", "5h", "4h")


class ContainRules(TaskRules):
    """传播控制: a lawful report to the platform, or an official notice there.

    Platforms answer such reports within a day or so; red two hours, for copies spread meanwhile.
    """

    function: Identifier | None = "pr"
    due: LevelTimes = _times("24h", "8h", "4h", "2h")


class TaskSettings(Model):
    """The five kinds of tasks. `warn_left`: the share of the time left at the one reminder."""

    guide: GuideRules = GuideRules()
    fix: FixRules = FixRules()
    solve: SolveRules = SolveRules()
    clarify: ClarifyRules = ClarifyRules()
    contain: ContainRules = ContainRules()
    warn_left: float = Field(default=0.3, gt=0, lt=1)  # as of a service limit
