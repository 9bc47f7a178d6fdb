"""A bad batch on its way: from what people write to the grade, the page, the command, the digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from alerts.command import Command
from alerts.journal import fold
from alerts.messages import NoLinks
from alerts.task_defaults import RECALL
from config.schema import Brand, Owner, ProductLine, Project, Route, WebhookChannel
from groundswell import wiring
from groundswell.batches import BatchView, batch_block, new_signals, survey_facts
from groundswell.cli.app import build
from groundswell.desk import Desk
from groundswell.digests import Digests
from groundswell.links import SignedLinks
from groundswell.replay import SteppedClock
from groundswell.signal_record import record_line, signal_record
from groundswell.wiring import Application
from storage.incident_checks import check_incidents
from storage.records import (
    BrandId,
    Incident,
    Level,
    RawMention,
    SignalVerdicts,
    SourceId,
    TaskKind,
)
from storage.store import Store

NOW = datetime.now(UTC).replace(microsecond=0)  # the command line asks the real clock
BRAND = BrandId("yunque")

PROBLEMS = (
    "噪音大得像拖拉机，晚上根本没法睡，客服还说正常",
    "面板黑屏重启好几次了，装上就没好用过，气死人",
    "外壳开裂，一条大口子，质量太差劲了，要求退款",
    "出来的水有异味，一股塑料味，全家不敢喝，差评",
    "滤芯生锈，水都是黄的，太让人失望了，要个说法",
)


def project() -> Project:
    return Project(
        brands=(
            Brand(
                id="yunque",
                name="云雀",
                products=(ProductLine(id="jingshui", name="云雀净水器", words=("净水器",)),),
            ),
        ),
        owners=(Owner(id="linxiao", name="林晓", channels=("hook",), digest_at=None, role="lead"),),
        channels=(WebhookChannel(id="hook", kind="webhook", url="https://hook.example/in"),),
        routes=(Route(id="all", owner="linxiao"),),
        fallback=("linxiao",),
    )


def raw(name: str, text: str, at: datetime) -> RawMention:
    return RawMention(
        source_id=SourceId("tousu"),
        platform="投诉平台",
        text=text,
        native_id=name,
        author=name,
        observed_at=at,
        published_at=at,
    )


def usual(n: int) -> RawMention:
    text = f"云雀净水器用了{n + 2}个月，{PROBLEMS[n % 5]}，批号KQ10{n % 4}5，第{n}次投诉了"
    return raw(f"老用户{n}", text, NOW - timedelta(days=9, hours=n))


def leaking(n: int) -> RawMention:
    ways = (
        "接口漏水",
        "半夜漏水泡了地板",
        "装好就漏水",
        "滤芯仓漏水",
        "底下一直漏水",
        "漏水漏到楼下",
    )
    text = f"云雀净水器{ways[n % 6]}，批号KQ7731，客服推脱不处理，太差劲了，第{n}个来投诉"
    return raw(f"新用户{n}", text, NOW - timedelta(minutes=50 - 7 * n))


@pytest.fixture
def application(store: Store) -> Application:
    wired = wiring.wire(project(), store, SteppedClock(NOW))
    raws = [usual(n) for n in range(24)] + [leaking(n) for n in range(6)]
    with store.transaction() as tx:
        wired.journey.keep(tx, raws, NOW)
    wired.stages.drain()
    return wired


def incident_of(application: Application) -> Incident:
    with application.store.read() as queries:
        return max(queries.incidents(), key=lambda one: one.level)


def test_six_complaints_of_one_batch_raise_a_yellow_incident(application: Application) -> None:
    incident = incident_of(application)

    assert incident.level >= Level.YELLOW
    assert incident.grade is not None
    [reason] = [one for one in incident.grade.reasons if one.code == "trigger_batch"]
    assert "「云雀净水器」KQ7731 批次：漏水漏液 6 起 / 该组 6 起，同款其余 0/24" in reason.text
    with application.store.read() as queries:
        told = [intent.body for intent in queries.intents()]
    assert any("批次：「云雀净水器」KQ7731" in body for body in told)


def test_signals_lead_to_their_mentions(application: Application) -> None:
    with application.store.read() as queries:
        view = BatchView(project(), queries, NOW + timedelta(minutes=1))
        found = {(one.kind, one.value): one for one in view.of(BRAND)}
        signal = found["batch", "KQ7731"]
        texts = [queries.mention(mention_id).text for mention_id in view.mentions(signal)]

    assert signal.symptom == "漏水漏液"
    assert len(texts) == 6
    assert all("KQ7731" in text and "漏水" in text for text in texts)


def test_the_page_has_a_block_with_the_table(application: Application) -> None:
    with application.store.read() as queries:
        evidence = queries.evidence(incident_of(application).cluster_id, NOW)
        block = batch_block(queries, project(), evidence, NOW)

    assert block is not None
    rows = {row.value: (row.both, row.group) for row in block.rows}
    assert rows["KQ7731"] == (6, 6)
    assert block.symptom_all == 6
    assert block.all == 30


def test_a_signal_is_news_once(application: Application) -> None:
    with application.store.read() as queries:
        today = new_signals(queries, project(), NOW - timedelta(days=1), NOW)
        tomorrow = new_signals(queries, project(), NOW, NOW + timedelta(days=1))

    assert ("batch", "KQ7731") in {(one.kind, one.value) for one in today}
    assert tomorrow == ()


def test_the_digest_tells_of_a_new_signal(application: Application) -> None:
    store = application.store
    digests = Digests(store=store, project=project(), links=SignedLinks("http://c.test", "key"))
    later = NOW + timedelta(minutes=5)
    owner = replace_digest_time(project().owners[0])

    digest = digests.compose(owner, later.astimezone(owner.zone).date(), now=later)
    if not dict(digest.sections).get("批次信号"):  # past this owner's hour: tomorrow's digest
        day = later.astimezone(owner.zone).date() + timedelta(days=1)
        digest = digests.compose(owner, day, now=later)

    items = dict(digest.sections)["批次信号"]
    assert any("KQ7731 批次：漏水漏液" in item.title for item in items)
    assert "批次信号" in digests.html(digest)


def replace_digest_time(owner: Owner) -> Owner:
    return owner.model_copy(update={"digest_at": "09:00"})


def test_a_correction_takes_its_complaint_out_of_the_counts(application: Application) -> None:
    store = application.store
    with store.read() as queries:
        view = BatchView(project(), queries, NOW + timedelta(minutes=1))
        [signal] = [one for one in view.of(BRAND) if one.value == "KQ7731"]
        mention_id = view.mentions(signal)[0]
    with store.transaction() as tx:
        tx.save_verdicts([mention_id], [], NOW)

    with store.read() as queries:
        view = BatchView(project(), queries, NOW + timedelta(minutes=1))
        left = [one for one in view.counts(BRAND) if one.value == "KQ7731" and not one.symptom]
    assert [one.authors for one in left if one.product] == [5]


def test_the_command_prints_signals_and_counts(application: Application, database_url: str) -> None:
    with application.store.read() as queries:
        [found] = survey_facts(queries, project(), NOW + timedelta(minutes=1), 30)
    assert found.authors == 30
    assert "KQ7731" in found.signals[0].sentence or len(found.signals) > 1

    run = CliRunner()
    printed = run.invoke(build(), ["facts", "--database", database_url])
    as_json = run.invoke(build(), ["facts", "--database", database_url, "--json"])
    unknown = run.invoke(build(), ["facts", "--database", database_url, "--brand", "nobody"])

    assert printed.exit_code == 0, printed.output
    assert "没有突出的批次" in printed.output  # the example project watches another brand
    assert "lanhe" in {one["brand_id"] for one in json.loads(as_json.output)}
    assert unknown.exit_code != 0


def test_parts_called_back_label_the_signal(application: Application) -> None:
    """One press from the signal to a task, counts, a verdict; the record and the digest say it."""
    clock = SteppedClock(NOW)
    desk = Desk(store=application.store, project=project(), clock=clock, links=NoLinks())
    code = incident_of(application).code

    def act(name: str, **fields: Any) -> Incident:
        return desk.act(code, Command(name=name, actor="linxiao", **fields))

    given = act("task", task_kind=TaskKind.FIX, text=RECALL, counts={"wanted": 5})
    [task] = given.tasks
    assert task.title == "收回故障件：「云雀净水器」KQ7731 批次，漏水漏液"
    with application.store.read() as queries:
        assert [(one.kind, one.undecided) for one in signal_record(queries, BRAND)] == [
            ("batch", 1)
        ]
    act("units", task_id="t1", counts={"received": 2, "analysed": 1})
    act("verdict", task_id="t1", how="no_batch", text="密封圈没有问题，是安装力矩不够")
    act("verdict", task_id="t1", how="batch", text="第二件同样断裂，来自同一模具")

    with application.store.read() as queries:
        [found] = survey_facts(queries, project(), NOW, 30, "yunque")
        assert signal_record(queries, BrandId("baiheng")) == ()
    assert found.record == (SignalVerdicts(kind="batch", true=1, false=0, undecided=0),)
    assert record_line(found.record[0], "批次").startswith(
        "批次：是批次问题 1，不是 0，未定 0；准确率 100%"
    )

    # the incident ends, its task does not: it goes overdue, and the digest still speaks of it
    act("ack")
    act("handled", text="停售第三批次")
    act("confirm", text="六位投诉人都认可换新")
    due = task.due_at + timedelta(minutes=1)
    with application.store.transaction() as tx:
        [change] = application.journey.remind(tx, due)
        assert application.journey.remind(tx, due) == []  # a restart finds nothing to do
    assert [event.kind for event in change.events] == ["task_due"]
    assert [intent.recipient_id for intent in change.intents] == ["linxiao"]
    later = due + timedelta(days=3)
    digests = Digests(
        store=application.store, project=project(), links=SignedLinks("http://c", "k")
    )
    owner = replace_digest_time(project().owners[0])
    digest = digests.compose(owner, later.astimezone(owner.zone).date(), now=later)
    [item] = dict(digest.sections)["逾期任务"]
    assert code in item.text
    assert "已催 1 轮" in item.text
    assert (
        "批次信号复核",
        "是批次问题 1 个（已有结论的 1 个里占 100%），不是 0 个，未定 0 个",
    ) in digest.numbers
    assert check_incidents(application.store, fold) == []
