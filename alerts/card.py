"""What a message says: an incident and what is known of it in, a value for each field of it out.

Figures that are not known are called unknown, never zero. Who speaks is described, never accused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts import hot
from alerts.batches import signal_words
from alerts.functions import speaker_of
from alerts.growth import growth_words
from alerts.markup import plain, shorten
from alerts.moments import clock_words, day_words, duration_words
from alerts.occasions import Occasion
from alerts.routing import answering
from alerts.scene import Address, Scene
from alerts.seats import tells_apart
from alerts.service_clock import service_clock, unpublished_year
from alerts.tier_words import tier_words
from alerts.voices import judge_voices
from config.schema import Project
from storage.records import (
    BRAND_PREFIX,
    ConfirmKind,
    Evidence,
    Grade,
    Incident,
    IncidentState,
    Level,
    Mention,
    Task,
    Verdict,
)

_LEVEL_WORDS = {
    Level.NONE: "未定级",
    Level.BLUE: "蓝（一般）",
    Level.YELLOW: "黄（较大）",
    Level.ORANGE: "橙（重大）",
    Level.RED: "红（特别重大）",
}
# Words that push a score by the company they keep, and would only puzzle on a card.
_SMALL_WORDS = (
    "我们 你们 他们 她们 它们 自己 大家 别人 这个 那个 这样 那样 这么 那么 这种 那种 "
    "这里 那里 什么 怎么 为什么 多少 哪里 没有 不是 就是 还是 只是 可是 但是 而且 因为 "
    "所以 如果 已经 现在 之后 以后 以前 时候 一个 一下 一点 一些 一直 一样 知道 觉得 "
    "感觉 说是 可以 可能 应该 需要 不会 不能 不要 今天 昨天 明天 东西 事情 问题 真的 "
    "非常 然后 结果 居然 竟然"
)
_STILL = {
    "handled": "等待客户侧确认，计时暂停。",
    "shelved": "已知问题搁置中，计时暂停。",
}
_NAME = 6  # characters of a name in the first line; 欧阳晓明 has four
_SOURCES = 3
# Grounds that people are to read even though they bring no points.
_ALWAYS_NAMED = frozenset(
    {"launch_watch", "launch_baseline", "brand_lift", "industry_wave", "only_unsure", "calendar"}
)
_OF_TASKS = frozenset({Occasion.TASK, Occasion.TASK_WARNING, Occasion.TASK_DUE, Occasion.TASK_OVER})
# What the three are asked, and management about them.
_OF_SEATS = {
    Occasion.TRIANGLE: "跟进",
    Occasion.HANDOVER: "答复",
    Occasion.HANDOVER_SAID: "",
    Occasion.LOCKED: "跟进",
}
_NEWS = frozenset({Occasion.NOTICE, Occasion.LEVEL_UP, Occasion.REOPENED, Occasion.REJECTED})


def card_values(
    incident: Incident, occasion: Occasion, scene: Scene, address: Address
) -> dict[str, str]:
    """Return the value of every field of `config.templates.FIELDS`; "" leaves its line out.

    All of them are single lines that mean nothing to any dialect.
    """
    project, recipient = scene.project, address.recipient
    people = scene.evidence.authors if scene.evidence else incident.authors
    values = {
        "level": incident.level.zh,
        "title": incident.title,
        "people": str(people) if people else "",
        "ratio": _ratio_words(incident.grade),
        "ask": _ask(incident, occasion, project, address),
        "code": f"{incident.code}·{incident.epoch}·{incident.level.zh}",
        "why": address.why or f"{incident.policy.reason}。",
        "late": _late(address),
        "relapse": _relapse(incident, project, address),
        "closed_how": _closed_how(incident, occasion),
        "confirmed": _confirmed(incident, occasion, project),
        "handled": _handled(incident, project),
        "service": service_words(incident, address.at),
        "tier": f"{said}。" if (said := tier_words(incident, project)) else "",
        "handled_ago": _handled_ago(incident, address.at),
        "rule": _rule(incident, address),
        "name": recipient.name,
        "three": _three(incident, project, address.at),
        "speaker": _speaker(incident, scene, address.at),
    }
    is_grave = incident.level >= Level.ORANGE or incident.relapse is not None
    values["lesson"] = scene.lesson if is_grave else ""
    values["answered"] = scene.answered if occasion is Occasion.CLOSING else ""
    values |= _task_values(incident, occasion, scene, address)
    values |= _grade_values(incident, project)
    values |= _spread_values(incident, scene, address.at)
    if occasion is Occasion.CLOSING:
        values["quiet"] = ""
    return {name: plain(text) for name, text in values.items()}


def sources_of(samples: Sequence[tuple[Mention, Verdict]]) -> list[tuple[str, str]]:
    """Return title and address of the originals that are shown."""
    return [(mention.title or mention.text, mention.url) for mention, _ in samples[:_SOURCES]]


def template_name(incident: Incident, occasion: Occasion) -> str:
    """Return the name of the text for an occasion: some notices have one of their own."""
    if occasion is Occasion.NOTICE and _is_held(incident):
        return "held"
    if occasion is Occasion.NOTICE and incident.cluster_id.startswith(BRAND_PREFIX):
        return "brand"
    return occasion.value


# --- who is asked -------------------------------------------------------------------------------


def _ask(incident: Incident, occasion: Occasion, project: Project, address: Address) -> str:
    """Return who is asked to do what by when; "" when nobody is asked anything."""
    name = shorten(_asked(incident, occasion, project, address), _NAME)
    if occasion in _OF_SEATS:
        act = _OF_SEATS[occasion]
        by = _answer_by(incident, address) if occasion is Occasion.HANDOVER else None
    else:
        by, act = _request(incident, occasion, address)
    if not act:
        return ""
    return (
        f"请{name}{clock_words(by, address.at, address.recipient.zone)}前{act}"
        if by
        else (f"请{name}{act}")
    )


def _request(
    incident: Incident, occasion: Occasion, address: Address
) -> tuple[datetime | None, str]:
    """Return by when what is asked."""
    task = _task_of(incident, occasion, address)
    is_new = incident.state is IncidentState.OPEN
    by, act = None, ""
    match occasion:
        case Occasion.TASK | Occasion.TASK_WARNING if task is not None:
            by, act = task.due_at, "完成"
        case Occasion.TASK | Occasion.TASK_WARNING | Occasion.TASK_DUE | Occasion.TASK_OVER:
            act = "更新进展"
        case Occasion.LEASE_WARNING:
            by, act = incident.lease_until, "更新进展"
        case Occasion.REACT_WARNING if due := _service_due(incident, "react", address):
            by, act = due, "确认"
        case Occasion.SOLVE_WARNING if due := _service_due(incident, "solve", address):
            by, act = due, "解决"
        case Occasion.SOLVE_OVER | Occasion.FIRST_WARNING | Occasion.FIRST_OVER:
            act = "跟进" if occasion is Occasion.SOLVE_OVER else "联系投诉人"
        case Occasion.CLOSING:
            pass
        case _ if is_new and occasion is not Occasion.CONFIRM:
            by, act = address.ask_by, "确认" if address.ask_by is not None else "尽快确认"
        case _ if not occasion.asks_to_acknowledge:
            act = "跟进"
        case _:
            pass
    return by, act


def _service_due(incident: Incident, clock: str, address: Address) -> datetime | None:
    """Return when the time to react or to solve is over; None while that clock does not run."""
    found = service_clock(incident, address.at)
    if found is None:
        return None
    return found.react_due_at if clock == "react" else found.solve_due_at


def _asked(incident: Incident, occasion: Occasion, project: Project, address: Address) -> str:
    """Return who is asked to act: those told beside the owner are told, not asked."""
    if occasion in _NEWS:
        return _person(project, incident.owner_id) or address.recipient.name
    return address.recipient.name


def _answer_by(incident: Incident, address: Address) -> datetime | None:
    """Return until when an offered role waits for an answer: the next end that is to come."""
    ends = [seat.answer_by for seat in incident.triangle if seat.answer_by is not None]
    return min((end for end in ends if end > address.at), default=None)


def _three(incident: Incident, project: Project, at: datetime) -> str:
    """Say who the three are, and who stands in for one who cannot be told now."""
    if not incident.at_work or not tells_apart(incident):
        return ""
    locked = "（已锁定）" if incident.locked_at else ""
    named = (
        f"{seat.role.zh} {answering(project, seat.owner_id, at)}" for seat in incident.triangle
    )
    return f"{'；'.join(named)}{locked}。"


def _speaker(incident: Incident, scene: Scene, at: datetime) -> str:
    """Say which function speaks in public of it, where the project fills that function."""
    function = speaker_of(scene.project, incident.issue_class)
    if not incident.at_work or scene.project.function(function) is None:
        return ""
    return f"由{answering(scene.project, function, at, scene.regions)}负责。"


def _is_held(incident: Incident) -> bool:
    """Say whether fallback people hold it because nobody was named its owner yet."""
    return incident.policy.held and incident.owner_id == incident.policy.owner_id


def _late(address: Address) -> str:
    if address.late is None:
        return ""
    return f"本条比计划晚 {duration_words(address.late)}，期间系统未能运行。"


def _person(project: Project, actor: str) -> str:
    owner = project.owner(actor)
    return owner.name if owner else actor


# --- what was done ------------------------------------------------------------------------------


def service_words(incident: Incident, now: datetime) -> str:
    """Say what is left of the time to react and to solve; "" where no service was promised."""
    clock = service_clock(incident, now)
    if clock is None:
        return ""
    if clock.paused:
        return _STILL.get(clock.paused, "")
    named = [("解决", clock.solve_left_s)]
    if incident.state is IncidentState.OPEN:
        named.insert(0, ("响应", clock.react_left_s))
    said = [
        f"{name}{'还剩' if left > 0 else '已超'} {duration_words(timedelta(seconds=abs(left)))}"
        for name, left in named
    ]
    ends = max(filter(None, (clock.react_due_at, clock.solve_due_at)), default=now)
    year = unpublished_year(incident.policy.service, now, ends)
    weekdays = f"，{year} 年的节假日尚未公布，暂按周一至周五计" if year else ""
    return f"{'；'.join(said)}（按服务时间计，{clock.tier_id}{weekdays}）。"


def _closed_how(incident: Incident, occasion: Occasion) -> str:
    if occasion is not Occasion.CLOSING:
        return ""
    kind = ConfirmKind(incident.closed_how or ConfirmKind.CUSTOMER)
    return "客户侧已确认" if kind is ConfirmKind.CUSTOMER else kind.zh


def _confirmed(incident: Incident, occasion: Occasion, project: Project) -> str:
    if occasion is not Occasion.CLOSING or not incident.closed_evidence:
        return ""
    return f"{incident.closed_evidence}（由{_person(project, incident.closed_by)}登记）"


def _handled(incident: Incident, project: Project) -> str:
    if not incident.handled_note:
        return ""
    return f"{incident.handled_note}（{_person(project, incident.handled_by)}）"


def _handled_ago(incident: Incident, at: datetime) -> str:
    if incident.handled_at is None:
        return "已处理"
    days = (at - incident.handled_at).days
    return f"已处理{days}天" if days else "刚处理完"


def _relapse(incident: Incident, project: Project, address: Address) -> str:
    """Say what is known from the last time the same trouble was there."""
    before = incident.relapse
    if before is None:
        return ""
    day = day_words(before.closed_at, address.at, address.recipient.zone)
    said = f"；客户侧当时说：{before.said}" if before.said else ""
    cause = before.cause or "处理情况没有记录"
    return (
        f"同样的问题在{day}结过案：{cause}{said}；当时由{_person(project, before.owner_id)}负责。"
    )


def _task_values(
    incident: Incident, occasion: Occasion, scene: Scene, address: Address
) -> dict[str, str]:
    task = _task_of(incident, occasion, address)
    if task is None:
        return {"task": "", "task_kind": ""}
    zone = address.recipient.zone
    by = _person(scene.project, task.by)
    clock = clock_words(task.due_at, address.at, zone)
    due = f"原定{clock}，已到期" if task.due_at <= address.at else f"{clock}前"
    return {
        "task": f"{task.kind}：{task.title}（{due}；由{by}安排）",
        "task_kind": str(task.kind),
    }


def _task_of(incident: Incident, occasion: Occasion, address: Address) -> Task | None:
    """Return the task that a message is about: the newest given to a person, or the one due."""
    if occasion not in _OF_TASKS:
        return None
    tasks = [task for task in incident.tasks if task.state == "open"]
    tasks = [task for task in tasks if task.owner_id == address.recipient.id] or tasks
    if occasion is Occasion.TASK:
        return tasks[-1] if tasks else None
    if occasion is Occasion.TASK_WARNING:
        tasks = [task for task in tasks if task.due_at > address.at] or tasks
    return min(tasks, key=lambda task: task.due_at, default=None)


# --- why it is graded so ------------------------------------------------------------------------


def _ratio_words(grade: Grade | None) -> str:
    surge = grade.surge if grade else None
    if surge is None or surge.kind == "none" or surge.expected <= 0 or surge.ratio < 1.5:
        return ""
    if not math.isfinite(surge.ratio) or surge.ratio >= 100:
        return "平常百倍以上"
    if surge.ratio >= 10:
        return f"平常{surge.ratio:.0f}倍"
    return f"平常{surge.ratio:.1f}倍".replace(".0", "")


def _grade_values(incident: Incident, project: Project) -> dict[str, str]:
    grade = incident.grade
    set_by = ""
    if incident.level_by:
        why = f"：{incident.level_reason}" if incident.level_reason else ""
        set_by = f"由{_person(project, incident.level_by)}设定{why}；"
    level = _LEVEL_WORDS[incident.level]
    if grade is None:
        return {"grade": f"{level}。{set_by}".rstrip("；"), "figures": "", "quiet": ""}
    grounds = "；".join(_grounds(grade))
    scored = f"{level}，{set_by}{grade.score:.0f} 分"
    return {
        "grade": f"{scored}：{grounds}。" if grounds else f"{scored}。",
        "figures": _figures(grade),
        # what a person has set does not follow from figures
        "quiet": f"{grade.quiet_if}。" if grade.quiet_if and not incident.level_by else "",
    }


def _grounds(grade: Grade) -> list[str]:
    """Return the sentences behind a grade: what set it, then what scored most."""
    first = [
        reason
        for reason in grade.reasons
        if reason.code.startswith("trigger_") or reason.code in _ALWAYS_NAMED
    ]
    scored = sorted(
        (r for r in grade.reasons if r.points > 0 and r.code != grade.surge.reason),
        key=lambda reason: -reason.points,
    )
    # a trigger that also scored stands in both
    named = dict.fromkeys(reason.text.rstrip("。；") for reason in [*first, *scored])
    return [*named][:4]


def _figures(grade: Grade) -> str:
    surge = grade.surge
    if not surge.window_hours:
        return ""
    usual = "几乎没有" if surge.expected < 0.05 else f"约 {surge.expected:.1f} 位"
    fires = ""
    if math.isfinite(surge.threshold) and surge.threshold > 0:
        fires = f"，达到 {math.ceil(surge.threshold)} 位即预警"
    return f"近 {surge.window_hours} 小时 {surge.observed} 位作者，平常{usual}{fires}。"


def _rule(incident: Incident, address: Address) -> str:
    if incident.grade is None:
        return ""
    at = clock_words(incident.grade.at, address.at, address.recipient.zone)
    return f"{incident.grade.rule_version}（{at} 评级）"


# --- how far it has spread ----------------------------------------------------------------------


def _spread_values(incident: Incident, scene: Scene, at: datetime) -> dict[str, str]:
    evidence = scene.evidence
    values = dict.fromkeys(("growth", "voices", "batch", "keywords"), "")
    values["spread"] = _spread(incident, evidence)
    values["terms"] = "、".join(_pushing_words(scene.samples))
    if evidence is None:
        return values
    grown = growth_words(evidence.growth)
    values["growth"] = f"{grown}。" if grown else ""
    judged = judge_voices(evidence, at)
    if judged.reason in {"copied", "wave"}:
        values["voices"] = f"{judged.text}。"
    if evidence.batches:
        values["batch"] = f"{signal_words(evidence.batches[0])}。"
    values["keywords"] = "、".join(evidence.cluster.keywords[:6])
    return values


def _spread(incident: Incident, evidence: Evidence | None) -> str:
    people = evidence.authors if evidence else incident.authors
    platforms = evidence.platforms if evidence else incident.platforms
    named = "、".join(platforms[:5])
    texts = f"，{evidence.texts} 种说法" if evidence and evidence.texts else ""
    spread = f"{people} 位不同作者{_inside(evidence)}{texts}；" if people else "作者数未知；"
    spread += f"{len(platforms)} 个平台（{named}）；" if platforms else "平台未知；"
    spread += f"转发 {_count_words(evidence.reposts if evidence else None)}"
    spread += f"，阅读 {_count_words(evidence.views if evidence else None)}"
    return f"{spread}；{hot.words(evidence)}。" if evidence else f"{spread}；热搜未知。"


def _inside(evidence: Evidence | None) -> str:
    """Say how many people are known from customer service only: they are no public spread."""
    public = evidence.public_authors if evidence else None
    if evidence is None or public is None or public >= evidence.authors:
        return ""
    return f"（其中 {evidence.authors - public} 位只来自内部渠道）"


def _count_words(count: int | None) -> str:
    return "未知" if count is None else f"{count:,} 次"


def _pushing_words(samples: Sequence[tuple[Mention, Verdict]]) -> list[str]:
    """Return the words that pushed the samples' scores most and say something by themselves."""
    weights: dict[str, float] = {}
    for _, verdict in samples:
        for term in verdict.terms:
            if term.weight > 0 and _speaks(term.text):
                weights[term.text] = max(term.weight, weights.get(term.text, 0.0))
    return sorted(weights, key=lambda word: (-weights[word], word))[:5]


def _speaks(word: str) -> bool:
    """Say whether a word tells a reader anything: no single characters, figures or small words."""
    bare = word.strip()
    says_little = bare.isdigit() or f" {bare} " in f" {_SMALL_WORDS} "
    return len(bare) > 1 and bare.isprintable() and not says_little
