"""What a launch still lacks: a plan and what is known of it in, a checklist out.

Everything is looked at, whether it is well or not, so that the page shows what was checked. Nothing
here stops a launch: it says what will be missed when the first complaints come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.routing import reachable
from config.launch_schema import range_of_ends
from config.schema import LaunchPlan, Project, Readiness
from groundswell.launch_sync import event_id_of
from groundswell.verifying import KEY
from storage.queries import Queries
from storage.records import BrandId

_HEARD_FOR = timedelta(days=30)  # a name that nobody has written for a month may be misspelt


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the checklist: what was looked at, whether it is well, and what is missing."""

    code: str
    title: str
    english: str
    missing: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing here."""
        return not self.missing


def check_launch(
    queries: Queries, project: Project, plan: LaunchPlan, now: datetime
) -> tuple[Item, ...]:
    """Look over a launch; every item is returned, in the order of the form."""
    return (
        _item("end", "结束日", "End", _end(project, plan, now)),
        _item("nicknames", "昵称与例句", "Nicknames", _nicknames(project, plan)),
        _item("heard", "信源里有人提到", "Heard of", _heard(queries, project, plan, now)),
        _item("faq", "FAQ 与口径", "Answers", _faq(plan)),
        _item(
            "representatives", "服务代表", "Representatives", _people(queries, project, plan, now)
        ),
        _item("training", "培训到人", "Training", _training(plan)),
        _item("parts", "备件到店", "Spare parts", _parts(plan)),
        _item("sister", "姊妹产品的基线", "Baseline", _sister(queries, project, plan, now)),
        _item("sales", "销量", "Sales", _sales(queries, plan, project, now)),
        _item("calendar", "日历事件", "Calendar", _calendar(queries, plan)),
    )


def _item(code: str, title: str, english: str, missing: Iterator[str]) -> Item:
    return Item(code=code, title=title, english=english, missing=tuple(missing))


def _end(project: Project, plan: LaunchPlan, now: datetime) -> Iterator[str]:
    first, last = range_of_ends(plan.launched)
    ends = plan.last_day(project.settings.launch.months)
    if not first <= ends <= last:
        yield f"{ends} 结束，不在上市后 3 到 6 个月（{first} 到 {last}）之内"
    if now.astimezone(project.settings.zone).date() > ends:
        yield f"上市期已于 {ends} 结束，门槛已恢复平常"


def _nicknames(project: Project, plan: LaunchPlan) -> Iterator[str]:
    from classify.matching import BrandMatcher

    if not plan.aliases and not plan.words:
        yield "没有写昵称（aliases 或 words）：顾客多半不写全名"
    if not plan.examples:
        yield "没有例句：写几句顾客会怎么说，程序好验证认不认得出"
        return
    matcher, brand_id = BrandMatcher(project.brands), BrandId(plan.brand)
    told: set[str] = set()
    for text in plan.examples:
        hits = matcher.match("", text, "", "").get(brand_id, ())
        named = {hit.product for hit in hits}
        if hits:
            named |= {*matcher.products_named(brand_id, "", text)}
        told |= {
            word for word in (*plan.aliases, *plan.words) if word.casefold() in text.casefold()
        }
        if plan.product not in named:
            yield f"例句认不出是这个产品：{text}"
    if plan.aliases and not told:
        yield "没有一句例句用到昵称"


def _heard(queries: Queries, project: Project, plan: LaunchPlan, now: datetime) -> Iterator[str]:
    zone = project.settings.zone
    found = queries.product_days(
        BrandId(plan.brand), plan.product, now - _HEARD_FOR, now + timedelta(hours=2), zone
    )
    if not any(day.mentions for day in found):
        yield "最近 30 天没有任何信源的内容提到它：还没上市、名字没写全，或者没接上会谈论它的平台"


def _faq(plan: LaunchPlan) -> Iterator[str]:
    if not plan.faq:
        yield "没有 FAQ：客服只能各说各的"
        return
    drafts = [one.question for one in plan.faq if not one.approved_by.strip()]
    if len(drafts) == len(plan.faq):
        yield "没有一条口径有人批准"
    elif drafts:
        yield f"{len(drafts)} 条还没有人批准：{'；'.join(drafts[:3])}"


def _people(queries: Queries, project: Project, plan: LaunchPlan, now: datetime) -> Iterator[str]:
    from groundswell.gate import is_confirmed

    if not plan.representatives:
        yield "没有服务代表：投诉按平常的路由走"
        return
    proofs, key = queries.addresses(), queries.meta(KEY)
    for named in plan.representatives:
        people = reachable(project, [named], now)
        if not people:
            yield f"{named}：此刻找不到人"
        for owner_id in people:
            owner = project.owner(owner_id)
            channel = project.channel(owner.channels[0]) if owner and owner.channels else None
            if owner is None or channel is None:
                yield f"{owner_id}：没有可用的通知渠道"
            elif not is_confirmed(proofs, key, owner, channel):
                yield (
                    f"{owner.name} 的 {channel.id} 还没有用验证码确认："
                    f"groundswell people verify {owner.id} {channel.id}"
                )


def _training(plan: LaunchPlan) -> Iterator[str]:
    if not plan.readiness:
        yield "没有人报过培训到了多少人"
    for one in plan.readiness:
        if one.trained < one.to_train:
            yield f"{one.place}：{one.trained}/{one.to_train} 人"
        yield from _unsigned(one)


def _parts(plan: LaunchPlan) -> Iterator[str]:
    if not plan.readiness:
        yield "没有人报过备件到了多少"
    for one in plan.readiness:
        if one.parts < one.parts_wanted:
            yield f"{one.place}：{one.parts}/{one.parts_wanted} 件"


def _unsigned(one: Readiness) -> Iterator[str]:
    if not one.by.strip() or one.as_of is None:
        yield f"{one.place}：没写是谁、哪天报的"


def _sister(queries: Queries, project: Project, plan: LaunchPlan, now: datetime) -> Iterator[str]:
    if not plan.sister:
        yield "没有姊妹产品：头几周平常有多少只能按整个品牌估"
        return
    brand = project.brand_of_product(plan.sister)
    since = now - _HEARD_FOR
    found = queries.product_rate(BrandId(brand.id), plan.sister, since, now) if brand else (0, 0, 0)
    if not found[2]:
        yield f"姊妹产品 {plan.sister} 自己也没有历史，借不到基线"


def _sales(queries: Queries, plan: LaunchPlan, project: Project, now: datetime) -> Iterator[str]:
    today = now.astimezone(project.settings.zone).date()
    if queries.sold(BrandId(plan.brand), plan.product, today) is None:
        yield "没有导入销量，不能按每千台算：groundswell sales import FILE"


def _calendar(queries: Queries, plan: LaunchPlan) -> Iterator[str]:
    found = queries.calendar_events(plan.launched, plan.launched)
    if all(one.event_id != event_id_of(plan) for one in found):
        yield "日历里没有它的“发布”事件：运行中的程序会自动补上，也可以 groundswell launch sync"


def missing_of(items: Sequence[Item]) -> list[Item]:
    """Return the items that lack something."""
    return [one for one in items if not one.is_well]
