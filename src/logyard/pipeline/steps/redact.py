"""Mask what must not be stored."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import TEXT_COLUMNS
from logyard.registry import component

__all__ = ["Redact", "RedactConfig"]


class RedactConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pattern``: regular expression (RE2 syntax, linear time). ``columns``: text columns of the schema it is sought
    in.

    ``replacement``: what stands for a match; ``$1`` is its first group.
    """

    pattern: str
    replacement: str = "***"
    columns: tuple[str, ...] = ("message",)


@component("redact", config=RedactConfig, example=r"pattern = '\b\d{13,16}\b'")
class Redact:
    """Replace what matches a regular expression."""

    def __init__(self, config: RedactConfig) -> None:
        """Raises ``BadConfig`` for a pattern that cannot be read or a column that holds no text."""
        unknown = set(config.columns) - set(TEXT_COLUMNS)
        if unknown:
            raise BadConfig(f"{min(unknown)!r} is no text column; there are: {', '.join(TEXT_COLUMNS)}", path="columns")
        try:
            pl.Series([""]).str.contains(config.pattern)
        except pl.exceptions.ComputeError as error:
            raise BadConfig(f"cannot read {config.pattern!r}: {error}", path="pattern") from error
        self._change = [pl.col(name).str.replace_all(config.pattern, config.replacement) for name in config.columns]

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records, masked."""
        return frame.with_columns(self._change)
