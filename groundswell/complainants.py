"""What the desk needs to know of complainants before an act, and what files say of them.

In: a command, or rows of a table. Out: the complainants that it may name; one event for a whole
file, with every bad row named and why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.command import Command, CommandName, IllegalMove, Published
from alerts.complainants import (
    Answered,
    Counts,
    Move,
    changes,
    counts_from,
    first_answers,
    is_back,
    newcomer,
    refusal,
    take_in,
)
from alerts.draft import Draft
from alerts.journal import OPEN_STATES
from alerts.messages import NoLinks, Scene, duration_words
from alerts.service_clock import seconds_between
from classify.privacy import mask
from config.errors import ChangedMeanwhileError, GroundswellError
from config.schema import Project
from storage.complainants import FirstResponse
from storage.queries import Queries
from storage.records import NO_OWNER, Complainant, Contact, Incident, OwnerId
from storage.storable import storable

if TYPE_CHECKING:
    from groundswell.complainant_files import Line
    from groundswell.desk import Desk

_SOME = frozenset({CommandName.CONTACT, CommandName.GIVE, CommandName.COMPLAINANTS})
_TRIES = 4  # as the desk's


def named_in(queries: Queries, incident: Incident, command: Command) -> list[Complainant]:
    """Return the complainants that a command may name: of a confirmation all of the incident."""
    if command.name == CommandName.CONFIRM:
        return queries.complainants(incident.incident_id)
    if command.name not in _SOME:
        return []
    names = {line.strip() for line in command.who}
    if command.name == CommandName.COMPLAINANTS:
        new = [newcomer(incident, line) for line in names if line]
        names |= {name for one in new for name in (one.complainant_id, one.ticket) if name}
    return queries.complainants_named(incident.incident_id, names)


def checked(command: Command) -> Command:
    """Return a command about people as it may be kept: no number or name of a customer in clear.

    Errors: IllegalMove when somebody is named by a number that must not be stored.
    """
    # rows keep no NUL and no half of a character: the log must say the same
    command = replace(command, who=tuple(map(storable, command.who)), text=storable(command.text))
    if command.name not in {*_SOME, CommandName.CONFIRM}:
        return command
    if command.name == CommandName.COMPLAINANTS:
        clear = [line for line in command.who if mask(line) != line]
        if clear:
            raise IllegalMove(
                f"{len(clear)} 行写了电话一类的个人信息，请改用工单号或平台昵称 "
                "(name people by ticket or nickname, not by their number)"
            )
    return replace(command, text=mask(command.text))


def published(queries: Queries, incident: Incident) -> list[Published]:
    """Return the answers in public to an incident that have an address, oldest first."""
    found = queries.responses(incident.incident_id, incident.cluster_id)
    return [Published(at=one.at, url=one.url) for one in found if one.url]


def counts(queries: Queries, incident: Incident) -> Counts:
    """Count the complainants of an incident by SQL."""
    return counts_from(queries.complainant_counts(incident.incident_id))


def answered(complainants: Sequence[FirstResponse], incident: Incident, now: datetime) -> Answered:
    """Sum up first answers, judged by the service's time to react where the route promises one."""
    return first_answers(complainants, late_ones(complainants, incident, now))


def late_ones(
    complainants: Sequence[FirstResponse], incident: Incident, now: datetime
) -> dict[str, bool]:
    """Say of each whose time is up, or who was answered, whether it was late, by id.

    Who posted at an unknown time is in neither; without a service nobody is late.
    """
    service = incident.policy.service
    late: dict[str, bool] = {}
    for one in complainants if service is not None else ():
        if one.posted_at is None or service is None:
            continue
        until = one.first_response_at or now
        is_over = seconds_between(service, one.posted_at, until) > service.react_s
        if is_over or one.first_response_at is not None:
            late[one.complainant_id] = is_over
    return late


def speed_words(speed: Answered) -> str:
    """Say how fast first answers came; the unknown are named apart, never as in time."""
    said = [f"首次响应：已响应 {speed.answered} 位"]
    if speed.median_s is not None and speed.p90_s is not None:
        median, p90 = (duration_words(timedelta(seconds=s)) for s in (speed.median_s, speed.p90_s))
        said.append(f"中位 {median}，九成在 {p90}内")
    if speed.share is not None:
        said.append(f"时限内 {speed.share:.0%}（超时 {speed.late} 位）")
    if speed.waiting:
        said.append(f"还在等 {speed.waiting} 位")
    if speed.unknown:
        said.append(f"发帖时间未知 {speed.unknown} 位")
    return "，".join(said)


# --- files ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a file: rows read, people moved or added by it, and what was refused."""

    rows: int
    moved: int
    added: int
    unchanged: int
    problems: tuple[str, ...]


def take_file(
    desk: Desk, incident: str, lines: Sequence[Line], bad: Sequence[tuple[int, str]], actor: str
) -> TakenIn:
    """Apply the good rows of a file as one event; read again, it changes nothing.

    A file never takes back what was said before: it may be older than what people did since.
    Errors: GroundswellError when there is no such incident, IllegalMove when it has ended.
    """
    for _ in range(_TRIES - 1):
        try:
            return _take_file(desk, incident, lines, bad, actor)
        except ChangedMeanwhileError:  # by the engine or a colleague: what holds now decides
            continue
    return _take_file(desk, incident, lines, bad, actor)


def _take_file(
    desk: Desk, incident: str, lines: Sequence[Line], bad: Sequence[tuple[int, str]], actor: str
) -> TakenIn:
    now, project = desk.clock.now(), desk.project
    with desk.store.transaction() as tx:
        found = tx.incident(incident)
        if found is None:
            raise GroundswellError(f"no incident {incident!r}; see: groundswell incidents list")
        if found.state not in OPEN_STATES:
            raise IllegalMove(
                f"事件 {found.code} 已经结束，不能导入投诉人 (the incident has ended)"
            )
        people = {one.complainant_id: one for one in tx.queries.complainants(found.incident_id)}
        reader = _Reader(found, project, people, now)
        refused = ((line.number, reader.take(line)) for line in lines)
        problems = [*bad, *((number, why) for number, why in refused if why)]
        result = TakenIn(
            rows=len(lines) + len(bad),
            moved=len(reader.moves) - reader.added,
            added=reader.added,
            unchanged=reader.unchanged,
            problems=tuple(f"第 {number} 行：{why}" for number, why in sorted(problems)),
        )
        if not reader.moves:
            return result
        draft = Draft(found, Scene(project=project, links=NoLinks()), now, actor=actor)
        said = f"导入 {result.moved + result.added} 位"
        text = f"{said}（新增 {result.added} 位）" if result.added else said
        take_in(draft, _key(found, list(reader.moves.values())), [*reader.moves.values()], text)
        tx.save_change(draft.change("people_imported"))
        tx.audit(actor, "people_imported", found.incident_id, now, text)
    desk.woken()
    return result


def taken_words(taken: TakenIn) -> str:
    """Say what became of a file."""
    return (
        f"读了 {taken.rows} 行：更新 {taken.moved} 位，新增 {taken.added} 位，"
        f"没有变化 {taken.unchanged} 位，有问题 {len(taken.problems)} 行"
    )


Step = tuple[Complainant, Move | None, OwnerId]


class _Reader:
    """Rows of one file against the complainants of an incident."""

    def __init__(
        self,
        incident: Incident,
        project: Project,
        people: Mapping[str, Complainant],
        now: datetime,
    ) -> None:
        self._incident, self._project, self._people, self._now = incident, project, people, now
        self._by_ticket = {one.ticket: one for one in people.values() if one.ticket}
        self.moves: dict[str, Step] = {}
        self._seen: dict[str, int] = {}
        self.added = self.unchanged = 0

    def take(self, line: Line) -> str:
        """Take one row in; return what is wrong with it, "" when nothing is."""
        one, is_new, why = self._whom(line)
        if one is None:
            return why
        before = self._seen.setdefault(one.complainant_id, line.number)
        if before != line.number:
            return f"与第 {before} 行是同一位 (the same person twice)"
        owner_id = OwnerId(line.owner_id)
        if owner_id and self._project.owner(owner_id) is None:
            known = "、".join(owner.id for owner in self._project.owners)
            return f"没有负责人 {line.owner_id[:40]!r}，可选：{known} (no such owner)"
        move = self._move(one, line)
        if isinstance(move, str):
            return move
        if owner_id == one.assigned_to:
            owner_id = NO_OWNER
        if move is None and not owner_id and not is_new:
            self.unchanged += 1
            return ""
        self.moves[one.complainant_id] = (one, move, owner_id)
        self.added += is_new
        return ""

    def _whom(self, line: Line) -> tuple[Complainant | None, bool, str]:
        if line.complainant_id:
            one = self._people.get(line.complainant_id)
            return one, False, "" if one else f"没有编号 {line.complainant_id[:40]!r} (unknown id)"
        if line.ticket:
            named = f"ticket:{line.ticket}"
        elif line.author:
            named = f"{line.platform}:{line.author}"
        else:
            return None, False, "没有编号、工单或投诉人 (nobody is named)"
        if mask(named) != named:
            return None, False, "写了电话一类的个人信息，请改用工单号或昵称 (a number in clear)"
        new = newcomer(self._incident, named)
        one = self._people.get(new.complainant_id) or self._by_ticket.get(new.ticket or "-")
        if one is not None:
            return one, False, ""
        return replace(new, posted_at=line.posted_at), True, ""

    def _move(self, one: Complainant, line: Line) -> Move | str | None:
        if line.state is None or (line.state is Contact.WAITING and one.state is Contact.WAITING):
            return None
        text = mask(line.text)
        move = Move(to=line.state, channel=line.channel, text=text, at=line.at)
        if not changes(one, move):
            return None
        if is_back(one.state, line.state):
            return (
                f"现在已是“{one.state.zh}”，文件不能退回“{line.state.zh}”；"
                "请在页面上写明理由后改 (a file takes nothing back)"
            )
        return refusal(one, move, self._now) or move


def _key(incident: Incident, moves: Sequence[Step]) -> str:
    said = f"{incident.incident_id}|{incident.seq}|{len(moves)}"
    return f"people:{hashlib.sha256(said.encode()).hexdigest()[:24]}"
