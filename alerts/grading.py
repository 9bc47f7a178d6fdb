"""How serious is it: evidence and surge in, a level with every ground for it out.

level = the highest of what the score says, what the surge proves and what no score may outvote
(somebody hurt, a regulator speaking). All of it after alerting.md section 4; thresholds there are
judgement, so each is a named constant or comes from the configuration. What is not known is said to
be unknown and never counted as nought.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import batches, hot
from alerts.growth import times_words
from alerts.launch import Launch, borrowed_reason
from alerts.score import (
    BODILY,
    FACTS_ZH,
    TIERS,
    batch,
    fact_text,
    harm,
    level_of,
    name_of,
    reach,
    rules_of,
    source,
    speed,
    stated_facts,
    unhandled,
)
from config.schema import Levels
from storage.records import Evidence, Grade, Level, Reason, Surge

# 2: hot-search lists; 3: batch signals; 4: launch watch, each ground with the level it asks for
RULE_VERSION = "grade-4"

_SEVERAL = 3  # so many authors who state an injury or a fire make it orange without any surge
# So many authors who state an injury, in an unusual wave: mass harm, red. In China's grading of
# public-health emergencies food poisoning counts as one from 30 people on.
_MASS = 30
_TIER_LEVEL = {
    "trade": Level.ORANGE,
    "provincial": Level.ORANGE,
    "central": Level.RED,
    "regulator": Level.RED,
}
_VIEWS_LEVEL = ((1_000_000, Level.RED), (100_000, Level.ORANGE), (5_000, Level.YELLOW))
_REPOSTS_LEVEL = ((500, Level.YELLOW),)

HOLD = timedelta(hours=6)  # a level falls only after so long below (alerting.md 2.1)
_BELOW = 0.7


@dataclass(frozen=True, slots=True)
class _Ground:
    """Something that sets a level by itself, and how it would not have."""

    level: Level
    reason: Reason
    unless: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The grade to keep, since when it lies below the level held, and why.

    `reason`: "first", "up", "same", "near" (lower, but within 70 %), "waiting" (below for less than
    6 h), "needs_human" (orange and red fall only by a person's word) or "down".
    """

    grade: Grade
    below_since: datetime | None
    reason: str


def grade(
    evidence: Evidence,
    surge: Surge,
    levels: Levels,
    now: datetime,
    opened_at: datetime | None = None,
    *,
    launch: Launch | None = None,
) -> Grade:
    """Grade one cluster as it stands.

    `opened_at`: since when an incident about it has been waiting, None when there is none or
    somebody has handled it; `launch`: the watch that its product is under. Without a sure, fresh
    mention within seven days the level stays at blue; with nothing but history it stays at none
    (decisions.md 5).
    """
    harms = harm(evidence)
    harms += batch(evidence, sum(part.points for part in harms))
    parts = [*speed(surge), *reach(evidence, surge), *harms, *source(evidence)]
    watched = _watched(parts, launch)
    level, _, _ = _level(evidence, surge, watched, levels)
    parts += unhandled(opened_at, now, rules_of(levels, level))
    parts = _watched(parts, launch)
    level, score, grounds = _level(evidence, surge, parts, levels)
    deciding = [ground for ground in grounds if ground.level >= level]
    return Grade(
        level=level,
        score=score,
        reasons=(
            *_merged(grounds, parts),
            *_capped(evidence),
            *_lifted(evidence, surge),
            *borrowed_reason(evidence.borrowed),
        ),
        surge=surge,
        rule_version=RULE_VERSION,
        at=now,
        quiet_if=_quiet_if(level, deciding),
    )


def _watched(parts: list[Reason], launch: Launch | None) -> list[Reason]:
    """Add what a launch watch makes of the points so far."""
    if launch is None:
        return parts
    return [*parts, launch.reason(sum(part.points for part in parts))]


def _level(
    evidence: Evidence, surge: Surge, parts: list[Reason], levels: Levels
) -> tuple[Level, float, list[_Ground]]:
    score = round(min(100.0, sum(part.points for part in parts)), 1)
    grounds = _grounds(evidence, surge, score, levels)
    level = max((ground.level for ground in grounds), default=Level.NONE)
    return min(level, _ceiling(evidence)), score, grounds


def _merged(grounds: list[_Ground], parts: list[Reason]) -> list[Reason]:
    """List what set the level first, then the rest; what did both stands once, with its points."""
    rest = list(parts)
    first = []
    for ground in grounds:
        about = ground.reason.code.removeprefix("trigger")
        twin = next((part for part in rest if part.code.endswith(about)), None)
        if twin is not None:
            rest.remove(twin)
        points = twin.points if twin else ground.reason.points
        first.append(replace(ground.reason, points=points, level=ground.level))
    return first + rest


def _ceiling(evidence: Evidence) -> Level:
    """Return the highest level that what was written within seven days allows."""
    if evidence.live_authors:
        # a whole brand that rises is nobody's trouble in particular: what is grave has a cluster
        return Level.YELLOW if evidence.is_brand else Level.RED
    return Level.BLUE if evidence.watch_authors else Level.NONE


def _capped(evidence: Evidence) -> list[Reason]:
    match _ceiling(evidence):
        case Level.NONE:
            text = "最近 7 天没有新的发言（历史内容不触发预警）"
            return [Reason(code="only_history", text=text)]
        case Level.BLUE:
            text = "最近 7 天只有是否负面尚存疑的发言，最高只到蓝级"
            return [Reason(code="only_unsure", text=text)]
    return []


def _lifted(evidence: Evidence, surge: Surge) -> list[Reason]:
    """Say that the whole brand is lifted, and with whom."""
    pulse = evidence.pulse
    if pulse is None or not (surge.lift > 1.0 or (evidence.is_brand and pulse.wave)):
        return []
    others = "、".join(f"{name}（{times_words(ratio)}）" for name, ratio in pulse.wave)
    with_whom = f"同行也在上升：{others}" if others else "同行没有同时上升"
    if evidence.is_brand:
        return [Reason(code="industry_wave", text=with_whom, value=pulse.wave[0][1])]
    text = f"这个品牌其他话题的声量也是平常的 {times_words(surge.lift)}，已按此折算；{with_whom}"
    return [Reason(code=pulse.reason, text=text, value=surge.lift)]


def settle(
    previous: Grade | None,
    new: Grade,
    levels: Levels,
    *,
    below_since: datetime | None = None,
) -> Settled:
    """Keep the level from flapping: up at once, down slowly, from orange and red by people only.

    `previous` is the grade the incident holds, `below_since` what the last call returned (None at
    first). "Below" means under 0.7 of the held level's score and of the count that fires.
    Source: alerting.md 2.1 and its property P16.
    """
    if previous is None or new.level >= previous.level:
        up = "first" if previous is None else "up" if new.level > previous.level else "same"
        return Settled(new, None, up)
    held = replace(new, level=previous.level, reasons=(_held(previous, new), *new.reasons))
    if _is_near(new, previous.level, levels):
        return Settled(held, None, "near")
    since = below_since or new.at
    if previous.level < Level.ORANGE and new.at - since >= HOLD:
        return Settled(new, None, "down")
    return Settled(held, since, "needs_human" if previous.level >= Level.ORANGE else "waiting")


def _held(previous: Grade, new: Grade) -> Reason:
    how = "须由人决定降级" if previous.level >= Level.ORANGE else "持续回落 6 小时后才降级"
    return Reason(
        code="held",
        text=f"现有依据只到{name_of(new.level)}，保持{name_of(previous.level)}：{how}",
        value=float(new.level),
    )


def _is_near(new: Grade, level: Level, levels: Levels) -> bool:
    surge = new.surge
    return (
        new.score >= _BELOW * rules_of(levels, level).score
        or surge.observed >= _BELOW * surge.threshold
    )


def _grounds(evidence: Evidence, surge: Surge, score: float, levels: Levels) -> list[_Ground]:
    grounds = []
    reached = level_of(score, levels)
    if reached > Level.NONE:
        mark = rules_of(levels, reached).score
        text = f"综合分 {score:g}，达到{name_of(reached)}线 {mark:g}"
        reason = Reason(code="score", text=text, value=score)
        grounds.append(_Ground(reached, reason, f"综合分低于 {mark:g}"))
    if surge.kind != "none":
        level = Level.YELLOW if surge.setting == "page" else Level.BLUE
        reason = speed(surge)[0]
        limit = f"{surge.window_hours} 小时内少于 {surge.threshold:g} 位不同的人"
        grounds.append(_Ground(level, reason, limit))
    if evidence.live_authors:
        grounds += _harm_grounds(evidence, surge)
        grounds += _reach_grounds(evidence, surge)
        grounds += _tier_grounds(evidence)
        grounds += _hot_grounds(evidence, surge)
        grounds += _batch_grounds(evidence)
    return sorted(grounds, key=lambda ground: -ground.level)


def _harm_grounds(evidence: Evidence, surge: Surge) -> list[_Ground]:
    """Apply the hard triggers of harm, each needing more than one unverified voice.

    death: one author orange; two, or any surge, red. injury or fire: one author blue; two yellow;
    three, or two in a watch surge, or one in a page surge, orange. Thirty injured in a page surge
    are mass harm: red; a fire that hurt nobody stays orange.
    """
    stated = stated_facts(evidence)
    found = []
    deaths = stated.get("death", 0)
    if deaths:
        level = Level.RED if deaths > 1 or surge.kind != "none" else Level.ORANGE
        found.append(_harm_ground("death", deaths, level))
    for fact in BODILY:
        authors = stated.get(fact, 0)
        if authors:
            level = _bodily_level(fact, authors, "" if surge.kind == "none" else surge.setting)
            found.append(_harm_ground(fact, authors, level))
    return found


def _bodily_level(fact: str, authors: int, fired: str) -> Level:
    if fired == "page":
        return Level.RED if fact == "injury" and authors >= _MASS else Level.ORANGE
    if authors >= _SEVERAL or (authors > 1 and fired == "watch"):
        return Level.ORANGE
    return Level.YELLOW if authors > 1 else Level.BLUE


def _harm_ground(fact: str, authors: int, level: Level) -> _Ground:
    words = FACTS_ZH[fact]
    text = f"{fact_text(fact, authors)}，至少{name_of(level)}"
    reason = Reason(code=f"trigger_{fact}", text=text, value=float(authors))
    return _Ground(level, reason, f"没有 {authors} 位作者提到{words}")


def _reach_grounds(evidence: Evidence, surge: Surge) -> list[_Ground]:
    """Apply the marks of spread. Two platforms count only together with a surge.

    Why: two complaints on two sites are an everyday thing (alerting.md 4 lists the mark bare).
    """
    found = []
    marks = (
        ("views", evidence.views, "阅读量", _VIEWS_LEVEL),
        ("reposts", evidence.reposts, "转发", _REPOSTS_LEVEL),
    )
    for code, value, words, steps in marks:
        for mark, level in steps:
            if value is not None and value >= mark:
                text = f"{words} {value:,}，超过 {mark:,}，至少{name_of(level)}"
                reason = Reason(code=f"trigger_{code}", text=text, value=float(value))
                found.append(_Ground(level, reason, f"{words}低于 {mark:,}"))
                break
    platforms = len(evidence.platforms)
    if platforms > 1 and surge.kind != "none":
        grown = f"{surge.window_hours} 小时 {surge.observed} 位不同的人"
        text = f"异常增长（{grown}）并出现在 {platforms} 个平台，至少{name_of(Level.YELLOW)}"
        reason = Reason(code="trigger_platforms", text=text, value=float(platforms))
        found.append(_Ground(Level.YELLOW, reason, "只在一个平台出现"))
    return found


def _tier_grounds(evidence: Evidence) -> list[_Ground]:
    found = []
    for tier in evidence.tiers:
        level = _TIER_LEVEL.get(tier)
        if level is not None:
            name = TIERS[tier][1]
            text = f"{name}发声，至少{name_of(level)}"
            reason = Reason(code=f"trigger_{tier}", text=text, value=TIERS[tier][0])
            found.append(_Ground(level, reason, f"没有{name}发声"))
    return found


def _hot_grounds(evidence: Evidence, surge: Surge) -> list[_Ground]:
    level = hot.level(evidence, surge)
    if level is Level.NONE:
        return []
    rank = evidence.hot_rank
    text = f"{hot.words(evidence)}，至少{name_of(level)}"
    value = None if rank is None else float(rank)
    unless = f"不在热搜前 {hot.TOP} 位" if level is Level.RED else "不在热搜榜上"
    return [_Ground(level, Reason(code="trigger_hot", text=text, value=value), unless)]


def _batch_grounds(evidence: Evidence) -> list[_Ground]:
    """Apply the mark of a batch that stands out: a defect, before it is a wave, is yellow."""
    signal = batches.raising(evidence.batches, len(evidence.live_authors))
    if signal is None:
        return []
    text = f"{batches.signal_words(signal)}，至少{name_of(Level.YELLOW)}"
    reason = Reason(code="trigger_batch", text=text, value=round(signal.eb05, 2))
    unless = f"{batches.group_words(signal)}的“{signal.symptom}”不比同款其余更多"
    return [_Ground(Level.YELLOW, reason, unless)]


def _quiet_if(level: Level, deciding: list[_Ground]) -> str:
    """Say what would have kept it below this level; "" when nothing was raised."""
    if level is Level.NONE or not deciding:
        return ""
    unless = "，且".join(ground.unless for ground in deciding)
    space = " " if unless[0].isdigit() else ""  # Chinese typography sets figures apart
    return f"如果{space}{unless}，就不会到{name_of(level)}"
