"""Is a broken page noticed, and is a quiet source left alone?

Good pages of seven layouts are broken in every way of bench.health_pages after a day of good
polls, at two rhythms; noticed is what leaves good health within three polls. Then the same sources
are merely quiet or odd for days: every alarm there is false. python -m bench health
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.health_pages import BENIGN, LAYOUTS, SHANGHAI, Layout, Mutation, broken_ways, posts
from config.schema import SourceConfig
from crawlers.downloader import Fetched
from crawlers.health import judged
from crawlers.readers import read_page
from crawlers.visits import Visit
from storage.records import SourceHealth, SourceId, SourceState

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=SHANGHAI)
POLLS = 3
WARM = 12  # good polls before anything happens
RHYTHMS = {"20 min": timedelta(minutes=20), "5 h": timedelta(hours=5)}
EVERY = timedelta(hours=2)  # between polls: half a day shows a busy page turned over
_QUIET_POLLS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mutation of one layout at one rhythm, and what came of it."""

    layout: str
    name: str
    rhythm: str
    polls: int  # until it left good health, 0 for never
    said: str


def source_of(layout: Layout) -> SourceConfig:
    """Return the source that reads a layout."""
    expect = {"max_silence": "auto"}
    return SourceConfig.model_validate({"expect": expect, **layout.rules})


def poll(source: SourceConfig, state: SourceState, now: datetime, body: bytes) -> SourceState:
    """Poll once, with the page at hand instead of the network."""
    start, at = source.start[0], now
    visit = Visit(source, state, at, frozenset(state.seen))
    page = Fetched(url=start, status=200, body=body)
    parsed = read_page(body, start, "", source, at, history=state.last_ok_at is None)
    visit.take(parsed)
    if parsed.failure is not None:
        visit.fail(parsed.failure, page)
    else:
        visit.keep_validators(start, page)
        visit.unmet += parsed.unmet
        visit.look_for_gap(start, list(parsed.keys))
    return judged(visit.result(keep_pages=False), source, at).state


def body_of(
    layout: Layout, until: datetime, now: datetime, rhythm: timedelta, mutate: Mutation | None
) -> bytes:
    """Return the page of a layout with what was written up to an instant."""
    page = layout.write(posts(7, until, rhythm, layout.shown), now)
    if mutate is None:
        return page.encode(layout.charset, "replace")
    chance = random.Random(f"{layout.name}/{now}")
    page = mutate(page, layout, chance)
    try:
        return page.encode(layout.charset)
    except UnicodeEncodeError:
        return page.encode()


def warmed(layout: Layout, source: SourceConfig, rhythm: timedelta) -> SourceState:
    """Return the state of a source after a day of good polls."""
    state = SourceState(source_id=SourceId(source.id))
    for n in range(WARM, 0, -1):
        now = NOW - n * EVERY
        state = poll(source, state, now, body_of(layout, now, now, rhythm, None))
    if state.health is not SourceHealth.OK:
        raise RuntimeError(f"layout {layout.name} is not read well: {state.cause_text}")
    return state


def broken_cases() -> Iterator[Case]:
    """Break every layout in every way, at every rhythm."""
    for layout in LAYOUTS:
        source = source_of(layout)
        for rhythm_name, rhythm in RHYTHMS.items():
            before = warmed(layout, source, rhythm)
            for name, mutate in broken_ways(layout).items():
                state, polls = before, 0
                for n in range(POLLS):
                    now = NOW + n * EVERY
                    body = body_of(layout, now, now, rhythm, mutate)
                    if body == body_of(layout, now, now, rhythm, None):
                        break  # it does nothing to this layout
                    state = poll(source, state, now, body)
                    if state.health is not SourceHealth.OK:
                        polls = n + 1
                        break
                else:
                    yield _case(layout, name, rhythm_name, 0, state)
                if polls:
                    yield _case(layout, name, rhythm_name, polls, state)


def benign_cases() -> Iterator[Case]:
    """Let every layout be quiet or odd for a day, in every way, at every rhythm."""
    for layout in LAYOUTS:
        source = source_of(layout)
        for rhythm_name, rhythm in RHYTHMS.items():
            before = warmed(layout, source, rhythm)
            for name, mutate in BENIGN.items():

                def changed(now: datetime, mutate: Mutation = mutate) -> bytes:
                    return body_of(layout, now, now, rhythm, mutate)  # noqa: B023 - used at once

                yield _quiet(layout, source, name, rhythm_name, before, changed, _QUIET_POLLS)

            def nothing_new(now: datetime) -> bytes:
                return body_of(layout, NOW, now, rhythm, None)  # noqa: B023 - used at once

            def a_holiday_then_news(now: datetime) -> bytes:
                until = NOW if now < NOW + timedelta(days=8) else now
                return body_of(layout, until, now, rhythm, None)  # noqa: B023 - used at once

            yield _quiet(layout, source, "十天没有新内容", rhythm_name, before, nothing_new, 120)
            yield _quiet(layout, source, "长假之后", rhythm_name, before, a_holiday_then_news, 110)


def _quiet(
    layout: Layout,
    source: SourceConfig,
    name: str,
    rhythm: str,
    state: SourceState,
    body_at: Callable[[datetime], bytes],
    polls: int,
) -> Case:
    for n in range(polls):
        now = NOW + n * EVERY
        state = poll(source, state, now, body_at(now))
        if state.health is not SourceHealth.OK:
            return _case(layout, name, rhythm, n + 1, state)
    return _case(layout, name, rhythm, 0, state)


def _case(layout: Layout, name: str, rhythm: str, polls: int, state: SourceState) -> Case:
    said = f"{state.cause.value}: {state.cause_text}"
    return Case(layout=layout.name, name=name, rhythm=rhythm, polls=polls, said=said)


def main() -> int:
    """Print recall, precision and every case that went wrong; 1 when a goal is missed."""
    began = time.process_time()
    broken, benign = list(broken_cases()), list(benign_cases())
    missed = [case for case in broken if not case.polls]
    alarms = [case for case in benign if case.polls]
    found = len(broken) - len(missed)
    print(f"broken   {len(broken)} mutations of {len(LAYOUTS)} layouts, two rhythms each")
    for n in range(1, POLLS + 1):
        print(f"         noticed with poll {n}: {sum(case.polls == n for case in broken)}")
    print(f"         recall within {POLLS} polls {found / len(broken):.3f}")
    print(f"benign   {len(benign)} variations, {sum(_polls_of(case) for case in benign)} polls")
    print(f"         false alarms {len(alarms)}, precision {found / (found + len(alarms)):.3f}")
    for word, cases in (("missed", missed), ("alarm", alarms)):
        for case in cases:
            print(f"{word:8} {case.layout} / {case.rhythm} / {case.name}: {case.said}")
    if "-v" in sys.argv:
        for case in broken:
            print(f"{case.polls} {case.layout} / {case.rhythm} / {case.name}: {case.said}")
    print(f"CPU {time.process_time() - began:.1f} s")
    return 1 if alarms or found < 0.95 * len(broken) else 0


def _polls_of(case: Case) -> int:
    if case.polls:
        return case.polls
    return {"十天没有新内容": 120, "长假之后": 110}.get(case.name, _QUIET_POLLS)


if __name__ == "__main__":
    sys.exit(main())
