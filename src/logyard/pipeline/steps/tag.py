"""Put labels on records."""

import msgspec
import polars as pl

from logyard.language.condition import condition
from logyard.registry import component

__all__ = ["Tag", "TagConfig"]


class TagConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``tags``: what is put on. ``where``: LogsQL filter of the records that get it, all by default."""

    tags: tuple[str, ...]
    where: str = "*"


@component("tag", config=TagConfig, example='tags = ["payment"]\nwhere = "service:checkout"')
class Tag:
    """Put labels on the records that match a filter."""

    def __init__(self, config: TagConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        self._matches = condition(config.where)
        self._tags = list(dict.fromkeys(config.tags))

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records; a label that is there already is not put on twice."""
        tagged = pl.col("tags").list.concat(pl.lit(self._tags, dtype=pl.List(pl.String)))
        return frame.with_columns(
            pl.when(self._matches(frame))
            .then(tagged.list.unique(maintain_order=True))
            .otherwise(pl.col("tags"))
            .alias("tags")
        )
