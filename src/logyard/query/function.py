"""What every function of ``stats`` is: rows into one value, in the engine or in memory.

A function is one file of ``functions/``. ``sql`` gives an aggregate expression, or None when it must run in
memory; ``fold`` gives the value for the rows of one group. Tests hold the two equal. A function without names
of fields reads all fields.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import polars as pl

from logyard.language.parser import Parser
from logyard.query.stage import Cell, Stage
from logyard.query.table import text
from logyard.query.wildcards import is_wildcard, names_text, read_wildcard, select

__all__ = ["Aggregate", "Function", "component", "read_arguments"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Where an aggregate stands: its stage, and the condition of ``if (...)``, "" for none."""

    stage: Stage
    condition: str = ""

    def of(self, function: str, *arguments: str) -> str:
        """The aggregate function of these arguments, only of rows for which the condition holds."""
        listed = ", ".join(arguments)
        name, opening, parameters = function.partition("(")
        if not self.condition:
            return f"{function}({listed})"
        both = f"{listed}, {self.condition}" if listed else self.condition
        return f"{name}If{opening}{parameters}({both})"


@dataclass(frozen=True, slots=True)
class Function(ABC):
    """Rows into one value. ``fields`` are names or beginnings of names; none are all fields."""

    fields: tuple[str, ...] = ()

    name: ClassVar[str] = ""
    numeric: ClassVar[bool] = True
    """The value is a number."""
    ordered: ClassVar[bool] = False
    """The value depends on the order of the rows."""

    def __str__(self) -> str:
        """``sum(a, b*)``; also the name of the result when none is given."""
        return f"{self.name}({names_text(self.fields)})"

    @abstractmethod
    def sql(self, at: Aggregate) -> str | None:
        """The value as text: an aggregate expression."""

    @abstractmethod
    def fold(self, rows: pl.DataFrame) -> str:
        """The value for these rows."""

    @property
    def counts_rows(self) -> bool:
        """Whether it looks into no field at all."""
        return False

    def cells(self, stage: Stage) -> Sequence[Cell] | None:
        """The fields in the engine; None where not all of them are known by name."""
        if not self.fields or any(map(is_wildcard, self.fields)):
            if stage.open:
                return None
            names = select(self.fields or ("*",), stage.cells)
            return [stage.cell(name) for name in names]
        return [stage.cell(name) for name in dict.fromkeys(self.fields)]

    def columns(self, rows: pl.DataFrame) -> Sequence[pl.Series]:
        """The fields in memory."""
        names: dict[str, None] = {}
        for field in self.fields or ("*",):
            names.update(dict.fromkeys(select([field], rows.columns) if is_wildcard(field) else [field]))
        return [text(rows, name) for name in names]


Node = TypeVar("Node", bound=Function)


def component(name: str) -> Callable[[type[Node]], type[Node]]:
    """Mark the function class of a file; ``name`` is the file's name and the function's."""

    def mark(node: type[Node]) -> type[Node]:
        node.name = name
        return node

    return mark


def read_arguments(parser: Parser, *, at_least: int = 0, wildcards: bool = True) -> tuple[str, ...]:
    """``(a, b*)``; ``(*)`` and ``()`` are no names: all fields."""
    at = parser.token
    parser.expect("(")
    names: list[str] = []
    while not parser.take(")"):
        names.append(read_wildcard(parser))
        if not parser.take(","):
            parser.expect(")")
            break
    if len(names) < at_least or (not wildcards and any(map(is_wildcard, names))):
        raise parser.fail("this function needs names of fields, without '*'", at=at)
    return () if "*" in names else tuple(names)
