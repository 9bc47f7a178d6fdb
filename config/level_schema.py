"""Levels and surges: from where a level starts, how long people have, what is unusual."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from config.values import Duration, LevelName, Model


class LevelRules(Model):
    """One crisis level: where it starts and how long people have (alerting.md section 4)."""

    score: float = Field(ge=0, le=100)
    ack_within: Duration
    step_every: Duration
    loops: int = Field(default=1, ge=1, le=5)
    held_in_quiet_hours: bool = False


class Levels(Model):
    """The four levels. Thresholds and times after alerting.md section 4."""

    blue: LevelRules = LevelRules(
        score=20,
        ack_within=timedelta(hours=4),
        step_every=timedelta(hours=8),
        held_in_quiet_hours=True,
    )
    yellow: LevelRules = LevelRules(
        score=40,
        ack_within=timedelta(minutes=30),
        step_every=timedelta(minutes=30),
        held_in_quiet_hours=True,
    )
    orange: LevelRules = LevelRules(
        score=60,
        ack_within=timedelta(minutes=15),
        step_every=timedelta(minutes=10),
        loops=2,
    )
    red: LevelRules = LevelRules(
        score=80,
        ack_within=timedelta(minutes=5),
        step_every=timedelta(minutes=5),
        loops=3,
    )

    @model_validator(mode="after")
    def _ordered(self) -> Levels:
        scores = [self.blue.score, self.yellow.score, self.orange.score, self.red.score]
        if scores != sorted(scores) or len(set(scores)) != len(scores):
            raise ValueError(f"scores must rise from blue to red, got {scores}")
        return self

    def named(self, name: LevelName) -> LevelRules:
        """Return the rules of one level by its name."""
        rules: LevelRules = getattr(self, name)
        return rules


class SurgeRules(Model):
    """When a count is unusual. Defaults measured in docs/adr/0029.

    `monthly` is how many false alarms each window of a cluster may bring in a month at most, for
    people who come one after the other; `alpha` the chance of a count in one window, whoever comes
    together.
    """

    watch_alpha: float = Field(default=1e-7, gt=0, lt=1)
    watch_monthly: float = Field(default=0.15, gt=0, lt=100)
    watch_ratio: float = Field(default=2.0, ge=1)
    page_alpha: float = Field(default=1e-8, gt=0, lt=1)
    page_monthly: float = Field(default=0.06, gt=0, lt=100)
    page_ratio: float = Field(default=2.0, ge=1)
    min_authors: int = Field(default=5, ge=1)
    ramp_watch: float = Field(default=6.0, gt=0)
    ramp_page: float = Field(default=8.0, gt=0)


class LaunchRules(Model):
    """上市爬坡期: how a product with a day of launch is watched more closely in its first months.

    Scores count times `factor`; for a surge `min_authors` people are enough, and what is
    `alpha_factor` times as likely by chance counts as unusual. Judgement: with the defaults what
    scores 32 is yellow, and chance alarms about that product are ten times as frequent as those
    about others, which at the page setting is still less than one in a cluster's five months.
    `sister_days`: after so many own days the rate of a sister product is half of what passes for
    usual; 28 is how far a baseline looks back.
    """

    months: int = Field(default=6, ge=1, le=24)
    factor: float = Field(default=1.25, ge=1, le=3)
    alpha_factor: float = Field(default=10, ge=1, le=1000)
    min_authors: int = Field(default=3, ge=1)
    sister_days: float = Field(default=28, gt=0, le=365)
