"""What a receiver knows of all lines of a block, put on the records that do not say it themselves.

The same as ``model/reading.py`` has it for lines that are not decoded: a constant whose name is a column's fills that
column where the record leaves it empty, any other is an attribute of the records that have no key of that name.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.formats.lines.assemble import streams
from logyard.model import severity
from logyard.model.schema import FRAME, KEYED_COLUMNS

__all__ = ["with_constants"]

_UNNAMED: Final = ",service=,"
_TEXTS: Final = ("host", "trace_id", "span_id", "correlation_id", "source")
_ENCODE: Final = msgspec.json.Encoder().encode


def with_constants(frame: pl.DataFrame, constants: Mapping[str, str]) -> pl.DataFrame:
    """``frame`` with them. Neither "timestamp" nor "message" is among them."""
    if not constants or not frame.height:
        return frame
    columns = {name: pl.when(pl.col(name) == "").then(pl.lit(constants[name])) for name in _TEXTS if name in constants}
    filled = frame.with_columns(**{name: each.otherwise(pl.col(name)) for name, each in columns.items()})
    filled = _leveled(filled, constants.get("level", ""))
    # Where the service was set for want of one it says so.
    unnamed = filled["origin"].str.contains(_UNNAMED, literal=True)
    own = filled["service"].set(unnamed, constants.get("service", ""))
    identity = streams(own, filled["host"])
    service = own.set(own == "", "unknown")
    labels = {name: text for name, text in constants.items() if name not in KEYED_COLUMNS}
    return filled.with_columns(
        service.alias("service"), identity.alias("stream"), _labelled(filled["attributes"], labels)
    ).select(FRAME.names())


def _leveled(frame: pl.DataFrame, word: str) -> pl.DataFrame:
    if not word:
        return frame
    level = severity.parse(word)
    none = (pl.col("level") == "") & (pl.col("level_text") == "")
    return frame.with_columns(
        level=pl.when(none).then(pl.lit(level.name)).otherwise("level"),
        severity=pl.when(none).then(pl.lit(level.severity, dtype=pl.UInt8)).otherwise("severity"),
        level_text=pl.when(none).then(pl.lit("" if word == level.name else word)).otherwise("level_text"),
    )


def _labelled(attributes: pl.Series, labels: Mapping[str, str]) -> pl.Series:
    """The attributes with the labels in front."""
    if not labels:
        return attributes
    inside = _ENCODE(labels)[1:-1].decode()
    bare = attributes == "{}"
    found = ("{" + inside + ",") + attributes.str.slice(1)
    found = found.set(bare, "{" + inside + "}")
    clashing = attributes.str.contains_any([f"{_ENCODE(name).decode()}:" for name in labels])
    if not clashing.any():
        return found.alias("attributes")
    merged = [_merged(text, labels) for text in attributes.filter(clashing)]
    return found.scatter(clashing.arg_true(), pl.Series(merged, dtype=pl.String)).alias("attributes")


def _merged(attributes: str, labels: Mapping[str, str]) -> str:
    own = msgspec.json.decode(attributes, type=dict[str, msgspec.Raw])
    return _ENCODE({**{name: text for name, text in labels.items() if name not in own}, **own}).decode()
