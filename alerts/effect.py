"""Whether an answer in public worked: new people per day before and after it.

In: when each person was first heard of, and when the brand answered. Out: the ratio of the two
rates with its interval, and a verdict in words. A fall after an answer is no proof that the answer
brought it about; what could not be seen is called unknown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

WINDOW = timedelta(hours=48)  # before and after: two days and nights, so that hours weigh alike
EARLIEST = timedelta(hours=24)  # less holds no whole day: mornings would be compared with nights
_SHORTEST = timedelta(hours=1)  # of the time before: the first complaint may just have come
_CONFIDENCE = 0.95

Verdict = Literal["fell", "rose", "unclear", "too_early", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What came after one answer. Rates are new people per day; None where they say nothing.

    `ratio` is the rate after over the rate before, with its 95 % interval `low` to `high`.
    """

    at: datetime
    verdict: Verdict
    text: str
    before: int = 0  # new people within the window before, of `hours_before` hours
    after: int = 0
    hours_before: float = 0.0
    hours_after: float = 0.0
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


def effect_of(
    at: datetime, newcomers: Sequence[datetime], now: datetime, *, is_blind: bool = False
) -> Effect:
    """Judge an answer given at `at`.

    Shape: `newcomers` are the instants at which each person was first heard of, oldest first.
    `is_blind`: a source did not answer in one of the two windows. The interval is that of the
    conditional binomial test of two Poisson rates (Przyborowski and Wilenski 1940): given their
    sum, the count after is binomial; Clopper-Pearson limits of its share are carried over.
    """
    if now - at < EARLIEST:
        return Effect(at=at, verdict="too_early", text="回应不到 24 小时，还看不出效果")
    if is_blind:
        text = "前后 48 小时里有信源没有采到，效果未知"
        return Effect(at=at, verdict="unknown", text=text)
    begins, until = at - WINDOW, min(now, at + WINDOW)
    first = bisect_left(newcomers, begins)
    answered, last = bisect_left(newcomers, at), bisect_left(newcomers, until)
    before = answered - first
    if first == 0 and before:
        # the watch begins with the first person, who then tells nothing of the pace
        begins, before = newcomers[0], before - 1
    if at - begins < _SHORTEST:
        text = "回应时事件刚开始，之前的时间太短，没法比较"
        return Effect(at=at, verdict="unclear", text=text)
    return _compared(at, before, last - answered, at - begins, until - at)


def _compared(
    at: datetime, before: int, after: int, long_before: timedelta, long_after: timedelta
) -> Effect:
    hours = (long_before / timedelta(hours=1), long_after / timedelta(hours=1))
    if before + after == 0:
        text = "回应前后都没有新的人投诉，看不出变化"
        return Effect(
            at=at,
            verdict="unclear",
            text=text,
            hours_before=hours[0],
            hours_after=hours[1],
        )
    low, high = rate_ratio_interval(after, before, hours[0] / hours[1])
    verdict: Verdict = "fell" if high < 1 else "rose" if low > 1 else "unclear"
    found = Effect(
        at=at,
        verdict=verdict,
        text="",
        before=before,
        after=after,
        hours_before=hours[0],
        hours_after=hours[1],
        ratio=after / before * hours[0] / hours[1] if before else None,
        low=low,
        high=high,
    )
    return replace(found, text=_words(found))


def rate_ratio_interval(after: int, before: int, exposure: float) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of two Poisson rates; see `effect_of`.

    `exposure` is the time before over the time after. Infinite above where nobody came before.
    """
    from scipy.stats import binomtest  # costs 300 ms of start-up

    share = binomtest(after, after + before).proportion_ci(_CONFIDENCE, method="exact")

    def odds(one: float) -> float:
        return float("inf") if one >= 1 else one / (1 - one) * exposure

    return odds(float(share.low)), odds(float(share.high))


_SAID = {
    "fell": "新投诉的人明显变少",
    "rose": "新投诉的人明显变多",
    "unclear": "看不出明显变化",
}


def _words(found: Effect) -> str:
    days = (found.before / found.hours_before * 24, found.after / found.hours_after * 24)
    rates = f"每天新增投诉人 回应前 {days[0]:.1f} 位、回应后 {days[1]:.1f} 位"
    high = "无上限" if found.high in {None, float("inf")} else f"{found.high:.2f}"
    times = f"{found.ratio:.2f} 倍" if found.ratio is not None else "倍数未知"
    interval = f"95% 区间 {found.low:.2f}–{high}"
    return f"{_SAID[found.verdict]}：{rates}，为之前的 {times}（{interval}）"
