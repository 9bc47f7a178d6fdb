"""Where things lie: the project folder, its database, this user's data folder. Imports little.

Commands that only read a project or one page start from here and stay fast; what needs the stages
starts from `groundswell.wiring`.
"""

from __future__ import annotations

import os
from pathlib import Path

from config.errors import StoreError
from config.load import example_dir, load
from config.schema import Project

_MARK = "project.yaml"  # a folder that holds it is a project, and the template tells to stand in it


def project_dir(config: str | None) -> Path:
    """Return the project folder: the one named, else the one we stand in, else the example."""
    if config:
        return Path(config).expanduser()
    here = Path()
    return here.resolve() if (here / _MARK).is_file() else example_dir()


def load_project(config: str | None) -> tuple[Project, Path]:
    """Read and check a project folder."""
    directory = project_dir(config)
    return load(directory), directory


def database_url(project: Project, directory: Path, override: str | None = None) -> str:
    """Return the database URL: the one named, the project's, else a SQLite file beside it.

    The packaged example may lie in a folder that nobody can write to, so its database goes to the
    user's data folder. The folder of a SQLite file of our own choosing is made.
    """
    url, place = _database(project, directory, override)
    if place is None:
        return url
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"making the folder {str(place)!r} for the database: {error.strerror}; "
            "name another with --database"
        ) from error
    return url


def database_there(project: Project, directory: Path, override: str | None = None) -> str | None:
    """Return the database URL when there may be one; None for a SQLite file that does not exist.

    Makes nothing, for commands that look and change nothing.
    """
    url, _ = _database(project, directory, override)
    path = url.removeprefix("sqlite:///")
    return None if path != url and not Path(path).is_file() else url


def data_dir() -> Path:
    """Return this user's data folder for the program, by the platform's custom."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "groundswell"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "groundswell"


def _database(project: Project, directory: Path, override: str | None) -> tuple[str, Path | None]:
    """Return the URL, and the folder to be made for it when we chose the place."""
    chosen = override or project.settings.database
    if chosen:
        url = chosen if "://" in chosen else f"sqlite:///{Path(chosen).expanduser().resolve()}"
        return url, None
    place = data_dir() if directory == example_dir() else directory.resolve() / "var"
    return f"sqlite:///{place / 'groundswell.db'}", place
