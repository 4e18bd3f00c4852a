"""Encoded lines into a frame: the rules of reading, done here for steps and live subscribers, in SQL for the
store.

For each keyed column the keys of the reading are tried in order. A key is *usable* when it is there and its
value is a string (not ""), a number or a boolean. A dotted key ``a.b`` is tried as it stands, then one level
deep (``{"a": {"b": 1}}``, parted at the first dot). The first usable key is *used*: it leaves the attributes
(a nested one leaves its object, which stays, even if empty). All else stays, as it came.

- timestamp: the used key must parse (``model/timestamp.py``); if not it stays an attribute and time is the
  arrival.
- Numbers become text as the engine writes them, which is ECMAScript's way (``1.0`` is "1", ``1e21`` is
  "1e21"), but for negative zero ("-0") and for integers beyond 64 bits, which keep all their digits.
- Of repeated keys the last counts here, the first in the engine.

Plain lines are messages and nothing else. Constants fill what a line leaves empty, before defaults do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
import polars as pl

from logyard.formats.json.numbers import number_text
from logyard.formats.json.settle import settled
from logyard.formats.json.uniform import uniform
from logyard.model import origin, severity, stream, timestamp
from logyard.model.batch import Encoded
from logyard.model.reading import Constants, Reading
from logyard.model.schema import FRAME, KEYED_COLUMNS
from logyard.types import Nanoseconds

__all__ = ["Run", "find", "frame", "frame_of_runs", "places"]

Run = tuple[int, Constants]
"""So many lines, and the constants of all of them."""

Times = Callable[[pl.Series], pl.Series]
"""Texts into nanoseconds since 1970, null for what is no time."""

Kind = TypeVar("Kind")
_Row = dict[str, msgspec.Raw]
_Place = tuple[str, str, str]
"""Where a value may be: (key, "", "") at the top or (key, parent, child) one level deep."""
_Hit = tuple[_Place, bytes]
"""A place and the value that was found there."""
_Plan = list[tuple[int, tuple[_Place, ...]]]
"""For each column that may be found, by its position in ``KEYED_COLUMNS``: the places to try."""

_ROWS: Final = msgspec.json.Decoder(_Row)
_OBJECT: Final = msgspec.json.Decoder(_Row)
_TEXTS: Final = msgspec.json.Decoder(list[str])
_ENCODE: Final = msgspec.json.Encoder().encode
_QUOTE: Final = ord('"')
_OPEN: Final = ord("{")
_WORDS: Final = b"tf"
_NO_TAGS: Final = pl.Series([[]], dtype=pl.List(pl.String))
_UNUSABLE: Final = frozenset(b"n{[")
_NONE: Final = b'""'


def frame(encoded: Encoded, received: Nanoseconds, times_of: Times = timestamp.parse_series) -> pl.DataFrame:
    """The records in the canonical schema (``model/schema.py``); ``received`` is the time of those that bring
    none. ``times_of`` reads the texts of times: logs of files know more spellings than what is sent to us does.
    """
    return frame_of_runs(encoded, [(encoded.rows, encoded.reading.constants)], received, times_of=times_of)


def frame_of_runs(
    encoded: Encoded, runs: Sequence[Run], received: Nanoseconds, *, times_of: Times = timestamp.parse_series
) -> pl.DataFrame:
    """The same of lines whose constants differ: ``runs`` in the order of the lines, the reading's own do not count."""
    origin.check(encoded.reading)
    body = settled(encoded)
    columns = _READERS[body.reading.kind](body, _Want(labels=_labels(runs), times_of=times_of))
    return _assembled(_with_constants(columns, runs), body.reading, received)


class _Want(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is asked for."""

    labels: bool
    """Some constant is an attribute: the keys of each line are needed."""
    times_of: Times


class _Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What lines say, by column."""

    texts: Mapping[str, list[str]]
    times: pl.Series
    senders: Mapping[str, list[str]]
    """Fields of the stream's identity that are no columns."""
    attributes: list[str]
    origins: list[str]
    keys: Sequence[tuple[str, ...]] = ()
    """What each line has at its top; only where labels ask for it."""


def _of_json(encoded: Encoded, want: _Want) -> _Columns:
    """Column by column where all lines are alike, row by row where not."""
    plain = None if want.labels or _senders(encoded.reading) else uniform(encoded.lines, encoded.reading)
    if plain is not None:
        empty = [""] * encoded.rows
        texts = {column: plain.texts.get(column, empty) for column in KEYED_COLUMNS}
        timed = "timestamp" in plain.texts
        none = pl.Series([None], dtype=pl.Int64)
        times = (
            want.times_of(pl.Series(texts["timestamp"], dtype=pl.String))
            if timed
            else none.new_from_index(0, encoded.rows)
        )
        if not timed or not times.has_nulls():
            origins = [plain.origin] * encoded.rows
            bare = [()] * encoded.rows
            return _Columns(
                texts=texts, times=times, senders={}, attributes=plain.attributes, origins=origins, keys=bare
            )
    return _by_row(encoded, want.times_of)


def _of_plain(encoded: Encoded, _want: _Want) -> _Columns:
    """Every line is its message."""
    return _messages(encoded.lines.decode().split("\n"), encoded.reading)


def _of_mixed(encoded: Encoded, want: _Want) -> _Columns:
    """Both, each read by itself and put back into its place."""
    lines = encoded.lines.split(b"\n")
    objects = [place for place, line in enumerate(lines) if line.startswith(b"{")]
    others = [place for place, line in enumerate(lines) if not line.startswith(b"{")]
    parts = []
    if objects:
        body = b"\n".join([lines[place] for place in objects])
        parts.append(_of_json(Encoded(lines=body, rows=len(objects), reading=encoded.reading), want))
    if others:
        parts.append(_messages([lines[place].decode() for place in others], encoded.reading))
    order = pl.Series(objects + others).arg_sort().to_list()
    return _reordered(parts, order)


_READERS: Final[Mapping[str, Callable[[Encoded, _Want], _Columns]]] = {
    "json": _of_json,
    "plain": _of_plain,
    "mixed": _of_mixed,
}


def _messages(texts: list[str], reading: Reading) -> _Columns:
    count = len(texts)
    empty = [""] * count
    used: list[str | None] = [column if column == "message" else None for column in KEYED_COLUMNS]
    return _Columns(
        texts={**dict.fromkeys(KEYED_COLUMNS, empty), "message": texts},
        times=pl.Series([None], dtype=pl.Int64).new_from_index(0, count),
        senders=dict.fromkeys(_senders(reading), empty),
        attributes=["{}"] * count,
        origins=[origin.compose(used)] * count,
        keys=[()] * count,
    )


def _reordered(parts: Sequence[_Columns], order: Sequence[int]) -> _Columns:
    """The rows of all parts, one after another, in another order."""

    def taken(lists: Iterable[Sequence[Kind]]) -> list[Kind]:
        rows = [row for each in lists for row in each]
        return [rows[place] for place in order]

    first = parts[0]
    return _Columns(
        texts={column: taken(part.texts[column] for part in parts) for column in first.texts},
        times=pl.concat([part.times for part in parts]).gather(list(order)),
        senders={name: taken(part.senders[name] for part in parts) for name in first.senders},
        attributes=taken(part.attributes for part in parts),
        origins=taken(part.origins for part in parts),
        keys=taken(part.keys for part in parts),
    )


def _labels(runs: Sequence[Run]) -> bool:
    """Whether some constant is no column."""
    return any(name not in KEYED_COLUMNS for _, constants in runs for name, _ in constants)


def _with_constants(columns: _Columns, runs: Sequence[Run]) -> _Columns:
    """What lines leave empty is filled, and what has no column of its own joins the attributes."""
    names = {name for _, constants in runs for name, _ in constants}
    if not names:
        return columns

    def filled(name: str, texts: list[str]) -> list[str]:
        if name not in names:
            return texts
        given = [dict(constants).get(name, "") for count, constants in runs for _ in range(count)]
        return [text or constant for text, constant in zip(texts, given, strict=True)]

    texts = {name: filled(name, values) for name, values in columns.texts.items()}
    if not _labels(runs):
        return msgspec.structs.replace(columns, texts=texts)
    senders = {name: _sender_filled(name, columns, filled(name, values)) for name, values in columns.senders.items()}
    return msgspec.structs.replace(columns, texts=texts, senders=senders, attributes=_labelled(columns, runs))


def _sender_filled(name: str, columns: _Columns, filled: list[str]) -> list[str]:
    """A label fills only where the line has no such key at all, not where its value is empty."""
    own = columns.senders[name]
    return [mine if name in keys else text for mine, text, keys in zip(own, filled, columns.keys, strict=True)]


def _labelled(columns: _Columns, runs: Sequence[Run]) -> list[str]:
    """The attributes with the labels in front."""
    constants = (given for count, given in runs for _ in range(count))
    rows = zip(columns.attributes, columns.keys, constants, strict=True)
    return ["{" + _members(given, keys, bare=text == "{}") + text[1:] for text, keys, given in rows]


@lru_cache(maxsize=4096)
def _members(constants: Constants, keys: tuple[str, ...], *, bare: bool) -> str:
    """``"name":"value",`` of each label that a line with these keys does not have; no comma at a bare line's end."""
    labels = {name: text for name, text in constants if name not in KEYED_COLUMNS and name not in keys}
    inside = _ENCODE(labels)[1:-1].decode()
    return inside if bare or not inside else inside + ","


def _by_row(encoded: Encoded, times_of: Times) -> _Columns:
    """The general way: each row by itself."""
    shapes = _Shapes(encoded.reading)
    rows = _ROWS.decode_lines(encoded.lines)
    keys = [tuple(row) for row in rows]
    hits = [_hits(row, shapes.plan(row)) for row in rows]
    senders = {name: _strings([_deep(row, name) for row in rows]) for name in shapes.senders}
    texts = {column: _strings(hit[position] for hit in hits) for position, column in enumerate(KEYED_COLUMNS)}
    times = times_of(pl.Series(texts["timestamp"], dtype=pl.String))
    origins = _take(rows, hits, times.is_not_null().to_list())
    attributes = [_compact(row) for row in rows]
    return _Columns(texts=texts, times=times, senders=senders, attributes=attributes, origins=origins, keys=keys)


def _assembled(columns: _Columns, reading: Reading, received: Nanoseconds) -> pl.DataFrame:
    texts, count = columns.texts, len(columns.origins)
    words = pl.Series(texts["level"], dtype=pl.String)
    levels = severity.canonical(words)
    identity = {**texts, **columns.senders, "level": levels["level"].to_list()}
    return pl.DataFrame(
        {
            **texts,
            "timestamp": columns.times.fill_null(received).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"),
            "level": levels["level"],
            "severity": levels["severity"],
            "level_text": words.set(words == levels["level"], ""),
            "service": [service or "unknown" for service in texts["service"]],
            "stream": _identities({name: identity[name] for name in reading.stream_fields}, count),
            "tags": _NO_TAGS.new_from_index(0, count),
            "origin": columns.origins,
            "attributes": columns.attributes,
        },
        schema_overrides=FRAME,
    ).select(FRAME.names())


def _senders(reading: Reading) -> list[str]:
    return [name for name in reading.stream_fields if name not in KEYED_COLUMNS]


class _Shapes:
    """What to try for rows with the same keys: looked up once for each set of keys, not for each row."""

    def __init__(self, reading: Reading) -> None:
        self._columns: Sequence[tuple[str, ...]] = [getattr(reading, column) for column in KEYED_COLUMNS]
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self.senders = _senders(reading)

    def plan(self, row: _Row) -> _Plan:
        """Which columns may be filled by a row with these keys, and from where."""
        shape = tuple(row)
        plan = self._plans.get(shape)
        if plan is None:
            tried = [(position, tuple(places(row, keys))) for position, keys in enumerate(self._columns)]
            plan = self._plans[shape] = [entry for entry in tried if entry[1]]
        return plan


def _hits(row: _Row, plan: _Plan) -> list[_Hit | None]:
    """What each of ``KEYED_COLUMNS`` finds."""
    hits: list[_Hit | None] = [None] * len(KEYED_COLUMNS)
    for position, tried in plan:
        first = tried[0]
        if not first[1]:
            # The way of nearly every value, in line: a call for each is a third of the time of a frame.
            value = bytes(row[first[0]])
            if value[0] == _QUOTE and value != _NONE:
                hits[position] = (first, value)
                continue
        hits[position] = find(row, tried)
    return hits


def places(row: _Row, keys: Iterable[str]) -> Iterable[_Place]:
    """Where in rows of this shape the values of these keys may be."""
    for key in keys:
        if key in row:
            yield key, "", ""
        parent, dot, child = key.partition(".")
        if dot and parent in row:
            yield key, parent, child


def find(row: _Row, tried: tuple[_Place, ...]) -> _Hit | None:
    """The first usable place and its value, as the JSON text of a string."""
    for place in tried:
        key, parent, child = place
        value = _inside(row[parent], child) if parent else bytes(row[key])
        first = value[0]
        if first == _QUOTE:
            if value != _NONE:
                return place, value
        elif first not in _UNUSABLE:
            return place, b'"' + _scalar_text(value) + b'"'
    return None


def _deep(row: _Row, name: str) -> _Hit | None:
    """What is under a dotted name at any depth: the name of a stream field."""
    if name in row:
        found = find(row, ((name, "", ""),))
        if found:
            return found
    for dot in range(len(name)):
        parent, child = name[:dot], name[dot + 1 :]
        if name[dot] == "." and parent in row:
            text = bytes(row[parent])
            found = _deep(_OBJECT.decode(text), child) if text[0] == _OPEN else None
            if found:
                return found
    return None


def _inside(parent: msgspec.Raw, child: str) -> bytes:
    text = bytes(parent)
    return bytes(_OBJECT.decode(text).get(child, b"null")) if text[0] == _OPEN else b"null"


def _scalar_text(value: bytes) -> bytes:
    return value if value[0] in _WORDS or value.isdigit() else number_text(value.decode()).encode()


def _strings(hits: Iterable[_Hit | None]) -> list[str]:
    """The values as Python strings, "" for none: decoded in one go."""
    return _TEXTS.decode(b"[" + b",".join([_NONE if hit is None else hit[1] for hit in hits]) + b"]")


def _take(rows: list[_Row], hits: list[list[_Hit | None]], timed: list[bool]) -> list[str]:
    """Take the used keys out of ``rows``; the origin of each."""
    origins: dict[tuple[str | None, ...], str] = {}
    texts: list[str] = []
    for row, hit, has_time in zip(rows, hits, timed, strict=True):
        if not has_time:
            hit[0] = None
        used = tuple([found and found[0][0] for found in hit])
        for found in hit:
            if found is None:
                continue
            if found[0][1]:
                _remove(row, found[0])
            else:
                row.pop(found[0][0], None)
        if used not in origins:
            origins[used] = origin.compose(used)
        texts.append(origins[used])
    return texts


def _remove(row: _Row, place: _Place) -> None:
    """Take a nested value out of its object, if another column did not before."""
    _, parent, child = place
    if parent in row:
        inside = _OBJECT.decode(row[parent])
        inside.pop(child, None)
        row[parent] = msgspec.Raw(_ENCODE(inside))


def _identities(fields: Mapping[str, list[str]], count: int) -> list[str]:
    """The stream of each of ``count`` rows."""
    if not fields:
        return [stream.EMPTY] * count
    known: dict[tuple[str, ...], str] = {}
    texts: list[str] = []
    for values in zip(*fields.values(), strict=True):
        if values not in known:
            known[values] = stream.compose(dict(zip(fields, values, strict=True)))
        texts.append(known[values])
    return texts


def _compact(row: _Row) -> str:
    text = _ENCODE(row)
    return (msgspec.json.format(text, indent=-1) if b" " in text else text).decode()
