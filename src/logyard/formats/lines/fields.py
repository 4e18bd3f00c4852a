"""Typed fields: columns of texts into columns of JSON, ``"name":value``, ready to be joined to one object.

What a kind makes of a text:

- ``text`` the text; ``quoted`` without its backslashes, ``doubled`` without doubled quotes, ``plus`` with blanks for
  ``+``; ``json`` as it stands, which must be JSON;
- ``int``, ``float``, ``bool`` the value; ``auto`` a number or a truth value where it can only be one;
- ``ns``, ``us``, ``ms``, ``s`` a length of time in that unit, in whole nanoseconds;
- ``address`` the field ``<name>_ip`` for an IP address, else ``<name>_address``; ``endpoint`` the same and
  ``<name>_port`` for ``host:port``, ``slashed`` for ``host/port``;
- ``url`` the text, and ``path`` and ``query`` where there is a query;
- ``pri`` syslog's priority, and the facility and severity in it.

A text that is not of its kind stays text: nothing is lost.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
import polars as pl

__all__ = ["KINDS", "NOTHING", "fragments", "object_of", "quoted", "severity_words"]

NOTHING: Final = ("", "-")
"""What stands for "no value" in most formats."""

_SPECIAL: Final = ['"', "\\", *map(chr, range(32))]
"""What JSON writes otherwise; looked for as texts, ten times cheaper than as an expression."""
_WHOLE: Final = r"^-?(?:0|[1-9][0-9]{0,17})$"
_DECIMAL: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"
_IP: Final = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z]+)?)$"
_ENDPOINT: Final = r"^\[?(?P<host>[^\[\]]*?)\]?:(?P<port>[0-9]{1,5})$"
_BARE_V6: Final = r"^[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$"
_ENCODE: Final = msgspec.json.Encoder().encode
_UNITS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}

_SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

Fragments = Iterable[pl.Series]


def object_of(columns: list[pl.Series], rows: int) -> pl.Series:
    """The JSON text of one object a row, of the fragments that are not null."""
    if not columns:
        return pl.Series(["{}"], dtype=pl.String).new_from_index(0, rows)
    table = pl.DataFrame({str(number): column for number, column in enumerate(columns)})
    return table.select("{" + pl.concat_str(pl.all(), separator=",", ignore_nulls=True) + "}").to_series()


def fragments(name: str, texts: pl.Series, kind: str, *, nothing: tuple[str, ...] = NOTHING) -> list[pl.Series]:
    """The columns of ``"name":value`` that a column of texts gives; null where there is nothing."""
    present = texts.set(texts.is_in(nothing), None)
    if present.null_count() == present.len():
        return []
    return list(KINDS[kind](name, present))


def quoted(texts: pl.Series) -> pl.Series:
    """Texts as JSON strings; null stays null."""
    if not texts.str.contains_any(_SPECIAL).any():
        return pl.select('"' + texts + '"').to_series()
    encoded = pl.DataFrame({"": texts}).select(pl.struct(pl.all()).struct.json_encode().str.slice(4)).to_series()
    return encoded.str.head(-1).set(texts.is_null(), None)


def _named(name: str, values: pl.Series) -> pl.Series:
    # A name may be a stranger's: the header of a W3C log says what its fields are called.
    return pl.select(f"{_ENCODE(name).decode()}:" + values).to_series()


def _text(name: str, texts: pl.Series) -> Fragments:
    yield _named(name, quoted(texts))


def _unescaped(name: str, texts: pl.Series) -> Fragments:
    plain = texts.str.replace_all(r"\\(.)", "$1") if texts.str.contains("\\", literal=True).any() else texts
    yield _named(name, quoted(plain))


def _where(name: str, texts: pl.Series, *, fits: pl.Series, values: pl.Series) -> Fragments:
    """``values`` where ``fits``, the text elsewhere."""
    odd = texts.set(fits.fill_null(value=True), None)
    yield _named(name, values.set(~fits.fill_null(value=False), None))
    if odd.null_count() < odd.len():
        yield from _text(name, odd)


def _int(name: str, texts: pl.Series) -> Fragments:
    numbers = texts.str.strip_chars().cast(pl.Int64, strict=False)
    yield from _where(name, texts, fits=numbers.is_not_null(), values=numbers.cast(pl.String))


def _float(name: str, texts: pl.Series) -> Fragments:
    fits = texts.str.contains(_DECIMAL)
    yield from _where(name, texts, fits=fits, values=texts)


def _bool(name: str, texts: pl.Series) -> Fragments:
    words = texts.str.to_lowercase()
    truth = words.is_in(["true", "yes", "on", "1", "t"])
    fits = truth | words.is_in(["false", "no", "off", "0", "f"])
    yield from _where(name, texts, fits=fits, values=truth.cast(pl.String))


def _auto(name: str, texts: pl.Series) -> Fragments:
    fits = texts.str.contains(_DECIMAL) | texts.is_in(["true", "false"])
    yield from _where(name, texts, fits=fits, values=texts)


def _json(name: str, texts: pl.Series) -> Fragments:
    yield _named(name, texts)


def _span(unit: str) -> Callable[[str, pl.Series], Fragments]:
    def span(name: str, texts: pl.Series) -> Fragments:
        bare = texts.str.strip_chars().str.strip_suffix(unit)
        whole = bare.cast(pl.Int64, strict=False) * _UNITS[unit]
        exact = (bare.cast(pl.Float64, strict=False) * _UNITS[unit]).round(0).cast(pl.Int64, strict=False)
        value = pl.select(pl.coalesce(whole, exact)).to_series()
        yield from _where(name, texts, fits=value.is_not_null(), values=value.cast(pl.String))

    return span


def _address(name: str, texts: pl.Series) -> Fragments:
    address = texts.str.contains(_IP).fill_null(value=False)
    yield _named(f"{name}_ip", quoted(texts.set(~address, None)))
    if (~address & texts.is_not_null()).any():
        yield _named(f"{name}_address", quoted(texts.set(address, None)))


def _endpoint(name: str, texts: pl.Series) -> Fragments:
    found = pl.DataFrame({"text": texts}).select(pl.col("text").str.extract_groups(_ENDPOINT)).unnest("text")
    bare = texts.str.contains(_BARE_V6).fill_null(value=False)
    host = pl.select(pl.when(bare).then(texts).otherwise(pl.coalesce(found["host"], texts))).to_series()
    port = found["port"].set(bare, None)
    yield from _address(name, host.set(host == "", None))
    yield from _int(f"{name}_port", port)


def _slashed(name: str, texts: pl.Series) -> Fragments:
    parts = texts.str.split_exact("/", 1).struct.unnest()
    yield from _address(name, parts["field_0"])
    yield from _int(f"{name}_port", parts["field_1"])


def _url(name: str, texts: pl.Series) -> Fragments:
    yield from _text(name, texts)
    queried = texts.str.contains("?", literal=True).fill_null(value=False)
    if queried.any():
        parts = texts.set(~queried, None).str.splitn("?", 2).struct.unnest()
        path, query = parts["field_0"], parts["field_1"]
        if path.str.contains("://", literal=True).any():
            path = path.str.replace(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*", "")
        yield from _text("path", path)
        yield from _text("query", query.set(query == "", None))


def _doubled(name: str, texts: pl.Series) -> Fragments:
    yield from _text(name, texts.str.replace_all('""', '"', literal=True))


def _plus(name: str, texts: pl.Series) -> Fragments:
    yield from _text(name, texts.str.replace_all("+", " ", literal=True))


def severity_words(priorities: pl.Series) -> pl.Series:
    """The keyword of a syslog priority's severity (RFC 5424, 6.2.1)."""
    number = priorities.cast(pl.Int64, strict=False)
    return (number % 8).replace_strict(dict(enumerate(_SEVERITIES)), default=None, return_dtype=pl.String)


def _pri(_: str, texts: pl.Series) -> Fragments:
    number = texts.cast(pl.Int64, strict=False)
    for part, value in (("priority", number), ("facility_code", number // 8), ("severity_code", number % 8)):
        yield _named(f"syslog_{part}", value.cast(pl.String))


KINDS: Final[Mapping[str, Callable[[str, pl.Series], Fragments]]] = {
    "text": _text,
    "quoted": _unescaped,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "auto": _auto,
    "json": _json,
    "ns": _span("ns"),
    "us": _span("us"),
    "ms": _span("ms"),
    "s": _span("s"),
    "address": _address,
    "endpoint": _endpoint,
    "slashed": _slashed,
    "url": _url,
    "doubled": _doubled,
    "plus": _plus,
    "pri": _pri,
}
"""Kind of a field to what makes its fragments."""
