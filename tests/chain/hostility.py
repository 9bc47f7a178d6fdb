"""What the hostile tests share: commands that may fail, rights taken away, and months of talk."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from storage import tables
from storage.store import Store
from tests.chain.project import Project

_COMMAND_S = 120

_EVERYDAY = (
    "栖川{product}用了{days}，{part}很好洗，{where}买的，比旧的省心。",
    "给{who}换了栖川{product}，声音小，按键大，{who}自己就会用。",
    "栖川{product}和别家的比了比，外形我更喜欢栖川，{part}也厚实。",
    "{where}做活动，栖川{product}便宜了六十，赶上了。",
    "请教一下，栖川{product}的{part}可以单独买吗？想多备一个。",
    "今天用栖川{product}做了顿饭，{who}都说好吃，菜谱写在评论里。",
    "栖川的客服回得挺快，{part}少寄了一个，第二天就补来了。",
)
_LONE = (
    "栖川{product}的快递拖了{days}才到，包装压扁了，有点失望。",
    "栖川{product}的说明书写得太简单，研究了{days}才弄明白。",
    "栖川{product}屏幕亮度太高，晚上晃眼，希望改进。",
)
_CRISIS = (
    "{when}栖川电水壶底座冒烟起火，{trace}，{who}吓得不轻。{service}，{demand}。",
    "栖川电水壶底座烧焦冒烟，{trace}，才用了{days}。{service}，质量太差，{demand}。",
    "{where}买的栖川电水壶，{when}底座突然冒烟，{trace}，差点起火。{service}，{demand}。",
    "投诉栖川：电水壶用了{days}底座起火，{trace}，{who}的手被烫伤。{service}，{demand}。",
    "栖川电水壶底座冒烟，{who}就在旁边，{trace}，太危险了。{service}，垃圾产品，{demand}。",
    "都别买栖川电水壶，{days}就底座冒烟烧焦，{trace}。{service}，再也不信了，{demand}。",
)
_SLOTS = {
    "product": ("电饭煲", "电水壶", "养生壶", "小烤箱", "榨汁机"),
    "days": ("三天", "五天", "一周", "十来天", "半个月", "二十天", "一个月"),
    "part": ("内胆", "盖子", "底座", "量杯", "滤网", "手柄"),
    "where": ("超市", "官方旗舰店", "直播间", "小区团购", "百货商场", "专卖店"),
    "when": ("昨晚", "今早", "中午", "半夜", "刚刚", "下班回家"),
    "trace": ("插座熏黑", "台面烤出一个黑印", "满厨房焦糊味", "塑料都烧化了", "插针全烧黑"),
    "service": (
        "客服一直推脱",
        "售后踢皮球",
        "打了四次电话没人管",
        "客服说我操作不当",
        "店家拒不处理",
    ),
    "demand": ("要求退货退款", "要求赔偿损失", "厂家必须召回", "请平台介入处理", "必须给个说法"),
    "who": ("我妈", "婆婆", "室友", "老公", "孩子", "我爸", "奶奶"),
}


@dataclass(frozen=True)
class Said:
    """One thing that somebody said."""

    at: datetime
    author: str
    text: str


def months_of_talk(start: datetime, days: int, per_day: int, crisis_at: datetime) -> list[Said]:
    """Everyday talk with a lone complaint now and then, and one bad day: 40 people in ten hours."""
    rng = random.Random("half a year in the kitchen")
    said = [
        Said(
            at=start + timedelta(days=day, minutes=rng.randrange(24 * 60)),
            author=f"街坊{day}号{n}",
            text=_worded(rng, _LONE if rng.random() < 0.08 else _EVERYDAY),
        )
        for day in range(days)
        for n in range(per_day)
    ]
    said += a_burst(crisis_at, people=40, hours=10)
    return sorted(said, key=lambda one: (one.at, one.author))


def a_burst(start: datetime, *, people: int, hours: float) -> list[Said]:
    """Many people with the same complaint within some hours."""
    rng = random.Random("smoke from the base")
    return [
        Said(
            at=start + timedelta(hours=hours * n / people),
            author=f"食客{n}",
            text=_worded(rng, _CRISIS),
        )
        for n in range(people)
    ]


def _worded(rng: random.Random, patterns: Sequence[str]) -> str:
    chosen = {name: rng.choice(words) for name, words in _SLOTS.items()}
    return rng.choice(patterns).format(**chosen)


def write_jsonl(path: Path, said: Sequence[Said]) -> Path:
    rows = (
        {"id": str(n), "text": one.text, "author": one.author, "published_at": one.at.isoformat()}
        for n, one in enumerate(said)
    )
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def attempt(
    project: Project, *arguments: str, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command that may fail, to its end."""
    return subprocess.run(
        [*prefix, *project.command(*arguments)],
        env=project.environ,
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str, status: int = 1) -> None:
    """The command failed with a sentence that holds these words, and with nothing else."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last


def without_root_rights() -> list[str]:
    """Return what to put before a command so that file modes bind it, even when root runs it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and there is no setpriv (util-linux) to take it away")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


def row_counts(database_url: str) -> dict[str, int]:
    """Return how many rows every table has."""
    store = Store(database_url)
    try:
        with store.read() as queries:
            return {name: len(queries.table_rows(name)) for name in sorted(tables.metadata.tables)}
    finally:
        store.close()


def lines_of(text: str) -> Iterator[dict[str, object]]:
    """Yield the log lines of a command's stderr."""
    for line in text.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
