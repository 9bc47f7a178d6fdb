"""Run every benchmark (or those named) and keep what they print, with facts of the machine.

python -m bench              all of them but the crash matrix (make bench-crash: 20 minutes)
python -m bench score store  only those whose name contains a word
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ASIDE = {"crash"}  # has a target of its own


def facts() -> str:
    """Return one line that says what this was measured on."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory_gb:.0f} GB, "
        f"load {load:.1f}"
    )


def main() -> int:
    """Run them one after the other, each in a process of its own; 1 when one broke."""
    wanted = sys.argv[1:]
    RESULTS.mkdir(exist_ok=True)
    broken = []
    for path in sorted(HERE.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        chosen = any(word in name for word in wanted) if wanted else name not in ASIDE
        if not chosen:
            continue
        print(f"════ {name}", flush=True)
        run = subprocess.run(
            [sys.executable, "-m", f"bench.{path.stem}"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=HERE.parent,
        )
        print(run.stdout, flush=True)
        (RESULTS / f"{name}.txt").write_text(f"{facts()}\n\n{run.stdout}", encoding="utf-8")
        if run.returncode:
            broken.append(name)
    if broken:
        print(f"broken: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
