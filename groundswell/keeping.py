"""The first step of the journey: who speaks, with how much weight, and may it page anybody.

In: raw mentions. Out: stored mentions, or official posts beside them, each with its outcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.media import MediaTable
from config.official import OfficialAccounts
from config.schema import Project
from groundswell.customer_book import ties_of
from groundswell.vault import Vault
from storage.identity import item_key
from storage.records import BrandId, MentionId, OfficialPost, Outcome, RawMention
from storage.store import Transaction

_CLOCK_SKEW = timedelta(hours=1)  # a post this far ahead is a clock that runs fast, not a mistake

# What platforms put in the place of a post that its author or they took away. A page that says
# nothing else, read again, is a deletion and no new text. Written from how such notices are worded.
_TAKEN = re.compile(r"删除|下架|撤回|屏蔽|移除|不存在|不可见|无法查看|无法访问|找不到|走丢|不见")
_MANNERS = re.compile(
    f"{_TAKEN.pattern}|非常|十分|很抱歉|抱歉|对不起|哎呀|啊哦|糟糕|温馨提示|提示|"
    "您?所?要?(访问|查看|浏览|打开)的|该条?|此条?|这条|这个|本条?|原|您|它|了|的|啦|呢|"
    "可能|也许|或者?|已经?|被|由于|因|违反(相关|有关)?(法律)?(法规|规定|社区规范)|"
    "作者|发布者|用户|楼主|本人|管理员|版主|平台|自行|"
    "内容|帖子|主题|微博|视频|笔记|文章|页面|评论|投诉|回答|作品|信息|"
    "暂时|请|返回|首页|上一页|刷新|重试|稍后|再试|点击|这里|404"
)
_SHORT = 40  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Gives raw mentions an identity and stores them."""

    project: Project
    media: MediaTable
    official: OfficialAccounts
    mask: Callable[[str], str]
    pseudonym: Callable[[str, str], str]
    answered: Callable[[Transaction, Sequence[OfficialPost]], int]
    vault: Vault | None = None

    @classmethod
    def of(
        cls,
        project: Project,
        *,
        mask: Callable[[str], str],
        pseudonym: Callable[[str, str], str],
        answered: Callable[[Transaction, Sequence[OfficialPost]], int],
    ) -> Keeper:
        """Make one for a project."""
        return cls(
            project=project,
            media=MediaTable(project.media),
            official=OfficialAccounts(project.brands, project.sources),
            mask=mask,
            pseudonym=pseudonym,
            answered=answered,
            vault=Vault.of(project.settings.vault),
        )

    def keep(
        self, tx: Transaction, raws: Sequence[RawMention], now: datetime, *, reread: bool
    ) -> list[tuple[Outcome, MentionId | None]]:
        """Store what is new or changed; answer per raw mention, in order.

        The brand's own words are no mention: they are stored beside and linked to what they
        answer. With `reread`, a page that only says that the post is gone marks it so.
        """
        answers: list[tuple[Outcome, MentionId | None]] = [(Outcome.UNREADABLE, None)] * len(raws)
        posts: dict[int, OfficialPost] = {}
        mentions: dict[int, RawMention] = {}
        for n, raw in enumerate(raws):
            if not raw.text.strip() and not raw.title.strip():
                continue
            brand_id = self.official.speaker(raw.source_id, raw.platform, raw.author, raw.url)
            if brand_id:
                posts[n] = self._post(raw, BrandId(brand_id), now)
            elif reread and says_deleted(raw.title, raw.text):
                gone = tx.mark_gone(raw.canonical_url, now, item_key=item_key(raw))
                answers[n] = (Outcome.DUPLICATE, gone)
            else:
                mentions[n] = self._prepare(raw, now)
        for n, kept in zip(
            mentions, tx.keep(list(mentions.values()), now, reread=reread), strict=True
        ):
            answers[n] = kept
        self._keep_contacts(tx, mentions, answers, now)
        tied = {answers[n][1]: raw for n, raw in mentions.items() if raw.customer or raw.contact}
        if tied:
            tx.tie_mentions(ties_of(tx, self.project, tied))
        said = list(posts.values())
        for n, is_new in zip(posts, tx.save_official(said), strict=True):
            answers[n] = (Outcome.OFFICIAL if is_new else Outcome.DUPLICATE, None)
        if said:
            self.answered(tx, said)
        return answers

    def _keep_contacts(
        self,
        tx: Transaction,
        mentions: Mapping[int, RawMention],
        answers: Sequence[tuple[Outcome, MentionId | None]],
        now: datetime,
    ) -> None:
        """Seal whom to call in the mention's own transaction; without a vault it goes."""
        named = {
            mention_id: raw
            for n, raw in mentions.items()
            if raw.contact and (mention_id := answers[n][1]) is not None
        }
        if self.vault is not None and named:
            contacts = {mention_id: raw.contact for mention_id, raw in named.items()}
            doors = {mention_id: raw.source_id for mention_id, raw in named.items()}
            self.vault.keep(tx, contacts, doors, now)

    def _prepare(self, raw: RawMention, now: datetime) -> RawMention:
        """Mask personal data, weigh who speaks, mark what is too old to page (decisions.md 5)."""
        settings = self.project.settings
        old = raw.published_at is not None and raw.published_at < now - settings.history_after
        masked = self.mask if settings.mask_personal_data else str
        hidden = settings.pseudonymise_authors and raw.author
        return replace(
            raw,
            title=masked(raw.title),
            text=masked(raw.text),
            tier=self.media.tier(raw.url, raw.author, raw.platform, raw.tier),
            author=self.pseudonym(raw.platform, raw.author) if hidden else masked(raw.author),
            published_at=min(raw.published_at or raw.observed_at, now + _CLOCK_SKEW),
            history=raw.history or old,
        )

    def _post(self, raw: RawMention, brand_id: BrandId, now: datetime) -> OfficialPost:
        masked = self.mask if self.project.settings.mask_personal_data else str
        return OfficialPost(
            item_key=item_key(raw),
            brand_id=brand_id,
            source_id=raw.source_id,
            platform=raw.platform,
            author=raw.author,
            title=masked(raw.title),
            text=masked(raw.text),
            url=raw.url,
            published_at=min(raw.published_at or raw.observed_at, now + _CLOCK_SKEW),
            observed_at=raw.observed_at,
            parent_url=raw.parent_url,
        )


def says_deleted(title: str, text: str) -> bool:
    """Say whether a page holds nothing but the word that its post is gone.

    Around that word stand only manners and ways out ("抱歉", "返回首页"): whoever writes about
    something that was deleted says more.
    """
    said = re.sub(r"[\W_]+", "", text or title)
    return len(said) <= _SHORT and bool(_TAKEN.search(said)) and not _MANNERS.sub("", said)
