"""A step of a query on its way into the engine: where rows come from, and what each field is there.

A stage is a SELECT that is not written yet: a source, conditions, an order, and for each field of the query
language the expression that gives it (a ``Cell``). A pipe makes a new stage out of one. The fields are *open*
while the stage still stands on stored records (``names`` finds any field by its name) and *closed* once a pipe
has said which fields there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from logyard.query.expressions import EMPTY, conjunction
from logyard.query.wildcards import matches

__all__ = ["NOTHING", "Cell", "Names", "Stage"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A field as expressions of SQL."""

    text: str
    """String; '' for nothing."""
    json: str = ""
    """String: the value as attributes are stored, where that says more than the text; "" where it does not."""
    instant: str = ""
    """DateTime64(9), where the field is a time."""
    whole: str = ""
    """Int64, where the field is a whole number of ours: compared without rounding."""
    numeric: bool = False
    """The text is always a number: a result of ``stats``."""
    attribute: str = ""
    """The attribute's name, where it is just a stored one."""


NOTHING = Cell(EMPTY)
"""A field that is nowhere."""


class Names(Protocol):
    """How the fields of stored records are called in a dialect."""

    def cell(self, name: str) -> Cell:
        """Any field, by its name."""
        ...

    def columns(self) -> tuple[str, ...]:
        """Fields that stand in columns of their own: attributes are the others."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """A SELECT that is not written yet."""

    source: str
    """A table or a parenthesized sub-select."""
    names: Names | None
    """None: ``cells`` are all fields there are."""
    cells: Mapping[str, Cell] = field(default_factory=dict)
    """Fields that are not what ``names`` says."""
    only: tuple[str, ...] | None = None
    """Of the fields that ``names`` finds, those that fit one of these (``a``, ``a*``); None for all."""
    hidden: tuple[str, ...] = ()
    """Fields that ``names`` would find, and that have been removed: ``a``, ``a*``."""
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    indexed: bool = False
    """The source is the table itself, with its indexes."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields: ``_msg`` for ``message``."""
    stored: bool = False
    """Each row is a stored record, with its columns."""
    depth: int = 0
    """Sub-selects so far; keeps names of computed columns apart."""

    @property
    def open(self) -> bool:
        """Whether rows may have fields that the stage does not know by name."""
        return self.names is not None

    @property
    def cut(self) -> bool:
        """Whether rows have been counted off, so that a condition must come in a SELECT around this one."""
        return self.limit is not None or self.offset > 0

    def cell(self, name: str) -> Cell:
        """A field; "" is the message."""
        name = self.canonical(name)
        found = self.cells.get(name)
        if found is not None:
            return found
        if self.names is None or not self.visible(name):
            return NOTHING
        return self.names.cell(name)

    def canonical(self, name: str) -> str:
        """The name that a field goes by here."""
        return self.aliases.get(name or "_msg", name or "_msg")

    def text(self, name: str) -> str:
        """A field's text."""
        return self.cell(name).text

    def visible(self, name: str) -> bool:
        """Whether a field of the stored record has been neither removed nor left out."""
        kept = self.only is None or any(matches(pattern, name) for pattern in self.only)
        return kept and not any(matches(pattern, name) for pattern in self.hidden)

    def having(self, *conditions: str) -> "Stage":
        """The rows for which the conditions, on this stage's expressions, hold."""
        below = self.nested() if self.cut else self
        return replace(below, where=(*below.where, *conditions))

    def with_cells(self, cells: Mapping[str, Cell]) -> "Stage":
        """The same rows with further or other fields."""
        named = {self.canonical(name): cell for name, cell in cells.items()}
        return replace(self, cells={**self.cells, **named})

    def closed(self, cells: Mapping[str, Cell]) -> "Stage":
        """The same rows with these fields only."""
        named = {self.canonical(name): cell for name, cell in cells.items()}
        return replace(self, names=None, cells=named, only=None, hidden=())

    def nested(self, computed: Mapping[str, str] | None = None) -> "Stage":
        """A SELECT around this one, which finds all its columns and the ``computed`` ones (name to expression).

        What was counted off in an order keeps it: the engine promises no order of a sub-select's rows.
        """
        extra = "".join(f", {expression} AS {name}" for name, expression in (computed or {}).items())
        return replace(
            self,
            source=f"({self.select('*' + extra)})",
            where=(),
            order=self.order if self.cut else (),
            limit=None,
            offset=0,
            indexed=False,
            depth=self.depth + 1,
        )

    def select(self, columns: str, *, group: str = "") -> str:
        """The SELECT of these columns."""
        parts = [f"SELECT {columns} FROM {self.source}{conjunction(self.where)}{group}"]
        if self.order:
            parts.append(f" ORDER BY {', '.join(self.order)}")
        if self.limit is not None:
            parts.append(f" LIMIT {self.limit}")
        if self.offset:
            parts.append(f" OFFSET {self.offset}")
        return "".join(parts)

    def grouped(self, columns: Mapping[str, str], by: tuple[str, ...]) -> str:
        """A sub-select of one row a group: the columns (name to expression), grouped by the expressions ``by``."""
        below = self.nested() if self.cut else replace(self, order=())
        listed = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
        group = f" GROUP BY {', '.join(by)}" if by else ""
        return f"({below.select(listed, group=group)})"
