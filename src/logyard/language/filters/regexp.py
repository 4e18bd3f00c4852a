"""``field:~"foo|bar"``, ``re("foo|bar")``: the regular expression (RE2 syntax) is found in the value."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.errors import BadQuery
from logyard.language.ast import All, FieldFilter, Filter, component
from logyard.language.parser import Parser
from logyard.language.patterns import check_pattern, contains, rust_pattern
from logyard.language.quoting import quote_if_needed
from logyard.language.view import View

__all__ = ["Regexp"]

_ANYTHING: Final = frozenset({"", ".*"})


@component("regexp", words=("~", "=~", "re"))
@dataclass(frozen=True, slots=True)
class Regexp(FieldFilter):
    """A regular expression that is valid and does not match everything."""

    pattern: str

    @classmethod
    def parse(cls, parser: Parser, field: str) -> Filter | None:
        """``~foo`` or ``re(foo)``."""
        word = parser.previous is not None and parser.previous.keyword == "re"
        if word and not parser.take("("):
            return None
        at = parser.token
        if at.keyword == "*":
            raise parser.fail("missing a regular expression")
        pattern = parser.argument() if word else parser.word()
        if word:
            parser.expect(")")
        try:
            check_pattern(pattern)
        except BadQuery as problem:
            raise parser.fail(problem.reason, at=at) from problem
        return All() if pattern in _ANYTHING else cls(field, pattern)

    def __str__(self) -> str:
        """``field:~"foo|bar"``."""
        return f"{self.prefix()}~{quote_if_needed(self.pattern)}"

    def match(self, view: View) -> pl.Series:
        """Anywhere in the value; the engine's time is linear in its length."""
        return contains(view.text(self.field), rust_pattern(self.pattern))
