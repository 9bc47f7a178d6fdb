"""Trials: everything runs, and one reviewer reads what other people would have been told."""

from __future__ import annotations

from pydantic import model_validator

from config.values import Identifier, Model, PossibleDay, Words

SCOPES = ("brand", "route", "person")
"""What a trial may cover; each takes ids."""


class Trial(Model):
    """What is on trial, who reads it, and since when.

    Exactly one of `brand`, `route` ("fallback" for what no route takes) and `person` says what is
    covered. It ends when somebody puts it live; an entry that is left after that does nothing, and
    a changed `id` starts anew.
    """

    id: Identifier
    brand: Words = ()
    route: Words = ()
    person: Words = ()
    reviewer: Identifier
    since: PossibleDay  # its first day, in the project's time zone

    @model_validator(mode="after")
    def _one_scope(self) -> Trial:
        named = [name for name in SCOPES if getattr(self, name)]
        if len(named) != 1:
            raise ValueError(
                f"expected exactly one of brand, route and person, got {' and '.join(named) or 0}"
            )
        return self

    @property
    def scope(self) -> str:
        """Which of the three it covers."""
        return next(name for name in SCOPES if getattr(self, name))

    @property
    def covered(self) -> Words:
        """The ids that it covers."""
        found: Words = getattr(self, self.scope)
        return found
