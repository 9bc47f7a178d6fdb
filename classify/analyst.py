"""Mentions in, verdicts out: which brands, how negative, about what, how grave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from classify.adapting import Adaptation
from classify.facts import FactFinder
from classify.fits import Fits
from classify.issue_rules import OwnIssues
from classify.issues import IssueClassifier, Issues
from classify.matching import BrandMatcher, Judged
from classify.noise import mark_many
from classify.sentiment import Score, ScoreItem, Scorer
from classify.severity import products, severity
from config.schema import IssueRule, Settings
from storage.records import BrandHit, BrandId, Mention, Noise, Polarity, Verdict


class _Said(NamedTuple):
    """What a text says by itself, whichever brand it is about."""

    issues: Issues
    severity: tuple[str, ...]
    noise: Noise


class Analyst:
    """The one object that understands mentions. Holds no state between calls but its parts.

    Without `fits` no source is adapted to, and all brands have the project's band.
    """

    def __init__(
        self,
        matcher: BrandMatcher,
        scorer: Scorer,
        issues: IssueClassifier,
        settings: Settings,
        fits: Fits | None = None,
        *,
        own_issues: Sequence[IssueRule] = (),
    ) -> None:
        self._matcher = matcher
        self._facts = FactFinder(matcher.brands)
        self._scorer = scorer
        self._issues = issues
        self._own_issues = OwnIssues(own_issues)
        self._fits = fits or Fits(settings.unsure_band)

    @property
    def model_version(self) -> str:
        """Name the weights that score."""
        return self._scorer.version

    def band(self, brand_id: BrandId) -> tuple[float, float]:
        """Return from which probabilities a mention of the brand is unsure, and negative."""
        return self._fits.band(brand_id)

    def learn(
        self, mentions: Sequence[Mention], known: Adaptation | None
    ) -> tuple[Adaptation, float]:
        """Estimate what fits the scores of these mentions, all of one source, without labels.

        Also returns by how much (log-odds, on average) that moves them from where `known` puts
        them. Estimated from the scores before any adaptation: what was said of a source before
        never feeds on itself.
        """
        items = [
            _item(mention, found, brand_id)
            for mention in mentions
            for found in [self._found(mention)]
            for brand_id in found
        ]
        log_odds, cells = self._scorer.log_odds_many(items), self._scorer.cells_many(items)
        adaptation, _ = self._scorer.adapter.adapt(log_odds, cells)
        before = (known or Adaptation()).fit(log_odds, cells)
        moved = np.abs(adaptation.fit(log_odds, cells) - before)
        return adaptation, float(moved.mean()) if items else 0.0

    def judge_many(self, mentions: Sequence[Mention]) -> list[tuple[Verdict, ...]]:
        """Return per mention, in order, one verdict per brand it is about; () when about none."""
        found = [self._found(mention) for mention in mentions]
        fits = {
            source_id: self._fits.of_source(source_id)
            for source_id in {mention.source_id for mention in mentions}
        }
        keys = [(index, brand_id) for index, hits in enumerate(found) for brand_id in hits]
        scores = self._scorer.score_many(
            [
                _item(mentions[index], found[index], brand_id, fits[mentions[index].source_id])
                for index, brand_id in keys
            ]
        )
        said = self._said(mentions, found)
        verdicts: list[list[Verdict]] = [[] for _ in mentions]
        for (index, brand_id), score in zip(keys, scores, strict=True):
            verdicts[index].append(
                self._verdict(mentions[index], found[index][brand_id], score, said[index])
            )
        return [tuple(row) for row in verdicts]

    def named(self, mention: Mention) -> list[Judged]:
        """Return every place where a brand is named, whether it counts, and why."""
        return self._matcher.judge(mention.title, mention.text, mention.url, mention.author)

    def _found(self, mention: Mention) -> dict[BrandId, tuple[BrandHit, ...]]:
        return self._matcher.match(mention.title, mention.text, mention.url, mention.author)

    def _said(
        self, mentions: Sequence[Mention], found: Sequence[dict[BrandId, tuple[BrandHit, ...]]]
    ) -> dict[int, _Said]:
        """Read what the mentions that name a brand say, whichever brand; by place in the batch."""
        named = [index for index, hits in enumerate(found) if hits]
        texts = [f"{mentions[index].title}\n{mentions[index].text}" for index in named]
        columns = (
            self._issues.judge_many(texts, self._own_issues),
            map(severity, texts),
            (one.noise for one in mark_many(texts, [found[index] for index in named])),
        )
        return dict(zip(named, map(_Said, *columns), strict=True))

    def _verdict(
        self,
        mention: Mention,
        hits: tuple[BrandHit, ...],
        score: Score,
        said: _Said,
    ) -> Verdict:
        named = self._matcher.products_named(hits[0].brand_id, mention.title, mention.text)
        what = tuple(dict.fromkeys((*products(hits), *named)))
        stated = self._facts.find(
            mention.title,
            mention.text,
            hits[0].brand_id,
            hits,
            what,
            said_at=mention.published_at,
            region=mention.region,
        )
        return Verdict(
            mention_id=mention.mention_id,
            brand_id=hits[0].brand_id,
            model_version=score.scorer or self._scorer.version,
            negative=score.negative,
            polarity=polarity(score.negative, self.band(hits[0].brand_id)),
            issue_class=said.issues.issue_class,
            also=said.issues.also,
            sub_classes=said.issues.sub_classes,
            positive=score.positive,
            terms=score.terms,
            bias=score.bias,
            shift=score.shift,
            adaptation=score.adaptation,
            hits=hits,
            severity=said.severity,
            noise=said.noise,
            products=what,
            facts=stated,
            symptoms=tuple(dict.fromkeys(one.value for one in stated if one.kind == "symptom")),
            lang=mention.lang,
        )


def polarity(negative: float, band: tuple[float, float]) -> Polarity:
    """Place a probability against the unsure band; its lower edge is unsure, its upper negative."""
    if negative >= band[1]:
        return Polarity.NEGATIVE
    return Polarity.UNSURE if negative >= band[0] else Polarity.NOT_NEGATIVE


def _item(
    mention: Mention,
    found: dict[BrandId, tuple[BrandHit, ...]],
    brand_id: BrandId,
    fit: Adaptation | None = None,
) -> ScoreItem:
    others = tuple(hit for other, hits in found.items() if other != brand_id for hit in hits)
    return ScoreItem(
        title=mention.title,
        text=mention.text,
        hits=found[brand_id],
        others=others,
        rating=mention.rating,
        adaptation=fit,
    )
