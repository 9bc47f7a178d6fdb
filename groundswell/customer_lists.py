"""Customer lists: a CSV or XLSX file in, keyed digests with a tier out.

A row names a tier and at least one thing a customer is recognised by: platform and author, a
customer number, a telephone number, an e-mail address. Nothing of it is stored or logged in clear;
a bad row is told by its number and its column, never by its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts.tiers import rank_of, tier_named
from classify.privacy import mask
from config.errors import ConfigError
from config.schema import Project
from groundswell.clock import Clock
from groundswell.columns_files import Cells, Sheet, opened
from groundswell.columns_names import normalised
from groundswell.customer_book import (
    AUTHOR,
    CONTACT,
    NUMBER,
    CustomerBook,
    author_keys,
    customer_key,
    raise_tier,
    secret_of,
)
from storage.records import Customer, Incident
from storage.store import Store, Transaction

MOST_ROWS = 1_000_000  # rows; digests of more would not fit the memory of a small machine
_ORIGIN_LIMIT = 60
_BAD_SHOWN = 20
_HEADER_WITHIN = 10  # rows above a header: a title, a date
_STEP = 2_000  # rows between two words on progress

# What people call the columns, as columns_names.normalised leaves it.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "tier": ("tier", "等级", "客户等级", "会员等级", "级别", "客户级别", "会员级别", "vip等级"),
    "platform": ("platform", "平台", "来源平台", "渠道"),
    "author": ("author", "作者", "昵称", "用户名", "账号", "账号昵称", "用户昵称", "平台昵称"),
    "number": (
        *("number", "customerno", "customerid", "memberno", "memberid", "客户编号", "客户号"),
        *("会员号", "会员编号", "会员卡号", "客户id", "会员id", "客户代码"),
    ),
    "phone": ("phone", "mobile", "电话", "手机", "手机号", "手机号码", "联系电话", "客户电话"),
    "email": ("email", "邮箱", "电子邮箱", "客户邮箱"),
}
_OF_NAME = {name: ours for ours, names in _NAMES.items() for name in names}

Pseudonym = Callable[[str, str], str]
Progress = Callable[[int, int], None]  # what is done, of how much (0: nobody knows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedList:
    """What became of a file: rows read, customers of each tier, keys stored, bad rows in words."""

    origin: str
    rows: int
    customers: int
    tiers: Mapping[str, int]
    keys: int
    bad_rows: int
    bad: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()  # codes of open incidents that took on a higher tier


@dataclass(slots=True)
class _Reading:
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # digest -> kind, tier
    tiers: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    bad_rows: int = 0
    bad: list[str] = field(default_factory=list)

    def refuse(self, number: int, why: str) -> None:
        self.bad_rows += 1
        if len(self.bad) < _BAD_SHOWN:
            self.bad.append(f"第 {number} 行：{why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDesk:
    """Imports and forgets customer lists. Methods block: call them from a thread."""

    store: Store
    project: Project
    clock: Clock
    pseudonym: Pseudonym

    def bring(
        self, path: Path, by: str, *, origin: str = "", progress: Progress = lambda *_: None
    ) -> ImportedList:
        """Import a file; a list of the same origin is replaced as a whole.

        `origin` is what people read as the reason of a tier; the file's name when not given.
        Errors: ConfigError when the file cannot be read, has no column of tiers or nothing to
        recognise anybody by, or holds no good row; then the list before stays.
        """
        origin = _origin(origin or path.stem)
        now = self.clock.now()
        with self.store.transaction() as tx:
            secret = secret_of(tx)
        with opened(path) as sheets:
            found = self._read(path, sheets, secret, progress)
        if not found.keys:
            bad = "；".join(found.bad[:3])
            raise ConfigError(
                f"importing customers {str(path)!r}: no row can be used{': ' if bad else ''}{bad}; "
                "the list before, if any, stays"
            )
        with self.store.transaction() as tx:
            keys = tx.replace_customers(origin, _customers(found, origin, now))
            tx.audit(by, "customers_imported", origin, now, f"keys={keys} bad={found.bad_rows}")
        return ImportedList(
            origin=origin,
            rows=found.rows,
            customers=sum(found.tiers.values()),
            tiers=found.tiers,
            keys=keys,
            bad_rows=found.bad_rows,
            bad=tuple(found.bad),
            raised=tuple(one.code for one in self._raise_open(now)),
        )

    def forget(self, origin: str, by: str) -> int:
        """Delete a list; return how many keys it had. Tiers that incidents have, they keep.

        Errors: ConfigError when there is no such list.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            gone = tx.drop_customers(origin)
            if not gone:
                known = sorted({str(one["origin"]) for one in tx.queries.customer_lists()})
                raise ConfigError(
                    f"forgetting the customer list {origin!r}: there is none; "
                    f"known: {'、'.join(known) or '-'}"
                )
            tx.audit(by, "customers_forgotten", origin, now, f"keys={gone}")
        return gone

    def lists(self) -> list[dict[str, object]]:
        """Return the lists: origin, tier, kind of key, how many, when imported."""
        with self.store.read() as queries:
            return queries.customer_lists()

    def _raise_open(self, now: datetime) -> Iterator[Incident]:
        """Let open incidents take on what the list says: one transaction each, none is long."""
        with self.store.read() as queries:
            waiting = [one.incident_id for one in queries.incidents() if one.at_work]
        for incident_id in waiting:
            with self.store.transaction() as tx:
                change = self._raise_one(tx, incident_id, now)
            if change is not None:
                yield change

    def _raise_one(self, tx: Transaction, incident_id: str, now: datetime) -> Incident | None:
        incident = tx.incident(incident_id)
        if incident is None:
            return None
        book = CustomerBook.of(self.project, tx.queries)
        change = raise_tier(tx, book, incident, now)
        return None if change is None else change.incident

    def _read(
        self, path: Path, sheets: Sequence[Sheet], secret: str, progress: Progress
    ) -> _Reading:
        found = _Reading()
        for sheet in sheets:
            if (columns := _header(sheet)) is not None:
                start, named = columns
                self._read_sheet(sheet, start, named, secret, found, progress)
                return found
        raise ConfigError(
            f"importing customers {str(path)!r}: no sheet has a column 等级 (tier) beside "
            "平台+昵称 (platform+author), 客户编号 (number), 手机 (phone) or 邮箱 (email)"
        )

    def _read_sheet(  # noqa: PLR0917 - a sheet, how it is read, and where to
        self,
        sheet: Sheet,
        start: int,
        named: Mapping[str, int],
        secret: str,
        found: _Reading,
        progress: Progress,
    ) -> None:
        for number, row in enumerate(sheet.rows, start=start + 1):
            if isinstance(row, str):
                found.refuse(number, "这一行读不出来")
                continue
            if not any(_text(cell) for cell in row):
                continue
            found.rows += 1
            if found.rows > MOST_ROWS:
                raise ConfigError(
                    f"importing customers: more than {MOST_ROWS} rows; split the file"
                )
            self._take(number, {n: _cell(row, at) for n, at in named.items()}, secret, found)
            if found.rows % _STEP == 0:
                progress(sheet.position.done, sheet.position.total)
        progress(sheet.position.total, sheet.position.total)

    def _take(self, number: int, said: Mapping[str, str], secret: str, found: _Reading) -> None:
        tier = tier_named(self.project, said.get("tier", ""))
        if not tier:
            names = "、".join(one.name for one in self.project.customer_tiers)
            found.refuse(number, f"等级不是{names}之一" if said.get("tier") else "没有等级")
            return
        keys = self._keys(said, secret)
        if not keys:
            found.refuse(number, "没有能认出客户的内容（平台+昵称、客户编号、手机、邮箱至少一项）")
            return
        found.tiers[tier] = found.tiers.get(tier, 0) + 1
        for kind, key in keys:
            before = found.keys.get(key, (kind, ""))[1]  # of two rows the higher tier counts
            if rank_of(self.project, tier) > rank_of(self.project, before):
                found.keys[key] = (kind, tier)

    def _keys(self, said: Mapping[str, str], secret: str) -> list[tuple[str, str]]:
        platform, author = said.get("platform", ""), said.get("author", "")
        keys = [(NUMBER, customer_key(secret, NUMBER, said.get("number", "")))]
        keys += [
            (CONTACT, customer_key(secret, CONTACT, said.get(name, "")))
            for name in ("phone", "email")
        ]
        if platform and author:
            hidden = self.pseudonym(platform, author)
            known = author_keys(secret, platform, author, hidden, mask(author))
            keys += [(AUTHOR, key) for key in known]
        return [(kind, key) for kind, key in keys if key]


def _customers(found: _Reading, origin: str, now: datetime) -> Iterator[Customer]:
    for key, (kind, tier) in found.keys.items():
        yield Customer(key=key, kind=kind, tier=tier, imported_at=now, origin=origin)


def _header(sheet: Sheet) -> tuple[int, dict[str, int]] | None:
    """Return how many rows are passed with the header, and the place of each of our columns."""
    for at in range(1, _HEADER_WITHIN + 1):
        row = next(sheet.rows, None)
        if row is None:
            return None
        if isinstance(row, str):
            continue
        named: dict[str, int] = {}
        for index, cell in enumerate(row):
            ours = _OF_NAME.get(normalised(_text(cell).lstrip("\ufeff")))
            if ours:
                named.setdefault(ours, index)
        known = {"number", "phone", "email"} & named.keys() or {
            "platform",
            "author",
        } <= named.keys()
        if "tier" in named and known:
            return at, named
    return None


def _cell(row: Cells, at: int) -> str:
    return _text(row[at]) if at < len(row) else ""


def _text(cell: Any) -> str:
    """Return a cell as text; spreadsheets turn numbers into floats."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()[:200]


def _origin(text: str) -> str:
    found = mask(" ".join(text.split()))[:_ORIGIN_LIMIT]
    if not found or not found.isprintable():
        raise ConfigError(f"customer list {text[:60]!r}: expected a name of visible characters")
    return found
