"""What exports call their columns, and the layouts of common tools by name.

In: the text of a header cell. Out: our fields that it may mean, the likeliest first, or that it is
none of our business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

# Our field -> what people call it.
LABELS: Mapping[str, str] = {
    "text": "正文",
    "title": "标题",
    "url": "链接",
    "published_at": "发布时间",
    "published_time": "几点几分（日期另有一列）",
    "author": "作者",
    "source": "平台",
    "id": "编号",
    "rating": "评分",
    "reposts": "转发数",
    "comments": "评论数",
    "likes": "点赞数",
    "views": "阅读数",
    "region": "地区",
    "parent_url": "原帖链接",
    "channel": "渠道（public 或 internal）",
    "lang": "语言",
    "history": "历史内容",
    "contact_phone": "客户电话（加密保存）",
    "contact_name": "客户姓名（加密保存）",
    "contact_address": "客户地址（加密保存）",
    "contact_email": "客户邮箱（加密保存）",
    "contact_wechat": "客户微信或QQ（加密保存）",
    "customer_no": "客户编号（只存摘要）",
    "customer_tier": "客户等级",
}
# Parts of a longer header, weaker than a whole name.
_WITHIN: tuple[tuple[str, str], ...] = (
    ("标题", "title"),
    ("链接", "url"),
    ("网址", "url"),
    ("url", "url"),
    ("转发", "reposts"),
    ("分享", "reposts"),
    ("评论数", "comments"),
    ("评论量", "comments"),
    ("回复数", "comments"),
    ("点赞", "likes"),
    ("阅读", "views"),
    ("浏览", "views"),
    ("播放", "views"),
    ("评分", "rating"),
    ("星级", "rating"),
    ("正文", "text"),
    ("内容", "text"),
    ("诉求", "text"),
    ("描述", "text"),
    ("反馈", "text"),
    ("原话", "text"),
    ("时间", "published_at"),
    ("日期", "published_at"),
    ("昵称", "author"),
    ("作者", "author"),
    ("账号", "author"),
    ("平台", "source"),
    ("来源", "source"),
    ("媒体", "source"),
    ("属地", "region"),
    ("省", "region"),
    ("地区", "region"),
    ("城市", "region"),
)
# Who the customer is goes sealed into the vault, or stays in the system that holds it; the answer
# and the verdict of others are no part of what was said, nor are the people who gave them.
_CONTACT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("电话|手机|来电号码|主叫号码|联系方式|phone|mobile"), "contact_phone"),
    (re.compile("邮箱|email"), "contact_email"),
    (re.compile("微信号|qq号"), "contact_wechat"),
    (re.compile("住址|收货地址|上门地址|(?:客户|用户|联系|家庭|详细)地址"), "contact_address"),
    (re.compile("姓名|联系人"), "contact_name"),
)
_STAFF = re.compile("客服|坐席|处理|受理|经办|店长|导购|店员|师傅|工程师|门店|负责人|介绍人|推荐人")
_PERSONAL = re.compile("姓名|电话|手机|联系方式|身份证|住址|收货|邮箱|微信号|phone|mobile|email")
PERSONAL = "个人信息，不导入"
_FOREIGN = re.compile(
    "客服回复|商家回复|回复内容|处理|解决|回访|备注|情感|倾向|正负面|敏感|关键词|标签|坐席|客服|工号|粉丝|"
    "收藏|次数|[数量]$|更新时间|采集时间|入库时间|结束时间|完成时间|关闭时间|回复时间|时长|相似|订单|快递"
)


def normalised(header: str) -> str:
    """Return a header as it is compared: narrow, lower case, without blanks, brackets and marks."""
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"[(\[【<][^)\]】>]*[)\]】>]", "", text)
    return re.sub(r"[\s_*:：#\-]+", "", text)


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Return every name of column_names.txt with the fields that it may mean."""
    found: dict[str, list[str]] = {}
    text = files("groundswell").joinpath("column_names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        ours, colon, names = line.partition(":")
        if colon and not line.startswith("#"):
            for name in names.split():
                found.setdefault(name, []).append(ours)
    return {name: tuple(fields) for name, fields in found.items()}


def meanings(header: str) -> dict[str, float]:
    """Return our fields that a header may mean with how sure its words make it: 3 named, 1.5 part.

    Of a header in two rows ("互动数据/转发") the last part counts first.
    """
    whole = normalised(header)
    contact = contact_of(header)
    for text in (whole, whole.rpartition("/")[2]):
        if text in _names():
            return dict.fromkeys(_names()[text], 3.0)
    if contact:
        return {contact: 3.0}
    if left_out(header):
        return {}
    last = whole.rpartition("/")[2]
    found = [ours for part, ours in _WITHIN if part in last] or [
        ours for part, ours in _WITHIN if part in whole
    ]
    return {found[0]: 1.5} if found else {}


def contact_of(header: str) -> str:
    """Return which of the customer's data a header names, "" for none or for somebody else's."""
    name = normalised(header)
    if _STAFF.search(name) or "身份证" in name:
        return ""
    return next((ours for words, ours in _CONTACT if words.search(name)), "")


def left_out(header: str) -> str:
    """Return why a column is left out by its name, "" when it is not."""
    name = normalised(header)
    if name in _names():
        return ""
    if contact_of(header):
        return ""
    if _PERSONAL.search(name):
        return PERSONAL
    return "不是原话的一部分" if _FOREIGN.search(name) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The layout of a kind of export. It is known by `marks`, of which `needed` must be there."""

    name: str
    marks: tuple[str, ...]
    needed: int
    channel: str = "public"
    source: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def fits(self, headers: set[str]) -> bool:
        """Say whether a file with these normalised headers is such an export."""
        return sum(normalised(mark) in headers for mark in self.marks) >= self.needed


# Described by what such exports have in common; no tool's own file was copied.
PRESETS: tuple[Preset, ...] = (
    Preset(
        name="客服工单",
        marks=(
            "工单号",
            "工单编号",
            "工单标题",
            "工单内容",
            "工单描述",
            "建单时间",
            "工单状态",
            "处理人",
        ),
        needed=3,
        channel="internal",
        source="客服工单",
        columns={"建单时间": "published_at", "工单内容": "text", "工单描述": "text"},
    ),
    Preset(
        name="400热线",
        marks=(
            "来电时间",
            "来电日期",
            "来电号码",
            "来电内容",
            "受理单号",
            "受理人",
            "坐席",
            "通话时长",
            "来电原因",
        ),
        needed=3,
        channel="internal",
        source="400热线",
        columns={"来电内容": "text"},
    ),
    Preset(
        name="在线客服会话",
        marks=(
            "会话id",
            "会话编号",
            "会话时间",
            "会话内容",
            "聊天内容",
            "接待客服",
            "访客",
            "访客来源",
            "满意度",
        ),
        needed=3,
        channel="internal",
        source="在线客服",
        columns={"会话内容": "text", "聊天内容": "text", "会话时间": "published_at"},
    ),
    Preset(
        name="门店反馈",
        marks=("门店", "门店名称", "门店编号", "反馈日期", "反馈内容", "导购", "店长", "大区"),
        needed=3,
        channel="internal",
        source="门店上报",
        columns={"反馈内容": "text", "反馈日期": "published_at"},
    ),
    Preset(
        name="电商评价",
        marks=(
            *(
                "评价内容",
                "初评内容",
                "评价时间",
                "评价星级",
                "商品名称",
                "商品id",
                "sku",
                "追评内容",
            ),
            *("买家昵称", "评价id", "商家回复"),
        ),
        needed=3,
        columns={"评价内容": "text", "初评内容": "text", "评价时间": "published_at"},
    ),
    Preset(
        name="应用商店评论",
        marks=(
            "应用名称",
            "应用版本",
            "版本",
            "版本号",
            "评论标题",
            "评论内容",
            "评论星级",
            "应用商店",
            "应用市场",
        ),
        needed=3,
        columns={"评论内容": "text", "评论标题": "title"},
    ),
    Preset(
        name="新媒体监测导出",
        marks=(
            *(
                "作品标题",
                "作品链接",
                "达人昵称",
                "粉丝数",
                "公众号名称",
                "笔记标题",
                "笔记链接",
                "在看数",
                "互动量",
            ),
            *("收藏数", "点赞数", "阅读数", "播放量", "发布账号"),
        ),
        needed=4,
        columns={"作品标题": "title", "笔记标题": "title", "发布账号": "author"},
    ),
    Preset(
        name="舆情平台导出",
        marks=(
            *(
                "情感属性",
                "情感倾向",
                "正负面",
                "倾向性",
                "相似文章数",
                "媒体类型",
                "媒体级别",
                "命中关键词",
            ),
            *("涉及关键词", "监测方案", "信息来源", "原文链接", "媒体名称", "摘要"),
        ),
        needed=3,
        columns={"摘要": "text", "媒体名称": "source", "信息来源": "source"},
    ),
)


def preset_of(headers: list[str]) -> Preset | None:
    """Return the first layout that the headers fit."""
    names = {normalised(header) for header in headers}
    return next((preset for preset in PRESETS if preset.fits(names)), None)


def preset_named(name: str) -> Preset | None:
    """Return a layout by its name."""
    return next((preset for preset in PRESETS if preset.name == name), None)
