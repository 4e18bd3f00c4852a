"""Mask what must not be stored."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import TEXT_COLUMNS
from logyard.pipeline.redaction.mask import Mode, masked, replacer
from logyard.pipeline.redaction.rules import chosen, find
from logyard.registry import component

__all__ = ["Redact", "RedactConfig"]


class RedactConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pattern``: regular expression (RE2 syntax, linear time). ``columns``: text columns of the schema it is sought
    in.

    ``replacement``: what stands for a match; with ``pattern``, ``$1`` is its first group. ``rules``: names or kinds of
    the rules in pipeline/redaction/rules.toml, or ``all``: cards, IBANs, e-mail, phone numbers, IP addresses, tokens,
    passwords, keys. ``mode``: what the rules do: ``mask`` puts the replacement, ``partial`` leaves the last four
    characters of twelve and more, ``hash`` puts a keyed hash, so that equal secrets stay equal; it needs ``key``.
    """

    pattern: str = ""
    replacement: str = "***"
    columns: tuple[str, ...] = ("message",)
    rules: tuple[str, ...] = ()
    mode: Mode = "mask"
    key: str = ""


@component("redact", config=RedactConfig, example='rules = ["all"]\nmode = "partial"\n')
class Redact:
    """Replace what matches a regular expression, or what rules find: cards, addresses, passwords, keys."""

    def __init__(self, config: RedactConfig) -> None:
        """Raises ``BadConfig`` for a pattern or a rule that cannot be used, or a column that holds no text."""
        unknown = set(config.columns) - set(TEXT_COLUMNS)
        if unknown:
            raise BadConfig(f"{min(unknown)!r} is no text column; there are: {', '.join(TEXT_COLUMNS)}", path="columns")
        if not config.pattern and not config.rules:
            raise BadConfig("say a pattern, or rules", path="rules")
        if config.mode == "hash" and not config.key:
            raise BadConfig("a hash needs a key, for secrets that are short can be tried out", path="key")
        try:
            pl.Series([""]).str.contains(config.pattern)
        except pl.exceptions.ComputeError as error:
            raise BadConfig(f"cannot read {config.pattern!r}: {error}", path="pattern") from error
        self._change = [
            pl.col(name).str.replace_all(config.pattern, config.replacement)
            for name in config.columns
            if config.pattern
        ]
        self._columns = config.columns
        self._rules = chosen(config.rules)
        self._replace = replacer(config.mode, config.replacement, config.key)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records, masked."""
        frame = frame.with_columns(self._change)
        if not self._rules:
            return frame
        return frame.with_columns(
            masked(frame[name], find(frame[name], self._rules), self._replace).alias(name) for name in self._columns
        )
