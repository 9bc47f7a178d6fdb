"""Facts about the house itself: its packages, its help, what a start costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "storage", "crawlers", "classify", "alerts", "groundswell")
HEAVY = (
    "sklearn",
    "scipy",
    "numpy",
    "scrapy",
    "twisted",
    "jieba",
    "rjieba",
    "sqlalchemy",
    "alembic",
)


def test_no_dependency_owns_one_of_our_package_names() -> None:
    owners = packages_distributions()
    foreign = {name: set(owners.get(name, [])) - {"groundswell"} for name in PACKAGES}

    assert {name: found for name, found in foreign.items() if found} == {}
    assert any(True for _ in distributions())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_says_what_it_is_for(package: str) -> None:
    source = (ROOT / package / "__init__.py").read_text(encoding="utf-8")

    assert source.startswith('"""')


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['groundswell', '--help']\n"
        "from groundswell.cli.app import build\n"
        "try:\n    build()()\nexcept SystemExit:\n    pass\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(repr(found) if found else 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert run.returncode == 0, run.stderr


def test_importing_every_module_does_nothing() -> None:
    """No file is written, no network touched, no thread started by an import."""
    code = (
        "import importlib, pkgutil, sys, threading\n"
        f"for name in {PACKAGES!r}:\n"
        "    package = importlib.import_module(name)\n"
        "    for found in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        if '.versions.' in found.name or found.name.endswith(('__main__', '.env')):\n"
        "            continue\n"
        "        importlib.import_module(found.name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert 'twisted.internet.reactor' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert run.returncode == 0, run.stderr
