"""Mask what must not be stored."""

from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import ATTRIBUTES, TEXT_COLUMNS
from logyard.pipeline.redaction.finding import find
from logyard.pipeline.redaction.mask import KEYED, Mode, masked, masked_json, replacer
from logyard.pipeline.redaction.rules import Rule, chosen
from logyard.registry import component

__all__ = ["Redact", "RedactConfig"]

_COLUMNS: Final = (*TEXT_COLUMNS, ATTRIBUTES)


class RedactConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``rules``: names or kinds of the rules in pipeline/redaction/rules.toml, or ``all``: cards, IBANs, e-mail, phone
    numbers, IP addresses, tokens, passwords, keys. ``columns``: where they are sought: text columns of the schema, and
    ``attributes``, which is every other field of a record at once.

    ``mode``: what becomes of what they find: ``mask`` puts the replacement, ``partial`` leaves the last four characters
    of twelve and more, ``hash`` puts a keyed hash, so that equal secrets stay equal, ``token`` the same with the rule's
    kind in front, ``remove`` takes it out, ``drop`` leaves out the record. ``hash`` and ``token`` need ``key``.

    ``pattern``: a regular expression of one's own (RE2 syntax, linear time), sought in the text columns among
    ``columns``; every match becomes ``replacement``, in which ``$1`` is its first group.
    """

    pattern: str = ""
    replacement: str = "***"
    columns: tuple[str, ...] = ("message", ATTRIBUTES)
    rules: tuple[str, ...] = ()
    mode: Mode = "mask"
    key: str = ""


@component("redact", config=RedactConfig, example='rules = ["all"]\nmode = "partial"\n')
class Redact:
    """Replace what rules find, or a regular expression matches: cards, addresses, passwords, keys."""

    def __init__(self, config: RedactConfig) -> None:
        """Raises ``BadConfig`` for a pattern or a rule that cannot be used, or a column that holds no text."""
        _check(config)
        self._change = [
            pl.col(name).str.replace_all(config.pattern, config.replacement)
            for name in config.columns
            if config.pattern and name != ATTRIBUTES
        ]
        self._columns = config.columns
        self._rules: tuple[Rule, ...] = chosen(config.rules)
        kinds = {rule.name: rule.kind.removeprefix("secret:") for rule in self._rules}
        self._replace = replacer(config.mode, config.replacement, config.key, kinds=kinds)
        self._drops = config.mode == "drop"

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records, masked; with ``drop`` those in which nothing was found."""
        frame = frame.with_columns(self._change)
        if not self._rules:
            return frame
        found = {name: find(frame[name], self._rules) for name in self._columns}
        if self._drops:
            rows = pl.concat([each["row"] for each in found.values()]).unique()
            places = pl.Series(range(frame.height), dtype=pl.UInt32)
            return frame.filter(~places.is_in(rows.implode()))
        return frame.with_columns(
            (masked_json if name == ATTRIBUTES else masked)(frame[name], spans, self._replace).alias(name)
            for name, spans in found.items()
        )


def _check(config: RedactConfig) -> None:
    unknown = set(config.columns) - set(_COLUMNS)
    if unknown:
        raise BadConfig(f"{min(unknown)!r} is no text column; there are: {', '.join(_COLUMNS)}", path="columns")
    if not config.pattern and not config.rules:
        raise BadConfig('say what is looked for: a pattern, or rules, as rules = ["all"]', path="rules")
    if config.mode in KEYED and not config.key:
        raise BadConfig(f"a {config.mode} needs a key, for secrets that are short can be tried out", path="key")
    try:
        pl.Series([""]).str.contains(config.pattern)
    except pl.exceptions.ComputeError as error:
        raise BadConfig(f"cannot read {config.pattern!r}: {error}", path="pattern") from error
