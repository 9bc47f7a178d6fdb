"""Two weeks of complaints about the example brand, gathered into clusters by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.records import (
    Assignment,
    BrandId,
    Cluster,
    ClusterId,
    RawMention,
    ShardChanges,
    ShardId,
    SourceId,
)
from storage.store import Store
from tests.console.world import verdict_on
from tests.make import fingerprint_of

BRAND = BrandId("lanhe")
SHARD = ShardId("lanhe/zh")


@dataclass(frozen=True)
class Told:
    """One cluster: its label and keywords, and how many wrote in this week and the one before."""

    name: str
    label: str
    words: tuple[str, ...]
    issue: str
    now: int
    before: int = 0
    authors: tuple[str, ...] = ()
    copies: int = 0


WEEK = (
    Told("leak", "净水器接口处漏水", ("净水器", "漏水"), "产品质量", 9, 2, copies=3),
    Told("seep", "净水器底座漏水泡坏地板", ("净水器", "漏水"), "产品质量", 4, 0, ("用户leak0",)),
    Told("rude", "客服互相推诿没人管", ("客服", "推诿"), "服务态度", 5, 6),
    Told("late", "安装师傅约了三次都没来", ("安装", "没来"), "售后维修", 3),
    Told("scratch", "外壳到手就有划痕", ("外壳", "划痕"), "产品质量", 1),
    Told("refund", "退款拖了半个月", ("退款", "半个月"), "退款退货", 1, 1),
)


def cluster_id(name: str) -> ClusterId:
    return ClusterId(f"lanhe-{name:a<8}")


def bring_week(store: Store, now: datetime, week: tuple[Told, ...] = WEEK) -> None:
    """Keep, judge and gather these complaints; the newest is an hour old."""
    raws, homes = [], []
    for told in week:
        for n in range(told.now + told.before):
            at = now - timedelta(hours=1 + n, days=0 if n < told.now else 8)
            text = f"{told.label}，第 {max(n, told.copies)} 次反馈澜禾了。"
            author = told.authors[n] if n < len(told.authors) else f"用户{told.name}{n}"
            raws.append(
                RawMention(
                    source_id=SourceId("jing-tousu"),
                    platform="投诉平台",
                    native_id=f"{told.name}-{n}",
                    url=f"http://site.example/tousu/{told.name}-{n}",
                    title=f"澜禾{told.label}",
                    text=text,
                    author=author,
                    published_at=at,
                    observed_at=now,
                )
            )
            homes.append(told)
    with store.transaction() as tx:
        tx.keep(raws, now)
        mentions = tx.pending_mentions(500)
        by_key = {one.url: told for one, told in zip(raws, homes, strict=True)}
        told_of = {one.mention_id: by_key[one.url] for one in mentions}
        verdicts = [
            replace(verdict_on(one), issue_class=told_of[one.mention_id].issue) for one in mentions
        ]
        tx.save_verdicts([one.mention_id for one in mentions], verdicts, now)
        items = tx.pending_verdicts(SHARD, 500)
        clusters = []
        for told in week:
            own = [one for one in mentions if told_of[one.mention_id] is told]
            clusters.append(
                Cluster(
                    cluster_id=cluster_id(told.name),
                    shard_id=SHARD,
                    brand_id=BRAND,
                    size=len({one.text for one in own}),
                    n_duplicates=len(own) - len({one.text for one in own}),
                    first_at=min(one.published_at for one in own),
                    last_at=max(one.published_at for one in own),
                    label=told.label,
                    keywords=told.words,
                    representative_id=own[0].mention_id,
                )
            )
        tx.save_gathering(
            ShardChanges(
                shard_id=SHARD,
                assignments=tuple(
                    Assignment(
                        mention_id=one.mention_id,
                        cluster_id=cluster_id(told_of[one.mention_id].name),
                        seq=seq,
                        score=0.8,
                        fingerprint=fingerprint_of(one.text),
                    )
                    for seq, one in enumerate(mentions, 1)
                ),
                clusters=tuple(clusters),
            ),
            items,
        )
