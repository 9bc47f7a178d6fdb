"""What is watched: a brand, its names and products, when a name means it, how sure is sure.

In: plain values of one file in `brands/`. Out: frozen models.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from config.cluster_schema import ClusterScores
from config.values import Identifier, Model, PossibleDay, Words


class ProductLine(Model):
    """A product (line) of a brand; its aliases also stand for the brand.

    `words` are ordinary words ("养生壶", "K2") that mean this product only where the brand itself
    is named in the same text. `launched`: the day it came to market; for so many months as the
    project's `launch` says it is watched more closely.
    """

    id: Identifier
    name: str
    aliases: Words = ()
    words: Words = ()
    launched: PossibleDay | None = None


class BrandExample(Model):
    """A saved sentence that must (or must not) match; run by `groundswell check`.

    `title`, `url` and `author` are those of the page it stands for, to try exclusions.
    """

    text: str
    match: bool = True
    title: str = ""
    url: str = ""
    author: str = ""


class Exclusions(Model):
    """Pages and authors whose mentions are never about this brand."""

    urls: Words = ()  # prefixes of the URL without scheme
    authors: Words = ()


class OfficialAccount(Model):
    """An account through which the brand itself speaks: what it posts is an answer, no mention.

    It is recognised by `author` (as the platform shows it) on `platform`, or by the start of the
    addresses of its posts. Where both are given, a post of that name at another place of the same
    site is somebody else's: give both where two people may have one name.
    """

    platform: str
    author: str = ""
    url: str = ""  # prefix of its posts' addresses, without scheme

    @model_validator(mode="after")
    def _named(self) -> OfficialAccount:
        if not self.author and not self.url:
            raise ValueError('an official account needs "author" or "url"')
        return self


class AmbiguousName(Model):
    """A name that also means something else (小米: the brand or the grain).

    A listed word that holds the name ("小米粥") decides the place where it stands. Else the place
    counts when the words of `brand` outweigh those of `other` around it; with neither, what the
    program ships for this name decides, and then `default` (not given: the program's own, else no).
    """

    name: str
    brand: Words = ()  # words that speak for the brand: 手机, 发布会
    other: Words = ()  # words that speak for the other meaning: 粥, 杂粮
    default: bool | None = None  # whether it means the brand where nothing decides


class ErrorCost(Model):
    """What a missed negative mention costs against a false one; only their ratio matters."""

    missed: float = Field(gt=0)
    false: float = Field(gt=0)


class BrandThresholds(Model):
    """From which probability a mention of this brand counts as negative.

    At most one of `negative`, `alert_budget` (mentions called negative a day, estimated from the
    last 14 days) and `cost` (false / (false + missed), Elkan 2001). What is not given is the
    project's `unsure_band`.
    """

    unsure: float | None = Field(default=None, gt=0, lt=1)
    negative: float | None = Field(default=None, gt=0, lt=1)
    alert_budget: int | None = Field(default=None, ge=1)
    cost: ErrorCost | None = None

    @model_validator(mode="after")
    def _one_way(self) -> BrandThresholds:
        ways = [self.negative is not None, self.alert_budget is not None, self.cost is not None]
        if sum(ways) > 1:
            raise ValueError('give one of "negative", "alert_budget" and "cost", not several')
        if self.unsure is not None and self.negative is not None and self.unsure > self.negative:
            raise ValueError(f"unsure {self.unsure} must not lie above negative {self.negative}")
        return self


class Brand(Model):
    """A watched subject and the words that stand for it.

    A mention is about the brand when an alias (or product alias) occurs, every word of `must`
    occurs, at least one of `any` occurs (when given), one of `near` stands near a name (when given)
    and none of `not` does.
    """

    id: Identifier
    name: str
    aliases: Words = ()
    products: tuple[ProductLine, ...] = ()
    must: Words = ()
    any: Words = ()
    not_: Words = Field(default=(), alias="not")
    near: Words = ()  # at least one within `near_within` characters of a name, when given
    near_within: int = Field(default=40, ge=1, le=1000)
    pinyin: bool = False  # also find its Chinese names in pinyin: lanhe, lan he, lan-he
    ambiguous: tuple[AmbiguousName, ...] = ()
    exclude: Exclusions = Exclusions()
    official: tuple[OfficialAccount, ...] = ()
    competitor: bool = False
    examples: tuple[BrandExample, ...] = ()
    thresholds: BrandThresholds = BrandThresholds()
    clusters: ClusterScores = ClusterScores()
