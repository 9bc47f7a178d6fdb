"""Mentions in, verdicts out: which brands, how negative, about what, how grave."""

from __future__ import annotations

from collections.abc import Sequence

from classify.issues import OTHER, IssueClassifier
from classify.matching import BrandMatcher
from classify.sentiment import Score, ScoreItem, Scorer
from classify.severity import products, severity
from classify.symptoms import symptoms
from config.schema import Settings
from storage.records import BrandHit, BrandId, Mention, Polarity, Verdict


class Analyst:
    """The one object that understands mentions. Holds no state between calls."""

    def __init__(
        self,
        matcher: BrandMatcher,
        scorer: Scorer,
        issues: IssueClassifier,
        settings: Settings,
    ) -> None:
        self._matcher = matcher
        self._scorer = scorer
        self._issues = issues
        self._band = settings.unsure_band

    def judge_many(self, mentions: Sequence[Mention]) -> list[tuple[Verdict, ...]]:
        """Return per mention, in order, one verdict per brand it is about; () when about none."""
        found = [
            self._matcher.match(mention.title, mention.text, mention.url, mention.author)
            for mention in mentions
        ]
        keys = [(index, brand_id) for index, hits in enumerate(found) for brand_id in hits]
        scores = self._scorer.score_many(
            [_item(mentions[index], found[index], brand_id) for index, brand_id in keys]
        )
        named = [index for index, hits in enumerate(found) if hits]
        texts = [f"{mentions[index].title}\n{mentions[index].text}" for index in named]
        classes = dict(zip(named, self._issues.classify_many(texts), strict=True))
        facts = {index: severity(text) for index, text in zip(named, texts, strict=True)}
        verdicts: list[list[Verdict]] = [[] for _ in mentions]
        for (index, brand_id), score in zip(keys, scores, strict=True):
            verdicts[index].append(
                self._verdict(
                    mentions[index],
                    found[index][brand_id],
                    score,
                    classes.get(index, OTHER),
                    facts.get(index, ()),
                )
            )
        return [tuple(row) for row in verdicts]

    def _verdict(
        self,
        mention: Mention,
        hits: tuple[BrandHit, ...],
        score: Score,
        issue_class: str,
        facts: tuple[str, ...],
    ) -> Verdict:
        named = self._matcher.products_named(hits[0].brand_id, mention.title, mention.text)
        return Verdict(
            mention_id=mention.mention_id,
            brand_id=hits[0].brand_id,
            model_version=self._scorer.version,
            negative=score.negative,
            polarity=polarity(score.negative, self._band),
            issue_class=issue_class,
            terms=score.terms,
            hits=hits,
            severity=facts,
            products=tuple(dict.fromkeys((*products(hits), *named))),
            symptoms=symptoms(f"{mention.title}\n{mention.text}"),
            lang=mention.lang,
        )


def polarity(negative: float, band: tuple[float, float]) -> Polarity:
    """Place a probability against the unsure band; its lower edge is unsure, its upper negative."""
    if negative >= band[1]:
        return Polarity.NEGATIVE
    return Polarity.UNSURE if negative >= band[0] else Polarity.NOT_NEGATIVE


def _item(
    mention: Mention, found: dict[BrandId, tuple[BrandHit, ...]], brand_id: BrandId
) -> ScoreItem:
    others = tuple(hit for other, hits in found.items() if other != brand_id for hit in hits)
    return ScoreItem(
        title=mention.title,
        text=mention.text,
        hits=found[brand_id],
        others=others,
        rating=mention.rating,
    )
