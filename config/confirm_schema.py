"""On whose word an incident may be closed: the shares and numbers that a company sets itself.

In: plain values read from YAML. Out: a frozen model. What they decide is in alerts/confirming.py.
"""

from __future__ import annotations

from pydantic import Field

from config.values import IssueNames, Model


class ConfirmRules(Model):
    """What closes an incident besides every complainant's own word (`settings.confirm`).

    `share`: so many of those who can be reached must be solved, or of those who answered a survey
    agree; 80 % is what the service departments that asked for this close by. `survey_answers`: a
    survey with fewer answers says nothing (judgement: of ten, one answer more or less moves the
    share by ten points). `quiet_days`: so long nobody new may have written after a clarification;
    `rumour_classes`: only these can be closed by one, for nobody is owed a remedy there.
    """

    share: float = Field(default=0.8, ge=0.5, le=1)
    survey_answers: int = Field(default=10, ge=1, le=100_000)
    quiet_days: int = Field(default=7, ge=1, le=90)
    rumour_classes: IssueNames = ("舆论与传闻", "虚假宣传")
