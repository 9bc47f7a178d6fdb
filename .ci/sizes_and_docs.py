"""Checks of sizes, of links in docs and of the licences of dependencies.

Run by make check. Budgets after the project's style: function p90 <= 40 lines and none above 80;
file p90 <= 400 lines and none above 600.
"""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "storage", "crawlers", "classify", "alerts", "groundswell", "bench")
# Permissive licences, and the weak copyleft of libraries that are used unchanged.
ALLOWED = re.compile(
    r"MIT|BSD|ZPL|Apache|ISC|PSF|Python|Zlib|0BSD|MPL|LGPL|Unlicense|Public Domain|HPND|CC0|CNRI",
    re.IGNORECASE,
)
# Their metadata names no licence; it was read in their files.
READ_BY_HAND = {
    "jieba": "MIT",
    "pyahocorasick": "BSD-3-Clause",
    "tld": "MPL-1.1 or LGPL",
    "atpublic": "Apache-2.0",
}


def main() -> int:
    """Run every check; 1 when something is amiss."""
    problems = [*sizes(), *broken_links(), *licences()]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def sizes() -> list[str]:
    """Return what breaks the size budgets."""
    problems, file_sizes, function_sizes = [], [], []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations/versions" in path.as_posix():
                continue
            source = path.read_text(encoding="utf-8")
            lines = source.count("\n")
            file_sizes.append(lines)
            if lines > 600:
                problems.append(f"{path.relative_to(ROOT)}: {lines} lines, at most 600")
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    function_sizes.append(length)
                    if length > 80:
                        where = f"{path.relative_to(ROOT)}:{node.lineno}"
                        problems.append(f"{where}: {node.name} has {length} lines, at most 80")
    for name, values, budget in (("file", file_sizes, 400), ("function", function_sizes, 40)):
        p90 = sorted(values)[int(len(values) * 0.9)]
        print(f"{name}s: {len(values)}, median {sorted(values)[len(values) // 2]}, p90 {p90}")
        if p90 > budget:
            problems.append(f"{name} p90 is {p90} lines, at most {budget}")
    return problems


def broken_links() -> list[str]:
    """Return links in Markdown that point at no file."""
    return [
        f"{path.relative_to(ROOT)}: link to {target}, which is not there"
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]


def licences() -> list[str]:
    """Return dependencies whose licence is not on the list."""
    problems = []
    for distribution in distributions():
        metadata = distribution.metadata
        name = metadata["Name"]
        if name.lower() in {"groundswell", "pip", "setuptools"}:
            continue
        stated = " ".join(
            [
                metadata.get("License-Expression") or "",
                (metadata.get("License") or "")[:200],
                *(c for c in metadata.get_all("Classifier") or [] if c.startswith("License")),
                READ_BY_HAND.get(name.lower(), ""),
            ]
        )
        if not ALLOWED.search(stated):
            problems.append(
                f"{name}: licence {stated.strip()!r} is not on the list in .ci/sizes_and_docs.py"
            )
    return problems


if __name__ == "__main__":
    sys.exit(main())
