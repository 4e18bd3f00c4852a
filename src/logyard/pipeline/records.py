"""Records of a frame as dicts, one by one, for code that knows nothing of frames; and back. Slow, and only for that.

A record is flat at its top: the columns under their names (``timestamp`` in nanoseconds, ``tags`` a list, what is empty
left out) and the attributes under theirs, decoded. ``id`` and the columns that follow from others are not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.model.schema import ATTRIBUTES, FRAME
from logyard.pipeline.fields import failed, with_text, with_time

__all__ = ["back", "records"]

_SHOWN: Final = (
    "timestamp", "level", "service", "host", "source", "message", "trace_id", "span_id", "correlation_id", "tags",
)  # fmt: skip
_TEXTS: Final = tuple(name for name in _SHOWN if name not in {"timestamp", "tags"})
_SET_ALWAYS: Final = frozenset({"message", "timestamp", "service"})
Record = dict[str, object]


def records(frame: pl.DataFrame) -> Iterator[Record]:
    """A dict for each row."""
    plain = frame.with_columns(pl.col("timestamp").cast(pl.Int64))
    for row in plain.iter_rows(named=True):
        attributes = msgspec.json.decode(row[ATTRIBUTES], type=dict[str, object])
        yield {**attributes, **{name: row[name] for name in _SHOWN if row[name] or name in _SET_ALWAYS}}


def back(frame: pl.DataFrame, results: Sequence[object]) -> pl.DataFrame:
    """The rows as they were changed: for each a dict, None for a row that goes, a list of dicts for several, an error
    for a row that stays as it was and says so.
    """
    places: list[int] = []
    changed: list[Mapping[str, object]] = []
    errors: list[str | None] = []
    for place, result in enumerate(results):
        for each in _several(result):
            is_record = isinstance(each, Mapping) and all(isinstance(name, str) for name in each)
            places.append(place)
            changed.append(each if is_record else {})  # type: ignore[arg-type] # a mapping
            errors.append(None if is_record else _reason(each))
    rows = frame[places]
    written = [_texts(record) for record in changed]
    wrong = [error or reason for error, (_, reason) in zip(errors, written, strict=True)]
    sound = pl.Series([reason is None for reason in wrong], dtype=pl.Boolean)
    values = [texts for texts, _ in written]
    made = _made(rows, values)
    kept = [made[name].zip_with(sound, rows[name]) for name in FRAME]
    return failed(rows.with_columns(kept), pl.Series(wrong, dtype=pl.String))


def _several(result: object) -> Sequence[object]:
    if result is None:
        return ()
    return result if isinstance(result, list | tuple) else (result,)


def _reason(result: object) -> str:
    if isinstance(result, Exception):
        return f"script: {type(result).__name__}: {result}"
    return f"script: gave back {type(result).__name__}, not a record"


def _texts(record: Mapping[str, object]) -> tuple[dict[str, str], str | None]:
    """A record as texts of its columns, and why it cannot be one."""
    try:
        rest = {name: value for name, value in record.items() if name not in _SHOWN}
        texts = {name: str(record[name]) for name in _TEXTS if record.get(name) is not None}
        tags = record.get("tags") or []
        if not isinstance(tags, list | tuple):
            return {}, "script: tags are no list"
        when = record.get("timestamp")
        if when is not None and not isinstance(when, int):
            return {}, "script: timestamp is no number of nanoseconds"
        return {
            **texts,
            "timestamp": "" if when is None else str(when),
            "tags": msgspec.json.encode([str(tag) for tag in tags]).decode(),
            ATTRIBUTES: msgspec.json.encode(rest).decode(),
        }, None
    except (TypeError, ValueError, OverflowError) as error:
        return {}, f"script: {error}"


def _made(rows: pl.DataFrame, values: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The rows with what the records say; the level by its word, the rest as it stands."""

    def column(name: str) -> pl.Series:
        return pl.Series(name, [each.get(name, "") for each in values], dtype=pl.String)

    tags = column("tags").set(column("tags") == "", "[]").str.json_decode(pl.List(pl.String))
    made = rows.with_columns(
        *(column(name) for name in _TEXTS if name not in {"level", "service"}),
        tags.alias("tags"),
        column(ATTRIBUTES).set(column(ATTRIBUTES) == "", "{}"),
    )
    service, level = column("service"), column("level")
    made = with_text(made, "service", service.set((service == rows["service"]) | (service == ""), None))
    made = with_text(made, "level", level.set(level == rows["level"], None))
    times = column("timestamp").cast(pl.Int64, strict=False)
    return with_time(made, times.set(times == rows["timestamp"].cast(pl.Int64), None))
