"""JSON logs: one object a line, of any logger."""

import msgspec
import polars as pl

from logyard.formats.lines.objects import decode_objects, look_like_objects
from logyard.model.civil.customs import Customs
from logyard.ports import Decoded
from logyard.registry import component

__all__ = ["JsonLog", "JsonLogConfig"]


class JsonLogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to set."""


@component("json_log", config=JsonLogConfig, example="")
class JsonLog:
    """JSON logs of any logger: ECS, bunyan, pino, zap, logrus, CLEF, journald, GCP, Docker, MongoDB, Caddy ..."""

    rank = 90

    def __init__(self, config: JsonLogConfig) -> None:
        """There is nothing to set."""

    def fits(self, lines: pl.Series) -> pl.Series:
        """Lines that begin and end like an object."""
        return look_like_objects(lines)

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """The records of the lines that are objects."""
        return decode_objects(lines, customs)
