"""Keep a part of the records."""

from threading import Lock
from typing import Annotated

import msgspec
import polars as pl

from logyard.language.condition import condition
from logyard.pipeline.fields import check_settable, text, with_json
from logyard.registry import component

__all__ = ["Sample", "SampleConfig"]


class SampleConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``one_in``: of so many records one stays. ``key``: field whose value decides, so that records that share it (a
    trace, a user) stay or go together; "": every so many-th. ``always``: LogsQL filter of records that all stay.
    ``weight``: attribute of a record that stays, which says for how many it stands, so that counts can be made right
    again; samples of samples multiply it.
    """

    one_in: Annotated[int, msgspec.Meta(gt=0)]
    key: str = ""
    always: str = "level:>=error"
    weight: str = "sample_weight"


@component("sample", config=SampleConfig, example='one_in = 10\nkey = "trace_id"\n')
class Sample:
    """Keep one record in so many, all errors, and the weight of what stays."""

    def __init__(self, config: SampleConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read."""
        if config.weight:
            check_settable([config.weight], "weight")
        self._always = condition(config.always) if config.always else None
        self._config = config
        self._seen = 0
        self._lock = Lock()

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that stay."""
        every = pl.Series([False]).new_from_index(0, frame.height)
        always = self._always(frame) if self._always is not None else every
        drawn = self._drawn(frame, ~always)
        weighted = self._weighted(frame, drawn & ~always) if self._config.weight else frame
        return weighted.filter(always | drawn)

    def _drawn(self, frame: pl.DataFrame, candidates: pl.Series) -> pl.Series:
        if self._config.key:
            values = text(frame, self._config.key)
            # A record without the key is its own: it is counted like one of none.
            return (values.hash(0) % self._config.one_in == 0).zip_with(values != "", self._counted(candidates))
        return self._counted(candidates)

    def _counted(self, candidates: pl.Series) -> pl.Series:
        """Every so many-th of those that may go, over batches."""
        with self._lock:
            places = candidates.cast(pl.Int64).cum_sum() + (self._seen - 1)
            self._seen = (self._seen + int(candidates.sum())) % self._config.one_in
        return candidates & (places % self._config.one_in == 0)

    def _weighted(self, frame: pl.DataFrame, drawn: pl.Series) -> pl.DataFrame:
        before = text(frame, self._config.weight).cast(pl.Float64, strict=False).fill_null(1.0)
        weight = before * self._config.one_in
        shown = weight.cast(pl.Int64).cast(pl.String).zip_with(weight == weight.floor(), weight.cast(pl.String))
        return with_json(frame, self._config.weight, shown.set(~drawn, None))
