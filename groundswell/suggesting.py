"""Once a week: which change of one threshold would have spared people most, and what it would cost.

In: the ledger of 28 days. Out: one suggestion, rehearsed over the stored mentions, in words. It is
shown with the command to try it; nothing is ever changed by the program.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from alerts.advice import Candidate, candidates, changed
from alerts.ledger import Alarm, Precision, by_rule, precision_of, rule_words
from config.schema import Project
from groundswell.ledger import DAYS, alarms_since
from storage.queries import Queries
from storage.store import Store

log = logging.getLogger(__name__)

_SAID, _CLAIMED = "ledger_suggestion", "ledger_suggested_in"
_TRIED = 3  # candidates rehearsed at most: each takes up to a minute (docs/adr/0038)
_WORST = 3  # rules named in a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a rehearsal of a candidate came to, over `days` days."""

    days: float
    before: float  # alerts a day
    after: float
    missed: tuple[str, ...]  # codes of incidents that would not have been raised
    lowered: int  # incidents that would have stood at a lower level
    missed_true: tuple[str, ...]  # of both, those that people called true
    delayed: int
    longest: float  # of the delays, in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What was suggested, when, and in which words; `setting` "" when nothing is suggested."""

    at: datetime
    week: str  # the local ISO week, e.g. "2026-W47"
    lines: tuple[str, ...]
    setting: str = ""
    old: float = 0.0
    new: float = 0.0
    command: str = ""


Rehearse = Callable[[Candidate], Tried]


def suggest(
    alarms: Sequence[Alarm], project: Project, now: datetime, rehearse: Rehearse
) -> Suggestion:
    """Return the best change that a rehearsal confirms to miss no true alarm."""
    found = precision_of("all", alarms)
    begun = (
        f"过去 {DAYS} 天有 {len(alarms)} 次预警："
        f"真 {found.true}、误报 {found.false}、未定 {found.undecided}。"
    )
    week = week_of(project, now)
    for candidate in candidates(alarms, project)[:_TRIED]:
        tried = rehearse(candidate)
        if not tried.missed_true:
            return Suggestion(
                at=now,
                week=week,
                lines=(begun, *_words(candidate, tried)),
                setting=candidate.setting,
                old=candidate.old,
                new=candidate.new,
                command=command_of(candidate),
            )
        log.info("suggestion %s misses %s", candidate.setting, ", ".join(tried.missed_true))
    nothing = (
        "没有哪一项阈值改一改就能少误报而不漏真的。" if found.false else "没有误报，不用改阈值。"
    )
    return Suggestion(at=now, week=week, lines=(begun, nothing))


def command_of(candidate: Candidate) -> str:
    """Return the command that shows what a candidate would do; it changes nothing."""
    value = f"{candidate.new:g}"
    return f"groundswell rules rehearse --days {DAYS} --set {candidate.setting}={value}"


def _words(candidate: Candidate, tried: Tried) -> Iterator[str]:
    lowest = (
        f"；同一规则下 {candidate.kept} 次真的预警最低是 {candidate.lowest:g}"
        if candidate.lowest is not None
        else "；这条规则下没有真的预警可比，请谨慎"
    )
    yield (
        f"可以试试把{candidate.what}从 {candidate.old:g} 调到 {candidate.new:g}："
        f"{candidate.avoided} 次误报不会到这一级{lowest}。"
    )
    delayed = f"{tried.delayed} 起会晚一些" if tried.delayed else "没有一起变晚"
    if tried.delayed:
        delayed += f"（最多 {tried.longest / 3600:.1f} 小时）"
    missed = f"{len(tried.missed)} 起不会立案，都不是真的" if tried.missed else "没有一起漏掉"
    if tried.lowered:
        missed += f"，{tried.lowered} 起级别更低，也都不是真的"
    yield (
        f"用存下的 {tried.days:.0f} 天内容重演："
        f"每天通知 {tried.before:.1f} → {tried.after:.1f} 条，"
        f"{missed}，{delayed}。"
    )


def week_of(project: Project, now: datetime) -> str:
    """Return the local ISO week of an instant."""
    year, week, _ = now.astimezone(project.settings.zone).isocalendar()
    return f"{year}-W{week:02}"


def last_suggestion(queries: Queries) -> Suggestion | None:
    """Return what was last suggested, None before the first week was over."""
    text = queries.meta(_SAID)
    if text is None:
        return None
    found = json.loads(text)
    at = datetime.fromisoformat(found.pop("at"))
    return Suggestion(at=at, **found | {"lines": tuple(found["lines"])})


def weekly_lines(queries: Queries, project: Project, since: datetime, day: date) -> tuple[str, ...]:
    """Return what the first digest of a week says of the ledger; () in every other one.

    `since` is where the digest of the local day `day` begins to look.
    """
    monday = day - timedelta(days=day.weekday())
    if since.astimezone(project.settings.zone).date() >= monday:
        return ()
    last = last_suggestion(queries)
    if last is None:
        return ()
    alarms = alarms_since(queries, since - timedelta(days=DAYS))
    return (*last.lines, *worst_rules(by_rule(alarms)))


def worst_rules(rules: Sequence[Precision]) -> list[str]:
    """Return the rules with most false alarms, in words, for a digest."""
    return [
        f"{rule_words(one.name)}：{one.n} 次有定论，误报 {one.false}"
        + (
            f"，准确率 {one.value:.0%}（{one.low:.0%}–{one.high:.0%}）"
            if one.value is not None
            else ""
        )
        for one in rules[:_WORST]
        if one.false
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisor:
    """Makes the suggestion of the week, once, in a thread of its own."""

    store: Store
    project: Project

    def tick(self, now: datetime) -> bool:
        """Make the suggestion when this week has none yet; False when that is done.

        The week is claimed first: what fails, and may have taken a minute, is not tried again
        every minute. `groundswell ledger --suggest` makes it by hand.
        """
        week = week_of(self.project, now)
        if self.store.meta(_CLAIMED) == week:
            return False
        with self.store.transaction() as tx:
            tx.set_meta(_CLAIMED, week)
        self.make(now)
        return True

    def make(self, now: datetime) -> Suggestion:
        """Make the suggestion of this instant and keep it."""
        with self.store.read() as queries:
            alarms = alarms_since(queries, now - timedelta(days=DAYS))
        found = suggest(
            alarms, self.project, now, rehearsal_of(self.store, self.project, alarms, now)
        )
        with self.store.transaction() as tx:
            said = asdict(found) | {"at": found.at.isoformat()}
            tx.set_meta(_SAID, json.dumps(said, ensure_ascii=False))
        log.info("suggestion week=%s setting=%s", found.week, found.setting or "-")
        return found


def rehearsal_of(
    store: Store, project: Project, alarms: Sequence[Alarm], now: datetime
) -> Rehearse:
    """Return what rehearses a candidate over the last days as they are stored."""
    true = {alarm.code for alarm in alarms if alarm.verdict == "true"}
    since = now - timedelta(days=DAYS)

    def tried(candidate: Candidate) -> Tried:
        from groundswell.rehearsal import rehearse

        other = changed(project, candidate)
        found = rehearse(project, store, other, since=since, until=now)
        days = (found.until - found.since) / timedelta(days=1)
        lower = [one.real.code for one in found.moved if one.rehearsed.level < one.real.level]
        missed = tuple(one.code for one in found.missed)
        return Tried(
            days=days,
            before=sum(found.alerts_before.values()) / days,
            after=sum(found.alerts_after.values()) / days,
            missed=missed,
            lowered=len(lower),
            missed_true=tuple(one for one in (*missed, *lower) if one in true),
            delayed=len(found.delayed),
            longest=max((one.delay_s for one in found.delayed), default=0.0),
        )

    return tried
