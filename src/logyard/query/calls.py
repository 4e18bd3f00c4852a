"""Calls of functions in ``stats``: ``count() if (error) as errors``."""

import importlib
import pkgutil
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, cast

from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query import functions
from logyard.query.function import Aggregate, Function
from logyard.query.listing import read_field
from logyard.query.sql import condition
from logyard.query.stage import Stage

__all__ = ["Call", "function_classes", "read_calls"]


class _Readable(Protocol):
    @classmethod
    def parse(cls, parser: Parser) -> Function: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One function and the name of its result; ``condition`` chooses the rows."""

    function: Function
    name: str
    condition: Filter | None = None

    def __str__(self) -> str:
        """``count() if (error) as errors``."""
        chosen = f" if ({self.condition})" if self.condition is not None else ""
        return f"{self.function}{chosen} as {quote_if_needed(self.name)}"

    def sql(self, stage: Stage) -> str | None:
        """The result in the engine; None for a function that runs in memory. May raise ``NotInEngine``."""
        # Inside an aggregate no index helps, and what an index answers is slow to compute.
        chosen = "" if self.condition is None else condition(self.condition, replace(stage, indexed=False))
        return self.function.sql(Aggregate(stage, chosen))


@cache
def function_classes() -> dict[str, type[Function]]:
    """Every function, by its name, which is that of its file."""
    found: dict[str, type[Function]] = {}
    for module in pkgutil.iter_modules(functions.__path__):
        loaded = importlib.import_module(f"{functions.__name__}.{module.name}")
        for each in vars(loaded).values():
            if isinstance(each, type) and each.__module__ == loaded.__name__ and issubclass(each, Function):
                found[each.name] = each
    return found


def read_calls(parser: Parser) -> tuple[Call, ...]:
    """At least one call."""
    calls = [_read_call(parser)]
    while parser.take(","):
        calls.append(_read_call(parser))
    return tuple(calls)


def _read_call(parser: Parser) -> Call:
    at = parser.token
    found = function_classes().get(at.keyword)
    if found is None:
        raise parser.fail("there is no such function of stats", at=at)
    parser.advance()
    function = cast("type[_Readable]", found).parse(parser)
    chosen = None
    if parser.take("if"):
        parser.expect("(")
        chosen = parser.parse_filter()
        parser.expect(")")
    if parser.take("as") or not (parser.at_end or parser.at(",", "|", ")")):
        return Call(function, read_field(parser, "a name for the result"), chosen)
    return Call(function, f"{function} if ({chosen})" if chosen is not None else str(function), chosen)
