"""Any format: what a source is in is found out from its lines, and found out anew when it changes."""

from typing import Literal

import msgspec
import polars as pl

from logyard.formats.lines.detect import Detector
from logyard.model.civil.customs import Customs
from logyard.ports import Decoded
from logyard.registry import component

__all__ = ["Auto", "AutoConfig"]


class AutoConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``zone``: of times without one, an IANA name or an offset. ``date_order``: of dates in numbers."""

    zone: str = ""
    date_order: Literal["", "MDY", "DMY", "YMD"] = ""


@component("auto", config=AutoConfig, example='zone = "Europe/Berlin"\n')
class Auto:
    """Detect the format of every line by itself; one of these for each source."""

    def __init__(self, config: AutoConfig) -> None:
        """Raises ``BadConfig`` for a zone that is none."""
        self._detector = Detector(customs=Customs(zone=config.zone, date_order=config.date_order))

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """All lines: what no format fits is a message. Of ``customs`` only ``now`` counts, the rest was set before."""
        fits = pl.Series([True], dtype=pl.Boolean).new_from_index(0, lines.len())
        return Decoded(frame=self._detector.decode(lines, customs.now), fits=fits)
