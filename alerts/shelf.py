"""The shelf of known troubles: what matches joins silently, until a day or a number of people.

Levels go on being judged and stored. Red, or one more voice of bodily harm, takes an incident off
the shelf at once; a day or a number that is passed does so with exactly one message.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts import journal
from alerts.acts import hold_acknowledge, is_open, same_route, wait_for_progress
from alerts.command import Command, IllegalMove
from alerts.draft import Draft
from alerts.escalation import continue_policy, freeze_policy
from alerts.journal_values import encode_shelf
from alerts.messages import Occasion, clock_words
from alerts.score import BODILY, stated_facts
from alerts.triangle import name_three, tell_three
from storage.records import Evidence, Grade, Incident, Level, Reason, Shelf, Timer

_BODILY = (*BODILY, "death")
# Without a number of its own a shelf holds until the people have doubled, and by five at least:
# five authors are what a surge needs at the default setting (alerting.md 3.2, n_min).
_AT_LEAST_MORE = 5


def put_on_shelf(draft: Draft, command: Command, key: str) -> None:
    """Put a known trouble on the shelf. IllegalMove for red, for bodily harm, or without an end."""
    incident, until = draft.incident, command.until
    if until is None or until <= draft.now:
        raise IllegalMove(
            "搁置需要一个将来的日期：预计什么时候解决 (shelve needs an end in the future)"
        )
    if incident.level >= Level.RED:
        raise IllegalMove(f"{incident.code} 是红级事件，不能搁置 (red is never shelved)")
    grounds = incident.grade.reasons if incident.grade else ()
    harmed = harmed_in(draft.scene.evidence, grounds)
    if harmed > 1:  # one unverified voice is blue by itself; two are not (alerts.grading)
        raise IllegalMove(f"{incident.code} 有 {harmed} 位作者提到人身伤害，不能搁置 (bodily harm)")
    seen = _people(incident, draft.scene.evidence)
    limit = command.authors or max(2 * seen, seen + _AT_LEAST_MORE)
    if limit <= seen:
        raise IllegalMove(
            f"搁置的人数上限要多于现在的 {seen} 位作者，给的是 {limit} "
            f"(the limit must exceed the {seen} authors there are)"
        )
    shelf = Shelf(
        until=until,
        authors=limit,
        note=command.text.strip(),
        by=command.actor,
        harmed=harmed,
    )
    draft.record(
        "shelved",
        key=key,
        shelf=encode_shelf(shelf),
        text=shelf.note,
        muted_until=None,
        lease_until=None,
    )
    draft.stop("step", "ack", "mute")
    draft.drop_unsent("shelved")
    draft.wait(
        Timer(
            incident_id=incident.incident_id,
            epoch=incident.epoch,
            kind="shelf",
            step=draft.incident.seq,  # shelves may follow each other; the event's number is unique
            due_at=until,
        )
    )


def take_off_shelf(draft: Draft, command: Command, key: str) -> None:
    """Take it back to work; whoever does so has it in hand."""
    draft.record("unshelved", key=key, shelf=None, reason="person", text=command.text.strip())
    tell_three(draft, name_three(draft))
    draft.stop("shelf")
    draft.record("acknowledged", lease_until=hold_acknowledge(draft).isoformat())
    wait_for_progress(draft)


def passes_through(incident: Incident, evidence: Evidence, grade: Grade) -> str:
    """Say why a shelved incident cannot stay there: "red", "harm" or "people"; "" while it can."""
    shelf = incident.shelf
    if shelf is None:
        return ""
    if grade.level >= Level.RED:
        return "red"
    if harmed_in(evidence, grade.reasons) > shelf.harmed:
        return "harm"
    return "people" if evidence.authors >= shelf.authors else ""


def come_off(draft: Draft, why: str, *, key: str = "", is_told: bool = True) -> None:
    """Take an incident off the shelf by the program, with one message unless a rise follows."""
    incident, project = draft.incident, draft.scene.project
    shelf = incident.shelf
    assert shelf is not None, "only what lies on the shelf comes off it"
    seen = _people(incident, draft.scene.evidence)
    words = {
        "red": "出现了红级依据",
        "harm": "出现了人身伤害的说法",
        "people": f"人数达到 {seen} 位（搁置时定的上限是 {shelf.authors} 位）",
        "date": "到了搁置时定的日期",
    }[why]
    choice = same_route(draft)
    told = draft.people((incident.owner_id,)) if is_told else ()
    fresh = freeze_policy(choice, incident.level, project, incident.tier)
    draft.record(
        "unshelved",
        key=key,
        shelf=None,
        reason=why,
        text=words,
        policy=journal.encode_policy(continue_policy(incident.policy, incident.step, told, fresh)),
        step=incident.step + 1,
        told=list(told),
    )
    seats = name_three(draft) if is_told else ()
    draft.stop("shelf")
    if is_told:
        draft.tell(
            Occasion.UNSHELVED,
            told,
            lambda owner: (
                f"搁置的已知问题（{shelf.note}，"
                f"原定到 {clock_words(shelf.until, draft.now, owner.zone)}）{words}，请重新处理。"
            ),
        )
        tell_three(draft, seats)


def shelf_is_over(draft: Draft, key: str) -> bool:
    """Take an incident off the shelf whose day has come; False when it does not lie there."""
    incident = draft.incident
    if incident.shelf is None or not is_open(incident) or incident.shelf.until > draft.now:
        return False
    come_off(draft, "date", key=key)
    return True


def harmed_in(evidence: Evidence | None, grounds: Iterable[Reason]) -> int:
    """Return how many authors state the bodily harm that most of them state."""
    if evidence is not None:
        stated = stated_facts(evidence)
        return max((stated.get(fact, 0) for fact in _BODILY), default=0)
    codes = {f"trigger_{fact}" for fact in _BODILY}
    return max((int(one.value or 0) for one in grounds if one.code in codes), default=0)


def _people(incident: Incident, evidence: Evidence | None) -> int:
    return evidence.authors if evidence is not None else incident.authors
