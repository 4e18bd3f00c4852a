"""Limit the rate of records."""

from typing import Annotated

import msgspec
import polars as pl

from logyard.pipeline.fields import check_settable, with_json
from logyard.pipeline.windows import Windows
from logyard.registry import component

__all__ = ["Throttle", "ThrottleConfig"]


class ThrottleConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``rate``: records a second, of the records' own time, that pass. ``fields``: each value of these has a rate of
    its own; none: all share one. ``seconds``: the window that is counted over; a longer one lets bursts pass.
    ``count``: attribute of the next one that passes, which says how many were left out before it; "" for none.
    ``most_keys``: how many different values are remembered.
    """

    rate: Annotated[float, msgspec.Meta(gt=0)]
    fields: tuple[str, ...] = ()
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    count: str = "throttled"
    most_keys: Annotated[int, msgspec.Meta(gt=0)] = 100_000


@component("throttle", config=ThrottleConfig, example='rate = 100\nfields = ["service"]\n')
class Throttle:
    """Let at most so many records a second pass, of each key, and count the others."""

    def __init__(self, config: ThrottleConfig) -> None:
        """Raises ``BadConfig`` for a field that cannot be set."""
        if config.count:
            check_settable([config.count], "count")
        self._count = config.count
        limit = max(1, int(config.rate * config.seconds))
        self._windows = Windows(config.fields, seconds=config.seconds, limit=limit, most_keys=config.most_keys)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The first of each window. What is left out counts in ``logyard_step_dropped_total``."""
        passed, held = self._windows.admit(frame)
        if self._count:
            frame = with_json(frame, self._count, held.set(held == 0, None).cast(pl.String))
        return frame.filter(passed)
