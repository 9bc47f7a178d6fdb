"""Addresses on which no code came back: they get no live message, and people are told so."""

from __future__ import annotations

from config.schema import Project
from groundswell.gate import is_confirmed, needs_codes
from groundswell.verifying import KEY, ways_of
from storage.queries import Queries


def unconfirmed_lines(queries: Queries, project: Project) -> list[str]:
    """Return a line per person with the channels that are not confirmed; none where none must be.

    A group is named once, for it is enough that one code came back from it.
    """
    if not needs_codes(project):
        return []
    proofs, key = queries.addresses(), queries.meta(KEY)
    lines = []
    for owner in project.owners:
        open_ = [
            one.id for one in ways_of(owner, project) if not is_confirmed(proofs, key, owner, one)
        ]
        if open_:
            lines.append(f"{owner.name}（{owner.id}）：{'、'.join(open_)}")
    return lines
