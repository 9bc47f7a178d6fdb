"""Write the made-up pages: python -m tests.eval.extract.build OUT [dev|held].

OUT then holds NAME.html (bytes) beside NAME.json, as `groundswell eval extract` reads them.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.eval.extract import sites_dev, sites_hard, sites_held, stories
from tests.eval.extract.clutter import Clutter
from tests.eval.extract.page import Page


def pages(part: str) -> Iterator[tuple[str, Page]]:
    """Yield every page of a part ("dev" or "held") under its site's name."""
    sites, texts = (
        ((*sites_dev.SITES, *sites_hard.SITES), stories.DEV)
        if part == "dev"
        else (sites_held.SITES, stories.HELD)
    )
    for number, site in enumerate(sites):
        story = texts[number % len(texts)]
        short = next(text for text in texts if len(text.paragraphs) == 2)
        if site.__name__ == "short_notice":
            story = short
        elif story is short:
            story = texts[(number + 1) % len(texts)]
        yield site.__name__, site(story, Clutter(random.Random(site.__name__)))


def write(directory: Path, part: str) -> int:
    """Write one part into a folder and return how many pages it has."""
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, page in pages(part):
        (directory / f"{name}.html").write_bytes(page.body)
        truth = {"title": page.title, "text": page.text, "published_at": _published(page.published)}
        path = directory / f"{name}.json"
        path.write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")
        count += 1
    return count


def _published(text: str) -> str:
    """Give a page that says only month and day the latest such day, as a reader would."""
    if not text.startswith("month-day "):
        return text
    today = datetime.now(UTC)
    month_day = text.removeprefix("month-day ")
    year = today.year - (month_day[:5] > f"{today:%m-%d}")
    return f"{year}-{month_day}"


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "dev"), "pages")
