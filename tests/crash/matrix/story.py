"""What happens in a trial: a small company, two makers of kitchen things, three troubles.

The steps stand in the order in which they come; a process that was killed in one begins it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.records import Incident, RawMention, SourceId
from tests.crash.matrix.plan import Story

START = datetime(2026, 3, 10, 0, 58, tzinfo=UTC)  # a Tuesday, two minutes to nine in Shanghai
SOURCE = SourceId("complaints")

# What is done, in order. "wait" goes on to the next timer, "deliver" until nothing more is due
# before that timer; the other words are methods of live.Engine.
STEPS: Mapping[Story, Sequence[str]] = {
    "ladder": (
        "drain", "deliver", "wait", "remind", "deliver", "wait", "remind", "deliver", "regrade",
        "settle",
    ),
    "desk": (
        "drain", "deliver", "arrive", "deliver", "ack", "wait", "remind", "deliver", "handled",
        "confirm", "regrade", "settle",
    ),
    "digest": ("drain", "deliver", "morning", "digest", "deliver", "regrade", "settle"),
    "merge": ("drain", "deliver", "merge", "deliver", "wait", "remind", "regrade", "settle"),
    "migration": ("deliver", "wait", "remind", "deliver", "regrade", "settle"),
    "reload": (
        "drain", "edit", "reload", "deliver", "wait", "remind", "deliver", "wait", "remind",
        "regrade", "settle",
    ),
}  # fmt: skip

_ENDINGS = (
    "客服一直推脱不给退款",
    "售后拖着不处理",
    "打了三次电话没人管",
    "要求退货退款",
    "商家拒绝赔偿",
)
_TROUBLES = {
    "plug": ("澜禾破壁机H7", "插头烧焦冒烟，插座熏黑，一屋子焦糊味"),
    "leak": ("澜禾净饮机T2", "水箱底部漏水，台面泡坏了，接口一直滴水"),
    "smell": ("青杉电饭煲", "内胆涂层脱落，饭里有黑色碎屑，孩子吃了上吐下泻送医院急诊"),
}


@dataclass(frozen=True, slots=True)
class Wave:
    """So many people about one trouble; `first` numbers them through all waves."""

    trouble: str
    first: int
    people: int


FIRST_WAVES = (Wave("plug", 0, 5), Wave("leak", 100, 8), Wave("smell", 200, 5))
LATER_WAVE = Wave("leak", 120, 6)  # a level higher


def complaints(wave: Wave, now: datetime) -> list[RawMention]:
    """Return the posts of a wave, the last of them three minutes old."""
    product, trouble = _TROUBLES[wave.trouble]
    return [
        RawMention(
            source_id=SOURCE,
            platform="投诉平台",
            text=f"{product}{trouble}，{_ENDINGS[n % 5]}，我是第{n}个来投诉的，质量太差必须给说法",
            native_id=str(n),
            author=f"用户{n}",
            observed_at=now,
            published_at=now - timedelta(minutes=3 * (1 + n - wave.first)),
        )
        for n in range(wave.first, wave.first + wave.people)
    ]


def marked(address: str, incident: Incident) -> str:
    """Return an incident's address with what tells the messages about it apart."""
    return f"{address}#m{incident.seq}.{incident.incident_id}"


def write_project(folder: Path, authority: str, *, edited: bool = False) -> Path:
    """Write the company's files. `edited`: one colleague has left, another has a new channel."""
    files = _FILES | (_EDITED if edited else {})
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(text.replace("AUTHORITY", authority), encoding="utf-8")
        fresh.replace(path)
    return folder


_FILES = {
    "project.yaml": """\
settings:
  name: 澜禾舆情
  allow_private: ["AUTHORITY"]
fallback: [zhao, sun]
""",
    "channels.yaml": """\
channels:
  - {id: bot1, kind: wecom_bot, key: "env:CRASH_BOT", url: "http://AUTHORITY/bot/bot1"}
  - {id: bot2, kind: wecom_bot, key: "env:CRASH_BOT", url: "http://AUTHORITY/bot/bot2"}
  - {id: hook1, kind: webhook, secret: "env:CRASH_HOOK", url: "http://AUTHORITY/hook/hook1"}
  - {id: hook2, kind: webhook, url: "http://AUTHORITY/hook/hook2"}
  - {id: app1, kind: wecom_app, corp_id: lanhe, agent_id: 7, secret: "env:CRASH_HOOK",
     url: "http://AUTHORITY/wecom/app1"}
  - {id: app2, kind: feishu_app, app_id: lanhe, secret: "env:CRASH_HOOK",
     url: "http://AUTHORITY/feishu/app2"}
""",
    "owners.yaml": """\
owners:
  - {id: lin, name: 林舒, role: service, channels: [bot1, hook1], digest_at: "09:00"}
  - {id: zhao, name: 赵琪, role: lead, channels: [app1, bot2], digest_at: "09:00",
     addresses: {app1: zhaoqi}}
  - {id: qian, name: 钱岩, role: pr, channels: [hook1, bot2], digest_at: null}
  - {id: sun, name: 孙晨, role: executive, channels: [app2, bot2, hook2], digest_at: "09:00",
     addresses: {app2: ou_sunchen}}
""",
    "routes.yaml": """\
routes:
  - {id: lanhe, brand: lanhe, owner: lin, also: [qian], chain: [qian, zhao]}
  - {id: qingshan, brand: qingshan, owner: qian, also: [zhao], chain: [lin, sun]}
""",
    "brands/lanhe.yaml": """\
id: lanhe
name: 澜禾
aliases: [澜禾]
products:
  - {id: h7, name: 破壁机 H7, aliases: [澜禾破壁机H7]}
  - {id: t2, name: 净饮机 T2, aliases: [澜禾净饮机T2]}
""",
    "brands/qingshan.yaml": """\
id: qingshan
name: 青杉
aliases: [青杉]
""",
}
# Qian is gone, with a message for her written and not sent; Lin's bot was replaced by a hook.
_EDITED = {
    "owners.yaml": """\
owners:
  - {id: lin, name: 林舒, role: service, channels: [hook1], digest_at: "09:00"}
  - {id: zhao, name: 赵琪, role: lead, channels: [app1, bot2], digest_at: "09:00",
     addresses: {app1: zhaoqi}}
  - {id: sun, name: 孙晨, role: executive, channels: [app2, bot2, hook2], digest_at: "09:00",
     addresses: {app2: ou_sunchen}}
""",
    "routes.yaml": """\
routes:
  - {id: lanhe, brand: lanhe, owner: lin, also: [zhao], chain: [zhao]}
  - {id: qingshan, brand: qingshan, owner: zhao, chain: [lin, sun]}
""",
}
