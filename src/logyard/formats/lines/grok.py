"""Grok: regular expressions with names for their parts.

``%{NAME}`` stands for a pattern of the library (``grok.toml``, or the caller's own), ``%{NAME:field}`` also keeps what
it matched under ``field``, ``%{NAME:field:int}`` as a number. A field may be written ``[a][b]``, which is ``a.b``.
Named groups ``(?<field>...)`` and ``(?P<field>...)`` say the same. The expression may use one field in several places:
the first that matched is taken. Look-around and back references, which would cost more than linear time, are refused.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig

__all__ = ["Grok", "compile_grok", "library"]

_REFERENCE: Final = re.compile(r"%\{(\w+)(?::([\w.@\-\[\]]+))?(?::(\w+))?\}")
_GROUP: Final = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_CLASS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
_DEEPEST: Final = 20


class Grok(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled expression."""

    regex: str
    """For Polars; its groups are ``g0``, ``g1`` ..."""
    groups: tuple[str, ...]
    """The field of each group; a field may be there more than once."""
    kinds: Mapping[str, str]
    """Fields that are to be converted: ``int`` or ``float``."""

    def extract(self, lines: pl.Series) -> pl.DataFrame:
        """The fields as texts, null where a part did not take part. For lines that match."""
        found = pl.DataFrame({"line": lines}).select(pl.col("line").str.extract_groups(self.regex)).unnest("line")
        places: dict[str, list[str]] = {}
        for number, field in enumerate(self.groups):
            places.setdefault(field, []).append(f"g{number}")
        return found.select(pl.coalesce(groups).alias(field) for field, groups in places.items())


@cache
def library() -> Mapping[str, str]:
    """The patterns that every expression may use."""
    found: Mapping[str, str] = tomllib.loads(files(__package__).joinpath("grok.toml").read_text("utf-8"))["patterns"]
    return found


def compile_grok(expression: str, own: Mapping[str, str] | None = None, *, path: str = "grok") -> Grok:
    """Raises ``BadConfig`` for an expression that cannot be read. ``own``: patterns besides the library's."""
    expansion = _Expansion({**library(), **(own or {})}, path)
    expanded = expansion.expand(expression)
    fields: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        fields.append(expansion.fields.get(found[1], found[1]))
        return f"(?P<g{len(fields) - 1}>"

    regex = _GROUP.sub(numbered, _uncaptured(expanded)).replace(r"\d", "[0-9]")
    try:
        pl.Series([""]).str.extract_groups(regex if fields else f"(?P<g0>){regex}")
    except pl.exceptions.PolarsError as error:
        raise BadConfig(f"cannot read {expression!r}: {error}", path=path) from error
    return Grok(regex=regex, groups=tuple(fields), kinds=expansion.kinds)


class _Expansion:
    """One expression on its way to a regular expression: what it has named so far."""

    def __init__(self, patterns: Mapping[str, str], path: str) -> None:
        self.kinds: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        """Group -> field, where no group can have the field's name."""
        self._patterns = patterns
        self._path = path

    def expand(self, expression: str, depth: int = 0) -> str:
        """Without references."""
        if depth > _DEEPEST:
            raise BadConfig(f"a pattern refers to itself: {expression!r}", path=self._path)

        def replaced(found: re.Match[str]) -> str:
            name, field, kind = found.groups()
            if name not in self._patterns:
                raise BadConfig(f"there is no pattern {name!r}", path=self._path)
            inner = self.expand(self._patterns[name], depth + 1)
            return f"(?P<{self._group(field, kind)}>{inner})" if field else f"(?:{inner})"

        return _REFERENCE.sub(replaced, expression)

    def _group(self, written: str, kind: str | None) -> str:
        field = written.replace("][", ".").strip("[]")
        if kind:
            self.kinds[field] = kind
        name = re.sub(r"\W", "_", field)
        name = f"_{name}" if name[:1].isdigit() else name
        if name != field:
            self.fields[name] = field
        return name


def _uncaptured(regex: str) -> str:
    """Groups without a name do not capture: their numbers would mean nothing."""
    return _CLASS.sub(lambda found: "(?:" if found[0] == "(" else found[0], regex)
