"""A project with a few values changed, to try them: `--set levels.yellow.score=45`.

In: a project and "path=value" texts. Out: another project. Parts of a list are named by their id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from config.errors import ConfigError
from config.schema import Project
from config.wording import did_you_mean


def with_values(project: Project, said: Iterable[str]) -> Project:
    """Return the project with these values. Errors: ConfigError names every one that is wrong."""
    found, wrong = project, []
    for one in said:
        path, sign, text = one.partition("=")
        if not sign or not path.strip():
            wrong.append(f"--set {one!r}: expected PATH=VALUE, such as levels.yellow.score=45")
            continue
        try:
            found = _put(found, path.strip().split("."), text, one)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return found


def _put(place: Any, path: Sequence[str], text: str, said: str) -> Any:
    from pydantic import BaseModel

    name, rest = path[0], path[1:]
    if isinstance(place, tuple) and place and all(hasattr(one, "id") for one in place):
        ids = [one.id for one in place]
        if name not in ids or not rest:
            raise _unknown(said, name, ids)
        return tuple(_put(one, rest, text, said) if one.id == name else one for one in place)
    if not isinstance(place, BaseModel):
        raise ConfigError(f"--set {said!r}: {name!r} is part of nothing that can be set")
    names = list(type(place).model_fields)
    if name not in names:
        raise _unknown(said, name, names)
    value = _read(type(place), name, text, said) if not rest else None
    if rest:
        value = _put(getattr(place, name), rest, text, said)
    return place.model_copy(update={name: value})


def _read(model: Any, name: str, text: str, said: str) -> Any:
    import yaml
    from pydantic import TypeAdapter, ValidationError

    field = model.model_fields[name]
    kind = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    try:
        return TypeAdapter(kind).validate_python(yaml.safe_load(text))
    except ValidationError as error:
        [first, *_] = error.errors()
        raise ConfigError(f"--set {said!r}: {first['msg']}, got {text!r}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 13th month, a thousand [
        raise ConfigError(f"--set {said!r}: {text[:80]!r} is no YAML value") from error


def _unknown(said: str, name: str, known: Sequence[str]) -> ConfigError:
    hint = did_you_mean(name, known)
    return ConfigError(f"--set {said!r}: there is no {name!r}{hint}; known: {', '.join(known)}")
