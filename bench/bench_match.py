"""What thousands of aliases, ambiguous names and odd spellings cost in matching, on one core.

Run as `python -m bench match`. Texts are made up of 60 characters each, of which one in five names
a brand, as in a stream that a search brought. The ratio of 5,000 aliases to 10 is the figure to
watch: matching is to cost the text, not the list.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from classify.matching import BrandMatcher
from config.schema import Brand

TEXTS = 20_000
ROUNDS = 3  # the best of them counts: the machine has other work
PARTS = (
    "刚买一周就有焦味",
    "客服让等七天",
    "打了三次电话没人理",
    "物流倒是挺快 颜色也好看",
    "孩子差点被烫到",
    "想退货又说过了时间",
    "同事那台也一样",
    "不知道是不是同一批",
    "早饭喝了一碗热粥",
)
SYLLABLES = "云杉青瓷麦翠禾木澜溪川原松柏星月山海风林石泉桥田谷岭"


def texts(name: str) -> list[str]:
    """Different texts of 60 characters; every fifth holds the name."""
    made = []
    for number in range(TEXTS):
        order = [PARTS[(number * step) % len(PARTS)] for step in (1, 2, 4, 5, 7, 8)]
        head = f"{name}的吹风机" if number % 5 == 0 else "这台吹风机"
        made.append(f"{number}{order[0]},{head},{','.join(order[1:])}"[:60])
    return made


def names(count: int) -> list[str]:
    """Return so many different names of three characters."""
    n = len(SYLLABLES)
    found = [
        SYLLABLES[i % n] + SYLLABLES[i // n % n] + SYLLABLES[(i // n // n + i) % n]
        for i in range(count)
    ]
    return list(dict.fromkeys(found))


def brand(aliases: Sequence[str], **fields: object) -> Brand:
    """Return a brand with these names."""
    rules = {"id": "yunshan", "name": "云杉", "aliases": tuple(aliases), **fields}
    return Brand.model_validate(rules)


def seconds(matcher: BrandMatcher, made: Sequence[str]) -> float:
    """Return the time of the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for text in made:
            matcher.match("", text, "", "")
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    """Print a line per kind of rule."""
    ambiguous = [{"name": "云杉", "brand": ["吹风机"], "other": ["树"]}]
    plain = texts("云杉")
    rules = {
        "10 aliases": (brand(names(10)), plain),
        "5,000 aliases": (brand(names(5_000)), plain),
        "5,000 aliases, in pinyin too": (brand(names(5_000), pinyin=True), plain),
        "10 aliases, near": (brand(names(10), near=["吹风机"]), plain),
        "10 aliases, ambiguous": (brand(names(10), ambiguous=ambiguous), plain),
        "10 aliases, names in disguise": (brand(names(10)), texts("云|杉")),
    }
    print(f"{'rule':32}{'names':>8}{'made in s':>11}{'texts/s':>11}{'µs each':>9}{'ratio':>7}")
    first = 0.0
    for label, (rule, made) in rules.items():
        started = time.process_time()
        matcher = BrandMatcher([rule])
        taken = time.process_time() - started
        each = seconds(matcher, made) / len(made)
        first = first or each
        print(
            f"{label:32}{len(rule.aliases) + 1:8,}{taken:11.2f}{1 / each:11,.0f}"
            f"{each * 1e6:9.1f}{each / first:7.2f}"
        )


if __name__ == "__main__":
    main()
