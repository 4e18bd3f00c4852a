"""Leave out repetitions."""

from typing import Annotated

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.fields import check_settable, with_json
from logyard.pipeline.windows import Windows
from logyard.registry import component

__all__ = ["Dedupe", "DedupeConfig"]


class DedupeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fields``: records are the same when these are. ``seconds``: the window, of the records' own time, in which only
    the first of them stays. ``count``: attribute of the next one that stays, which says how many were left out before
    it; "" for none. ``most_keys``: how many different ones are remembered.
    """

    fields: tuple[str, ...] = ("service", "host", "level", "message")
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    count: str = "repeated"
    most_keys: Annotated[int, msgspec.Meta(gt=0)] = 100_000


@component("dedupe", config=DedupeConfig, example='fields = ["service", "message"]\nseconds = 60\n')
class Dedupe:
    """Leave out records that repeat another within a window of time, and count them."""

    def __init__(self, config: DedupeConfig) -> None:
        """Raises ``BadConfig`` where nothing says what a repetition is."""
        if not config.fields:
            raise BadConfig("name the fields that repetitions share", path="fields")
        if config.count:
            check_settable([config.count], "count")
        self._count = config.count
        self._windows = Windows(config.fields, seconds=config.seconds, limit=1, most_keys=config.most_keys)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The first of each window. What is left out counts in ``logyard_step_dropped_total``."""
        passed, held = self._windows.admit(frame)
        if self._count:
            frame = with_json(frame, self._count, held.set(held == 0, None).cast(pl.String))
        return frame.filter(passed)
