"""Every mistake in a configuration at once, each with its path.

``config.load`` stops at the first mistake, which is right for a server; a person who checks a file wants all.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import msgspec

from logyard.config import Config, from_text
from logyard.errors import BadConfig, LogyardError
from logyard.pipeline.chain import Chain

__all__ = ["mistakes"]


def mistakes(tree: Mapping[str, object]) -> list[str]:
    """What is wrong with a tree of settings: ``path: reason``. Empty when it can be used."""
    found = list(_in_struct(tree, Config, ""))
    return found + list(_in_pipeline(tree.get("pipeline", ())))


def _in_struct(tree: Mapping[str, object], struct: type[msgspec.Struct], path: str) -> Iterator[str]:
    known = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, value in tree.items():
        place = f"{path}.{name}" if path else name
        if name not in known:
            yield f"{place}: there is no such setting{_hint(name, known)}"
            continue
        yield from _in_value(value, known[name].type, place)


def _in_value(value: object, kind: object, place: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        yield from _in_struct(cast("Mapping[str, object]", value), kind, place)
        return
    try:
        msgspec.convert(value, kind, strict=False, dec_hook=from_text)
    except msgspec.ValidationError as error:
        text, _, inner = str(error).partition(" - at ")
        yield f"{place}{inner.strip('`').removeprefix('$')}: {text}"


def _in_pipeline(steps: object) -> Iterator[str]:
    if not isinstance(steps, list | tuple):
        return
    tables = [step for step in steps if isinstance(step, dict)]
    for index, step in enumerate(tables):
        try:
            Chain.of([step])
        except BadConfig as error:
            path = error.path.removeprefix("pipeline[0]") if error.path.startswith("pipeline[0]") else f".{error.path}"
            yield f"pipeline[{index}]{path}: {error.reason}"
        except LogyardError as error:
            yield f"pipeline[{index}]: {error}"


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
