"""What people were unhappy about this week, worded for a digest: every line with its link.

In: the topics of the week that ends with the digest. Out: digest items. On WEEKLY_ON all that fits
is told; on other days only what is new or has grown, and not where nothing changed. Topics most of
whose mentions are unsure are counted and not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from storage.records import BrandTopics, DigestFacts, DigestItem, Level, Topic

TITLE, ENGLISH = "本周大家在抱怨什么", "Complaints this week"
WEEKLY_ON = 0  # Monday, as date.weekday() counts
MOST, MOST_CHANGED = 10, 3  # topics of all brands in one digest, weekly and daily
_NAMED = 4  # issue classes of the rest in one line
_CHANGED = frozenset({"new", "up"})
_DIRECTIONS = {"new": "新出现", "up": "比上周多", "down": "比上周少", "steady": "与上周相当"}


def is_weekly(facts: DigestFacts) -> bool:
    """Whether this digest looks back on the whole week."""
    return facts.day.weekday() == WEEKLY_ON


def topic_items(facts: DigestFacts) -> tuple[DigestItem, ...]:
    """Return the lines of the section; () when there is nothing to tell."""
    own = [one for one in facts.topics if not one.competitor]
    weekly = is_weekly(facts)
    every = [(one, topic) for one in own for topic in one.topics if weekly or _has_changed(topic)]
    told = [pair for pair in every if not pair[1].is_doubtful]
    told.sort(key=lambda pair: (-pair[1].authors, -pair[1].mentions, pair[1].topic_id))
    most = MOST if weekly else MOST_CHANGED
    items = [_item(one, topic, facts, several=len(own) > 1) for one, topic in told[:most]]
    if not weekly:
        return tuple(items)
    return (*items, *_rest(own, facts, len(every) - len(items)))


def _has_changed(topic: Topic) -> bool:
    return topic.direction in _CHANGED


def _item(brand: BrandTopics, topic: Topic, facts: DigestFacts, *, several: bool) -> DigestItem:
    named = f"{topic.issue_class}·{topic.sub_class}" if topic.sub_class else topic.issue_class
    whose = f"{brand.name} " if several else ""
    return _line(f"{whose}{named}：{topic.label}", _size(topic, facts), topic_path(topic, facts))


def _size(topic: Topic, facts: DigestFacts) -> str:
    """Say how many wrote, against the week before; lower bounds when a source was not seen."""
    least = "至少 " if facts.gaps else ""
    parts = [
        f"{least}{topic.authors} 人 {topic.mentions} 条，{_DIRECTIONS[topic.direction]}"
        + ("" if topic.direction == "new" else f"（上周 {topic.authors_before} 人）")
    ]
    if topic.texts < topic.mentions:
        parts.append(f"{topic.copies_share:.0%} 为转发或复制")
    if topic.samples:
        parts.append(f"如「{topic.samples[0].text}」")
    return "；".join(parts)


def _rest(own: Sequence[BrandTopics], facts: DigestFacts, unlisted: int) -> list[DigestItem]:
    """Count what is not listed, so that nothing is hidden."""
    lines = []
    if unlisted > 0:
        lines.append(_line(f"另有 {unlisted} 个话题未列出", "控制台有全部", week_path(facts)))
    classes: dict[str, int] = {}
    for brand in own:
        for one in brand.rest:
            classes[one.issue_class] = classes.get(one.issue_class, 0) + one.mentions
    if classes:
        ranked = sorted(classes, key=lambda name: (-classes[name], name))
        told = "、".join(f"{name} {classes[name]} 条" for name in ranked[:_NAMED])
        more = sum(classes[name] for name in ranked[_NAMED:])
        text = told + (f"、其余各类 {more} 条" if more else "")
        lines.append(_line("单独的抱怨", text, week_path(facts)))
    return lines


def _line(title: str, text: str, path: str) -> DigestItem:
    return DigestItem(
        incident_id=None, code="", level=Level.NONE, title=title, text=text, path=path
    )


def week_path(facts: DigestFacts) -> str:
    """Return the console's path of the week's topics."""
    return f"/topics?day={facts.topics[0].last_on.isoformat()}"


def topic_path(topic: Topic, facts: DigestFacts) -> str:
    """Return the console's path of a topic: its only cluster, else its place in the week."""
    if len(topic.clusters) == 1:
        return f"/clusters/{quote(topic.clusters[0], safe='')}"
    brand = quote(topic.brand_id, safe="")
    return f"{week_path(facts)}&brand={brand}#{quote(topic.topic_id, safe='')}"
