"""Set fields."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import first_of, read_filter
from logyard.pipeline.fields import Scalar, check_settable, literal, text, with_json
from logyard.registry import component

__all__ = ["Set", "SetConfig", "SetRule"]

_UNSET: Final = -1


class SetRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter. ``fields``: what the records that match get."""

    fields: dict[str, Scalar]
    where: str = "*"


class SetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fields``: names and new values, columns and attributes alike; ``level`` takes any spelling of a level.
    ``where``: LogsQL filter of the records. ``column`` and ``value``: the same for one field.

    ``rules``: instead, a table of ``where`` and ``fields`` for each case; of those that match a record only the first
    counts. ``missing``: set only what a record does not have.
    """

    column: str = ""
    value: str = ""
    where: str = "*"
    fields: dict[str, Scalar] = {}
    rules: tuple[SetRule, ...] = ()
    missing: bool = False


_EXAMPLE = """\
[[rules]]
where = "status_code:>=500"
fields = { status_category = "server_error", level = "ERROR" }

[[rules]]
where = "status_code:>=400"
fields = { status_category = "client_error" }
"""


@component("set", config=SetConfig, example=_EXAMPLE)
class Set:
    """Set fields of the records that match a filter, or of each by the first rule that matches it."""

    def __init__(self, config: SetConfig) -> None:
        """Raises ``BadConfig`` for a filter that cannot be read or a field that cannot be set."""
        fields = {**config.fields, **({config.column: config.value} if config.column else {})}
        single = [SetRule(fields=fields, where=config.where)] if fields else []
        rules = [*single, *config.rules]
        if not rules:
            raise BadConfig("say what is set: fields, or rules", path="fields")
        if single and config.rules:
            raise BadConfig("either fields or rules, not both", path="rules")
        check_settable([name for rule in rules for name in rule.fields], "fields")
        self._first = first_of([read_filter(rule.where) for rule in rules])
        self._values = _by_field(rules)
        self._missing = config.missing

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        first = self._first(frame)
        if first.null_count() == first.len():
            return frame
        chosen = first.cast(pl.Int32).fill_null(_UNSET)
        for name, values in self._values.items():
            new = chosen.replace_strict(values, default=None, return_dtype=pl.String)
            if self._missing:
                new = new.set(text(frame, name) != "", None)
            frame = with_json(frame, name, new)
        return frame


def _by_field(rules: Sequence[SetRule]) -> Mapping[str, Mapping[int, str]]:
    """For each field the JSON text of its value by the number of the rule."""
    names = dict.fromkeys(name for rule in rules for name in rule.fields)
    return {
        name: {number: literal(rule.fields[name]) for number, rule in enumerate(rules) if name in rule.fields}
        for name in names
    }
