"""Whether a person can be told at an instant, by which channels, and what a roster's people are.

In: the project and an instant. Out: channels, a code that says why not, ids in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from config.channel_schema import address_of
from config.people_schema import WAKING_KINDS
from config.schema import Channel, Duty, Owner, Project

_KEY = "key:"  # before the name of a program's key, as the API writes it


def usable_channels(owner: Owner, project: Project) -> tuple[Channel, ...]:
    """Return the owner's channels that exist and that can reach him, in his order."""
    return _usable(owner, owner.channels, project)


def waking_channels(owner: Owner, project: Project) -> tuple[Channel, ...]:
    """Return those of the owner's `wake_by` that ring and can reach him, in his order."""
    found = _usable(owner, owner.wake_by, project)
    return tuple(channel for channel in found if channel.kind in WAKING_KINDS)


def _usable(owner: Owner, named: Iterable[str], project: Project) -> tuple[Channel, ...]:
    found = (project.channel(channel_id) for channel_id in named)
    return tuple(channel for channel in found if channel and address_of(owner, channel))


def is_away(owner: Owner, now: datetime) -> bool:
    """Say whether the owner's own day at this instant lies in one of his absences."""
    today = now.astimezone(owner.zone).date()
    return any(first <= today <= last for first, last in owner.away)


def absence(project: Project, owner_id: str, now: datetime) -> str:
    """Return why this person cannot be told now: "" when he can, else a code of RouteChoice."""
    owner = project.owner(owner_id)
    if owner is None:
        return "owner_missing"
    if not usable_channels(owner, project):
        return "owner_unreachable"
    return "owner_away" if is_away(owner, now) else ""


def members(duty: Duty) -> tuple[str, ...]:
    """Return everybody a roster names, each once: shifts first, then the rotation."""
    named = [owner_id for shift in duty.shifts for owner_id in shift.owners]
    return tuple(dict.fromkeys((*named, *(duty.rotation.owners if duty.rotation else ()))))


def name_of(project: Project, owner_id: str) -> str:
    """Return a person's, a roster's or a function's name; the id when there is none (any more)."""
    found = project.owner(owner_id) or project.duty(owner_id)
    if found is not None:
        return found.name
    function = project.function(owner_id)
    return function.title if function else owner_id


def person_of(project: Project, actor: str) -> str:
    """Return the person in whose name an act was done: a key that is called like him is his."""
    bare = actor.removeprefix(_KEY)
    return bare if project.owner(bare) else actor


def wakers(project: Project) -> list[tuple[Owner, Channel]]:
    """Return who stands in a duty roster, with each channel that is to wake him at night.

    A person with two such channels comes twice; one with none does not come.
    """
    staff = dict.fromkeys(owner_id for duty in project.duties for owner_id in members(duty))
    owners = (project.owner(owner_id) for owner_id in staff)
    return [
        (owner, channel)
        for owner in owners
        if owner is not None
        for channel in waking_channels(owner, project)
    ]
