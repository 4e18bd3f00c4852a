"""Drop records, or fields."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import condition
from logyard.pipeline.fields import check_settable, removed
from logyard.registry import component

__all__ = ["Drop", "DropConfig"]


class DropConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter; records that match it go. ``fields``: instead, the fields that go, of every record; a
    column of that name is emptied.
    """

    where: str = ""
    fields: tuple[str, ...] = ()


@component("drop", config=DropConfig, example='where = "level:debug service:chatty"')
class Drop:
    """Leave out the records that match a filter, or some fields of all of them."""

    def __init__(self, config: DropConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        if bool(config.where) == bool(config.fields):
            raise BadConfig("say which records go, or which fields", path="where")
        check_settable(config.fields, "fields")
        self._fields = config.fields
        self._matches = condition(config.where)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that do not match."""
        if self._fields:
            return removed(frame, self._fields)
        return frame.filter(~self._matches(frame))
