"""What the one who wrote is told: what was done, and what happens next."""

from __future__ import annotations

from datetime import datetime

from alerts.incidents import Command
from alerts.moments import clock_words
from alerts.routing import name_of
from config.schema import Owner, Project
from groundswell.console import words
from storage.records import Incident

HOW = (
    "可以回复：确认；不归我管；误报 理由；转派 姓名；静默 1小时；进展 做到哪了；"
    "处理完毕 怎么处理的。前面写上编号，例如：舆-7F3K 确认"
)


def state_words(incident: Incident) -> str:
    """Return the state an incident is in, as people say it."""
    return words.STATES[incident.state].zh


def after_words(
    project: Project, incident: Incident, command: Command, owner: Owner, now: datetime
) -> str:
    """Return what was done by a command, and what follows from it."""
    return f"{incident.code} {_done(project, incident, command, owner, now)}"


def _done(
    project: Project, incident: Incident, command: Command, owner: Owner, now: datetime
) -> str:
    name, lease, muted = str(command.name), incident.lease_until, incident.muted_until
    by = clock_words(lease, now, owner.zone) if lease else ""
    until = clock_words(muted, now, owner.zone) if muted else ""
    follows = f"升级通知已停下。请在 {by} 前回一句进展，否则会重新提醒。" if by else ""
    done = {
        "ack": f"已确认，由你接手。{follows}",
        "not_mine": "已记下，不算确认；计时没有停，已请下一位看。",
        "dismiss": "已判为误报，不再提醒。一天之后如果又有新的投诉，会重新打开。",
        "assign": f"已转派给 {name_of(project, incident.owner_id)}，对方马上会收到通知。",
        "silence": f"已静默到 {until}。级别再上升时照样提醒。",
        "note": f"进展已记下。{f'下一句进展请在 {by} 前写。' if by else ''}",
        "handled": "已记为处理完毕，正在等客户一侧确认；没有确认之前不会结案。",
    }
    return done[name]
