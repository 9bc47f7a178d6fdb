"""Cards put right and retired; approved replies added, read from a file and retired.

Every act writes a line of the audit log. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from config.errors import ConfigError, GroundswellError
from config.schema import Project
from config.wording import did_you_mean
from groundswell import columns_files as files
from groundswell.clock import Clock
from groundswell.likeness import cut
from storage.records import ApprovedReply, BrandId, Card
from storage.store import Store

_LONGEST = 4000  # characters of any text
_MOST = 10_000  # rows of one file
_NAMES: Mapping[str, str] = {
    "brand": "brand", "品牌": "brand", "product": "product", "产品": "product", "型号": "product",
    "question": "question", "问题": "question", "问": "question", "场景": "question",
    "answer": "answer", "答复": "answer", "答": "answer", "口径": "answer", "回复": "answer",
    "approved_by": "approved_by", "批准人": "approved_by", "审批人": "approved_by",
    "until": "until", "有效期": "until", "有效期至": "until", "截止": "until",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReplies:
    """A file of replies: what it holds, and everything that is wrong with it, by row."""

    replies: tuple[ApprovedReply, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeDesk:
    """What people do to cards and replies."""

    store: Store
    project: Project
    clock: Clock

    def edit_card(self, card_id: str, by: str, **texts: str) -> Card:
        """Put a card right: title, cause, fix or reply. Its words follow its title.

        Errors: GroundswellError when there is none, it is retired, or a text is too long.
        """
        now = self.clock.now()
        with self.store.transaction() as tx:
            card = self._card(tx.queries.card(card_id), card_id)
            given = {name: _text(name, text) for name, text in texts.items()}
            changed = replace(
                card,
                title=given.get("title", card.title),
                cause=given.get("cause", card.cause),
                fix=given.get("fix", card.fix),
                reply=given.get("reply", card.reply),
            )
            if not changed.title:
                raise GroundswellError("卡片需要一个标题 (a card needs a title)")
            if changed == card:
                return card
            changed = replace(
                changed,
                words=tuple(dict.fromkeys((*cut(changed.title), *card.words))),
                edited_at=now,
                edited_by=by,
            )
            tx.save_card(changed)
            tx.audit(by, "card_edit", card_id, now, "、".join(sorted(given)))
        return changed

    def retire_card(self, card_id: str, by: str) -> Card:
        """Offer a card no more. Errors: GroundswellError when there is none."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            card = tx.queries.card(card_id)
            if card is None:
                raise _no_card(card_id)
            if card.retired_at is not None:
                return card
            card = replace(card, retired_at=now)
            tx.save_card(card)
            tx.audit(by, "card_retire", card_id, now, card.title)
        return card

    def add_replies(self, replies: Sequence[ApprovedReply], by: str) -> int:
        """Approve replies; return how many of them are new or say something new."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            new = [one for one in replies if tx.save_reply(one)]
            for one in new:
                tx.audit(by, "reply_add", one.reply_id, now, one.question)
        return len(new)

    def retire_reply(self, reply_id: str, by: str) -> ApprovedReply:
        """Offer a reply no more. Errors: GroundswellError when there is none."""
        now = self.clock.now()
        with self.store.transaction() as tx:
            reply = tx.queries.approved_reply(reply_id)
            if reply is None:
                raise GroundswellError(
                    f"没有编号为 {reply_id[:40]!r} 的口径；见 groundswell replies list "
                    "(no such reply)"
                )
            if reply.retired_at is not None:
                return reply
            reply = replace(reply, retired_at=now)
            tx.save_reply(reply)
            tx.audit(by, "reply_retire", reply_id, now, reply.question)
        return reply

    def reply(self, row: Mapping[str, str], origin: str = "") -> ApprovedReply:
        """Make an approved reply of texts by name: brand, product, question, answer ...

        An empty brand is every brand. Errors: ValueError says what is wrong with it.
        """
        question, answer = (_text(name, row.get(name, "")) for name in ("question", "answer"))
        by = _text("approved_by", row.get("approved_by", ""))
        for name, value in (("question 问题", question), ("answer 答复", answer)):
            if not value:
                raise ValueError(f"expected a text in {name}")
        if not by:
            raise ValueError("expected in approved_by 批准人 who approved it")
        brand_id, product = self._brand(row.get("brand", ""), row.get("product", ""))
        return ApprovedReply(
            reply_id=reply_id(brand_id, product, question, answer),
            brand_id=brand_id,
            product=product,
            question=question,
            answer=answer,
            approved_by=by,
            approved_at=self.clock.now(),
            until=_day(row.get("until", "")),
            origin=origin,
        )

    def read(self, path: Path) -> ReadReplies:
        """Read a table (.csv, .xlsx) of replies; nothing is written.

        Errors: ConfigError when the file cannot be read, or has no columns 问题 and 答复.
        """
        replies: dict[str, ApprovedReply] = {}
        problems = []
        for number, row in _rows(path):
            if isinstance(row, str):
                problems.append(f"row {number}: {row}")
                continue
            try:
                one = self.reply(row, origin=f"file:{path.name}"[:80])
                replies[one.reply_id] = one
            except (ValueError, GroundswellError) as error:
                problems.append(f"row {number}: {error}")
        return ReadReplies(replies=tuple(replies.values()), problems=tuple(problems))

    def _brand(self, brand: str, product: str) -> tuple[BrandId, str]:
        wanted = brand.strip()
        found = next((b for b in self.project.brands if wanted in {b.id, b.name}), None)
        if wanted and found is None:
            known = [b.id for b in self.project.brands]
            raise ValueError(f'there is no brand "{wanted}"{did_you_mean(wanted, known)}')
        named = product.strip()
        lines = found.products if found else ()
        line = next((one for one in lines if named in {one.id, one.name, *one.aliases}), None)
        if named and line is None:
            of = f'brand "{found.id}"' if found else "no brand"
            raise ValueError(f'{of} has no product "{named}"')
        return BrandId(found.id if found else ""), line.id if line else ""

    def _card(self, card: Card | None, card_id: str) -> Card:
        if card is None:
            raise _no_card(card_id)
        if card.retired_at is not None:
            raise GroundswellError(f"卡片 {card_id} 已停用，不能再改 (the card is retired)")
        return card


def reply_id(brand_id: str, product: str, question: str, answer: str) -> str:
    """Return the id of a reply: the same words about the same thing are one reply."""
    said = f"{brand_id}\x1f{product}\x1f{question}\x1f{answer}"
    return "r-" + b32encode(hashlib.sha256(said.encode()).digest())[:10].decode().lower()


def _no_card(card_id: str) -> GroundswellError:
    return GroundswellError(
        f"没有编号为 {card_id[:40]!r} 的卡片；见 groundswell cards list (no such card)"
    )


def _text(name: str, text: str) -> str:
    said = text.strip()
    if len(said) > _LONGEST:
        raise GroundswellError(f"{name}: expected at most {_LONGEST} characters, got {len(said)}")
    return said


def _day(text: str) -> date | None:
    """Return a last day; spreadsheets give a day as an instant at midnight."""
    said = text.strip().replace("/", "-")
    if not said:
        return None
    try:
        return datetime.fromisoformat(said).date()
    except ValueError as error:
        raise ValueError(
            f"until 有效期 {text[:40]!r}: expected a day such as 2026-12-31"
        ) from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    with files.opened(path) as sheets:
        cells_of = iter(sheets[0].rows)
        head = next(cells_of, [])
        names = [] if isinstance(head, str) else [_NAMES.get(_cell(cell).lower()) for cell in head]
        if not {"question", "answer"} <= {*names}:
            raise ConfigError(
                f"importing {str(path)!r}: expected columns 问题 and 答复 (question, answer) in "
                "the first row; also known: 品牌 产品 批准人 有效期"
            )
        for number, cells in enumerate(cells_of, 2):
            if number > _MOST + 1:
                raise ConfigError(
                    f"importing {str(path)!r}: more than {_MOST} rows; split the file"
                )
            if isinstance(cells, str):
                yield number, cells
            elif any(_cell(cell) for cell in cells):
                pairs = zip(names, cells, strict=False)
                yield number, {name: _cell(cell) for name, cell in pairs if name}


def _cell(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
