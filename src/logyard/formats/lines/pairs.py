"""Key-value pairs in a text, as logfmt, auditd, netfilter, CEF and their like write them, all lines at once."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from logyard.formats.lines.fields import quoted

__all__ = ["MARKED", "PAIR", "found_pairs", "marked", "pair_objects", "renamed"]

PAIR: Final = (
    r"""(?P<key>[A-Za-z_@][\w.@/-]*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"',;]*))"""
)
"""``key=value`` with or without quotes. An expression may have these groups; only ``key`` must be there."""

MARKED: Final = r"\x1f(?P<key>[^\x1e\x1f]+)\x1e(?P<bare>[^\x1f]*)"
"""A pair as ``marked`` leaves it."""

_NUMBER: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"
_VALUES: Final = ("quoted", "single", "bare")


def marked(texts: pl.Series) -> pl.Series:
    """Texts in which a value runs to the next key, blanks and all (CEF), with a mark before and after each key; what a
    backslash stands before is no mark.
    """
    plain = texts.str.replace_all(r"\\=", "\x1d")
    keyed = plain.str.replace_all(r"(?:^|\s+)([\w.\-\[\]]+)=", "\x1f${1}\x1e")
    return keyed.str.replace_all("\x1d", "=", literal=True).str.replace_all(r"\\([\\|])", "${1}")


def found_pairs(texts: pl.Series, regex: str = PAIR) -> pl.DataFrame:
    """Columns ``row``, ``key``, ``value`` and ``is_quoted``, in their order; of a key that comes twice in a row the
    last.
    """
    listed = pl.DataFrame({"text": texts}).with_row_index("row").select("row", pl.col("text").str.extract_all(regex))
    flat = listed.explode("text").drop_nulls("text")
    table = flat.with_columns(pl.col("text").str.extract_groups(regex)).unnest("text")
    for name in _VALUES:
        if name not in table.columns:
            table = table.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    plain = pl.col("quoted").str.replace_all(r"\\n", "\n").str.replace_all(r"\\t", "\t").str.replace_all(r"\\(.)", "$1")
    table = table.select(
        "row",
        "key",
        pl.coalesce(plain, "single", "bare").fill_null("").alias("value"),
        pl.coalesce("quoted", "single").is_not_null().alias("is_quoted"),
    )
    return table.unique(["row", "key"], keep="last", maintain_order=True)


def pair_objects(table: pl.DataFrame, rows: int, *, typed: bool = True) -> pl.Series:
    """What ``found_pairs`` found as one JSON object a row, without braces; null for a row without pairs. ``typed``:
    numbers and truth values without quotes are such.
    """
    values = quoted(table["value"])
    if typed:
        bare = ~table["is_quoted"] & (table["value"].str.contains(_NUMBER) | table["value"].is_in(["true", "false"]))
        values = pl.select(pl.when(bare).then(table["value"]).otherwise(values)).to_series()
    parts = pl.DataFrame({"row": table["row"], "part": pl.select(quoted(table["key"]) + ":" + values).to_series()})
    joined = parts.group_by("row", maintain_order=True).agg(pl.col("part").str.join(","))
    every = pl.DataFrame({"row": pl.Series(range(rows), dtype=joined.schema["row"])})
    return every.join(joined, on="row", how="left", maintain_order="left")["part"]


def renamed(table: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """With the keys of ``names`` under their new names; a new name "" drops the pair."""
    if not names:
        return table
    return table.with_columns(pl.col("key").replace(dict(names))).filter(pl.col("key") != "")
