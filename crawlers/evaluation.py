"""How well the main text of pages is found without selectors: `eval extract`.

In: a directory of `NAME.html` beside `NAME.json` (title, text, published_at). Out: figures.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from crawlers.article import main_text
from crawlers.charset import declared_charset, decode
from crawlers.dates import parse_date

_TZ = ZoneInfo("Asia/Shanghai")
_GRAM = 4


def evaluate_extract(directory: Path, *, with_pages: bool = False) -> dict[str, Any]:
    """Compare `content: auto` with the truth on every page of a directory.

    f1_mean: mean F1 of character 4-grams (blanks do not count); share_over_08: share of pages
    with F1 > 0.8; date_right: dated pages whose day was found; date_false: pages for which a wrong
    day was given, or one although the truth has none. `with_pages` adds a row per page. Errors:
    ConfigError when the directory holds no pair, or a truth file that is not a JSON object with
    "text".
    """
    paths = sorted(path for path in directory.glob("*.html") if path.with_suffix(".json").is_file())
    if not paths:
        raise ConfigError(
            f'{directory}: no page to evaluate, expected "NAME.html" beside "NAME.json"'
        )
    pages = [_page(path) for path in paths]
    scores = [page["f1"] for page in pages]
    figures = {
        "n": len(scores),
        "f1_mean": round(sum(scores) / len(scores), 4),
        "share_over_08": round(sum(score > 0.8 for score in scores) / len(scores), 4),
        "dated": sum(bool(page["day"]) for page in pages),
        "date_right": sum(bool(page["day"]) and page["day_found"] == page["day"] for page in pages),
        "date_false": sum(page["day_found"] not in {"", page["day"]} for page in pages),
    }
    return {**figures, "pages": pages} if with_pages else figures


def _page(path: Path) -> dict[str, Any]:
    truth = _truth(path.with_suffix(".json"))
    body = path.read_bytes()
    found = main_text(decode(body, "", declared_charset(body)).text, "")
    return {
        "name": path.stem,
        "f1": round(gram_f1(found.text, str(truth["text"])), 4),
        "day": _day(str(truth.get("published_at") or "")),
        "day_found": _day(found.published),
        "title_found": found.title,
        "title_right": found.title == str(truth.get("title") or ""),
    }


def gram_f1(found: str, truth: str) -> float:
    """Return the F1 of character 4-grams as multisets; 1.0 when both are empty."""
    ours, theirs = _grams(found), _grams(truth)
    if not ours and not theirs:
        return 1.0
    shared = sum((ours & theirs).values())
    if not shared:
        return 0.0
    precision, recall = shared / sum(ours.values()), shared / sum(theirs.values())
    return 2 * precision * recall / (precision + recall)


def _grams(text: str) -> Counter[str]:
    text = "".join(text.split())
    return Counter(text[at : at + _GRAM] for at in range(max(len(text) - _GRAM + 1, bool(text))))


def _truth(path: Path) -> dict[str, Any]:
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(truth, dict) or "text" not in truth:
        raise ConfigError(f'{path}: expected an object with "text", got {str(truth)[:60]!r}')
    return truth


def _day(text: str) -> str:
    found = parse_date(text, datetime.now(UTC), _TZ) if text else None
    return found.astimezone(_TZ).date().isoformat() if found else ""
