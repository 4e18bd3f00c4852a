"""Keep records by a regular expression."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import condition
from logyard.pipeline.fields import text
from logyard.registry import component

__all__ = ["Filter", "FilterConfig"]


class FilterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pattern``: regular expression (RE2 syntax, linear time); what it is found in stays. ``exclude``: another; what
    it is found in goes. ``field``: where both are sought. ``where``: LogsQL filter that must match as well.
    """

    pattern: str = ""
    exclude: str = ""
    field: str = "message"
    where: str = "*"


@component("filter", config=FilterConfig, example="pattern = 'order \\d+'\nexclude = '(?i)health.?check'\n")
class Filter:
    """Keep the records that regular expressions and a filter let through."""

    def __init__(self, config: FilterConfig) -> None:
        """Raises ``BadConfig`` for an expression or a filter that cannot be read."""
        for path in ("pattern", "exclude"):
            pattern: str = getattr(config, path)
            try:
                pl.Series([""]).str.contains(pattern)
            except pl.exceptions.ComputeError as error:
                raise BadConfig(f"cannot read {pattern!r}: {error}", path=path) from error
        if not (config.pattern or config.exclude or config.where not in {"", "*"}):
            raise BadConfig("say a pattern, what to exclude, or a filter", path="pattern")
        self._config = config
        self._matches = condition(config.where)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that stay."""
        stay = self._matches(frame)
        texts = text(frame, self._config.field)
        if self._config.pattern:
            stay &= texts.str.contains(self._config.pattern)
        if self._config.exclude:
            stay &= ~texts.str.contains(self._config.exclude)
        return frame.filter(stay)
