"""A seeded story of an invented brand: everyday talk, and a product batch that fails.

In: a start instant and a Variant. Out: items with their publication time, the same ones for the
same seed. Nothing here knows how they are served.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import yaml

Place = Literal["news", "micro", "reviews", "tousu", "bbs"]
PLACES: tuple[Place, ...] = ("news", "micro", "reviews", "tousu", "bbs")
ZONE = ZoneInfo("Asia/Shanghai")
HISTORY_DAYS = 28
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
# How much is posted in each hour of a local day: a quiet night, peaks at noon and at nine.
_HOURS = (4, 2, 1, 1, 1, 2, 4, 8, 11, 12, 12, 13, 15, 13, 11, 11, 11, 11, 12, 14, 17, 18, 14, 8)
# Where the angry go; the rest of a crisis's volume is reposts and one article.
_CRISIS_PLACES: tuple[tuple[Place, int], ...] = (
    ("micro", 42),
    ("tousu", 23),
    ("bbs", 18),
    ("reviews", 17),
)
_SPREAD = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One published thing. `crisis` is the truth for judging; it is never served."""

    place: Place
    number: int
    published_at: datetime
    title: str
    text: str
    author: str
    reposts: int = 0
    comments: int = 0
    likes: int = 0
    views: int = 0
    rating: int | None = None
    crisis: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What is wrong with a batch of one product, and the words people have for it."""

    id: str
    product: str
    model: str
    batch: str  # the first four characters of the bad lot numbers
    topic: str
    issue: str
    slots: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a variant chose: the defect, the local hour it starts in, its pace and size."""

    defect: Defect
    hour: int
    starts_after: timedelta
    authors: int  # distinct, reposters not counted
    reposts: int
    first_posts: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One telling of the story. Seed 0 is the default: the kettle base that smokes, at ten.

    With `crisis` false the everyday items stay exactly the same and the crisis never comes.
    """

    seed: int = 0
    crisis: bool = True

    def plan(self) -> Plan:
        """Choose product, hour of day, pace and size; every defect comes up in turn."""
        rng = random.Random(f"{self.seed}/plan")  # noqa: S311 - a story, not a secret
        every = defects()
        return Plan(
            defect=every[self.seed % len(every)],
            hour=rng.randint(7, 21) if self.seed else 10,
            starts_after=timedelta(minutes=rng.randint(5, 15)),
            authors=rng.randint(25, 40),
            reposts=rng.randint(4, 8),
            first_posts=rng.randint(1, 2),
        )

    def start_on(self, day: date) -> datetime:
        """Return the instant on that local day at which this telling starts, in UTC."""
        return datetime.combine(day, time(self.plan().hour), ZONE).astimezone(UTC)


@cache
def _read(name: str) -> Any:
    text = files("groundswell.demo").joinpath(name).read_text(encoding="utf-8")
    return yaml.safe_load(text)


@cache
def defects() -> tuple[Defect, ...]:
    """Return the defects a story can be about; the first is the default."""
    return tuple(Defect(**entry) for entry in _read("crises.yaml")["defects"])


@cache
def template_count() -> int:
    """Return how many different texts stories are made from, not counting what fills them."""
    everyday = sum(len(kind["texts"]) for kind in _read("everyday.yaml")["kinds"].values())
    crises = _read("crises.yaml")
    groups = [*crises["voices"].values(), *crises["after"].values(), crises["news"]]
    return everyday + sum(len(group) for group in groups)


@dataclass(slots=True)
class Story:
    """Everything that is published from 28 days before `start` on, for as long as one asks.

    `start` is an aware instant; the crisis (if any) begins some minutes after it.
    """

    start: datetime
    variant: Variant = Variant()
    crisis: tuple[Item, ...] = field(init=False)
    _days: dict[date, tuple[Item, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Tell the crisis once; ordinary days are told when asked for."""
        self.crisis = _crisis(self.start, self.variant) if self.variant.crisis else ()

    @property
    def opens_at(self) -> datetime | None:
        """The first post of the crisis, None in a quiet telling."""
        return self.crisis[0].published_at if self.crisis else None

    def items(self, until: datetime, place: Place | None = None) -> list[Item]:
        """Return what is out by `until`, oldest first."""
        day = (self.start - timedelta(days=HISTORY_DAYS)).astimezone(ZONE).date()
        found = [item for item in self.crisis if item.published_at <= until]
        while day <= until.astimezone(ZONE).date():
            if day not in self._days:
                self._days[day] = everyday(self.variant.seed, day)
            found += (item for item in self._days[day] if item.published_at <= until)
            day += timedelta(days=1)
        if place is not None:
            found = [item for item in found if item.place == place]
        return sorted(found, key=lambda item: (item.published_at, item.number))


# --- ordinary days ----------------------------------------------------------------------------


def everyday(seed: int, day: date) -> tuple[Item, ...]:
    """Tell one local day: 15 to 30 items, none of them about the crisis."""
    rng = random.Random(f"{seed}/everyday/{day}")  # noqa: S311
    source = _read("everyday.yaml")
    names = _names(rng)
    stalls = [
        (kind, cast("Place", place), weight)
        for kind, entry in source["kinds"].items()
        for place, weight in entry["where"].items()
    ]
    told: list[Item] = []
    used: set[tuple[str, int]] = set()
    for at in _moments(rng, day, rng.randint(15, 30)):
        kind, place, _ = rng.choices(stalls, [weight for _, _, weight in stalls])[0]
        texts = source["kinds"][kind]["texts"]
        fresh = [n for n in range(len(texts)) if (kind, n) not in used] or [*range(len(texts))]
        chosen = rng.choice(fresh)
        used.add((kind, chosen))
        writer = _byline(rng) if place == "news" else next(names)
        told.append(_tell(rng, texts[chosen], source["slots"], place=place, at=at, author=writer))
    return _numbered(told, parity=0)


def _moments(rng: random.Random, day: date, count: int) -> list[datetime]:
    hours = rng.choices(range(24), _HOURS, k=count)
    midnight = datetime.combine(day, time(0), ZONE)
    moments = [
        midnight + timedelta(hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))
        for hour in hours
    ]
    return sorted(moment.astimezone(UTC) for moment in moments)


# --- the crisis -------------------------------------------------------------------------------


def _crisis(start: datetime, variant: Variant) -> tuple[Item, ...]:
    plan = variant.plan()
    rng = random.Random(f"{variant.seed}/crisis")  # noqa: S311
    names = _names(rng)
    opens_at = start + plan.starts_after
    told = _complaints(rng, plan, opens_at, names)
    told += _reposts(rng, plan, told, names)
    told.append(_article(rng, plan, opens_at + timedelta(minutes=rng.randint(100, 150))))
    told += _aftermath(rng, plan, opens_at + _SPREAD, names)
    told.sort(key=lambda item: item.published_at)
    return _numbered(told, parity=1)


def _complaints(
    rng: random.Random, plan: Plan, opens_at: datetime, names: Iterator[str]
) -> list[Item]:
    voices = _read("crises.yaml")["voices"]
    bags = {place: _bag(rng, voices[place]) for place, _ in _CRISIS_PLACES}
    places = [place for place, _ in _CRISIS_PLACES]
    weights = [weight for _, weight in _CRISIS_PLACES]
    told = []
    for n in range(plan.authors):
        place: Place = rng.choices(places, weights)[0]
        at = opens_at + _delay(rng, n, plan.first_posts)
        template = next(bags[place])
        told.append(_accuse(rng, plan, template, place=place, at=at, author=next(names)))
    return told


def _delay(rng: random.Random, n: int, first_posts: int) -> timedelta:
    """One or two posts at once, the rest ever denser over three hours (a power of the uniform)."""
    if n == 0:
        return timedelta()
    if n < first_posts:
        return timedelta(minutes=rng.uniform(4, 15))
    spread_s = _SPREAD.total_seconds() - 900
    return timedelta(seconds=900 + int(spread_s * rng.random() ** 0.6))


def _reposts(
    rng: random.Random, plan: Plan, told: Sequence[Item], names: Iterator[str]
) -> list[Item]:
    posts = [item for item in told if item.place == "micro"]
    forms = _read("crises.yaml")["voices"]["repost"]
    copies = []
    for _ in range(plan.reposts if posts else 0):
        origin = rng.choice(posts)
        at = origin.published_at + timedelta(minutes=rng.uniform(5, 60))
        fixed = {"quote": origin.text, "origin": origin.author}
        form = rng.choice(forms)
        copies.append(
            _accuse(rng, plan, form, place="micro", at=at, author=next(names), fixed=fixed)
        )
    return copies


def _article(rng: random.Random, plan: Plan, at: datetime) -> Item:
    template = rng.choice(_read("crises.yaml")["news"])
    return _accuse(rng, plan, template, place="news", at=at, author=_byline(rng))


def _aftermath(rng: random.Random, plan: Plan, since: datetime, names: Iterator[str]) -> list[Item]:
    voices = [
        (cast("Place", place), template)
        for place, templates in _read("crises.yaml")["after"].items()
        for template in templates
    ]
    told = []
    for _ in range(rng.randint(6, 10)):
        place, template = rng.choice(voices)
        at = since + timedelta(minutes=rng.randint(60, 23 * 60))
        told.append(_accuse(rng, plan, template, place=place, at=at, author=next(names)))
    return told


def _accuse(
    rng: random.Random,
    plan: Plan,
    template: Mapping[str, Any],
    *,
    place: Place,
    at: datetime,
    author: str,
    fixed: Mapping[str, str] | None = None,
) -> Item:
    defect = plan.defect
    told = {
        "product": defect.product,
        "model": defect.model,
        "batch": defect.batch,
        "topic": defect.topic,
        "lot": f"{defect.batch}{rng.choice('ABCD')}{rng.randint(1, 9)}",
        **(fixed or {}),
    }
    slots = {**_read("crises.yaml")["slots"], **defect.slots}
    return _tell(rng, template, slots, place=place, at=at, author=author, told=told, crisis=True)


# --- wording ----------------------------------------------------------------------------------


def _tell(
    rng: random.Random,
    template: Mapping[str, Any],
    slots: Mapping[str, Sequence[str]],
    *,
    place: Place,
    at: datetime,
    author: str,
    told: Mapping[str, str] | None = None,
    crisis: bool = False,
) -> Item:
    chosen = dict(told or {})
    loud = 4 if crisis else 1
    return Item(
        place=place,
        number=0,
        published_at=at.replace(microsecond=0),
        title="" if place == "micro" else _fill(rng, template["t"], slots, chosen),
        text=_fill(rng, template["x"], slots, chosen),
        author=author,
        reposts=int(rng.expovariate(1 / 3) * loud) if place == "micro" else 0,
        comments=int(rng.expovariate(1 / 4) * loud),
        likes=int(rng.expovariate(1 / 9) * loud),
        views=int(rng.expovariate(1 / 120) * loud) + 3 if place == "bbs" else 0,
        rating=template.get("r"),
        crisis=crisis,
    )


def _fill(
    rng: random.Random, text: str, slots: Mapping[str, Sequence[str]], chosen: dict[str, str]
) -> str:
    """Fill {slots} (the same one twice gets the same word) and choose among [one|of|these]."""

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name not in chosen:
            chosen[name] = rng.choice(slots[name])
        return chosen[name]

    text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
    return _SLOT.sub(word, text)


def _bag(rng: random.Random, templates: Sequence[Any]) -> Iterator[Any]:
    """Deal all templates in a shuffled order before any comes again."""
    while True:
        yield from rng.sample(templates, len(templates))


def _names(rng: random.Random) -> Iterator[str]:
    """Yield nicknames, no two alike."""
    people = _read("people.yaml")
    seen: set[str] = set()
    while True:
        name = rng.choice(people["first"]) + rng.choice(people["second"])
        if rng.random() < 0.35 or name in seen:
            name += str(rng.randint(2, 9999))
        if name not in seen:
            seen.add(name)
            yield name


def _byline(rng: random.Random) -> str:
    people = _read("people.yaml")
    return f"{rng.choice(people['outlets'])} {rng.choice(people['reporters'])}"


def _numbered(items: Sequence[Item], parity: int) -> tuple[Item, ...]:
    """Give each item a page number that grows with time; `parity` keeps two streams apart."""
    taken: set[tuple[Place, int]] = set()
    numbered = []
    for item in items:
        number = int((item.published_at - _EPOCH).total_seconds()) * 2 + parity
        while (item.place, number) in taken:
            number += 2
        taken.add((item.place, number))
        numbered.append(replace(item, number=number))
    return tuple(numbered)
