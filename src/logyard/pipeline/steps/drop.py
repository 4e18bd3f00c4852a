"""Drop records."""

import msgspec
import polars as pl

from logyard.language.condition import condition
from logyard.registry import component

__all__ = ["Drop", "DropConfig"]


class DropConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter; records that match it go."""

    where: str


@component("drop", config=DropConfig, example='where = "level:debug service:chatty"')
class Drop:
    """Leave out the records that match a filter."""

    def __init__(self, config: DropConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        self._matches = condition(config.where)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that do not match."""
        return frame.filter(~self._matches(frame))
