"""How well and how fast main texts are found, next to trafilatura and resiliparse alone.

Run as `python -m bench extract`. Prints F1 of character 4-grams against the truth of the made-up
pages and CPU ms a page, then the scores of the URL pairs and of the date phrases.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import trafilatura  # noqa: E402

from crawlers.article import main_text  # noqa: E402
from crawlers.canonical import canonical_url  # noqa: E402
from crawlers.charset import declared_charset, decode  # noqa: E402
from crawlers.dates import parse_date  # noqa: E402
from crawlers.evaluation import evaluate_extract, gram_f1  # noqa: E402
from crawlers.gate import fast_text  # noqa: E402
from tests.crawlers import date_phrases, url_pairs  # noqa: E402
from tests.eval.extract.build import write  # noqa: E402

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=SHANGHAI)
PADDING = (
    "<div class='menu'>" + "<li><a href='/x/1.html'>油价今晚二十四时调整</a></li>" * 900 + "</div>"
)


def by_trafilatura(html: str) -> str:
    return trafilatura.extract(html, include_comments=False) or ""


def agreed(html: str) -> str:
    """The text nearest to those of the two others (collect.md 4.4, without readability)."""
    texts = [main_text(html, "").text, by_trafilatura(html), fast_text(html)]
    return max(texts, key=lambda text: sum(gram_f1(text, other) for other in texts))


METHODS: dict[str, Callable[[str], str]] = {
    "ours": lambda html: main_text(html, "").text,
    "trafilatura": by_trafilatura,
    "resiliparse, main part": fast_text,
    "agreement of the three": agreed,
}


def timed(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return 1000 * (time.process_time() - started)


def extraction(part: str, folder: Path) -> None:
    write(folder, part)
    pages = []
    for path in sorted(folder.glob("*.html")):
        body = path.read_bytes()
        html = decode(body, "", declared_charset(body)).text
        pages.append((html, json.loads(path.with_suffix(".json").read_text("utf-8"))["text"]))
    print(f"{part}: {len(pages)} pages")
    for name, method in METHODS.items():
        method(pages[0][0])  # libraries load outside the clock
        scores, spent = [], 0.0
        for html, truth in pages:
            started = time.process_time()
            text = method(html)
            spent += time.process_time() - started
            scores.append(gram_f1(text, truth))
        over = sum(score > 0.8 for score in scores) / len(scores)
        mean, each = sum(scores) / len(scores), 1000 * spent / len(pages)
        print(f"  {name:24} F1 {mean:.3f}  over .8 {over:.2f}  {each:6.1f} ms")
    figures = evaluate_extract(folder)
    print(
        f"  dates: {figures['date_right']}/{figures['dated']} right, {figures['date_false']} false"
    )
    wide = [html.replace("</body>", PADDING + "</body>") for html, _ in pages]
    size = sum(len(page.encode()) for page in wide) // len(wide) // 1024
    ours = per_page(wide, lambda page: main_text(page, ""))
    gate = per_page(wide, lambda page: main_text(page, "", ("无此品牌",)))
    print(f"  with menus up to {size} KB: ours {ours:.1f} ms, behind the gate {gate:.1f} ms a page")


def per_page(pages: list[str], read: Callable[[str], object]) -> float:
    """CPU ms a page, the best of three rounds."""
    return min(sum(timed(lambda page=page: read(page)) for page in pages) for _ in range(3)) / len(
        pages
    )


def addresses() -> None:
    merged = sum(canonical_url(one) == canonical_url(other) for one, other in url_pairs.SAME)
    apart = sum(canonical_url(one) != canonical_url(other) for one, other in url_pairs.DIFFERENT)
    urls = [url for pair in url_pairs.SAME for url in pair]
    spent = timed(lambda: [canonical_url(url) for url in urls])
    print(
        f"URL pairs: {merged}/{len(url_pairs.SAME)} merged, "
        f"{apart}/{len(url_pairs.DIFFERENT)} apart, {1000 * spent / len(urls):.0f} us each"
    )


def dates() -> None:
    for name in ("LISTED", "HELD_OUT", "FRESH"):
        phrases = getattr(date_phrases, name)
        found = [parse_date(text, NOW, SHANGHAI) for text, _ in phrases]
        meant = [datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for _, text in phrases]
        right = sum(one == other for one, other in zip(found, meant, strict=True))
        wrong = sum(one not in {None, other} for one, other in zip(found, meant, strict=True))
        print(f"date phrases {name.lower():9} {right}/{len(phrases)} right, {wrong} wrong")
    hit = sum(parse_date(text, NOW, SHANGHAI) is not None for text in date_phrases.TRAPS)
    print(f"date traps {hit}/{len(date_phrases.TRAPS)} hit")


def main() -> None:
    for part in ("dev", "held"):
        with tempfile.TemporaryDirectory() as folder:
            extraction(part, Path(folder))
    addresses()
    dates()


if __name__ == "__main__":
    main()
