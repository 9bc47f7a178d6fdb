"""What the program would make of a text: brand, score, class, cluster, and who would be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.routing import explain_route, route_traits
from alerts.score import TIERS
from classify.analyst import Analyst
from classify.clustering import Shard
from classify.noise import noise_words
from config.media import MediaTable
from config.official import OfficialAccounts
from config.schema import Project
from groundswell.weighing import Weighed, neutral, weigh
from storage.corrected import standing
from storage.records import (
    Fact,
    ItemKey,
    Mention,
    MentionId,
    Polarity,
    ShardId,
    ShardState,
    SourceId,
    Verdict,
)
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandAnswer:
    """What was found towards one brand."""

    brand_id: str
    brand: str
    model_version: str
    hits: tuple[str, ...]
    products: tuple[str, ...]
    negative: float
    neutral: float
    positive: float
    polarity: str
    weighed: tuple[Weighed, ...]  # words, the rest, the model's start, the source: their sum is
    log_odds: float  # of `negative`
    issue_class: str
    also: tuple[str, ...]
    sub_classes: tuple[str, ...]
    severity: tuple[str, ...]
    facts: tuple[Fact, ...]
    noise: str
    noise_words: tuple[str, ...]  # what decided that it is noise
    cluster_id: str | None
    cluster: str
    cluster_size: int
    incident: str
    rule: str
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer of `groundswell explain`."""

    text: str
    brands: tuple[BrandAnswer, ...]
    notes: tuple[str, ...] = ()  # who speaks, and what became of a stored mention


def text_as_mention(text: str, now: datetime) -> Mention:
    """Wrap a text that was typed in as the mention it would be."""
    return Mention(
        mention_id=MentionId(0),
        item_key=ItemKey("explain"),
        source_id=SourceId("explain"),
        platform="",
        title="",
        text=text,
        published_at=now,
        observed_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Answers from the same parts that the pipeline uses; writes nothing."""

    project: Project
    analyst: Analyst
    store: Store
    restore: Callable[[ShardState], Shard]

    def explain(self, mention: Mention, brand: str | None = None) -> Explanation:
        """Judge one mention as the pipeline would and say what would follow."""
        now = datetime.now(UTC)
        [verdicts] = self.analyst.judge_many([mention])
        answers = [
            self._answer(mention, verdict, now)
            for verdict in verdicts
            if brand in (None, verdict.brand_id)
        ]
        notes = (
            *self._meant(mention, brand),
            *self._voice(mention),
            *(self._fate(mention) if mention.mention_id else ()),
        )
        return Explanation(text=mention.text, brands=tuple(answers), notes=notes)

    def _meant(self, mention: Mention, brand: str | None) -> Iterator[str]:
        """Say of names that did not count, or mean other things as well, what decided."""
        told = {
            (place.hit.brand_id, place.hit.alias, place.counts, place.reason.zh)
            for place in self.analyst.named(mention)
            if place.reason.code != "named" and brand in {None, place.hit.brand_id}
        }
        for brand_id, alias, counts, reason in sorted(told):
            yield f"名称“{alias}”{'算' if counts else '不算'}品牌 {brand_id}：{reason}"

    def _voice(self, mention: Mention) -> Iterator[str]:
        """Say who speaks, as far as the configuration knows."""
        accounts = OfficialAccounts(self.project.brands, self.project.sources)
        speaker = accounts.speaker(mention.source_id, mention.platform, mention.author, mention.url)
        if speaker:
            yield f"官方账号：这是品牌 {speaker} 自己的话，不算提及，记为公开回应"
        tier = MediaTable(self.project.media).tier(
            mention.url, mention.author, mention.platform, mention.tier
        )
        if tier:
            yield f"媒体级别：{TIERS[tier][1]} ({tier})"
        if mention.channel == "internal":
            yield "内部渠道：参与聚类和批次判断，不算公开传播"

    def _fate(self, mention: Mention) -> Iterator[str]:
        """Say what became of a stored mention since it was taken in."""

        def written(instant: datetime) -> str:
            return f"{instant.astimezone(self.project.settings.zone):%m-%d %H:%M}"

        with self.store.read() as queries:
            texts = queries.mention_revisions(mention.mention_id)
            figures = queries.figures(mention.mention_id)
            responses = queries.mention_responses(mention.mention_id)
            said = standing(queries.mention_corrections(mention.mention_id))
        for correction in said.values():
            yield (
                f"复核：{correction.actor} 说对品牌 {correction.brand_id}，{correction.kind} 应为 "
                f"{correction.value or '无'}（原判 {correction.was or '无'}），以复核为准；"
                "上面是模型自己的判断"
            )
        if mention.gone_at:
            yield f"原文已删除：{written(mention.gone_at)} 发现打不开，统计不变"
        for _, title, text, replaced_at in texts:
            yield f"已编辑：{written(replaced_at)} 之前写的是“{(title or text)[:60]}”"
        for one in responses:
            yield f"公开回应：{written(one.at)} {one.actor} {one.url}（{one.note}）"
        if figures:
            yield f"热度：重读 {len(figures)} 次，最近 {written(figures[-1].at)}"

    def _answer(self, mention: Mention, verdict: Verdict, now: datetime) -> BrandAnswer:
        brand = self.project.brand(verdict.brand_id)
        cluster_id, label, size, incident = self._cluster(mention, verdict, now)
        weighed = weigh(verdict)
        traits = route_traits(
            self.project,
            brand_id=verdict.brand_id,
            issue_class=verdict.issue_class,
            further=(*verdict.also, *verdict.sub_classes),
            products=verdict.products,
            regions=(mention.region,) if mention.region else (),
            platforms=(mention.platform,) if mention.platform else (),
        )
        told = explain_route(self.project, traits, now)
        return BrandAnswer(
            brand_id=verdict.brand_id,
            brand=brand.name if brand else verdict.brand_id,
            model_version=verdict.model_version,
            hits=tuple(dict.fromkeys(hit.alias for hit in verdict.hits)),
            products=verdict.products,
            negative=round(verdict.negative, 4),
            neutral=round(neutral(verdict), 4),
            positive=round(verdict.positive, 4),
            polarity=str(verdict.polarity),
            weighed=tuple(weighed),
            log_odds=round(sum(one.weight for one in weighed), 6),
            issue_class=verdict.issue_class,
            also=verdict.also,
            sub_classes=verdict.sub_classes,
            severity=verdict.severity,
            facts=verdict.facts,
            noise=str(verdict.noise),
            noise_words=noise_words(mention.title, mention.text, [verdict])[verdict.brand_id],
            cluster_id=cluster_id,
            cluster=label,
            cluster_size=size,
            incident=incident,
            rule=self._rule(verdict),
            told=tuple(step.text for step in told),
        )

    def _cluster(
        self, mention: Mention, verdict: Verdict, now: datetime
    ) -> tuple[str | None, str, int, str]:
        """Say which stored cluster the mention would join (its shard is read, never written)."""
        if not verdict.is_gathered:
            return None, "", 0, ""
        shard_id = ShardId(f"{verdict.brand_id}/{verdict.lang}")
        with self.store.transaction() as tx:
            recall = tx.recall(shard_id)
            shard = self.restore(tx.load_shard(shard_id, now))
            joined = shard.gather([(mention, verdict)], now, recall).assignments[0].cluster_id
            stored = recall.known([joined])  # also one that is cold and would be opened again
            if not stored:
                return None, "", 0, ""
            [known] = stored
            incident = tx.incident_of(joined)
        named = f"{incident.code} {incident.title}" if incident else ""
        return joined, known.label, known.size + known.n_duplicates, named

    def _rule(self, verdict: Verdict) -> str:
        low, high = (round(edge, 2) for edge in self.analyst.band(verdict.brand_id))
        surge = self.project.settings.surge
        if verdict.polarity is Polarity.NOT_NEGATIVE:
            return f"负面概率 {verdict.negative:.2f} < {low}：记为非负面，不聚类"
        sure = verdict.polarity is Polarity.NEGATIVE
        counts = (
            f"负面概率 {verdict.negative:.2f} ≥ {high}：计入预警"
            if sure
            else f"拿不准（{low}–{high}）：只计入观察"
        )
        return (
            f"{counts}；同一聚类 24 小时内 ≥{surge.min_authors} 位不同作者且达到基线 "
            f"{surge.page_ratio:g} 倍时升为黄色及以上"
        )
