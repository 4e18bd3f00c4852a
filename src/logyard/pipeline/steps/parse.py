"""Find the fields in messages."""

from collections import OrderedDict
from threading import Lock
from typing import Final, Literal

import msgspec
import polars as pl

from logyard.formats.lines.detect import Detector
from logyard.formats.lines.own import named_or_own
from logyard.formats.lines.unwrap import unwrapped
from logyard.model.civil.customs import Customs
from logyard.registry import component

__all__ = ["Parse", "ParseConfig"]

_SOURCES: Final = 1000
"""Sources whose formats are remembered; of more, the one that was silent longest is found out anew."""


class ParseConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``format``: a format by name, or ``auto``, which finds out, for each source by itself, and again when it changes.

    ``grok``: instead of a format, expressions of one's own, tried in order (formats/lines/grok.py); the fields
    timestamp, level, message, service, host, trace_id, span_id and correlation_id fill those columns. ``types``: kinds
    of their fields (formats/lines/fields.py).

    ``zone``: of times without one, an IANA name or an offset like +02:00; UTC by default. ``date_order``: MDY, DMY or
    YMD, of dates in numbers. ``year``: of dates without one; by default the one that puts them last before the record
    came.
    """

    format: str = "auto"
    grok: tuple[str, ...] = ()
    types: dict[str, str] = {}
    zone: str = ""
    date_order: Literal["", "MDY", "DMY", "YMD"] = ""
    year: int = 0


@component("parse", config=ParseConfig, example='format = "auto"\nzone = "Europe/Berlin"\n')
class Parse:
    """Find time, level and fields in the messages of records, by source."""

    def __init__(self, config: ParseConfig) -> None:
        """Raises ``BadConfig`` for a format or a zone that there is not, and for an expression that cannot be read."""
        self._form = named_or_own(config.format, config.grok, config.types)
        self._customs = Customs(zone=config.zone, date_order=config.date_order, year=config.year)
        self._detectors: OrderedDict[str, Detector] = OrderedDict({"": Detector(self._form, customs=self._customs)})
        self._lock = Lock()

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records. What a record said already stays; what its message says is added to it."""
        if not frame.height:
            return frame
        with self._lock:
            if frame["source"].n_unique() == 1:
                return self._parsed(frame)
            rows = frame.with_row_index("row")
            parts = [self._parsed(part.drop("row")) for part in rows.partition_by("source", maintain_order=True)]
            places = pl.concat([part["row"] for part in rows.partition_by("source", maintain_order=True)])
            return pl.concat(parts)[places.arg_sort()]

    def _parsed(self, frame: pl.DataFrame) -> pl.DataFrame:
        now = int(frame["timestamp"].cast(pl.Int64).max())  # type: ignore[arg-type] # not empty, not null
        inner = self._detector(frame["source"][0]).decode(frame["message"], now)
        return unwrapped(frame, pl.Series(range(frame.height), dtype=pl.UInt32), inner)

    def _detector(self, source: str) -> Detector:
        if source not in self._detectors:
            self._detectors[source] = Detector(self._form, customs=self._customs)
            if len(self._detectors) > _SOURCES:
                self._detectors.popitem(last=False)
        self._detectors.move_to_end(source)
        return self._detectors[source]
