"""The review desk: what people say of verdicts, wherever they say it, and what they are asked.

Every correction goes through here: stored, applied, the clusters graded again and an audit line
written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.messages import Links
from classify.duplicates import is_copy
from classify.fingerprint import Sketch, key_of, sketch_of
from classify.text import rewrite
from config.errors import GroundswellError
from config.schema import Project
from groundswell.acting import act_on
from groundswell.clock import Clock
from groundswell.hot import HotLists
from groundswell.labelling import Choice, choose, shortlist
from groundswell.passes import PassLog, Sight
from storage.corrected import is_withdrawn, kept_words
from storage.corrections import Corrected
from storage.queries import Queries
from storage.records import WITHDRAWN, Correction, Mention, MentionId, ReviewItem
from storage.review import Candidate
from storage.store import Store

ASKED_AT_ONCE = 40  # mentions a day's queue is filled with; more follow when those are done
_ASKED_OF = timedelta(days=7)  # what was taken in earlier is no longer asked about
_KNOWN_TEXTS = 300  # texts people spoke about lately, whose copies are not asked again
_UNDO_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far today's review is: mentions this person answered, everybody did, and what is left."""

    mine: int
    everybody: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDesk:
    """Takes corrections; `woken` is called after a commit that may have left messages or work."""

    store: Store
    project: Project
    clock: Clock
    links: Links
    woken: Callable[[], None] = lambda: None

    def say(self, said: Sequence[Correction]) -> Corrected:
        """Store corrections and make them hold, with all that follows from it, at once.

        Errors: StoreError when a mention is unknown; nothing is stored then.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            done = tx.correct(self._asked(tx.queries, said), now)
            tx.lock_passes()
            sight = Sight()
            act_on(
                tx,
                dict.fromkeys(done.clusters, ()),
                now,
                project=self.project,
                hot_lists=HotLists(self.project),
                links=self.links,
                before={},
                sight=sight,
            )
            PassLog(self.project).note(tx, "label", now, sight, clusters=list(done.clusters))
            for one in done.corrections:
                tx.audit(one.actor, "label", f"mention {one.mention_id}", now, _told(one))
        self.woken()
        return done

    def _asked(self, queries: Queries, said: Sequence[Correction]) -> list[Correction]:
        """Note why today's queue asked, whatever door the answer comes through."""
        asked = {
            (item.mention_id, item.brand_id): item.reasons[0]
            for item in queries.review_items(self.day())
            if item.state == "open" and item.reasons
        }
        return [replace(one, asked=asked.get((one.mention_id, one.brand_id), "")) for one in said]

    def undo(self, actor: str, door: str) -> Corrected | None:
        """Take back what a person said last, all of that answer; None when there is nothing.

        Only answers of the last 24 hours: older ones are taken back where they stand.
        """
        now = self.clock.now()
        with self.store.read() as queries:
            recent = queries.corrections(since=now - _UNDO_WITHIN, actor=actor, limit=500)
            last = next((one for one in recent if self._stands(queries, one)), None)
        if last is None:
            return None
        answer = [
            one
            for one in recent
            if (one.mention_id, one.at) == (last.mention_id, last.at) and not is_withdrawn(one)
        ]
        return self.say([_taken_back(one, actor, now, door) for one in answer])

    def take_back(self, correction_no: int, actor: str, door: str) -> Corrected:
        """Take back one correction, whoever made it and whenever.

        Errors: GroundswellError when there is none, or it no longer counts.
        """
        with self.store.read() as queries:
            one = queries.correction(correction_no)
            stands = one is not None and self._stands(queries, one)
        if one is None or not stands:
            raise GroundswellError(
                f"复核记录 {correction_no} 不存在，或者已经不算数 (no such correction that counts)"
            )
        return self.say([_taken_back(one, actor, self.clock.now(), door)])

    def _stands(self, queries: Queries, one: Correction) -> bool:
        kept = kept_words(queries.mention_corrections(one.mention_id)).values()
        return any(one in words for words in kept)

    # --- what is asked ---------------------------------------------------------------------------

    def day(self) -> str:
        """Return today in the project's zone, as the queue names it."""
        return f"{self.clock.now().astimezone(self.project.settings.zone):%Y-%m-%d}"

    def queue(self) -> list[ReviewItem]:
        """Return what is still asked today, in its order; fills the queue when it is empty."""
        day = self.day()
        with self.store.read() as queries:
            items = queries.review_items(day)
            waiting = [one for one in items if one.state == "open"]
            if waiting:
                return waiting
            choices = self._choices(queries, items, day)
        fresh = [
            ReviewItem(
                day=day,
                place=place,
                mention_id=choice.candidate.mention_id,
                brand_id=choice.candidate.brand_id,
                reasons=choice.reasons,
            )
            for place, choice in enumerate(choices, len(items) + 1)
        ]
        if not fresh:
            return []
        with self.store.transaction() as tx:
            tx.save_review(fresh)
            stored = tx.queries.review_items(day)
        return [one for one in stored if one.state == "open"]

    def skip(self, mention_id: int, brand_id: str, actor: str) -> None:
        """Pass a mention over for today."""
        with self.store.transaction() as tx:
            tx.skip_review(self.day(), mention_id, brand_id, actor)

    def progress(self, actor: str, left: int) -> Progress:
        """Count the mentions that were answered since local midnight."""
        now = self.clock.now().astimezone(self.project.settings.zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with self.store.read() as queries:
            said = queries.corrections(since=midnight, limit=10_000)
        answered = {(one.mention_id, one.brand_id) for one in said}
        mine = {(one.mention_id, one.brand_id) for one in said if one.actor == actor}
        return Progress(mine=len(mine), everybody=len(answered), left=left)

    def _choices(self, queries: Queries, asked: Sequence[ReviewItem], day: str) -> list[Choice]:
        before = {(one.mention_id, one.brand_id) for one in asked}
        candidates = [
            one
            for one in queries.review_candidates(self.clock.now() - _ASKED_OF)
            if (one.mention_id, one.brand_id) not in before
            and self.project.brand(one.brand_id) is not None
        ]
        copies = self._copies(queries, candidates, asked, day)
        return choose(candidates, ASKED_AT_ONCE, day=day, thresholds=self.threshold, is_copy=copies)

    def threshold(self, brand_id: str) -> float:
        """Return the middle of a brand's unsure band, where a verdict is least sure."""
        low, high = self.project.settings.unsure_band
        brand = self.project.brand(brand_id)
        if brand is not None:
            low = brand.thresholds.unsure or low
            high = brand.thresholds.negative or high
        return (low + high) / 2

    def _copies(
        self,
        queries: Queries,
        candidates: Sequence[Candidate],
        asked: Sequence[ReviewItem],
        day: str,
    ) -> Callable[[MentionId, Iterable[MentionId]], bool]:
        wanted = [one.mention_id for one in shortlist(candidates, self.threshold, day)]
        spoken = [one.mention_id for one in queries.corrections(limit=_KNOWN_TEXTS)]
        known = {*spoken, *(one.mention_id for one in asked)}
        texts = queries.review_texts([*wanted, *known])
        sketches = {mention_id: _sketch(mention) for mention_id, mention in texts.items()}
        outdated = {one.mention_id for one in candidates if one.outdated}
        seen = [sketches[one] for one in sorted(known - outdated) if one in sketches]

        def is_known(mention_id: MentionId, taken: Iterable[MentionId]) -> bool:
            own = sketches.get(mention_id)
            if own is None:
                return False
            others = [sketches[one] for one in taken if one in sketches and one != mention_id]
            return any(is_copy(own, other) for other in (*others, *seen))

        return is_known


def _sketch(mention: Mention) -> Sketch:
    key, stripped = key_of(rewrite(f"{mention.title}\n{mention.text}"))
    return sketch_of(key, stripped)


def _taken_back(one: Correction, actor: str, now: datetime, door: str) -> Correction:
    fact = f"{one.value.partition('=')[0]}={WITHDRAWN}"
    value = fact if one.kind == "severity" else WITHDRAWN
    return replace(
        one, correction_no=0, value=value, actor=actor, at=now, door=door, note="", asked=""
    )


def _told(one: Correction) -> str:
    said = f"{one.brand_id} {one.kind}: {one.was or '—'} → {one.value or '—'}"
    return f"{said}　{one.note}" if one.note else said
