"""Values of a program into values that JSON can hold, whatever they are: cut, never failing, never endless.

Numbers, texts, None, mappings and sequences stay what they are; what JSON has no word for becomes its ``repr``. Depth,
members and the length of texts are limited, a container inside itself is written as ``<circular>``. A ``repr`` that
raises, or that logs, does no harm.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

__all__ = ["Plain", "cut", "plain", "safe_repr", "safe_str"]

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_DEPTH: Final = 6
_MEMBERS: Final = 200
_CHARACTERS: Final = 32_768
_LARGEST: Final = 1 << 63
_SEQUENCES: Final = (list, tuple, set, frozenset)
_CIRCULAR: Final = "<circular>"


def plain(value: object, depth: int = _DEPTH, above: tuple[int, ...] = ()) -> Plain:
    """``value`` as JSON would hold it. ``above``: identities of the containers that it stands in."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return cut(str(value))
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value < _LARGEST else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _container(value, depth, above)
    if isinstance(value, BaseException):
        return cut(f"{type(value).__name__}: {safe_str(value)}")
    return safe_repr(value)


def _container(value: object, depth: int, above: tuple[int, ...]) -> Plain:
    if id(value) in above:
        return _CIRCULAR
    if depth == 0:
        return safe_repr(type(value)) if len(above) >= _DEPTH else safe_repr(value)
    inside = (*above, id(value))
    try:
        if isinstance(value, Mapping):
            return _mapping(value, depth - 1, inside)
        assert isinstance(value, Iterable)  # noqa: S101 - for the type checker: one of _SEQUENCES
        members = [plain(each, depth - 1, inside) for each in islice(value, _MEMBERS)]
    except Exception as error:  # noqa: BLE001 - a stranger's container may raise anything
        return f"<unreadable: {type(error).__name__}>"
    return members


def _mapping(value: Mapping[object, object], depth: int, inside: tuple[int, ...]) -> Plain:
    return {_name(key): plain(each, depth, inside) for key, each in islice(value.items(), _MEMBERS)}


def _name(key: object) -> str:
    return cut(key) if isinstance(key, str) else safe_str(key)


def cut(text: str, most: int = _CHARACTERS) -> str:
    """At most ``most`` characters of a text; says so where it was longer."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def safe_repr(value: object) -> str:
    """``repr``, whatever happens in it."""
    try:
        return cut(repr(value))
    except Exception as error:  # noqa: BLE001 - a stranger's method may raise anything
        return f"<{type(value).__name__}: repr failed with {type(error).__name__}>"


def safe_str(value: object) -> str:
    """``str``, whatever happens in it."""
    try:
        return cut(str(value))
    except Exception as error:  # noqa: BLE001 - a stranger's method may raise anything
        return f"<{type(value).__name__}: str failed with {type(error).__name__}>"
