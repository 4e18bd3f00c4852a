"""Every mistake in a configuration at once, each with its path.

``config.load`` stops at the first mistake, which is right for a server; a person who checks a file wants all.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec

from logyard.config import Config, from_text
from logyard.edge.outlet import outlets
from logyard.errors import BadConfig, LogyardError
from logyard.pipeline.chain import Chain

__all__ = ["mistakes"]

_BUILT: Final[Mapping[str, Callable[[Sequence[Mapping[str, object]]], object]]] = {
    "pipeline": Chain.of,
    "outputs": outlets,
}
"""What a list of tables is made into, by its name."""


def mistakes(tree: Mapping[str, object]) -> list[str]:
    """What is wrong with a tree of settings: ``path: reason``. Empty when it can be used."""
    found = list(_in_struct(tree, Config, ""))
    for family, build in _BUILT.items():
        found += _in_tables(family, tree.get(family, ()), build)
    return found


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


def _in_tables(family: str, tables: object, build: Callable[[Sequence[Mapping[str, object]]], object]) -> Iterator[str]:
    if not isinstance(tables, list | tuple):
        return
    for index, table in enumerate(table for table in tables if isinstance(table, dict)):
        try:
            build([table])
        except BadConfig as error:
            # Each is built alone, as the first of its family.
            inner = error.path.removeprefix(f"{family}[0]")
            place = inner if inner != error.path or not inner else f".{inner}"
            yield f"{family}[{index}]{place}: {error.reason}"
        except LogyardError as error:
            yield f"{family}[{index}]: {error}"


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
