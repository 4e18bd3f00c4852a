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
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.uniform import uniform
from logyard.model import origin, severity, stream, timestamp
from logyard.model.batch import Encoded
from logyard.model.reading import Reading
from logyard.model.schema import FRAME, KEYED_COLUMNS
from logyard.types import Nanoseconds

__all__ = ["frame", "number_text"]

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
_EXACT: Final = (-(1 << 63), (1 << 64) - 1)
_PLAIN: Final = (1e-6, 1e21)
"""Magnitudes between which ECMAScript writes no exponent."""


def frame(
    encoded: Encoded, received: Nanoseconds, times_of: Callable[[pl.Series], pl.Series] = timestamp.parse_series
) -> pl.DataFrame:
    """The records in the canonical schema (``model/schema.py``); ``received`` is the time of those that bring
    none. ``times_of`` reads the texts of times: logs of files know more spellings than what is sent to us does.
    """
    origin.check(encoded.reading)
    plain = None if _senders(encoded.reading) else uniform(encoded.lines, encoded.reading)
    if plain is not None:
        empty = [""] * encoded.rows
        texts = {column: plain.texts.get(column, empty) for column in KEYED_COLUMNS}
        times = times_of(pl.Series(texts["timestamp"], dtype=pl.String))
        if "timestamp" not in plain.texts or not times.has_nulls():
            origins = [plain.origin] * encoded.rows
            made = _Columns(texts=texts, times=times, senders={}, attributes=plain.attributes, origins=origins)
            return _assembled(made, encoded.reading, received)
    return _assembled(_by_row(encoded, times_of), encoded.reading, received)


class _Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What lines say, by column."""

    texts: Mapping[str, list[str]]
    times: pl.Series
    senders: Mapping[str, list[str]]
    """Fields of the stream's identity that are no columns."""
    attributes: list[str]
    origins: list[str]


def _by_row(encoded: Encoded, times_of: Callable[[pl.Series], pl.Series]) -> _Columns:
    """The general way: each row by itself."""
    shapes = _Shapes(encoded.reading)
    rows = _ROWS.decode_lines(encoded.lines)
    hits = [_hits(row, shapes.plan(row)) for row in rows]
    senders = {name: _strings([_deep(row, name) for row in rows]) for name in shapes.senders}
    texts = {column: _strings(hit[position] for hit in hits) for position, column in enumerate(KEYED_COLUMNS)}
    times = times_of(pl.Series(texts["timestamp"], dtype=pl.String))
    origins = _take(rows, hits, times.is_not_null().to_list())
    attributes = [_compact(row) for row in rows]
    return _Columns(texts=texts, times=times, senders=senders, attributes=attributes, origins=origins)


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
        hits[position] = _find(row, tried)
    return hits


def places(row: _Row, keys: Iterable[str]) -> Iterable[_Place]:
    """Where in rows of this shape the values of these keys may be."""
    for key in keys:
        if key in row:
            yield key, "", ""
        parent, dot, child = key.partition(".")
        if dot and parent in row:
            yield key, parent, child


def _find(row: _Row, tried: tuple[_Place, ...]) -> _Hit | None:
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
        found = _find(row, ((name, "", ""),))
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


def number_text(number: str) -> str:
    """The text of a JSON number as the engine writes it."""
    if number.lstrip("-").isdigit():
        return "0" if number == "-0" else number
    value = float(number)
    if value == 0:
        return "-0" if number.startswith("-") else "0"
    if _PLAIN[0] <= abs(value) < _PLAIN[1]:
        return _plain(repr(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _plain(text: str) -> str:
    """Python's ``1e-05`` and ``1.5e+17`` without their exponent."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text.removesuffix(".0")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits, shift = whole + fraction, int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{digits}"
    return sign + digits.ljust(shift + 1, "0")


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
