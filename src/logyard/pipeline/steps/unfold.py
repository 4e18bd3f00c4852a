"""Unfold JSON in messages."""

from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.frame import frame as decoded
from logyard.formats.json.members import member, merged, scalar_text, without
from logyard.model import timestamp
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.model.schema import ATTRIBUTES, KEYED_COLUMNS
from logyard.pipeline.fields import failed, with_text, with_time
from logyard.registry import component
from logyard.types import Nanoseconds

__all__ = ["Unfold", "UnfoldConfig"]

_READING: Final = msgspec.structs.replace(DEFAULT_READING, source=())
"""Where a record comes from is known; a field ``source`` in its message is just a field."""
_TIMES: Final = [f'"{key}"' for key in _READING.timestamp]
_OTHERS: Final = [
    f'"{key.rpartition(".")[2]}"'
    for column in KEYED_COLUMNS
    for key in getattr(_READING, column)
    if column not in {"timestamp", "source"}
]
"""Keys of members that fill columns, as they stand in JSON."""
_TIME: Final = '"timestamp"'
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE: Final = msgspec.json.Encoder().encode
_OPEN: Final = r"^\s*\{"
_INNER: Final = ("service", "host", "trace_id", "span_id", "correlation_id")


class UnfoldConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``keep``: whether a message whose object has no message of its own stays as it is; else it is emptied."""

    keep: bool = True


@component("unfold", config=UnfoldConfig, example="keep = false\n")
class Unfold:
    """Unfold a message that is a JSON object into fields."""

    def __init__(self, config: UnfoldConfig) -> None:
        """Which keys fill columns says ``model/reading.py``."""
        self._keep = config.keep

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records. What the object says goes before what the line around it says: time, level, service, host, ids,
        message. What begins like an object and is none gains ``processing_error``.
        """
        rows = frame["message"].str.contains(_OPEN).arg_true()
        if rows.is_empty():
            return frame
        texts, reasons = _objects(frame["message"].gather(rows))
        if reasons.null_count() < reasons.len():
            nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
            frame = failed(frame, nothing.scatter(rows, reasons))
            rows, texts = rows.filter(reasons.is_null()), texts.filter(reasons.is_null())
        if rows.is_empty():
            return frame
        if rows.len() == frame.height:
            return self._unfolded(frame, texts)
        places = pl.Series(range(frame.height), dtype=pl.UInt32)
        rest = places.filter(~places.is_in(rows.implode()))
        parts = pl.concat([frame[rest], self._unfolded(frame[rows], texts)])
        return parts[pl.concat([rest, rows.cast(pl.UInt32)]).arg_sort()]

    def _unfolded(self, frame: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
        """Records that all have an object, which is in ``texts``."""
        special = texts.str.contains_any(_OTHERS) | (texts.str.contains_any(_TIMES) & ~texts.str.contains_any([_TIME]))
        if not special.any():
            return self._plain(frame, texts)
        if special.all():
            return self._special(frame, texts)
        placed = frame.with_row_index("_unfolded")
        parts = [
            self._plain(placed.filter(~special), texts.filter(~special)),
            self._special(placed.filter(special), texts.filter(special)),
        ]
        return pl.concat(parts).sort("_unfolded").drop("_unfolded")

    def _plain(self, frame: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
        """Nothing in them fills a column, but for ``timestamp``."""
        if not texts.str.contains_any([_TIME]).any():
            return self._joined(frame, texts)
        times = timestamp.parse_series(scalar_text(member(texts, "timestamp")))
        texts = without(texts, ["timestamp"]).zip_with(times.is_not_null(), texts)
        return self._joined(with_time(frame, times), texts)

    def _special(self, frame: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
        """By the rules of reading, as if they had come in by themselves."""
        lines = Encoded(lines="\n".join(texts).encode(), rows=texts.len(), reading=_READING)
        inner = decoded(lines, Nanoseconds(0))
        timed = ~inner["origin"].str.contains(",timestamp=,", literal=True)
        named = ~inner["origin"].str.contains(",service=,", literal=True)
        frame = with_time(frame, inner["timestamp"].cast(pl.Int64).set(~timed, None))
        level = inner["level_text"].zip_with(inner["level_text"] != "", inner["level"])
        frame = with_text(frame, "level", level.set(level == "", None))
        for name in _INNER:
            given = (inner[name] != "") & named if name == "service" else inner[name] != ""
            frame = with_text(frame, name, inner[name].set(~given, None))
        said = inner["message"] != ""
        frame = frame.with_columns(inner["message"].zip_with(said, frame["message"]))
        return self._joined(frame, inner[ATTRIBUTES], said)

    def _joined(self, frame: pl.DataFrame, objects: pl.Series, said: pl.Series | None = None) -> pl.DataFrame:
        both = merged(frame[ATTRIBUTES], objects).alias(ATTRIBUTES)
        if self._keep:
            return frame.with_columns(both)
        kept = frame["message"].set(~said, "") if said is not None else pl.lit("")
        return frame.with_columns(both, kept.alias("message"))


def _objects(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Compact objects, and why a text is none: null where it is one."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, texts.len())
    try:
        rows = _OBJECT.decode_lines("\n".join(texts))
    except msgspec.DecodeError:
        rows = []
    if len(rows) == texts.len():
        return pl.Series([_compact(row) for row in rows], dtype=pl.String), nothing
    found = [_object(text) for text in texts]
    return (
        pl.Series([each if ok else "{}" for ok, each in found], dtype=pl.String),
        pl.Series([None if ok else each for ok, each in found], dtype=pl.String),
    )


def _object(text: str) -> tuple[bool, str]:
    try:
        return True, _compact(_OBJECT.decode(text))
    except msgspec.DecodeError as error:
        return False, f"cannot unfold the message: {error}"


def _compact(row: dict[str, msgspec.Raw]) -> str:
    text = _ENCODE(row)
    return (msgspec.json.format(text, indent=-1) if b" " in text or b"\n" in text else text).decode()
