"""Records of a frame as JSON objects, written column by column.

    {"timestamp":"2026-11-26T10:00:00.123456789Z","level":"INFO","service":"shop","message":"paid","user":7}

The columns that hold something, under our names and in our order; tags as an array; the attributes beside them, as they
came. An attribute that is named as a column is (a time that was none, say) becomes ``attributes.<name>``.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.model.schema import ATTRIBUTES
from logyard.types import Json

__all__ = ["TIME", "canonical", "rest", "time_texts"]

TIME: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"
"""RFC 3339 with nine digits: sorts as text."""

_TEXTS: Final = ("level", "service", "host", "source", "message", "trace_id", "span_id", "correlation_id")
_NAMES: Final = ("timestamp", *_TEXTS, "tags")
_TAKEN: Final = tuple(f'"{name}"' for name in _NAMES)


def canonical(frame: pl.DataFrame) -> pl.Series:
    """An object as text for each record."""
    parts = [
        pl.concat_str(pl.lit('{"timestamp":"'), pl.col("timestamp").dt.strftime(TIME), pl.lit('"')),
        *(_member(name) for name in _TEXTS),
        _tags(),
        _attributes(),
        pl.lit("}"),
    ]
    return _apart(frame).select(pl.concat_str(parts).alias("line")).to_series()


def time_texts(frame: pl.DataFrame) -> pl.Series:
    """The records' times as they are written in ``canonical``."""
    return frame["timestamp"].dt.strftime(TIME)


def rest(frame: pl.DataFrame) -> Sequence[dict[str, Json]]:
    """The attributes of each record, decoded."""
    rows: list[dict[str, Json]] = msgspec.json.decode("[" + ",".join(frame[ATTRIBUTES]) + "]", type=list)
    return rows


def _member(name: str) -> pl.Expr:
    encoded = pl.struct(name).struct.json_encode().str.slice(1).str.strip_suffix("}")
    member = pl.concat_str(pl.lit(","), encoded)
    return member if name == "message" else pl.when(pl.col(name) != "").then(member).otherwise(pl.lit(""))


def _tags() -> pl.Expr:
    encoded = pl.struct("tags").struct.json_encode().str.slice(1).str.strip_suffix("}")
    return pl.when(pl.col("tags").list.len() > 0).then(pl.concat_str(pl.lit(","), encoded)).otherwise(pl.lit(""))


def _attributes() -> pl.Expr:
    members = pl.col(ATTRIBUTES).str.strip_prefix("{").str.strip_suffix("}").str.strip_chars()
    return pl.when(members != "").then(pl.concat_str(pl.lit(","), members)).otherwise(pl.lit(""))


def _apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Attributes that no column's name is among."""
    odd = frame[ATTRIBUTES].str.contains_any(list(_TAKEN))
    if not odd.any():
        return frame
    texts = [_renamed(text) if found else text for text, found in zip(frame[ATTRIBUTES], odd, strict=True)]
    return frame.with_columns(pl.Series(ATTRIBUTES, texts, dtype=pl.String))


def _renamed(text: str) -> str:
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(
        {f"attributes.{name}" if name in _NAMES else name: value for name, value in members.items()}
    ).decode()
