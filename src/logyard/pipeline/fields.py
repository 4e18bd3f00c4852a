"""Fields of the records of a frame, for steps: read, set, taken away, by the names that queries use.

A name of a column is that column; any other name is a member of ``attributes``, dotted names nested. What steps set:

- the text columns but for ``stream``, ``origin`` and ``level_text``, which follow from others;
- ``level``: any spelling that ``model/severity.py`` knows; another word is kept as the sender's own;
- ``timestamp``: any spelling of a time that ``model/civil/read.py`` knows; what is none leaves the time as it is;
- ``severity``, of which the column is a number that follows from the level, is an attribute when it is set.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.formats.json.members import member, put, without
from logyard.formats.lines.fields import quoted
from logyard.language.frame import FrameFields
from logyard.model import severity
from logyard.model.civil.read import read
from logyard.model.dialect import Dialect
from logyard.model.schema import ATTRIBUTES, TEXT_COLUMNS

__all__ = [
    "ERROR",
    "Scalar",
    "check_settable",
    "errors",
    "failed",
    "is_untimed",
    "json",
    "literal",
    "removed",
    "text",
    "with_json",
    "with_text",
    "with_time",
]

Scalar = str | int | float | bool
"""A value as the configuration writes it."""

ERROR: Final = "processing_error"
"""The attribute that says what went wrong with a record on its way."""

_FOLLOWING: Final = frozenset({"id", "stream", "origin", "level_text", "tags", ATTRIBUTES})
_COLUMNS: Final = frozenset(TEXT_COLUMNS) - _FOLLOWING
_UNTIMED: Final = "timestamp=,"
_NAMELESS: Final = "service=,"
"""Stand in ``origin`` of a record that brought none: ``model/origin.py``."""


def text(frame: pl.DataFrame, name: str) -> pl.Series:
    """A field's values as text, "" where it is missing."""
    return FrameFields(frame, Dialect.NATIVE).text(name)


def json(frame: pl.DataFrame, name: str) -> pl.Series:
    """The same as JSON text, with its type; null where it is missing."""
    if name in _COLUMNS or name == "timestamp":
        texts = text(frame, name)
        return quoted(texts.set(texts == "", None))
    values = member(frame[ATTRIBUTES], name)
    return values.set(values == "null", None)


def check_settable(names: Sequence[str], path: str) -> None:
    """Raise ``BadConfig`` for a name that no step can set."""
    for name in names:
        if not name or name in _FOLLOWING:
            raise BadConfig(f"{name!r} cannot be set", path=path)


def literal(value: Scalar) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def with_text(frame: pl.DataFrame, name: str, values: pl.Series) -> pl.DataFrame:
    """The field set to texts; null leaves a record as it is."""
    given = values.is_not_null()
    if not given.any():
        return frame
    if name == "level":
        return _leveled(frame, values)
    if name == "timestamp":
        return with_time(frame, read(values))
    if name in _COLUMNS:
        set_now = frame.with_columns(values.zip_with(given, frame[name]).alias(name))
        return _without_note(set_now, _NAMELESS, given) if name == "service" else set_now
    return frame.with_columns(put(frame[ATTRIBUTES], name, quoted(values)))


def with_json(frame: pl.DataFrame, name: str, values: pl.Series) -> pl.DataFrame:
    """The attribute set to JSON texts, which keep their types; null leaves a record as it is. Of a column: as text."""
    if name in _COLUMNS or name in {"level", "timestamp"}:
        given = values.is_not_null()
        return with_text(frame, name, _plain(values).set(~given, None))
    return frame.with_columns(put(frame[ATTRIBUTES], name, values))


def with_time(frame: pl.DataFrame, times: pl.Series) -> pl.DataFrame:
    """The time set to nanoseconds since 1970; null leaves a record as it is."""
    found = times.is_not_null()
    when = times.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    now = frame.with_columns(when.zip_with(found, frame["timestamp"]).alias("timestamp"))
    return _without_note(now, _UNTIMED, found)


def removed(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The records without these fields: columns emptied (the service is then unknown; a time there always is),
    attributes taken out.
    """
    columns = [pl.lit("unknown" if name == "service" else "").alias(name) for name in names if name in _COLUMNS]
    if "level" in names:
        columns += [pl.lit("").alias("level_text"), pl.lit(0, pl.UInt8).alias("severity")]
    rest = [name for name in names if name not in _COLUMNS and name != "timestamp"]
    return frame.with_columns(*columns, without(frame[ATTRIBUTES], rest))


def is_untimed(frame: pl.DataFrame) -> pl.Series:
    """Which records said no time: theirs is that of their arrival."""
    return frame["origin"].str.contains(f",{_UNTIMED}", literal=True)


def errors(frame: pl.DataFrame) -> int:
    """How many records say that something went wrong with them."""
    return int(frame[ATTRIBUTES].str.contains(f'"{ERROR}"', literal=True).sum())


def failed(frame: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    """The records with what went wrong, which is null where nothing did. What a record says already stays."""
    known = frame[ATTRIBUTES].str.contains(f'"{ERROR}"', literal=True)
    return with_text(frame, ERROR, reasons.set(known, None))


def _plain(values: pl.Series) -> pl.Series:
    from_text = values.str.starts_with('"').fill_null(value=False)
    texts = [msgspec.json.decode(value) for value in values.filter(from_text)]
    return values.clone().scatter(from_text.arg_true(), texts) if texts else values


def _leveled(frame: pl.DataFrame, words: pl.Series) -> pl.DataFrame:
    given = words.is_not_null()
    known = words.fill_null("")
    levels = severity.canonical(known)
    own = known.set(known == levels["level"], "")
    return frame.with_columns(
        levels["level"].zip_with(given, frame["level"]),
        levels["severity"].zip_with(given, frame["severity"]),
        own.zip_with(given, frame["level_text"]).alias("level_text"),
    )


def _without_note(frame: pl.DataFrame, note: str, rows: pl.Series) -> pl.DataFrame:
    """``origin`` of ``rows`` without the note that a column was set for want of a value."""
    bare = frame["origin"].str.replace(f",{note}", ",", literal=True)
    return frame.with_columns(bare.set(bare == ",", "").zip_with(rows, frame["origin"]).alias("origin"))
