"""logfmt: ``key=value`` pairs and nothing else, as Heroku, Go's loggers and Grafana's services write them."""

from typing import Final

import msgspec
import polars as pl

from logyard.formats.lines.assemble import plain
from logyard.formats.lines.objects import decode_objects
from logyard.formats.lines.pairs import found_pairs, pair_objects
from logyard.model.civil.customs import Customs
from logyard.ports import Decoded
from logyard.registry import component

__all__ = ["Logfmt", "LogfmtConfig"]

_PAIR: Final = r"""(?P<key>[^\s="]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]\S*|))"""
_LINE: Final = r"""^\s*(?:[^\s="]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]\S*|)(?:\s+[^\s="]+){0,2}(?:[\s,]+|$)){2,}$"""
"""At least two pairs; up to two words without a value between them are flags."""


class LogfmtConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to set."""


@component("logfmt", config=LogfmtConfig, example="")
class Logfmt:
    """Lines of key=value pairs (logfmt)."""

    rank = 55

    def __init__(self, config: LogfmtConfig) -> None:
        """There is nothing to set."""

    def fits(self, lines: pl.Series) -> pl.Series:
        """Lines that are pairs from end to end."""
        return lines.str.contains(_LINE)

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """The pairs are read as the keys of a JSON log are: time, level and message by their usual names."""
        fits = self.fits(lines).fill_null(value=False)
        if not fits.any():
            return Decoded(frame=plain(lines.clear(), customs), fits=fits)
        chosen = lines if fits.all() else lines.filter(fits)
        objects = pair_objects(found_pairs(chosen, _PAIR), chosen.len()).fill_null("")
        decoded = decode_objects(pl.select("{" + objects + "}").to_series(), customs)
        if decoded.frame.height != chosen.len():
            return Decoded(frame=plain(chosen, customs), fits=fits)
        untold = decoded.frame["message"] == ""
        frame = decoded.frame
        if untold.any():
            frame = frame.with_columns(frame["message"].zip_with(~untold, chosen))
        return Decoded(frame=frame, fits=fits)
