"""On whose word an incident is closed: complainants, a share of them, a survey, a clarification.

In: a command `confirm` with the complainants of the incident. Out: one event "confirmed" that says
which of the four it was and by which figures; whatever it rests on is refused with the figures that
are missing. The four are counted apart and never summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.acts import ALL_TIMERS
from alerts.command import Command, IllegalMove, Published
from alerts.complainants import counts_of, shown, solve_all
from alerts.draft import Draft
from alerts.functions import holder
from alerts.messages import Occasion, clock_words
from config.schema import Project
from storage.records import (
    Complainant,
    ConfirmKind,
    Contact,
    Incident,
    IncidentState,
    TaskKind,
)

_NAMED = 5  # people named in a refusal or a message
_MAY_SIGN = frozenset({"pr", "lead"})  # roles, where the project names no function 公关
_PR = "pr"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # whom no post shows is no new author


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What a confirmation rests on: who becomes solved by it, its figures, the closing words."""

    solved: Sequence[Complainant]
    values: dict[str, Any]
    why: str


def kind_of(incident: Incident) -> ConfirmKind | None:
    """Return on whose word an incident was closed; None while it is open.

    Those closed before the kinds were told apart rest on the customer's word: no other was taken.
    """
    if incident.state is not IncidentState.CLOSED:
        return None
    return ConfirmKind(incident.closed_how) if incident.closed_how else ConfirmKind.CUSTOMER


def closed_by(incidents: Iterable[Incident]) -> dict[ConfirmKind, int]:
    """Count closed incidents by the word they rest on: four figures, none a sum of others."""
    counted = dict.fromkeys(ConfirmKind, 0)
    for incident in incidents:
        kind = kind_of(incident)
        if kind is not None:
            counted[kind] += 1
    return counted


def closed_words(counted: dict[ConfirmKind, int]) -> str:
    """Say how many were closed on which word; "" when none was."""
    return "，".join(f"{kind.zh} {counted[kind]} 起" for kind in ConfirmKind if counted.get(kind))


def confirm_kind_named(text: str) -> ConfirmKind:
    """Return a kind by its Chinese or English name, "" is the customer. IllegalMove names all."""
    if not text.strip():
        return ConfirmKind.CUSTOMER
    for kind in ConfirmKind:
        if text.strip() in {kind.value, kind.zh}:
            return kind
    known = "、".join(f"{kind.value}（{kind.zh}）" for kind in ConfirmKind)
    raise IllegalMove(f"没有这种确认方式 {text[:40]!r}，可选：{known} (no such kind)")


def confirm(draft: Draft, command: Command, key: str) -> None:
    """Close an incident on the word that the command names."""
    del key  # the state itself makes a second press harmless
    kind = confirm_kind_named(command.how)
    people = this_round(draft.incident, draft.complainants.values())
    word = _WORDS[kind](draft, command, people)
    counts = counts_of(people)
    figures = {
        "closed_how": kind.value,
        "basis": {name: getattr(counts, name) for name in counts.__slots__},
        **word.values,
    }
    solve_all(draft, "confirmed", word.solved, command.text, **figures)
    draft.stop(*ALL_TIMERS)
    draft.drop_unsent("closed")
    told = [owner_id for owner_id in draft.incident.told if owner_id != command.actor]
    if told:
        why = f"你收到过这个事件的通知，现在{word.why}。"
        draft.tell(Occasion.CLOSING, draft.people(told), lambda _: why)


def this_round(incident: Incident, complainants: Iterable[Complainant]) -> list[Complainant]:
    """Return those whom this round is about: who was solved before it came back is not counted."""
    since = incident.returned_at
    return [
        one
        for one in complainants
        if since is None or one.state is not Contact.SOLVED or one.at is None or one.at >= since
    ]


# --- the four ---------------------------------------------------------------------------------


def _by_customer(draft: Draft, command: Command, people: Sequence[Complainant]) -> _Word:
    """Take it that all who can be reached are solved: those named, or all that are left."""
    del draft
    named = _named(command, people)
    refusing = [one for one in people if one.state is Contact.REFUSED and one not in named]
    if refusing:
        raise IllegalMove(
            f"还有 {len(refusing)} 位投诉人不接受：{_some(refusing)}。请再给方案；"
            "可联系的投诉人达到比例后，可按比例确认（--how share） (some refuse)"
        )
    solved = [one for one in people if one.state is Contact.SOLVED]
    open_ones = [one for one in people if one.state not in {Contact.SOLVED, Contact.UNREACHABLE}]
    if named:
        left = [one for one in open_ones if one not in named]
        if left:
            raise IllegalMove(
                f"点名确认之外还有 {len(left)} 位没有解决：{_some(left)}。请一并确认，"
                "或按比例确认（--how share） (others are not solved)"
            )
        open_ones = [one for one in named if one.state is not Contact.SOLVED]
    if people and not open_ones and not solved:
        raise IllegalMove(
            f"{len(people)} 位投诉人都联系不上，没有人能确认；请换渠道再联系，"
            "或做回访调查（--how survey） (nobody can be reached)"
        )
    return _Word(solved=open_ones, values=_left(people, open_ones), why="客户侧已确认解决")


def _by_share(draft: Draft, command: Command, people: Sequence[Complainant]) -> _Word:
    """See that enough of those who can be reached are solved, and name the rest."""
    rules = draft.scene.project.settings.confirm
    named = [one for one in _named(command, people) if one.state is not Contact.SOLVED]
    reachable = sum(one.state is not Contact.UNREACHABLE or one in named for one in people)
    solved = sum(one.state is Contact.SOLVED for one in people) + len(named)
    needed = at_least(rules.share, reachable)
    figures = f"可联系的 {reachable} 位里已解决 {solved} 位（{percent(solved, reachable)}）"
    if not reachable:
        raise IllegalMove("没有可联系的投诉人，不能按比例确认 (nobody can be reached)")
    if solved < needed:
        raise IllegalMove(
            f"{figures}，按比例确认需要 {rules.share:.0%}，即至少 {needed} 位，"
            f"还差 {needed - solved} 位 (not enough are solved)"
        )
    left = _left(people, named)
    values = {"reachable": reachable, "solved": solved, "needed": needed, "share": rules.share}
    rest = f"，其余 {len(left['rest'])} 位继续跟进" if left["rest"] else ""
    return _Word(solved=named, values=values | left, why=f"{figures}，事件按比例结案{rest}")


def _by_survey(draft: Draft, command: Command, people: Sequence[Complainant]) -> _Word:
    """See that enough of those who answered a survey agree."""
    rules = draft.scene.project.settings.confirm
    asked, answered, agreed = (_count(command, name) for name in ("asked", "answered", "agreed"))
    if not agreed <= answered <= asked:
        raise IllegalMove(
            f"回访 {asked} 位、答复 {answered} 位、认可 {agreed} 位：数字对不上，"
            "应当 认可 ≤ 答复 ≤ 回访 (the figures contradict each other)"
        )
    fewest = min(rules.survey_answers, len(people)) if people else rules.survey_answers
    if answered < fewest:
        raise IllegalMove(
            f"回访只有 {answered} 位答复，至少要 {fewest} 位才能作数 (too few answers)"
        )
    figures = f"回访 {asked} 位，{answered} 位答复，{agreed} 位认可（{percent(agreed, answered)}）"
    if agreed < at_least(rules.share, answered):
        raise IllegalMove(f"{figures}，需要 {rules.share:.0%} (not enough agree)")
    survey = {"asked": asked, "answered": answered, "agreed": agreed}
    values = {"survey": survey, "share": rules.share, **_left(people, ())}
    return _Word(solved=(), values=values, why=f"{figures}，事件按回访结果结案")


def _by_clarification(draft: Draft, command: Command, people: Sequence[Complainant]) -> _Word:
    """See that a rumour was answered in public and nobody new has said it since; PR signs."""
    incident, project, now = draft.incident, draft.scene.project, draft.now
    rules = project.settings.confirm
    if incident.issue_class not in rules.rumour_classes:
        classes = "、".join(rules.rumour_classes)
        raise IllegalMove(
            f"“{incident.issue_class}”类事件不能以澄清结案，只有 {classes} 可以："
            "有具体问题的投诉人要得到解决 (only rumours)"
        )
    who = signers(project, now)
    if command.actor not in who:
        names = "、".join(sorted(who)) or "未设置"
        raise IllegalMove(
            f"以澄清结案由公关负责人签字（{names}），{command.actor} 不能签 (the PR lead signs)"
        )
    said = _published(draft, command)
    _check_quiet(draft, said, people)
    values = {"url": said.url, "published_at": said.at.isoformat(), "quiet_days": rules.quiet_days}
    why = f"澄清发布后 {rules.quiet_days} 天没有新的原发作者，由公关负责人签字结案"
    return _Word(solved=(), values=values | _left(people, ()), why=why)


def _check_quiet(draft: Draft, said: Published, people: Sequence[Complainant]) -> None:
    """Refuse while new people still write in their own words, or too little time has passed."""
    project, now = draft.scene.project, draft.now
    rules = project.settings.confirm
    until = said.at + timedelta(days=rules.quiet_days)
    new = [one for one in people if not one.is_repost and _first_at(one) > said.at]
    if new:
        last = max(map(_first_at, new))
        raise IllegalMove(
            f"澄清发布后又有 {len(new)} 位新的原发作者，最近一位在 "
            f"{clock_words(last, now, project.settings.zone)}；没有平息，请再澄清并登记 "
            "(new authors since)"
        )
    if now < until:
        raise IllegalMove(
            f"澄清发布后要平静 {rules.quiet_days} 天，到 "
            f"{clock_words(until, now, project.settings.zone)} 才能结案 (not quiet long enough)"
        )


_WORDS: dict[ConfirmKind, Callable[[Draft, Command, Sequence[Complainant]], _Word]] = {
    ConfirmKind.CUSTOMER: _by_customer,
    ConfirmKind.SHARE: _by_share,
    ConfirmKind.SURVEY: _by_survey,
    ConfirmKind.CLARIFICATION: _by_clarification,
}


# --- what they rest on ------------------------------------------------------------------------


def at_least(share: float, of: int) -> int:
    """Return the smallest number that is this share of so many; 80 % of 50 are 40."""
    return math.ceil(share * of - 1e-9)


def percent(part: int, whole: int) -> str:
    """Return a share in words, rounded down: 79.9 % is no 80 %."""
    return f"{math.floor(100 * part / whole + 1e-9)}%" if whole else "无"


def signers(project: Project, now: datetime) -> frozenset[str]:
    """Return who may sign that a rumour is over: the lead of 公关, else who holds it now.

    Without that function: owners whose role is pr or lead. An administrator never signs.
    """
    function = project.function(_PR)
    if function is None:
        found = {owner.id for owner in project.owners if owner.role in _MAY_SIGN}
    else:
        found = {function.lead or holder(project, _PR, now)}
    owners = (project.owner(one) for one in found if one)
    return frozenset(one.id for one in owners if one is not None and one.role != "admin")


def _published(draft: Draft, command: Command) -> Published:
    """Return the clarification that is meant; IllegalMove when none is recorded."""
    of_tasks = [
        Published(at=task.ended_at, url=task.url)
        for task in draft.incident.tasks
        if task.kind is TaskKind.CLARIFY and task.state == "done" and task.url and task.ended_at
    ]
    known = sorted((*draft.published, *of_tasks), key=lambda one: one.at)
    wanted = command.url.strip()
    found = next((one for one in known if one.url and wanted in {"", one.url}), None)
    if found is None:
        what = f"网址 {wanted[:80]!r} 没有登记过" if wanted else "还没有登记澄清"
        raise IllegalMove(
            f"{what}：请先登记公开回应（incidents replied --url …），或完成带网址的澄清任务 "
            "(no published clarification is recorded)"
        )
    return found


def _first_at(one: Complainant) -> datetime:
    """Return when somebody began; who began at an unknown time, when it was seen."""
    return one.posted_at or one.found_at or _LONG_AGO


def _named(command: Command, people: Sequence[Complainant]) -> list[Complainant]:
    wanted = set(command.who)
    found = [one for one in people if {one.complainant_id, one.ticket} & wanted]
    missing = wanted - {name for one in found for name in (one.complainant_id, one.ticket)}
    if missing:
        some = "、".join(name[:40] for name in sorted(missing)[:_NAMED])
        raise IllegalMove(f"没有这些投诉人：{some} (no such complainants)")
    return found


def _left(people: Sequence[Complainant], solved: Sequence[Complainant]) -> dict[str, list[str]]:
    """Return who is not solved when the incident closes: they are still to be followed up."""
    now_solved = {one.complainant_id for one in solved}
    return {
        "rest": [
            one.complainant_id
            for one in people
            if one.state is not Contact.SOLVED and one.complainant_id not in now_solved
        ]
    }


def _count(command: Command, name: str) -> int:
    if name not in command.counts:
        raise IllegalMove(
            "回访确认要填三个数：回访几位 asked、答复几位 answered、认可几位 agreed "
            f"(the survey lacks {name})"
        )
    return command.counts[name]


def _some(people: Sequence[Complainant]) -> str:
    more = f" 等 {len(people)} 位" if len(people) > _NAMED else ""
    return "、".join(shown(one) for one in people[:_NAMED]) + more
