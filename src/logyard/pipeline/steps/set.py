"""Set a column."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import condition
from logyard.model.schema import TEXT_COLUMNS
from logyard.registry import component

__all__ = ["Set", "SetConfig"]

_SETTABLE = tuple(name for name in TEXT_COLUMNS if name not in {"level", "level_text", "origin", "stream"})


class SetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``column``: a text column of the schema. ``value``: its new text. ``where``: LogsQL filter of the records."""

    column: str
    value: str
    where: str = "*"


@component("set", config=SetConfig, example='column = "service"\nvalue = "checkout"\nwhere = "host:web-07"')
class Set:
    """Set a text column of the records that match a filter."""

    def __init__(self, config: SetConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read or a column that cannot be set."""
        if config.column not in _SETTABLE:
            raise BadConfig(f"{config.column!r} cannot be set; these can: {', '.join(_SETTABLE)}", path="column")
        self._matches = condition(config.where)
        self._column = config.column
        self._value = config.value

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        value = pl.when(self._matches(frame)).then(pl.lit(self._value)).otherwise(pl.col(self._column))
        return frame.with_columns(value.alias(self._column))
