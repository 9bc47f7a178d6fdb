"""Each source's scores are put right while the program runs, and every verdict can be replayed."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from classify.fits import Fits
from config.load import load
from config.schema import Brand, Project
from groundswell import wiring
from groundswell.adapting import AT_ONCE, MOVES, SourceScores, adaptation_of, described, why
from groundswell.replay import SteppedClock
from groundswell.wiring import Application
from storage import migrate
from storage.records import RawMention, SourceAdaptation, SourceId, Verdict
from storage.store import Store

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
FORUM = SourceId("luntan")
CHAT = (
    "澜禾净水器{}月搞活动，有人一起拼单吗，{}楼的先来",
    "求问澜禾净水器{}寸滤芯能用多久，我家{}口人",
    "澜禾净水器装在橱柜里，留{}厘米就够，{}号师傅上门",
    "今天路过澜禾的店，新出了{}升的机器，要{}元",
    "澜禾净水器太差了，第{}次漏水，客服{}天不回，垃圾",
    "转让澜禾净水器滤芯{}个，全新，{}元包邮",
)


def said(n: int, source: SourceId = FORUM) -> RawMention:
    chance = random.Random(n)
    text = CHAT[n % 6].format(chance.randrange(2, 90), chance.randrange(2, 990))
    return RawMention(
        source_id=source,
        platform="论坛",
        text=text,
        native_id=f"{source}-{n}",
        author=f"网友{n}",
        observed_at=NOW,
        published_at=NOW - timedelta(minutes=n),
    )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
def application(store: Store, clock: SteppedClock) -> Application:
    return wiring.wire(Project(brands=(Brand(id="lanhe", name="澜禾"),)), store, clock)


def take(
    application: Application, numbers: range, source: SourceId = FORUM, at: datetime = NOW
) -> None:
    raws = [replace(said(n, source), observed_at=at) for n in numbers]
    with application.store.transaction() as tx:
        application.journey.keep(tx, raws, at)
    application.stages.drain()


def current(application: Application) -> dict[str, SourceAdaptation]:
    with application.store.read() as queries:
        return {str(one.source_id): one for one in queries.adaptations()}


def newest(application: Application) -> Verdict:
    with application.store.read() as queries:
        last = max(row["mention_pk"] for row in queries.table_rows("mention"))
        [verdict] = queries.verdicts(last)
    return verdict


def test_a_source_is_put_right_once_it_has_said_enough(application: Application) -> None:
    take(application, range(49))
    assert application.stages.adapt() == 0
    assert newest(application).adaptation == 0

    take(application, range(49, 51))
    assert application.stages.adapt() == 1
    assert application.stages.adapt() == 0
    found = current(application)[FORUM]
    assert (found.version, found.n, found.delta) == (1, 51, None)
    assert found.shift != 0

    take(application, range(51, 52))
    verdict = newest(application)
    assert (verdict.adaptation, verdict.shift) == (1, pytest.approx(found.shift, abs=1e-5))


def test_what_was_judged_with_a_version_can_be_judged_again_the_same(
    application: Application,
) -> None:
    take(application, range(210))
    application.stages.adapt()
    take(application, range(210, 211))
    verdict = newest(application)
    assert verdict.adaptation == 1
    with application.store.read() as queries:
        saved = queries.adaptation(FORUM, 1)
        mention = queries.mention(verdict.mention_id)
        assert queries.adaptation(FORUM, 2) is None
    assert saved is not None
    assert mention is not None
    assert saved.delta is not None  # from 200 mentions on its own words count

    fits = Fits((0.35, 0.65))
    fits.put(FORUM, adaptation_of(saved))
    [[again]] = wiring.make_analyst(application.project, fits=fits).judge_many([mention])

    assert (again.negative, again.terms, again.shift) == (
        verdict.negative,
        verdict.terms,
        verdict.shift,
    )
    odds = math.log(verdict.negative / (1 - verdict.negative))
    [[bare]] = wiring.make_analyst(application.project).judge_many([mention])
    assert bare.negative != verdict.negative
    assert bare.shift == 0
    assert verdict.bias == bare.bias
    assert abs(odds) < 12


def test_estimates_never_feed_on_themselves(application: Application) -> None:
    take(application, range(60))
    application.stages.adapt()
    with application.store.read() as queries:
        mentions = queries.judged_mentions(FORUM, NOW - timedelta(days=1), 100)
        queries_again = queries.judged_mentions(FORUM, NOW - timedelta(days=1), 100)
    fitted, _ = application.journey.analyst.learn(mentions, None)

    with application.store.transaction() as tx:
        tx.judge_again([mention.mention_id for mention in mentions])
    application.stages.drain()  # now all verdicts are adapted ones

    again, moved = application.journey.analyst.learn(queries_again, fitted)
    assert again == fitted
    assert moved == 0


def test_at_night_a_source_is_looked_at_again_and_kept_if_it_speaks_as_before(
    application: Application, clock: SteppedClock
) -> None:
    take(application, range(60))
    application.stages.adapt()
    take(application, range(60, 72))
    assert application.stages.adapt() == 0

    clock.at = NOW + timedelta(hours=20)
    assert application.stages.adapt() == 0  # next night, hardly another shift: confirmed

    found = current(application)[FORUM]
    assert (found.version, found.n) == (1, 72)
    assert found.at == NOW + timedelta(hours=20)


def test_a_source_that_speaks_otherwise_gets_a_new_version(
    application: Application, clock: SteppedClock
) -> None:
    take(application, range(60))
    application.stages.adapt()
    later = NOW + timedelta(days=1)
    clock.at = later
    raws = [
        replace(said(n), observed_at=later, text=f"澜禾净水器装了{n}天，一般般吧，水挺好喝的")
        for n in range(100, 200)
    ]
    with application.store.transaction() as tx:
        application.journey.keep(tx, raws, later)
    application.stages.drain()

    assert application.stages.adapt() == 1
    found = current(application)[FORUM]
    assert (found.version, found.n) == (2, 160)
    with application.store.read() as queries:
        before = queries.adaptation(FORUM, 1)
    assert before is not None
    assert found.share < before.share
    assert abs(found.shift - before.shift) > MOVES


def test_many_sources_take_turns_and_a_restart_knows_them(
    application: Application, store: Store, clock: SteppedClock
) -> None:
    names = [SourceId(f"s{number}") for number in range(AT_ONCE + 1)]
    for name in names:
        take(application, range(50), name)

    assert [application.stages.adapt() for _ in range(3)] == [AT_ONCE, 1, 0]

    again = wiring.wire(application.project, store, clock)
    take(again, range(50, 51), names[2])
    assert newest(again).adaptation == 1
    assert again.stages.adapt() == 0


def test_a_brand_that_is_watched_no_more_is_not_estimated_again_and_again(
    application: Application, store: Store, clock: SteppedClock
) -> None:
    take(application, range(60))
    other = wiring.wire(Project(brands=(Brand(id="hemu", name="禾沐"),)), store, clock)

    assert [other.stages.adapt() for _ in range(2)] == [0, 0]
    assert current(application) == {}


@pytest.mark.parametrize(
    ("n", "at", "model", "judged", "reason"),
    [
        (None, NOW, "m", 49, ""),
        (None, NOW, "m", 50, "first"),
        (50, NOW, "m", 199, ""),
        (50, NOW, "m", 200, "more"),
        (200, NOW, "m", 1000, "more"),
        (1000, NOW, "m", 1000, ""),
        (1000, NOW, "older", 1000, "model"),
        (1000, NOW - timedelta(hours=8), "m", 1000, ""),  # 4 o'clock of the same night
        (1000, NOW - timedelta(hours=10), "m", 1000, "night"),
        (60, NOW - timedelta(days=40), "m", 12, ""),  # it has fallen silent
    ],
)
def test_why_a_source_is_estimated(
    n: int | None, at: datetime, model: str, judged: int, reason: str
) -> None:
    known = None if n is None else SourceAdaptation(
        source_id=FORUM, version=1, model_version=model, at=at, n=n, share=0.2, shift=-1.0
    )  # fmt: skip

    assert why(known, judged, "m", ZONE, NOW) == reason


def test_what_is_listed_of_a_source_states_its_counts() -> None:
    known = SourceAdaptation(
        source_id=FORUM, version=3, model_version="m", at=NOW, n=80, share=0.12345, shift=-0.8
    )
    shown = described([known], {FORUM: (10, 4), SourceId("other"): (0, 0)})

    assert shown[FORUM] == SourceScores(
        judged=10,
        unsure_share=0.4,
        version=3,
        estimated_at=NOW,
        learned_from=80,
        share=0.1235,
        shift=-0.8,
    )
    assert shown[SourceId("other")] == SourceScores(judged=0, unsure_share=None)


def test_source_list_shows_the_unsure_share_of_sources_and_doors(
    database_url: str, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from groundswell.cli.app import build

    write(tmp_path)
    migrate.upgrade(database_url)
    store = Store(database_url)
    now = datetime.now(UTC)
    application = wiring.wire(load(tmp_path, environ={}), store, SteppedClock(now))
    for source in (FORUM, SourceId("excel")):
        take(application, range(52), source, now)
        application.stages.adapt()
    store.close()
    where = ["--config", str(tmp_path), "--database", database_url]

    plain = CliRunner().invoke(build(), ["source", "list", *where])
    document = json.loads(CliRunner().invoke(build(), ["source", "list", "--json", *where]).stdout)

    assert plain.exit_code == 0, plain.output
    [forum] = [one for one in document["sources"] if one["id"] == FORUM]
    excel = document["doors"]["excel"]
    assert forum["scores"] == excel | {"estimated_at": forum["scores"]["estimated_at"]}
    assert (excel["judged"], excel["version"], excel["learned_from"]) == (52, 1, 52)
    assert f"{excel['unsure_share']:.0%}" in plain.output
    assert f"{excel['shift']:+.2f}" in plain.output


def write(folder: Path) -> None:
    """Write a project with one source."""
    (folder / "project.yaml").write_text(
        "fallback: [linxiao]\n"
        "owners: [{id: linxiao, name: 林晓, channels: [hook]}]\n"
        "channels: [{id: hook, kind: webhook, url: 'https://hook.example/in'}]\n",
        "utf-8",
    )
    for name, text in (
        ("brands/lanhe.yaml", "id: lanhe\nname: 澜禾\n"),
        (
            "sources/luntan.yaml",
            "id: luntan\nname: 论坛\nkind: feed\nstart: https://forum.example/rss\nplatform: 论坛\n",
        ),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
