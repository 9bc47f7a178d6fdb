"""Cards and approved replies on the command line, and from tables that people made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from config.errors import ConfigError, GroundswellError
from groundswell.cards_search import holding, replies_holding
from groundswell.cli.app import build
from groundswell.knowledge_desk import KnowledgeDesk
from groundswell.replay import SteppedClock
from storage.records import BrandId, Card, IncidentId
from storage.store import Store
from tests.console.world import example
from tests.make import NOW


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[KnowledgeDesk]:
    store = Store(sqlite_url)
    yield KnowledgeDesk(store=store, project=example(), clock=SteppedClock(NOW))
    store.close()


def card() -> Card:
    return Card(
        card_id="k-abcdefgh2345",
        incident_id=IncidentId("i1"),
        epoch=1,
        code="舆-7F3K",
        brand_id=BrandId("lanhe"),
        product="yangshenghu-k2",
        issue_class="质量",
        fingerprint="",
        title="澜禾养生壶 K2·壶底开裂",
        cause="",
        fix="换新",
        reply="",
        reply_url="",
        closed_how="",
        words=("壶底", "开裂"),
        created_at=NOW,
        by="linxiao",
    )


def test_a_table_of_replies_is_taken_whole_or_not_at_all(
    desk: KnowledgeDesk, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ("品牌", "产品", "问题", "答复", "批准人", "有效期"),
        ("澜禾", "养生壶 K2", "壶底开裂怎么办", "请停用，免费换新", "周岚", date(2026, 12, 31)),
        (None, None, "怎么联系人工", "=拨打官方热线", "周岚", None),
    ):
        sheet.append(row)
    sheet["D3"].data_type = "s"  # a text that begins with = is no formula
    book.save(tmp_path / "koujing.xlsx")
    read = desk.read(tmp_path / "koujing.xlsx")
    assert read.problems == ()
    assert [(one.brand_id, one.product, one.until) for one in read.replies] == [
        ("lanhe", "yangshenghu-k2", date(2026, 12, 31)),
        ("", "", None),
    ]
    assert read.replies[1].answer == "=拨打官方热线"
    assert desk.add_replies(read.replies, "linxiao") == 2
    assert desk.add_replies(read.replies, "linxiao") == 0

    bad = tmp_path / "bad.csv"
    bad.write_text(
        "问题,答复,批准人,品牌,有效期\n漏水,换新,,lanhe,\n漏水,换新,周岚,lanhee,\n漏水,换新,周岚,,明年\n",
        encoding="utf-8",
    )
    problems = desk.read(bad).problems
    assert [one.partition(":")[0] for one in problems] == ["row 2", "row 3", "row 4"]
    assert "approved_by" in problems[0]
    assert "lanhe" in problems[1]
    (tmp_path / "none.csv").write_text("标题,内容\na,b\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected columns 问题 and 答复"):
        desk.read(tmp_path / "none.csv")


def test_a_card_is_put_right_and_retired(desk: KnowledgeDesk) -> None:
    with desk.store.transaction() as tx:
        assert tx.add_card(card())
        assert not tx.add_card(card())
    changed = desk.edit_card("k-abcdefgh2345", "zhoulan", title="壶底渗水", cause="胶圈老化")
    assert (changed.title, changed.cause, changed.fix) == ("壶底渗水", "胶圈老化", "换新")
    assert changed.edited_by == "zhoulan"
    assert {"壶底", "渗水", "开裂"} <= {*changed.words}
    with pytest.raises(GroundswellError, match="标题"):
        desk.edit_card("k-abcdefgh2345", "zhoulan", title=" ")
    assert holding([changed], "胶圈 换新") == [changed]
    assert holding([changed], "胶圈 爆炸") == []
    assert replies_holding([], "胶圈") == []
    retired = desk.retire_card("k-abcdefgh2345", "zhoulan")
    assert desk.retire_card("k-abcdefgh2345", "zhoulan") == retired
    with pytest.raises(GroundswellError, match="已停用"):
        desk.edit_card("k-abcdefgh2345", "zhoulan", cause="x")
    with pytest.raises(GroundswellError, match="no such card"):
        desk.retire_card("k-none", "zhoulan")
    with desk.store.read() as queries:
        assert queries.cards() == []
        assert queries.cards(retired=True) == [retired]
        assert len(queries.audits()) == 2


def test_the_commands_add_find_and_retire_a_reply(sqlite_url: str) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(build(), [*words, "--database", sqlite_url])
        assert done.exit_code == 0, done.output
        return done.stdout

    said = ("--question", "壶底漏水怎么办", "--answer", "免费换新", "--approved-by", "周岚")
    added = json.loads(run("replies", "add", *said, "--until", "2020-01-01", "--json"))["reply"]
    assert "已过期" in run("replies", "list", "--find", "漏水")
    assert "已停用" in run("replies", "retire", added["reply_id"])
    assert "没有口径" in run("replies", "list")
    assert "没有卡片" in run("cards", "list")
    assert "准确率 未定" in run("ledger", "--days", "7")
