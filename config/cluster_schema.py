"""How mentions are gathered: thresholds, windows, memory. All have defaults chosen on dev sets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from config.values import Model


class ClusterScores(Model):
    """From which likeness (0 to 1) on mentions and clusters go together; None: the default.

    `complaint` is for texts with title and body, or one short line; `post` for all else.
    """

    complaint: float | None = Field(default=None, gt=0, lt=1)
    post: float | None = Field(default=None, gt=0, lt=1)
    complaint_merge: float | None = Field(default=None, gt=0, lt=1)
    post_merge: float | None = Field(default=None, gt=0, lt=1)


class ClusterSettings(ClusterScores):
    """Gathering in the whole project; a brand may have scores of its own."""

    window_days: float = Field(default=60, gt=0, le=3650)
    single_window_days: float = Field(default=14, gt=0, le=3650)
    keep_clusters: int = Field(default=10_000, ge=0)  # a quiet brand forgets nothing
    memory_mb: int = Field(default=1024, ge=16)  # of all brands together; the least used leave it
    # which clusters may be one, told to people at night: docs/adr/0026-topics.md
    propose: Literal["off", "words", "meanings"] = "off"

    @model_validator(mode="after")
    def _windows(self) -> ClusterSettings:
        if self.single_window_days > self.window_days:
            raise ValueError(
                f"single_window_days {self.single_window_days:g}: expected at most window_days"
                f" {self.window_days:g}; what nobody repeated is forgotten first"
            )
        return self
