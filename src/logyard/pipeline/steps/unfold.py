"""Unfold JSON in messages."""

from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.frame import frame as decoded
from logyard.formats.json.members import merged, scalar_text
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
_TIME: Final = "timestamp"
_SPECIAL: Final = [
    f'"{key.rpartition(".")[2]}"' for column in KEYED_COLUMNS for key in getattr(_READING, column) if key != _TIME
]
"""Keys of members that fill columns, as they stand in JSON; all but the one that nearly every object has."""
_Object = dict[str, msgspec.Raw]
_OBJECT: Final = msgspec.json.Decoder(_Object)
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
        opened = frame["message"].str.contains(_OPEN)
        if not opened.any():
            return frame
        objects, reasons = _objects(frame["message"].filter(opened))
        if reasons:
            wrong = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
            wrong.scatter(opened.arg_true(), pl.Series(reasons, dtype=pl.String))
            frame = failed(frame, wrong)
            opened &= wrong.is_null()
        special = opened & frame["message"].str.contains_any(_SPECIAL)
        chosen = special.filter(opened).to_list()
        plain = [row for row, is_special in zip(objects, chosen, strict=True) if not is_special]
        others = [row for row, is_special in zip(objects, chosen, strict=True) if is_special]
        places = pl.Series(range(frame.height), dtype=pl.UInt32)
        parts = [
            (places.filter(~opened), frame.filter(~opened)),
            (places.filter(opened & ~special), self._plain(frame.filter(opened & ~special), plain)),
            (places.filter(special), self._special(frame.filter(special), others)),
        ]
        whole = next((part for rows, part in parts if rows.len() == frame.height), None)
        if whole is not None:
            return whole
        return pl.concat([part for _, part in parts])[pl.concat([rows for rows, _ in parts]).arg_sort()]

    def _plain(self, frame: pl.DataFrame, objects: list[_Object]) -> pl.DataFrame:
        """Nothing in them fills a column, but for ``timestamp``."""
        if frame["message"].str.contains(f'"{_TIME}"', literal=True).any():
            stamps = [bytes(row.get(_TIME, b"null")).decode() for row in objects]
            times = timestamp.parse_series(scalar_text(pl.Series(stamps, dtype=pl.String)))
            for row, is_time in zip(objects, times.is_not_null(), strict=True):
                if is_time:
                    del row[_TIME]
            frame = with_time(frame, times)
        return self._joined(frame, pl.Series(map(_compact, objects), dtype=pl.String))

    def _special(self, frame: pl.DataFrame, objects: list[_Object]) -> pl.DataFrame:
        """By the rules of reading, as if they had come in by themselves."""
        if not objects:
            return frame
        lines = Encoded(lines="\n".join(map(_compact, objects)).encode(), rows=len(objects), reading=_READING)
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


def _objects(texts: pl.Series) -> tuple[list[_Object], list[str | None]]:
    """The objects, in order; and, where some text is none, for each text why, None where it is one."""
    try:
        found = _OBJECT.decode_lines("\n".join(texts))
    except msgspec.DecodeError:
        found = []
    if len(found) == texts.len():
        return found, []
    each = [_object(text) for text in texts]
    return (
        [one for one in each if not isinstance(one, str)],
        [one if isinstance(one, str) else None for one in each],
    )


def _object(text: str) -> _Object | str:
    """The object, or why it is none."""
    try:
        return _OBJECT.decode(text)
    except msgspec.DecodeError as error:
        return f"cannot unfold the message: {error}"


def _compact(row: _Object) -> str:
    """Blanks can be left only in what is nested."""
    text = _ENCODE(row).decode()
    if "{" not in text[1:] and "[" not in text:
        return text
    return msgspec.json.format(text, indent=-1)
