"""Knowledge: a card from each incident that closes; the nearest cards and replies for open ones.

In: incidents and what was learnt before. Out: cards, and what is like an incident, best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from alerts import subject
from alerts.effect import WINDOW, Effect, effect_of
from alerts.knowledge import Given, card_of, lesson_line
from alerts.messages import Links, duration_words
from config.schema import Project
from groundswell.links import SignedLinks
from storage.cards import is_offered
from storage.instants import hour_of
from storage.queries import Queries
from storage.records import (
    ApprovedReply,
    BrandId,
    Card,
    Change,
    Cluster,
    Evidence,
    Incident,
    IncidentId,
    Level,
    PublicResponse,
)
from storage.store import Transaction

Why = Literal["same_incident", "fingerprint", "product_class", "words"]
WHY_ZH: dict[Why, str] = {
    "same_incident": "同一事件上次的处理",
    "fingerprint": "同一产品的同一故障",
    "product_class": "同一产品、同一类问题",
    "words": "说法相近",
}
_TIERS: tuple[Why, ...] = ("same_incident", "fingerprint", "product_class", "words")
SHOWN = 3  # cards and replies beside an incident
# Below these cosines what words have in common is chance: docs/adr/0039, tests/eval.
ALIKE = 0.12
ANSWERS = 0.10
_MOST_MARKS = 12  # answers judged and marked on a curve; an hour's answers are one
_NAMED = 40  # words of an incident that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an incident is about, as far as cards are found by it."""

    incident_id: str
    brand_id: str
    product: str
    issue_class: str
    fingerprint: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCard:
    """A card that is like an incident; `score` in [0, 1] is the cosine of their words."""

    card: Card
    why: Why
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReply:
    """An approved reply that may answer an incident."""

    reply: ApprovedReply
    score: float


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
        cards=tuple(rank_cards(query, cards)[:SHOWN]),
        replies=tuple(rank_replies(query, replies)[:SHOWN]),
    )


def lesson_of(
    queries: Queries,
    incident: Incident | None,
    evidence: Evidence,
    level: Level,
    *,
    project: Project,
    links: Links,
) -> str:
    """Return the line that an orange or red message carries of the nearest card; "" for none.

    Only for news: what is not said anyway, when an incident stays at its level, is not looked for.
    """
    told = incident is None or not incident.at_work or level > incident.level
    if level < Level.ORANGE or not told:
        return ""
    query = Query(
        incident_id=incident.incident_id if incident is not None else "",
        brand_id=evidence.cluster.brand_id,
        product=line.id if (line := subject.product_of(project, evidence)) else "",
        issue_class=subject.issue_class_of(evidence),
        fingerprint=subject.fingerprint_of(project, evidence),
        words=_cut_all((subject.title_of(project, evidence), *evidence.cluster.keywords)),
    )
    return _line(rank_cards(query, queries.cards()), links)


def standing_lesson(
    queries: Queries, incident: Incident, project: Project, now: datetime, links: Links
) -> str:
    """Return that line for an incident as it stands: for whoever is told of it next."""
    if incident.level < Level.ORANGE or not incident.at_work:
        return ""
    return _line(lessons_for(queries, incident, project, now).cards, links)


def _line(found: Sequence[FoundCard], links: Links) -> str:
    if not found:
        return ""
    base = links.base_url if isinstance(links, SignedLinks) else ""
    card = found[0].card
    return lesson_line(card, f"{base}/cards/{card.card_id}" if base else "")


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


def cut(text: str) -> list[str]:
    """Return the words of a text that say something: two characters or more, no punctuation."""
    from classify.segment import segment

    words = (word.strip().casefold() for word in segment(text))
    return [word for word in words if len(word) > 1 and any(map(str.isalnum, word))]


def rank_cards(query: Query, cards: Sequence[Card]) -> list[FoundCard]:
    """Return the cards that are like a query, best first.

    The same incident's own, then the same fault of the same product, then product and class, then
    words alone; within each, by the cosine of the words.
    """
    if not cards:
        return []
    scores = _cosines(query.words, [card.words for card in cards])
    found = [
        FoundCard(card=card, why=why, score=score)
        for card, score in zip(cards, scores, strict=True)
        if (why := _why(query, card, score)) is not None
    ]
    return sorted(
        found,
        key=lambda one: (
            _TIERS.index(one.why),
            -one.score,
            -one.card.created_at.timestamp(),
            one.card.card_id,
        ),
    )


def _why(query: Query, card: Card, score: float) -> Why | None:
    if card.incident_id == IncidentId(query.incident_id):
        return "same_incident"
    if query.fingerprint and card.fingerprint == query.fingerprint:
        return "fingerprint"
    same = (card.brand_id, card.product, card.issue_class)
    if query.product and same == (query.brand_id, query.product, query.issue_class):
        return "product_class"
    return "words" if score >= ALIKE else None


def rank_replies(query: Query, replies: Sequence[ApprovedReply]) -> list[FoundReply]:
    """Return the replies whose question is like a query, those about its product first."""
    mine = [one for one in replies if one.product in {"", query.product}]
    if not mine:
        return []
    # the question says when it fits; the answer's words only help
    asked = [(*cut(one.question), *cut(one.question), *cut(one.answer)) for one in mine]
    scored = zip(mine, _cosines(query.words, asked), strict=True)
    found = [FoundReply(reply=one, score=score) for one, score in scored if score >= ANSWERS]
    return sorted(found, key=lambda one: (-one.score, one.reply.product == "", one.reply.reply_id))


def _cosines(words: Sequence[str], documents: Sequence[Sequence[str]]) -> list[float]:
    """Return the cosine of a list of words with each document, weighted by TF-IDF."""
    if not words or not any(documents):
        return [0.0] * len(documents)
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(analyzer=list, sublinear_tf=True)
    matrix = weigh.fit_transform([*map(list, documents), list(words)])
    found = matrix[:-1] @ matrix[-1].T
    return [round(float(one), 4) for one in found.toarray().ravel()]
