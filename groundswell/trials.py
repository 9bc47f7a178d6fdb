"""Trials as people look at them, and the act that puts one live.

In: choices of the command line, the console and the API. Out: what a trial would have told whom,
how often it was right, and whose addresses are still to be confirmed. Going live is in the audit
log; messages that wait for a reviewer still reach him.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from alerts.ledger import Precision, precision_of
from alerts.presence import name_of, usable_channels
from alerts.routing import fallback_line, people_of
from config.channel_schema import address_of
from config.errors import GroundswellError
from config.schema import Owner, Project, Route, Trial
from groundswell.clock import Clock
from groundswell.gate import is_confirmed, needs_codes
from groundswell.ledger import alarms_since
from groundswell.links import installation_key
from groundswell.verifying import KEY, ways_of
from storage.queries import Queries
from storage.records import IncidentId, Level, TrialEnd
from storage.store import Store

_DAY_S = 86400.0
_NOTE = 500  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """How a trial stands.

    `state`: "waiting" before its first day, "running", or "live". `days` since its first day, until
    it went live. `alerts` are messages to the reviewer; `by_person` what each person would have
    got, whose sum is larger where one message stood for several. `refused`: messages that the
    courier kept back because they were on trial. `unproved` says whose addresses lack a code,
    `overheard` by which of his channels others read along with the reviewer: those of a group.
    """

    trial: Trial
    state: str
    days: float
    alerts: int
    by_person: Mapping[str, int]
    by_level: Mapping[Level, int]
    incidents: int
    precision: Precision
    refused: int
    unproved: tuple[str, ...]
    overheard: tuple[str, ...] = ()
    end: TrialEnd | None = None

    @property
    def per_day(self) -> float:
        """Messages to the reviewer a day."""
        return self.alerts / max(self.days, 1.0)

    def per_day_of(self, owner_id: str) -> float:
        """Return how many messages a day this person would have got."""
        return self.by_person.get(owner_id, 0) / max(self.days, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDesk:
    """Shows trials and puts them live; `woken` is called after a commit."""

    store: Store
    project: Project
    clock: Clock
    woken: Callable[[], None] = lambda: None

    def listed(self) -> list[TrialView]:
        """Return all trials that the project names, in its order."""
        key = self._key()
        with self.store.read() as queries:
            return [self._view(queries, one, key) for one in self.project.trials]

    def show(self, trial_id: str) -> TrialView:
        """Return one trial. Errors: GroundswellError when the project has none of this id."""
        key = self._key()
        with self.store.read() as queries:
            return self._view(queries, self._trial(trial_id), key)

    def live(self, trial_id: str, by: str, *, note: str = "") -> TrialEnd:
        """Put a trial live: from now on everybody is told himself.

        Errors: GroundswellError when there is none of this id, it is live already, or addresses of
        those who will be told are not confirmed.
        """
        now, key, trial = self.clock.now(), self._key(), self._trial(trial_id)
        with self.store.transaction() as tx:
            view = self._view(tx.queries, trial, key)
            if view.end is not None:
                raise GroundswellError(_is_live(view.end, self.project))
            if view.unproved:
                raise GroundswellError(_unproved_words(trial_id, view.unproved))
            end = TrialEnd(
                trial_id=trial.id,
                at=now,
                by=by,
                since=_first_instant(self.project, trial),
                alerts=view.alerts,
                incidents=view.incidents,
                false_alarms=view.precision.false,
                judged=view.precision.n,
                note=note.strip()[:_NOTE],
            )
            if not tx.end_trial(end):
                raise GroundswellError(f"trial {trial_id!r} went live a moment ago")
            tx.audit(by, "trial_live", trial.id, now, end.note)
        self.woken()
        return end

    def _key(self) -> str:
        return installation_key(self.store, KEY) if needs_codes(self.project) else ""

    def _trial(self, trial_id: str) -> Trial:
        found = next((one for one in self.project.trials if one.id == trial_id), None)
        if found is None:
            known = ", ".join(one.id for one in self.project.trials) or "none"
            raise GroundswellError(
                f"没有试运行 {trial_id!r}，现有：{known} (no trial {trial_id!r}; see: groundswell "
                "trial list)"
            )
        return found

    def _view(self, queries: Queries, trial: Trial, key: str) -> TrialView:
        now, since = self.clock.now(), _first_instant(self.project, trial)
        end = queries.ended_trials().get(trial.id)
        until = end.at if end else now
        alerts = queries.trial_alerts(trial.id)
        named = {one.incident_id for one in alerts if one.incident_id is not None}
        judged = [one for one in alarms_since(queries, since) if one.incident_id in named]
        people = Counter(who for one in alerts for who in one.meant_for.split(",") if who)
        return TrialView(
            trial=trial,
            state="live" if end else "running" if since <= now else "waiting",
            days=max(0.0, (until - since).total_seconds() / _DAY_S),
            alerts=len(alerts),
            by_person=dict(people.most_common()),
            by_level=_levels(queries, sorted(named)),
            incidents=len(named),
            precision=precision_of(trial.id, judged),
            refused=queries.trial_refused(since),
            unproved=tuple(_unproved(queries, self.project, told_by(self.project, trial), key)),
            overheard=overheard(self.project, trial),
            end=end,
        )


def told_by(project: Project, trial: Trial) -> tuple[Owner, ...]:
    """Return everybody who may be told once a trial is live, at whatever hour."""
    if trial.person:
        named = trial.person
    else:
        routes = [one for one in project.routes if _concerns(trial, one)]
        ids = [who for one in routes for who in (one.owner, *one.also, *one.chain)]
        named = tuple(ids) + fallback_line(project)
    people = dict.fromkeys(who for one in named for who in people_of(project, one))
    return tuple(owner for owner in map(project.owner, people) if owner is not None)


def overheard(project: Project, trial: Trial) -> tuple[str, ...]:
    """Return the reviewer's channels that reach a group or another system, not him alone."""
    owner = project.owner(trial.reviewer)
    ways = usable_channels(owner, project) if owner is not None else ()
    return tuple(one.id for one in ways if owner and address_of(owner, one) == one.id)


def lines_for_check(project: Project, ended: Mapping[str, TrialEnd]) -> Iterator[str]:
    """Yield a line for each trial that went live and still stands in the configuration."""
    for trial in project.trials:
        if (end := ended.get(trial.id)) is not None:
            day = end.at.astimezone(project.settings.zone)
            yield f"试运行 {trial.id} 已于 {day:%m-%d} 上线，可删去 (it is live; remove it)"


def _concerns(trial: Trial, route: Route) -> bool:
    if trial.route:
        return route.id in trial.route
    return not route.brand or bool(set(route.brand) & set(trial.brand))


def _unproved(
    queries: Queries, project: Project, people: tuple[Owner, ...], key: str
) -> Iterator[str]:
    if not needs_codes(project):
        return
    proofs = queries.addresses()
    for owner in people:
        for channel in ways_of(owner, project):
            if not is_confirmed(proofs, key, owner, channel):
                yield f"{owner.name}（{owner.id}）的 {channel.id}"


def _levels(queries: Queries, incident_ids: list[IncidentId]) -> dict[Level, int]:
    found = Counter(one.level for one in queries.incidents_named(incident_ids))
    return {level: found[level] for level in sorted(found, reverse=True)}


def _first_instant(project: Project, trial: Trial) -> datetime:
    return datetime.combine(trial.since, time(), project.settings.zone)


def _is_live(end: TrialEnd, project: Project) -> str:
    at = end.at.astimezone(project.settings.zone)
    by = name_of(project, end.by)
    said = f"试运行 {end.trial_id} 已由 {by} 于 {at:%Y-%m-%d %H:%M} 上线"
    return f"{said} (it is live; a new trial needs a new id)"


def _unproved_words(trial_id: str, unproved: tuple[str, ...]) -> str:
    named = "；".join(unproved)
    return (
        f"试运行 {trial_id} 还不能上线：{named} 没有确认过。逐个执行 groundswell people verify 人 "
        "通道，本人回复验证码后再来 (addresses are not confirmed)"
    )


def span_words(view: TrialView) -> str:
    """Say how long a trial has run: "12 天"."""
    return f"{timedelta(days=view.days).days} 天"


def view_lines(view: TrialView, project: Project) -> Iterator[str]:
    """Yield what people read of a trial before they put it live."""
    trial, found = view.trial, view.precision
    what = {"brand": "品牌", "route": "路由", "person": "人员"}[trial.scope]
    state = {"waiting": "未开始", "running": "试运行中", "live": "已上线"}[view.state]
    reviewer = name_of(project, trial.reviewer)
    yield (
        f"{trial.id}：{what} {'、'.join(trial.covered)}，审阅人 {reviewer}，"
        f"{trial.since} 起 {span_words(view)}，{state}"
    )
    often = f"平均每天 {view.per_day:.1f} 条"
    yield f"  给审阅人 {view.alerts} 条，{often}；涉及事件 {view.incidents} 个"
    if view.by_level:
        levels = "、".join(f"{level.zh} {n}" for level, n in view.by_level.items())
        yield f"  按级别：{levels}"
    for who in view.by_person:
        yield f"  本应通知 {name_of(project, who)}：平均每天 {view.per_day_of(who):.1f} 条"
    share = "还没有判断" if found.value is None else f"{found.value:.0%}"
    yield (
        f"  准确率 {share}：属实 {found.true}，误报 {found.false}，未定 {found.undecided}"
        + (f"；95% 区间 {found.low:.0%}–{found.high:.0%}" if found.low is not None else "")
    )
    if view.refused:
        yield f"  发送前拦下 {view.refused} 条：属于试运行而收件人不是审阅人"
    if view.overheard:
        named = "、".join(view.overheard)
        yield f"  审阅人的 {named} 是群或系统的通道，那里的人都看得到；换成他个人的通道更稳妥"
    for line in view.unproved:
        yield f"  地址未确认：{line}"
    if view.end is not None:
        at = view.end.at.astimezone(project.settings.zone)
        yield f"  {at:%Y-%m-%d %H:%M} 由 {name_of(project, view.end.by)} 上线，可从配置里删去"
