"""Keep records."""

import msgspec
import polars as pl

from logyard.language.condition import condition
from logyard.registry import component

__all__ = ["Keep", "KeepConfig"]


class KeepConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter; only records that match it stay."""

    where: str


@component("keep", config=KeepConfig, example='where = "service:checkout"')
class Keep:
    """Keep only the records that match a filter."""

    def __init__(self, config: KeepConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        self._matches = condition(config.where)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that match."""
        return frame.filter(self._matches(frame))
