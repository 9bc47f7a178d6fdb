"""What the columns of people's tables are taken for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from groundswell.columns import Wishes, propose
from groundswell.columns_names import LABELS, PRESETS, preset_of
from groundswell.importing import table
from groundswell.importing_values import FIELDS
from storage.records import ColumnMapping
from tests.groundswell.tables import write_csv, write_xlsx

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SAID = (
    "澜禾养生壶用了三天底座就发烫冒烟，客服让我自己寄回去",
    "买了两台都漏水，售后电话一直打不通，太失望了",
    "收到货包装破损，里面的杯子碎了一地，要求退款被拒绝",
    "味道还行，就是发货太慢，等了半个月才到",
    "孩子用了起红疹，去医院看说是过敏，希望给个说法",
    "锅盖裂了一条缝，申请换货客服说不在保修范围内",
)


def guessed(rows: list[list[Any]], **wishes: Any) -> dict[str, str]:
    return propose({"表": rows}, Wishes(**wishes)).mapping


def with_said(header: list[str], *columns: Any) -> list[list[Any]]:
    """A table of six rows; a column is a list of values, or a format of the row's number."""
    body = []
    for n, said in enumerate(SAID):
        row = []
        for column in columns:
            value = (
                said
                if column is SAID
                else column[n % len(column)]
                if isinstance(column, list)
                else column.format(n + 1)
            )
            row.append(value)
        body.append(row)
    return [header, *body]


LAYOUTS: dict[str, tuple[list[list[Any]], dict[str, str]]] = {
    "舆情平台导出": (
        with_said(
            [
                "序号",
                "标题",
                "摘要",
                "原文链接",
                "发布时间",
                "媒体名称",
                "媒体类型",
                "作者",
                "情感属性",
                "相似文章数",
            ],
            "{}",
            "标题第{}个",
            SAID,
            "https://news.example/a/{}",
            "2026/11/3 9:0{}",
            ["潮州晚报", "微博"],
            ["新闻", "微博"],
            "记者{}",
            ["负面", "中性"],
            ["12", "3"],
        ),
        {
            "标题": "title",
            "摘要": "text",
            "原文链接": "url",
            "发布时间": "published_at",
            "媒体名称": "source",
            "作者": "author",
        },
    ),
    "新媒体监测导出": (
        with_said(
            [
                "作品标题",
                "作品链接",
                "发布账号",
                "粉丝数",
                "发布时间",
                "播放量",
                "点赞数",
                "评论数",
                "分享数",
                "收藏数",
                "视频文案",
            ],
            "开箱第{}弹",
            "https://v.example/video/{}",
            "爱喝茶的{}号",
            ["1.2万", "3,456"],
            "2026-11-0{} 21:30:00",
            ["10w+", "2.3万"],
            ["999+", "12"],
            ["35", "0"],
            ["7", "-"],
            ["5", "1"],
            SAID,
        ),
        {
            "作品标题": "title",
            "作品链接": "url",
            "发布账号": "author",
            "发布时间": "published_at",
            "播放量": "views",
            "点赞数": "likes",
            "评论数": "comments",
            "分享数": "reposts",
            "视频文案": "text",
        },
    ),
    "客服工单": (
        with_said(
            [
                "工单编号",
                "建单时间",
                "工单状态",
                "客户姓名",
                "联系电话",
                "工单内容",
                "处理人",
                "处理结果",
                "省份",
            ],
            "GD2026112{}",
            [datetime(2026, 11, 20, 9, 30)],  # noqa: DTZ001
            ["处理中", "已完成"],
            ["王某某"],
            ["13800000000"],
            SAID,
            ["小李"],
            ["已联系客户并安抚，承诺三个工作日内回复"],
            ["广东", "上海"],
        ),
        {"工单编号": "id", "建单时间": "published_at", "工单内容": "text", "省份": "region"},
    ),
    "400热线": (
        with_said(
            ["受理单号", "来电日期", "来电时间", "来电号码", "来电内容", "坐席", "通话时长"],
            "R-{}",
            ["2026-11-20"],
            "09:3{}",
            ["13900000000"],
            SAID,
            ["A01"],
            ["00:03:12"],
        ),
        {
            "受理单号": "id",
            "来电日期": "published_at",
            "来电时间": "published_time",
            "来电内容": "text",
        },
    ),
    "电商评价": (
        with_said(
            [
                "商品名称",
                "评价星级",
                "评价内容",
                "追评内容",
                "评价时间",
                "买家昵称",
                "SKU",
                "商家回复",
            ],
            ["澜禾养生壶 K2"],
            ["1星", "5星", "三星"],
            SAID,
            [""],
            "2026.11.0{}",
            "t***{}",
            ["白色"],
            ["亲亲非常抱歉给您带来不好的体验，请联系客服处理哦"],
        ),
        {
            "评价星级": "rating",
            "评价内容": "text",
            "评价时间": "published_at",
            "买家昵称": "author",
        },
    ),
    "应用商店评论": (
        with_said(
            [
                "应用名称",
                "应用版本",
                "评论星级",
                "评论标题",
                "评论内容",
                "评论时间",
                "应用商店",
                "用户昵称",
            ],
            ["澜禾智家"],
            ["3.2.1"],
            ["1", "2", "5"],
            "没法用{}",
            SAID,
            "2026年11月{}日 08:00",
            ["某应用市场"],
            "用户{}",
        ),
        {
            "评论星级": "rating",
            "评论标题": "title",
            "评论内容": "text",
            "评论时间": "published_at",
            "应用商店": "source",
            "用户昵称": "author",
        },
    ),
    "在线客服会话": (
        with_said(
            ["会话ID", "会话时间", "访客", "接待客服", "聊天内容", "满意度"],
            "c-{}",
            "2026-11-20 10:0{}",
            "访客{}",
            ["小周"],
            SAID,
            ["不满意", "满意"],
        ),
        {"会话ID": "id", "会话时间": "published_at", "聊天内容": "text"},
    ),
    "门店反馈": (
        with_said(
            ["门店名称", "大区", "反馈日期", "反馈内容", "导购"],
            ["徐汇店", "静安店"],
            ["华东"],
            ["2026-11-20"],
            SAID,
            ["小张"],
        ),
        {"大区": "region", "反馈日期": "published_at", "反馈内容": "text"},
    ),
    "": (
        with_said(
            ["用户说了什么", "哪天", "在哪看到的", "打几分"],
            SAID,
            "2026/11/{}",
            "https://x.example/{}",
            ["1", "2", "1", "5", "1", "2"],
        ),
        {"用户说了什么": "text", "哪天": "published_at", "在哪看到的": "url", "打几分": "rating"},
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_exports_of_common_tools_are_understood(name: str) -> None:
    rows, expected = LAYOUTS[name]
    proposal = propose({"表": rows}, Wishes())

    assert proposal.mapping == expected
    assert proposal.known_as == name
    inside = {"客服工单", "400热线", "在线客服会话", "门店反馈"}
    assert proposal.channel == ("" if not name else "internal" if name in inside else "public")


def test_every_layout_is_found_by_its_own_marks_and_by_no_others() -> None:
    for preset in PRESETS:
        found = preset_of(list(preset.marks))
        assert found is not None
        assert found.name == preset.name
    assert preset_of(["标题", "正文", "发布时间", "链接"]) is None
    assert set(LABELS) == set(FIELDS)


def test_personal_data_and_other_peoples_words_are_left_out_with_the_reason() -> None:
    proposal = propose({"表": LAYOUTS["客服工单"][0]}, Wishes())
    why = {column.name: column.why for column in proposal.columns}

    assert why["联系电话"] == why["客户姓名"] == "个人信息，不导入"
    assert why["处理结果"] == "不是原话的一部分"


def test_the_header_may_stand_below_title_rows_and_span_two_rows() -> None:
    rows: list[list[Any]] = [
        ["澜禾品牌 11 月声量周报", None, None, None, None],
        ["导出时间：2026-11-22 10:00", None, None, None, None],
        [],
        ["标题", "正文", "互动数据", None, "发布时间"],
        [None, None, "转发", "点赞", None],
        *[[f"第{n}条", said, 3, "1.2万", 45964.378] for n, said in enumerate(SAID)],
    ]
    proposal = propose({"表": rows}, Wishes())

    assert (proposal.header_at, proposal.header_rows) == (3, 2)
    assert proposal.mapping == {
        "标题": "title",
        "正文": "text",
        "互动数据/转发": "reposts",
        "互动数据/点赞": "likes",
        "发布时间": "published_at",
    }


def test_a_table_without_a_header_is_told_by_its_values() -> None:
    rows = with_said([], SAID, "https://x.example/{}", "2026-11-0{} 08:00")[1:]

    assert guessed(rows) == {"列A": "text", "列B": "url", "列C": "published_at"}


def test_values_overrule_a_name_that_does_not_fit_them() -> None:
    rows = with_said(
        ["评论", "时间", "地址", "编号"], ["12", "3"], SAID, ["上海市徐汇区某路 1 号"], "{}"
    )

    assert guessed(rows) == {"评论": "comments", "时间": "text"}


def test_the_sheet_that_looks_like_mentions_is_chosen_and_another_may_be_named() -> None:
    heads = {
        "说明": [["本表由系统导出"], ["请勿修改"]],
        "汇总": [["平台", "数量"], ["微博", 12], ["论坛", 3]],
        "明细": LAYOUTS["电商评价"][0],
    }
    assert propose(heads, Wishes()).sheet == "明细"
    assert propose(heads, Wishes()).sheets == ("说明", "汇总", "明细")
    assert propose(heads, Wishes(sheet="2")).sheet == "汇总"
    with pytest.raises(ConfigError, match="expected a name or a number of 说明, 汇总, 明细"):
        propose(heads, Wishes(sheet="没有"))


def test_a_saved_mapping_is_found_again_by_the_headers_in_any_order() -> None:
    saved = ColumnMapping(
        name="周报",
        headers=("甲", "乙", "丙"),
        columns={"乙": "text", "丙": "title"},
        source="周报",
        channel="internal",
        saved_at=NOW,
    )
    rows = with_said(["丙", "乙", "甲"], "t{}", SAID, "{}")
    proposal = propose({"表": rows}, Wishes(saved=[saved]))

    assert (proposal.known_as, proposal.saved, proposal.channel) == ("周报", True, "internal")
    assert proposal.mapping == {"丙": "title", "乙": "text"}
    other = propose({"表": LAYOUTS["电商评价"][0]}, Wishes(saved=[saved]))
    assert other.known_as == "电商评价"
    with pytest.raises(ConfigError, match="expected one of 周报, 客服工单"):
        propose({"表": rows}, Wishes(saved=[saved], mapping="没有"))


def test_what_is_said_by_hand_wins_over_every_guess() -> None:
    rows = LAYOUTS["电商评价"][0]

    mapping = guessed(rows, columns={"商家回复": "text", "评价时间": ""})

    assert mapping["商家回复"] == "text"
    assert "评价内容" not in mapping
    assert "评价时间" not in mapping
    with pytest.raises(ConfigError, match="names the column '没有'"):
        guessed(rows, columns={"没有": "text"})


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_text_files_are_read_in_any_usual_encoding_with_any_usual_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    lines = [["标题", "正文", "发布时间"], *(["锅盖裂了", said, "2026/11/3 9:05"] for said in SAID)]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    path = write_csv(tmp_path / "导出.csv", text, encoding)

    with table(path, Wishes()) as (proposal, rows, _):
        assert proposal.mapping == {"标题": "title", "正文": "text", "发布时间": "published_at"}
        assert [row["正文"] for row in rows if isinstance(row, dict)] == list(SAID)


def test_a_workbook_with_title_rows_and_merged_cells_is_read(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "周报.xlsx",
        {
            "Sheet1": [
                ["澜禾品牌周报"],
                ["标题", "内容", "互动"],
                [None, None, "转发", "评论"],
                *(["锅盖裂了", said, 1, 2] for said in SAID),
                ["标题", "内容", "互动"],
                ["合计", None, 6, 12],
            ]
        },
        merged=("A1:D1", "C2:D2", "A2:A3", "B2:B3"),
    )

    with table(path, Wishes()) as (proposal, rows, position):
        found = list(rows)

    assert proposal.mapping == {
        "标题": "title",
        "内容": "text",
        "互动/转发": "reposts",
        "互动/评论": "comments",
    }
    assert len(found) == len(SAID) + 1  # the header that was repeated is none
    assert position.done == position.total
