"""Members of JSON objects, a column of texts at a time: read, taken out, put in.

The texts are the ``attributes`` of a frame. Where an object is *flat* (no object in it, no escape in any text), a name
in quotes before ``:`` can only be a key, so a regular expression reads and changes it exactly; all
others are decoded, one by one: a dotted name is looked up as it stands, then nested.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

__all__ = ["combined", "holding", "member", "merged", "only", "put", "scalar_text", "without"]

_EMPTY: Final = "{}"
_VALUE: Final = r'("[^"]*"|\[[^\[\]{}"]*(?:"[^"]*"[^\[\]{}"]*)*\]|[^\s,}\[\]"][^,}\[\]"]*)'
"""A text, an array without arrays in it, or a number, a boolean, null."""
_SCALAR: Final = r'"[^"\\]*"|-?[0-9][0-9.eE+-]*|true|false|null'
_KEY: Final = r'"(?:[^"\\]|\\.)*":'
_Object = dict[str, msgspec.Raw]
_OBJECT: Final = msgspec.json.Decoder(_Object)
_ENCODE: Final = msgspec.json.Encoder().encode


def holding(objects: pl.Series, name: str) -> pl.Series:
    """Which objects may have the member: those that hold its name, or the end of a dotted one, or an escape."""
    end = name.rpartition(".")[2]
    return objects.str.contains_any([f'"{end}"', *([f'.{end}"'] if end != name else ()), "\\"])


def member(objects: pl.Series, name: str) -> pl.Series:
    """The JSON text of the member's value, null where there is none."""
    first = objects.str.extract(_first(name)).alias(name)
    missing = first.null_count()
    if missing in {0, first.len()}:
        return first if not missing else _anywhere(objects, name)
    rows = first.is_null().arg_true()
    return first.scatter(rows, _anywhere(objects.gather(rows), name))


def without(objects: pl.Series, names: Sequence[str]) -> pl.Series:
    """The objects without these members, nested ones too."""
    for name in names:
        objects = _without(objects, name)
    return objects


def only(objects: pl.Series, names: Sequence[str]) -> pl.Series:
    """The objects without all other members; a dotted name is the nested member, which stays under its dotted name."""
    less = pl.Series(objects.name, [_EMPTY], dtype=pl.String).new_from_index(0, objects.len())
    for name in names:
        less = put(less, name, member(objects, name))
    return less


def put(objects: pl.Series, name: str, values: pl.Series) -> pl.Series:
    """The objects with the member set to the JSON texts ``values``; null leaves an object as it is. It stands first, so
    that what was put in last is found soonest.
    """
    given = values.is_not_null()
    if not given.any():
        return objects
    bare = without(objects, [name]).zip_with(given, objects)
    key = msgspec.json.encode(name).decode()
    table = pl.DataFrame({"o": bare, "v": values})
    rest = pl.when(pl.col("o").is_in(["", _EMPTY])).then(pl.lit("}")).otherwise("," + pl.col("o").str.slice(1))
    changed = pl.when(given).then(pl.lit(f"{{{key}:") + pl.col("v") + rest).otherwise("o")
    return table.select(changed.alias(objects.name)).to_series()


def merged(outer: pl.Series, inner: pl.Series) -> pl.Series:
    """Two objects a row as one; of two members with one name the inner one."""
    if (inner == _EMPTY).all():
        return outer
    joined = pl.select(
        pl.when(inner == _EMPTY).then(outer).when(outer == _EMPTY).then(inner)
        .otherwise(outer.str.head(-1) + "," + inner.str.slice(1)).alias("attributes")
    ).to_series()  # fmt: skip
    clashing = _clashes(outer, inner)
    if not clashing.any():
        return joined
    both = zip(outer.filter(clashing), inner.filter(clashing), strict=True)
    return joined.scatter(clashing.arg_true(), [combined(*pair) for pair in both])


def combined(outer: str, inner: str) -> str:
    """The same for one pair."""
    return _ENCODE(_OBJECT.decode(outer) | _OBJECT.decode(inner)).decode()


def scalar_text(values: pl.Series) -> pl.Series:
    """JSON texts of values as plain texts: strings without their quotes, null and missing values as "", all else as it
    stands.
    """
    text = pl.col("v")
    is_text = text.str.starts_with('"')
    found = pl.DataFrame({"v": values}).select(
        pl.when(is_text).then(text.str.slice(1).str.head(-1)).when(text == "null").then(pl.lit("")).otherwise(text)
        .fill_null("").alias(values.name),
        (is_text & text.str.contains("\\", literal=True)).fill_null(value=False).alias("escaped"),
    )  # fmt: skip
    plain, escaped = found[:, 0], found["escaped"]
    if not escaped.any():
        return plain
    rows = escaped.arg_true()
    return plain.scatter(rows, [msgspec.json.decode(text) for text in values.gather(rows)])


def _first(name: str) -> str:
    """The member at the beginning of an object, its value a scalar without an escape: whatever comes behind."""
    return rf"^\{{{_key(name)}:({_SCALAR})[,}}]"


def _anywhere(objects: pl.Series, name: str) -> pl.Series:
    nothing = pl.Series(name, [None], dtype=pl.String)
    may = holding(objects, name)
    if not may.any():
        return nothing.new_from_index(0, objects.len())
    found = objects.str.extract(_pattern(name)).str.strip_chars_end().alias(name)
    rows = (may & (found.is_null() | ~_flat(objects))).arg_true()
    if not rows.is_empty():
        found = found.scatter(rows, pl.Series([_found(text, name) for text in objects.gather(rows)], dtype=pl.String))
    spaced = (found.str.starts_with("[") & found.str.contains(" ", literal=True)).arg_true()
    if spaced.is_empty():
        return found
    return found.scatter(spaced, [_compact(text) for text in found.gather(spaced)])


def _key(name: str) -> str:
    return pl.escape_regex(msgspec.json.encode(name).decode())


def _pattern(name: str) -> str:
    return rf"{_key(name)}\s*:\s*{_VALUE}"


def _flat(objects: pl.Series) -> pl.Series:
    # Looking for a text costs a tenth of looking for an expression.
    return ~(objects.str.slice(1).str.contains("{", literal=True) | objects.str.contains("\\", literal=True))


def _without(objects: pl.Series, name: str) -> pl.Series:
    may = holding(objects, name)
    if not may.any():
        return objects
    simple = may & _flat(objects) & ~objects.str.contains("[", literal=True)
    found = rf"\s*{_pattern(name)}"
    cut = objects.str.replace(f",{found}", "").str.replace(rf"\{{{found},?", "{")
    changed = cut.zip_with(simple, objects)
    rows = (may & ~simple).arg_true()
    if rows.is_empty():
        return changed
    return changed.scatter(rows, [_taken_out(text, name) for text in objects.gather(rows)])


def _found(text: str, name: str) -> str | None:
    value = _inside(_OBJECT.decode(text or _EMPTY), name)
    return None if value is None else value.decode()


def _compact(text: str) -> str:
    return msgspec.json.format(text, indent=-1)


def _inside(row: Mapping[str, msgspec.Raw], name: str) -> bytes | None:
    """What is under a dotted name, spelt so or nested."""
    own = bytes(row.get(name, b""))
    if own and own != b"null" and not own.startswith(b"{"):
        return own
    for beginning, rest in _splits(name):
        inner = bytes(row.get(beginning, b""))
        value = _inside(_OBJECT.decode(inner), rest) if inner.startswith(b"{") else None
        if value is not None and value != b"null":
            return value
    return own or None


def _taken_out(text: str, name: str) -> str:
    row = _OBJECT.decode(text or _EMPTY)
    return _ENCODE(_removed(row, name)).decode()


def _removed(row: _Object, name: str) -> _Object:
    if name in row:
        return {key: value for key, value in row.items() if key != name}
    for beginning, rest in _splits(name):
        inner = bytes(row.get(beginning, b""))
        if inner.startswith(b"{"):
            less = _removed(_OBJECT.decode(inner), rest)
            return {**row, beginning: msgspec.Raw(_ENCODE(less))}
    return row


def _splits(name: str) -> list[tuple[str, str]]:
    """Every way of parting a dotted name in two."""
    places = [place for place, letter in enumerate(name) if letter == "."]
    return [(name[:place], name[place + 1 :]) for place in places]


def _clashes(outer: pl.Series, inner: pl.Series) -> pl.Series:
    """Where a name of the outer object may be one of the inner, too: by the names of all of them."""
    found = outer.filter(outer != _EMPTY).str.extract_all(_KEY).explode().drop_nulls().unique()
    if not found.len():
        return pl.Series([False]).new_from_index(0, inner.len())
    return inner.str.contains_any(found.to_list())
