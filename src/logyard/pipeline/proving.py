"""Unit tests of a pipeline, written in its file: records in, what must come out.

    [[tests]]
    name = "a very slow query is a warning"
    source = "/logs/database-queries.log"
    input = ['2026-01-01 00:00:00,000 - {"execution_time_ms":5001}']
    output = [{ level = "WARNING", performance_category = "very_slow" }]

An input is a text, which is a line of the file ``source``, or a table, which is a record. An output is a table for each
record that must come out, in order: its fields must have these values; "" is a field that is not there. With ``exact``
a record may have nothing besides, but for its time, its source and its service.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model import timestamp
from logyard.pipeline.chain import Chain
from logyard.pipeline.records import records
from logyard.pipeline.samples import of_lines, of_records
from logyard.types import Nanoseconds

__all__ = ["Proof", "Proven", "proofs", "prove"]

_UNASKED: Final = frozenset({"timestamp", "source", "service"})
Scalar = str | int | float | bool
Value = object
"""What JSON can hold."""


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test."""

    name: str
    input: tuple[str | dict[str, object], ...]
    output: tuple[dict[str, object], ...]
    source: str = "/logs/test.log"
    now: str = "2026-01-01T00:00:00Z"
    """When the records came."""
    exact: bool = False


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it."""

    name: str
    wrong: tuple[str, ...]
    """What is not as it must be, a line each; nothing when it passed."""


def proofs(tables: object, path: str = "tests") -> list[Proof]:
    """From a configuration's ``[[tests]]``. Raises ``BadConfig``."""
    try:
        return msgspec.convert(tables, list[Proof])
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        raise BadConfig(text, path=f"{path}{place.strip('`$')}") from error


def prove(settings: Sequence[Mapping[str, object]], proof: Proof) -> Proven:
    """Run one test on a pipeline that is made for it, so that none remembers another. Raises ``BadConfig``."""
    now = Nanoseconds(timestamp.parse(proof.now) or 0)
    left = Chain.of(settings).apply(_given(proof, now), now)
    found = [_shown(record) for record in records(left)] if isinstance(left, pl.DataFrame) else []
    return Proven(name=proof.name, wrong=tuple(_differences(proof, found)))


def _given(proof: Proof, now: Nanoseconds) -> pl.DataFrame:
    """The inputs in their order; lines that stand together come together."""
    parts: list[pl.DataFrame] = []
    lines: list[str] = []
    for each in proof.input:
        if isinstance(each, str):
            lines.append(each)
            continue
        parts += [of_lines(lines, proof.source, now), of_records([{"source": proof.source, **each}], now)]
        lines = []
    return pl.concat([*parts, of_lines(lines, proof.source, now)])


def _shown(record: Mapping[str, object]) -> dict[str, object]:
    when = record["timestamp"]
    return {**record, "timestamp": timestamp.format_ns(when) if isinstance(when, int) else when}


def _differences(proof: Proof, found: Sequence[Mapping[str, object]]) -> Iterator[str]:
    if len(found) != len(proof.output):
        yield f"{len(proof.output)} records must come out; there are {len(found)}:"
        yield from (f"  {_text(record)}" for record in found)
        return
    for number, (wanted, record) in enumerate(zip(proof.output, found, strict=True), 1):
        wrong = list(_between(wanted, record, exact=proof.exact))
        if wrong:
            yield f"record {number}: {_text(record)}"
            yield from (f"  {line}" for line in wrong)


def _between(wanted: Mapping[str, object], record: Mapping[str, object], *, exact: bool) -> Iterator[str]:
    for name, value in wanted.items():
        got = _inside(record, name)
        if not _same(value, got):
            yield f"- {name} = {_text(value)}"
            yield f"+ {name} = {_text(got)}"
    if exact:
        extra = record.keys() - wanted.keys() - _UNASKED
        yield from (f"+ {name} = {_text(record[name])}" for name in sorted(extra))


def _inside(record: Mapping[str, object], name: str) -> Value:
    """The field of a dotted name, spelt so or nested; "" when there is none."""
    if name in record:
        return record[name]
    head, dot, rest = name.partition(".")
    inner = record.get(head)
    return _inside(inner, rest) if dot and isinstance(inner, dict) else ""


def _same(wanted: Value, got: Value) -> bool:
    """Equal, and of one kind: 1 is not true; times in their text."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    return wanted == got or msgspec.to_builtins(wanted) == got


def _text(value: Value) -> str:
    return msgspec.json.encode(value).decode()
