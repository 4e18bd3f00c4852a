"""Pipelines from files: what ``include`` in a ``[[pipeline]]`` table means.

``include = "sidecar"`` stands for the steps of the shipped pipeline of that name (``shipped/*.toml``), ``include =
"PATH"`` for those of a file of one's own, in the same form: ``[[pipeline]]`` tables, and ``[[tests]]`` that prove them.
A file may include others, but not itself.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

from logyard.errors import BadConfig

__all__ = ["expanded", "pipeline_file", "shipped_names", "shipped_text"]

_INCLUDE: Final = "include"
_DEEPEST: Final = 8
_KNOWN: Final = frozenset({"pipeline", "tests"})
Table = Mapping[str, object]


def shipped_names() -> list[str]:
    """The files that come with Logyard: pipelines, and rules for the step ``tag``."""
    return sorted(path.name.removesuffix(".toml") for path in _shipped().iterdir() if path.name.endswith(".toml"))


def shipped_text(name: str) -> str:
    """The text of one. Raises ``BadConfig`` with the names there are."""
    if name not in shipped_names():
        raise BadConfig(f"there is no {name!r}; there are: {', '.join(shipped_names())}", path=_INCLUDE)
    return _shipped().joinpath(f"{name}.toml").read_text("utf-8")


def pipeline_file(name: str) -> Table:
    """``pipeline`` and ``tests`` of a shipped pipeline or of a file. Raises ``BadConfig``."""
    try:
        text = shipped_text(name) if name in shipped_names() else Path(name).read_text("utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        known = ", ".join(shipped_names())
        reason = f"cannot read {name}: {error.strerror}; besides files there are: {known}"
        raise BadConfig(reason, path=_INCLUDE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{name}: {error}", path=_INCLUDE) from error
    if not tree.keys() <= _KNOWN or not isinstance(tree.get("pipeline"), list):
        raise BadConfig(f"{name} is no pipeline: [[pipeline]] tables, and [[tests]]", path=_INCLUDE)
    return tree


def expanded(settings: Sequence[Table], path: str = "pipeline", *, depth: int = 0) -> Iterator[tuple[str, Table]]:
    """The steps, each with the path of its setting, with those of the files that are included. Raises ``BadConfig``."""
    for index, table in enumerate(settings):
        place = f"{path}[{index}]"
        if _INCLUDE not in table:
            yield place, table
            continue
        name = table[_INCLUDE]
        if len(table) > 1 or not isinstance(name, str):
            raise BadConfig("an include is a name or a path, and stands alone", path=place)
        if depth == _DEEPEST:
            raise BadConfig(f"{name} includes itself", path=place)
        steps = cast("Sequence[Table]", pipeline_file(name)["pipeline"])
        yield from expanded(steps, f"{place}.{name}", depth=depth + 1)


def _shipped() -> "Path":
    return cast("Path", files("logyard.pipeline.shipped"))
