"""Records of a frame as JSON objects, written column by column.

    {"timestamp":"2026-11-26T10:00:00.123456789Z","level":"INFO","service":"shop","message":"paid","user":7}

The columns that hold something, under our names (or others) and in our order; tags as an array; the attributes beside
them, as they came. An attribute that is named as a column is (a time that was none, say) becomes ``attributes.<name>``,
as does a plain value where another system has an object: ``host`` beside ``host.name``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.model.schema import ATTRIBUTES
from logyard.types import Json

__all__ = ["COLUMNS", "TIME", "canonical", "rest", "time_texts"]

TIME: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"
"""RFC 3339 with nine digits: sorts as text."""

_TEXTS: Final = ("level", "service", "host", "source", "message", "trace_id", "span_id", "correlation_id")
COLUMNS: Final = ("timestamp", *_TEXTS, "tags")
_OWN: Final = {name: name for name in COLUMNS}


def canonical(frame: pl.DataFrame, names: Mapping[str, str] = _OWN) -> pl.Series:
    """An object as text for each record. ``names``: what each of ``COLUMNS`` is called; without one it is left out."""
    parts = [_time(names["timestamp"]), *(_member(name, names[name]) for name in _TEXTS if name in names)]
    parts += [_tags(names["tags"]), _attributes(), pl.lit("}")]
    return _apart(frame, names).select(pl.concat_str(parts).alias("line")).to_series()


def time_texts(frame: pl.DataFrame) -> pl.Series:
    """The records' times as they are written in ``canonical``."""
    return frame["timestamp"].dt.strftime(TIME)


def rest(frame: pl.DataFrame) -> Sequence[dict[str, Json]]:
    """The attributes of each record, decoded."""
    rows: list[dict[str, Json]] = msgspec.json.decode("[" + ",".join(frame[ATTRIBUTES]) + "]", type=list)
    return rows


def _time(name: str) -> pl.Expr:
    return pl.concat_str(pl.lit(f'{{"{name}":"'), pl.col("timestamp").dt.strftime(TIME), pl.lit('"'))


def _member(column: str, name: str) -> pl.Expr:
    member = pl.concat_str(pl.lit(","), _encoded(column, name))
    return member if column == "message" else pl.when(pl.col(column) != "").then(member).otherwise(pl.lit(""))


def _tags(name: str) -> pl.Expr:
    member = pl.concat_str(pl.lit(","), _encoded("tags", name))
    return pl.when(pl.col("tags").list.len() > 0).then(member).otherwise(pl.lit(""))


def _encoded(column: str, name: str) -> pl.Expr:
    """``"name":value``."""
    return pl.struct(pl.col(column).alias(name)).struct.json_encode().str.slice(1).str.strip_suffix("}")


def _attributes() -> pl.Expr:
    members = pl.col(ATTRIBUTES).str.strip_prefix("{").str.strip_suffix("}").str.strip_chars()
    return pl.when(members != "").then(pl.concat_str(pl.lit(","), members)).otherwise(pl.lit(""))


def _apart(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Attributes that no column's name is among."""
    taken = {*names.values()}
    objects = {name.partition(".")[0] for name in taken} - taken
    odd = frame[ATTRIBUTES].str.contains_any([f'"{name}"' for name in (*taken, *objects)])
    if not odd.any():
        return frame

    def renamed(text: str) -> str:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        moved = {
            name for name in members if name in taken or (name in objects and not bytes(members[name]).startswith(b"{"))
        }
        kept = {f"attributes.{name}" if name in moved else name: value for name, value in members.items()}
        return msgspec.json.encode(kept).decode()

    texts = [renamed(text) if found else text for text, found in zip(frame[ATTRIBUTES], odd, strict=True)]
    return frame.with_columns(pl.Series(ATTRIBUTES, texts, dtype=pl.String))
