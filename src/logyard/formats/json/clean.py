"""Whether lines are JSON objects with nothing unusual about any of them, seen without making an object of one."""

from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.line import OBJECT, SUSPECT_NUMBER, LineLimits

__all__ = ["clean_rows"]

_SMALL: Final = 1 << 15
"""Bytes from which the vectorized look is cheaper than the plain one."""

# A run of 200 digits holds ten digits at a stride of twenty.
_STRIDE: Final = 20
_DIGITS: Final = bytes(ord("0") if chr(code) in "0123456789" else ord(" ") for code in range(256))
_RUN: Final = b"0" * 10


def clean_rows(lines: bytes, limits: LineLimits) -> int:
    """How many lines there are if nothing is unusual about any of them, else 0; 0, too, for a few lines.

    As many values as lines, each line beginning with ``{`` and ending with ``}``, means one object a line:
    between ``}`` and ``{`` a newline cannot be inside a value.
    """
    if len(lines) < _SMALL:
        return 0
    try:
        text = pl.Series([lines], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return 0  # invalid UTF-8
    line = pl.col("line")
    framed = (
        pl.DataFrame({"line": text.str.split("\n").explode(empty_as_null=True)})
        .select(
            pl.len().alias("rows"),
            (line.str.starts_with("{") & line.str.ends_with("}")).all().alias("objects"),
            line.str.len_bytes().max().alias("longest"),
        )
        .row(0, named=True)
    )
    if not framed["objects"] or framed["longest"] > min(limits.inspect_bytes, limits.line_bytes):
        return 0
    if _RUN in lines[::_STRIDE].translate(_DIGITS) or text.str.contains(SUSPECT_NUMBER)[0]:
        return 0
    try:
        values = len(OBJECT.decode_lines(lines))
    except (msgspec.DecodeError, RecursionError):
        return 0
    return values if values == framed["rows"] else 0
