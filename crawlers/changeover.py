"""A changed source runs beside its old rules until it has shown that it reads no worse. Pure.

In: remembered state, the configured rules, the polls of both. Out: whose rules are in charge.
`SourceState.trial` holds it all as JSON: {"kept": the rules that last took charge} always, with
{"digest", "since", "rounds"} while a change is tried, and "why" and "ended_at" once it was sent
back. Secrets stay references there, as they are in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from statistics import median
from typing import Any

from pydantic import ValidationError

from config.schema import SourceConfig
from crawlers.frontier import DetailResult, PollResult
from crawlers.schedule import config_digest
from storage.records import FetchCause, Json, SourceHealth, SourceState

ROUNDS = 3  # polls of both versions; collect.md asks for a verdict within them
_WORSE_TO_REVERT = 2  # of the rounds: one alone may have been a hiccup of the site
_YIELD = 0.8  # of the items: lists differ by a few between two requests
_DETAIL_FIELDS = ("title", "text", "author", "published_at", "rating")
_FILL = 0.1  # less of a field's share than before
# What a mention cannot do without; other fields may be given up on purpose.
_CORE = ("url", "title", "text", "published")
# What people may change without any effect on how a page is read.
_NOT_READING = {
    *("name", "enabled", "role", "platform", "tier", "region", "channel", "brands", "keywords"),
    *("schedule", "expect", "secrets_expire", "maintainer", "verified", "needs", "terms"),
}


def begin(state: SourceState, source: SourceConfig, now: datetime) -> SourceState:
    """Return the state with which a source is loaded: unchanged rules, a trial, or new rules.

    Rules of a healthy source that read pages in another way go on trial; an ill source takes
    whatever was edited at once and is due. A change that was sent back stays so until it is edited.
    """
    kept, digest = _kept(state), config_digest(source)
    if not state.config_digest or state.trial.get("digest") == digest:
        return state
    if kept == source or state.config_digest == digest:
        return _settled(state, source) if _is_open(state) else _adopted(state, source)
    if state.health is not SourceHealth.OK or kept is None:
        return _fresh(state, source)
    if _reading(kept) == _reading(source):
        return _adopted(state, source)
    trial = {**kept_rules(kept), "digest": digest, "since": now.isoformat(), "rounds": []}
    return replace(state, trial=trial, next_poll_at=None)


def trying(state: SourceState, source: SourceConfig) -> bool:
    """Return whether both versions are to be polled, the one in charge and the configured one."""
    return state.trial.get("digest") == config_digest(source) and "why" not in state.trial


def in_charge(state: SourceState, source: SourceConfig) -> SourceConfig:
    """Return the rules to poll with: the old ones while a change is tried, or was sent back."""
    if state.trial.get("digest") != config_digest(source):
        return source
    return _kept(state) or source


def unbiased(state: SourceState) -> SourceState:
    """Return the state with which changed rules are polled.

    What the old ones made usual is not held against them, and no validator lets them off reading.
    """
    learned = {name: value for name, value in state.learned.items() if name != "shapes"}
    return replace(state, cursors={}, history=(), learned=learned)


def reverted(state: SourceState) -> str:
    """Return why the configured change was sent back, "" when none was."""
    return str(state.trial.get("why", ""))


def judge(
    state: SourceState, old: PollResult, new: PollResult, source: SourceConfig, now: datetime
) -> SourceState:
    """Count one round of both versions; after three the changed rules take over or go back.

    `state` is the one after the poll of the old rules, `source` the changed rules. A round in
    which neither could be read is not counted. Rules that read what the old ones cannot take over
    at once; rules that meet a wall the old ones do not meet go back at once.
    """
    if not trying(state, source):
        return state
    verdict = _compared(state, old, new)
    if verdict is None:
        return state
    rounds = [*state.trial["rounds"], verdict]
    worse = [why for why in rounds if why]
    is_final = new.failure is not None and new.failure.final and bool(verdict)
    if (_is_bad(old) and not verdict) or (len(rounds) >= ROUNDS and not worse):
        return _fresh(state, source, keeps_health=True)
    if is_final or len(worse) >= _WORSE_TO_REVERT:
        trial = {**state.trial, "rounds": rounds, "why": worse[-1], "ended_at": now.isoformat()}
        return replace(state, trial=trial)
    if len(rounds) > ROUNDS and len(worse) < _WORSE_TO_REVERT:
        return _fresh(state, source, keeps_health=True)
    return replace(state, trial={**state.trial, "rounds": rounds})


def with_detail(poll: PollResult, old: DetailResult, new: DetailResult) -> PollResult:
    """Blame a poll of changed rules for a page behind its list that the old ones read better.

    `old` and `new` are one page as read by each version.
    """
    lost = _detail_loss(old, new)
    return replace(poll, unmet=(*poll.unmet, lost)) if lost else poll


def accept(state: SourceState, source: SourceConfig) -> SourceState:
    """Let the configured rules take over whatever the trial says; what was usual is forgotten.

    It also settles an alarm about a page that has really changed for good.
    """
    return _fresh(state, source)


def kept_rules(source: SourceConfig) -> Json:
    """Return what `trial` holds of rules in charge, so that a later change can be compared."""
    return {"kept": source.model_dump(mode="json", by_alias=True)}


def _is_open(state: SourceState) -> bool:
    return "digest" in state.trial


def _settled(state: SourceState, source: SourceConfig) -> SourceState:
    """End a trial because the file says again what is in charge."""
    return replace(state, trial=kept_rules(source), config_digest=config_digest(source))


def _adopted(state: SourceState, source: SourceConfig) -> SourceState:
    """Take rules that read the same; nothing that was learned is lost."""
    if state.config_digest == config_digest(source):
        return state
    return _settled(state, source)


def _fresh(state: SourceState, source: SourceConfig, *, keeps_health: bool = False) -> SourceState:
    """Take the rules at once: counters, validators and what was usual begin anew."""
    return replace(
        state,
        config_digest=config_digest(source),
        health=state.health if keeps_health else SourceHealth.NEW,
        cause=FetchCause.NONE,
        cause_text="",
        failures=0,
        good_polls=0,
        interval_s=0.0,
        next_poll_at=None,
        cursors={},
        validators_lie=False,
        history=(),
        trial=kept_rules(source),
    )


def _kept(state: SourceState) -> SourceConfig | None:
    """Return the rules in charge; None when none are kept or they are no longer understood."""
    kept = state.trial.get("kept")
    if not isinstance(kept, Mapping):
        return None
    try:
        return SourceConfig.model_validate(kept)
    except ValidationError:
        return None


def _reading(source: SourceConfig) -> dict[str, Any]:
    return source.model_dump(mode="json", by_alias=True, exclude=_NOT_READING)


# --- which of two polls read more ----------------------------------------------------------------


def _compared(state: SourceState, old: PollResult, new: PollResult) -> str | None:
    """Say why the new poll is worse, "" when it is not; None when nothing can be said."""
    if _is_ours(old) or _is_ours(new):
        return None
    if _is_bad(new):
        return None if _is_bad(old) else f"新配置未能读取：{_why_bad(new)}"
    if _is_bad(old):
        return ""
    if new.event.outcome == "unchanged":
        return None
    before, now = _usual_items(state, old), new.items - new.unreadable
    if now < _YIELD * before:
        return f"新配置只读到 {now} 条，旧配置 {before:.0f} 条"
    return _poorer(state, old, new) if new.items else ""


def _usual_items(state: SourceState, old: PollResult) -> float:
    """Return what the old rules read: in this round, else (unchanged page) usually."""
    if old.items:
        return old.items - old.unreadable
    return float(median([run["items"] for run in state.history if "items" in run] or [0]))


def _poorer(state: SourceState, old: PollResult, new: PollResult) -> str:
    """Name the first field that the new rules fill less often than the old ones."""
    if old.items:
        before = {name: n / old.items for name, n in old.filled.items()}
    else:
        before = dict(state.history[-1].get("fill", {})) if state.history else {}
    for name, share in before.items():
        if name not in new.filled and name not in _CORE:
            continue
        now = new.filled.get(name, 0) / new.items
        if now < share - _FILL:
            return f"字段 {name} 旧配置读到 {share:.0%}，新配置只有 {now:.0%}"
    return ""


def _detail_loss(old: DetailResult, new: DetailResult) -> str:
    """Say what the new rules do not read of a page; "" when nothing can be held against them."""
    if not old.raws or (new.failure and new.failure.cause is FetchCause.NETWORK):
        return ""
    if not new.raws:
        return f"详情页未能读取：{new.failure.text if new.failure else '没有内容'}"
    before, after = old.raws[0], new.raws[0]
    for name in _DETAIL_FIELDS:
        if getattr(before, name) and not getattr(after, name):
            return f"详情页读不到字段 {name}"
    if len(after.text) < _YIELD * len(before.text):
        return f"详情页正文只剩 {len(after.text)} 字，旧配置 {len(before.text)} 字"
    return ""


def _is_bad(poll: PollResult) -> bool:
    return poll.failure is not None or bool(poll.unmet)


def _is_ours(poll: PollResult) -> bool:
    return poll.failure is not None and poll.failure.cause is FetchCause.NETWORK


def _why_bad(poll: PollResult) -> str:
    return poll.failure.text if poll.failure else "；".join(poll.unmet)
