"""What `{keyword}` stands for: a source and the brands go in, a source with plain addresses out.

Pure; the same configuration always gives the same requests in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from config.errors import ConfigError
from config.schema import Brand
from config.source_schema import KeywordRules, SourceConfig

KEYWORD = "{keyword}"


def expanded(source: SourceConfig, brands: Sequence[Brand]) -> SourceConfig:
    """Fill `{keyword}` in a source's addresses: one address per name of its brands and per word.

    Names come first by brand (its name, its aliases, then its products' names and aliases), then
    the source's own words; at most `keywords.max` of them, each once. With `mode: filter` addresses
    stay as they are and the words become what an item must name. A source without `keywords` comes
    back unchanged, and so does one that was expanded before.
    Errors: ConfigError when `{keyword}` stands for nothing at all.
    """
    rules = source.keywords
    if rules is None:
        return source
    words = keywords_of(rules, brands)
    filled = rules.model_copy(update={"words": words, "brands": ()})
    if rules.mode == "filter":
        # what is searched costs a request each, what is looked for costs nothing: no cap here
        return source.model_copy(update={"keywords": filled})
    if not any(KEYWORD in start for start in source.start):
        return source
    chosen = words[: rules.max]
    if not chosen:
        said = f'source "{source.id}": {KEYWORD} in "start" stands for nothing'
        raise ConfigError(
            f"{said}: there is no brand of ours, and keywords names none and no words"
        )
    starts = [
        start.replace(KEYWORD, percent_encoded(word, rules.charset))
        for start in source.start
        for word in (chosen if KEYWORD in start else ("",))
    ]
    update = {
        "start": tuple(dict.fromkeys(starts)),
        "keywords": filled.model_copy(update={"words": chosen}),
    }
    return source.model_copy(update=update)


def keywords_of(rules: KeywordRules, brands: Sequence[Brand]) -> tuple[str, ...]:
    """Return every word that a source's keywords stand for, without repetitions.

    Brands are those that `rules` names; when it names none, and has no words either, all that are
    no competitors.
    """
    named = set(rules.brands)
    watched = [
        brand
        for brand in brands
        if brand.id in named or (not named and not rules.words and not brand.competitor)
    ]
    words = [word for brand in watched for word in names_of(brand)]
    first: dict[str, str] = {}
    for word in (*words, *rules.words):
        text = " ".join(word.split())
        if text:
            first.setdefault(text.casefold(), text)
    return tuple(first.values())


def percent_encoded(word: str, charset: str) -> str:
    """Write a word as a form on a page in this charset would send it.

    A character that the charset does not have is sent as a numeric reference, as browsers do (HTML
    standard, "encoding" of form data).
    """
    return quote(word.encode(charset, errors="xmlcharrefreplace"), safe="")


def names_of(brand: Brand) -> Iterable[str]:
    """Yield a brand's name and aliases, then its products' names and aliases."""
    yield brand.name
    yield from brand.aliases
    for product in brand.products:
        yield product.name
        yield from product.aliases
