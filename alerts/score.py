"""The score of a cluster, 0 to 100: speed, reach, harm, source and waiting, each with its ground.

In: evidence and surge. Out: reasons with points and the figure behind them, in Chinese. Shares and
marks after alerting.md section 4; where that page names no number, the number is judgement.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from math import log10

from alerts import batches, hot
from alerts.growth import times_words
from config.schema import LevelName, LevelRules, Levels
from storage.records import Evidence, Level, Reason, Surge

SPEED, REACH, HARM, SOURCE, UNHANDLED = 30.0, 25.0, 25.0, 10.0, 10.0  # points of a full score

# speed: from -log10(p), nought at 3 and full at 12; full only from ten times the usual.
_SPEED_FROM, _SPEED_TO, _FULL_RATIO = 3.0, 12.0, 10.0
# reach: log-scale between these marks (alerting.md 4; 5,000 views and 500 reposts are the courts'
# marks of 2013 for "serious"; the marks below and above the documented ones continue the scale).
_VIEWS = ((500.0, 0.0), (5_000.0, 0.4), (100_000.0, 0.7), (1_000_000.0, 1.0))
_REPOSTS = ((50.0, 0.0), (500.0, 0.4), (5_000.0, 0.7), (50_000.0, 1.0))
_MANY_PLATFORMS, _MANY_PLATFORMS_SHARE = 3, 0.2

# harm: what authors state. "child" alone is who was concerned, not that somebody was harmed; it
# weighs as money does until an injury, a fire or food stands beside it. Regulator, lawyer, media
# and gathering are words turning into action, not harm.
_HARM = {
    "death": 1.0,
    "injury": 0.9,
    "fire": 0.9,
    "food": 0.9,
    "data_leak": 0.9,
    "privacy": 0.6,
    "discrimination": 0.6,
    "gathering": 0.6,
    "child": 0.3,
    "money": 0.3,
    "regulator": 0.3,
    "lawyer": 0.3,
    "media": 0.3,
}
# A batch that stands out tells that more is to come, not yet that anybody was harmed.
_BATCH = 0.6
_ONE_VOICE = 0.5  # a fact that one author states counts half until a second one says so
BODILY = ("injury", "fire")
FACTS_ZH = {
    "death": "有人死亡",
    "injury": "有人受伤或身体不适",
    "fire": "起火或爆炸",
    "food": "食品安全问题",
    "data_leak": "信息泄露",
    "privacy": "隐私受侵犯",
    "discrimination": "歧视",
    "gathering": "聚集维权",
    "child": "孩子",
    "money": "较大金额损失",
    "regulator": "向监管部门投诉",
    "lawyer": "走法律途径",
    "media": "找媒体曝光",
}

TIERS = {
    "large_account": (0.4, "大号"),
    "trade": (0.6, "行业媒体"),
    "provincial": (0.8, "省级媒体"),
    "central": (1.0, "中央媒体"),
    "regulator": (1.0, "监管部门"),
}
# First reaction to the customer against acknowledge (alerting.md 4: 24 h to 4 h, 2 h to 30 min,
# 1 h to 15 min, 30 min to 5 min): about six times as long.
_REACTION_PER_ACK = 6

_NAMES: dict[Level, LevelName] = {
    Level.BLUE: "blue",
    Level.YELLOW: "yellow",
    Level.ORANGE: "orange",
    Level.RED: "red",
}


def speed(surge: Surge) -> list[Reason]:
    """Give up to 30 points for how unlikely and how many times the usual the count is."""
    text = _surge_text(surge)
    if surge.reason in {"nothing_recent", "below_min_authors"}:
        return [Reason(code=surge.reason, text=text, value=float(surge.observed))]
    rare = -log10(max(surge.p_value, 1e-300))
    share = _clip((rare - _SPEED_FROM) / (_SPEED_TO - _SPEED_FROM))
    share *= _clip(log10(max(surge.ratio, 1.0)) / log10(_FULL_RATIO))
    return [
        Reason(
            code=surge.reason,
            text=text,
            value=float(surge.observed),
            points=round(SPEED * share, 1),
        )
    ]


def _surge_text(surge: Surge) -> str:
    seen = f"{surge.window_hours} 小时内有 {surge.observed} 位不同的人在说"
    usual = f"平常{_figure(surge.expected)} 位"
    match surge.kind:
        case "ramp":
            return f"两周来逐日攀升：{seen}，{usual}"
        case "spike":
            return f"{seen}，{usual}，是平常的 {times_words(surge.ratio)}"
    if surge.reason == "nothing_recent":
        return "最近 48 小时没有新的发言"
    if surge.reason == "below_min_authors":
        return f"{seen}，人数太少，不足以判断（至少 {surge.threshold:g} 位）"
    return f"{seen}，{usual}，未见异常（到 {surge.threshold:g} 位才算）"


def reach(evidence: Evidence, surge: Surge) -> list[Reason]:
    """Give up to 25 points for views, reposts, hot-search lists and platforms.

    The furthest-reaching of the first three alone counts. What is unknown is named so.
    """
    marks = (("views", evidence.views, _VIEWS), ("reposts", evidence.reposts, _REPOSTS))
    shares = {
        code: _on_scale(value, scale) for code, value, scale in marks if value is not None
    } | {"hot": hot.share(evidence, surge)}
    best = max(shares, key=lambda code: shares[code])
    points = {code: round(REACH * shares[code], 1) if code == best else 0.0 for code in shares}
    words = {"views": "阅读量", "reposts": "转发"}
    found = [
        Reason(
            code=f"reach_{code}",
            text=f"{words[code]} {value:,}",
            value=float(value),
            points=points[code],
        )
        for code, value, _ in marks
        if value is not None
    ]
    unknown = [words[code] for code, value, _ in marks if value is None]
    if unknown:
        text = f"{'和'.join(unknown)}未知（来源没有给出）"
        found.append(Reason(code="reach_unknown", text=text))
    ranked = hot.reason(evidence, surge, points["hot"])
    found += [ranked] if ranked is not None else []
    if len(evidence.platforms) >= _MANY_PLATFORMS:
        room = REACH * (1.0 - shares[best])
        text = f"出现在 {len(evidence.platforms)} 个平台"
        more = round(min(room, REACH * _MANY_PLATFORMS_SHARE), 1)
        value = float(len(evidence.platforms))
        found.append(Reason(code="reach_platforms", text=text, value=value, points=more))
    return found


def _on_scale(value: float, marks: tuple[tuple[float, float], ...]) -> float:
    """Read a share off a piecewise line over the logarithm of `value`."""
    if value <= marks[0][0]:
        return 0.0
    for (low, share_low), (high, share_high) in pairwise(marks):
        if value <= high:
            part = log10(value / low) / log10(high / low)
            return share_low + part * (share_high - share_low)
    return 1.0


def fact_text(fact: str, authors: int) -> str:
    """Word one fact with the number of authors who state it."""
    alone = "（一人之言，未经证实）" if authors == 1 else ""
    return f"{authors} 位作者提到{FACTS_ZH.get(fact, fact)}{alone}"


def stated_facts(evidence: Evidence) -> dict[str, int]:
    """Return how many authors state each fact, at most as many as wrote within seven days.

    Why: counts of facts cover the cluster's whole life, and what was said before (or imported as
    history) must not page today.
    """
    fresh = len({author for _, author in evidence.live_authors})
    counts = {fact: min(count, fresh) for fact, count in evidence.severity if count > 0}
    return {fact: count for fact, count in counts.items() if count}


def harm(evidence: Evidence) -> list[Reason]:
    """Name every fact; the gravest one alone gives the points."""
    stated = stated_facts(evidence)
    shares = {}
    for fact, authors in stated.items():
        share = _HARM.get(fact, 0.0)
        if fact == "child" and any(other in stated for other in (*BODILY, "food", "death")):
            share = _HARM["injury"]
        shares[fact] = share * (1.0 if authors > 1 else _ONE_VOICE)
    gravest = max(shares, key=lambda fact: shares[fact], default=None)
    return [
        Reason(
            code=f"harm_{fact}",
            text=fact_text(fact, authors),
            value=float(authors),
            points=round(HARM * shares[fact], 1) if fact == gravest else 0.0,
        )
        for fact, authors in stated.items()
    ]


def batch(evidence: Evidence, given: float) -> list[Reason]:
    """Name the batch (or version, model, region) that stands out; it fills harm up to its share.

    `given`: the points that harm has given already.
    """
    signal = batches.raising(evidence.batches, len(evidence.live_authors))
    if signal is None:
        return []
    points = round(max(0.0, HARM * _BATCH - given), 1)
    text = batches.signal_words(signal)
    return [Reason(code="harm_batch", text=text, value=round(signal.eb05, 2), points=points)]


def source(evidence: Evidence) -> list[Reason]:
    """Give up to 10 points for who speaks: the highest media tier among the mentions."""
    known = [tier for tier in evidence.tiers if tier in TIERS]
    if not known:
        return []
    top = max(known, key=lambda tier: TIERS[tier][0])
    share, name = TIERS[top]
    return [Reason(code=f"source_{top}", text=f"{name}发声", value=share, points=SOURCE * share)]


def unhandled(opened_at: datetime | None, now: datetime, rules: LevelRules) -> list[Reason]:
    """Give up to 10 points for waiting, full at about six times the time to acknowledge."""
    if opened_at is None or now <= opened_at:
        return []
    age = now - opened_at
    points = round(UNHANDLED * _clip(age / (rules.ack_within * _REACTION_PER_ACK)), 1)
    hours = age.total_seconds() / 3600
    text = f"已等待 {hours:.1f} 小时，尚未处理"
    return [Reason(code="unhandled", text=text, value=round(hours, 2), points=points)]


def level_of(score: float, levels: Levels) -> Level:
    """Return the level whose line a score reaches, NONE below blue."""
    reached = [level for level in _NAMES if score >= rules_of(levels, level).score]
    return max(reached, default=Level.NONE)


def rules_of(levels: Levels, level: Level) -> LevelRules:
    """Return the rules of a level; NONE has those of blue, the mildest."""
    return levels.named(_NAMES.get(level, "blue"))


def name_of(level: Level) -> str:
    """Return how people call a level."""
    return f"{level.zh}级" if level else "无预警"


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))


def _figure(value: float) -> str:
    if value < 0.1:
        return "不到 0.1"
    return f"约 {value:.1f}" if value < 10 else f"约 {value:.0f}"
