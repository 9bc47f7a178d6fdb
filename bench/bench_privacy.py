"""How fast personal data is masked on one core, and that the cost is linear in the text's length.

Run as `python -m bench privacy`; prints characters a second for texts without figures, with
figures, and full of personal data, beside a bare search for one phone number.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from classify.privacy import mask  # noqa: E402

_BARE = re.compile(r"1[3-9][0-9]{9}")
TEXTS: dict[str, Sequence[str]] = {
    "no figures": (
        "澜禾的养生壶用起来还行，就是盖子总是合不严，客服说可以换新的，等着看吧，希望别再拖了，颜色倒是很好看",
    ),
    "figures": (
        "澜禾养生壶LH-3018A用了12天就漏电，3月8日报修，订单2026030812345，等了15天没人上门，退款1299元也没到",
    ),
    "personal data": (
        "联系人：周晓彤，电话13905718826，住锦绣花园3栋2单元501室，车牌浙A8K263，邮箱lin.xf@mailbox.example",
    ),
}


def rate(work: Callable[[str], object], texts: Sequence[str], seconds: float = 0.5) -> float:
    """Return characters a second, the best of three."""
    best = 0.0
    for _ in range(3):
        done, begun = 0, time.perf_counter()
        while (spent := time.perf_counter() - begun) < seconds:
            for text in texts:
                work(text)
                done += len(text)
        best = max(best, done / spent)
    return best


def main() -> None:
    print(f"{'texts':16}{'chars/s':>12}{'texts/s':>12}{'bare search':>14}")
    for name, texts in TEXTS.items():
        masked, bare = rate(mask, texts), rate(_BARE.search, texts)
        print(f"{name:16}{masked:12,.0f}{masked / len(texts[0]):12,.0f}{bare:14,.0f}")
    for length in (1_000, 50_000, 1_000_000):
        text = ("".join(one for texts in TEXTS.values() for one in texts) * 10_000)[:length]
        print(f"one text of {length:9,}: {rate(mask, [text], 0.2):12,.0f} chars/s")


if __name__ == "__main__":
    main()
