"""Knowledge: a card from each incident that closes; the nearest cards and replies for open ones.

In: incidents and what was learnt before. Out: cards, and what is like an incident, best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from alerts import subject
from alerts.effect import WINDOW, Effect, effect_of
from alerts.knowledge import Given, card_of, lesson_line
from alerts.messages import Links, duration_words
from config.schema import Project
from groundswell.likeness import CardIndex, FoundCard, FoundReply, Query, cut, rank_replies
from groundswell.links import SignedLinks
from storage.cards import is_offered
from storage.instants import hour_of
from storage.queries import Queries
from storage.records import (
    BrandId,
    Card,
    Change,
    Cluster,
    Evidence,
    Incident,
    Level,
    PublicResponse,
)
from storage.store import Transaction

SHOWN = 3  # cards and replies beside an incident
_MOST_MARKS = 12  # answers judged and marked on a curve; an hour's answers are one
_NAMED = 40  # words of an incident that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What is known that may help with an incident, best first."""

    cards: tuple[FoundCard, ...] = ()
    replies: tuple[FoundReply, ...] = ()


# --- learning -----------------------------------------------------------------------------------


def learn(tx: Transaction, change: Change, project: Project, now: datetime) -> Card | None:
    """Make the card of an incident that this change closes, in the same transaction.

    None, and nothing is written, when the change closes nothing or the card is there already.
    """
    closing = next((event for event in change.events if event.kind == "confirmed"), None)
    if closing is None:
        return None
    incident, queries = change.incident, tx.queries
    card = card_of(
        incident,
        product=product_of(project, incident),
        words=words_of(incident, queries.cluster(incident.cluster_id)),
        given=given_to(queries, incident, project, now),
        events=queries.incident_events(incident.incident_id),
        now=now,
        by=closing.actor,
    )
    return card if tx.add_card(card) else None


def given_to(queries: Queries, incident: Incident, project: Project, now: datetime) -> list[Given]:
    """Return the public answers to an incident, each with its words and what came after it.

    Answers of one hour are judged as one, by the first of them.
    """
    responses = queries.responses(incident.incident_id, incident.cluster_id)
    firsts = {hour_of(one.at): one for one in reversed(responses)}
    chosen = sorted(firsts.values(), key=lambda one: one.at)[-_MOST_MARKS:]
    if not chosen:
        return []
    clusters = queries.incident_clusters(incident.incident_id)
    newcomers = queries.newcomers(clusters)
    blind = blind_hours(queries, project, incident.brand_id, chosen, now)

    def judged(response: PublicResponse) -> Effect:
        since, until = response.at - WINDOW, min(now, response.at + WINDOW)
        is_blind = any(since < hour + timedelta(hours=1) and hour < until for hour in blind)
        return effect_of(response.at, newcomers, now, is_blind=is_blind)

    return [Given(response=one, text=_said(queries, one), effect=judged(one)) for one in chosen]


def blind_hours(
    queries: Queries,
    project: Project,
    brand_id: BrandId,
    responses: Sequence[PublicResponse],
    now: datetime,
) -> frozenset[datetime]:
    """Return the hours around these answers in which a source of the brand was never seen."""
    since = min(one.at for one in responses) - WINDOW
    until = min(now, max(one.at for one in responses) + WINDOW)
    seen = queries.completeness(project, since, until, now)
    lost = (one.lost for one in seen.sources if brand_id in one.brands)
    return frozenset(hour for hours in lost for hour in hours)


def _said(queries: Queries, response: PublicResponse) -> str:
    """Return the words of an answer: the official post's own, else what somebody noted of it."""
    post = queries.official_post(response.official_key) if response.official_key else None
    if post is None:
        return response.note
    return f"{post.title} {post.text}".strip()


# --- finding ------------------------------------------------------------------------------------


def lessons_for(queries: Queries, incident: Incident, project: Project, now: datetime) -> Lessons:
    """Return the nearest cards and the approved replies for an incident.

    Replies that expired, were retired or are another brand's are never among them.
    """
    query = query_of(project, incident, queries.cluster(incident.cluster_id))
    cards = [
        card
        for card in queries.cards()
        if (card.incident_id, card.epoch) != (incident.incident_id, incident.epoch)
    ]
    today = now.astimezone(project.settings.zone).date()
    replies = [
        one
        for one in queries.approved_replies(brand_id=incident.brand_id)
        if is_offered(one, today)
    ]
    return Lessons(
        cards=tuple(CardIndex(cards).rank(query)[:SHOWN]),
        replies=tuple(rank_replies(query, replies)[:SHOWN]),
    )


class LessonBook:
    """The line of orange and red messages about the nearest card, for one pass of the engine.

    Cards are read when the first such message is written, and once.
    """

    def __init__(self, queries: Queries, project: Project, links: Links) -> None:
        self._queries = queries
        self._project = project
        self._base = links.base_url if isinstance(links, SignedLinks) else ""

    def of_news(
        self,
        incident: Incident | None,
        evidence: Evidence,
        level: Level,
        relapse_of: Incident | None = None,
    ) -> str:
        """Return the line for what a grade says anew; "" where nobody is told, or below orange.

        What comes back (`relapse_of`) has its card at any level.
        """
        told = incident is None or not incident.at_work or level > incident.level
        if (level < Level.ORANGE and relapse_of is None) or not told:
            return ""
        about = incident or relapse_of
        project, cluster = self._project, evidence.cluster
        line = subject.product_of(project, evidence)
        return self._line(
            Query(
                incident_id=about.incident_id if about is not None else "",
                brand_id=cluster.brand_id,
                product=line.id if line else "",
                issue_class=subject.issue_class_of(evidence),
                fingerprint=subject.fingerprint_of(project, evidence),
                words=_cut_all((subject.title_of(project, evidence), *cluster.keywords)),
            )
        )

    def standing(self, incident: Incident) -> str:
        """Return the line for an incident as it stands: for whoever is told of it next."""
        if incident.level < Level.ORANGE or not incident.at_work:
            return ""
        cluster = self._queries.cluster(incident.cluster_id)
        return self._line(query_of(self._project, incident, cluster))

    @cached_property
    def _index(self) -> CardIndex:
        return CardIndex(self._queries.cards())

    def _line(self, query: Query) -> str:
        found = self._index.rank(query)
        if not found:
            return ""
        card = found[0].card
        return lesson_line(card, f"{self._base}/cards/{card.card_id}" if self._base else "")


def first_answer_words(queries: Queries, incident: Incident) -> str:
    """Return how long the first complaint waited for an answer in public, for who hears the end."""
    found = queries.first_answers([incident.incident_id])[incident.incident_id]
    if found.answered_at is None or found.complained_at is None:
        return "没有看到公开回应"
    return f"首条投诉后 {duration_words(found.answered_at - found.complained_at)}"


def query_of(project: Project, incident: Incident, cluster: Cluster | None) -> Query:
    """Return by what the lessons of an incident are looked for."""
    return Query(
        incident_id=incident.incident_id,
        brand_id=incident.brand_id,
        product=product_of(project, incident),
        issue_class=incident.issue_class,
        fingerprint=incident.fingerprint,
        words=words_of(incident, cluster),
    )


def product_of(project: Project, incident: Incident) -> str:
    """Return the product that an incident is about, by its id where it is configured; "" for none.

    As the fingerprint says it, else by a product's name in the title.
    """
    _, _, rest = incident.fingerprint.partition("|")
    if named := rest.partition("|")[0]:
        return named
    brand = project.brand(incident.brand_id)
    title = "".join(incident.title.split()).casefold()
    lines = brand.products if brand else ()
    return next((one.id for one in lines if "".join(one.name.split()).casefold() in title), "")


def words_of(incident: Incident, cluster: Cluster | None) -> tuple[str, ...]:
    """Return the words of an incident: of its title, and the keywords of its cluster."""
    return _cut_all((incident.title, *(cluster.keywords if cluster is not None else ())))


def _cut_all(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in texts for word in cut(text)))[:_NAMED]
