"""What a format found in lines, into a frame in the canonical schema."""

from collections.abc import Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.model import severity
from logyard.model.civil.customs import Customs
from logyard.model.civil.read import read
from logyard.model.schema import FRAME

__all__ = ["PLACES", "Words", "assembled", "plain", "streams"]

PLACES: Final = ("service", "host", "trace_id", "span_id", "correlation_id")
"""Columns of the schema that a format may fill by a field of that name, besides time, level and message."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A format's own words for levels. What it does not name is looked up in ``model/severity.py``."""

    severity: Mapping[str, int] = {}
    """Lower-case word -> OpenTelemetry's number."""
    default: str = ""
    """Word of lines without a level; "" for none."""


def assembled(
    texts: Mapping[str, pl.Series], attributes: pl.Series, customs: Customs, *, words: Words | None = None
) -> pl.DataFrame:
    """A frame of what was found: ``timestamp``, ``level``, ``message`` and ``PLACES`` as texts, null or left out where
    there are none. ``message`` must be there.
    """
    rows = texts["message"].len()
    blank = pl.Series([""], dtype=pl.String).new_from_index(0, rows)
    columns = {name: texts[name].fill_null("") if name in texts else blank for name in ("level", "message", *PLACES)}
    time = read(texts["timestamp"], customs) if "timestamp" in texts else pl.Series([None] * rows, dtype=pl.Int64)
    levels = _levels(columns["level"], words or Words())
    unknown = columns["service"] == ""
    return pl.DataFrame(
        {
            **columns,
            **levels,
            "timestamp": time.fill_null(customs.now).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"),
            "service": columns["service"].set(unknown, "unknown"),
            "source": blank,
            "stream": streams(columns["service"], columns["host"]),
            "tags": pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, rows),
            "attributes": attributes,
            "origin": _origins(time.is_null(), unknown),
        },
        schema_overrides=FRAME,
    ).select(FRAME.names())


def plain(lines: pl.Series, customs: Customs, *, unlike: str = "") -> pl.DataFrame:
    """Lines that are only a message; ``unlike``: the format that they should have been in."""
    error = f'{{"processing_error":"is not in the format {unlike}"}}' if unlike else "{}"
    attributes = pl.Series([error], dtype=pl.String).new_from_index(0, lines.len())
    return assembled({"message": lines}, attributes, customs)


def _levels(given: pl.Series, words: Words) -> Mapping[str, pl.Series]:
    texts = given.set(given == "", words.default) if words.default else given
    levels = severity.canonical(texts)
    if words.severity:
        kinds = texts.unique()
        numbers = [words.severity.get(word.strip().lower(), -1) for word in kinds]
        own = texts.replace_strict(kinds, pl.Series(numbers, dtype=pl.Int16))
        names = list(severity.LEVELS)
        named = own.replace_strict({n: names[(n - 1) // 4] for n in range(1, 25)}, default="", return_dtype=pl.String)
        known = own > 0
        level = pl.select(pl.when(known).then(named).otherwise(levels["level"])).to_series()
        number = pl.select(
            pl.when(known).then(own.cast(pl.UInt8, strict=False)).otherwise(levels["severity"])
        ).to_series()
        levels = pl.DataFrame({"level": level, "severity": number})
    return {**levels.to_dict(), "level_text": texts.set(texts == levels["level"], "")}


def _origins(untimed: pl.Series, nameless: pl.Series) -> pl.Series:
    """``model/origin.py``: which columns were set for want of a value."""
    time = pl.when(untimed).then(pl.lit("timestamp=,")).otherwise(pl.lit(""))
    service = pl.when(nameless).then(pl.lit("service=,")).otherwise(pl.lit(""))
    found = pl.select(time + service).to_series()
    return pl.select(pl.when(found == "").then(pl.lit("")).otherwise("," + found)).to_series()


def streams(service: pl.Series, host: pl.Series) -> pl.Series:
    """``model/stream.py`` for these two, which are nearly always the same for all lines."""
    found = pl.DataFrame({"host": host, "service": service})
    parts = [
        pl.when(pl.col(name) == "").then(None).otherwise(pl.lit(f'{name}="') + _escaped(name) + pl.lit('"'))
        for name in ("host", "service")
    ]
    return found.select("{" + pl.concat_str(parts, separator=",", ignore_nulls=True) + "}").to_series()


def _escaped(name: str) -> pl.Expr:
    text = pl.col(name).str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return text.str.replace_all("\n", "\\n", literal=True)
