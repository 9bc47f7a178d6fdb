"""Clusters for the console's tests: what people say of invented appliances, gathered by hand.

Everything goes in through the store's own door; only which cluster a text joins is decided here,
so that the pages have two that are one thing, one that holds two things, and one of a competitor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from storage.records import (
    Assignment,
    BrandId,
    Cluster,
    ClusterEvent,
    ClusterId,
    MentionId,
    RawMention,
    ShardChanges,
    ShardId,
    SourceId,
)
from tests.console.world import World, verdict_on
from tests.make import fingerprint_of

SMOKE = ClusterId("lanhe-smoke234")
SOCKET = ClusterId("lanhe-socket23")
PHONE = ClusterId("lanhe-phone234")
RIVAL = ClusterId("hemu-leak2345")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one person wrote, how long ago; `copy_of` is the place of its original in the list."""

    author: str
    text: str
    hours: float
    title: str = ""
    platform: str = "微博"
    copy_of: int | None = None


@dataclass
class Gathered:
    """The clusters of a world: which mentions stand in each, in the order they were told."""

    world: World
    mentions: dict[ClusterId, list[MentionId]] = field(default_factory=dict)

    def put(
        self,
        cluster_id: ClusterId,
        label: str,
        keywords: Sequence[str],
        told: Sequence[Told],
        **fields: object,
    ) -> list[MentionId]:
        """Gather what people told as one cluster; its first mention is its face."""
        now, brand = self.world.clock.now(), BrandId(cluster_id.partition("-")[0])
        shard = ShardId(f"{brand}/zh")
        raws = [
            RawMention(
                source_id=SourceId("jing-tousu"),
                platform=one.platform,
                native_id=f"{cluster_id}-{n}",
                url=f"https://site.example/{cluster_id}/{n}",
                title=one.title,
                text=one.text,
                author=one.author,
                published_at=now - timedelta(hours=one.hours),
                observed_at=now,
            )
            for n, one in enumerate(told)
        ]
        with self.world.store.transaction() as tx:
            tx.keep(raws, now)
            kept = {one.url: one for one in tx.pending_mentions(100)}
            mentions = [kept[raw.url] for raw in raws]
            verdicts = [replace(verdict_on(one), brand_id=brand) for one in mentions]
            tx.save_verdicts([one.mention_id for one in mentions], verdicts, now)
            ids = [one.mention_id for one in mentions]
            start = sum(map(len, self.mentions.values())) * 2
            originals = [
                ids[n if one.copy_of is None else one.copy_of] for n, one in enumerate(told)
            ]
            by_id = {one.mention_id: one for one in mentions}
            changes = ShardChanges(
                shard_id=shard,
                assignments=tuple(
                    Assignment(
                        mention_id=one,
                        cluster_id=cluster_id,
                        seq=start + n,
                        score=0.8,
                        fingerprint=fingerprint_of(by_id[one].text),
                        sketch=b"" if root != one else b"\x01",
                        duplicate_of=root if root != one else None,
                    )
                    for n, (one, root) in enumerate(zip(ids, originals, strict=True), 1)
                ),
                clusters=(
                    Cluster(
                        cluster_id=cluster_id,
                        shard_id=shard,
                        brand_id=brand,
                        label=label,
                        keywords=tuple(keywords),
                        size=sum(one.copy_of is None for one in told),
                        n_duplicates=sum(one.copy_of is not None for one in told),
                        first_at=min(one.published_at for one in mentions),
                        last_at=max(one.published_at for one in mentions),
                        representative_id=ids[0],
                        blob=b"state",
                        **fields,  # type: ignore[arg-type]
                    ),
                ),
                events=(
                    ClusterEvent(
                        cluster_id=cluster_id,
                        kind="open",
                        at=min(one.published_at for one in mentions),
                    ),
                ),
            )
            items = tx.pending_verdicts(shard, 100)
            tx.save_gathering(changes, items)
        self.mentions[cluster_id] = ids
        return ids


def gather_example(world: World) -> Gathered:
    """Four clusters: a smoking base told twice over, one that is the same, one of phones, a rival's."""
    made = Gathered(world)
    made.put(SMOKE, "养生壶底座冒烟", ("底座", "冒烟", "养生壶", "焦糊"), _smoke())
    made.put(
        SOCKET,
        "底座插口发烫冒烟",
        ("底座", "发烫", "插口"),
        [
            Told(author="阿水", text="澜禾养生壶的底座插口烫得不敢碰，还冒了一缕烟。", hours=3),
            Told(author="米饭", text="澜禾K2用了两周，底座插口发烫，塑料都软了。", hours=20),
        ],
    )
    made.put(
        PHONE,
        "客服电话打不通",
        ("客服", "电话", "排队"),
        [
            Told(author="小鹿", text="澜禾客服电话排队四十分钟，最后自己挂断了。", hours=30),
            Told(author="老周", text="打了三天澜禾的客服电话，一次也没有接通。", hours=50),
        ],
    )
    made.put(
        RIVAL,
        "破壁机漏水",
        ("漏水", "破壁机"),
        [Told(author="果果", text="禾沐破壁机第一次用就漏水，台面全湿了。", hours=5)],
    )
    return made


def _smoke() -> list[Told]:
    told = [
        Told(
            author="胖虎爸爸",
            title="烧水烧出一股白烟",
            text="澜禾养生壶烧到一半，底座接口冒出白烟，桌垫烫出一个印子。",
            hours=2,
            platform="投诉平台",
        ),
        Told(author="山茶", text="澜禾K2底座冒烟了，一股焦糊味，孩子就在旁边。", hours=4),
        Told(
            author="转发机", text="澜禾K2底座冒烟了，一股焦糊味，孩子就在旁边。", hours=3, copy_of=1
        ),
        Told(
            author="小北",
            text="//@山茶: 澜禾K2底座冒烟了，一股焦糊味，孩子就在旁边。",
            hours=3,
            copy_of=1,
        ),
        Told(author="青团", text="我家这台澜禾也是，底座烧黑了一圈，冒烟还跳闸。", hours=6),
        Told(author="半夏", text="澜禾养生壶买来才一个月，底座冒烟，客服让我等七天。", hours=27),
    ]
    told += [
        Told(
            author=f"厨房{n}号",
            text=f"澜禾养生壶底座冒烟，第{n}次烧水就坏，求个说法。",
            hours=1 + n % 9,
        )
        for n in range(1, 9)
    ]
    told += [
        Told(author="快递侠", text="澜禾的快递箱子压扁了，壶盖都碎在里面。", hours=5),
        Told(author="等等", text="澜禾发货拖了九天，物流一直不动。", hours=7),
    ]
    return told
