"""Keep records, or fields."""

from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.formats.json.members import only
from logyard.language.condition import condition
from logyard.model.schema import ATTRIBUTES
from logyard.pipeline.fields import ERROR
from logyard.registry import component

__all__ = ["Keep", "KeepConfig"]

_ALWAYS: Final = (ERROR,)


class KeepConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter; only records that match it stay. ``fields``: instead, the attributes that stay on every
    record; columns stay anyway.
    """

    where: str = ""
    fields: tuple[str, ...] = ()


@component("keep", config=KeepConfig, example='where = "service:checkout"')
class Keep:
    """Keep only the records that match a filter, or only some attributes of all of them."""

    def __init__(self, config: KeepConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        if bool(config.where) == bool(config.fields):
            raise BadConfig("say which records stay, or which fields", path="where")
        self._fields = config.fields
        self._matches = condition(config.where)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that match."""
        if self._fields:
            return frame.with_columns(only(frame[ATTRIBUTES], (*self._fields, *_ALWAYS)))
        return frame.filter(self._matches(frame))
