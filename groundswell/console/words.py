"""The console's words for states, kinds and causes: Chinese first, a short English beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from alerts.false_alarms import FalseAlarm
from alerts.score import FACTS_ZH
from groundswell.console import words_people, words_tasks
from groundswell.console.words_people import CLOSED_HOW as CLOSED_HOW  # noqa: PLC0414
from groundswell.console.words_people import CONFIRM_WAYS as CONFIRM_WAYS  # noqa: PLC0414
from storage.records import (
    DeliveryClass,
    IncidentState,
    IntentStatus,
    Level,
    Noise,
    Polarity,
    SourceHealth,
)


class Word(NamedTuple):
    """One thing in both languages."""

    zh: str
    en: str


LEVELS: Mapping[Level, Word] = {
    Level.NONE: Word("未定级", "none"),
    Level.BLUE: Word("蓝", "IV"),
    Level.YELLOW: Word("黄", "III"),
    Level.ORANGE: Word("橙", "II"),
    Level.RED: Word("红", "I"),
}
STATES: Mapping[IncidentState, Word] = {
    IncidentState.OPEN: Word("待确认", "open"),
    IncidentState.ACKNOWLEDGED: Word("处理中", "acknowledged"),
    IncidentState.HANDLED: Word("等客户确认", "handled"),
    IncidentState.CLOSED: Word("已结案", "closed"),
    IncidentState.MERGED: Word("已并入", "merged"),
    IncidentState.DISMISSED: Word("误报", "dismissed"),
}
EVENTS: Mapping[str, str] = {
    "raised": "发现并立案",
    "level_up": "级别上升",
    "level_down": "级别下降",
    "grown": "声量增长",
    "cooling": "声量回落",
    "cooling_over": "声量再次上升",
    "acknowledged": "确认接手",
    "lease_expired": "确认后没有进展，重新提醒",
    "escalated": "升级通知",
    "noted": "备注",
    "assigned": "转派",
    "not_mine": "有人表示不归自己管，改问下一位",
    "on_trial": "试运行：通知只发给审阅人",
    "went_live": "试运行结束，从这条起通知本人",
    "silenced": "静默",
    "unmuted": "静默结束",
    "handled": "已处理，等客户确认",
    "reminded": "提醒跟进客户确认",
    "dormant": "客户一直没有回应，转入每周跟踪",
    "confirmed": "确认，结案",
    **words_people.EVENTS,
    "rejected": "客户否认，重新打开",
    "reopened": "再次出现，重新打开",
    "dismissed": "判为误报",
    "merged": "并入另一事件",
    "absorbed": "另一事件并入",
    "split": "重新拆分出来",
    "relapsed": "结案后同类问题再次出现，重新打开",
    "tiered": "客户等级提高",
    "emptied": "更正之后没有内容了，自动结束",
    "shelved": "搁置为已知问题",
    "unshelved": "取消搁置",
    **words_tasks.EVENTS,
    "lease_reminded": "提醒补一句进展",
    "service_warned": "服务时限将到",
    "service_over": "已过服务时限",
    "held": "静默中，没有发出的通知记在这里",
    "caught_up": "静默期间的通知合并补发",
    "level_set": "人工定级",
    "level_returned": "级别交还程序",
    "level_recalled": "合并撤销，级别收回",
    "triangle_named": "指定三位负责人",
    "handover_offered": "提出移交",
    "handover_reminded": "提醒答复移交",
    "handover_accepted": "移交已接受",
    "handover_declined": "移交没有接受，退回",
    "handover_unanswered": "移交到时没有答复，退回",
    "locked": "三位负责人锁定，已报管理层",
    "unlocked": "解除三位负责人的锁定",
}
MESSAGES: Mapping[str, str] = {
    "notice": "通知",
    "escalation": "升级通知",
    "level_up": "级别上升通知",
    "reopened": "重新打开通知",
    "confirm": "请跟进客户确认",
    "closing": "结案通知",
    "triangle": "三位负责人通知",
    "handover": "移交通知",
    "service": "时限提醒",
    "task": "任务通知",
    "digest": "日报",
    "source": "信源告警",
    "test": "测试消息",
    "verify": "验证码",
    "summary": "合并通知",
    "channel": "通道告警",
    "heartbeat": "运行告警",
}
INTENTS: Mapping[IntentStatus, Word] = {
    IntentStatus.PENDING: Word("待发送", "pending"),
    IntentStatus.LEASED: Word("发送中", "sending"),
    IntentStatus.RETRY: Word("稍后重试", "retry"),
    IntentStatus.AMBIGUOUS: Word("不确定是否送达", "ambiguous"),
    IntentStatus.SENT: Word("已发出", "sent"),
    IntentStatus.DEAD: Word("未送达", "dead"),
    IntentStatus.CANCELLED: Word("已取消", "cancelled"),
}
ATTEMPTS: Mapping[DeliveryClass, str] = {
    DeliveryClass.OK: "成功",
    DeliveryClass.RETRY: "失败，会重试",
    DeliveryClass.THROTTLED: "被限流，会重试",
    DeliveryClass.PERMANENT: "被拒绝",
    DeliveryClass.AMBIGUOUS: "没有收到回执",
}
HEALTH: Mapping[SourceHealth, Word] = {
    SourceHealth.NEW: Word("还没抓过", "new"),
    SourceHealth.OK: Word("正常", "ok"),
    SourceHealth.DEGRADED: Word("有问题", "degraded"),
    SourceHealth.QUARANTINED: Word("已隔离", "quarantined"),
}
CAUSES: Mapping[str, str] = {
    "": "",
    "ok": "正常",
    "unchanged": "没有变化",
    "blocked": "被对方拦截",
    "login needed": "需要登录",
    "captcha": "出现验证码",
    "layout changed": "页面改版",
    "empty": "没有内容",
    "slow": "太慢",
    "gone": "页面不存在",
    "robots": "robots.txt 不允许",
    "network here": "本机网络问题",
    "too large": "内容过大",
    "unreadable": "无法解析",
    "server error": "对方服务器出错",
    "address refused": "地址不允许访问",
}
KINDS: Mapping[str, str] = {
    "feed": "订阅源",
    "list_detail": "列表和详情页",
    "json_api": "JSON 接口",
    "search": "关键词搜索",
    "sitemap": "站点地图",
    "app_reviews": "应用商店评论",
    "forum_thread": "论坛主题和回帖",
    "spider": "自写爬虫",
}
POLARITIES: Mapping[Polarity, Word] = {
    Polarity.NEGATIVE: Word("负面", "negative"),
    Polarity.UNSURE: Word("拿不准", "unsure"),
    Polarity.NOT_NEGATIVE: Word("非负面", "not negative"),
}
NOISES: Mapping[Noise, str] = {
    Noise.ADVERT: "广告",
    Noise.RECRUITING: "招聘",
    Noise.LOTTERY: "抽奖",
    Noise.SECOND_HAND: "二手转让",
    Noise.HIJACK: "蹭词：借品牌名引流",
}
SEVERITY = FACTS_ZH
FACT_KINDS: Mapping[str, str] = {  # products and symptoms stand elsewhere on the page
    "model": "型号",
    "batch": "批次",
    "version": "版本",
    "place": "地点",
    "shop": "门店",
    "order": "单号",
    "amount": "金额",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a person can do to an incident, and what the form asks for."""

    name: str
    label: Word
    hint: str
    field: str = ""  # label of the text field, "" when there is none
    required: bool = False
    done: str = ""


ACTIONS: Mapping[str, Action] = {
    action.name: action
    for action in (
        Action(
            name="ack",
            label=Word("确认接手", "acknowledge"),
            hint="告诉大家你在处理，升级通知随即停下。",
            done="已确认，升级通知停下了。",
        ),
        Action(
            name="note",
            label=Word("备注", "note"),
            hint="写下进展；处理中的事件会顺延提醒。",
            field="进展",
            required=True,
            done="备注已记下。",
        ),
        Action(
            name="assign",
            label=Word("转派", "assign"),
            hint="交给另一位负责人，对方马上收到通知。",
            field="说明（可选）",
            done="已转派，对方会收到通知。",
        ),
        Action(
            name="escalate",
            label=Word("升级", "escalate"),
            hint="现在就通知升级链上的下一位。",
            field="原因（可选）",
            done="已通知下一位。",
        ),
        Action(
            name="not_mine",
            label=Word("不归我管", "not mine"),
            hint="不算确认：计时不停，马上问下一位；知道该归谁就选上。",
            field="说明（可选）",
            done="已记下，并请下一位接手。",
        ),
        Action(
            name="grade",
            label=Word("定级", "grade"),
            hint="由人定级：此后程序只在出现新的依据时再升；降级要写理由。",
            field="理由（降级必填）",
            done="级别已改。",
        ),
        Action(
            name="task",
            label=Word("派任务", "task"),
            hint="交给一个人或一个职能；到期没有登记结果，会像没人确认的预警一样逐级催。",
            field="做什么",
            required=True,
            done="任务已派出，对方会收到通知。",
        ),
        Action(
            name="silence",
            label=Word("静默", "silence"),
            hint="一段时间内不再提醒；级别上升时照样提醒。",
            field="原因（可选）",
            done="已静默。",
        ),
        Action(
            name="shelve",
            label=Word("搁置", "shelve"),
            hint="已知问题：到约定的日子或人数之前不再提醒；红色和人身伤害照样提醒。",
            field="已知情况和解决安排",
            required=True,
            done="已搁置。",
        ),
        Action(
            name="unshelve",
            label=Word("取消搁置", "unshelve"),
            hint="拿回来继续处理，由你接手。",
            field="说明（可选）",
            done="已取消搁置，由你接手。",
        ),
        Action(
            name="handled",
            label=Word("已处理", "handled"),
            hint="说明做了什么，接下来等客户确认。",
            field="处理情况",
            required=True,
            done="已记为处理完，等客户确认。",
        ),
        Action(
            name="confirm",
            label=Word("客户确认", "confirm"),
            hint="有确认才能结案；请选凭什么，并写清谁、何时、怎么确认的。",
            field="确认的凭据",
            required=True,
            done="已确认，事件结案。",
        ),
        Action(
            name="reject",
            label=Word("客户否认", "reject"),
            hint="客户说没有解决，事件重新打开。",
            field="客户怎么说",
            required=True,
            done="事件已重新打开。",
        ),
        Action(
            name="dismiss",
            label=Word("误报", "dismiss"),
            hint="不是真的问题。理由会留作日后改进判断用。",
            field="理由",
            required=True,
            done="已判为误报。",
        ),
        Action(
            name="reopen",
            label=Word("重新打开", "reopen"),
            hint="关早了，或者误报判错了。",
            field="理由",
            required=True,
            done="已重新打开。",
        ),
        Action(
            name="handover",
            label=Word("移交", "hand over"),
            hint="请另一位接任；对方接受之前仍由原来的人负责。",
            field="理由",
            required=True,
            done="已请对方答复，接受之前由原来的人负责。",
        ),
        Action(
            name="accept",
            label=Word("接任", "accept"),
            hint="由此刻起由你负责。",
            field="说明（可选）",
            done="已接任。",
        ),
        Action(
            name="decline",
            label=Word("不接任", "decline"),
            hint="退回给原来的人，请写明理由。",
            field="理由",
            required=True,
            done="已退回，由原来的人继续负责。",
        ),
        Action(
            name="unlock",
            label=Word("解除锁定", "unlock"),
            hint="由管理层决定；此后可以再移交。",
            field="理由",
            required=True,
            done="已解除锁定。",
        ),
        Action(
            name="task_done",
            label=Word("完成", "done"),
            hint="写下结果。",
            field="结果",
            required=True,
            done="任务已登记完成。",
        ),
        Action(
            name="task_drop",
            label=Word("不做了", "drop"),
            hint="写下为什么不做。",
            field="理由",
            required=True,
            done="任务已取消。",
        ),
        Action(
            name="task_move",
            label=Word("记进展", "move"),
            hint="写下做到哪一步；超期的任务缓一轮再催。",
            field="进展",
            required=True,
            done="进展已记下。",
        ),
        Action(
            name="extend",
            label=Word("延长进展期限", "extend"),
            hint="一次确认只能延长一次，要写理由。",
            field="理由",
            required=True,
            done="已延长。",
        ),
        Action(
            name="draft",
            label=Word("存草稿", "draft"),
            hint="回复或声明的草稿，只留在这里，程序不会发到任何地方。",
            field="草稿",
            required=True,
            done="草稿已保存，没有发出。",
        ),
        Action(
            name="units",
            label=Word("登记件数", "units"),
            hint="要收回、已收到、已分析各多少件；减少要写理由。",
            field="说明（减少或多收时必填）",
            done="件数已更新。",
        ),
        Action(
            name="verdict",
            label=Word("下结论", "verdict"),
            hint="是不是批次问题，至少分析过一件。",
            field="依据",
            required=True,
            done="结论已登记。",
        ),
    )
}
SILENCES: tuple[tuple[str, str], ...] = (
    ("1", "1 小时"),
    ("4", "4 小时"),
    ("12", "12 小时"),
    ("24", "1 天"),
    ("72", "3 天"),
)
FALSE_ALARMS = tuple((reason.value, reason.zh) for reason in FalseAlarm)
TASK_STATES = words_tasks.STATES
TASK_COUNTS = words_tasks.COUNTS
RECEIPTS: Mapping[str, str] = {"delivered": "已送达", "answered": "已接听", "failed": "未送达"}
ROLES: Mapping[str, Word] = {
    "service": Word("售后", "service"),
    "pr": Word("公关", "pr"),
    "lead": Word("主管", "lead"),
    "engineer": Word("工程师", "engineer"),
    "legal": Word("法务", "legal"),
    "executive": Word("高管", "executive"),
    "admin": Word("管理员", "admin"),
    "readonly": Word("只读", "read-only"),
}

# What a batch signal's group is.
GROUPS = {
    "product": "产品",
    "batch": "批次",
    "month": "生产月份",
    "version": "版本",
    "model": "型号",
    "region": "地区",
}
