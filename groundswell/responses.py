"""What the brand answered in public, to whom and how fast.

In: official posts, and what people enter. Out: rows of public_response. Only a link that leaves no
doubt is made by itself: the post stands under the complaint, links to it, or calls its author by
name. What is merely likely is offered to people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from config.errors import GroundswellError
from config.media import host_of
from config.schema import Project, UrlRules
from crawlers.canonical import canonical_url, native_id
from storage.identity import url_key
from storage.queries import Queries
from storage.records import (
    BrandId,
    Cluster,
    Incident,
    ItemKey,
    Mention,
    MentionId,
    OfficialPost,
    PublicResponse,
)
from storage.store import Transaction

CALLED_WITHIN = timedelta(hours=72)  # whom "@name" means: somebody who complained this long ago
LOOK_BACK = timedelta(days=3)  # complaints may be collected this much later than their answer
OFFERED_WITHIN = timedelta(days=7)  # after the first complaint; later posts are about other things
_OFFERED = 3
_LINKS = 10  # addresses looked up in one post
_CALLED = 20  # names called in one post
_REMEMBERED = 10_000  # addresses, at some 200 bytes each
_ONE_SITE = {"list_detail", "forum_thread", "sitemap"}  # a feed may list other sites' pages
_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；！？、（）【】]+", re.IGNORECASE)
_NAME = re.compile(r"[@＠]([^\s@＠,，.。:：;；!！?？、()（）\[\]【】<>《》\"“”/]{1,30})")

PARENT, LINK, NAMED = "回复了这条内容", "文中附有这条内容的链接", "文中@了发布者"

Pseudonym = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The public answers to one incident.

    `first_after` is the time from the first complaint to the first answer; None when there is none
    yet: unknown, never nought. `likely` are official posts that may be answers: a person decides.
    """

    complained_at: datetime | None
    responses: tuple[PublicResponse, ...] = ()
    likely: tuple[OfficialPost, ...] = ()

    @property
    def first(self) -> PublicResponse | None:
        """The first answer that came after the first complaint."""
        since = self.complained_at
        return next((one for one in self.responses if since is None or one.at >= since), None)

    @property
    def first_after(self) -> timedelta | None:
        """How long the first complaint waited for an answer in public."""
        if self.first is None or self.complained_at is None:
            return None
        return self.first.at - self.complained_at


@dataclass(frozen=True, kw_only=True)
class Linker:
    """Finds the complaints that official posts answer."""

    project: Project
    pseudonym: Pseudonym
    # The same posts are looked at again every minute: what their addresses may be called is kept.
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def answered(self, tx: Transaction, posts: Sequence[OfficialPost]) -> int:
        """Link posts to the mentions they certainly answer; return how many links are new."""
        return sum(
            tx.add_response(
                PublicResponse(
                    at=post.published_at,
                    url=post.url,
                    actor=post.author or post.platform,
                    mention_id=mention_id,
                    official_key=post.item_key,
                    note=why,
                )
            )
            for post in posts
            for mention_id, why in self._certain(tx, post)
        )

    def link_due(self, tx: Transaction, now: datetime) -> int:
        """Look again at the posts of the last days: a complaint may be found after its answer."""
        return sum(
            self.answered(
                tx, tx.queries.official_posts(BrandId(brand.id), now - LOOK_BACK, now + LOOK_BACK)
            )
            for brand in self.project.brands
        )

    def _certain(self, tx: Transaction, post: OfficialPost) -> Iterator[tuple[MentionId, str]]:
        found: dict[MentionId, str] = {}
        for why, addresses in ((PARENT, [post.parent_url]), (LINK, _addresses(post))):
            for mention in self._at(tx, [address for address in addresses if address]):
                if mention.published_at <= post.published_at:
                    found.setdefault(mention.mention_id, why)
        if not found:
            found |= dict.fromkeys(self._called(tx, post), NAMED)
        for mention_id, why in found.items():
            if tx.is_about(mention_id, post.brand_id):
                yield mention_id, why

    def _at(self, tx: Transaction, addresses: Sequence[str]) -> Iterator[Mention]:
        """Give the mentions that stand at these addresses, however their sources name them."""
        keys = {key: address for address in addresses for key in self._keys(address)}
        for key, mention in tx.mentions_by_key(keys).items():
            # the pattern of an id may fit another site's addresses as well
            if host_of(mention.url) == host_of(keys[key]):
                yield mention

    def _keys(self, address: str) -> tuple[str, ...]:
        """Return the identities that a mention at this address may have."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            rules, named = self._ways
            found = {url_key(canonical_url(address, rule) or address) for rule in rules}
            site = _site(address)
            for only_at, declared, rule in named:
                if only_at in {"", site} and (native := native_id(address, rule)):
                    found.add(ItemKey(f"id:{declared}:{native}"))
            known = self._known[address] = tuple(sorted(found))
        return known

    @cached_property
    def _ways(self) -> tuple[list[UrlRules], list[tuple[str, str, UrlRules]]]:
        """Return how addresses are written and where ids are read: (site, platform, rule)."""
        sources = self.project.sources
        # a hundred sources mostly share one way of writing addresses
        ways = {(one.url.drop_params, one.url.keep_fragment): one.url for one in sources}
        named = [
            (
                _site(source.start[0]) if source.kind in _ONE_SITE and source.start else "",
                (source.platform or f"source/{source.id}").replace(":", "%3A"),
                source.url,
            )
            for source in sources
            if source.url.id_from
        ]
        return [UrlRules(), *ways.values()], named

    def _called(self, tx: Transaction, post: OfficialPost) -> list[MentionId]:
        """Return the complaint of the author whom a post calls, when no other can be meant."""
        names = list(dict.fromkeys(_NAME.findall(f"{post.title} {post.text}")))[:_CALLED]
        if not names:
            return []
        hidden = self.project.settings.pseudonymise_authors
        authors = [self.pseudonym(post.platform, name) if hidden else name for name in names]
        since = post.published_at - CALLED_WITHIN
        found = tx.complaints_by(post.brand_id, post.platform, authors, since, post.published_at)
        meant: dict[str, list[MentionId]] = {}
        clusters: dict[str, set[str]] = {}
        for mention, cluster_id in found:
            meant.setdefault(mention.author, []).append(mention.mention_id)
            clusters.setdefault(mention.author, set()).add(cluster_id)
        # somebody who complained about two things may have been answered on either
        return [ids[-1] for author, ids in meant.items() if len(clusters[author]) == 1]


def answers_to(queries: Queries, incident: Incident, project: Project, now: datetime) -> Answers:
    """Return what is known of the public answers to an incident."""
    cluster = queries.cluster(incident.cluster_id)
    responses = queries.responses(incident.incident_id, incident.cluster_id)
    since = cluster.first_at if cluster is not None else None
    likely: list[OfficialPost] = []
    if cluster is not None and since is not None:
        until = min(now, since + OFFERED_WITHIN)
        said = queries.official_posts(incident.brand_id, since, until)
        likely = _likely(said, responses, cluster, project)
    return Answers(complained_at=since, responses=tuple(responses), likely=tuple(likely))


def entered(
    incident: Incident,
    answers: Answers,
    *,
    url: str,
    at: datetime | None,
    actor: str,
    note: str,
    now: datetime,
    zone: ZoneInfo,
) -> PublicResponse:
    """Make the answer that a person enters. `at` None means now.

    Entering the address of a post that was offered takes the time of that post and links it.
    Errors: GroundswellError when the address is no web address, or the time lies ahead of now or
    before the first complaint.
    """
    address = url.strip()
    if not _is_web(address):
        raise GroundswellError(f"公开回应需要一个网址（http 或 https），收到 {address[:80]!r}")
    post = next((one for one in answers.likely if one.url == address), None)
    moment = at or (post.published_at if post else now)
    written = f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
    if moment > now:
        raise GroundswellError(f"回应时间 {written} 在将来，请填写实际发布的时间")
    since = answers.complained_at
    if since is not None and moment < since:
        first = f"{since.astimezone(zone):%Y-%m-%d %H:%M}"
        raise GroundswellError(f"回应时间 {written} 早于第一条投诉（{first}），请核对")
    return PublicResponse(
        at=moment,
        url=address,
        actor=actor,
        incident_id=incident.incident_id,
        official_key=post.item_key if post else None,
        note=note.strip(),
    )


def _likely(
    said: Sequence[OfficialPost],
    known: Sequence[PublicResponse],
    cluster: Cluster,
    project: Project,
) -> list[OfficialPost]:
    """Choose unlinked posts that share a word with the cluster, those that share most first."""
    linked = {one.official_key for one in known} | {one.url for one in known if one.url}
    brand = project.brand(cluster.brand_id)
    names = {word.casefold() for word in ((brand.name, *brand.aliases) if brand else ())}
    words = [word.casefold() for word in cluster.keywords if word.casefold() not in names]
    shared = [
        (sum(word in f"{post.title} {post.text}".casefold() for word in words), post)
        for post in said
        if post.url and post.item_key not in linked and post.url not in linked
    ]
    best = sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])
    return [post for _, post in best[:_OFFERED]]


def _site(address: str) -> str:
    """Return the last two labels of an address's host: "bbs.x.example" and "x.example" are one."""
    return ".".join(host_of(address).split(".")[-2:])


def _addresses(post: OfficialPost) -> list[str]:
    return list(dict.fromkeys(_ADDRESS.findall(f"{post.title} {post.text}")))[:_LINKS]


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and len(address) <= 2000
    except ValueError:
        return False
