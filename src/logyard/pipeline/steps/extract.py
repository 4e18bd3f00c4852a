"""Take fields out of a text."""

import re
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.fields import check_settable, text, with_text
from logyard.registry import component

__all__ = ["Extract", "ExtractConfig"]

_WHOLE: Final = "_whole"


class ExtractConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pattern``: regular expression (RE2 syntax, linear time) whose named groups are the fields. ``field``: where it
    is sought. ``overwrite``: whether what a record has already gives way.
    """

    pattern: str
    field: str = "message"
    rest: str = ""
    overwrite: bool = True


@component("extract", config=ExtractConfig, example="field = \"path\"\npattern = '^(?P<endpoint>[^?#]*)'\n")
class Extract:
    """Take fields out of a text by the named groups of a regular expression."""

    def __init__(self, config: ExtractConfig) -> None:
        """Raises ``BadConfig`` for a pattern that cannot be used."""
        self._config = config
        names = _groups(config.pattern)
        if config.rest and not config.pattern.startswith("^"):
            raise BadConfig("what is behind a match is clear only of a pattern that begins with ^", path="rest")
        self._pattern = f"(?P<{_WHOLE}>{config.pattern})" if config.rest else config.pattern
        self._names = [*names, *([config.rest] if config.rest else [])]
        check_settable(self._names, "pattern")

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records; one that does not match stays as it is, and so does a group that took no part."""
        texts = text(frame, self._config.field)
        found = texts.str.extract_groups(self._pattern).struct.unnest()
        if self._config.rest:
            behind = pl.DataFrame([texts.alias("text"), found[_WHOLE]]).select(
                pl.col("text").str.strip_prefix(pl.col(_WHOLE))
            )
            found = found.with_columns(behind["text"].set(found[_WHOLE].is_null(), None).alias(self._config.rest))
        for name in self._names:
            values = found[name]
            if not self._config.overwrite:
                values = values.set(text(frame, name) != "", None)
            frame = with_text(frame, name, values)
        return frame


def _groups(pattern: str) -> list[str]:
    try:
        fields = pl.Series([""]).str.extract_groups(pattern).struct.fields
    except pl.exceptions.ComputeError as error:
        raise BadConfig(f"cannot read {pattern!r}: {error}", path="pattern") from error
    names = [name for name in fields if re.fullmatch(r"\D.*", name)]
    if not names:
        raise BadConfig("has no named group: (?P<name>...)", path="pattern")
    return names
