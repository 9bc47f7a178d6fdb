"""One small file per mistake in bad/: its head says where it stands, its foot what must be said."""

import shutil
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))


def _comments(path: Path, word: str) -> tuple[str, ...]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(line.removeprefix(word) for line in lines if line.startswith(word))


def test_the_good_project_loads() -> None:
    project = load(HERE / "good", environ={})

    assert [brand.id for brand in project.brands] == ["maicui", "qinghe"]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_line(path: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(HERE / "good", project)
    target = project / _comments(path, "# at: ")[0]
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, target)

    with pytest.raises(ConfigError) as caught:
        load(project, environ={})

    assert _comments(path, "# expect: ") == caught.value.problems


def test_every_bad_file_says_what_is_expected() -> None:
    assert [path.stem for path in BAD if not _comments(path, "# expect: ")] == []
