"""The journey on both databases: every mention once, with its outcome, and nothing by the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from classify.analyst import Analyst
from config.errors import StoreError
from config.schema import Brand, Owner, Project, Route, WebhookChannel
from groundswell import wiring
from groundswell.replay import SteppedClock
from groundswell.stages import Stages
from groundswell.wiring import Application
from storage import tables
from storage.records import Level, Mention, MentionId, Outcome, RawMention, SourceId, Verdict
from storage.store import Store

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
SOURCE = SourceId("tousu")
CALM = "今天用云雀净水器泡了一壶龙井，水很甜，第二台也准备买。"


def project() -> Project:
    return Project(
        brands=(
            Brand(id="yunque", name="云雀", aliases=("云雀净水器",)),
            Brand(id="qingquan", name="清荃", competitor=True),
        ),
        owners=(Owner(id="linxiao", name="林晓", channels=("hook",), digest_at=None),),
        channels=(WebhookChannel(id="hook", kind="webhook", url="https://hook.example/in"),),
        routes=(Route(id="all", owner="linxiao"),),
        fallback=("linxiao",),
    )


def complaint(n: int, brand: str = "云雀", **changes: object) -> RawMention:
    """One of many different people about the same trouble."""
    ways = ("漏水", "一直漏水", "接口漏水", "又漏水了", "漏水泡了地板", "半夜漏水")
    where = ("厨房", "橱柜", "客厅", "阳台", "出租屋")
    text = (
        f"{brand}净水器滤芯{ways[n % 6]}，{where[n % 5]}都湿了，客服推脱不给退款，太差劲了，"
        f"我是第{n}个来投诉的，质量问题必须给说法"
    )
    raw = RawMention(
        source_id=SOURCE,
        platform="投诉平台",
        text=text,
        native_id=f"{brand}-{n}",
        author=f"用户{n}",
        observed_at=NOW,
        published_at=NOW - timedelta(minutes=3 * n),
    )
    return replace(raw, **changes)  # type: ignore[arg-type]


@pytest.fixture
def application(store: Store) -> Application:
    return wiring.wire(project(), store, SteppedClock(NOW))


def take(application: Application, raws: Sequence[RawMention]) -> None:
    with application.store.transaction() as tx:
        application.journey.keep(tx, raws, application.clock.now())
    application.stages.drain()


def outcomes(application: Application) -> dict[tuple[str, str], int]:
    with application.store.read() as queries:
        counted = queries.outcome_counts(NOW - timedelta(days=1))
    return {(stage, str(outcome)): n for (stage, _, outcome), n in counted.items()}


def test_a_gathering_complaint_raises_one_incident_and_tells_its_owner(
    application: Application,
) -> None:
    take(application, [complaint(n) for n in range(14)])

    with application.store.read() as queries:
        incidents = queries.incidents()
        intents = queries.intents()
    assert max(one.level for one in incidents) >= Level.YELLOW
    assert {intent.recipient_id for intent in intents} == {"linxiao"}
    assert "过去 24 小时 14 人（前一日 0 人）" in intents[0].body


def test_every_mention_leaves_each_stage_exactly_once(application: Application) -> None:
    about_nobody = [complaint(n, brand="无名") for n in range(3)]
    praise = [replace(complaint(90), text=CALM, native_id="praise")]
    empty = [replace(complaint(91), text=" ", native_id="empty")]
    take(application, [complaint(n) for n in range(8)] + about_nobody + praise + empty)

    counted = outcomes(application)
    kept = sum(n for (stage, _), n in counted.items() if stage == "keep")
    assert kept == 13
    assert counted["keep", Outcome.UNREADABLE] == 1
    after = sum(n for (stage, _), n in counted.items() if stage in ("understand", "gather"))
    assert after == 12
    assert counted["understand", Outcome.NO_BRAND] == 3


def test_a_brand_whose_clusters_cannot_be_read_does_not_stop_the_others(
    application: Application,
) -> None:
    take(application, [complaint(0)])
    with application.store.write() as connection:
        connection.execute(sa.update(tables.cluster).values(blob=b"\x63broken"))
    again = wiring.wire(project(), application.store, application.clock)

    with pytest.raises(StoreError, match="format 99"):
        take(again, [complaint(1), complaint(1, brand="清荃")])

    with again.store.read() as queries:
        waiting = queries.pending_shards()
    assert waiting == ["yunque/zh"]


def test_taking_the_same_in_twice_changes_nothing(application: Application) -> None:
    raws = [complaint(n) for n in range(14)]
    take(application, raws)
    names = ("mention", "verdict", "mention_cluster", "incident", "incident_event", "intent")
    with application.store.read() as queries:
        before = {name: queries.table_rows(name) for name in names}

    take(application, raws)
    application.stages.regrade()

    with application.store.read() as queries:
        assert {name: queries.table_rows(name) for name in names} == before


def test_old_mentions_page_nobody_and_are_noted(application: Application) -> None:
    then = NOW - timedelta(days=20)
    old = [replace(complaint(n), published_at=then + timedelta(minutes=5 * n)) for n in range(14)]
    take(application, old)
    application.stages.regrade()

    with application.store.read() as queries:
        assert queries.intents() == []
        assert queries.incidents() == []
        noted = queries.would_have_been()
    assert len(noted) >= 1
    assert "林晓" in noted[0][1]


def test_a_competitor_is_heard_but_calls_nobody(application: Application) -> None:
    take(application, [complaint(n, brand="清荃") for n in range(14)])

    with application.store.read() as queries:
        assert queries.incidents() == []
        assert queries.counts()["mention_cluster"] == 14


def test_an_edited_complaint_leaves_its_cluster(application: Application) -> None:
    take(application, [complaint(n) for n in range(6)])
    take(application, [replace(complaint(3), text=CALM)])

    with application.store.read() as queries:
        mentions = queries.table_rows("mention")
        [edited] = [row["mention_pk"] for row in mentions if row["text"] == CALM]
        assert queries.mention_cluster(edited) == []
        assert queries.counts()["mention_cluster"] == 5
        assert [text for _, _, text, _ in queries.mention_revisions(edited)] == [complaint(3).text]
    take(application, [complaint(20)])  # the shard goes on from what was stored
    assert outcomes(application)["gather", Outcome.GATHERED] == 7


class Faltering(Analyst):
    """Breaks on one text, as a bug in a model would."""

    def judge_many(self, mentions: Sequence[Mention]) -> list[tuple[Verdict, ...]]:
        if any("毒丸" in mention.text for mention in mentions):
            raise ZeroDivisionError("a bug that only this text meets")
        return super().judge_many(mentions)


def test_a_mention_that_breaks_a_stage_is_set_aside_and_the_rest_goes_on(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    sound = wiring.make_analyst(project())
    application = wiring.wire(project(), store, SteppedClock(NOW))
    faltering = object.__new__(Faltering)
    faltering.__dict__.update(sound.__dict__)
    journey = replace(application.journey, analyst=faltering)
    stages = Stages(store, journey, application.clock, wiring.restorer(project()))
    poison = replace(complaint(50), text="云雀净水器 毒丸", native_id="poison")
    with store.transaction() as tx:
        journey.keep(tx, [complaint(0), complaint(1), poison, complaint(2)], NOW)

    stages.drain()

    with store.read() as queries:
        counts = queries.counts()
    assert (counts["pending_understand"], counts["pending_gather"]) == (0, 0)
    assert outcomes(application)["understand", Outcome.QUARANTINED] == 1
    assert outcomes(application)["gather", Outcome.GATHERED] == 3
    assert "outcome=quarantined" in caplog.text


def test_a_wave_in_the_hotline_shows_the_batch_but_is_no_public_spread(
    application: Application,
) -> None:
    inside = {"channel": "internal", "views": 3_000_000, "reposts": 90_000, "tier": "central"}
    take(application, [complaint(n, platform="400 热线", **inside) for n in range(14)])

    with application.store.read() as queries:
        [incident] = queries.incidents()
        evidence = queries.evidence(incident.cluster_id, NOW)
        intents = queries.intents()
    assert Level.YELLOW <= incident.level < Level.RED  # many people, but not three million views
    codes = {reason.code for reason in incident.grade.reasons}
    assert not codes & {"trigger_views", "trigger_central", "reach_views", "source_central"}
    assert (evidence.platforms, evidence.tiers) == ((), ())
    assert (evidence.views, evidence.reposts, evidence.public_authors) == (None, None, 0)
    assert "位只来自内部渠道" in intents[0].body


def test_reposts_are_linked_to_their_original_and_never_dropped(application: Application) -> None:
    original = complaint(1)
    copies = [
        replace(
            original,
            source_id=SourceId(f"site{n}"),
            platform=f"站点{n}",
            native_id=f"copy-{n}",
            author=f"搬运{n}",
            published_at=NOW - timedelta(minutes=2 - n),
        )
        for n in range(3)
    ]
    take(application, [original, *copies])

    with application.store.read() as queries:
        rows = {row["mention_pk"]: row for row in queries.table_rows("mention_cluster")}
        [cluster_id] = {row["cluster_id"] for row in rows.values()}
        evidence = queries.evidence(cluster_id, NOW)
        assert queries.reposts_of([MentionId(1)]) == {1: 3}
    assert [rows[n]["duplicate_of"] for n in sorted(rows)] == [None, 1, 1, 1]
    assert (evidence.mentions, evidence.texts) == (4, 1)
    assert set(evidence.platforms) == {"投诉平台", "站点0", "站点1", "站点2"}
