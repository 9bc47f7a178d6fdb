"""A source that changes its kind of text is named; one that only wobbles is left alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from config.schema import Owner, Project
from groundswell.drift import (
    EDGES,
    SAMPLE,
    Drift,
    DriftCheck,
    drift_of,
    is_over,
    judge,
    measure,
    past_days,
    psi,
)
from groundswell.models import Live
from groundswell.upkeep import Upkeep
from storage.records import DriftDay, RawMention, SourceId
from storage.store import Store
from tests.groundswell.test_pipeline import project
from tests.groundswell.test_upkeep import source

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BBS = SourceId("bbs")
USUAL = (0.02, 0.05, 0.1, 0.2, 0.2, 0.15, 0.12, 0.08, 0.05, 0.03)
HARSH = (0.005, 0.01, 0.03, 0.06, 0.08, 0.12, 0.2, 0.25, 0.165, 0.08)


def days(
    n: int,
    *,
    a_day: int = 80,
    seed: int = 1,
    change: int | None = None,
    kind: Sequence[float] = USUAL,
    unknown: float = 0.06,
) -> list[DriftDay]:
    """Days of a source; from `change` on with another kind of text. Each day wobbles by itself."""
    chance = np.random.default_rng(seed)
    found = []
    for day in range(n):
        is_new = change is not None and day >= change
        size = min(SAMPLE, int(chance.poisson(a_day * (0.5 if day % 7 > 4 else 1))))
        shares = chance.dirichlet(np.array(kind if is_new else USUAL) * 50)
        rare = unknown if is_new else 0.06
        share = chance.beta(500 * rare, 500 * (1 - rare))
        found.append(
            DriftDay(
                source_id=BBS,
                day=FIRST + timedelta(days=day),
                model_version="m1",
                n=size,
                histogram=tuple(chance.multinomial(size, shares).tolist()),
                unsure_share=float(chance.binomial(size, 0.2) / size) if size else 0.0,
                unknown_share=float(share) if size else 0.0,
            )
        )
    return found


def notices(seen: Sequence[DriftDay]) -> Iterator[tuple[int, Drift]]:
    """Judge night by night as the check does: told once, forgotten when calm."""
    told_at: datetime | None = None
    for end in range(1, len(seen) + 1):
        found = judge(BBS, seen[max(0, end - 37) : end])
        now = FIRST + timedelta(days=end)
        if found.state == "changed" and told_at is None:
            told_at = now
            yield end - 1, found
        elif told_at is not None and is_over(found, told_at, now):
            told_at = None


@pytest.mark.parametrize("a_day", [20, 80, 300])
def test_sixty_days_of_wobbling_raise_at_most_one_false_notice(a_day: int) -> None:
    told = [len(list(notices(days(98, a_day=a_day, seed=seed)))) for seed in range(8)]

    assert max(told) <= 1
    assert sum(told) <= 3


@pytest.mark.parametrize("a_day", [20, 80, 300])
def test_another_kind_of_text_is_named_within_ten_days(a_day: int) -> None:
    for seed in range(4):
        found = [at for at, _ in notices(days(98, a_day=a_day, seed=seed, change=60, kind=HARSH))]
        assert any(60 < at <= 70 for at in found), (seed, found)


def test_words_that_the_model_does_not_know_are_named() -> None:
    told = [(at, found) for at, found in notices(days(80, change=60, unknown=0.14)) if at >= 60]

    [(at, found)] = told
    assert at <= 70
    assert any("不认识的词" in reason for reason in found.reasons)
    assert found.unknown is not None
    assert found.unknown[0] < 0.08 < 0.12 < found.unknown[1]


def test_a_scandal_of_one_day_is_no_drift() -> None:
    seen = days(70)
    harsh = days(70, change=0, kind=HARSH, seed=5)

    told = [at for at, _ in notices([*seen[:50], harsh[50], *seen[51:]])]
    assert told == [at for at, _ in notices(seen)]


def test_few_texts_are_not_judged() -> None:
    assert judge(BBS, days(60, a_day=5)).state == "few"
    assert judge(BBS, days(15)).state == "few"
    assert judge(BBS, []).state == "few"


def test_psi_is_nought_for_alike_and_grows_with_the_difference() -> None:
    assert psi([10, 20, 30], [10, 20, 30]) == 0
    assert psi([10, 20, 30], [30, 20, 10]) > psi([10, 20, 30], [15, 20, 25]) > 0
    assert psi([0, 0, 60], [60, 0, 0]) < 20  # empty bins are no infinity


NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
CALM = ("煮了小米粥很香", "颜色和图片一样", "送货挺快", "泡茶正好", "孩子喜欢", "说明书清楚")
ODD = (
    "蹲一个同城面基",
    "扩列互粉滴滴",
    "求拼车去漫展",
    "代肝日常有偿",
    "低价出谷子",
    "磕到了家人们",
)


def text(chance: random.Random, words: Sequence[str]) -> str:
    return "，".join(chance.sample(list(words), 3)) + f"，第{chance.randrange(10**6)}次来"


def people(*names: str) -> Project:
    engineer = Owner(id="gao", name="高工", role="engineer", channels=("hook",), digest_at=None)
    return project().model_copy(
        update={
            "owners": (*project().owners, engineer),
            "sources": tuple(source(name) for name in names),
        }
    )


def fill(store: Store, name: str, day: datetime, words: Sequence[str], n: int) -> None:
    chance = random.Random(f"{name}{day}")
    raws = [
        RawMention(
            source_id=SourceId(name),
            platform="论坛",
            text=text(chance, words),
            native_id=f"{name}{day:%m%d}{number}",
            author=f"用户{number}",
            observed_at=day + timedelta(hours=9),
            published_at=day + timedelta(hours=8),
        )
        for number in range(n)
    ]
    with store.transaction() as tx:
        tx.keep(raws, day)


def test_the_nightly_check_measures_tells_once_and_remembers(store: Store) -> None:
    rules = people("bbs", "quiet")
    live = Live.of(store)
    upkeep = Upkeep(store=store, project=rules, base_url="https://gs.test")
    ended = past_days(NOW, rules.settings.zone)
    for number, day in enumerate(ended):
        fill(store, "bbs", day, CALM if number < len(ended) - 5 else ODD, 40)

    told = []
    for _ in range(3):  # three starts: what was told stands in the database
        check = DriftCheck(store, rules, live, upkeep)
        told.append(sum(check.tick(NOW + timedelta(minutes=m)) for m in range(8)))

    with store.read() as queries:
        found = drift_of(queries, rules, NOW)
        [intent] = queries.intents()
        measured = queries.drift_days(ended[0])
    assert told == [1, 0, 0]
    assert len(measured) == 2 * len(ended)
    assert found[BBS].state == "changed"
    assert found[SourceId("quiet")].state == "few"
    assert intent.recipient_id == "gao"
    assert intent.subject.startswith("【信源文字变了】家电论坛bbs")
    assert "groundswell model drift" in intent.body


def test_a_measured_day_counts_every_text_once() -> None:
    from classify.sentiment import Scorer
    from tests.make import make_mention

    chance = random.Random(3)
    mentions = [make_mention(n, title="", text=text(chance, CALM)) for n in range(1, 31)]
    day = measure(Scorer.load(), mentions, source_id=BBS, day=FIRST, band=(0.35, 0.65))
    none = measure(Scorer.load(), [], source_id=BBS, day=FIRST, band=(0.35, 0.65))

    assert sum(day.histogram) == day.n == 30
    assert len(day.histogram) == len(EDGES) + 1
    assert 0 <= day.unsure_share <= 1
    assert 0 <= day.unknown_share < 0.5
    assert (none.n, sum(none.histogram), none.unsure_share, none.unknown_share) == (0, 0, 0, 0)


def test_days_end_at_midnight_of_the_project_and_count_at_three() -> None:
    zone = project().settings.zone
    before = past_days(datetime(2026, 3, 9, 18, 30, tzinfo=UTC), zone)  # 02:30 on the 10th
    after = past_days(datetime(2026, 3, 9, 19, 30, tzinfo=UTC), zone)

    assert before[-1].date().isoformat() == "2026-03-08"
    assert after[-1].date().isoformat() == "2026-03-09"
    assert all(day.hour == 0 for day in after)
