"""Who of those who complain is a customer of which tier: keyed digests in, tiers out.

A customer list and a complaint meet by a digest that is made with a key of this installation:
no name and no number of a customer stands in a table, in a log or in a message.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from alerts.tiers import Known, highest, on_tier, rank_of, rises, tier_named
from config.schema import Project
from storage.customers import CUSTOMER_KEY as KEY
from storage.identity import author_key
from storage.queries import Queries
from storage.records import (
    Change,
    ClusterId,
    Complainant,
    Customer,
    Incident,
    Mention,
    MentionCustomer,
    MentionId,
    RawMention,
)
from storage.store import Transaction

NUMBER, CONTACT, AUTHOR, SAID = "number", "contact", "author", "said"
_SAID_WHY = "接待登记"


def customer_key(secret: str, kind: str, value: str) -> str:
    """Return the digest by which a customer is recognised; "" for a value that says nothing.

    `value`: an author key (storage.identity), a customer number, a telephone number or an address.
    """
    plain = normal(kind, value)
    if not plain:
        return ""
    said = hmac.new(secret.encode(), f"{kind}|{plain}".encode(errors="replace"), hashlib.sha256)
    return said.hexdigest()[:40]  # 160 bits


def normal(kind: str, value: str) -> str:
    """Return a value as it is compared: widths, cases and signs that people leave out are gone."""
    text = unicodedata.normalize("NFKC", value).strip()
    match kind:
        case "author":
            return text
        case "contact" if "@" in text:
            return text.casefold()
        case "contact":
            figures = "".join(sign for sign in text if sign.isdigit())
            # mainland numbers are written with and without 86; shorter than a landline is none
            figures = figures[2:] if len(figures) == 13 and figures.startswith("86") else figures
            return figures if len(figures) >= 7 else ""
        case _:
            return "".join(text.split()).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerBook:
    """Looks complainants up. Lives as long as one transaction; reads nothing without customers."""

    project: Project
    queries: Queries
    secret: str

    @classmethod
    def of(cls, project: Project, queries: Queries) -> CustomerBook | None:
        """Open the book; None while nothing is known of any customer."""
        secret = queries.meta(KEY)
        if not secret or not queries.has_customers():
            return None
        return cls(project=project, queries=queries, secret=secret)

    def known(
        self, cluster_ids: Sequence[ClusterId], mention_ids: Collection[MentionId] | None = None
    ) -> list[Known]:
        """Return the complainants of clusters of whom a tier is known, of these mentions only."""
        talkers = self.queries.talkers(cluster_ids, mention_ids)
        ties = self.queries.ties({mention_id for mention_id, _ in talkers})
        authors = {author: self._keys_of(author) for _, author in talkers if author}
        keys = [key for own in authors.values() for key in own]
        lists = self._lists([*keys, *(tie.key for tie in ties if tie.key)])
        found = [
            Known(person=author, tier=one.tier, why=one.origin)
            for author, own in authors.items()
            for key in own
            for one in lists.get(key, ())
        ]
        return [*found, *_tied(ties, lists)]

    def tiers(self, complainants: Sequence[Complainant]) -> dict[str, str]:
        """Return the tier of each complainant of whom one is known, by complainant id."""
        authors = {
            one.complainant_id: self._keys_of(author_key(one.platform, one.author))
            for one in complainants
            if one.author
        }
        ties: dict[MentionId, list[MentionCustomer]] = {}
        for tie in self.queries.ties({m for one in complainants if (m := one.mention_id)}):
            ties.setdefault(tie.mention_id, []).append(tie)
        keys = [tie.key for of_one in ties.values() for tie in of_one]
        lists = self._lists([*keys, *(key for own in authors.values() for key in own)])
        found: dict[str, str] = {}
        for one in complainants:
            own = ties.get(one.mention_id, []) if one.mention_id else []
            keyed = [*authors.get(one.complainant_id, ()), *(tie.key for tie in own)]
            said = [tie.tier for tie in own if tie.kind == SAID]
            named = [*said, *(each.tier for key in keyed for each in lists.get(key, ()))]
            named = [tier for tier in named if rank_of(self.project, tier) >= 0]
            if named:
                found[one.complainant_id] = max(named, key=partial(rank_of, self.project))
        return found

    def _keys_of(self, author: str) -> tuple[str, str]:
        """Return an author's digests: by name, and as a number, which tickets have for a name."""
        name = author.partition(":")[2]
        return (
            customer_key(self.secret, AUTHOR, author),
            customer_key(self.secret, NUMBER, name),
        )

    def _lists(self, keys: Iterable[str]) -> Mapping[str, list[Customer]]:
        found: dict[str, list[Customer]] = {}
        for one in self.queries.customers({key for key in keys if key}):
            found.setdefault(one.key, []).append(one)
        return found


def _tied(ties: Sequence[MentionCustomer], lists: Mapping[str, list[Customer]]) -> Iterable[Known]:
    """Yield what the ties of mentions say.

    Tickets of one desk share an author, who is the desk: a number tells customers apart, and
    without one each ticket is a customer.
    """
    numbers = {tie.mention_id: tie.key for tie in ties if tie.kind == NUMBER}
    for tie in ties:
        key = numbers.get(tie.mention_id) or tie.key
        person = f"customer:{key}" if key else f"mention:{tie.mention_id}"
        if tie.kind == SAID:
            yield Known(person=person, tier=tie.tier, why=_SAID_WHY)
        for one in lists.get(tie.key, ()):
            yield Known(person=person, tier=one.tier, why=one.origin)


def raise_tier(
    tx: Transaction,
    book: CustomerBook | None,
    incident: Incident,
    now: datetime,
    *,
    fresh: Sequence[Mention] = (),
) -> Change | None:
    """Let an incident take on the highest tier among its complainants; None when it has it.

    With `fresh` only these mentions are asked first: whoever wrote earlier was looked at then.
    """
    if book is None or not incident.at_work:
        return None
    clusters = tx.clusters_of(incident.incident_id)
    if fresh:
        asked = [one.mention_id for one in fresh]
        tier, _ = highest(book.project, book.known(clusters, asked))
        if not rises(book.project, incident, tier):
            return None
    tier, why = highest(book.project, book.known(clusters))
    change = on_tier(incident, tier, why, book.project, now)
    return change if change is not None and tx.save_change(change) else None


def complainant_tiers(
    project: Project, queries: Queries, complainants: Sequence[Complainant]
) -> dict[str, str]:
    """Return the tier of each complainant of whom one is known, by complainant id."""
    book = CustomerBook.of(project, queries) if complainants else None
    return {} if book is None else book.tiers(complainants)


def author_keys(
    secret: str, platform: str, author: str, pseudonym: str, masked: str
) -> tuple[str, ...]:
    """Return the digests of an author as he may stand on a mention: clear, masked, pseudonymous."""
    names = dict.fromkeys((author, masked, pseudonym))
    keys = (customer_key(secret, AUTHOR, author_key(platform, name)) for name in names if name)
    return tuple(dict.fromkeys(key for key in keys if key))


def secret_of(tx: Transaction) -> str:
    """Return this installation's key of customers, made at first use."""
    return tx.queries.meta(KEY) or tx.first_meta(KEY, secrets.token_urlsafe(32))


def ties_of(
    tx: Transaction, project: Project, raws: Mapping[MentionId | None, RawMention]
) -> list[MentionCustomer]:
    """Return by what mentions are known to be a customer's, as it may be stored.

    A number is kept as a digest; whom to call only where a list knows him already, for without a
    vault nothing else of him stays. A tier that the project does not have is left out.
    """
    secret = secret_of(tx)
    ties: list[MentionCustomer] = []
    calls: list[MentionCustomer] = []
    for mention_id, raw in raws.items():
        if mention_id is None:
            continue
        said = dict(raw.customer)
        if key := customer_key(secret, NUMBER, said.get("number", "")):
            ties.append(MentionCustomer(mention_id=mention_id, kind=NUMBER, key=key))
        if tier := tier_named(project, said.get("tier", "")):
            ties.append(MentionCustomer(mention_id=mention_id, kind=SAID, tier=tier))
        for kind, value in raw.contact:
            if kind in {"phone", "email"} and (key := customer_key(secret, CONTACT, value)):
                calls.append(MentionCustomer(mention_id=mention_id, kind=CONTACT, key=key))
    listed = {one.key for one in tx.queries.customers([tie.key for tie in calls])}
    return ties + list({one.mention_id: one for one in calls if one.key in listed}.values())
