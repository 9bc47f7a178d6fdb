"""The error tree, by what the caller does next.

GroundswellError
├── ConfigError      fix the file it names
├── FetchError       wait `retry_after_s`, or leave it when permanent
├── ModelError       retrain, or install the tokeniser the model was fitted with
├── DeliveryError    retry, or use the fallback channel when permanent
└── StoreError       look at the database
    └── ChangedMeanwhileError   load what was to be changed again, and repeat
"""

from __future__ import annotations


class GroundswellError(Exception):
    """Something this program understands; its text says what to do."""


class ConfigError(GroundswellError):
    """The configuration is wrong. `problems` are all of them, each with file:line where known."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class FetchError(GroundswellError):
    """A fetch did not bring what was asked for."""

    def __init__(
        self, text: str, *, retry_after_s: float | None = None, permanent: bool = False
    ) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.permanent = permanent


class ModelError(GroundswellError):
    """A model cannot be used as it is."""


class DeliveryError(GroundswellError):
    """A message could not be handed over."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


class StoreError(GroundswellError):
    """The database is missing, too new, too old, read-only or gone."""


class ChangedMeanwhileError(StoreError):
    """Somebody else changed the same thing between our reading and our writing."""
