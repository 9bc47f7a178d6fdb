"""Proposals to merge clusters: found at night or on command, kept for people to decide.

In: the live clusters of a brand. Out: rows of merge_proposal; nothing is merged here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from classify.proposing import Candidate, Near, propose, reading_of, shortlist
from classify.sentence_meanings import SentenceMeanings
from config.errors import ConfigError, GroundswellError
from config.schema import Project
from storage.queries import Queries
from storage.records import BrandId, MergeProposal
from storage.store import Store

log = logging.getLogger(__name__)

Way = Literal["words", "meanings"]
GREW_WITHIN = timedelta(days=7)
MOST = 50  # of a brand at a time, the likeliest
_DONE_ON = "proposed_on"


@dataclass(slots=True)
class Proposer:
    """Finds proposals. The sentence model is loaded when it is first asked, and then kept."""

    store: Store
    project: Project
    _model: list[SentenceMeanings] = field(default_factory=list)

    def find(self, now: datetime, way: Way, brand: str | None = None) -> list[MergeProposal]:
        """Return what is proposed now, likeliest first; nothing is written.

        Errors: ConfigError for a brand that is not configured, ModelError without the extra.
        """
        if brand is not None and self.project.brand(brand) is None:
            known = ", ".join(one.id for one in self.project.brands)
            raise ConfigError(f'there is no brand "{brand}"; known: {known}')
        model = self._meanings() if way == "meanings" else None
        found: list[MergeProposal] = []
        for one in self.project.brands:
            if brand in (None, one.id):
                found += self._of_brand(BrandId(one.id), now, model)
        return found

    def keep(self, proposals: list[MergeProposal]) -> int:
        """Store proposals; return how many are new."""
        if not proposals:
            return 0
        with self.store.transaction() as tx:
            return tx.add_proposals(proposals)

    def tick(self, now: datetime) -> int:
        """Propose once a local day, where the project wants it; return how many are new."""
        way = self.project.settings.clusters.propose
        if way == "off":
            return 0
        today = now.astimezone(ZoneInfo(self.project.settings.timezone)).date().isoformat()
        if self.store.meta(_DONE_ON) == today:
            return 0
        try:
            new = self.keep(self.find(now, way))
        except (
            GroundswellError
        ) as error:  # the extra is missing: said once a day, nothing else stops
            log.error("propose error=%s", error)  # noqa: TRY400 - its text says it all
            new = 0
        with self.store.transaction() as tx:
            tx.set_meta(_DONE_ON, today)
        log.info("propose day=%s by=%s new=%d", today, way, new)
        return new

    def _of_brand(
        self, brand_id: BrandId, now: datetime, model: SentenceMeanings | None
    ) -> list[MergeProposal]:
        with self.store.read() as queries:
            candidates = _candidates(queries, brand_id, now)
            settled = queries.settled_pairs(brand_id)
        near = shortlist(candidates, settled)
        meanings = None if model is None else model.read(_readings(candidates, near))
        return propose(candidates, near, now, meanings)[:MOST]

    def _meanings(self) -> SentenceMeanings:
        if not self._model:
            self._model.append(SentenceMeanings())
        return self._model[0]


def _readings(candidates: list[Candidate], near: list[Near]) -> list[str]:
    places = {place for pair in near for place in (pair.first, pair.second)}
    return [reading_of(candidates[place]) for place in sorted(places)]


def _candidates(queries: Queries, brand_id: BrandId, now: datetime) -> list[Candidate]:
    since = now - GREW_WITHIN
    clusters = queries.clusters_to_pair(brand_id, since)
    faces = queries.topic_samples(
        [one.representative_id for one in clusters if one.representative_id is not None]
    )
    facts = queries.pair_facts(brand_id, since)
    found = []
    for one in clusters:
        face = faces.get(one.representative_id) if one.representative_id is not None else None
        found.append(
            Candidate(
                cluster=one,
                title=face.title if face else "",
                text=face.text if face else "",
                facts=facts.get(one.cluster_id, frozenset()),
                has_grown=one.last_at is not None and one.last_at >= since,
            )
        )
    return found
