"""The console's words for tasks: what happened to them, how they stand, what their forms ask."""

from __future__ import annotations

from collections.abc import Mapping

EVENTS: Mapping[str, str] = {
    "task_set": "派出任务",
    "recall_set": "派出任务：收回故障件",
    "task_done": "任务完成",
    "task_dropped": "任务取消",
    "task_warned": "任务将到期，提醒一次",
    "task_due": "任务到期提醒",
    "task_overdue": "任务超期，通知下一位",
    "task_rested": "任务催完了，此后只在日报里列出",
    "task_moved": "任务有进展",
    "task_extended": "任务延期",
    "lease_extended": "进展期限延长",
    "drafted": "保存草稿，没有发出",
    "units_moved": "故障件件数更新",
    "verdict_given": "故障件有了结论",
}
STATES: Mapping[str, str] = {
    "open": "进行中",
    "done": "已完成",
    "dropped": "已取消",
    "moved": "随合并转走",
}
COUNTS: Mapping[str, str] = {"wanted": "要收回", "received": "已收到", "analysed": "已分析"}
