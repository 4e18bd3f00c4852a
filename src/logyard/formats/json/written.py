"""A frame as JSON lines, column by column: what an output sends where ``record.py`` would make an object a record.

Both say the same: the keys are those that the sender used (``model/origin.py``). A level whose word another reader
would not understand as we did (a format has words of its own) is sent as the name of its severity.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.record import record
from logyard.model import origin, severity
from logyard.model.schema import ATTRIBUTES, FRAME, KEYED_COLUMNS

__all__ = ["written"]

_ENCODE: Final = msgspec.json.Encoder().encode
_SPECIAL: Final = ['"', "\\", *map(chr, range(32))]
_WORDS: Final[Mapping[int, str]] = {
    level.severity: word for word, level in reversed(list(severity.TABLE.items())) if not word.isdigit()
}
"""Severity -> a word that means it."""


def written(frame: pl.DataFrame) -> bytes:
    """A line for each row of a frame in the canonical schema, parted by LF. No LF at the end."""
    if not frame.height:
        return b""
    frame = _understandable(frame.select(FRAME.names()))
    origins = frame["origin"].unique(maintain_order=True)
    if origins.len() == 1:
        lines = _alike(frame, origins[0])
    else:
        rows = frame.with_row_index("row")
        parts = rows.partition_by("origin", maintain_order=True)
        order = pl.concat([part["row"] for part in parts]).arg_sort()
        lines = pl.concat([_alike(part, part["origin"][0]) for part in parts])[order]
    return "\n".join(lines).encode()


def _understandable(frame: pl.DataFrame) -> pl.DataFrame:
    """With words for levels that mean to everybody what they mean here."""
    words = frame["level_text"].zip_with(frame["level_text"] != "", frame["level"])
    odd = severity.canonical(words)["severity"] != frame["severity"]
    if not odd.any():
        return frame
    names = frame["severity"].replace_strict(_WORDS, default="", return_dtype=pl.String)
    return frame.with_columns(names.zip_with(odd, frame["level_text"]).alias("level_text"))


def _alike(frame: pl.DataFrame, said: str) -> pl.Series:
    """Rows of one origin."""
    keys = origin.parse(said)
    names = {column: keys.get(column) or column for column in KEYED_COLUMNS}
    clashing = frame[ATTRIBUTES].str.contains_any([f"{_ENCODE(name).decode()}:" for name in names.values()])
    if any("." in name for name in names.values()):
        clashing |= True  # it may have been nested: see record.py
    columns = [_member(frame, column, name) for column, name in names.items()]
    inside = frame[ATTRIBUTES].str.slice(1).str.head(-1)
    columns.append(inside.set(inside == "", None))
    table = pl.DataFrame({str(number): column for number, column in enumerate(columns)})
    lines = table.select("{" + pl.concat_str(pl.all(), separator=",", ignore_nulls=True) + "}").to_series()
    if not clashing.any():
        return lines
    rows = frame.filter(clashing).with_columns(pl.col("timestamp").cast(pl.Int64)).iter_rows(named=True)
    return lines.scatter(clashing.arg_true(), pl.Series(_one_by_one(rows), dtype=pl.String))


def _member(frame: pl.DataFrame, column: str, name: str) -> pl.Series:
    """``"name":value``, null where there is none."""
    key = _ENCODE(name).decode() + ":"
    if column == "timestamp":
        times = frame[column].dt.strftime("%Y-%m-%dT%H:%M:%S%.9f").str.strip_chars_end("0").str.strip_suffix(".")
        return pl.select(pl.lit(key + '"') + times + pl.lit('Z"')).to_series()
    texts = frame[column]
    if column == "level":
        texts = frame["level_text"].zip_with(frame["level_text"] != "", texts)
    present = texts.set(texts == "", None)
    if present.null_count() == present.len():
        return present
    value = _quoted(present)
    if column == "level":
        value = present.zip_with(present.str.contains(_NUMBER), value)
    return pl.select(pl.lit(key) + value).to_series()


_NUMBER: Final = r"^(?:true|false|-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?)$"
"""A level that was no text."""


def _quoted(texts: pl.Series) -> pl.Series:
    first = texts[0]
    if first is not None and (texts == first).all(ignore_nulls=False):
        return pl.Series([_ENCODE(first).decode()], dtype=pl.String).new_from_index(0, texts.len())
    if not texts.str.contains_any(_SPECIAL).any():
        return pl.select('"' + texts + '"').to_series()
    encoded = pl.DataFrame({"": texts}).select(pl.struct(pl.all()).struct.json_encode().str.slice(4)).to_series()
    return encoded.str.head(-1).set(texts.is_null(), None)


def _one_by_one(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return [_ENCODE(record(row)).decode() for row in rows]
